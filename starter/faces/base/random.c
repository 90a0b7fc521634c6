// SPDX-License-Identifier: Apache-2.0
/* Random numbers (splitmix64, Steele et al. 2014) and lattice noise. Pictures are functions of
 * their seeds: nothing here keeps state outside `struct rng`.
 */
#include "vec.h"

static uint64_t scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct rng rng_make(uint64_t seed, uint64_t purpose)
{
    return (struct rng){scramble(seed + 0x9e3779b97f4a7c15u) ^
                        scramble(purpose * 0xd1342543de82ef95u + 7)};
}

uint64_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return scramble(r->state);
}

float rng_unit(struct rng *r)
{
    return (float)(rng_next(r) >> 40) * 0x1p-24f;
}

float rng_range(struct rng *r, float lo, float hi)
{
    return mixf(lo, hi, rng_unit(r));
}

/* The sum of six uniform numbers. */
float rng_normal(struct rng *r)
{
    float sum = -3.0f;
    for (int i = 0; i < 6; i++)
        sum += rng_unit(r);
    return sum * 1.4142f;
}

bool rng_chance(struct rng *r, float share)
{
    return rng_unit(r) < share;
}

int rng_below(struct rng *r, int n)
{
    return (int)(rng_next(r) % (uint64_t)n);
}

int rng_weighted(struct rng *r, const float *weights, int n)
{
    float total = 0;
    for (int i = 0; i < n; i++)
        total += weights[i];
    float t = rng_unit(r) * total;
    for (int i = 0; i < n - 1; i++) {
        if (t < weights[i])
            return i;
        t -= weights[i];
    }
    return n - 1;
}

float hash01(int x, int y, uint32_t seed)
{
    uint32_t h = (uint32_t)x * 0x8da6b343u ^ (uint32_t)y * 0xd8163841u ^ seed * 0xcb1ab31fu;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return (float)((h ^ (h >> 15)) >> 8) * 0x1p-24f;
}

float noise2(float x, float y, uint32_t seed)
{
    int ix = floor_of(x), iy = floor_of(y);
    float fx = smooth(x - (float)ix), fy = smooth(y - (float)iy);
    float a = mixf(hash01(ix, iy, seed), hash01(ix + 1, iy, seed), fx);
    float b = mixf(hash01(ix, iy + 1, seed), hash01(ix + 1, iy + 1, seed), fx);
    return mixf(a, b, fy);
}
