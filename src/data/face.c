// SPDX-License-Identifier: Apache-2.0
#include "data/face.h"

#include <math.h>
#include <string.h>

/* Sizes and embedder agree, and there is something to compare. */
static bool comparable(const struct lk_embedding *a, const struct lk_embedding *b)
{
    return a->size > 0 && a->size <= LK_EMBEDDING_MAX && a->size == b->size &&
           strncmp(a->embedder, b->embedder, sizeof a->embedder) == 0;
}

float lk_embedding_cosine(const struct lk_embedding *a, const struct lk_embedding *b)
{
    double dot = 0, aa = 0, bb = 0;
    if (!comparable(a, b))
        return NAN;
    for (int i = 0; i < a->size; i++) {
        dot += (double)a->value[i] * b->value[i];
        aa += (double)a->value[i] * a->value[i];
        bb += (double)b->value[i] * b->value[i];
    }
    return (float)(dot / sqrt(aa * bb));
}

float lk_face_quality(const struct lk_face *face)
{
    const double degree = 3.14159265358979323846 / 180, enough = 112;
    double width = (double)face->box[2] - (double)face->box[0],
           height = (double)face->box[3] - (double)face->box[1];
    double side = fmin(width, height) / enough;
    double turned =
        fmax(cos((double)face->yaw * degree), 0.1) * fmax(cos((double)face->pitch * degree), 0.1);
    return (float)fmax((double)face->score * fmin(side, 1) * turned, 0.01);
}
