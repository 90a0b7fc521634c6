// SPDX-License-Identifier: Apache-2.0
/* Captions are read back word by word and held against the picture's description: whatever a
 * caption mentions must be so, and every word must be one that the reader knows. The reader knows
 * phrases and what they claim, not the writer's templates. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "caption_claims.h"
#include "scene/scene.h"
#include "set/dataset.h"
#include "support/check.h"

enum { WORDS = 100, PICTURES = 12000 };

struct sentence {
    char raw[CAPTION_MAX], text[CAPTION_MAX * 2];
    char *word[WORDS];
    bool read[WORDS], ends[WORDS]; /* ends: a comma or full stop follows */
    int n;
};

static void sentence_read(struct sentence *s, const char *raw)
{
    char *rest = NULL, *out = s->text;
    snprintf(s->raw, sizeof s->raw, "%s", raw);
    for (const char *c = raw; *c; c++) {
        if (*c == ':')
            *out++ = ' ';
        *out++ = *c == '.' ? ',' : (char)tolower((unsigned char)*c);
    }
    *out = 0;
    s->n = 0;
    for (char *w = strtok_r(s->text, " ", &rest); w && s->n < WORDS;
         w = strtok_r(NULL, " ", &rest)) {
        char *comma = strchr(w, ',');
        s->read[s->n] = false;
        s->ends[s->n] = comma != NULL;
        if (comma)
            *comma = 0;
        s->word[s->n++] = w;
    }
}

/* A caption of a record, as sets write them. */
static struct picture caption_read(struct sentence *s, const struct dataset *d, long index)
{
    struct picture p[RECORD_PICTURES];
    char text[CAPTION_MAX];
    record_make(d, index, p);
    caption_write(&p[0], p[0].seed, text, sizeof text);
    sentence_read(s, text);
    return p[0];
}

static struct picture portrait(uint64_t seed)
{
    struct picture p = {.people = 1, .seed = seed};
    struct look k = look_make(seed, -1);
    p.person[0] = (struct person){identity_make(seed, k.gender), k, shot_make(seed, 0.35f)};
    return p;
}

/* ---- reading ---- */

static bool claim_true(const struct claim *c, const char *tint, const struct person *p)
{
    struct picture alone = {.people = 1, .person = {*p}};
    int of = claim_tint(c);
    if (tint && strcmp(tint, classes[of].names[picture_class(&alone, of)]) != 0)
        return false;
    if (c->holds && !c->holds(p))
        return false;
    if (c->class == CLAIM_HIGH || c->class == CLAIM_LOW)
        return p->id.g[c->values] * (c->class == CLAIM_HIGH ? 1.0f : -1.0f) > 0.6f;
    return c->values == 0 || c->values >> picture_class(&alone, c->class) & 1;
}

