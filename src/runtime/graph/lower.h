// SPDX-License-Identifier: Apache-2.0
/* Turning a graph of abstract operators into an ONNX model, in one of several ways; networks are
 * described once, so the ways cannot drift apart. */
#ifndef LK_RUNTIME_GRAPH_LOWER_H
#define LK_RUNTIME_GRAPH_LOWER_H

#include "runtime/graph/internal.h"
#include "runtime/graph/node.h"
#include "runtime/graph/onnx.h"

enum lk__lowering { LK__PLAIN, LK__LIKENESS, LK__FUSED, LK__LOWERING_COUNT };

/* How a graph is lowered. */
struct lk__manner {
    enum lk__lowering lowering;
    struct lk__nodes *nodes; /* of the likeness lowering: an empty list to fill */
    bool halves; /* of the fused one: activations are f16 between the ports, where the graph allows
                    it; else f32, as in the others */
};

/* The plain way: operators of the ONNX standard only. The reference, for every provider. Writes one
 * value of the graph: its nodes into onnx, its name into names[index] (an array of graph->count,
 * NULL until the value was lowered). */
void lk__lower_plain(struct lk__onnx *onnx,
                     const lk_graph *graph,
                     size_t index,
                     const char **names);
/* Our operators where there are kernels, for the CPU: the whole graph. Adds their nodes to the
 * list; fills the names of what flows in and out. */
void lk__lower_likeness(struct lk__onnx *onnx,
                        const lk_graph *graph,
                        const struct lk__manner *manner,
                        const char **names);
/* The fused operators that ONNX Runtime's CUDA provider has, for GPUs: the whole graph, likewise.
 */
void lk__lower_fused(struct lk__onnx *onnx,
                     const lk_graph *graph,
                     const struct lk__manner *manner,
                     const char **names);

/* The whole graph as a serialised ModelProto. place, user: see struct lk__onnx. The caller frees
 * *out with lk_proto_free. */
int lk__lower(const lk_graph *graph,
              const struct lk__manner *manner,
              lk__onnx_place_of *place,
              void *user,
              struct lk_proto *out,
              struct lk_error *err);

#endif
