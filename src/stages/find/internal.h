// SPDX-License-Identifier: Apache-2.0
/* What the files of this folder share: candidates, letterbox, one look of a detector. */
#ifndef LK_STAGES_FIND_INTERNAL_H
#define LK_STAGES_FIND_INTERNAL_H

#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "stages/find/detector.h"

/* nms.c */

/* A face as one look saw it. points are where they usually lie when the detector answers none. */
struct lk__candidate {
    float score, box[4], points[5][2];
    int look; /* which one it was; as the detector answers, which of the glances */
};

/* Grows to as many as networks of this size can answer. */
struct lk__candidates {
    struct lk__candidate *item; /* malloc'd */
    size_t count, capacity;
};

int lk__candidates_add(struct lk__candidates *list,
                       const struct lk__candidate *candidate,
                       struct lk_error *err);
/* Whether two boxes show one face. */
bool lk__candidates_same(const struct lk__candidate *x, const struct lk__candidate *y);
/* Keeps the best of each heap of boxes that show one face; best first. */
void lk__candidates_suppress(struct lk__candidates *list);

/* letterbox.c */

/* How a picture lies in a network's canvas: at x, y, scaled to width × height, black beside. */
struct lk__letterbox {
    int canvas_width, canvas_height;
    int x, y;
    int width, height;
    /* Canvas pixels per picture pixel. They differ because sides are cut to whole pixels: taking
     * one for both, as insightface does, shifts faces of a wide picture by up to 1 % of its width
     * in the 128 px pass (FaceFusion keeps two as well). */
    float scale_x, scale_y;
};

/* Fits the picture into `side` px (at most the canvas), top left, and keeps its shape, as
 * insightface does. */
struct lk__letterbox lk__letterbox_fit(
    int picture_width, int picture_height, int side, int canvas_width, int canvas_height);

/* Makes the canvas as small as the picture in it, in whole cells of the detectors' coarsest stride:
 * a wide picture leaves nearly half of a square black. */
void lk__letterbox_trim(struct lk__letterbox *box);

/* What a network wants of a pixel's levels v = 0…255: (v − mean)·factor, mean in its own order. */
struct lk__pixels {
    bool bgr; /* blue first; else red first */
    float mean[3], factor;
};

/* Moves b to where there is room for it beside a, in the same canvas: top right or bottom left, so
 * far away that what a detector sees of a is the same to a thousandth of a pixel. false: there is
 * none, and nothing is moved. */
bool lk__letterbox_beside(const struct lk__letterbox *a, struct lk__letterbox *b);
/* A canvas that shows nothing, v = 0: out [3, canvas_height, canvas_width] f32; and a picture (u8)
 * in it. */
void lk__letterbox_black(const struct lk__letterbox *box,
                         const struct lk__pixels *pixels,
                         float *out);
int lk__letterbox_add(const struct lk__letterbox *box,
                      const struct lk_picture *picture,
                      const struct lk__pixels *pixels,
                      float *out,
                      struct lk_error *err);
/* Both. */
int lk__letterbox_fill(const struct lk__letterbox *box,
                       const struct lk_picture *picture,
                       const struct lk__pixels *pixels,
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
/* The same from the landmarks, where their mark-up is known (66, 68, 98, 468, 478); else from the
 * points. */
void lk__face_pose_in_relief(struct lk_face *face);

/* detector.c */

/* A picture (u8), fitted into `side` px (at most the network's own canvas). */
struct lk__glance {
    const struct lk_picture *picture;
    int side;
};
enum { LK__GLANCES = 2 };

/* Up to LK__GLANCES glances at the same: adds the faces with score ≥ threshold, in the pixels of
 * the glance's picture. Where the network's canvas is fixed, and has room for the second beside the
 * first, the second has a run of its own only if there it seems to show what the first does not, or
 * shows worse. */
int lk__detector_look(const lk_detector *detector,
                      const struct lk__glance *glances,
                      size_t n,
                      float threshold,
                      const struct lk_watch *watch,
                      struct lk__candidates *out,
                      struct lk_error *err);
/* The score that upright faces reach, and those that are turned seldom. */
float lk__detector_sure(const lk_detector *detector);
/* Longest side of the canvas that a look of `side` px gets. */
int lk__detector_canvas(const lk_detector *detector, int side);

/* look.c */

/* A part of the picture, turned clockwise by `turns` right angles. */
struct lk__view {
    int x, y, width, height, turns;
    bool is_tile; /* what touches a border inside the picture is seen whole by another tile */
};

struct lk__finding {
    const lk_detector *detector;
    const struct lk_picture *picture; /* looked at in 8 bits */
    float threshold, harder;          /* harder: of all looks but the first */
    const struct lk_watch *watch;
    struct lk__candidates found; /* in the picture's pixels; between looks the best first */
    int looks, hints;            /* hints: what a harder look showed, and was not sure enough of */
};

/* One more look for each side (n, at most LK__GLANCES), px at most: adds what they show and is_tile
 * does not leave to others. */
int lk__look(struct lk__finding *finding,
             const struct lk__view *view,
             const int *sides,
             size_t n,
             struct lk_error *err);

#endif
