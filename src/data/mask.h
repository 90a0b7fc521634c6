// SPDX-License-Identifier: Apache-2.0
/* A mask: one float per pixel, 0 = keep the picture, 1 = take the new pixels. */
#ifndef LK_DATA_MASK_H
#define LK_DATA_MASK_H

#include "base/error.h"

struct lk_mask {
    int width, height;
    float *value; /* [height, width] 0…1 */
};

int lk_mask_new(int width, int height, struct lk_mask **out, struct lk_error *err); /* all 0 */
void lk_mask_free(struct lk_mask *mask);

/* a = min(a, b), of equal size. */
void lk_mask_intersect(struct lk_mask *a, const struct lk_mask *b);

/* Separable Gaussian of radius round(4 sigma), sigma in pixels (0 leaves it alone); borders are
 * replicated. */
int lk_mask_blur(struct lk_mask *mask, float sigma, struct lk_error *err);

#endif
