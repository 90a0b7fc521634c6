// SPDX-License-Identifier: Apache-2.0
/* The renderer of people: the starter pack's only source of pictures and of truth about them.
 *
 * A person is three independent parts, each made from its own seed. `identity` is geometry and what
 * a face keeps for years; `look` is what a person can change or grows into; `shot` is what a
 * photographer decides. A face swap's exact answer is therefore render(identity of B, look of A,
 * shot of A).
 *
 * Head space, in which everything is modelled: x to the picture's right, y up, z towards the
 * camera; the chin is near y = -1, the pupils near y = 0.03, the crown near y = 1.1.
 */
#ifndef STARTER_FACES_H
#define STARTER_FACES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACE_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- random numbers: splitmix64, one state per purpose ---- */

struct rng {
    uint64_t state;
};

struct rng rng_make(uint64_t seed, uint64_t purpose);
uint64_t rng_next(struct rng *r);
float rng_unit(struct rng *r);                      /* [0,1) */
float rng_range(struct rng *r, float lo, float hi); /* [lo,hi) */
float rng_normal(struct rng *r);                    /* roughly normal, within ±3 */
int rng_below(struct rng *r, int n);
int rng_weighted(struct rng *r, const float *weights, int n);

/* ---- vectors ---- */

struct vec3 {
    float x, y, z;
};

static inline struct vec3 v3(float x, float y, float z)
{
    return (struct vec3){x, y, z};
}
static inline struct vec3 v3_add(struct vec3 a, struct vec3 b)
{
    return v3(a.x + b.x, a.y + b.y, a.z + b.z);
}
static inline struct vec3 v3_sub(struct vec3 a, struct vec3 b)
{
    return v3(a.x - b.x, a.y - b.y, a.z - b.z);
}
static inline struct vec3 v3_mul(struct vec3 a, struct vec3 b)
{
    return v3(a.x * b.x, a.y * b.y, a.z * b.z);
}
static inline struct vec3 v3_scale(struct vec3 a, float s)
{
    return v3(a.x * s, a.y * s, a.z * s);
}
static inline float v3_dot(struct vec3 a, struct vec3 b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
static inline struct vec3 v3_cross(struct vec3 a, struct vec3 b)
{
    return v3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}
static inline struct vec3 v3_unit(struct vec3 a)
{
    return v3_scale(a, 1.0f / sqrtf(v3_dot(a, a) + 1e-20f));
}
static inline struct vec3 v3_mix(struct vec3 a, struct vec3 b, float t)
{
    return v3(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t);
}
/* Not fminf, fmaxf: those are calls, for the sake of NaN. */
static inline float minf(float a, float b)
{
    return a < b ? a : b;
}
static inline float maxf(float a, float b)
{
    return a > b ? a : b;
}
static inline float clampf(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}
static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}
/* 0 before a, 1 after b, smooth between; a > b turns it round. */
static inline float ramp(float a, float b, float x)
{
    float t = clampf((x - a) / (b - a), 0.0f, 1.0f);
    return t * t * (3.0f - 2.0f * t);
}
static inline float gauss(float x, float sigma)
{
    float t = x / sigma;
    t *= t;
    return t > 9.0f ? 0.0f : expf(-t);
}
static inline float gauss2(float x, float sx, float y, float sy)
{
    float t = (x / sx) * (x / sx) + (y / sy) * (y / sy);
    return t > 9.0f ? 0.0f : expf(-t);
}
float noise2(float x, float y, uint32_t seed); /* smooth value noise, 0..1 */
float hash01(int x, int y, uint32_t seed);     /* white noise, 0..1 */
struct vec3 srgb(unsigned hex);                /* 0xRRGGBB to linear light */

/* ---- who: identity ---- */

enum {
    G_FACE_WIDTH,
    G_JAW_WIDTH,
    G_CHIN_LENGTH,
    G_CHIN_WIDTH,
    G_CHEEKS,
    G_FOREHEAD,
    G_EYE_SIZE,
    G_EYE_GAP,
    G_EYE_TILT,
    G_EYE_OPEN,
    G_EYE_HEIGHT,
    G_BROW_THICK,
    G_BROW_HEIGHT,
    G_BROW_TILT,
    G_BROW_ARCH,
    G_NOSE_LENGTH,
    G_NOSE_WIDTH,
    G_NOSE_TIP,
    G_NOSE_BRIDGE,
    G_MOUTH_WIDTH,
    G_MOUTH_HEIGHT,
    G_LIP_UPPER,
    G_LIP_LOWER,
    G_EARS,
    G_FRECKLES,
    G_MOLE,
    G_MOLE_X,
    G_MOLE_Y,
    G_COUNT
};

extern const char *const geometry_names[G_COUNT];

