// SPDX-License-Identifier: Apache-2.0
/* Brings a refined face into the light and colour of the face that was there. */
#ifndef LK_STAGES_FIT_LIGHT_H
#define LK_STAGES_FIT_LIGHT_H

#include "base/error.h"
#include "data/mask.h"
#include "data/picture.h"

#define LK_LIGHT_TERMS 6

struct lk_light_options {
    float limit;  /* gains stay within 1/limit … limit; default 2.5 */
    float amount; /* 0 leaves the refined face alone, 1 matches fully; default 1 */
};
void lk_light_options_init(struct lk_light_options *options);

/* A field of gains: log g_c(x,y) = Σ a[c][k]·φ_k, φ = 1, x, y, x², xy, y², x and y −1…1 across the
 * crop. */
struct lk_light {
    float a[3][LK_LIGHT_TERMS];
    float limit;   /* log of the greatest gain */
    float mean[3]; /* mean gain over the mask, for the report */
};

/* Fits the field that takes `refined` to `original` in linear light where mask > 0.
 * original, refined: f32 [h,w,3], sRGB 0…1. mask [h,w]. A mask with too little lit skin in it gives
 * gains of 1. */
int lk_light_fit(const struct lk_picture *original,
                 const struct lk_picture *refined,
                 const struct lk_mask *mask,
                 const struct lk_light_options *options,
                 struct lk_light *out,
                 struct lk_error *err);

/* The gain of channel c at pixel (x, y) of a crop of that size. */
float lk_light_gain(const struct lk_light *light, int c, int x, int y, int width, int height);

/* out: new picture, every pixel of `in` times its gain in linear light. */
int lk_light_apply(const struct lk_light *light,
                   const struct lk_picture *in,
                   struct lk_picture **out,
                   struct lk_error *err);

#endif
