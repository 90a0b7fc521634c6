// SPDX-License-Identifier: Apache-2.0
/* Captions: a sentence that mentions a random subset of what is true of a picture, in varying order
 * and words. Nothing is ever mentioned that the picture's description does not hold.
 */
#include <stdio.h>
#include <string.h>

#include "faces.h"

struct text {
    char *out;
    size_t size, used;
};

static void say(struct text *t, const char *words)
{
    size_t n = strlen(words);
    if (t->used + n + 1 > t->size)
        return;
    memcpy(t->out + t->used, words, n + 1);
    t->used += n;
}

static const char *pick(struct rng *r, const char *const *words, int n)
{
    return words[rng_below(r, n)];
}

static const char *noun(struct rng *r, const struct look *k)
{
    static const char *const words[AGE_COUNT][2][3] = {
        [CHILD] = {{"girl", "little girl", "young girl"}, {"boy", "little boy", "young boy"}},
        [YOUNG] = {{"young woman", "young woman", "woman"}, {"young man", "young man", "man"}},
        [MIDDLE_AGED] = {{"middle-aged woman", "middle-aged woman", "woman"},
                         {"middle-aged man", "middle-aged man", "man"}},
        [OLD] = {{"old woman", "elderly woman", "old woman"},
                 {"old man", "elderly man", "old man"}},
    };
    return pick(r, words[k->age][k->gender], 3);
}

static void hair_words(struct rng *r, const struct look *k, char *out, size_t size)
{
    const char *c = hair_colours[k->hair_colour].word;
    static const char *const styles[HAIR_COUNT][2] = {
        [HAIR_BALD] = {"a bald head", "a bald head"},
        [HAIR_BUZZ] = {"a %s buzz cut", "very short %s hair"},
        [HAIR_SHORT] = {"short %s hair", "short %s hair"},
        [HAIR_SIDE_PART] = {"side-parted %s hair", "short %s hair"},
        [HAIR_CURLY] = {"curly %s hair", "short curly %s hair"},
        [HAIR_AFRO] = {"a %s afro", "curly %s hair"},
        [HAIR_BOB] = {"a %s bob", "a %s bob haircut"},
        [HAIR_LONG] = {"long %s hair", "long straight %s hair"},
        [HAIR_WAVY] = {"long wavy %s hair", "wavy %s hair"},
        [HAIR_PONYTAIL] = {"a %s ponytail", "%s hair in a ponytail"},
        [HAIR_BUN] = {"%s hair in a bun", "a %s bun"},
    };
    const char *form =
        rng_below(r, 3) && k->hair != HAIR_BALD ? styles[k->hair][rng_below(r, 2)] : "%s hair";
    if (k->hair == HAIR_BALD)
        form = styles[HAIR_BALD][0];
    const char *gap = strstr(form, "%s");
    if (gap)
        snprintf(out, size, "%.*s%s%s", (int)(gap - form), form, c, gap + 2);
    else
        snprintf(out, size, "%s", form);
}

static void beard_words(struct rng *r, const struct look *k, char *out, size_t size)
{
    static const char *const forms[BEARD_COUNT] = {"", "stubble", "beard", "moustache", "goatee"};
    const char *c = hair_colours[k->hair_colour].word;
    if (k->beard == BEARD_STUBBLE)
        snprintf(out, size, "stubble");
    else if (rng_below(r, 2))
        snprintf(out, size, "a %s %s", c, forms[k->beard]);
    else
        snprintf(out, size, "a %s", forms[k->beard]);
}

/* What the person has, after "with". */
static int belongings(struct rng *r, const struct person *p, bool brief, char list[6][64])
{
    int n = 0;
    const struct look *k = &p->look;
    float keen = brief ? 0.45f : 0.85f;
    if (rng_unit(r) < keen)
        hair_words(r, k, list[n++], 64);
    if (k->beard != BEARD_NONE && rng_unit(r) < keen)
        beard_words(r, k, list[n++], 64);
    if (k->glasses != GLASSES_NONE && rng_unit(r) < keen) {
        const char *g = k->glasses == GLASSES_ROUND ? "round glasses" : "square glasses";
        snprintf(list[n++], 64, "%s", rng_below(r, 3) ? g : "glasses");
    }
    if (!brief && rng_unit(r) < 0.20f)
        snprintf(list[n++], 64, "%s eyes", p->id.eyes == 4 ? "dark" : eye_colours[p->id.eyes].word);
    if (!brief && p->id.g[G_FRECKLES] > 0.45f && rng_unit(r) < 0.5f)
        snprintf(list[n++], 64, "freckles");
    if (rng_unit(r) < (brief ? 0.12f : 0.35f)) {
        static const char *const forms[6] = {"pale skin", "light skin", "olive skin",
                                             "tan skin",  "brown skin", "dark skin"};
        snprintf(list[n++], 64, "%s", forms[k->skin]);
    }
    for (int i = n - 1; i > 0; i--) {
        int j = rng_below(r, i + 1);
        char swap[64];
        memcpy(swap, list[i], 64);
        memcpy(list[i], list[j], 64);
        memcpy(list[j], swap, 64);
    }
    return n;
}

static void say_belongings(struct text *t, char list[6][64], int n)
{
    for (int i = 0; i < n; i++) {
        say(t, i == 0 ? " with " : i == n - 1 ? " and " : ", ");
        say(t, list[i]);
    }
}

