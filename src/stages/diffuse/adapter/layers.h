// SPDX-License-Identifier: Apache-2.0
/* Layers of the image encoder and of the adapters' projections: an operator together with its
 * weights, found by name in whatever file has them. Errors stick to the graph. */
#ifndef LK_STAGES_DIFFUSE_ADAPTER_LAYERS_H
#define LK_STAGES_DIFFUSE_ADAPTER_LAYERS_H

#include "data/tensor_file.h"
#include "runtime/graph.h"

struct lk__layers {
    lk_graph *graph;
    const struct lk_tensor *(*find)(const void *of, const char *name);
    const void *of;
};

lk_value lk__layers_weight(const struct lk__layers *layers,
                           const char *full_name,
                           int rank,
                           const int64_t *shape);
/* x […,in] → […,out]; NAME.weight [out,in], NAME.bias [out] where has_bias */
lk_value lk__layers_linear(
    const struct lk__layers *layers, lk_value x, const char *name, int in, int out, int has_bias);
/* x [N,T,width] → same, ε = 1e-5 */
lk_value lk__layers_norm(const struct lk__layers *layers, lk_value x, const char *name, int width);

#endif