/* Words that the claim takes at word i, 0 when it is not there; *tint: the colour word, if any. */
static int claim_at(const struct claim *c, const struct sentence *s, int i, const char **tint)
{
    char phrase[64], *rest = NULL;
    int n = i;
    snprintf(phrase, sizeof phrase, "%s", c->phrase);
    *tint = NULL;
    for (char *w = strtok_r(phrase, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        const char *colour = n < s->n && !s->read[n] ? colour_named(s->word[n]) : NULL;
        if (strcmp(w, "~") == 0) {
            *tint = colour && !s->ends[n] ? colour : NULL;
            n += *tint != NULL;
            continue;
        }
        if (n >= s->n || s->read[n] || strcmp(s->word[n], w) != 0 || (n > i && s->ends[n - 1]))
            return 0;
        n++;
    }
    return n - i;
}

/* True of one of the people from..to (in left-to-right order). */
static bool true_of_any(
    const struct claim *c, const char *tint, const struct person *const *who, int from, int to)
{
    for (int i = from; i <= to; i++)
        if (claim_true(c, tint, who[i]))
            return true;
    return false;
}

/* "30", "30-year-old", "70s", "seventies" */
static bool number_true(const char *word, const struct person *p)
{
    static const char *const decades[] = {"twenties", "thirties",  "forties", "fifties",
                                          "sixties",  "seventies", "eighties"};
    for (size_t i = 0; i < COUNT_OF(decades); i++)
        if (strcmp(word, decades[i]) == 0)
            return p->look.years / 10 == (int)i + 2;
    int n = (int)strtol(word, NULL, 10);
    return word[strlen(word) - 1] == 's' ? p->look.years / 10 == n / 10 : p->look.years == n;
}

static bool is_number(const char *word)
{
    size_t n = strlen(word);
    return (isdigit((unsigned char)word[0]) && strcmp(word, "3d") != 0) ||
           (n > 4 && strcmp(word + n - 4, "ties") == 0);
}

/* Reads the words first..last, which speak of the people from..to. */
static void read_part(struct sentence *s,
                      int first,
                      int last,
                      const struct person *const *who,
                      int from,
                      int to,
                      int *said)
{
    for (int k = 0; k < claim_count; k++)
        for (int i = first; i <= last; i++) {
            const char *tint;
            int n = claim_at(&claims[k], s, i, &tint);
            if (!n)
                continue;
            said[k]++;
            if (!true_of_any(&claims[k], tint, who, from, to))
                fail_msg("'%s' is false in: %s", claims[k].phrase, s->raw);
            for (int j = 0; j < n; j++)
                s->read[i + j] = true;
        }
    for (int i = first; i <= last; i++) {
        bool right = false;
        if (s->read[i] || !is_number(s->word[i]))
            continue;
        for (int k = from; k <= to; k++)
            right |= number_true(s->word[i], who[k]);
        if (!right)
            fail_msg("'%s' is false in: %s", s->word[i], s->raw);
        s->read[i] = true;
    }
}

static void all_words_known(const struct sentence *s)
{
    for (int i = 0; i < s->n; i++)
        if (!s->read[i] && !word_neutral(s->word[i]))
            fail_msg("unknown word '%s' in: %s", s->word[i], s->raw);
}

static void all_claims_said(const int *said)
{
    for (int k = 0; k < claim_count; k++)
        if (!said[k])
            fail_msg("no caption says '%s'", claims[k].phrase);
}

static void every_word_of_a_caption_is_true(void **state)
{
    (void)state;
    static int said[CLAIMS_MOST];
    assert_true(claim_count <= CLAIMS_MOST);
    /* three ways of framing: portraits, faces of all sizes turned far, the aligned kind */
    static const int kinds[] = {KIND_PORTRAIT, KIND_WIDE, KIND_IDENTITY};
    for (long i = 0; i < PICTURES; i++) {
        struct dataset d = {.kind = kinds[i % 3], .shots = 3, .seed = 5, .max_yaw = 60};
        struct sentence s;
        struct picture p = caption_read(&s, &d, i);
        const struct person *who = &p.person[0];
        if (p.people != 1)
            continue;
        read_part(&s, 0, s.n - 1, &who, 0, 0, said);
        all_words_known(&s);
    }
    all_claims_said(said);
}

/* ---- two and three people ---- */

static int count_word(const char *word)
{
    static const char *const words[4][2] = {{"0", "0"}, {"1", "1"}, {"two", "2"}, {"three", "3"}};
    for (int n = 2; n < 4; n++)
        if (strcmp(word, words[n][0]) == 0 || strcmp(word, words[n][1]) == 0)
            return n;
    return 0;
}

/* "two women", "3 people", "two teenage boys"; marks what it read. */
static void read_counts(struct sentence *s, const struct person *const *who, int people)
{
    for (int i = 0; i + 1 < s->n; i++) {
        int n = count_word(s->word[i]), found = 0;
        bool teen = strcmp(s->word[i + 1], "teenage") == 0;
        const struct plural *kind = n ? plural_named(s->word[i + 1 + teen]) : NULL;
        if (!kind)
            continue;
        for (int k = 0; k < people; k++)
            found += (kind->gender < 0 || who[k]->look.gender == kind->gender) &&
                     who[k]->look.years >= (teen ? 14 : kind->years_least) &&
                     who[k]->look.years <= (teen ? 19 : kind->years_most);
        bool between = i > 0 && strcmp(s->word[i - 1], "between") == 0;
        if (between || kind->gender >= 0 ? found < n : n != people || found < n)
            fail_msg("'%s %s' is false in: %s", s->word[i], s->word[i + 1], s->raw);
        for (int j = i; j <= i + 1 + teen; j++)
            s->read[j] = true;
    }
}

/* Which person (from the left) the words at i place: -1 where they place none. */
static int place_at(const struct sentence *s, int i, int people)
{
    static const char *const places[3] = {"left", "middle", "right"};
    if (i + 2 >= s->n || strcmp(s->word[i + 1], "the") != 0)
        return -1;
    for (int k = 0; k < 3; k++)
        if (strcmp(s->word[i], k == 1 ? "in" : "on") == 0 && strcmp(s->word[i + 2], places[k]) == 0)
            return k == 0 ? 0 : k == 1 ? 1 : people - 1;
    return -1;
}

/* Each part of the sentence speaks of the person that its "on the left" names. */
static int read_places(struct sentence *s, const struct person *const *who, int people, int *said)
{
    int from = 0, placed = 0;
    for (int i = 0; i < s->n; i++) {
        int k = place_at(s, i, people), first = from, last = i - 1;
        if (strcmp(s->word[i], ":") == 0) { /* before it: all of them */
            read_part(s, from, i - 1, who, 0, people - 1, said);
            from = i + 1;
        }
        if (k < 0)
            continue;
        if (i + 3 < s->n && strcmp(s->word[i + 3], "is") == 0)
            for (first = i + 3, last = first; last + 1 < s->n && place_at(s, last + 1, people) < 0;)
                last++;
        for (int j = i; j < i + 3; j++)
            s->read[j] = true;
        read_part(s, first, last, who, k, k, said);
        from = i + 3;
        placed++;
    }
    read_part(s, 0, s->n - 1, who, 0, people - 1, said); /* what speaks of all, or of someone */
    return placed;
}

static void groups_are_counted_and_placed_rightly(void **state)
{
    (void)state;
    static int said[CLAIMS_MOST];
    int placed = 0, groups = 0;
    for (long i = 0; i < PICTURES / 2; i++) {
        struct dataset d = {.kind = i % 3 ? KIND_PORTRAIT : KIND_WIDE, .seed = 6, .groups = 1};
        struct sentence s;
        struct picture p = caption_read(&s, &d, i);
        const struct person *who[3];
        for (int k = 0; k < p.people; k++) {
            int j = k;
            for (; j > 0 && who[j - 1]->shot.cx > p.person[k].shot.cx; j--)
                who[j] = who[j - 1];
            who[j] = &p.person[k];
        }
        if (p.people < 2)
            continue;
        read_counts(&s, who, p.people);
        int n = read_places(&s, who, p.people, said);
        assert_true(n == 0 || n == p.people);
        placed += n > 0;
        groups++;
        all_words_known(&s);
    }
    assert_in_range(placed, groups / 4, groups * 3 / 4);
}

/* ---- form ---- */

static void captions_differ_but_follow_from_their_seed(void **state)
{
    (void)state;
    struct picture p = portrait(12);
    char first[CAPTION_MAX], other[CAPTION_MAX];
    int different = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        caption_write(&p, 1, first, sizeof first);
        caption_write(&p, seed + 2, other, sizeof other);
        different += strcmp(first, other) != 0;
        caption_write(&p, 1, other, sizeof other);
        assert_string_equal(first, other);
    }
    assert_true(different > 15);
}

