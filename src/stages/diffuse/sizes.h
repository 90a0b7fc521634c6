// SPDX-License-Identifier: Apache-2.0
/* What SDXL is told of a picture's size (Podell et al. 2023, arXiv 2307.01952, section 2.2): it
 * learnt from small, scaled and cropped pictures too, and was told so. */
#ifndef LK_STAGES_DIFFUSE_SIZES_H
#define LK_STAGES_DIFFUSE_SIZES_H

#include <stdbool.h>

#define LK_SIZES_MAX 6

struct lk_sizes {
    int original[2];  /* width, height of the whole picture before it was scaled; 0, 0: the
                         drawing's */
    int crop[2];      /* left, top of what was cut out of it */
    int target[2];    /* width, height after that; 0, 0: the drawing's */
    double aesthetic; /* what the refiner is told instead of the target: a score of beauty, 0 …
                         10 */
};

/* Whether anything is told beside what follows from the drawing, the score apart. */
bool lk__sizes_said(const struct lk_sizes *sizes);

/* The numbers in the network's order: original height and width, top and left, then target height
 * and width (n = 6) or the score (5). width, height: of the drawing. */
void lk__sizes_numbers(
    const struct lk_sizes *sizes, int width, int height, int n, float out[LK_SIZES_MAX]);

#endif
