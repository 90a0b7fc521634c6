// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/sampler/brownian.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 24, WORDS = POOL + 2 };

/* numpy's SeedSequence (O'Neill's seed_seq_fe): one step of its hash. */
static uint32_t hashed(uint32_t value, uint32_t *constant, uint32_t factor)
{
    value ^= *constant;
    *constant *= factor;
    value *= *constant;
    return value ^ value >> 16;
}

static uint32_t mixed(uint32_t x, uint32_t y)
{
    uint32_t result = 0xca01f9ddU * x - 0x4973f715U * y;
    return result ^ result >> 16;
}

/* SeedSequence(words [count], pool_size=POOL).generate_state(1) */
static uint32_t first_state(const uint32_t *words, int count)
{
    uint32_t pool[POOL], constant = 0x43b0d7e5U, out = 0x8b51f9ddU;
    for (int i = 0; i < POOL; i++)
        pool[i] = hashed(i < count ? words[i] : 0, &constant, 0x931e8875U);
    for (int from = 0; from < POOL; from++) {
        for (int to = 0; to < POOL; to++) {
            if (from != to)
                pool[to] = mixed(pool[to], hashed(pool[from], &constant, 0x931e8875U));
        }
    }
    for (int from = POOL; from < count; from++) {
        for (int to = 0; to < POOL; to++)
            pool[to] = mixed(pool[to], hashed(words[from], &constant, 0x931e8875U));
    }
    return hashed(pool[0], &out, 0x58f38dedU);
}

/* Noise of the whole path (count POOL), or of the interval that (branch, depth) names (WORDS). */
static void seeded_noise(
    const struct lk__brownian *path, int count, uint32_t branch, uint32_t depth, float *noise)
{
    uint32_t words[WORDS] = {(uint32_t)path->seed, (uint32_t)(path->seed >> 32)};
    struct lk_rng rng;
    words[POOL] = branch;
    words[POOL + 1] = depth;
    lk_rng_init(&rng, path->kind, first_state(words, count));
    lk_rng_normal(&rng, noise, path->n);
}

/* Python's round(x, 6): correctly rounded in decimal. */
static double rounded(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.6f", x);
    return strtod(text, NULL);
}

void lk__brownian_at(
    const struct lk__brownian *path, double t, float *out, float *inside, float *noise)
{
    double start = rounded(path->low), end = rounded(path->high);
    const float whole = (float)sqrt(path->high - path->low);
    t = fmin(fmax(rounded(t), start), end);
    seeded_noise(path, POOL, 0, 0, noise);
    for (size_t k = 0; k < path->n; k++)
        inside[k] = noise[k] * whole;
    memset(out, 0, path->n * sizeof *out);
    for (uint32_t branch = 0, depth = 0; start < t && t < end; depth++) {
        const double middle = rounded(0.5 * (end + start));
        const double left = middle - start, right = end - middle, inverse = 1 / (end - start);
        const float share = (float)left, unit = (float)inverse;
        const float deviation = (float)sqrt(left * right * inverse);
        const int goes_right = t >= middle;
        seeded_noise(path, WORDS, branch, depth, noise);
        for (size_t k = 0; k < path->n; k++) {
            float of_left = share * inside[k] * unit + deviation * noise[k];
            out[k] += goes_right ? of_left : 0;
            inside[k] = goes_right ? inside[k] - of_left : of_left;
        }
        branch = 2 * branch + (uint32_t)goes_right;
        start = goes_right ? middle : start;
        end = goes_right ? end : middle;
    }
    if (t == end) {
        for (size_t k = 0; k < path->n; k++)
            out[k] += inside[k];
    }
}
