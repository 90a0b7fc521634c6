// SPDX-License-Identifier: Apache-2.0
/* Captions are read back word by word and held against the picture's description: whatever a
 * caption mentions must be so. The reader knows words, not the writer's templates. */
#include <stdio.h>

#include "faces.h"
#include "support/check.h"

enum { WORDS = 80, PICTURES = 6000 };

struct sentence {
    char text[320];
    char *word[WORDS];
    int n;
};

/* `word` may only be said where the class has one of these values. */
struct claim {
    const char *word;
    int class;
    unsigned values;
};

#define V(x) (1u << (x))

static const struct claim claims[] = {
    {"woman", CLASS_GENDER, V(WOMAN)},
    {"girl", CLASS_GENDER, V(WOMAN)},
    {"man", CLASS_GENDER, V(MAN)},
    {"boy", CLASS_GENDER, V(MAN)},
    {"girl", CLASS_AGE, V(CHILD)},
    {"boy", CLASS_AGE, V(CHILD)},
    {"little", CLASS_AGE, V(CHILD)},
    {"young", CLASS_AGE, V(CHILD) | V(YOUNG)},
    {"woman", CLASS_AGE, V(YOUNG) | V(MIDDLE_AGED) | V(OLD)},
    {"man", CLASS_AGE, V(YOUNG) | V(MIDDLE_AGED) | V(OLD)},
    {"middle-aged", CLASS_AGE, V(MIDDLE_AGED)},
    {"old", CLASS_AGE, V(OLD)},
    {"elderly", CLASS_AGE, V(OLD)},
    {"bald", CLASS_HAIR, V(HAIR_BALD)},
    {"buzz", CLASS_HAIR, V(HAIR_BUZZ)},
    {"short", CLASS_HAIR, V(HAIR_BUZZ) | V(HAIR_SHORT) | V(HAIR_SIDE_PART) | V(HAIR_CURLY)},
    {"side-parted", CLASS_HAIR, V(HAIR_SIDE_PART)},
    {"curly", CLASS_HAIR, V(HAIR_CURLY) | V(HAIR_AFRO)},
    {"afro", CLASS_HAIR, V(HAIR_AFRO)},
    {"bob", CLASS_HAIR, V(HAIR_BOB)},
    {"long", CLASS_HAIR, V(HAIR_LONG) | V(HAIR_WAVY)},
    {"straight", CLASS_HAIR, V(HAIR_LONG)},
    {"wavy", CLASS_HAIR, V(HAIR_WAVY)},
    {"ponytail", CLASS_HAIR, V(HAIR_PONYTAIL)},
    {"bun", CLASS_HAIR, V(HAIR_BUN)},
    {"beard", CLASS_BEARD, V(BEARD_FULL)},
    {"stubble", CLASS_BEARD, V(BEARD_STUBBLE)},
    {"moustache", CLASS_BEARD, V(BEARD_MOUSTACHE)},
    {"goatee", CLASS_BEARD, V(BEARD_GOATEE)},
    {"glasses", CLASS_GLASSES, V(GLASSES_ROUND) | V(GLASSES_SQUARE)},
    {"round", CLASS_GLASSES, V(GLASSES_ROUND)},
    {"square", CLASS_GLASSES, V(GLASSES_SQUARE)},
    {"t-shirt", CLASS_CLOTHES, V(CLOTHES_TSHIRT)},
    {"shirt", CLASS_CLOTHES, V(CLOTHES_SHIRT)},
    {"hoodie", CLASS_CLOTHES, V(CLOTHES_HOODIE)},
    {"jacket", CLASS_CLOTHES, V(CLOTHES_JACKET)},
    {"neutral", CLASS_EXPRESSION, V(EXPR_NEUTRAL)},
    {"calm", CLASS_EXPRESSION, V(EXPR_NEUTRAL)},
    {"smiling", CLASS_EXPRESSION, V(EXPR_SMILE)},
    {"smile", CLASS_EXPRESSION, V(EXPR_SMILE)},
    {"laughing", CLASS_EXPRESSION, V(EXPR_LAUGH)},
    {"laugh", CLASS_EXPRESSION, V(EXPR_LAUGH)},
    {"serious", CLASS_EXPRESSION, V(EXPR_SERIOUS)},
    {"surprised", CLASS_EXPRESSION, V(EXPR_SURPRISED)},
    {"soft", CLASS_LIGHT, V(LIGHT_SOFT)},
    {"warm", CLASS_LIGHT, V(LIGHT_WARM)},
    {"dramatic", CLASS_LIGHT, V(LIGHT_DRAMATIC)},
    {"cool", CLASS_LIGHT, V(LIGHT_COOL)},
    {"studio", CLASS_PLACE, V(PLACE_STUDIO)},
    {"meadow", CLASS_PLACE, V(PLACE_MEADOW)},
    {"outdoors", CLASS_PLACE, V(PLACE_MEADOW)},
    {"room", CLASS_PLACE, V(PLACE_ROOM)},
    {"indoors", CLASS_PLACE, V(PLACE_ROOM)},
    {"window", CLASS_PLACE, V(PLACE_ROOM)},
    {"wall", CLASS_PLACE, V(PLACE_COLOUR)},
};

