// SPDX-License-Identifier: Apache-2.0
/* Gradient-domain (Poisson) blend of a refined crop into the crop that was there. */
#ifndef LK_STAGES_FIT_BLEND_H
#define LK_STAGES_FIT_BLEND_H

#include <stdbool.h>

#include "base/error.h"
#include "data/mask.h"
#include "data/picture.h"

struct lk_blend_options {
    /* How far the boundary's correction reaches into the face, as a fraction of the crop's longer
     * side; it falls to 1/e there. 0: to infinity, the plain Poisson equation. Default 0.15. */
    float reach;
    /* A mismatch at the edge of this size is believed by half, a larger one less and less: it is
     * hair or background, not light. The soft mask hides what then stays different. 0: all is
     * believed, the plain equation; for hard masks. Default 0.1. */
    float outlier;
    /* Where the original has the stronger gradient, keep that one: for glasses, hair and wrinkles
     * that should shine through. Brings features of the old face back; default false. */
    bool mixed;
    float tolerance; /* of the solver, energy norm; default 1e-4 */
    int iterations;  /* at most; default 50, 5 to 7 are used */
};
void lk_blend_options_init(struct lk_blend_options *options);

struct lk_blend_stats {
    int pixels;       /* of the domain */
    int iterations;   /* the most of the three channels */
    float error;      /* left by the solver, the most of the three channels */
    float correction; /* mean |out − refined| over the domain: what the boundary asked for */
};

/* out: new f32 crop; the gradients of `refined` where mask > 0 and the pixel is not on the crop's
 * border, met by `original` at the domain's edge; the bits of `original` elsewhere. Where inside
 * the transition it lies between the two is not decided here: lk_affine_paste weighs with the mask.
 * original, refined: f32 [h,w,3], sRGB 0…1, finite. mask [h,w]. stats may be NULL. */
int lk_blend_poisson(const struct lk_picture *original,
                     const struct lk_picture *refined,
                     const struct lk_mask *mask,
                     const struct lk_blend_options *options,
                     struct lk_picture **out,
                     struct lk_blend_stats *stats,
                     struct lk_error *err);

#endif
