// SPDX-License-Identifier: Apache-2.0
/* What the networks of diffusion take in a run, and what is given for less where the budget
 * (lk_runtime_budget) has no room. In this order, as far as it needs to go:
 *
 *   UNet   attention in parts; weights streamed from their file (runtime/graph.h)
 *   VAE    attention in parts; weights streamed; smaller tiles, which alone change the picture
 *
 * Our own kernels know no parts and do not stream: where their packed weights do not fit, the plain
 * lowering takes over, streamed.
 *
 * The numbers are measured on the CPU (docs/runtime.md); a GPU's own memory is not counted. */
#ifndef LK_STAGES_DIFFUSE_BUDGET_H
#define LK_STAGES_DIFFUSE_BUDGET_H

#include <stdbool.h>

#include "base/error.h"
#include "catalog/checkpoint.h"
#include "runtime/session.h"

/* How large a run is. */
struct lk__extent {
    int rows;          /* of the batch */
    int height, width; /* of the latent */
    bool merges;       /* tokens at its own size (lk_unet_variant.merging) */
};

/* In place of parts: our own kernels, whose attention stores no scores. */
enum { LK__UNSCORED = 0 };

/* Bytes that a run takes beside the weights. parts: as in lk_graph_thrift, or LK__UNSCORED. */
typedef size_t lk__work(const lk_checkpoint *checkpoint,
                        const struct lk__extent *extent,
                        int parts);
lk__work lk__unet_work, lk__vae_work;

/* An open network, and with which thrift. Zeroed: none. */
struct lk__network {
    lk_session *session;
    lk_repeated *steps; /* its runs, for those who take many */
    int parts;
    int tile; /* of the VAE: side of the tiles that fit, in latent pixels; 0: as autoencoder.h says
               */
};
void lk__network_close(struct lk__network *network);

/* What opens one. */
struct lk__budget {
    lk_runtime *runtime;
    const lk_checkpoint *checkpoint;
    const char *device; /* or NULL */
};

/* Whether runs of that extent fit without any thrift, the network open or still to be loaded. Idle
 * networks are freed for it. */
bool lk__budget_is_ample(const struct lk__budget *budget,
                         const lk_graph *graph,
                         lk__work *work,
                         const struct lk__extent *extent,
                         const struct lk__network *network);
/* Opens the network of that graph so that runs of that extent fit; one that is open and fits stays.
 * LK_E_FAILED says what they would take. */
int lk__budget_open(const struct lk__budget *budget,
                    lk_graph *graph,
                    lk__work *work,
                    const struct lk__extent *extent,
                    struct lk__network *network,
                    struct lk_error *err);
/* The same of half a VAE, for a whole latent: in tiles of `tile`; 0: as large as fit. */
int lk__budget_open_vae(const struct lk__budget *budget,
                        lk_graph *graph,
                        const struct lk__extent *whole,
                        int tile,
                        struct lk__network *network,
                        struct lk_error *err);

#endif
