// SPDX-License-Identifier: Apache-2.0
/* All that the prompts of a request say: as they are written, and as the text encoder reads them in
 * each step. "nu[x|]de" says in its second step what no list of words finds in it as it is. */
#ifndef LK_PIPELINE_WORDING_H
#define LK_PIPELINE_WORDING_H

#include "base/arena.h"
#include "catalog/catalog.h"
#include <likeness/request.h>

struct lk__wording {
    const char *const *prompts, *const *negatives; /* NULL-terminated, each text once */
    lk_arena *arena;                               /* holds them */
};

/* catalog: the model tells the steps where the request does not. LK_E_INPUT for a prompt that
 * cannot be read. */
int lk__wording_read(lk_catalog *catalog,
                     const struct lk_request *request,
                     struct lk__wording *out,
                     struct lk_error *err);
void lk__wording_close(struct lk__wording *wording);

#endif
