// SPDX-License-Identifier: Apache-2.0
/* A face found in a picture. All coordinates are picture pixels. */
#ifndef LK_DATA_FACE_H
#define LK_DATA_FACE_H

#include <stdbool.h>

#define LK_EMBEDDING_MAX 512

struct lk_embedding {
    int size; /* 128 (MobileFaceNet, SFace) or 512 (ArcFace); 0 = not computed */
    float value[LK_EMBEDDING_MAX]; /* L2-normalised */
    float norm;                    /* its length as the embedder answered it; 0: not known */
    char embedder[65]; /* sha256 of the embedder's file: vectors of different embedders do not
                          compare */
};

struct lk_face {
    float box[4];           /* x0, y0, x1, y1 */
    float score;            /* 0…1 */
    float points[5][2];     /* eye on the picture's left, eye on its right, nose, mouth corner left,
                               right */
    float yaw, pitch, roll; /* degrees, estimated from the points; yaw > 0 turns to the picture's
                               right, roll > 0 clockwise */
    struct lk_embedding embedding;
    int index; /* 0, 1 … from left to right */
};

/* Cosine of two embeddings of one embedder; NAN when they do not compare (size or embedder differ,
 * or none). */
float lk_embedding_cosine(const struct lk_embedding *a, const struct lk_embedding *b);

#endif
