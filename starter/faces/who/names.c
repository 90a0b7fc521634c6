// SPDX-License-Identifier: Apache-2.0
/* Names of everything that a person, a shot or a scene can be, as options and labels spell them,
 * the colours they stand for, and where a picture keeps each class.
 */
#include <string.h>

#include "faces.h"
#include "who/who.h"

const char *const geometry_names[G_COUNT] = {
    [G_FACE_WIDTH] = "face_width",
    [G_JAW_WIDTH] = "jaw_width",
    [G_JAW_ANGLE] = "jaw_angle",
    [G_CHIN_LENGTH] = "chin_length",
    [G_CHIN_WIDTH] = "chin_width",
    [G_CHIN_FORWARD] = "chin_forward",
    [G_CHIN_CLEFT] = "chin_cleft",
    [G_CHEEKS] = "cheeks",
    [G_CHEEKBONES] = "cheekbones",
    [G_FOREHEAD] = "forehead",
    [G_BROW_RIDGE] = "brow_ridge",
    [G_EYE_SIZE] = "eye_size",
    [G_EYE_GAP] = "eye_gap",
    [G_EYE_TILT] = "eye_tilt",
    [G_EYE_OPEN] = "eye_open",
    [G_EYE_HEIGHT] = "eye_height",
    [G_EYE_DEPTH] = "eye_depth",
    [G_EYE_FOLD] = "eye_fold",
    [G_BROW_THICK] = "brow_thick",
    [G_BROW_HEIGHT] = "brow_height",
    [G_BROW_TILT] = "brow_tilt",
    [G_BROW_ARCH] = "brow_arch",
    [G_BROW_GAP] = "brow_gap",
    [G_NOSE_LENGTH] = "nose_length",
    [G_NOSE_WIDTH] = "nose_width",
    [G_NOSE_TIP] = "nose_tip",
    [G_NOSE_BRIDGE] = "nose_bridge",
    [G_NOSE_HUMP] = "nose_hump",
    [G_NOSE_UP] = "nose_up",
    [G_NOSTRILS] = "nostrils",
    [G_MOUTH_WIDTH] = "mouth_width",
    [G_MOUTH_HEIGHT] = "mouth_height",
    [G_MOUTH_CURVE] = "mouth_curve",
    [G_LIP_UPPER] = "lip_upper",
    [G_LIP_LOWER] = "lip_lower",
    [G_LIP_BOW] = "lip_bow",
    [G_EARS] = "ears",
    [G_EARS_OUT] = "ears_out",
    [G_FRECKLES] = "freckles",
    [G_MOLE] = "mole",
    [G_MOLE_X] = "mole_x",
    [G_MOLE_Y] = "mole_y",
};

const char *const mask_names[MASK_COUNT] = {
    [MASK_BACKGROUND] = "background",
    [MASK_SKIN] = "skin",
    [MASK_LEFT_BROW] = "left_brow",
    [MASK_RIGHT_BROW] = "right_brow",
    [MASK_LEFT_EYE] = "left_eye",
    [MASK_RIGHT_EYE] = "right_eye",
    [MASK_GLASSES] = "glasses",
    [MASK_LEFT_EAR] = "left_ear",
    [MASK_RIGHT_EAR] = "right_ear",
    [MASK_EARRING] = "earring",
    [MASK_NOSE] = "nose",
    [MASK_MOUTH] = "mouth",
    [MASK_UPPER_LIP] = "upper_lip",
    [MASK_LOWER_LIP] = "lower_lip",
    [MASK_NECK] = "neck",
    [MASK_NECKLACE] = "necklace",
    [MASK_CLOTHES] = "clothes",
    [MASK_HAIR] = "hair",
    [MASK_HAT] = "hat",
    [MASK_BEARD] = "beard",
    [MASK_HAND] = "hand",
};

const unsigned skin_tones[SKIN_COUNT] = {0xf5d3c0, 0xecbc9c, 0xd3a277,
                                         0xbd8257, 0x935b38, 0x623a25};
const unsigned hair_colours[HAIR_COLOUR_COUNT] = {0x1d1816, 0x5b3822, 0xd9ae62, 0xb0481c,
                                                  0x908b85, 0xe4ded2, 0x3f78c8, 0xe07aa8};
const unsigned eye_colours[EYE_COLOURS] = {0x5e3716, 0x3a74b5, 0x4b8a4c, 0x7c8a96, 0x2b1710};
const unsigned cloth_colours[CLOTH_COLOURS] = {0xb5302c, 0x2f5fae, 0x3b7d4b, 0xe0b23a, 0xe6e4e0,
                                               0x26262a, 0x85878c, 0x6f468f, 0xd8762b, 0xdd8fa6};
const unsigned wall_colours[WALL_COLOURS] = {0x7fa8d8, 0x86b58a, 0xb8544d, 0xe6c878, 0x9a83bd,
                                             0xa5a8ad, 0xdf9a62, 0xe0a8b4, 0x5fa9a6};

static const char *const genders[] = {"woman", "man"};
static const char *const ages[AGE_COUNT] = {"child", "young", "middle-aged", "old"};
static const char *const skins[SKIN_COUNT] = {"pale", "light", "olive", "tan", "brown", "dark"};
static const char *const hairs[HAIR_COUNT] = {
    "bald", "buzz", "short", "side-part",  "slicked",  "spiky", "curly",  "afro",
    "bob",  "long", "wavy",  "long-curly", "ponytail", "bun",   "braids", "locs"};
static const char *const hair_words[HAIR_COLOUR_COUNT] = {"black", "brown", "blonde", "red",
                                                          "grey",  "white", "blue",   "pink"};
