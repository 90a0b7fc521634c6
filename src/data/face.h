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

#define LK_LANDMARKS_MAX 478

/* What a landmarker found: the points of its own mark-up. */
struct lk_landmarks {
    int count;   /* 66 (OpenSeeFace), 68 (iBUG), 98 (WFLW), 106, 203, 468 or 478; 0 = none was asked
                  */
    float score; /* 0…1; 1 where the network does not say */
    float point[LK_LANDMARKS_MAX][2];
};

struct lk_face {
    float box[4];           /* x0, y0, x1, y1 */
    float score;            /* 0…1 */
    float points[5][2];     /* of the face turned upright: eye on the left, eye on the right, nose,
                               mouth corner left, right */
    float yaw, pitch, roll; /* degrees, estimated from the points; yaw > 0 turns to the picture's
                               right, roll > 0 clockwise */
    float age;              /* years; 0: not told */
    char gender;            /* 'f', 'm'; 0: not told */
    const char *expression; /* "happy" …, a constant; NULL: not told */
    float expression_score; /* its probability, 0…1 */
    struct lk_landmarks landmarks;
    struct lk_embedding embedding;
    int index; /* 0, 1 … from left to right */
};

/* Cosine of two embeddings of one embedder; NAN when they do not compare (size or embedder differ,
 * or none). */
float lk_embedding_cosine(const struct lk_embedding *a, const struct lk_embedding *b);

/* How well an identity can be told from it, 0.01…1: score · size · cos yaw · cos pitch; a face of
 * 112 px or more is large enough. */
float lk_face_quality(const struct lk_face *face);

#endif
