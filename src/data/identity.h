// SPDX-License-Identifier: Apache-2.0
/* Who a face is to be: the mean embedding of one or more photos, and the consent it stands on. */
#ifndef LK_DATA_IDENTITY_H
#define LK_DATA_IDENTITY_H

#include "base/error.h"
#include "data/face.h"

struct lk_identity {
    char name[64]; /* cast name, or the photo's file name */
    int photos;    /* how many photos the mean is of */
    struct lk_embedding embedding;
    float years; /* how old the face looks; 0: not known */
};

/* Adds one photo's embedding to the mean and normalises again; LK_E_INPUT when it is of another
 * embedder. */
int lk_identity_add(struct lk_identity *identity,
                    const struct lk_embedding *photo,
                    struct lk_error *err);

#endif