static const char *const beards[BEARD_COUNT] = {"none", "stubble",   "full",
                                                "long", "moustache", "goatee"};
static const char *const glasses[GLASSES_COUNT] = {"none", "round", "square", "sun"};
static const char *const hats[HAT_COUNT] = {"none", "cap", "beanie", "brim", "headscarf"};
static const char *const earrings[EARRINGS_COUNT] = {"none", "studs", "hoops"};
static const char *const clothes[CLOTHES_COUNT] = {"t-shirt", "striped", "shirt", "hoodie",
                                                   "jacket",  "sweater", "dress"};
static const char *const cloth_words[CLOTH_COLOURS] = {"red",   "blue", "green",  "yellow", "white",
                                                       "black", "grey", "purple", "orange", "pink"};
static const char *const expressions[EXPR_COUNT] = {"neutral",   "smile", "laugh", "serious",
                                                    "surprised", "sad",   "angry"};
static const char *const light_words[LIGHT_COUNT] = {"soft", "warm", "dramatic", "cool", "back"};
static const char *const places[PLACE_COUNT] = {"colour",    "studio", "meadow", "room",
                                                "forest",    "beach",  "street", "library",
                                                "mountains", "snow",   "night"};
static const char *const wall_words[WALL_COLOURS] = {"blue", "green",  "red",  "yellow", "purple",
                                                     "grey", "orange", "pink", "teal"};
static const char *const fronts[FRONT_COUNT] = {"nothing", "hand-chin", "hand-cheek", "hand-mouth",
                                                "hair"};
static const char *const scenes[SCENE_COUNT] = {
    "lighthouse", "lake",  "house",     "tree",    "city",   "sunset", "forest", "desert",
    "boat",       "night", "mountains", "beach",   "castle", "bridge", "street", "cat",
    "dog",        "bird",  "horse",     "flowers", "car",    "fruit"};
static const char *const eye_words[EYE_COLOURS] = {"brown", "blue", "green", "grey", "dark"};

const struct class_names classes[CLASS_COUNT] = {
    [CLASS_GENDER] = {"gender", genders, COUNT_OF(genders)},
    [CLASS_AGE] = {"age", ages, COUNT_OF(ages)},
    [CLASS_SKIN] = {"skin", skins, COUNT_OF(skins)},
    [CLASS_HAIR] = {"hair-style", hairs, COUNT_OF(hairs)},
    [CLASS_HAIR_COLOUR] = {"hair", hair_words, COUNT_OF(hair_words)},
    [CLASS_BEARD] = {"beard", beards, COUNT_OF(beards)},
    [CLASS_GLASSES] = {"glasses", glasses, COUNT_OF(glasses)},
    [CLASS_HAT] = {"hat", hats, COUNT_OF(hats)},
    [CLASS_HAT_COLOUR] = {"hat-colour", cloth_words, COUNT_OF(cloth_words)},
    [CLASS_EARRINGS] = {"earrings", earrings, COUNT_OF(earrings)},
    [CLASS_CLOTHES] = {"clothes", clothes, COUNT_OF(clothes)},
    [CLASS_CLOTHES_COLOUR] = {"clothes-colour", cloth_words, COUNT_OF(cloth_words)},
    [CLASS_EXPRESSION] = {"expression", expressions, COUNT_OF(expressions)},
    [CLASS_LIGHT] = {"light", light_words, COUNT_OF(light_words)},
    [CLASS_PLACE] = {"place", places, COUNT_OF(places)},
    [CLASS_WALL] = {"background", wall_words, COUNT_OF(wall_words)},
    [CLASS_FRONT] = {"front", fronts, COUNT_OF(fronts)},
    [CLASS_SCENE] = {"scene", scenes, COUNT_OF(scenes)},
    [CLASS_EYES] = {"eyes", eye_words, COUNT_OF(eye_words)},
};

/* All but the scene are of person 0. */
static const size_t class_at[CLASS_COUNT] = {
    [CLASS_GENDER] = offsetof(struct picture, person[0].look.gender),
    [CLASS_AGE] = offsetof(struct picture, person[0].look.age),
    [CLASS_SKIN] = offsetof(struct picture, person[0].look.skin),
    [CLASS_HAIR] = offsetof(struct picture, person[0].look.hair),
    [CLASS_HAIR_COLOUR] = offsetof(struct picture, person[0].look.hair_colour),
    [CLASS_BEARD] = offsetof(struct picture, person[0].look.beard),
    [CLASS_GLASSES] = offsetof(struct picture, person[0].look.glasses),
    [CLASS_HAT] = offsetof(struct picture, person[0].look.hat),
    [CLASS_HAT_COLOUR] = offsetof(struct picture, person[0].look.hat_colour),
    [CLASS_EARRINGS] = offsetof(struct picture, person[0].look.earrings),
    [CLASS_CLOTHES] = offsetof(struct picture, person[0].look.clothes),
    [CLASS_CLOTHES_COLOUR] = offsetof(struct picture, person[0].look.clothes_colour),
    [CLASS_EXPRESSION] = offsetof(struct picture, person[0].shot.expression),
    [CLASS_LIGHT] = offsetof(struct picture, person[0].shot.light),
    [CLASS_PLACE] = offsetof(struct picture, person[0].shot.place),
    [CLASS_WALL] = offsetof(struct picture, person[0].shot.wall),
    [CLASS_FRONT] = offsetof(struct picture, person[0].shot.front),
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
    struct look *k = &p->person[0].look;
    if (kind == CLASS_AGE && age_group(k->years) != value)
        k->years = years_within(k->seed, value);
}
