// SPDX-License-Identifier: Apache-2.0
/* The renderer of people: the starter pack's only source of pictures and of truth about them.
 *
 * A person is three independent parts, each made from its own seed. `identity` is geometry and what
 * a face keeps for years; `look` is what a person can change or grows into; `shot` is what a
 * photographer decides. A face swap's exact answer is therefore render(identity of B, look of A,
 * shot of A).
 *
 * The way of a picture through the folders: who/ decides, form/ builds meshes, draw/ finds what
 * each sample sees, paint/ says what the surface is like, draw/light.c lights it, scene/ stands
 * behind it, set/ writes captions, labels and files.
 *
 * Head space, in which everything is modelled: x to the picture's right, y up, z towards the
 * camera; the chin is near y = -1, the pupils near y = 0.03, the crown near y = 1.1.
 */
#ifndef STARTER_FACES_H
#define STARTER_FACES_H

#include "base/vec.h"

/* What random numbers are for: one seed gives each purpose a row of its own (rng_make), so that no
 * choice disturbs another. Pictures depend on the values. */
enum purpose {
    FOR_IDENTITY = 1,
    FOR_LOOK = 2, /* who: gender and age group */
    FOR_SHOT = 3,
    FOR_CAPTION = 4,
    FOR_PORTRAIT = 10,
    FOR_PAIR_SAME = 11,
    FOR_PAIR = 12,
    FOR_WIDE = 13,
    FOR_ALBUM = 14,
    FOR_TURN = 15,
    FOR_AGE = 16,
    FOR_LOOK_AT = 21, /* everything else of a look */
    FOR_YEARS = 22,
    FOR_HAIR = 31,
    FOR_BEARD = 32,
    FOR_RECORD = 100, /* and those that follow: parts of a record */
    FOR_TIE = 0x746965,
    FOR_POMPOM = 0x706f6d,
    FOR_BRIM = 0x6272696d,
    FOR_DRAPE = 0x64726170,
    FOR_FRAME = 0x6672616d,
    FOR_HAND = 0x68616e64,
    FOR_NECKLINE = 0x6e65636b,
    FOR_EARRINGS = 0x72696e67,
    FOR_FABRIC = 0x77656172,
};

/* ---- who: identity ---- */

enum {
    G_FACE_WIDTH,
    G_JAW_WIDTH,
    G_JAW_ANGLE,
    G_CHIN_LENGTH,
    G_CHIN_WIDTH,
    G_CHIN_FORWARD,
    G_CHIN_CLEFT, /* 0..1 */
    G_CHEEKS,
    G_CHEEKBONES,
    G_FOREHEAD,
    G_BROW_RIDGE,
    G_EYE_SIZE,
    G_EYE_GAP,
    G_EYE_TILT,
    G_EYE_OPEN,
    G_EYE_HEIGHT,
    G_EYE_DEPTH,
    G_EYE_FOLD, /* -1: no crease, 1: deep crease */
    G_BROW_THICK,
    G_BROW_HEIGHT,
    G_BROW_TILT,
    G_BROW_ARCH,
    G_BROW_GAP,
    G_NOSE_LENGTH,
    G_NOSE_WIDTH,
    G_NOSE_TIP, /* how far it stands out */
    G_NOSE_BRIDGE,
    G_NOSE_HUMP,
    G_NOSE_UP, /* snub (+) or drooping (-) */
    G_NOSTRILS,
    G_MOUTH_WIDTH,
    G_MOUTH_HEIGHT,
    G_MOUTH_CURVE,
    G_LIP_UPPER,
    G_LIP_LOWER,
    G_LIP_BOW,
    G_EARS,
    G_EARS_OUT,
    G_FRECKLES, /* 0..1 */
    G_MOLE,     /* 0 or 1 */
    G_MOLE_X,
    G_MOLE_Y,
    G_COUNT
};
#define G_MOST 1.5f /* no number of a geometry is larger */

extern const char *const geometry_names[G_COUNT];

struct identity {
    uint64_t seed;
    int gender;       /* whose proportions it leans to; a look may differ */
    int eyes;         /* row of eye_colours */
    float g[G_COUNT]; /* about -1..1, except where said */
};

/* ---- looks ---- */

