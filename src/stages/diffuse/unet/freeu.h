// SPDX-License-Identifier: Apache-2.0
/* FreeU (Si et al. 2023, arXiv 2309.11497), as diffusers' enable_freeu: in the two lowest levels
 * going up, half of the channels count more and the slowest waves of the skips count less, before
 * they are joined.
 *
 *   x ← b·x in the first half of its channels
 *   skip ← skip + (s−1)·P·skip,  P = the real part of the waves −1 and 0 of both directions
 *
 * P has rank 7: it is Φ·Φᵀ/(H·W) with the columns 1, cos and sin of u, v and u+v, u = 2πy/H,
 * v = 2πx/W. Both matrices are constants of the graph, which is thus built for one size. */
#ifndef LK_STAGES_DIFFUSE_UNET_FREEU_H
#define LK_STAGES_DIFFUSE_UNET_FREEU_H

#include "runtime/graph.h"

#define LK__FREEU_LEVELS 2

/* Of the lowest level, and the one above. All 1 changes nothing. */
struct lk_freeu {
    float b[LK__FREEU_LEVELS], s[LK__FREEU_LEVELS];
};

/* x [N,channels,h,w] and skip [N,*,h,w] before they are joined in up level 0 or 1. */
void lk__freeu_apply(lk_graph *graph,
                     const struct lk_freeu *freeu,
                     int level,
                     int channels,
                     int height,
                     int width,
                     lk_value *x,
                     lk_value *skip);

#endif
