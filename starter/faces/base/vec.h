// SPDX-License-Identifier: Apache-2.0
/* Random numbers, vectors, soft steps, noise and colours: what every file of the renderer reckons
 * with.
 */
#ifndef STARTER_FACES_VEC_H
#define STARTER_FACES_VEC_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define PI 3.14159265f
#define DEGREE 0.01745329f /* in radians */

/* ---- random numbers: splitmix64, one state per purpose ---- */

/* One call a statement: C does not say which argument or operand is worked out first, and gcc and
 * clang choose differently. */

struct rng {
    uint64_t state;
};

struct rng rng_make(uint64_t seed, uint64_t purpose);
uint64_t rng_next(struct rng *r);
float rng_unit(struct rng *r);                      /* [0,1) */
float rng_range(struct rng *r, float lo, float hi); /* [lo,hi) */
float rng_normal(struct rng *r);             /* roughly normal: mean 0, deviation 1, within ±4.3 */
bool rng_chance(struct rng *r, float share); /* true in `share` of the cases */
int rng_below(struct rng *r, int n);         /* 0..n-1 */
int rng_weighted(struct rng *r, const float *weights, int n); /* 0..n-1; any sum will do */

/* ---- numbers ---- */

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
/* Not floorf, which is a call too on older instruction sets. */
static inline int floor_of(float x)
{
    int i = (int)x;
    return i - (x < (float)i);
}
static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}
static inline float fract(float x)
{
    return x - floorf(x);
}
/* |x|^power with the sign of x: superellipses are made of it. */
static inline float powf_signed(float x, float power)
{
    return copysignf(powf(fabsf(x), power), x);
}
/* Where the i-th of n >= 2 things in a row is: 0 the first, 1 the last. */
static inline float step01(int i, int n)
{
    return (float)i / (float)(n - 1);
}
/* Where the i-th of n sectors of a circle begins, radians. */
static inline float sector(int i, int n)
{
    return 2 * PI * (float)i / (float)n;
}
/* t 0..1 */
static inline float smooth(float t)
{
    return t * t * (3.0f - 2.0f * t);
}
/* 0 before a, 1 after b, smooth between; a > b turns it round; a != b. */
static inline float ramp(float a, float b, float x)
{
    return smooth(clampf((x - a) / (b - a), 0.0f, 1.0f));
}
/* exp(-(x/sigma)^2), cut off at three sigma to spare the call. */
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

/* ---- vectors: points, directions, and colours in linear light ---- */

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
static inline float v3_length(struct vec3 a)
{
    return sqrtf(v3_dot(a, a));
}
/* Also of the zero vector: it stays. */
static inline struct vec3 v3_unit(struct vec3 a)
{
    return v3_scale(a, 1.0f / sqrtf(v3_dot(a, a) + 1e-20f));
}
static inline struct vec3 v3_min(struct vec3 a, float most)
{
    return v3(minf(a.x, most), minf(a.y, most), minf(a.z, most));
}
static inline struct vec3 v3_mix(struct vec3 a, struct vec3 b, float t)
{
    return v3(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t);
}
/* The direction at `angle` round y from the front, positive to the picture's right, and
 * `elevation` above the horizon; radians. */
static inline struct vec3 v3_heading(float angle, float elevation)
{
    return v3(cosf(elevation) * sinf(angle), sinf(elevation), cosf(elevation) * cosf(angle));
}
/* Of a vector of any length, as above. */
static inline float v3_elevation(struct vec3 a)
{
    return atan2f(a.y, sqrtf(a.x * a.x + a.z * a.z));
}

/* ---- noise and colours ---- */

float hash01(int x, int y, uint32_t seed);     /* white noise, [0,1) */
float noise2(float x, float y, uint32_t seed); /* smooth value noise, a lattice unit apart, 0..1 */
struct vec3 srgb(unsigned hex);                /* 0xRRGGBB to linear light, 0..1 */

#endif
