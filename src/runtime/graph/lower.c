// SPDX-License-Identifier: Apache-2.0
/* The frame that all lowerings share: ports, the walk over the values, the model around them. */
#include "runtime/graph/lower.h"

#include <stdlib.h>

#define ARENA_LIMIT ((size_t)64 << 20) /* names only */

/* Ports are f32, whatever flows between them. */
static void write_output(struct lk__onnx *onnx,
                         const char *port,
                         const char *name,
                         enum lk_dtype dtype)
{
    const bool is_cast = dtype == LK_F32 && onnx->flow != LK_F32;
    const struct lk__attribute to = {
        .name = "to", .type = LK__ATTR_INT, .i = lk__onnx_of_dtype(dtype)};
    lk__onnx_node(onnx, is_cast ? "Cast" : "Identity", port, 1, &name, 1, &port, is_cast, &to);
}

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
        write_output(onnx, port->name, names[port->value], value->dtype);
        lk__onnx_port(onnx, FIELD_GRAPH_OUTPUT, port->name, value->dtype, value->rank,
                      value->shape);
    }
}

static void lower_plain(struct lk__onnx *onnx,
                        const lk_graph *graph,
                        const struct lk__manner *manner,
                        const char **names)
{
    (void)manner;
    for (size_t i = 0; i < graph->count; i++)
        lk__lower_plain(onnx, graph, i, names);
}

int lk__lower(const lk_graph *graph,
              const struct lk__manner *manner,
              lk__onnx_place_of *place,
              void *user,
              struct lk_proto *out,
              struct lk_error *err)
{
    static void (*const lower[LK__LOWERING_COUNT])(struct lk__onnx *, const lk_graph *,
                                                   const struct lk__manner *, const char **) = {
        [LK__PLAIN] = lower_plain,
        [LK__LIKENESS] = lk__lower_likeness,
        [LK__FUSED] = lk__lower_fused,
    };
    int code = lk_graph_status(graph, err);
    if (code)
        return code;
    if (!graph->output_count)
        return lk_fail(err, LK_E_INPUT, "network '%s' has no output", graph->name);
    const bool halves = manner->lowering == LK__FUSED && manner->halves && !graph->wide;
    struct lk__onnx onnx = {
        .place = place,
        .user = user,
        .arena = lk_arena_new(ARENA_LIMIT),
        .flow = halves ? LK_F16 : LK_F32,
    };
    const char **names = calloc(graph->count, sizeof *names);
    if (!names || !onnx.arena) {
        code = lk_fail_memory(err, "an ONNX model", graph->count * sizeof *names);
        goto done;
    }
    lower[manner->lowering](&onnx, graph, manner, names);
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
