// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share: candidates, letterbox, families. */
#ifndef LK_STAGES_FIND_INTERNAL_H
#define LK_STAGES_FIND_INTERNAL_H

#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/contract.h"

/* nms.c */

/* A face as one pass saw it, in picture pixels. */
struct lk__candidate {
    float score, box[4], points[5][2];
};

/* Grows to as many as networks of this size can answer. */
struct lk__candidates {
    struct lk__candidate *item; /* malloc'd */
    size_t count, capacity;
};

int lk__candidates_add(struct lk__candidates *list,
                       const struct lk__candidate *candidate,
                       struct lk_error *err);
/* Keeps the best of each heap of boxes that overlap by more than IoU `limit`; best first. */
void lk__candidates_suppress(struct lk__candidates *list, float limit);

/* letterbox.c */

/* How a picture lies in a network's canvas: top left, scaled to width × height, black beside. */
struct lk__letterbox {
    int canvas_width, canvas_height;
    int width, height;
    /* Canvas pixels per picture pixel. They differ because sides are cut to whole pixels: taking
     * one for both, as insightface does, shifts faces of a wide picture by up to 1 % of its width
     * in the 128 px pass (FaceFusion keeps two as well). */
    float scale_x, scale_y;
};

/* Fits the picture into `side` px (at most the canvas) and keeps its shape, as insightface does. */
struct lk__letterbox lk__letterbox_fit(
    int picture_width, int picture_height, int side, int canvas_width, int canvas_height);

/* The canvas as the network wants it: out [3, canvas_height, canvas_width] f32 = (v − mean)·factor,
 * v = 0…255 in RGB, beside the picture v = 0. picture: u8. */
int lk__letterbox_fill(const struct lk__letterbox *box,
                       const struct lk_picture *picture,
                       float mean,
                       float factor,
                       float *out,
                       struct lk_error *err);

/* Bilinear resize in 11-bit fixed point, as cv2.resize(INTER_LINEAR) does it on 8-bit pictures:
 * equal but for a rounding by 1 in one pixel of a thousand when enlarging. in: u8 [h,w,channels],
 * out: u8 [height,width,3]. */
int lk__resize_bilinear(
    const struct lk_picture *in, int width, int height, uint8_t *out, struct lk_error *err);

/* pose.c */

/* Fills yaw, pitch, roll from the points. */
void lk__face_pose(struct lk_face *face);

/* families: one file each, one row in detector.c */

struct lk__detector_family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    float mean, factor;  /* what the network wants: (v − mean)·factor */
    /* Does the session keep the contract? Reports nothing itself. */
    bool (*fits)(const lk_session *session);
    /* Adds the faces of one pass with score ≥ threshold, in picture pixels. outputs[count] in the
     * session's order, f32. */
    int (*decode)(const struct lk_contract *contract,
                  const struct lk_array *outputs,
                  size_t count,
                  const struct lk__letterbox *box,
                  float threshold,
                  struct lk__candidates *out,
                  struct lk_error *err);
};

extern const struct lk__detector_family lk__detector_scrfd;

#endif
