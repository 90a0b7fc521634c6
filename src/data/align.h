// SPDX-License-Identifier: Apache-2.0
/* Alignment: which crop of a picture a face network wants to see.
 *
 * Every face network was trained on crops whose eyes, nose and mouth corners lie at fixed places; a
 * row here is such a set of places. The crop is the similarity (rotation, scale, shift) that brings
 * a face's five points nearest to them in the least-squares sense. */
#ifndef LK_DATA_ALIGN_H
#define LK_DATA_ALIGN_H

#include "base/error.h"
#include "data/affine.h"
#include "data/face.h"

enum lk_align {
    LK_ALIGN_ARCFACE_112_V1, /* simswap, ghost */
    LK_ALIGN_ARCFACE_112_V2, /* ArcFace and most embedders */
    LK_ALIGN_ARCFACE_128,    /* inswapper, hyperswap: 112_v2 shifted by 8 px in a 128 px crop */
    LK_ALIGN_FFHQ_512,       /* GFPGAN, CodeFormer, GPEN, uniface, blendswap */
    LK_ALIGN_MTCNN_512,      /* hififace */
    LK_ALIGN_COUNT
};

/* points: eye on the picture's left, eye on its right, nose, mouth corner left, right, in picture
 * pixels. to_crop: from picture pixels to a crop of size × size. LK_E_INPUT when the points
 * coincide or are not finite, or no alignment of that number exists. */
int lk_align_face(const float (*points)[2],
                  enum lk_align align,
                  int size,
                  struct lk_affine *to_crop,
                  struct lk_error *err);

/* Where the five points of a perfectly aligned face lie in such a crop, in its pixels. */
void lk_align_points(enum lk_align align, int size, float (*points)[2]);

/* The square that box networks want: `scale` × the longer side of the face's box, around its
 * middle, upright, as a crop of size × size. LK_E_INPUT when the box is empty or not finite. */
int lk_face_square(const struct lk_face *face,
                   float scale,
                   int size,
                   struct lk_affine *to_crop,
                   struct lk_error *err);

#endif
