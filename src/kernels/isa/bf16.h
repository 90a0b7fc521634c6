// SPDX-License-Identifier: Apache-2.0
/* Products of bfloat16 with sums in f32: the upper halves of f32, two of them in 32 bits. AVX-512
 * has an instruction for a pair of products (BF16 in the table's name); others take the halves
 * apart, which saves memory, but no time. */
#ifndef LK_KERNELS_ISA_BF16_H
#define LK_KERNELS_ISA_BF16_H

#include "kernels/isa/vector.h"

#define UPPER ((int32_t)0xffff0000)

#if LK_LANES == 16 && defined(__AVX512BF16__)
#define FAST_BF16 1
#else
#define FAST_BF16 0
#endif

/* sum + both products of each pair */
INLINE vf add_pairs(vf sum, vi a, vi b)
{
#if FAST_BF16
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    sum += (vf)(a << 16) * (vf)(b << 16);
    return sum + (vf)(a & UPPER) * (vf)(b & UPPER);
#endif
}

/* The nearest bf16, ties to even, in the upper halves; what is no number stays none. */
INLINE vi upper_of(vf x)
{
    const vi bits = (vi)x;
    return (bits + 0x7fff + ((bits >> 16) & 1)) & UPPER;
}

INLINE vi load_pairs(const uint16_t *at)
{
    return (vi)load((const float *)(const void *)at);
}

/* vectors is a constant at every place of call; b [k/2][vectors·LK_LANES][2] */
INLINE void multiply_bf16_vectors(const int vectors,
                                  size_t k,
                                  const void *const a[LK_ROWS],
                                  const uint16_t *b,
                                  float *sum,
                                  int add)
{
    vf s[VECTORS][LK_ROWS];
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            s[v][i] = add ? load(sum + i * PANEL + v * LK_LANES) : all(0);
    }
    for (size_t j = 0; j < k; j += 2) {
        vi w[VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            w[v] = load_pairs(b + v * LK_LANES * 2);
#pragma GCC unroll 8
        for (int i = 0; i < LK_ROWS; i++) {
            int32_t pair;
            memcpy(&pair, (const uint16_t *)a[i] + j, sizeof pair);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                s[v][i] = add_pairs(s[v][i], (vi){0} + pair, w[v]);
        }
        b += vectors * LK_LANES * 2;
    }
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            store(sum + i * PANEL + v * LK_LANES, s[v][i]);
    }
}

/* sum [LK_ROWS][PANEL]; a: rows of k bf16, k rounded up to whole pairs */
NOINLINE void multiply_bf16(
    int vectors, size_t k, const void *const a[LK_ROWS], const void *b, float *sum, int add)
{
    if (vectors == 3)
        multiply_bf16_vectors(3, k, a, b, sum, add);
    else if (vectors == 2)
        multiply_bf16_vectors(2, k, a, b, sum, add);
    else
        multiply_bf16_vectors(1, k, a, b, sum, add);
}

INLINE void store_bf16(uint16_t *at, vf x)
{
    typedef uint16_t vh __attribute__((vector_size(LK_LANES * 2)));
    const vh halves = __builtin_convertvector((vu)upper_of(x) >> 16, vh);
    memcpy(at, &halves, sizeof halves);
}

/* out [n, up to a whole vector]: zeros behind n */
NOINLINE void round_row_bf16(const float *x, size_t n, uint16_t *out)
{
    for (size_t i = 0; i < n; i += LK_LANES)
        store_bf16(out + i, load_first(x + i, least(LK_LANES, n - i)));
}

#endif