static void say_person(struct text *t, struct rng *r, const struct person *p, bool brief)
{
    char list[6][64];
    const char *who = noun(r, &p->look);
    say(t, strchr("aeiou", who[0]) ? "an " : "a ");
    say(t, who);
    int n = belongings(r, p, brief, list);
    say_belongings(t, list, n);
    if (rng_unit(r) < (brief ? 0.1f : 0.45f)) {
        static const char *const garments[CLOTHES_COUNT] = {"t-shirt", "shirt", "hoodie", "jacket"};
        const char *c = cloth_colours[p->look.clothes_colour].word;
        say(t, rng_below(r, 2) ? " wearing " : " in ");
        say(t, c[0] == 'o' ? "an " : "a ");
        say(t, c);
        say(t, " ");
        say(t, garments[p->look.clothes]);
    }
}

static const char *expression_words(struct rng *r, int e)
{
    static const char *const words[EXPR_COUNT][3] = {
        {"neutral expression", "calm face", "neutral expression"},
        {"smiling", "with a smile", "smiling"},
        {"laughing", "laughing", "with a big laugh"},
        {"serious", "looking serious", "serious expression"},
        {"surprised", "looking surprised", "surprised expression"},
    };
    return pick(r, words[e], 3);
}

static void say_place(struct text *t, struct rng *r, const struct shot *s)
{
    static const char *const studio[3] = {"in a studio", "grey studio background",
                                          "studio portrait"};
    static const char *const meadow[4] = {"on a meadow", "outdoors",
                                          "meadow and sky in the background", "in a green meadow"};
    static const char *const room[4] = {"in a room", "indoors", "in a room with a window",
                                        "in front of a window"};
    switch (s->place) {
    case PLACE_STUDIO:
        say(t, pick(r, studio, 3));
        break;
    case PLACE_MEADOW:
        say(t, pick(r, meadow, 4));
        break;
    case PLACE_ROOM:
        say(t, pick(r, room, 4));
        break;
    default:
        if (rng_below(r, 3) == 0)
            say(t, s->wall == 6 ? "in front of an " : "in front of a ");
        say(t, wall_colours[s->wall].word);
        say(t, t->used && rng_below(r, 4) == 0 ? " wall" : " background");
        break;
    }
}

static void caption_portrait(struct text *t, struct rng *r, const struct picture *p)
{
    static const char *const openings[8] = {
        "", "", "", "portrait of ", "portrait of ", "a portrait of ", "photo of ", "a picture of "};
    const struct person *who = &p->person[0];
    bool brief = rng_unit(r) < 0.35f;
    say(t, pick(r, openings, 8));
    say_person(t, r, who, brief);
    bool tell[3] = {rng_unit(r) < (brief ? 0.4f : 0.7f), rng_unit(r) < (brief ? 0.35f : 0.75f),
                    rng_unit(r) < (brief ? 0.05f : 0.4f)};
    int first = rng_below(r, 3);
    for (int i = 0; i < 3; i++) {
        int what = (first + i) % 3;
        if (!tell[what])
            continue;
        say(t, ", ");
        if (what == 0)
            say(t, expression_words(r, who->shot.expression));
        else if (what == 1)
            say_place(t, r, &who->shot);
        else {
            static const char *const forms[LIGHT_COUNT] = {"soft light", "warm light",
                                                           "dramatic light", "cool light"};
            say(t, forms[who->shot.light]);
        }
    }
}

static const char *const scene_words[SCENE_COUNT][3] = {
    [SCENE_LIGHTHOUSE] = {"a lighthouse by the sea", "a red and white lighthouse on a rock",
                          "lighthouse on the coast"},
    [SCENE_LAKE] = {"a mountain lake", "a lake in the mountains",
                    "a snowy mountain reflected in a lake"},
    [SCENE_HOUSE] = {"a house with a garden", "a small house with a red roof",
                     "a house on a meadow"},
    [SCENE_TREE] = {"a tree on a meadow", "a lone tree on a green hill",
                    "a big green tree under a blue sky"},
    [SCENE_CITY] = {"a city skyline", "a city skyline in the evening", "tall buildings of a city"},
    [SCENE_SUNSET] = {"a beach at sunset", "sunset over the sea", "a beach sunset"},
    [SCENE_FOREST] = {"a forest", "a misty forest of fir trees", "fir trees in a forest"},
    [SCENE_DESERT] = {"desert dunes", "sand dunes in the desert", "a desert under a blue sky"},
    [SCENE_BOAT] = {"a sailing boat on the sea", "a sailing boat", "a red boat under sail"},
    [SCENE_NIGHT] = {"a night sky with a full moon", "the moon and stars at night",
                     "a full moon over dark hills"},
};

void caption_write(const struct picture *p, uint64_t seed, char *out, size_t size)
{
    struct rng r = rng_make(seed, 4);
    struct text t = {.out = out, .size = size};
    out[0] = 0;
    if (p->people == 0) {
        static const char *const openings[4] = {"", "", "a picture of ", "a view of "};
        say(&t, pick(&r, openings, 4));
        say(&t, scene_words[p->scene][rng_below(&r, 3)]);
    } else if (p->people == 1) {
        caption_portrait(&t, &r, p);
    } else {
        for (int i = 0; i < p->people; i++) {
            say(&t, i == 0 ? "" : i == p->people - 1 ? " and " : ", ");
            say_person(&t, &r, &p->person[i], true);
        }
    }
}
