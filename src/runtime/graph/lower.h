// SPDX-License-Identifier: Apache-2.0
/* Turning a graph of abstract operators into an ONNX model. One row of `lk__lowerings` per way to
 * do it; networks are described once, so the ways cannot drift apart. */
#ifndef LK_RUNTIME_GRAPH_LOWER_H
#define LK_RUNTIME_GRAPH_LOWER_H

#include "runtime/graph/internal.h"
#include "runtime/graph/onnx.h"

enum lk_lowering {
    LK_LOWER_PLAIN, /* operators of the ONNX standard only: the reference, for every provider */
    LK_LOWER_COUNT
};

/* Writes one value of the graph: its nodes into onnx, its name into names[index] (an array of
 * graph->count, NULL until the value was lowered). */
typedef void lk__lower_value(struct lk__onnx *onnx,
                             const lk_graph *graph,
                             size_t index,
                             const char **names);

extern const struct lk__lowering {
    const char *name;
    lk__lower_value *value;
} lk__lowerings[LK_LOWER_COUNT];

lk__lower_value lk__lower_plain;

/* The whole graph as a serialised ModelProto. place, user: see struct lk__onnx. The caller frees
 * *out with lk_proto_free. */
int lk__lower(const lk_graph *graph,
              enum lk_lowering lowering,
              lk__onnx_place_of *place,
              void *user,
              struct lk_proto *out,
              struct lk_error *err);

#endif
