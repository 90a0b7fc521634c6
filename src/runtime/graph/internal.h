// SPDX-License-Identifier: Apache-2.0
/* What a graph is made of: a list of values, each an input, a weight, a constant or the result of
 * one abstract operator. Values are numbered in the order of their making, so every operator comes
 * after what it reads: a lowering is one pass over the list. */
#ifndef LK_RUNTIME_GRAPH_INTERNAL_H
#define LK_RUNTIME_GRAPH_INTERNAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "runtime/graph.h"

#define LK__GRAPH_MAX_VALUES 65536
#define LK__GRAPH_MAX_PORTS 64
#define LK__NODE_MAX_INPUTS 4

enum lk__op {
    LK__INPUT,
    LK__WEIGHT,
    LK__CONSTANT,
    LK__CONV,
    LK__LINEAR,
    LK__MIX_TOKENS,
    LK__GROUP_NORM,
    LK__LAYER_NORM,
    LK__ATTENTION,
    LK__SILU,
    LK__GELU,
    LK__QUICK_GELU,
    LK__TANH,
    LK__GEGLU,
    LK__ADD,
    LK__MUL,
    LK__SCALE,
    LK__CONCAT,
    LK__SLICE,
    LK__CLIP,
    LK__UPSAMPLE2,
    LK__TOKENS_OF_IMAGE,
    LK__IMAGE_OF_TOKENS,
    LK__AS_PIXELS,
    LK__GATHER,
    LK__MATCH_TOKENS,
    LK__MERGE_TOKENS,
    LK__SPREAD_TOKENS,
    LK__TIME_EMBEDDING,
    LK__OP_COUNT
};

struct lk__value {
    enum lk__op op;
    enum lk_dtype dtype; /* of the numbers as they are used: f32 for every weight */
    int rank;
    int64_t shape[LK_TENSOR_MAX_RANK]; /* LK_DYNAMIC where unknown */
    bool rounds;                       /* see lk_graph_round */
    const char *at;                    /* what was being built; of inputs and weights the name */
    lk_value in[LK__NODE_MAX_INPUTS];  /* LK_NO_VALUE where not given */
    union {
        struct lk_tensor
            tensor;            /* weight: a copy of the description, the numbers stay in the file */
        const float *constant; /* of the shape above */
        struct {
            int kernel, stride, pad[4]; /* top, left, bottom, right */
        } conv;
        struct {
            int groups;
            float epsilon;
        } norm;
        struct {
            int heads, size, causal;
        } attention;
        struct {
            int axis;
            int64_t from, to;
        } range; /* slice; concat uses axis alone */
        struct {
            float low, high;
        } clip;
        struct {
            int64_t height, width, merged;
        } match;
        float factor;
    } as;
};

struct lk__port {
    const char *name;
    lk_value value;
};

struct lk_graph {
    lk_arena *arena;
    struct lk_error error; /* the first one; code LK_OK while there is none */
    size_t missing;        /* weights that were NULL */
    const char *name, *at;
    struct lk__value *values;
    size_t count, capacity;
    struct lk__port outputs[LK__GRAPH_MAX_PORTS];
    size_t output_count;
    struct lk_graph_thrift thrift;
    bool rounds;  /* what is appended now */
    bool wide;    /* see lk_graph_widen */
    bool repeats; /* see lk_graph_repeat */
};

/* Numbers of elements of a fully known shape; false when it is not known or overflows. */
bool lk__shape_count(int rank, const int64_t *shape, size_t *out);
/* Keeps the first error, with the name of what is being built before it; returns LK_NO_VALUE. */
lk_value lk__graph_fail(lk_graph *graph, int code, const char *format, ...) LK_PRINTF(3, 4);
/* A new value with a copy of *value; its `at` is set when it is NULL. */
lk_value lk__graph_append(lk_graph *graph, const struct lk__value *value);

#endif
