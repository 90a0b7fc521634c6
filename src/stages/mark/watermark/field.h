// SPDX-License-Identifier: Apache-2.0
/* What the mark is hidden in: the fine detail of a picture's luma, and how much of it there is. */
#ifndef LK_STAGES_MARK_WATERMARK_FIELD_H
#define LK_STAGES_MARK_WATERMARK_FIELD_H

#include "stages/mark/watermark.h"

struct lk__field {
    int width, height;
    float *level;  /* [height, width] what can be hidden there, in steps of 255, > 0 */
    float *detail; /* [height, width] luma without what is coarse, weighted: see field.c */
    double gain;   /* detail that a mark of 1 level leaves, in the mean */
    double square; /* mean of level² */
};

struct lk_watermark_ground {
    struct lk__field field; /* of the whole picture */
};

/* What one mean leaves of a wave of f cycles per pixel along its direction. What is coarse is what
 * two of them leave, so that 1 − (blur(fx)·blur(fy))² is left of a wave. */
double lk__field_blur(double f);

#endif
