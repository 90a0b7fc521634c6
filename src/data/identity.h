// SPDX-License-Identifier: Apache-2.0
/* Who a face is to be: the mean embedding of one or more photos, as the cast computes it. */
#ifndef LK_DATA_IDENTITY_H
#define LK_DATA_IDENTITY_H

#include "data/face.h"
#include "data/picture.h"

struct lk_identity {
    char name[64]; /* cast name, or the photo's file name */
    int photos;    /* how many photos the mean is of */
    struct lk_embedding embedding;
    float years;                    /* how old the face looks; 0: not known */
    const struct lk_picture *photo; /* one that shows the face, for networks that want pixels; NULL:
                                       none. Borrowed */
    float points[5][2];             /* the face's, in it */
};

#endif
