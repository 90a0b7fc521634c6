// SPDX-License-Identifier: Apache-2.0
/* Gives a refined face the fine texture of the picture that it is in. */
#ifndef LK_STAGES_FIT_GRAIN_H
#define LK_STAGES_FIT_GRAIN_H

#include "base/error.h"
#include "data/affine.h"
#include "data/mask.h"
#include "data/picture.h"

#define LK_GRAIN_BANDS 2

/* Deviations of luminance, sRGB 0…1, in the two finest bands; of skin
 * without features. */
struct lk_grain {
    float had[LK_GRAIN_BANDS];   /* of the face as it was */
    float has[LK_GRAIN_BANDS];   /* of the refined face */
    float added[LK_GRAIN_BANDS]; /* to it */
    int cells;                   /* measured in the face; too few: nothing is added */
};

/* Adds to `refined`, under the mask and as strongly as it is there, noise of the two finest bands,
 * as much as the skin of `original` has more of them than the skin of `refined`; times amount, 0…1.
 * Pixels where the mask is 0 keep their bits. The same call adds the same noise.
 *
 * original, refined: f32 pictures of one size, 3 channels, before and after paste-back. mask: of a
 * crop, to_crop: from picture to crop pixels. out may be NULL. */
int lk_grain_match(const struct lk_picture *original,
                   const struct lk_mask *mask,
                   const struct lk_affine *to_crop,
                   float amount,
                   struct lk_picture *refined,
                   struct lk_grain *out,
                   struct lk_error *err);

#endif
