// SPDX-License-Identifier: Apache-2.0
/* Who there is: names of all classes, and how identities, looks and shots are drawn. Looks are
 * balanced over gender, age group and skin tone; what depends on them (beards, grey hair) is drawn
 * given them.
 */
#include <string.h>

#include "faces.h"

const char *const geometry_names[G_COUNT] = {
    "face_width",  "jaw_width",   "chin_length",  "chin_width",  "cheeks",     "forehead",
    "eye_size",    "eye_gap",     "eye_tilt",     "eye_open",    "eye_height", "brow_thick",
    "brow_height", "brow_tilt",   "brow_arch",    "nose_length", "nose_width", "nose_tip",
    "nose_bridge", "mouth_width", "mouth_height", "lip_upper",   "lip_lower",  "ears",
    "freckles",    "mole",        "mole_x",       "mole_y",
};

const struct shade skin_tones[6] = {
    {"pale", 0xf5d3c0}, {"light", 0xecbc9c}, {"olive", 0xd3a277},
    {"tan", 0xbd8257},  {"brown", 0x935b38}, {"dark", 0x623a25},
};
const struct shade hair_colours[6] = {
    {"black", 0x1d1816}, {"brown", 0x5b3822}, {"blonde", 0xd9ae62},
    {"red", 0xb0481c},   {"grey", 0x908b85},  {"white", 0xe4ded2},
};
const struct shade eye_colours[5] = {
    {"brown", 0x5e3716}, {"blue", 0x3a74b5}, {"green", 0x4b8a4c},
    {"grey", 0x7c8a96},  {"dark", 0x2b1710},
};
const struct shade cloth_colours[10] = {
    {"red", 0xb5302c},    {"blue", 0x2f5fae},  {"green", 0x3b7d4b}, {"yellow", 0xe0b23a},
    {"white", 0xe6e4e0},  {"black", 0x26262a}, {"grey", 0x85878c},  {"purple", 0x6f468f},
    {"orange", 0xd8762b}, {"pink", 0xdd8fa6},
};
const struct shade wall_colours[9] = {
    {"blue", 0x7fa8d8},   {"green", 0x86b58a},  {"red", 0xb8544d},
    {"yellow", 0xe6c878}, {"purple", 0x9a83bd}, {"grey", 0xa5a8ad},
    {"orange", 0xdf9a62}, {"pink", 0xe0a8b4},   {"teal", 0x5fa9a6},
};

static const char *const genders[] = {"woman", "man"};
static const char *const ages[] = {"child", "young", "middle-aged", "old"};
static const char *const skins[] = {"pale", "light", "olive", "tan", "brown", "dark"};
static const char *const hairs[] = {"bald", "buzz", "short", "side-part", "curly", "afro",
                                    "bob",  "long", "wavy",  "ponytail",  "bun"};
static const char *const hair_words[] = {"black", "brown", "blonde", "red", "grey", "white"};
static const char *const beards[] = {"none", "stubble", "full", "moustache", "goatee"};
static const char *const glasses[] = {"none", "round", "square"};
static const char *const clothes[] = {"t-shirt", "shirt", "hoodie", "jacket"};
static const char *const cloth_words[] = {"red",   "blue", "green",  "yellow", "white",
                                          "black", "grey", "purple", "orange", "pink"};
static const char *const expressions[] = {"neutral", "smile", "laugh", "serious", "surprised"};
static const char *const light_words[] = {"soft", "warm", "dramatic", "cool"};
static const char *const places[] = {"colour", "studio", "meadow", "room"};
static const char *const wall_words[] = {"blue", "green",  "red",  "yellow", "purple",
                                         "grey", "orange", "pink", "teal"};
static const char *const scenes[] = {"lighthouse", "lake",   "house",  "tree", "city",
                                     "sunset",     "forest", "desert", "boat", "night"};
static const char *const eye_words[] = {"brown", "blue", "green", "grey", "dark"};

