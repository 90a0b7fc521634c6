// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/adapter/crossings.h"

#include <stdio.h>
#include <string.h>

#include "stages/diffuse/net.h"

/* As many as that transformer has blocks. */
static void add(const lk_checkpoint *checkpoint,
                const char *transformer,
                int width,
                struct lk__crossings *c)
{
    char name[LK__NAME_SIZE];
    for (int i = 0;; i++) {
        lk__name(name, "%s.transformer_blocks.%d.norm1.weight", transformer, i);
        if (!lk_checkpoint_tensor(checkpoint, LK_PART_UNET, name))
            return;
        if (c->n < LK_ADAPTER_LAYERS) {
            c->width[c->n] = width;
            c->from[c->n] = c->n ? c->from[c->n - 1] + c->width[c->n - 1] : 0;
            snprintf(c->name[c->n], sizeof *c->name, "%s.transformer_blocks.%d.attn2", transformer,
                     i);
        }
        c->n++;
    }
}

void lk__crossings_read(const lk_checkpoint *checkpoint, struct lk__crossings *out)
{
    const struct lk_unet_config *u = &lk_checkpoint_config(checkpoint)->unet;
    char name[LK__NAME_SIZE];
    *out = (struct lk__crossings){.n = 0};
    for (int level = 0; level < u->levels; level++) {
        for (int j = 0; j < u->resnets[level]; j++) {
            lk__name(name, "down_blocks.%d.attentions.%d", level, j);
            add(checkpoint, name, u->width[level], out);
        }
    }
    for (int i = 0; i < u->levels; i++) {
        for (int j = 0; j < u->up_resnets[i]; j++) {
            lk__name(name, "up_blocks.%d.attentions.%d", i, j);
            add(checkpoint, name, u->width[u->levels - 1 - i], out);
        }
    }
    add(checkpoint, "mid_block.attentions.0", u->width[u->levels - 1], out);
}

static int kept(const struct lk__crossings *c)
{
    return c->n < LK_ADAPTER_LAYERS ? c->n : LK_ADAPTER_LAYERS;
}

int lk__crossings_width(const struct lk__crossings *c)
{
    const int n = kept(c);
    return n ? c->from[n - 1] + c->width[n - 1] : 0;
}

int lk__crossings_find(const struct lk__crossings *c, const char *name)
{
    int i = 0;
    while (i < kept(c) && strcmp(c->name[i], name))
        i++;
    return i < kept(c) ? i : c->n;
}