struct identity {
    uint64_t seed;
    int gender;       /* whose proportions it leans to; a look may differ */
    int eyes;         /* row of eye_colours */
    float g[G_COUNT]; /* about -1..1, except FRECKLES and MOLE 0..1 */
};

/* ---- looks ---- */

enum { WOMAN, MAN };
enum { CHILD, YOUNG, MIDDLE_AGED, OLD, AGE_COUNT };
enum {
    HAIR_BALD,
    HAIR_BUZZ,
    HAIR_SHORT,
    HAIR_SIDE_PART,
    HAIR_CURLY,
    HAIR_AFRO,
    HAIR_BOB,
    HAIR_LONG,
    HAIR_WAVY,
    HAIR_PONYTAIL,
    HAIR_BUN,
    HAIR_COUNT
};
enum { BEARD_NONE, BEARD_STUBBLE, BEARD_FULL, BEARD_MOUSTACHE, BEARD_GOATEE, BEARD_COUNT };
enum { GLASSES_NONE, GLASSES_ROUND, GLASSES_SQUARE, GLASSES_COUNT };
enum { CLOTHES_TSHIRT, CLOTHES_SHIRT, CLOTHES_HOODIE, CLOTHES_JACKET, CLOTHES_COUNT };
enum { EXPR_NEUTRAL, EXPR_SMILE, EXPR_LAUGH, EXPR_SERIOUS, EXPR_SURPRISED, EXPR_COUNT };
enum { LIGHT_SOFT, LIGHT_WARM, LIGHT_DRAMATIC, LIGHT_COOL, LIGHT_COUNT };
enum { PLACE_COLOUR, PLACE_STUDIO, PLACE_MEADOW, PLACE_ROOM, PLACE_COUNT };
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
    SCENE_COUNT
};

/* A named colour: `word` is what captions say, `rgb` sRGB 0xRRGGBB. */
struct shade {
    const char *word;
    unsigned rgb;
};

extern const struct shade skin_tones[6];
extern const struct shade hair_colours[6];
extern const struct shade eye_colours[5];
extern const struct shade cloth_colours[10];
extern const struct shade wall_colours[9];

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
    CLASS_CLOTHES,
    CLASS_CLOTHES_COLOUR,
    CLASS_EXPRESSION,
    CLASS_LIGHT,
    CLASS_PLACE,
    CLASS_WALL,
    CLASS_SCENE,
    CLASS_EYES,
    CLASS_COUNT
};
extern const struct class_names classes[CLASS_COUNT];

struct look {
    uint64_t seed;
    int gender, age, years, skin, hair, hair_colour, beard, glasses, clothes, clothes_colour;
    float tone;   /* -1..1: variation within the skin tone */
    float volume; /* -1..1: of the hair */
    bool part_left;
};

/* ---- shots ---- */

struct shot {
    uint64_t seed;
    float yaw, pitch, roll; /* radians; positive: to the picture's right, up, clockwise */
    float cx, cy, height;   /* middle and height of the face, fractions of the picture's height */
    float gaze;             /* -1..1 */
    int expression, light, place, wall;
    float light_x, light_y; /* direction of the key light, before normalisation with z = 1 */
};

struct identity identity_make(uint64_t seed, int gender);
/* A balanced look; gender < 0 draws one. */
struct look look_make(uint64_t seed, int gender);
/* max_yaw in radians. */
struct shot shot_make(uint64_t seed, float max_yaw);

/* ---- rendering ---- */

enum {
    MASK_BACKGROUND,
    MASK_SKIN,
    MASK_HAIR,
    MASK_GLASSES,
    MASK_BEARD,
    MASK_CLOTHES,
    MASK_EAR_NECK
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

/* What the picture shows: people (0..3) in a place, or a scene. */
struct picture {
    int people;
    struct person person[3];
    int scene; /* used when people == 0 */
    uint64_t seed;
};

/* The class of a picture (CLASS_GENDER .. CLASS_EYES), and a way to set it. */
int picture_class(const struct picture *p, int kind);
void picture_set_class(struct picture *p, int kind, int value);

struct canvas;
/* NULL when memory lacks. size: 16..2048, the side of the square picture; samples: per axis, 1..4.
 */
struct canvas *canvas_make(int size, int samples);
void canvas_free(struct canvas *c);
/* rgb [size,size,3] u8; mask [size,size] u8 or NULL; truth [people] or NULL. */
void canvas_render(struct canvas *c,
                   const struct picture *p,
                   uint8_t *rgb,
                   uint8_t *mask,
                   struct face_truth *truth);

/* ---- captions ---- */

/* A truthful sentence about the picture, at most `size` bytes with its end. */
void caption_write(const struct picture *p, uint64_t seed, char *out, size_t size);

#endif
