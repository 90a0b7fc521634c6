// SPDX-License-Identifier: Apache-2.0
/* The graph as a container: values, names, sticky errors. The operators are in operators.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/graph/internal.h"

#define ARENA_LIMIT                                                                                \
    ((size_t)64 << 20) /* names and small constants: a UNet takes less than 1 MB                   \
                        */

int lk_graph_new(const char *name, lk_graph **out, struct lk_error *err)
{
    lk_graph *graph = calloc(1, sizeof *graph);
    if (!graph || !(graph->arena = lk_arena_new(ARENA_LIMIT)) ||
        !(graph->name = lk_arena_strdup(graph->arena, name))) {
        lk_graph_free(graph);
        return lk_fail_memory(err, "a network", sizeof *graph);
    }
    graph->at = "";
    *out = graph;
    return 0;
}

void lk_graph_free(lk_graph *graph)
{
    if (!graph)
        return;
    lk_arena_free(graph->arena);
    free(graph->values);
    free(graph);
}

int lk_graph_status(const lk_graph *graph, struct lk_error *err)
{
    if (graph->error.code && err) {
        *err = graph->error;
        if (graph->missing > 1) {
            const size_t length = strlen(err->message);
            snprintf(err->message + length, sizeof err->message - length, ", as are %zu others",
                     graph->missing - 1);
        }
    }
    return graph->error.code;
}

void lk_graph_round(lk_graph *graph, bool rounds)
{
    graph->rounds = rounds;
}

void lk_graph_widen(lk_graph *graph)
{
    graph->wide = true;
}

void lk_graph_repeat(lk_graph *graph)
{
    graph->repeats = true;
}

void lk_graph_save(lk_graph *graph, struct lk_graph_thrift thrift)
{
    graph->thrift = thrift;
}

lk_value lk__graph_fail(lk_graph *graph, int code, const char *format, ...)
{
    if (graph->error.code)
        return LK_NO_VALUE;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lk_fail(&graph->error, code, "network '%s', %s: %s", graph->name, graph->at, text);
    return LK_NO_VALUE;
}

void lk_graph_at(lk_graph *graph, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *at = lk_arena_strdup(graph->arena, text);
    if (!at)
        lk__graph_fail(graph, LK_E_FAILED, "out of memory");
    else
        graph->at = at;
}

bool lk__shape_count(int rank, const int64_t *shape, size_t *out)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0 || !lk_size_mul(count, (size_t)shape[i], &count))
            return false;
    }
    *out = count;
    return true;
}

lk_value lk__graph_append(lk_graph *graph, const struct lk__value *value)
{
    if (graph->error.code)
        return LK_NO_VALUE;
    if (graph->count == graph->capacity) {
        size_t capacity = graph->capacity ? 2 * graph->capacity : 256;
        struct lk__value *values = capacity > LK__GRAPH_MAX_VALUES
                                       ? NULL
                                       : reallocarray(graph->values, capacity, sizeof *values);
        if (!values)
            return lk__graph_fail(graph, LK_E_FAILED, "more than %zu values", graph->count);
        graph->values = values;
        graph->capacity = capacity;
    }
    struct lk__value *added = &graph->values[graph->count];
    *added = *value;
    added->rounds = graph->rounds;
    if (!added->at)
        added->at = graph->at;
    return (lk_value)graph->count++;
}

/* A copy of the shape in `value`; false (with an error) when rank or a dimension is impossible. */
static bool take_shape(lk_graph *graph, struct lk__value *value, int rank, const int64_t *shape)
{
    if (rank < 0 || rank > LK_TENSOR_MAX_RANK) {
        lk__graph_fail(graph, LK_E_INPUT, "rank %d is not 0 … %d", rank, LK_TENSOR_MAX_RANK);
        return false;
    }
    value->rank = rank;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < LK_DYNAMIC || shape[i] == 0) {
            lk__graph_fail(graph, LK_E_INPUT, "dimension %d is %lld", i, (long long)shape[i]);
            return false;
        }
        value->shape[i] = shape[i];
    }
    return true;
}

lk_value lk_graph_input(
    lk_graph *graph, const char *name, enum lk_dtype dtype, int rank, const int64_t *dims)
{
    struct lk__value value = {.op = LK__INPUT, .dtype = dtype};
    if (dtype != LK_F32 && dtype != LK_I64 && dtype != LK_I32)
        return lk__graph_fail(graph, LK_E_INPUT, "input '%s' is not f32, i64 or i32", name);
    if (graph->error.code || !take_shape(graph, &value, rank, dims))
        return LK_NO_VALUE;
    if (!(value.at = lk_arena_strdup(graph->arena, name)))
        return lk__graph_fail(graph, LK_E_FAILED, "out of memory");
    return lk__graph_append(graph, &value);
}

