// SPDX-License-Identifier: Apache-2.0
/* A mask: one float per pixel, 0 = keep the picture, 1 = take the new pixels. */
#ifndef LK_DATA_MASK_H
#define LK_DATA_MASK_H

#include "base/error.h"
#include "data/picture.h"

struct lk_mask {
    int width, height;
    float *value; /* [height, width] 0…1 */
};

int lk_mask_new(int width, int height, struct lk_mask **out, struct lk_error *err); /* all 0 */
void lk_mask_free(struct lk_mask *mask);

/* a = min(a, b), of equal size. */
void lk_mask_intersect(struct lk_mask *a, const struct lk_mask *b);

/* Bilinear; 0 outside. */
float lk_mask_sample(const struct lk_mask *mask, float x, float y);

/* Separable Gaussian of radius round(4 sigma), sigma in pixels (0 leaves it alone); borders are
 * replicated. */
int lk_mask_blur(struct lk_mask *mask, float sigma, struct lk_error *err);

/* How light the picture is, PIL's "L": 0.299 R + 0.587 G + 0.114 B. */
int lk_mask_of_picture(const struct lk_picture *picture,
                       struct lk_mask **out,
                       struct lk_error *err);

/* The part of the mask from (x, y) on, as lk_picture_region, resized to to_width × to_height. */
int lk_mask_region(const struct lk_mask *mask,
                   int x,
                   int y,
                   int width,
                   int height,
                   int to_width,
                   int to_height,
                   struct lk_mask **out,
                   struct lk_error *err);

/* Gives an f32 picture under the mask, of its size, the smoothed colours of what surrounds it:
 * averages of what is known, at coarser and coarser scales (push-pull, Gortler et al. 1996). */
int lk_picture_fill(struct lk_picture *picture, const struct lk_mask *mask, struct lk_error *err);

#endif
