// SPDX-License-Identifier: Apache-2.0
/* The files of packed weights that one session's nodes use: one for each tensor file that the
 * network's weights lie in. Weights in memory (merged LoRAs) are in none. */
#ifndef LK_RUNTIME_GRAPH_PACKS_H
#define LK_RUNTIME_GRAPH_PACKS_H

#include "kernels/kernels.h"
#include "runtime/graph/internal.h"
#include "runtime/graph/pack_file.h"

/* Where they are kept. */
struct lk__pack_place {
    const char *folder;
    size_t limit;                                       /* bytes of all files in it */
    void (*complain)(void *user, const char *sentence); /* of what cannot be kept; any thread */
    void *user;
};

struct lk__packs;

/* place must outlive it, NULL: nothing is kept; then, and without memory, it is NULL, which all
 * calls below take. */
struct lk__packs *lk__packs_open(const struct lk__pack_place *place,
                                 const struct lk_kernels *kernels,
                                 enum lk_numbers numbers,
                                 const lk_graph *graph);
/* Waits until all is written. */
void lk__packs_free(struct lk__packs *packs);
/* The panel that is kept of the tensor, as long as packs lives; or NULL. */
const void *lk__packs_find(const struct lk__packs *packs,
                           const struct lk_tensor *tensor,
                           const struct lk__pack_id *id,
                           size_t bytes);
/* A panel that the network has, found or not; data must outlive packs. */
void lk__packs_add(struct lk__packs *packs,
                   const struct lk_tensor *tensor,
                   const struct lk__pack_part *part);
/* Begins, in a thread of its own, to write the files of which something was not found; where all
 * was, to have the disk read them. */
void lk__packs_tend(struct lk__packs *packs);

#endif
