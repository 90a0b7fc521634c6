// SPDX-License-Identifier: Apache-2.0
/* What the mark is hidden in: the fine detail of a picture's luma, and how much of it there is. */
#ifndef LK_STAGES_MARK_WATERMARK_FIELD_H
#define LK_STAGES_MARK_WATERMARK_FIELD_H

#include "data/picture.h"

struct lk__field {
    int width, height;
    float *level;  /* [height, width] what can be hidden there, in steps of 255, > 0 */
    float *detail; /* [height, width] luma without what is coarse, weighted: see field.c */
    double gain;   /* detail that a mark of 1 level leaves, in the mean */
};

int lk__field_make(const struct lk_picture *picture,
                   int threads,
                   struct lk__field *out,
                   struct lk_error *err);
void lk__field_free(struct lk__field *field);

/* What one mean leaves of a wave of f cycles per pixel along its direction. What is coarse is what
 * two of them leave, so that 1 − (blur(fx)·blur(fy))² is left of a wave. */
double lk__field_blur(double f);

#endif
