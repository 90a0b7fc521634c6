// SPDX-License-Identifier: Apache-2.0
/* What a swapper is told of whose face it is to make. */
#ifndef LK_STAGES_REFINE_SWAP_SOURCE_H
#define LK_STAGES_REFINE_SWAP_SOURCE_H

#include "base/watch.h"
#include "data/identity.h"
#include "stages/refine/swap_family.h"

/* The network between the embedder and a swapper that was trained on another one. */
struct lk__converter {
    lk_session *session; /* NULL: none */
    char *path;
    struct lk_contract contract;
    const char *input, *output;
};

int lk__converter_open(lk_runtime *runtime,
                       const char *path,
                       const char *device,
                       struct lk__converter *out,
                       struct lk_error *err); /* lk__converter_close is safe after a failure */
void lk__converter_close(struct lk__converter *converter);

/* The array for `source`, its data malloc'd. Of an identity that is mixed with the face's own
 * embedding: strength·identity + (1 − strength)·own, on the unit sphere. */
int lk__swap_source(const struct lk__swap_family *family,
                    const struct lk_contract *contract,
                    const struct lk__swap_ports *ports,
                    const struct lk__converter *converter,
                    const struct lk_identity *identity,
                    const struct lk_embedding *own,
                    float strength,
                    const struct lk_watch *watch,
                    struct lk_array *out,
                    struct lk_error *err);

#endif
