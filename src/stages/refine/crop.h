// SPDX-License-Identifier: Apache-2.0
/* From picture to the crop that a face network sees, to its tensor, and back. Shared by the files
 * of this folder. */
#ifndef LK_STAGES_REFINE_CROP_H
#define LK_STAGES_REFINE_CROP_H

#include "base/error.h"
#include "base/watch.h"
#include "data/align.h"
#include "data/face.h"
#include "stages/refine/refined.h"
#include "stages/refine/upscale.h"

/* Fills out->before, to_crop and upscaled: the face at that alignment, side × side. A face that
 * such a crop enlarges is upscaled first (upscaler NULL: never). Outside the picture: black.
 * picture: f32 or u8. LK_E_INPUT for a face outside the picture. */
int lk__crop_face(const struct lk_picture *picture,
                  const struct lk_face *face,
                  enum lk_align align,
                  int side,
                  const lk_upscaler *upscaler,
                  const struct lk_watch *watch,
                  struct lk_refined *out,
                  struct lk_error *err);

/* Per channel, R, G, B: v of 0…1 becomes (v − mean)·factor, and back v·factor + mean. */
struct lk__range {
    float mean[3], factor[3];
};

/* Every k-th pixel of a crop, of k² small pictures the one that begins at (a, b): k = 1 is all. */
struct lk__comb {
    int k, a, b;
};

/* Those pixels of the crop → planes [3,side,side], (v − mean)·factor. */
void lk__planes_of_crop(const struct lk_picture *crop,
                        struct lk__comb comb,
                        int side,
                        const struct lk__range *range,
                        float *planes);
/* planes → those pixels, v·factor + mean, clamped to 0…1. */
void lk__crop_of_planes(const float *planes,
                        struct lk__comb comb,
                        int side,
                        const struct lk__range *range,
                        struct lk_picture *crop);

#endif
