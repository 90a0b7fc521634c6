// SPDX-License-Identifier: Apache-2.0
/* Describing one person: parts of sentences that mention each topic at most once, and captions of
 * four styles: a few words, phrases between commas, a sentence or two, a list of words.
 */
#include <stdio.h>
#include <string.h>

#include "words.h"

/* tell(), but each topic once. */
static bool tell_once(struct subject *s, enum topic topic, enum manner manner, char *out)
{
    if (s->said[topic] || !tell(s->r, s->p, topic, manner, out))
        return false;
    s->said[topic] = true;
    return true;
}

bool say_told(struct text *t,
              struct subject *s,
              enum topic topic,
              enum manner manner,
              const char *before,
              const char *after)
{
    char word[PHRASE_MAX];
    if (!tell_once(s, topic, manner, word))
        return false;
    text_say(t, before);
    text_say(t, word);
    text_say(t, after);
    return true;
}

/* ---- "@smiling young blonde woman", "@woman in her seventies" ---- */

static void age_words(struct subject *s, char before[PHRASE_MAX], char after[PHRASE_MAX])
{
    static const char *const decades[10] = {NULL,       NULL,      "twenties", "thirties",
                                            "forties",  "fifties", "sixties",  "seventies",
                                            "eighties", NULL};
    static const char *const tens[10] = {NULL,  NULL,  "20s", "30s", "40s",
                                         "50s", "60s", "70s", "80s", NULL};
    const struct look *k = &s->p->look;
    const char *his = k->gender == WOMAN ? "her" : "his";
    int decade = k->years / 10, how = rng_below(s->r, 5);
    if (how < 2 || (how > 3 && decade < 2))
        snprintf(before, PHRASE_MAX, how ? "%d-year-old" : "%d year old", k->years);
    else if (how == 2)
        snprintf(after, PHRASE_MAX, " aged %d", k->years);
    else if (how == 3)
        snprintf(after, PHRASE_MAX, " of %d years", k->years);
    else
        snprintf(after, PHRASE_MAX, " in %s %s", his,
                 rng_below(s->r, 2) ? decades[decade] : tens[decade]);
}

void say_noun(struct text *t, struct subject *s, float adjectives)
{
    static const enum topic looks[] = {TOPIC_HAIR, TOPIC_BEARD,   TOPIC_SKIN,
                                       TOPIC_HAIR, TOPIC_GLASSES, TOPIC_FRECKLES};
    char before[PHRASE_MAX] = "", after[PHRASE_MAX] = "";
    struct noun n = noun_pick(s->r, &s->p->look);
    snprintf(before, sizeof before, "%s", n.age);
    if (rng_chance(s->r, 0.10f)) {
        const char *plain = noun_plain(&s->p->look, false), *last = strrchr(plain, ' ');
        n.base = last ? last + 1 : plain; /* "teenage" says less than the number */
        before[0] = 0;
        age_words(s, before, after);
    }
    if (rng_chance(s->r, adjectives))
        say_told(t, s, TOPIC_EXPRESSION, AS_ADJECTIVE, "", " ");
    if (before[0]) {
        text_say(t, before);
        text_say(t, " ");
    }
    enum topic look = looks[rng_below(s->r, COUNT_OF(looks))];
    if (rng_chance(s->r, adjectives))
        say_told(t, s, look, AS_ADJECTIVE, "", " ");
    text_say(t, n.base);
    text_say(t, after);
}

/* ---- "with long hair and @beard", "wearing @hat" ---- */

struct interest {
    enum topic topic;
    float share;
};

static const struct interest objects[] = {
    {TOPIC_HAIR, 0.80f},  {TOPIC_BEARD, 0.75f},      {TOPIC_GLASSES, 0.60f},
    {TOPIC_HAT, 0.35f},   {TOPIC_FRINGE, 0.30f},     {TOPIC_EARRINGS, 0.35f},
    {TOPIC_EYES, 0.25f},  {TOPIC_FRECKLES, 0.50f},   {TOPIC_SKIN, 0.30f},
    {TOPIC_SHAPE, 0.14f}, {TOPIC_EXPRESSION, 0.10f},
};
static const struct interest worn[] = {
    {TOPIC_HAT, 0.75f}, {TOPIC_CLOTHES, 0.65f}, {TOPIC_GLASSES, 0.5f}, {TOPIC_EARRINGS, 0.3f}};
static const struct interest phrases[] = {{TOPIC_EXPRESSION, 0.60f},
                                          {TOPIC_POSE, 0.25f},
                                          {TOPIC_FRONT, 0.85f},
                                          {TOPIC_ABSENT, 0.06f},
                                          {TOPIC_LIGHT, 0.35f}};

