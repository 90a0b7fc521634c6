// SPDX-License-Identifier: Apache-2.0
/* Two generators of the field, number for number.
 *
 * torch on the CPU. MT19937 (Matsumoto and Nishimura, 1998) seeded with the low 32 bits. Uniforms
 * of the long form take 24 bits of one word, of the short form 53 bits of two. Long calls (n >= 16)
 * turn blocks of 16 uniforms u into
 *
 *   r = sqrt(-2 ln(1 − u[j])),  θ = 2π u[j+8]:   out[j] = r cos θ,  out[j+8] = r sin θ,   j < 8
 *
 * in float32. The words, and so the uniforms, are exact; torch's logarithm and sines are AVX2
 * approximations that differ between its builds, ours are libm's. Against torch 2.15 the numbers
 * differ by at most 1.1e-7 relative to 1 + |number|: one unit in the last place.
 *
 * CUDA, as the WebUI computes it on the CPU. Philox 4x32-10 (Salmon et al., Parallel random
 * numbers: as easy as 1, 2, 3, SC 2011): number i of call k encrypts the counter (k, 0, i, 0) with
 * the seed as the key, and the first two words a, b give sqrt(-2 ln u) sin v, where
 *
 *   u = (a + ½)·2⁻³²,  v = (b + ½)·2π·2⁻³²
 *
 * with both factors rounded to float32 and all else in double. */
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { WORDS = 624, MIDDLE = 397, BLOCK = 16 };

static void mt_seed(struct lk_rng *rng, uint32_t seed)
{
    rng->state[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        rng->state[i] = 1812433253u * (rng->state[i - 1] ^ rng->state[i - 1] >> 30) + i;
    rng->position = WORDS;
}

static void mt_renew(uint32_t state[WORDS])
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t y = (state[i] & 0x80000000u) | (state[(i + 1) % WORDS] & 0x7fffffffu);
        state[i] = state[(i + MIDDLE) % WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
}

static uint32_t mt_next(struct lk_rng *rng)
{
    if (rng->position >= WORDS) {
        mt_renew(rng->state);
        rng->position = 0;
    }
    uint32_t y = rng->state[rng->position++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

static double uniform_53(struct lk_rng *rng)
{
    uint64_t high = mt_next(rng), low = mt_next(rng);
    return (double)((high << 32 | low) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53;
}

static double next_normal(struct lk_rng *rng)
{
    if (rng->has_next) {
        rng->has_next = 0;
        return rng->next;
    }
    double u1 = uniform_53(rng), u2 = uniform_53(rng);
    double radius = sqrt(-2.0 * log1p(-u2)), theta = 2.0 * M_PI * u1;
    rng->next = radius * sin(theta);
    rng->has_next = 1;
    return radius * cos(theta);
}

/* block: 16 uniforms, replaced by 16 normals */
static void box_muller_16(float block[BLOCK])
{
    for (int j = 0; j < BLOCK / 2; j++) {
        float radius = sqrtf(-2.0f * logf(1.0f - block[j]));
        float theta = (float)(2.0 * M_PI) * block[j + BLOCK / 2];
        block[j] = radius * cosf(theta);
        block[j + BLOCK / 2] = radius * sinf(theta);
    }
}

static void fill_uniform(struct lk_rng *rng, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(mt_next(rng) & 0xffffffu) * 0x1p-24f;
}

static void torch_normal(struct lk_rng *rng, float *out, size_t n)
{
    if (n < BLOCK) {
        for (size_t i = 0; i < n; i++)
            out[i] = (float)next_normal(rng);
        return;
    }
    fill_uniform(rng, out, n);
    for (size_t i = 0; i + BLOCK <= n; i += BLOCK)
        box_muller_16(out + i);
    if (n % BLOCK != 0) { /* the last 16 are drawn anew, over those already made */
        fill_uniform(rng, out + n - BLOCK, BLOCK);
        box_muller_16(out + n - BLOCK);
    }
}

static void philox(uint32_t counter[4], uint64_t seed)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)counter[0] * 0xd2511f53u, b = (uint64_t)counter[2] * 0xcd9e8d57u;
        counter[0] = (uint32_t)(b >> 32) ^ counter[1] ^ key[0];
        counter[1] = (uint32_t)b;
        counter[2] = (uint32_t)(a >> 32) ^ counter[3] ^ key[1];
        counter[3] = (uint32_t)a;
        key[0] += 0x9e3779b9u;
        key[1] += 0xbb67ae85u;
    }
}

static void philox_normal(struct lk_rng *rng, float *out, size_t n)
{
    const double unit = (double)0x1p-32f;
    const double turn = (double)(float)(2.3283064e-10 * 6.2831855);
    for (size_t i = 0; i < n; i++) {
        uint32_t counter[4] = {rng->offset, 0, (uint32_t)i, 0};
        philox(counter, rng->seed);
        double u = counter[0] * unit + unit / 2, v = counter[1] * turn + turn / 2;
        out[i] = (float)(sqrt(-2.0 * log(u)) * sin(v));
    }
    rng->offset++;
}

void lk_rng_init(struct lk_rng *rng, enum lk_rng_kind kind, uint64_t seed)
{
    memset(rng, 0, sizeof *rng);
    rng->kind = kind;
    rng->seed = seed;
    if (kind == LK_RNG_TORCH)
        mt_seed(rng, (uint32_t)seed);
}

void lk_rng_normal(struct lk_rng *rng, float *out, size_t n)
{
    if (rng->kind == LK_RNG_TORCH)
        torch_normal(rng, out, n);
    else
        philox_normal(rng, out, n);
}
