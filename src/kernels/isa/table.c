// SPDX-License-Identifier: Apache-2.0
/* The kernels of one instruction set; the build compiles this file once for each and names the
 * table by LK_TABLE. */
#include "base/half.h"
#include "kernels/isa/attend.h"
#include "kernels/isa/convolve.h"
#include "kernels/isa/convolve_tiles.h"
#include "kernels/isa/norm.h"
#include "kernels/isa/winograd.h"
#include "kernels/tables.h"

static int convolve(const struct lk_convolution *c, const struct lk_workers *workers)
{
#if FAST_TILES
    if (c->w->numbers != LK_NUMBERS_F32)
        return convolve_by_tiles(c, workers);
#endif
    return suits_winograd(c) ? winograd(c, workers) : convolve_directly(c, workers);
}

#define CHAINS 12 /* more than latency × units of the processors at hand */

static double saturate_f32(size_t rounds)
{
    vf x[CHAINS];
    vf factor = all(0.5f), term = all(0.25f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = all((float)i);
    for (size_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = x[i] * factor + term;
    }
    vf sum = x[0];
    for (int i = 1; i < CHAINS; i++)
        sum += x[i];
    volatile float seen = sum[0];
    (void)seen;
    return 2.0 * CHAINS * LK_LANES * (double)rounds;
}

static double saturate_int8(size_t rounds)
{
    vi sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = (vi){0} + i;
    for (size_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = add_products(sums[i], (vw)sums[i], (vw)sums[i]);
    }
    vi sum = sums[0];
    for (int i = 1; i < CHAINS; i++)
        sum += sums[i];
    volatile int32_t seen = sum[0];
    (void)seen;
    return 2.0 * CHAINS * LK_LANES * GROUP * (double)rounds;
}

static double saturate_bf16(size_t rounds)
{
    vf sums[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sums[i] = all((float)i);
    const vi factor = (vi)all(0.5f);
    for (size_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = add_pairs(sums[i], factor, factor);
    }
    vf sum = sums[0];
    for (int i = 1; i < CHAINS; i++)
        sum += sums[i];
    volatile float seen = sum[0];
    (void)seen;
    return 4.0 * CHAINS * LK_LANES * (double)rounds;
}

#if FAST_TILES
static double saturate_tiles(enum lk_numbers numbers, size_t rounds)
{
    const double depth = numbers == LK_NUMBERS_INT8 ? TILE_BYTES : TILE_BYTES / 2;
    tiles_begin();
    for (size_t r = 0; r < rounds; r++) {
#pragma GCC unroll 6
        for (int t = 0; t < SUM_TILES; t++)
            multiply_tile(numbers, t);
    }
    tiles_end();
    return 2.0 * SUM_TILES * TILE_ROWS * LK_LANES * depth * (double)rounds;
}
#endif

static double saturate(enum lk_numbers numbers, size_t rounds)
{
#if FAST_TILES
    if (numbers != LK_NUMBERS_F32)
        return saturate_tiles(numbers, rounds);
#endif
    static double (*const saturates[LK_NUMBERS_COUNT])(size_t) = {
        [LK_NUMBERS_F32] = saturate_f32,
        [LK_NUMBERS_BF16] = saturate_bf16,
        [LK_NUMBERS_INT8] = saturate_int8,
    };
    return saturates[numbers](rounds);
}

const struct lk_kernels LK_TABLE = {
    .name = LK_ISA,
    .lanes = LK_LANES,
    .int8 = {.group = GROUP, .origin = ORIGIN},
    .convolve = convolve,
    .attend = attend,
    .group_norm = group_norm,
    .layer_norm = layer_norm,
    .widen = lk_widen_halves,
    .saturate = saturate,
};