enum { WOMAN, MAN };
/* 5..13, 14..35, 36..59, 60..85 years */
enum { CHILD, YOUNG, MIDDLE_AGED, OLD, AGE_COUNT };
enum { SKIN_PALE, SKIN_LIGHT, SKIN_OLIVE, SKIN_TAN, SKIN_BROWN, SKIN_DARK, SKIN_COUNT };
enum {
    HAIR_BALD,
    HAIR_BUZZ,
    HAIR_SHORT,
    HAIR_SIDE_PART,
    HAIR_SLICKED,
    HAIR_SPIKY,
    HAIR_CURLY,
    HAIR_AFRO,
    HAIR_BOB,
    HAIR_LONG,
    HAIR_WAVY,
    HAIR_LONG_CURLY,
    HAIR_PONYTAIL,
    HAIR_BUN,
    HAIR_BRAIDS,
    HAIR_LOCS,
    HAIR_COUNT
};
enum {
    HAIR_BLACK,
    HAIR_BROWN,
    HAIR_BLONDE,
    HAIR_RED,
    HAIR_GREY,
    HAIR_WHITE,
    HAIR_BLUE,
    HAIR_PINK,
    HAIR_COLOUR_COUNT
};
enum {
    BEARD_NONE,
    BEARD_STUBBLE,
    BEARD_FULL,
    BEARD_LONG,
    BEARD_MOUSTACHE,
    BEARD_GOATEE,
    BEARD_COUNT
};
enum { GLASSES_NONE, GLASSES_ROUND, GLASSES_SQUARE, GLASSES_SUN, GLASSES_COUNT };
enum { HAT_NONE, HAT_CAP, HAT_BEANIE, HAT_BRIM, HAT_HEADSCARF, HAT_COUNT };
enum { EARRINGS_NONE, EARRINGS_STUDS, EARRINGS_HOOPS, EARRINGS_COUNT };
enum {
    CLOTHES_TSHIRT,
    CLOTHES_STRIPED, /* a t-shirt with stripes */
    CLOTHES_SHIRT,
    CLOTHES_HOODIE,
    CLOTHES_JACKET,  /* of a suit, over a white shirt */
    CLOTHES_SWEATER, /* with a turtleneck */
    CLOTHES_DRESS,
    CLOTHES_COUNT
};
enum {
    EXPR_NEUTRAL,
    EXPR_SMILE,
    EXPR_LAUGH,
    EXPR_SERIOUS,
    EXPR_SURPRISED,
    EXPR_SAD,
    EXPR_ANGRY,
    EXPR_COUNT
};
enum { LIGHT_SOFT, LIGHT_WARM, LIGHT_DRAMATIC, LIGHT_COOL, LIGHT_BACK, LIGHT_COUNT };
enum {
    PLACE_COLOUR, /* a wall of shot.wall */
    PLACE_STUDIO,
    PLACE_MEADOW,
    PLACE_ROOM,
    PLACE_FOREST,
    PLACE_BEACH,
    PLACE_STREET,
    PLACE_LIBRARY,
    PLACE_MOUNTAINS,
    PLACE_SNOW,
    PLACE_NIGHT,
    PLACE_COUNT
};
/* What is in front of the face. */
enum {
    FRONT_NOTHING,
    FRONT_HAND_CHIN,
    FRONT_HAND_CHEEK,
    FRONT_HAND_MOUTH,
    FRONT_HAIR,
    FRONT_COUNT
};
enum {
    SCENE_LIGHTHOUSE,
    SCENE_LAKE,
    SCENE_HOUSE,
    SCENE_TREE,
    SCENE_CITY,
    SCENE_SUNSET,
    SCENE_FOREST,
    SCENE_DESERT,
    SCENE_BOAT,
    SCENE_NIGHT,
    SCENE_MOUNTAINS,
    SCENE_BEACH,
    SCENE_CASTLE,
    SCENE_BRIDGE,
    SCENE_STREET,
    SCENE_CAT,
    SCENE_DOG,
    SCENE_BIRD,
    SCENE_HORSE,
    SCENE_FLOWERS,
    SCENE_CAR,
    SCENE_FRUIT,
    SCENE_COUNT
};

/* sRGB, 0xRRGGBB; `classes` has their names. */
enum { EYE_COLOURS = 5, CLOTH_COLOURS = 10, WALL_COLOURS = 9 };
extern const unsigned skin_tones[SKIN_COUNT];
extern const unsigned hair_colours[HAIR_COLOUR_COUNT];
extern const unsigned eye_colours[EYE_COLOURS];
extern const unsigned cloth_colours[CLOTH_COLOURS];
extern const unsigned wall_colours[WALL_COLOURS];

/* Names of the classes above, as options and labels spell them. */
struct class_names {
    const char *option;
    const char *const *names;
    int count;
};
enum {
    CLASS_GENDER,
    CLASS_AGE,
    CLASS_SKIN,
    CLASS_HAIR,
    CLASS_HAIR_COLOUR,
    CLASS_BEARD,
    CLASS_GLASSES,
    CLASS_HAT,
    CLASS_HAT_COLOUR,
    CLASS_EARRINGS,
    CLASS_CLOTHES,
    CLASS_CLOTHES_COLOUR,
    CLASS_EXPRESSION,
    CLASS_LIGHT,
    CLASS_PLACE,
    CLASS_WALL,
    CLASS_FRONT,
    CLASS_SCENE,
    CLASS_EYES,
    CLASS_COUNT
};
extern const struct class_names classes[CLASS_COUNT];

