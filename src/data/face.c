// SPDX-License-Identifier: Apache-2.0
#include "data/face.h"

#include <math.h>
#include <string.h>

#include "data/identity.h"

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

int lk_identity_add(struct lk_identity *identity,
                    const struct lk_embedding *photo,
                    struct lk_error *err)
{
    struct lk_embedding mean = identity->embedding;
    double square = 0;
    if (photo->size < 1 || photo->size > LK_EMBEDDING_MAX)
        return lk_fail(err, LK_E_INPUT, "identity '%s': the photo has no embedding",
                       identity->name);
    if (identity->photos < 1)
        mean = *photo;
    else if (!comparable(&mean, photo))
        return lk_fail(err, LK_E_INPUT,
                       "identity '%s' is of embedder %.12s…, the photo of %.12s…: use one embedder "
                       "for all photos of a person",
                       identity->name, mean.embedder, photo->embedder);
    /* The mean of unit vectors, weighted by how many photos are in it already, on the sphere again:
     * not quite the mean of all, but it needs no sum to be stored. */
    const int photos = identity->photos < 1 ? 0 : identity->photos;
    for (int i = 0; i < mean.size; i++) {
        double v = ((double)mean.value[i] * photos + photo->value[i]) / (photos + 1);
        mean.value[i] = (float)v;
        square += v * v;
    }
    if (!(square > 1e-12) || !isfinite(square))
        return lk_fail(err, LK_E_INPUT,
                       "identity '%s': its photos contradict each other, or one has no embedding",
                       identity->name);
    for (int i = 0; i < mean.size; i++)
        mean.value[i] = (float)(mean.value[i] / sqrt(square));
    identity->embedding = mean;
    identity->photos = photos + 1;
    return 0;
}
