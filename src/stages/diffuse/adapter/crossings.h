// SPDX-License-Identifier: Apache-2.0
/* The cross attentions of a UNet in the order in which adapters count them: those going down, those
 * going up, the middle's. */
#ifndef LK_STAGES_DIFFUSE_ADAPTER_CROSSINGS_H
#define LK_STAGES_DIFFUSE_ADAPTER_CROSSINGS_H

#include "catalog/adapter.h"
#include "catalog/checkpoint.h"

struct lk__crossings {
    int n;
    int width[LK_ADAPTER_LAYERS];     /* channels */
    int from[LK_ADAPTER_LAYERS];      /* channels of those before */
    char name[LK_ADAPTER_LAYERS][64]; /* diffusers': "mid_block.….transformer_blocks.0.attn2" */
};

/* More than LK_ADAPTER_LAYERS are counted in n, but not kept. */
void lk__crossings_read(const lk_checkpoint *checkpoint, struct lk__crossings *out);
/* Channels of all that are kept. */
int lk__crossings_width(const struct lk__crossings *crossings);
/* By its name; n when there is none. */
int lk__crossings_find(const struct lk__crossings *crossings, const char *name);

#endif
