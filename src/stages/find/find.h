// SPDX-License-Identifier: Apache-2.0
/* Finding faces: a picture goes in, faces with box, score, five points and pose come out.
 *
 * A detector sees a canvas of a fixed size, so one look is not enough: faces that fill the canvas,
 * faces of a few pixels, and faces upside down are each found by another look. Cheap looks come
 * first and the others when they are likely to find more; what all of them see goes through one
 * non-maximum suppression. See docs/find.md. */
#ifndef LK_STAGES_FIND_FIND_H
#define LK_STAGES_FIND_FIND_H

#include "stages/find/detector.h"
#include "stages/find/landmarker.h"

enum lk_find_effort {
    LK_FIND_AUTO,     /* the cheap looks, then those that what was seen calls for */
    LK_FIND_QUICK,    /* the picture as it is, at two sizes */
    LK_FIND_THOROUGH, /* every look */
};

struct lk_find_options {
    float threshold; /* faces with at least this score, 0…1 */
    enum lk_find_effort effort;
    const lk_landmarker *landmarker; /* refines the points; NULL: those of the detector stay */
    float landmark_score;            /* from which its points are taken, 0…1 */
    bool boxes_only; /* points are not needed: those of a detector without them are guessed */
};
void lk_find_options_init(struct lk_find_options *options); /* 0.5, auto; 0.5 */

/* Faces left to right by the middle of their boxes, index 0, 1 … *faces is malloc'd (the caller
 * frees), NULL when there are none: that is no error. Boxes are not clipped: a face cut off by the
 * border reaches outside. Embeddings are empty. picture: u8 or f32, looked at in 8 bits; alpha is
 * ignored. Thread-safe: detectors may be shared. */
int lk_find(const lk_detector *detector,
            const struct lk_picture *picture,
            const struct lk_find_options *options,
            const struct lk_watch *watch,
            struct lk_face **faces,
            size_t *count,
            struct lk_error *err);

/* One look around where a face was, from where it stands upright, whatever the effort: is it still
 * there? *found: the face whose middle is nearest, within the old box, or false; then *out is as it
 * was. For a face that was changed; in a crowd far cheaper than lk_find. */
int lk_find_again(const lk_detector *detector,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  const struct lk_find_options *options,
                  const struct lk_watch *watch,
                  struct lk_face *out,
                  bool *found,
                  struct lk_error *err);

#endif
