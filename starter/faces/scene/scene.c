// SPDX-License-Identifier: Apache-2.0
/* Pictures without people: which painter, which hours of the day suit it, and the colours its
 * subject comes in. Half of the pictures are mirrored; the sun stays on the upper left.
 */
#include "layer.h"

static const struct {
    void (*paint)(struct spot *);
    int hours[HOURS]; /* one of them, by the seed */
} scenes[SCENE_COUNT] = {
    [SCENE_LIGHTHOUSE] = {scene_lighthouse, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_LAKE] = {scene_lake, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_HOUSE] = {scene_house, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_TREE] = {scene_tree, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_CITY] = {scene_city, {HOUR_DUSK, HOUR_DUSK, HOUR_DUSK}},
    [SCENE_SUNSET] = {scene_sunset, {HOUR_GOLDEN, HOUR_GOLDEN, HOUR_GOLDEN}},
    [SCENE_FOREST] = {scene_forest, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_DESERT] = {scene_desert, {HOUR_DAY, HOUR_DAY, HOUR_GOLDEN}},
    [SCENE_BOAT] = {scene_boat, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_NIGHT] = {scene_night, {HOUR_NIGHT, HOUR_NIGHT, HOUR_NIGHT}},
    [SCENE_MOUNTAINS] = {scene_mountains, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_BEACH] = {scene_beach, {HOUR_DAY, HOUR_DAY, HOUR_MORNING}},
    [SCENE_CASTLE] = {scene_castle, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_BRIDGE] = {scene_bridge, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_STREET] = {scene_street, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_CAT] = {scene_cat, {HOUR_INDOORS, HOUR_INDOORS, HOUR_INDOORS}},
    [SCENE_DOG] = {scene_dog, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_BIRD] = {scene_bird, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_HORSE] = {scene_horse, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_FLOWERS] = {scene_flowers, {HOUR_INDOORS, HOUR_INDOORS, HOUR_INDOORS}},
    [SCENE_CAR] = {scene_car, {HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN}},
    [SCENE_FRUIT] = {scene_fruit, {HOUR_INDOORS, HOUR_INDOORS, HOUR_INDOORS}},
};

enum { SHADES = 6 };
/* A row ends with its first empty word. */
static const struct shade shades[SCENE_COUNT][SHADES] = {
    [SCENE_HOUSE] = {{"red", 0xc4513f},
                     {"blue", 0x4f7fb8},
                     {"green", 0x5c9a6c},
                     {"brown", 0x8f5f42}},
    [SCENE_TREE] = {{"green", 0x62a63e},
                    {"green", 0x7fb33c},
                    {"orange", 0xee8a34},
                    {"pink", 0xf29ab4}},
    [SCENE_BEACH] = {{"red", 0xe8503f},
                     {"blue", 0x3f86d8},
                     {"yellow", 0xf6bd35},
                     {"green", 0x3fa872}},
    [SCENE_CASTLE] = {{"blue", 0x4a76c4}, {"red", 0xc64b48}, {"purple", 0x8a5fb8}},
    [SCENE_BOAT] = {{"red", 0xd0483c},
                    {"blue", 0x3a72bf},
                    {"green", 0x3f9a6a},
                    {"yellow", 0xf2b632}},
    [SCENE_CAT] = {{"orange", 0xe8913f},
                   {"grey", 0x8f939e},
                   {"black", 0x35323c},
                   {"white", 0xfbf8f4}},
    [SCENE_DOG] = {{"brown", 0x9c6238},
                   {"golden", 0xdfa654},
                   {"black", 0x3c3940},
                   {"white", 0xfbf6ee}},
    [SCENE_BIRD] = {{"blue", 0x4a8fdc},
                    {"red", 0xdb4f42},
                    {"yellow", 0xf4c22f},
                    {"green", 0x5fae4e}},
    [SCENE_HORSE] = {{"brown", 0x9a5a32},
                     {"white", 0xfaf7f2},
                     {"black", 0x3a363c},
                     {"golden", 0xd99a4a}},
    [SCENE_FLOWERS] = {{"red", 0xe2433f},
                       {"yellow", 0xf9c22e},
                       {"pink", 0xf283a8},
                       {"purple", 0x9a68cc}},
    [SCENE_CAR] = {{"red", 0xd63c34},
                   {"blue", 0x3c7cd0},
                   {"yellow", 0xf6bc2c},
                   {"green", 0x4fa56a},
                   {"orange", 0xf07f2e}},
};

const struct shade *scene_shade(int scene, uint32_t seed)
{
    int n = 0;
    while (n < SHADES && shades[scene][n].word)
        n++;
    return &shades[scene][(int)(hash01(scene, 4, seed) * (float)n)];
}

const char *scene_detail(int scene, uint64_t seed)
{
    return scene_shade(scene, spot_seed(seed, scene))->word;
}

struct vec3 scene_colour(int scene, uint64_t seed, float u, float v, float pixel)
{
    static const struct vec3 upper_left = {-0.50f, 0.62f, 0.6047f};
    struct spot s = spot_make(seed, scene, scenes[scene].hours, upper_left, u, v, pixel);
    scenes[scene].paint(&s);
    return v3_min(s.colour, 1.1f);
}
