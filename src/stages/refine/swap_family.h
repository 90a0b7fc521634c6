// SPDX-License-Identifier: Apache-2.0
/* A family of swappers: a `const` descriptor in one of the files swap_*.c, and one row in swap.c.
 */
#ifndef LK_STAGES_REFINE_SWAP_FAMILY_H
#define LK_STAGES_REFINE_SWAP_FAMILY_H

#include "data/align.h"
#include "runtime/contract.h"
#include "stages/refine/crop.h"

enum { LK__SWAP_VECTOR = 512 }; /* numbers of the embedding that every family begins with */

/* What opening finds out. The port names belong to the session. */
struct lk__swap_ports {
    const char *target, *source, *output;
    int side;        /* of the crop, px */
    int source_side; /* of the source's crop, px; 0: `source` is a vector [1,512] */
    float *map;      /* the family's own, malloc'd, NULL when it has none: inswapper's emap */
};

struct lk__swap_family {
    const char *name;
    const char *expects; /* the contract, for error sentences */
    enum lk_align align;
    struct lk__range in;  /* the network wants (v − mean)·factor of v 0…1, RGB, NCHW */
    struct lk__range out; /* and v = answer·factor + mean comes out */
    int side;             /* where the file leaves it free */
    /* Its catalogue name: the network between the embedder and this one; NULL: there is none. It
     * takes the embedding as the embedder answered it, not normalised. */
    const char *converter;
    enum lk_align source_align; /* of those that see the source's pixels, RGB 0…1 */
    int source_side;            /* px; 0: the family takes a vector */
    /* Fills ports->map; NULL: nothing to be found. LK_E_INPUT when the file has it not. */
    int (*open)(const struct lk_contract *contract,
                struct lk__swap_ports *ports,
                struct lk_error *err);
    /* The vector [512] as the network wants it, in place; NULL: as it comes. LK_E_INPUT when it is
     * zero or NaN. */
    int (*source)(const struct lk_contract *contract,
                  const struct lk__swap_ports *ports,
                  float *vector,
                  struct lk_error *err);
};

extern const struct lk__swap_family lk__swap_inswapper, lk__swap_hyperswap, lk__swap_simswap,
    lk__swap_simswap_512, lk__swap_ghost, lk__swap_hififace, lk__swap_uniface, lk__swap_blendswap;

/* Scales the vector [512] to length 1; its former length comes back, 0 when it is zero or NaN. */
double lk__swap_normalise(float *vector);
/* The same as lk__swap_family.source. */
int lk__swap_unit_source(const struct lk_contract *contract,
                         const struct lk__swap_ports *ports,
                         float *vector,
                         struct lk_error *err);

/* Fills all of ports but map, by the names target and source, else by shapes where these tell
 * them apart. LK_E_INPUT when the session keeps not the contract. */
int lk__swap_find_ports(const struct lk__swap_family *family,
                        const struct lk_contract *contract,
                        const lk_session *session,
                        struct lk__swap_ports *ports,
                        struct lk_error *err);

#endif
