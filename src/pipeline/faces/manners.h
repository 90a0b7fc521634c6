// SPDX-License-Identifier: Apache-2.0
/* The manners in which a face is refined: as the request says, and away from it, for faces that do
 * not pass verification (--retries) and for who wants to choose (--alternatives). docs/judge.md. */
#ifndef LK_PIPELINE_MANNERS_H
#define LK_PIPELINE_MANNERS_H

#include <stdbool.h>
#include <stddef.h>

/* Their names, in the order in which they are tried. */
#define LK__MANNERS                                                                                \
    "as-asked|twice|more-identity|restored|redrawn|boost-4|less-restored|thrice|unrestored|"       \
    "less-identity|more-identity-boost-4|hardly-restored|redrawn-twice|half-identity"

struct lk__manner {
    const char *name;
    int passes;                /* of the swapper more than asked for, each nearer to the identity */
    float identity, restoring; /* factors of the request's strengths */
    int boost;                 /* of the swapper; 0: by the face's size */
    bool redraws;              /* the face is drawn again first, with another seed */
    unsigned needs;            /* it is another than as asked only where all of these hold */
};

/* What holds of a face. */
enum {
    LK__FACE_SWAPPED = 1,    /* as asked, it is swapped */
    LK__FACE_RESTORED = 2,   /* as asked, it is restored */
    LK__FACE_RESTORABLE = 4, /* it is not, and there is a restorer */
    LK__FACE_DRAWN = 8,      /* it was drawn by a model that can draw it again */
};

/* Manner i of those for a face of which `holds` holds, the one named first (NULL: as asked); NULL
 * after the last. A name that is not for this face counts as as-asked. */
const struct lk__manner *lk__manner_at(const char *first, unsigned holds, size_t i);

/* Whether a drawn face may be drawn again, the manner named first, and so many more tried. */
bool lk__manners_redraw(const char *first, int more);

/* How many there are before it: what another seed is counted from. */
int lk__manner_number(const struct lk__manner *manner);

#endif