const struct class_names classes[CLASS_COUNT] = {
    [CLASS_GENDER] = {"gender", genders, FACE_COUNT(genders)},
    [CLASS_AGE] = {"age", ages, FACE_COUNT(ages)},
    [CLASS_SKIN] = {"skin", skins, FACE_COUNT(skins)},
    [CLASS_HAIR] = {"hair-style", hairs, FACE_COUNT(hairs)},
    [CLASS_HAIR_COLOUR] = {"hair", hair_words, FACE_COUNT(hair_words)},
    [CLASS_BEARD] = {"beard", beards, FACE_COUNT(beards)},
    [CLASS_GLASSES] = {"glasses", glasses, FACE_COUNT(glasses)},
    [CLASS_CLOTHES] = {"clothes", clothes, FACE_COUNT(clothes)},
    [CLASS_CLOTHES_COLOUR] = {"clothes-colour", cloth_words, FACE_COUNT(cloth_words)},
    [CLASS_EXPRESSION] = {"expression", expressions, FACE_COUNT(expressions)},
    [CLASS_LIGHT] = {"light", light_words, FACE_COUNT(light_words)},
    [CLASS_PLACE] = {"place", places, FACE_COUNT(places)},
    [CLASS_WALL] = {"background", wall_words, FACE_COUNT(wall_words)},
    [CLASS_SCENE] = {"scene", scenes, FACE_COUNT(scenes)},
    [CLASS_EYES] = {"eyes", eye_words, FACE_COUNT(eye_words)},
};

/* Where a picture keeps each class; all but the scene are of person 0. */
static const size_t class_at[CLASS_COUNT] = {
    [CLASS_GENDER] = offsetof(struct picture, person[0].look.gender),
    [CLASS_AGE] = offsetof(struct picture, person[0].look.age),
    [CLASS_SKIN] = offsetof(struct picture, person[0].look.skin),
    [CLASS_HAIR] = offsetof(struct picture, person[0].look.hair),
    [CLASS_HAIR_COLOUR] = offsetof(struct picture, person[0].look.hair_colour),
    [CLASS_BEARD] = offsetof(struct picture, person[0].look.beard),
    [CLASS_GLASSES] = offsetof(struct picture, person[0].look.glasses),
    [CLASS_CLOTHES] = offsetof(struct picture, person[0].look.clothes),
    [CLASS_CLOTHES_COLOUR] = offsetof(struct picture, person[0].look.clothes_colour),
    [CLASS_EXPRESSION] = offsetof(struct picture, person[0].shot.expression),
    [CLASS_LIGHT] = offsetof(struct picture, person[0].shot.light),
    [CLASS_PLACE] = offsetof(struct picture, person[0].shot.place),
    [CLASS_WALL] = offsetof(struct picture, person[0].shot.wall),
    [CLASS_SCENE] = offsetof(struct picture, scene),
    [CLASS_EYES] = offsetof(struct picture, person[0].id.eyes),
};

int picture_class(const struct picture *p, int kind)
{
    int value;
    memcpy(&value, (const char *)p + class_at[kind], sizeof value);
    return value;
}

void picture_set_class(struct picture *p, int kind, int value)
{
    memcpy((char *)p + class_at[kind], &value, sizeof value);
}

struct identity identity_make(uint64_t seed, int gender)
{
    struct rng r = rng_make(seed, 1);
    struct identity id = {.seed = seed, .gender = gender};
    for (int i = 0; i < G_COUNT; i++) /* uniform spreads people wider than a normal would */
        id.g[i] = clampf(rng_range(&r, -1, 1) * 0.8f + rng_normal(&r) * 0.25f, -1.25f, 1.25f);
    static const float eye_weights[5] = {0.3f, 0.25f, 0.18f, 0.12f, 0.15f};
    id.eyes = rng_weighted(&r, eye_weights, 5);
    id.g[G_FRECKLES] = rng_unit(&r) < 0.22f ? rng_range(&r, 0.5f, 1) : 0;
    id.g[G_MOLE] = rng_unit(&r) < 0.25f ? 1 : 0;
    float lean = gender == MAN ? 1.0f : -1.0f;
    id.g[G_JAW_WIDTH] += 0.35f * lean;
    id.g[G_CHIN_WIDTH] += 0.25f * lean;
    id.g[G_BROW_THICK] += 0.45f * lean;
    id.g[G_LIP_UPPER] -= 0.35f * lean;
    id.g[G_LIP_LOWER] -= 0.30f * lean;
    id.g[G_EYE_SIZE] -= 0.25f * lean;
    return id;
}

static int hair_style(struct rng *r, int gender, int age)
{
    static const float woman[HAIR_COUNT] = {0.01f, 0.01f, 0.07f, 0.03f, 0.12f, 0.09f,
                                            0.16f, 0.19f, 0.16f, 0.09f, 0.09f};
    static const float man[HAIR_COUNT] = {0.11f, 0.14f, 0.27f, 0.23f, 0.12f, 0.06f,
                                          0,     0.03f, 0.02f, 0,     0.02f};
    static const float boy[HAIR_COUNT] = {0, 0.12f, 0.38f, 0.24f, 0.18f, 0.08f, 0, 0, 0, 0, 0};
    static const float old_man[HAIR_COUNT] = {0.30f, 0.12f, 0.28f, 0.22f, 0.06f, 0.02f,
                                              0,     0,     0,     0,     0};
    if (gender == WOMAN)
        return rng_weighted(r, woman, HAIR_COUNT);
    return rng_weighted(r, age == CHILD ? boy : age == OLD ? old_man : man, HAIR_COUNT);
}

