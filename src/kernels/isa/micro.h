// SPDX-License-Identifier: Apache-2.0
/* The micro-kernel that all products of this folder are made of:
 *
 *   sum [rows][panel]  (+)=  a [rows][k] · b [k][panel]
 *
 * LK_ROWS rows, each at its own address (so that a convolution picks pixels), times a packed panel
 * of up to 3 vectors. The sums live in registers: 8 × 3 of 32 with AVX-512, 4 × 3 of 16 with AVX2.
 */
#ifndef LK_KERNELS_ISA_MICRO_H
#define LK_KERNELS_ISA_MICRO_H

#include "kernels/isa/vector.h"

/* vectors is a constant at every place of call, so that the loops unroll. */
INLINE void multiply_vectors(
    const int vectors, size_t k, const float *const a[LK_ROWS], const float *b, float *sum, int add)
{
    vf s[LK_ROWS][VECTORS];
    const float *r[LK_ROWS];
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
        r[i] = a[i];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            s[i][v] = add ? load(sum + i * PANEL + v * LK_LANES) : all(0);
    }
    for (size_t j = 0; j < k; j++) {
        vf w[VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            w[v] = load(b + v * LK_LANES);
#pragma GCC unroll 8
        for (int i = 0; i < LK_ROWS; i++) {
            const vf x = all(r[i][j]);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                s[i][v] += x * w[v];
        }
        b += vectors * LK_LANES;
    }
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            store(sum + i * PANEL + v * LK_LANES, s[i][v]);
    }
}

/* sum [LK_ROWS][PANEL]; b [k][vectors·LK_LANES] */
NOINLINE void multiply(
    int vectors, size_t k, const float *const a[LK_ROWS], const float *b, float *sum, int add)
{
    if (vectors == 3)
        multiply_vectors(3, k, a, b, sum, add);
    else if (vectors == 2)
        multiply_vectors(2, k, a, b, sum, add);
    else
        multiply_vectors(1, k, a, b, sum, add);
}

#endif