/* Up to `most` topics in random order. */
static int gather(struct subject *s,
                  const struct interest *from,
                  int count,
                  enum manner manner,
                  float keen,
                  int most,
                  char list[][PHRASE_MAX])
{
    int order[TOPIC_COUNT], n = 0;
    for (int i = 0; i < count; i++)
        order[i] = i;
    shuffle(s->r, order, count);
    for (int i = 0; i < count && n < most; i++) {
        const struct interest *it = &from[order[i]];
        if (rng_chance(s->r, it->share * keen) && tell_once(s, it->topic, manner, list[n]))
            n++;
    }
    return n;
}

void say_objects(struct text *t, struct subject *s, float keen, int most)
{
    char list[LIST_MAX][PHRASE_MAX];
    int n = gather(s, objects, COUNT_OF(objects), AS_OBJECT, keen, most, list);
    if (n)
        text_say(t, " with ");
    text_list(t, list, n);
}

void say_worn(struct text *t, struct subject *s, float keen, int most, const char *comma)
{
    char list[LIST_MAX][PHRASE_MAX];
    int n = gather(s, worn, COUNT_OF(worn), AS_WORN, keen, most, list);
    if (n) {
        text_say(t, comma);
        bool bare = s->said[TOPIC_GLASSES] || s->said[TOPIC_EARRINGS]; /* not "in earrings" */
        text_say(t, bare || rng_chance(s->r, 0.5f) ? " wearing " : " in ");
    }
    text_list(t, list, n);
}

/* ---- one person ---- */

/* "@portrait of ", as near as the face is */
static const char *opening(struct rng *r, const struct person *p)
{
    static const char *const wide[] = {"@picture of ",   "@photo of ",  "photo of ",
                                       "@3d render of ", "picture of ", "@image of ",
                                       "3d render of "};
    static const char *const near[] = {"portrait of ", "@portrait of ", "portrait of ",
                                       "@headshot of "};
    static const char *const close[] = {"close-up of ", "@close-up of ", "close-up portrait of "};
    if (p->shot.height > 0.5f && rng_chance(r, 0.25f))
        return pick(r, close, COUNT_OF(close));
    if (p->shot.height > 0.35f && rng_chance(r, 0.55f))
        return pick(r, near, COUNT_OF(near));
    return pick(r, wide, COUNT_OF(wide));
}

static void say_article(struct text *t, struct rng *r, const struct person *p, float open)
{
    bool opened = rng_chance(r, open);
    if (opened)
        text_say(t, opening(r, p));
    if (rng_chance(r, opened ? 0.85f : 0.7f))
        text_say(t, "@");
}

/* "old man with @beard" */
static void caption_short(struct text *t, struct subject *s)
{
    int more = rng_below(s->r, 5);
    say_article(t, s->r, s->p, 0.3f);
    say_noun(t, s, more == 0 ? 0.9f : 0.25f);
    if (more == 1 || more == 2)
        say_objects(t, s, 1.2f, 1 + rng_below(s->r, 2));
    else if (more == 3)
        say_worn(t, s, 1.2f, 1, "");
    else if (more == 4)
        say_told(t, s, TOPIC_PLACE, AS_AT, " ", "");
}

/* "portrait of @woman with red hair, in @blue dress, smiling, at night" */
static void caption_phrases(struct text *t, struct subject *s)
{
    char list[LIST_MAX][PHRASE_MAX];
    say_article(t, s->r, s->p, 0.6f);
    say_noun(t, s, 0.25f);
    say_objects(t, s, 0.8f, 3);
    say_worn(t, s, 0.7f, 2, rng_chance(s->r, 0.5f) ? "," : "");
    int n = gather(s, phrases, COUNT_OF(phrases), AS_PHRASE, 1, 3, list),
        at = rng_below(s->r, n + 1);
    for (int i = 0; i <= n; i++) {
        if (i == at && rng_chance(s->r, 0.6f))
            say_told(t, s, TOPIC_PLACE, AS_AT, ", ", "");
        if (i < n) {
            text_say(t, ", ");
            text_say(t, list[i]);
        }
    }
}

/* " She has green eyes." or " The picture is in soft light." */
static void say_second(struct text *t, struct subject *s)
{
    static const char *const lights[LIGHT_COUNT] = {"soft", "warm", "dramatic", "cool", NULL};
    const char *who = s->p->look.gender == WOMAN ? " She" : " He",
               *light = lights[s->p->shot.light];
    char list[LIST_MAX][PHRASE_MAX];
    int how = rng_below(s->r, 4), n = 0;
    if (how == 0 && light) {
        text_say(t, " The light is ");
        text_say(t, light);
        text_say(t, ".");
        s->said[TOPIC_LIGHT] = true;
    } else if (how == 1 && tell_once(s, TOPIC_EXPRESSION, AS_ADJECTIVE, list[0])) {
        text_say(t, who);
        text_say(t, rng_chance(s->r, 0.5f) ? " is " : " looks ");
        text_say(t, list[0]);
        text_say(t, ".");
    } else if (how > 1) {
        n = gather(s, objects, COUNT_OF(objects), AS_OBJECT, 1, 2, list);
        text_say(t, n ? who : "");
        text_say(t, n ? " has " : "");
        text_list(t, list, n);
        text_say(t, n ? "." : "");
    }
}

