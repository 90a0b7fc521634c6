// SPDX-License-Identifier: Apache-2.0
/* How scenes are painted: layers from back to front, each a soft-shaded form.
 *
 * A `form` is what a shape is at one point of the picture: how deep inside its outline the point
 * lies, and which way the inflated surface tilts there. A ball tilts as a hemisphere does, a limb
 * as a round bar, a slab only near its rounded edges; `join` melts two forms into one skin, depth
 * and tilt alike, so a cat is a dozen balls and bars. The tilt gives a normal, and one sun, the sky
 * above and the ground below light all forms alike. Nothing is traced: a picture costs its layers.
 *
 * (u, v) runs 0..1 from the top left; `enter` moves the origin and the unit to an object.
 */
#ifndef STARTER_FACES_SCENE_LAYER_H
#define STARTER_FACES_SCENE_LAYER_H

#include "scene.h"

enum { HOUR_DAY, HOUR_MORNING, HOUR_GOLDEN, HOUR_DUSK, HOUR_NIGHT, HOUR_INDOORS, HOUR_COUNT };

/* One point of a picture while it is painted. */
struct spot {
    struct vec3 colour; /* so far */
    float u, v;
    float soft; /* half the width of an edge, in the unit of u */
    float blur; /* of what is out of focus: the least `soft`; 0 in focus */
    uint32_t seed;
    struct vec3 towards, gleam;   /* unit vectors, y up: to the sun, between it and the eye */
    struct vec3 sun, sky, ground; /* light from each */
    struct vec3 sky_top, sky_low; /* colours of the sky */
    struct vec3 haze;
    struct vec3 wall; /* behind people: its paint, which tints a glow on it */
};

struct form {
    float depth; /* inside > 0 */
    float x, y; /* tilt of the surface, right and down; (0, 0) faces the eye, length 1 is edge-on */
};

enum { HOURS = 3 };
/* A black spot at (u, v) under the light of one of the hours; half of them see the picture
 * mirrored, with the sun still at `towards`. salt parts the choices of one picture from another's.
 */
struct spot spot_make(uint64_t seed,
                      int salt,
                      const int hours[HOURS],
                      struct vec3 towards,
                      float u,
                      float v,
                      float pixel);
/* What spot_make gives the spot as its seed. */
uint32_t spot_seed(uint64_t seed, int salt);
/* Light on a form's surface; gloss: 0 matt, 1 polished. */
struct vec3 lit(const struct spot *s, struct form f, struct vec3 albedo, float gloss);

/* The k-th choice of a picture, 0..1. */
static inline float chance(const struct spot *s, int k)
{
    return hash01(k, 811, s->seed);
}

static inline float choose(const struct spot *s, int k, float lo, float hi)
{
    return mixf(lo, hi, chance(s, k));
}

/* One of n. */
static inline unsigned choose_of(const struct spot *s, int k, const unsigned *colours, int n)
{
    return colours[(int)(chance(s, k) * (float)n)];
}

/* ---- place ---- */

/* The spot as an object sees it whose origin is (u, v) and whose unit is `size`. */
static inline struct spot enter(const struct spot *s, float u, float v, float size)
{
    struct spot in = *s;
    float unit = 1 / size;
    in.u = (s->u - u) * unit;
    in.v = (s->v - v) * unit;
    in.soft = s->soft * unit;
    in.blur = s->blur * unit;
    return in;
}

/* What follows is out of focus. */
static inline void defocus(struct spot *s, float blur)
{
    s->blur = blur;
    s->soft = maxf(s->soft, blur);
}

/* The middle of the cell that u is in, of a row of cells `step` wide. */
static inline float cell_middle(float u, float step)
{
    return (floorf(u / step) + 0.5f) * step;
}

/* How far x >= 0 is from the middle of its unit interval, 0..0.5: seams, dashes, stripes. */
static inline float off_middle(float x)
{
    return fabsf(fmodf(x, 1) - 0.5f);
}

static inline bool within(const struct spot *s, float u0, float v0, float u1, float v1)
{
    float m = s->soft;
    return s->u > u0 - m && s->u < u1 + m && s->v > v0 - m && s->v < v1 + m;
}

/* ---- forms ---- */

static inline struct form ball(const struct spot *s, float u, float v, float ru, float rv)
{
    float x = (s->u - u) / ru, y = (s->v - v) / rv;
    float r = sqrtf(x * x + y * y) + 1e-6f;
    float slope = sqrtf(x * x / (ru * ru) + y * y / (rv * rv)) + 1e-6f;
    return (struct form){(1 - r) * r / slope, x, y};
}

