// SPDX-License-Identifier: Apache-2.0
/* The fit stage: a refined face crop becomes one that belongs into its picture. */
#ifndef LK_STAGES_FIT_FIT_H
#define LK_STAGES_FIT_FIT_H

#include "base/error.h"
#include "data/debug.h"
#include "data/mask.h"
#include "data/picture.h"
#include "stages/fit/blend.h"
#include "stages/fit/light.h"
#include "stages/fit/mask.h"

struct lk_fit_options {
    struct lk_light_options light;
    struct lk_fit_mask_options mask;
    struct lk_blend_options blend;
};
void lk_fit_options_init(struct lk_fit_options *options);

/* What was done, for the report. */
struct lk_fit_report {
    float gain[3];  /* mean gain of light, R, G, B */
    float coverage; /* share of the crop's pixels with mask > 0 */
    struct lk_blend_stats blend;
};

/* Matches light, makes the mask, blends; lk_affine_paste(canvas, *out, *out_mask, to_crop) is what
 * is left to do.
 *
 * original, refined: f32 [h,w,3] of equal size, sRGB 0…1: the crop as it was, and as it shall be.
 * points: eyes, nose, mouth corners in crop coordinates. extra: further masks, see lk_fit_mask.
 * LK_E_INPUT when a size differs, a pixel is not finite (a network with broken weights), or the
 * points are no face. debug, report may be NULL. Pictures shown to debug: fit/original,
 * fit/refined, fit/light, fit/lit, fit/mask, fit/blended. On failure the outs are untouched. */
int lk_fit_face(const struct lk_picture *original,
                const struct lk_picture *refined,
                const float (*points)[2],
                const struct lk_mask *const *extra,
                int n_extra,
                const struct lk_fit_options *options,
                const struct lk_debug *debug,
                struct lk_picture **out,
                struct lk_mask **out_mask,
                struct lk_fit_report *report,
                struct lk_error *err);

#endif