void lk_graph_output(lk_graph *graph, const char *name, lk_value value)
{
    if (graph->error.code)
        return;
    char *copy = lk_arena_strdup(graph->arena, name);
    if (value < 0 || (size_t)value >= graph->count)
        lk__graph_fail(graph, LK_E_INPUT, "output '%s' is no value of this network", name);
    else if (!copy || graph->output_count == LK__GRAPH_MAX_PORTS)
        lk__graph_fail(graph, LK_E_FAILED, "no room for output '%s'", name);
    else
        graph->outputs[graph->output_count++] = (struct lk__port){copy, value};
}

/* Sides of 1 apart: a 1×1 convolution may serve as a matrix. */
static bool is_shape(const struct lk_tensor *tensor, int rank, const int64_t *shape)
{
    int i = 0, k = 0;
    for (;;) {
        while (i < tensor->rank && tensor->shape[i] == 1)
            i++;
        while (k < rank && shape[k] == 1)
            k++;
        if (i == tensor->rank || k == rank)
            return i == tensor->rank && k == rank;
        if (tensor->shape[i++] != shape[k++])
            return false;
    }
}

lk_value lk_graph_weight(lk_graph *graph,
                         const struct lk_tensor *tensor,
                         int rank,
                         const int64_t *shape)
{
    graph->missing += !tensor;
    if (graph->error.code)
        return LK_NO_VALUE;
    if (!tensor)
        return lk__graph_fail(graph, LK_E_INPUT, "a weight is missing in the checkpoint");
    struct lk__value value = {.op = LK__WEIGHT, .dtype = LK_F32, .as.tensor = *tensor};
    if (!lk_dtype_is_weight(tensor->dtype))
        return lk__graph_fail(
            graph, LK_E_INPUT, "weight '%s' of '%s' is %s, which is not F32, F16, BF16 or F8",
            tensor->name, tensor->path ? tensor->path : "memory", lk_dtype_name(tensor->dtype));
    if (!take_shape(graph, &value, rank > 0 ? rank : tensor->rank,
                    rank > 0 ? shape : tensor->shape))
        return LK_NO_VALUE;
    size_t count, bytes;
    if (!lk__shape_count(value.rank, value.shape, &count) ||
        !lk_size_mul(count, lk_dtype_size(tensor->dtype), &bytes) || bytes != tensor->size ||
        !is_shape(tensor, value.rank, value.shape))
        return lk__graph_fail(graph, LK_E_INPUT,
                              "weight '%s' of '%s' (%zu bytes) is not of the shape asked for",
                              tensor->name, tensor->path ? tensor->path : "memory", tensor->size);
    for (size_t i = 0; i < graph->count; i++) {
        const struct lk__value *other = &graph->values[i];
        if (other->op == LK__WEIGHT && other->as.tensor.data == tensor->data &&
            other->rank == value.rank && memcmp(other->shape, value.shape, sizeof value.shape) == 0)
            return (lk_value)i;
    }
    value.at = lk_arena_strdup(graph->arena, tensor->name);
    value.as.tensor.name = value.at;
    if (tensor->path)
        value.as.tensor.path = lk_arena_strdup(graph->arena, tensor->path);
    if (tensor->stamp)
        value.as.tensor.stamp = lk_arena_strdup(graph->arena, tensor->stamp);
    if (!value.at || (tensor->path && !value.as.tensor.path) ||
        (tensor->stamp && !value.as.tensor.stamp))
        return lk__graph_fail(graph, LK_E_FAILED, "out of memory");
    return lk__graph_append(graph, &value);
}

const struct lk_tensor *lk_graph_next_weight(const lk_graph *graph, size_t *cursor)
{
    while (*cursor < graph->count) {
        const struct lk__value *value = &graph->values[(*cursor)++];
        if (value->op == LK__WEIGHT)
            return &value->as.tensor;
    }
    return NULL;
}

lk_value lk_graph_constant(lk_graph *graph, int rank, const int64_t *shape, const float *values)
{
    struct lk__value value = {.op = LK__CONSTANT, .dtype = LK_F32};
    size_t count;
    if (graph->error.code || !take_shape(graph, &value, rank, shape))
        return LK_NO_VALUE;
    if (!lk__shape_count(rank, shape, &count))
        return lk__graph_fail(graph, LK_E_INPUT, "the shape of a constant is not known");
    float *copy = lk_arena_alloc(graph->arena, count, sizeof *copy);
    if (!copy)
        return lk__graph_fail(graph, LK_E_FAILED, "out of memory: a constant of %zu numbers",
                              count);
    memcpy(copy, values, count * sizeof *copy);
    value.as.constant = copy;
    return lk__graph_append(graph, &value);
}
