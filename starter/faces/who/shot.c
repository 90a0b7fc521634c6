// SPDX-License-Identifier: Apache-2.0
/* Shots: what a photographer decides, most often calm and frontal, now and then extreme.
 */
#include "faces.h"

static const float expression_weights[EXPR_COUNT] = {0.23f, 0.27f, 0.14f, 0.12f,
                                                     0.09f, 0.08f, 0.07f};
static const float light_weights[LIGHT_COUNT] = {0.40f, 0.19f, 0.14f, 0.15f, 0.12f};
static const float place_weights[PLACE_COUNT] = {0.36f, 0.09f, 0.07f, 0.07f,  0.06f, 0.06f,
                                                 0.06f, 0.06f, 0.06f, 0.055f, 0.055f};
/* Hair is asked for more often than shown: most looks have none that falls. */
static const float front_weights[FRONT_COUNT] = {0.90f, 0.022f, 0.018f, 0.015f, 0.045f};

/* Where the key light may come from: |x| and y, before normalisation with z = 1. */
static const struct {
    float x0, x1, y0, y1;
} key_lights[LIGHT_COUNT] = {
    [LIGHT_SOFT] = {0.20f, 0.75f, 0.35f, 0.80f},     [LIGHT_WARM] = {0.20f, 0.90f, 0.25f, 0.80f},
    [LIGHT_DRAMATIC] = {0.90f, 1.60f, 0.30f, 0.90f}, [LIGHT_COOL] = {0.20f, 0.90f, 0.35f, 0.90f},
    [LIGHT_BACK] = {0.70f, 1.40f, 0.60f, 1.10f},
};

/* Radians: normal of `sigma` degrees, and one time in fifteen anything up to `most`. */
static float tilt(struct rng *r, float sigma, float most)
{
    float usual = clampf(rng_normal(r) * sigma, -2.5f * sigma, 2.5f * sigma);
    float rare = rng_range(r, -most, most);
    return (rng_chance(r, 1 / 15.0f) ? rare : usual) * DEGREE;
}

struct shot shot_make(uint64_t seed, float max_yaw)
{
    struct rng r = rng_make(seed, FOR_SHOT);
    struct shot s = {.seed = seed};
    s.yaw = clampf(rng_normal(&r) * 0.55f, -1, 1) * max_yaw;
    s.pitch = tilt(&r, 6, 25);
    s.roll = tilt(&r, 4, 20);
    s.height = 0.525f * rng_range(&r, 0.94f, 1.07f);
    s.cx = 0.5f + rng_range(&r, -0.04f, 0.04f) - 0.04f * s.yaw;
    s.cy = 0.475f + rng_range(&r, -0.03f, 0.03f);
    s.gaze = clampf(rng_normal(&r) * 0.4f - s.yaw * 1.2f, -1, 1);
    s.expression = rng_weighted(&r, expression_weights, EXPR_COUNT);
    s.light = rng_weighted(&r, light_weights, LIGHT_COUNT);
    s.place = rng_weighted(&r, place_weights, PLACE_COUNT);
    s.wall = rng_below(&r, WALL_COLOURS);
    s.front = rng_weighted(&r, front_weights, FRONT_COUNT);
    float side = rng_below(&r, 2) ? 1.0f : -1.0f;
    s.light_x = side * rng_range(&r, key_lights[s.light].x0, key_lights[s.light].x1);
    s.light_y = rng_range(&r, key_lights[s.light].y0, key_lights[s.light].y1);
    return s;
}
