// SPDX-License-Identifier: Apache-2.0
/* Which pixels of a face crop are replaced, and how softly. */
#ifndef LK_STAGES_FIT_MASK_H
#define LK_STAGES_FIT_MASK_H

#include "base/error.h"
#include "data/mask.h"

struct lk_fit_mask_options {
    float blur;       /* of the box, FaceFusion's `face_mask_blur`: 0…1; default 0.3 */
    float padding[4]; /* of the box, fraction of the side: top, right, bottom, left; default 0 */
    float feather;    /* of the face shape, as a fraction of its radius: 0…1; default 0.3 */
    float grow;       /* size of the face shape, 1 = forehead to chin; default 1 */
};
void lk_fit_mask_options_init(struct lk_fit_mask_options *options);

/* FaceFusion's box mask: 1 in the middle, Gaussian fall towards the crop's border, where
 * a few hundredths are left: see lk_fit_mask_seal. */
int lk_fit_mask_box(int width,
                    int height,
                    const struct lk_fit_mask_options *options,
                    struct lk_mask **out,
                    struct lk_error *err);

/* The shape of a face around its five points, in crop coordinates. LK_E_INPUT when the points
 * coincide or are not finite. */
int lk_fit_mask_face(int width,
                     int height,
                     const float (*points)[2],
                     const struct lk_fit_mask_options *options,
                     struct lk_mask **out,
                     struct lk_error *err);

/* Stretches the mask downwards so that it is exactly 0 on the crop's outermost pixels: m' = max(0,
 * (m − t)/(1 − t)), t the greatest value there. A mask of 1 on the border vanishes: intersect it
 * with a box first. */
void lk_fit_mask_seal(struct lk_mask *mask);

/* Box and face and all of `extra` (occlusion, region, a user's own; each of the crop's size, may be
 * NULL for n_extra 0) by minimum, then sealed. */
int lk_fit_mask(int width,
                int height,
                const float (*points)[2],
                const struct lk_mask *const *extra,
                int n_extra,
                const struct lk_fit_mask_options *options,
                struct lk_mask **out,
                struct lk_error *err);

#endif
