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

int lk__field_make(const struct lk_picture *picture, struct lk__field *out, struct lk_error *err);
void lk__field_free(struct lk__field *field);

/* What is left of a wave of fx, fy cycles per pixel when what is coarse is taken away, 0 … 1. */
double lk__field_response(double fx, double fy);

#endif