/* A noun whose colour, when the word before names one, is that of the class. */
static const struct {
    const char *noun;
    int class;
} coloured[] = {
    {"hair", CLASS_HAIR_COLOUR},
    {"afro", CLASS_HAIR_COLOUR},
    {"bob", CLASS_HAIR_COLOUR},
    {"bun", CLASS_HAIR_COLOUR},
    {"ponytail", CLASS_HAIR_COLOUR},
    {"buzz", CLASS_HAIR_COLOUR},
    {"beard", CLASS_HAIR_COLOUR},
    {"moustache", CLASS_HAIR_COLOUR},
    {"goatee", CLASS_HAIR_COLOUR},
    {"t-shirt", CLASS_CLOTHES_COLOUR},
    {"shirt", CLASS_CLOTHES_COLOUR},
    {"hoodie", CLASS_CLOTHES_COLOUR},
    {"jacket", CLASS_CLOTHES_COLOUR},
    {"eyes", CLASS_EYES},
    {"skin", CLASS_SKIN},
    {"background", CLASS_WALL},
    {"wall", CLASS_WALL},
};

static void sentence_read(struct sentence *s, const char *text)
{
    char *rest = NULL;
    snprintf(s->text, sizeof s->text, "%s", text);
    s->n = 0;
    for (char *w = strtok_r(s->text, " ,", &rest); w && s->n < WORDS;
         w = strtok_r(NULL, " ,", &rest))
        s->word[s->n++] = w;
}

static struct picture portrait(uint64_t seed)
{
    struct picture p = {.people = 1, .seed = seed};
    struct look k = look_make(seed, -1);
    p.person[0] = (struct person){identity_make(seed, k.gender), k, shot_make(seed, 0.35f)};
    return p;
}

static int class_named(int class, const char *name)
{
    for (int i = 0; i < classes[class].count; i++)
        if (strcmp(classes[class].names[i], name) == 0)
            return i;
    return -1;
}

static void every_word_of_a_caption_is_true(void **state)
{
    (void)state;
    static int said[FACE_COUNT(claims)], tinted[FACE_COUNT(coloured)];
    for (uint64_t seed = 0; seed < PICTURES; seed++) {
        struct picture p = portrait(seed);
        char text[320];
        struct sentence s;
        caption_write(&p, seed * 3 + 1, text, sizeof text);
        sentence_read(&s, text);
        for (int i = 0; i < s.n; i++) {
            for (size_t k = 0; k < FACE_COUNT(claims); k++) {
                if (strcmp(s.word[i], claims[k].word) != 0)
                    continue;
                said[k]++;
                if (!(claims[k].values & V(picture_class(&p, claims[k].class))))
                    fail_msg("'%s' is false in: %s", claims[k].word, text);
            }
            for (size_t k = 0; k < FACE_COUNT(coloured) && i > 0; k++) {
                int value = class_named(coloured[k].class, s.word[i - 1]);
                if (strcmp(s.word[i], coloured[k].noun) != 0 || value < 0)
                    continue;
                tinted[k]++;
                if (value != picture_class(&p, coloured[k].class))
                    fail_msg("'%s %s' is false in: %s", s.word[i - 1], s.word[i], text);
            }
            if (strcmp(s.word[i], "freckles") == 0)
                assert_true(p.person[0].id.g[G_FRECKLES] > 0.4f);
        }
    }
    for (size_t k = 0; k < FACE_COUNT(claims); k++)
        if (!said[k])
            fail_msg("no caption says '%s'", claims[k].word);
    for (size_t k = 0; k < FACE_COUNT(coloured); k++)
        if (!tinted[k])
            fail_msg("no caption gives '%s' a colour", coloured[k].noun);
}

static void captions_differ_but_follow_from_their_seed(void **state)
{
    (void)state;
    struct picture p = portrait(12);
    char first[320], other[320];
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
    for (uint64_t seed = 0; seed < PICTURES; seed++) {
        struct picture p = portrait(seed);
        char text[320];
        struct sentence s;
        caption_write(&p, seed, text, sizeof text);
        sentence_read(&s, text);
        for (int i = 0; i + 1 < s.n; i++) {
            bool vowel = strchr("aeiou", s.word[i + 1][0]) != NULL;
            if ((strcmp(s.word[i], "a") == 0 && vowel) || (strcmp(s.word[i], "an") == 0 && !vowel))
                fail_msg("wrong article before '%s' in: %s", s.word[i + 1], text);
        }
    }
}

static void scenes_are_named(void **state)
{
    (void)state;
    static const char *const key[SCENE_COUNT][2] = {
        {"lighthouse", "lighthouse"},
        {"lake", "lake"},
        {"house", "house"},
        {"tree", "tree"},
        {"city", "city"},
        {"sunset", "sunset"},
        {"forest", "forest"},
        {"desert", "desert"},
        {"boat", "boat"},
        {"night", "moon"},
    };
    for (int scene = 0; scene < SCENE_COUNT; scene++)
        for (uint64_t seed = 0; seed < 30; seed++) {
            struct picture p = {.scene = scene, .seed = seed};
            char text[320];
            caption_write(&p, seed, text, sizeof text);
            assert_true(strstr(text, key[scene][0]) || strstr(text, key[scene][1]));
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
        cmocka_unit_test(captions_differ_but_follow_from_their_seed),
        cmocka_unit_test(articles_fit_the_word_that_follows),
        cmocka_unit_test(scenes_are_named),
        cmocka_unit_test(a_short_buffer_is_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
