// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/adapter/layers.h"

#include <stdio.h>

enum { NAME_SIZE = 160 }; /* a longer one is cut and not found */

lk_value lk__layers_weight(const struct lk__layers *l,
                           const char *full_name,
                           int rank,
                           const int64_t *shape)
{
    lk_graph_at(l->graph, "%s", full_name);
    return lk_graph_weight(l->graph, l->find(l->of, full_name), rank, shape);
}

static lk_value part(
    const struct lk__layers *l, const char *name, const char *tail, int rank, const int64_t *shape)
{
    char full[NAME_SIZE];
    snprintf(full, sizeof full, "%s.%s", name, tail);
    return lk__layers_weight(l, full, rank, shape);
}

lk_value lk__layers_linear(
    const struct lk__layers *l, lk_value x, const char *name, int in, int out, int has_bias)
{
    lk_value w = part(l, name, "weight", 2, (const int64_t[]){out, in});
    lk_value b = has_bias ? part(l, name, "bias", 1, (const int64_t[]){out}) : LK_NO_VALUE;
    lk_graph_at(l->graph, "%s", name);
    return lk_graph_linear(l->graph, x, w, b);
}

lk_value lk__layers_norm(const struct lk__layers *l, lk_value x, const char *name, int width)
{
    lk_value gamma = part(l, name, "weight", 1, (const int64_t[]){width});
    lk_value beta = part(l, name, "bias", 1, (const int64_t[]){width});
    lk_graph_at(l->graph, "%s", name);
    return lk_graph_layer_norm(l->graph, x, gamma, beta, 1e-5f);
}
