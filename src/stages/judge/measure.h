// SPDX-License-Identifier: Apache-2.0
/* The measures of verify.c that look at pixels. All crops f32 [h,w,3], sRGB 0…1, mask [h,w], of one
 * size; NAN when the mask leaves too little to measure. */
#ifndef LK_STAGES_JUDGE_MEASURE_H
#define LK_STAGES_JUDGE_MEASURE_H

#include "data/mask.h"
#include "data/picture.h"

float lk__measure_seam(const struct lk_picture *before,
                       const struct lk_picture *after,
                       const struct lk_mask *mask);
float lk__measure_sharpness(const struct lk_picture *before,
                            const struct lk_picture *after,
                            const struct lk_mask *mask);
float lk__measure_texture(const struct lk_picture *before,
                          const struct lk_picture *after,
                          const struct lk_mask *mask);
float lk__measure_light(const struct lk_picture *before,
                        const struct lk_picture *after,
                        const struct lk_mask *mask);

/* Of one crop by itself: see lk_look. */
float lk__measure_detail(const struct lk_picture *crop, const struct lk_mask *mask);
float lk__measure_skin(const struct lk_picture *crop, const struct lk_mask *mask);

#endif