/* "@smiling young woman with red hair, wearing @dress, stands in front of @bookshelf." */
static void caption_sentence(struct text *t, struct subject *s)
{
    static const char *const verbs[] = {" stands ", " is standing ", " poses ", " is ",
                                        " is posing "};
    char word[PHRASE_MAX];
    text_say(t, "@");
    say_noun(t, s, 0.35f);
    say_objects(t, s, 0.9f, 3);
    size_t before = t->used;
    say_worn(t, s, 0.9f, 2, ",");
    if (tell_once(s, TOPIC_PLACE, AS_AT, word)) {
        text_say(t, t->used > before ? "," : "");
        text_say(t, pick(s->r, verbs, COUNT_OF(verbs)));
        text_say(t, word);
    }
    bool front = rng_chance(s->r, 0.4f) && say_told(t, s, TOPIC_FRONT, AS_PHRASE, ", ", "");
    if (!front && rng_chance(s->r, 0.3f))
        say_told(t, s, TOPIC_POSE, AS_PHRASE, ", ", "");
    text_say(t, ".");
    if (rng_chance(s->r, 0.45f))
        say_second(t, s);
}

/* "portrait, woman, bob haircut, blonde, green eyes, soft light" */
static void caption_tags(struct text *t, struct subject *s)
{
    static const struct {
        struct interest what;
        enum manner manner;
    } tags[] = {
        {{TOPIC_HAIR, 0.55f}, AS_OBJECT},    {{TOPIC_HAIR, 0.25f}, AS_ADJECTIVE},
        {{TOPIC_BEARD, 0.6f}, AS_OBJECT},    {{TOPIC_BEARD, 0.2f}, AS_ADJECTIVE},
        {{TOPIC_GLASSES, 0.8f}, AS_OBJECT},  {{TOPIC_HAT, 0.8f}, AS_WORN},
        {{TOPIC_EARRINGS, 0.4f}, AS_OBJECT}, {{TOPIC_EYES, 0.3f}, AS_OBJECT},
        {{TOPIC_FRECKLES, 0.6f}, AS_OBJECT}, {{TOPIC_SKIN, 0.35f}, AS_OBJECT},
        {{TOPIC_CLOTHES, 0.5f}, AS_WORN},    {{TOPIC_EXPRESSION, 0.55f}, AS_ADJECTIVE},
        {{TOPIC_POSE, 0.25f}, AS_PHRASE},    {{TOPIC_FRONT, 0.8f}, AS_PHRASE},
        {{TOPIC_PLACE, 0.55f}, AS_TAG},      {{TOPIC_LIGHT, 0.45f}, AS_PHRASE},
        {{TOPIC_ABSENT, 0.06f}, AS_PHRASE},  {{TOPIC_FRINGE, 0.3f}, AS_OBJECT},
    };
    static const char *const openings[] = {"portrait, ", "photo, ", "3d render, ", "close-up, "};
    int order[COUNT_OF(tags)];
    char word[PHRASE_MAX];
    for (int i = 0; i < (int)COUNT_OF(tags); i++)
        order[i] = i;
    shuffle(s->r, order, COUNT_OF(tags));
    if (s->p->shot.height > 0.45f && rng_chance(s->r, 0.4f))
        text_say(t, pick(s->r, openings, COUNT_OF(openings)));
    say_noun(t, s, 0.1f);
    for (int i = 0, n = 2 + rng_below(s->r, 6); i < (int)COUNT_OF(tags) && n > 0; i++) {
        const struct interest *it = &tags[order[i]].what;
        if (!rng_chance(s->r, it->share) || !tell_once(s, it->topic, tags[order[i]].manner, word))
            continue;
        text_say(t, ", ");
        text_say(t, word[0] == '@' ? word + 1 : word);
        n--;
    }
}

unsigned caption_portrait(struct text *t, struct rng *r, const struct person *p)
{
    static void (*const styles[])(struct text *, struct subject *) = {
        caption_short, caption_phrases, caption_sentence, caption_tags};
    static const float shares[] = {0.21f, 0.34f, 0.25f, 0.20f};
    struct subject s = {.r = r, .p = p};
    styles[rng_weighted(r, shares, COUNT_OF(styles))](t, &s);
    unsigned said = 0;
    for (int i = 0; i < TOPIC_COUNT; i++)
        said |= (unsigned)s.said[i] << i;
    return said;
}
