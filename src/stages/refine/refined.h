// SPDX-License-Identifier: Apache-2.0
/* What a swapper or a restorer answers: a face as it was and as it shall be. */
#ifndef LK_STAGES_REFINE_REFINED_H
#define LK_STAGES_REFINE_REFINED_H

#include <stdbool.h>

#include "data/affine.h"
#include "data/picture.h"

/* Both crops: f32 [side,side,3], sRGB 0…1. */
struct lk_refined {
    struct lk_picture *before; /* the face as the network saw it, upscaled where it was small */
    struct lk_picture *crop;   /* the face as it shall be */
    struct lk_affine to_crop;  /* from picture pixels to crop pixels */
    bool upscaled;
    int runs; /* of the network */
};
void lk_refined_free(struct lk_refined *refined); /* drops the pictures, not the struct */

#endif