struct look {
    uint64_t seed;
    int gender, age, years, skin, hair, hair_colour, beard, glasses, hat, hat_colour, earrings,
        clothes, clothes_colour;
    float tone;   /* -1..1: variation within the skin tone */
    float volume; /* -1..1: of the hair */
    bool part_left, fringe;
};

/* ---- shots ---- */

struct shot {
    uint64_t seed;
    float yaw, pitch, roll; /* radians; positive: to the picture's right, up, clockwise */
    float cx, cy, height;   /* middle and height of the face, fractions of the picture's height */
    float gaze;             /* -1..1 */
    int expression, light, place, wall, front;
    float light_x, light_y; /* direction of the key light, before normalisation with z = 1 */
};

struct identity identity_make(uint64_t seed, int gender);
/* A balanced look; gender < 0 draws one. */
struct look look_make(uint64_t seed, int gender);
/* The age group of so many years. */
int age_group(int years);
/* max_yaw in radians. */
struct shot shot_make(uint64_t seed, float max_yaw);

/* ---- rendering ---- */

/* Classes of the mask: 0..18 are BiSeNet's of CelebAMask-HQ, left and right being the person's; two
 * more tell apart what it has no name for. Beards count as skin there, hands as background. */
enum {
    MASK_BACKGROUND,
    MASK_SKIN,
    MASK_LEFT_BROW,
    MASK_RIGHT_BROW,
    MASK_LEFT_EYE,
    MASK_RIGHT_EYE,
    MASK_GLASSES,
    MASK_LEFT_EAR,
    MASK_RIGHT_EAR,
    MASK_EARRING,
    MASK_NOSE,
    MASK_MOUTH, /* teeth and tongue */
    MASK_UPPER_LIP,
    MASK_LOWER_LIP,
    MASK_NECK,
    MASK_NECKLACE,
    MASK_CLOTHES,
    MASK_HAIR,
    MASK_HAT,
    MASK_BEARD,
    MASK_HAND, /* bare arms and legs too */
    MASK_COUNT
};

/* Ground truth of one face, in pixels of the picture it was rendered to. */
struct face_truth {
    float box[4];       /* x0 y0 x1 y1: forehead to chin, ear to ear */
    float points[5][2]; /* eyes, nose tip, mouth corners; the picture's left first */
    float dense[68][2]; /* the 68 points of the iBUG mark-up */
};

struct person {
    struct identity id;
    struct look look;
    struct shot shot;
};

enum { PEOPLE_MAX = 3 };

/* What the picture shows: people (0..PEOPLE_MAX, the far ones first) in a place, or a scene. */
struct picture {
    int people;
    struct person person[PEOPLE_MAX];
    int scene; /* used when people == 0 */
    uint64_t seed;
};

/* The class of a picture (CLASS_GENDER .. CLASS_EYES), and a way to set it. */
int picture_class(const struct picture *p, int kind);
void picture_set_class(struct picture *p, int kind, int value);

struct canvas;
/* size: 16..2048, the side of the square picture; samples: per axis, 1..4. NULL outside these, or
 * when memory lacks. One canvas serves one thread at a time. */
struct canvas *canvas_make(int size, int samples);
void canvas_free(struct canvas *c);
/* rgb [size,size,3] u8; mask [size,size] u8 or NULL; truth [people] or NULL. */
void canvas_render(struct canvas *c,
                   const struct picture *p,
                   uint8_t *rgb,
                   uint8_t *mask,
                   struct face_truth *truth);

/* ---- captions ---- */

/* What captions speak of. Gender and age are in every noun. */
enum topic {
    TOPIC_HAIR,
    TOPIC_FRINGE,
    TOPIC_BEARD,
    TOPIC_GLASSES,
    TOPIC_HAT,
    TOPIC_EARRINGS,
    TOPIC_EYES,
    TOPIC_FRECKLES,
    TOPIC_SKIN,
    TOPIC_SHAPE, /* of the face */
    TOPIC_CLOTHES,
    TOPIC_EXPRESSION,
    TOPIC_POSE,
    TOPIC_FRONT,
    TOPIC_ABSENT, /* glasses, hat, beard that are not there */
    TOPIC_PLACE,
    TOPIC_LIGHT,
    TOPIC_COUNT
};
extern const char *const topic_names[TOPIC_COUNT];

/* A truthful sentence about the picture, at most `size` > 0 bytes with its end. Returns the topics
 * that it mentions of one person alone, a bit each; 0 for other pictures. */
unsigned caption_write(const struct picture *p, uint64_t seed, char *out, size_t size);

#endif
