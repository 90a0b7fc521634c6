// SPDX-License-Identifier: Apache-2.0
/* Identities: geometry drawn wide, then moved towards what is common for a gender. The lean is a
 * difference of means; both genders reach nearly all of the range, so neither is a type.
 */
#include "faces.h"

/* Shift for a man; for a woman its negative. */
static const struct {
    int g;
    float shift;
} leans[] = {
    {G_JAW_WIDTH, 0.35f},    {G_JAW_ANGLE, 0.30f},  {G_CHIN_WIDTH, 0.28f},  {G_CHIN_LENGTH, 0.18f},
    {G_CHIN_FORWARD, 0.12f}, {G_CHEEKS, -0.10f},    {G_FOREHEAD, 0.08f},    {G_BROW_RIDGE, 0.45f},
    {G_EYE_SIZE, -0.28f},    {G_EYE_OPEN, -0.15f},  {G_EYE_DEPTH, 0.20f},   {G_BROW_THICK, 0.45f},
    {G_BROW_HEIGHT, -0.25f}, {G_BROW_ARCH, -0.30f}, {G_NOSE_LENGTH, 0.12f}, {G_NOSE_WIDTH, 0.18f},
    {G_NOSE_BRIDGE, 0.18f},  {G_NOSE_UP, -0.15f},   {G_MOUTH_WIDTH, 0.12f}, {G_LIP_UPPER, -0.35f},
    {G_LIP_LOWER, -0.30f},   {G_LIP_BOW, -0.18f},   {G_EARS, 0.15f},
};

static const float eye_weights[EYE_COLOURS] = {0.30f, 0.25f, 0.18f, 0.12f, 0.15f};

static float within(float x)
{
    return clampf(x, -G_MOST, G_MOST);
}

struct identity identity_make(uint64_t seed, int gender)
{
    struct rng r = rng_make(seed, FOR_IDENTITY);
    struct identity id = {.seed = seed, .gender = gender};
    for (int i = 0; i < G_COUNT; i++) { /* uniform spreads people wider than a normal would */
        float wide = rng_range(&r, -1, 1) * 1.1f;
        id.g[i] = within(wide + rng_normal(&r) * 0.25f);
    }
    id.eyes = rng_weighted(&r, eye_weights, EYE_COLOURS);
    float freckles = rng_unit(&r), cleft = rng_unit(&r), mole = rng_unit(&r);
    id.g[G_FRECKLES] = freckles < 0.22f ? rng_range(&r, 0.5f, 1) : 0;
    id.g[G_CHIN_CLEFT] = cleft < 0.20f ? rng_range(&r, 0.5f, 1) : 0;
    id.g[G_MOLE] = mole < 0.25f ? 1 : 0;
    for (size_t i = 0; i < COUNT_OF(leans); i++) {
        float shift = gender == MAN ? leans[i].shift : -leans[i].shift;
        float *g = &id.g[leans[i].g];
        *g = within(*g * (1 - 0.4f * fabsf(shift)) + shift);
    }
    return id;
}
