// SPDX-License-Identifier: Apache-2.0
/* A family of swappers: one file that fills this descriptor, and one row in swap.c. */
#ifndef LK_STAGES_REFINE_SWAP_FAMILY_H
#define LK_STAGES_REFINE_SWAP_FAMILY_H

#include "data/align.h"
#include "data/face.h"
#include "runtime/contract.h"

/* What opening finds out. The port names belong to the session. */
struct lk__swap_ports {
    const char *target, *source, *output;
    int side;        /* of the crop, px */
    int source_size; /* numbers in `source` */
    int embedding;   /* size of the embedding that it takes */
    float *map;      /* the family's own, malloc'd, NULL when it has none: inswapper's emap */
};

struct lk__swap_family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    enum lk_align align;
    float mean, factor;         /* the network wants (v − mean)·factor of v 0…1, RGB, NCHW */
    float out_mean, out_factor; /* and v = answer·out_factor + out_mean comes out */
    /* Fills ports; LK_E_INPUT when the session keeps not the contract. */
    int (*open)(const struct lk_contract *contract,
                const lk_session *session,
                struct lk__swap_ports *ports,
                struct lk_error *err);
    /* The embedding as the network wants it: source [ports->source_size]. */
    int (*source)(const struct lk_contract *contract,
                  const struct lk__swap_ports *ports,
                  const struct lk_embedding *embedding,
                  float *source,
                  struct lk_error *err);
};

extern const struct lk__swap_family lk__swap_inswapper;

#endif