static void articles_fit_the_word_that_follows(void **state)
{
    (void)state;
    for (long k = 0; k < PICTURES; k++) {
        struct dataset d = {.kind = KIND_PORTRAIT, .seed = 7, .groups = 0.3f, .scenes = 0.1f};
        struct sentence s;
        caption_read(&s, &d, k);
        for (int i = 0; i + 1 < s.n; i++) {
            const char *next = s.word[i + 1];
            bool vowel = strchr("aeiou8", next[0]) || strncmp(next, "11", 2) == 0 ||
                         strncmp(next, "18", 2) == 0;
            bool a = strcmp(s.word[i], "a") == 0, an = strcmp(s.word[i], "an") == 0;
            if ((a && vowel) || (an && !vowel) || ((a || an) && next[0] == 'a' && !next[1]))
                fail_msg("wrong article before '%s' in: %s", next, s.raw);
        }
    }
}

/* A text encoder takes 77 tokens; a word is one or two. */
static void captions_fit_a_text_encoder(void **state)
{
    (void)state;
    for (long k = 0; k < PICTURES; k++) {
        struct dataset d = {.kind = KIND_PORTRAIT, .seed = 8, .groups = 0.3f, .scenes = 0.1f};
        struct sentence s;
        caption_read(&s, &d, k);
        assert_in_range(s.n, 1, 58);
        assert_true(strlen(s.raw) < CAPTION_MAX - 2 && !strstr(s.raw, "  "));
        assert_true(!strpbrk(s.raw, "@#*~"));
    }
}

static void scenes_are_named(void **state)
{
    (void)state;
    static const char *const colours[] = {"red",   "blue",  "green",  "yellow", "orange", "pink",
                                          "white", "black", "purple", "brown",  "golden", "grey"};
    for (int scene = 0; scene < SCENE_COUNT; scene++)
        for (uint64_t seed = 0; seed < 60; seed++) {
            struct picture p = {.scene = scene, .seed = seed};
            char text[CAPTION_MAX];
            struct sentence s;
            caption_write(&p, seed, text, sizeof text);
            sentence_read(&s, text);
            if (!scene_named(s.word, s.n, scene))
                fail_msg("scene %s is not in: %s", classes[CLASS_SCENE].names[scene], text);
            const char *detail = scene_detail(scene, seed);
            for (int i = 0; detail && i < s.n; i++)
                for (size_t k = 0; k < COUNT_OF(colours); k++)
                    if (strcmp(s.word[i], colours[k]) == 0 && strcmp(detail, colours[k]) != 0)
                        fail_msg("the scene is %s, which is not in: %s", detail, text);
        }
}

static void a_short_buffer_is_not_overrun(void **state)
{
    (void)state;
    for (size_t size = 1; size < 60; size++) {
        struct picture p = portrait(size);
        char text[64];
        memset(text, '#', sizeof text);
        caption_write(&p, size, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_of_a_caption_is_true),
        cmocka_unit_test(groups_are_counted_and_placed_rightly),
        cmocka_unit_test(captions_differ_but_follow_from_their_seed),
        cmocka_unit_test(articles_fit_the_word_that_follows),
        cmocka_unit_test(captions_fit_a_text_encoder),
        cmocka_unit_test(scenes_are_named),
        cmocka_unit_test(a_short_buffer_is_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
