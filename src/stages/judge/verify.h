// SPDX-License-Identifier: Apache-2.0
/* Is the refined face good? Measures of one face before and after, and a verdict. */
#ifndef LK_STAGES_JUDGE_VERIFY_H
#define LK_STAGES_JUDGE_VERIFY_H

#include <stdbool.h>

#include "base/error.h"
#include "data/face.h"
#include "data/mask.h"
#include "data/picture.h"

/* Bounds of the measures of the same name; NAN switches one off. They belong to the caller:
 * cosine_min to the embedder (0.4 for ArcFace w600k_r50, 0.363 for SFace, 0.47 for the
 * MobileFaceNet of our tests), pose_max to how well the detector's points hold still. */
struct lk_verify_options {
    float cosine_min;    /* default 0.4 */
    float pose_max;      /* default 12 degrees */
    float feature_max;   /* default 0.12 */
    float asymmetry_max; /* default 0.1 */
    float age_max;       /* default 20 years */
    float seam_max;      /* default 3 / 255 */
    float sharpness_min; /* default 0.2 */
    float texture_min;   /* default 0.4 */
    float light_max;     /* default 0.3 stops */
};
void lk_verify_options_init(struct lk_verify_options *options);

/* What is compared. `before` and `after` are the same crop of the picture, cut out again after
 * paste-back: f32 [h,w,3], sRGB 0…1. mask [h,w]: the one pasted with. What is NULL is not measured,
 * and its measures are NAN. */
struct lk_verify_input {
    const struct lk_picture *before, *after;
    const struct lk_mask *mask;
    const struct lk_face *face_before;
    const struct lk_face *face_after;    /* found again in the finished picture */
    bool face_lost;                      /* looked for, and not found */
    const struct lk_embedding *identity; /* whose face it is to be */
    float years, years_wanted;           /* how old it looks, and is to look; 0: not known */
};

/* NAN: not measured. Formulas: docs/judge.md. */
struct lk_verdict {
    float cosine_before, cosine_after; /* of the embedding to the identity */
    float pose_shift;                  /* degrees between the two heads */
    float feature_shift; /* how far features moved against each other, in distances of the eyes */
    float asymmetry;     /* how much more than before the points differ from their mirror image, in
                            distances of the eyes */
    float age_gap;       /* years between how old it looks and is to look */
    float seam;          /* step across the mask's edge that was not there, 0…1 */
    float sharpness;     /* energy of the finest detail in the face, after ÷ before */
    float texture;       /* the same of the skin's middle scale: what plastic skin lacks */
    float light_shift;   /* stops between coarse lights before and after, median */
    bool passed;
    float excess;     /* how far beyond their bounds the measures are, as parts of these, summed; 0:
                         passed */
    char reason[200]; /* one sentence; empty when passed */
};

/* LK_E_INPUT when sizes differ. A face that fails is a verdict, not an error. */
int lk_verify_face(const struct lk_verify_input *input,
                   const struct lk_verify_options *options,
                   struct lk_verdict *out,
                   struct lk_error *err);

/* One face of any picture by itself. NAN: not measured. */
struct lk_look {
    float asymmetry; /* of the five points, from their mirror image, in distances of the eyes: 0 of
                        a face from the front */
    float sharpness; /* mean square of the Laplacian of luminance, of 255 levels */
    float texture;   /* deviation of skin's middle scale, of its brightness */
};

/* crop: f32 [h,w,3], sRGB, at the picture's own scale. mask [h,w]: the face in it. LK_E_INPUT when
 * sizes differ. */
int lk_look_at_face(const struct lk_picture *crop,
                    const struct lk_mask *mask,
                    const struct lk_face *face,
                    struct lk_look *out,
                    struct lk_error *err);

#endif
