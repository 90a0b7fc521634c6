// SPDX-License-Identifier: Apache-2.0
/* Turning a graph of abstract operators into an ONNX model, in one of two ways; networks are
 * described once, so the ways cannot drift apart. */
#ifndef LK_RUNTIME_GRAPH_LOWER_H
#define LK_RUNTIME_GRAPH_LOWER_H

#include "runtime/graph/internal.h"
#include "runtime/graph/node.h"
#include "runtime/graph/onnx.h"

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
                        struct lk__nodes *nodes,
                        const char **names);

/* The whole graph as a serialised ModelProto. nodes: an empty list to fill, or NULL for the plain
 * way. place, user: see struct lk__onnx. The caller frees *out with lk_proto_free. */
int lk__lower(const lk_graph *graph,
              struct lk__nodes *nodes,
              lk__onnx_place_of *place,
              void *user,
              struct lk_proto *out,
              struct lk_error *err);

#endif