/* A round bar from one point to another, with a radius at each. */
static inline struct form limb(
    const struct spot *s, float u0, float v0, float r0, float u1, float v1, float r1)
{
    float bx = u1 - u0, by = v1 - v0, px = s->u - u0, py = s->v - v0;
    float t = clampf((px * bx + py * by) / (bx * bx + by * by + 1e-12f), 0, 1);
    float r = mixf(r0, r1, t), x = px - t * bx, y = py - t * by;
    return (struct form){r - sqrtf(x * x + y * y), x / r, y / r};
}

/* A box about (u, v) with rounded edges. */
static inline struct form slab(
    const struct spot *s, float u, float v, float half_u, float half_v, float round)
{
    float x = s->u - u, y = s->v - v;
    float qx = fabsf(x) - half_u + round, qy = fabsf(y) - half_v + round;
    float ex = maxf(qx, 0), ey = maxf(qy, 0);
    float depth = round - sqrtf(ex * ex + ey * ey) - minf(maxf(qx, qy), 0);
    return (struct form){depth, (x < 0 ? -ex : ex) / round, (y < 0 ? -ey : ey) / round};
}

/* An upright round column: half its width at the top and at the bottom. */
static inline struct form drum(
    const struct spot *s, float u, float top, float half_top, float bottom, float half_bottom)
{
    float t = clampf((s->v - top) / (bottom - top), 0, 1);
    float half = mixf(half_top, half_bottom, t), x = s->u - u;
    return (struct form){minf(half - fabsf(x), minf(s->v - top, bottom - s->v)), 0.92f * x / half,
                         0};
}

/* A flat thing facing the eye. */
static inline struct form flat(float depth)
{
    return (struct form){depth, 0, 0};
}

static inline float inside_box(const struct spot *s, float u0, float v0, float u1, float v1)
{
    return minf(minf(s->u - u0, u1 - s->u), minf(s->v - v0, v1 - s->v));
}

/* Both as one skin; k: width of the joint. */
static inline struct form join(struct form a, struct form b, float k)
{
    float h = clampf(0.5f + 0.5f * (b.depth - a.depth) / k, 0, 1);
    return (struct form){mixf(a.depth, b.depth, h) + k * h * (1 - h), mixf(a.x, b.x, h),
                         mixf(a.y, b.y, h)};
}

static inline struct form carve(struct form f, float depth)
{
    f.depth = minf(f.depth, depth);
    return f;
}

/* ---- paint ---- */

static inline float cover(const struct spot *s, float depth)
{
    return ramp(-s->soft, s->soft, depth);
}

static inline void put(struct spot *s, float depth, struct vec3 colour)
{
    if (depth > -s->soft)
        s->colour = v3_mix(s->colour, colour, cover(s, depth));
}

static inline void glaze(struct spot *s, float amount, struct vec3 colour)
{
    s->colour = v3_mix(s->colour, colour, clampf(amount, 0, 1));
}

static inline void fill(struct spot *s, struct form f, struct vec3 albedo, float gloss)
{
    if (f.depth > -s->soft)
        s->colour = v3_mix(s->colour, lit(s, f, albedo, gloss), cover(s, f.depth));
}

/* Darkens what is behind a form that is about to be painted, within `reach` of it. */
static inline void shade(struct spot *s, struct form f, float reach, float amount)
{
    float t = clampf(1 + f.depth / reach, 0, 1);
    float dark = amount * t * t;
    s->colour = v3_mul(s->colour, v3(1 - dark, 1 - 0.95f * dark, 1 - 0.82f * dark));
}

/* A soft round shadow on the ground. */
static inline void pool(struct spot *s, float u, float v, float ru, float rv, float amount)
{
    float x = (s->u - u) / ru, y = (s->v - v) / rv, t = maxf(1 - x * x - y * y, 0);
    float dark = amount * t * t;
    s->colour = v3_mul(s->colour, v3(1 - dark, 1 - 0.94f * dark, 1 - 0.8f * dark));
}

/* Light added in a soft round spot. */
static inline void glow(struct spot *s, float u, float v, float r, struct vec3 light)
{
    float x = (s->u - u) / r, y = (s->v - v) / r, t = maxf(1 - x * x - y * y, 0);
    s->colour = v3_add(s->colour, v3_scale(light, t * t));
}

