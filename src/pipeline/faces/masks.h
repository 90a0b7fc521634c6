// SPDX-License-Identifier: Apache-2.0
/* The masks of a face beside its shape: what the request's --face-mask options ask for, and what
 * parser and occluder see of a face, once, for all crops of it. */
#ifndef LK_PIPELINE_FACE_MASKS_H
#define LK_PIPELINE_FACE_MASKS_H

#include "pipeline/engine.h"
#include "stages/fit/mask.h"

/* The options, read. */
struct lk__mask_options {
    bool region, occlusion; /* are wanted */
    bool automatic;         /* nobody asked: what does not fit the face is left out */
    unsigned regions;
    struct lk_fit_mask_options fit;
};
/* LK_E_INPUT names the option that makes no sense. */
int lk__mask_options_read(const struct lk_request *request,
                          struct lk__mask_options *out,
                          struct lk_error *err);

/* What networks see of one face. Zeroed: nothing. */
struct lk__face_masks {
    struct lk_mask *seen[2]; /* of a crop aligned as FFHQ */
    struct lk_affine to_seen;
    int n;
};

/* Asks engine->parser and occluder, those that are there. */
int lk__face_masks_see(const lk_engine *engine,
                       const struct lk__mask_options *options,
                       const struct lk_picture *picture,
                       const struct lk_face *face,
                       const struct lk_watch *watch,
                       struct lk__face_masks *out,
                       struct lk_error *err);
void lk__face_masks_free(struct lk__face_masks *masks);

/* The least of them in another crop of the face; *out NULL when there is none. */
int lk__face_masks_in(const struct lk__face_masks *masks,
                      const struct lk_affine *to_crop,
                      int width,
                      int height,
                      struct lk_mask **out,
                      struct lk_error *err);

#endif