static int hair_colour(struct rng *r, int age, int skin)
{
    static const float weights[AGE_COUNT][6] = {
        {0.25f, 0.30f, 0.25f, 0.20f, 0, 0},
        {0.25f, 0.27f, 0.25f, 0.23f, 0, 0},
        {0.24f, 0.26f, 0.20f, 0.16f, 0.14f, 0},
        {0, 0.03f, 0.02f, 0, 0.50f, 0.45f},
    };
    float w[6];
    for (int i = 0; i < 6; i++) {
        w[i] = weights[age][i];
        if (skin >= 4 && (i == 2 || i == 3))
            w[i] *= 0.15f;
        if (skin >= 4 && i == 0)
            w[i] *= 2.5f;
    }
    return rng_weighted(r, w, 6);
}

struct look look_make(uint64_t seed, int gender)
{
    struct rng r = rng_make(seed, 2);
    struct look k = {.seed = seed};
    int drawn = rng_below(&r, 2);
    k.gender = gender < 0 ? drawn : gender;
    static const float age_weights[AGE_COUNT] = {0.17f, 0.33f, 0.25f, 0.25f};
    static const int from[AGE_COUNT] = {6, 18, 38, 64}, span[AGE_COUNT] = {8, 16, 20, 22};
    k.age = rng_weighted(&r, age_weights, AGE_COUNT);
    k.years = from[k.age] + rng_below(&r, span[k.age]);
    k.skin = rng_below(&r, 6);
    k.tone = rng_range(&r, -1, 1);
    k.volume = rng_range(&r, -1, 1);
    k.part_left = rng_below(&r, 2) == 0;
    k.hair = hair_style(&r, k.gender, k.age);
    k.hair_colour = hair_colour(&r, k.age, k.skin);
    static const float beards_of_men[BEARD_COUNT] = {0.42f, 0.16f, 0.22f, 0.10f, 0.10f};
    int beard = rng_weighted(&r, beards_of_men, BEARD_COUNT);
    k.beard = k.gender == MAN && k.age != CHILD ? beard : BEARD_NONE;
    static const float glasses_weights[GLASSES_COUNT] = {0.70f, 0.16f, 0.14f};
    k.glasses = rng_weighted(&r, glasses_weights, GLASSES_COUNT);
    k.clothes = rng_below(&r, CLOTHES_COUNT);
    k.clothes_colour = rng_below(&r, 10);
    return k;
}

struct shot shot_make(uint64_t seed, float max_yaw)
{
    struct rng r = rng_make(seed, 3);
    const float degree = 0.01745329f;
    struct shot s = {.seed = seed};
    s.yaw = clampf(rng_normal(&r) * 0.55f, -1, 1) * max_yaw;
    s.pitch = clampf(rng_normal(&r) * 4.5f, -10, 10) * degree;
    s.roll = clampf(rng_normal(&r) * 3.5f, -8, 8) * degree;
    s.height = 0.525f * rng_range(&r, 0.94f, 1.07f);
    s.cx = 0.5f + rng_range(&r, -0.04f, 0.04f) - 0.04f * s.yaw;
    s.cy = 0.475f + rng_range(&r, -0.03f, 0.03f);
    s.gaze = clampf(rng_normal(&r) * 0.4f - s.yaw * 1.2f, -1, 1);
    static const float expression_weights[EXPR_COUNT] = {0.28f, 0.30f, 0.16f, 0.15f, 0.11f};
    s.expression = rng_weighted(&r, expression_weights, EXPR_COUNT);
    static const float light_weights[LIGHT_COUNT] = {0.46f, 0.22f, 0.14f, 0.18f};
    s.light = rng_weighted(&r, light_weights, LIGHT_COUNT);
    static const float place_weights[PLACE_COUNT] = {0.56f, 0.14f, 0.16f, 0.14f};
    s.place = rng_weighted(&r, place_weights, PLACE_COUNT);
    s.wall = rng_below(&r, 9);
    float side = rng_below(&r, 2) ? 1.0f : -1.0f;
    s.light_x =
        side * (s.light == LIGHT_DRAMATIC ? rng_range(&r, 0.9f, 1.5f) : rng_range(&r, 0.2f, 0.75f));
    s.light_y = rng_range(&r, 0.35f, 0.8f);
    return s;
}
