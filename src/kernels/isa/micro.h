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
    const int vectors, size_t k, const void *const a[LK_ROWS], const float *b, float *sum, int add)
{
    const int two = vectors > 1, three = vectors > 2;
    vf s0[LK_ROWS], s1[LK_ROWS], s2[LK_ROWS];
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
        const float *from = sum + i * PANEL;
        s0[i] = add ? load(from) : all(0);
        s1[i] = add && two ? load(from + LK_LANES) : all(0);
        s2[i] = add && three ? load(from + 2 * LK_LANES) : all(0);
    }
    for (size_t j = 0; j < k; j++) {
        const vf w0 = load(b);
        const vf w1 = two ? load(b + LK_LANES) : w0;
        const vf w2 = three ? load(b + 2 * LK_LANES) : w0;
#pragma GCC unroll 8
        for (int i = 0; i < LK_ROWS; i++) {
            const vf x = all(((const float *)a[i])[j]);
            s0[i] += x * w0;
            if (two)
                s1[i] += x * w1;
            if (three)
                s2[i] += x * w2;
        }
        b += vectors * LK_LANES;
    }
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
        float *to = sum + i * PANEL;
        store(to, s0[i]);
        if (two)
            store(to + LK_LANES, s1[i]);
        if (three)
            store(to + 2 * LK_LANES, s2[i]);
    }
}

/* sum [LK_ROWS][PANEL]; a: rows of k f32; b [k][vectors·LK_LANES] */
NOINLINE void multiply(
    int vectors, size_t k, const void *const a[LK_ROWS], const float *b, float *sum, int add)
{
    if (vectors == 3)
        multiply_vectors(3, k, a, b, sum, add);
    else if (vectors == 2)
        multiply_vectors(2, k, a, b, sum, add);
    else
        multiply_vectors(1, k, a, b, sum, add);
}

#endif