/* ---- nature.c and growth.c: what several pictures share ---- */

void paint_sky(struct spot *s, float horizon);
/* n clouds, strewn above `low`. */
void paint_clouds(struct spot *s, int n, float low);
/* Rounded hills whose tops lie between base - height and base. hazy: 0 near, 1 gone. */
void paint_hills(
    struct spot *s, float base, float height, float rate, int salt, struct vec3 albedo, float hazy);
/* A snow-capped mountain. */
void paint_peak(struct spot *s, float u, float top, float base, float slope, int salt, float hazy);
/* Water from the horizon to the bottom. */
void paint_sea(struct spot *s, float horizon, struct vec3 near, struct vec3 far);
/* Water below a line that shows what stands above it, upside down and `squash` times as high. */
void paint_mirror(
    struct spot *s, float line, float squash, void (*above)(struct spot *), struct vec3 deep);
/* Lawn below its edge. */
void paint_grass(struct spot *s, float edge, struct vec3 near, struct vec3 far);
/* Small blossoms on a lawn between two heights. */
void paint_blossoms(struct spot *s, float top, float bottom, int salt);

/* Plants stand on (u, v) and are `size` high. */
void paint_tree(struct spot *s, float u, float v, float size, struct vec3 leaves, int salt);
void paint_bush(struct spot *s, float u, float v, float size, struct vec3 leaves, int salt);
void paint_fir(struct spot *s, float u, float v, float size, struct vec3 needles, float snow);
void paint_palm(struct spot *s, float u, float v, float size);
/* A row of firs along v. */
void paint_firs(
    struct spot *s, float v, float size, float step, int salt, struct vec3 needles, float snow);

/* ---- building.c ---- */

/* A window in a painted frame, with a sill. */
void paint_window(struct spot *s, float u, float v, float half_u, float half_v, struct vec3 frame);
/* A tiled roof that tilts up to the sky: half its width at the ridge and at the eaves. */
void paint_roof(struct spot *s,
                float u,
                float top,
                float half_top,
                float bottom,
                float half_bottom,
                struct vec3 tiles);

/* ---- town.c ---- */

/* A row of houses with shops, from the roofs at 0.2 to the pavement at 0.8. */
void paint_houses(struct spot *s, float shift);

/* ---- outdoors.c: backdrops under the sky ---- */

/* Lights out of focus: discs of up to `radius` in a grid of cells, a share of them lit. */
void paint_bokeh(
    struct spot *s, float cell, int salt, float share, float radius, struct vec3 light);

void place_meadow(struct spot *s);
void place_forest(struct spot *s);
void place_beach(struct spot *s);
void place_street(struct spot *s);
void place_mountains(struct spot *s);
void place_snow(struct spot *s);
void place_night(struct spot *s);

/* ---- fur.c ---- */

/* The colours of an animal's coat. */
struct coat {
    struct vec3 fur, pale, dark;
    float light; /* of the fur, 0..1 */
};

struct coat coat_of(const struct spot *s, int scene);
/* Ruffles a form with fine streaks along v. */
struct form furry(const struct spot *s, struct form f, float amount);
/* An animal's eye; slit: half the width of the pupil, of the eye's radius. */
void paint_eye(struct spot *s, float u, float v, float r, unsigned iris, float slit);

/* ---- landscape.c, building.c, town.c, pet.c, animal.c, thing.c: the scenes ---- */

void scene_lake(struct spot *s);
void scene_tree(struct spot *s);
void scene_sunset(struct spot *s);
void scene_forest(struct spot *s);
void scene_desert(struct spot *s);
void scene_night(struct spot *s);
void scene_mountains(struct spot *s);
void scene_beach(struct spot *s);
void scene_lighthouse(struct spot *s);
void scene_house(struct spot *s);
void scene_city(struct spot *s);
void scene_castle(struct spot *s);
void scene_bridge(struct spot *s);
void scene_street(struct spot *s);
void scene_cat(struct spot *s);
void scene_dog(struct spot *s);
void scene_bird(struct spot *s);
void scene_horse(struct spot *s);
void scene_boat(struct spot *s);
void scene_flowers(struct spot *s);
void scene_car(struct spot *s);
void scene_fruit(struct spot *s);

/* A colour as captions name it; sRGB, 0xRRGGBB. */
struct shade {
    const char *word;
    unsigned rgb;
};
/* The one that a seed picks for a scene's subject. */
const struct shade *scene_shade(int scene, uint32_t seed);

#endif
