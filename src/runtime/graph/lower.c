// SPDX-License-Identifier: Apache-2.0
/* The frame that both lowerings share: ports, the walk over the values, the model around them. */
#include "runtime/graph/lower.h"

#include <stdlib.h>

#define ARENA_LIMIT ((size_t)64 << 20) /* names only */

static void write_ports(struct lk__onnx *onnx, const lk_graph *graph, const char **names)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct lk__value *value = &graph->values[i];
        if (value->op == LK__INPUT)
            lk__onnx_port(onnx, FIELD_GRAPH_INPUT, value->at, value->dtype, value->rank,
                          value->shape);
    }
    for (size_t i = 0; i < graph->output_count; i++) {
        const struct lk__port *port = &graph->outputs[i];
        const struct lk__value *value = &graph->values[port->value];
        lk__onnx_node(onnx, "Identity", port->name, 1, &names[port->value], 1, &port->name, 0,
                      NULL);
        lk__onnx_port(onnx, FIELD_GRAPH_OUTPUT, port->name, value->dtype, value->rank,
                      value->shape);
    }
}

int lk__lower(const lk_graph *graph,
              struct lk__nodes *nodes,
              lk__onnx_place_of *place,
              void *user,
              struct lk_proto *out,
              struct lk_error *err)
{
    int code = lk_graph_status(graph, err);
    if (code)
        return code;
    if (!graph->output_count)
        return lk_fail(err, LK_E_INPUT, "network '%s' has no output", graph->name);
    struct lk__onnx onnx = {.place = place, .user = user, .arena = lk_arena_new(ARENA_LIMIT)};
    const char **names = calloc(graph->count, sizeof *names);
    if (!names || !onnx.arena) {
        code = lk_fail_memory(err, "an ONNX model", graph->count * sizeof *names);
        goto done;
    }
    if (nodes)
        lk__lower_likeness(&onnx, graph, nodes, names);
    for (size_t i = 0; !nodes && i < graph->count; i++)
        lk__lower_plain(&onnx, graph, i, names);
    if (!onnx.failed)
        write_ports(&onnx, graph, names);
    struct lk_proto model;
    lk__onnx_finish(&onnx, graph->name, &model);
    if (model.failed) {
        lk_proto_free(&model);
        code = lk_fail(err, LK_E_FAILED,
                       "network '%s' does not fit into an ONNX model of 2 GB: out of memory, or "
                       "weights that lie in no file",
                       graph->name);
        goto done;
    }
    *out = model;
done:
    lk_proto_free(&onnx.graph);
    lk_arena_free(onnx.arena);
    free(names);
    return code;
}
