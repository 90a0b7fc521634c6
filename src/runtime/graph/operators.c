// SPDX-License-Identifier: Apache-2.0
/* The abstract operators: each checks what it is given, infers the shape of its result as far as it
 * is known while the graph is written, and adds one value. What an operator computes is stated in
 * runtime/graph.h; how, in the lowerings. */
#include <string.h>

#include "runtime/graph/internal.h"

static const char *const op_names[LK__OP_COUNT] = {
    [LK__INPUT] = "input",
    [LK__WEIGHT] = "weight",
    [LK__CONSTANT] = "constant",
    [LK__CONV] = "conv",
    [LK__LINEAR] = "linear",
    [LK__MIX_TOKENS] = "mix tokens",
    [LK__GROUP_NORM] = "group norm",
    [LK__LAYER_NORM] = "layer norm",
    [LK__ATTENTION] = "attention",
    [LK__SILU] = "silu",
    [LK__GELU] = "gelu",
    [LK__QUICK_GELU] = "quick gelu",
    [LK__TANH] = "tanh",
    [LK__GEGLU] = "geglu",
    [LK__ADD] = "add",
    [LK__MUL] = "mul",
    [LK__SCALE] = "scale",
    [LK__CONCAT] = "concat",
    [LK__SLICE] = "slice",
    [LK__CLIP] = "clip",
    [LK__UPSAMPLE2] = "upsample2",
    [LK__TOKENS_OF_IMAGE] = "tokens of image",
    [LK__IMAGE_OF_TOKENS] = "image of tokens",
    [LK__AS_PIXELS] = "as pixels",
    [LK__GATHER] = "gather",
    [LK__MATCH_TOKENS] = "match tokens",
    [LK__MERGE_TOKENS] = "merge tokens",
    [LK__SPREAD_TOKENS] = "spread tokens",
    [LK__TIME_EMBEDDING] = "time embedding",
};

/* The value behind an index, or NULL with an error when it is none or has another rank (rank < 0:
 * any). */
static const struct lk__value *operand(
    lk_graph *graph, enum lk__op op, const char *what, lk_value value, int rank)
{
    if (graph->error.code)
        return NULL;
    if (value < 0 || (size_t)value >= graph->count) {
        lk__graph_fail(graph, LK_E_INPUT, "%s: %s is not given", op_names[op], what);
        return NULL;
    }
    const struct lk__value *found = &graph->values[value];
    if (rank >= 0 && found->rank != rank) {
        lk__graph_fail(graph, LK_E_INPUT, "%s: %s has rank %d, not %d", op_names[op], what,
                       found->rank, rank);
        return NULL;
    }
    return found;
}

static bool same(int64_t a, int64_t b)
{
    return a == b || a == LK_DYNAMIC || b == LK_DYNAMIC;
}

static bool expect(lk_graph *graph, enum lk__op op, const char *what, int64_t have, int64_t want)
{
    if (same(have, want))
        return true;
    lk__graph_fail(graph, LK_E_INPUT, "%s: %s is %lld, not %lld", op_names[op], what,
                   (long long)have, (long long)want);
    return false;
}

/* A bias, gamma or beta: [size], or not given. */
static bool expect_vector(
    lk_graph *graph, enum lk__op op, const char *what, lk_value value, int64_t size)
{
    const struct lk__value *vector = operand(graph, op, what, value, 1);
    return vector && expect(graph, op, what, vector->shape[0], size);
}

/* A result that has the shape of x. */
static struct lk__value like(enum lk__op op, const struct lk__value *x)
{
    struct lk__value value = {.op = op, .dtype = x->dtype, .rank = x->rank};
    memcpy(value.shape, x->shape, sizeof value.shape);
    for (int i = 0; i < LK__NODE_MAX_INPUTS; i++)
        value.in[i] = LK_NO_VALUE;
    return value;
}

static int64_t conv_size(int64_t in, int kernel, int stride, int pad)
{
    return in == LK_DYNAMIC ? LK_DYNAMIC : (in + pad - kernel) / stride + 1;
}

lk_value lk_graph_conv(
    lk_graph *graph, lk_value x, lk_value w, lk_value b, int kernel, int stride, const int pad[4])
{
    const enum lk__op op = LK__CONV;
    const struct lk__value *in = operand(graph, op, "x", x, 4);
    const struct lk__value *weight = operand(graph, op, "w", w, 4);
    if (!in || !weight ||
        !expect(graph, op, "w's input channels", weight->shape[1], in->shape[1]) ||
        !expect(graph, op, "w's height", weight->shape[2], kernel) ||
        !expect(graph, op, "w's width", weight->shape[3], kernel))
        return LK_NO_VALUE;
    if (b != LK_NO_VALUE && !expect_vector(graph, op, "b", b, weight->shape[0]))
        return LK_NO_VALUE;
    if (stride < 1)
        return lk__graph_fail(graph, LK_E_INPUT, "conv: stride %d", stride);
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = w, value.in[2] = b;
    value.shape[1] = weight->shape[0];
    value.shape[2] = conv_size(in->shape[2], kernel, stride, pad[0] + pad[2]);
    value.shape[3] = conv_size(in->shape[3], kernel, stride, pad[1] + pad[3]);
    value.as.conv.kernel = kernel;
    value.as.conv.stride = stride;
    memcpy(value.as.conv.pad, pad, sizeof value.as.conv.pad);
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_linear(lk_graph *graph, lk_value x, lk_value w, lk_value b)
{
    const enum lk__op op = LK__LINEAR;
    const struct lk__value *in = operand(graph, op, "x", x, -1);
    const struct lk__value *weight = operand(graph, op, "w", w, 2);
    if (!in || !weight)
        return LK_NO_VALUE;
    if (in->rank < 2)
        return lk__graph_fail(graph, LK_E_INPUT, "linear: x has rank %d, not 2 or more", in->rank);
    if (!expect(graph, op, "x's last dimension", in->shape[in->rank - 1], weight->shape[1]))
        return LK_NO_VALUE;
    if (b != LK_NO_VALUE && !expect_vector(graph, op, "b", b, weight->shape[0]))
        return LK_NO_VALUE;
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = w, value.in[2] = b;
    value.shape[value.rank - 1] = weight->shape[0];
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_mix_tokens(lk_graph *graph, lk_value x, lk_value w)
{
    const enum lk__op op = LK__MIX_TOKENS;
    const struct lk__value *in = operand(graph, op, "x", x, 3);
    const struct lk__value *weight = operand(graph, op, "w", w, 2);
    if (!in || !weight || !expect(graph, op, "x's tokens", in->shape[1], weight->shape[1]))
        return LK_NO_VALUE;
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = w;
    value.shape[1] = weight->shape[0];
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_group_norm(
    lk_graph *graph, lk_value x, lk_value gamma, lk_value beta, int groups, float epsilon)
{
    const enum lk__op op = LK__GROUP_NORM;
    const struct lk__value *in = operand(graph, op, "x", x, 4);
    if (!in || !expect_vector(graph, op, "gamma", gamma, in->shape[1]) ||
        !expect_vector(graph, op, "beta", beta, in->shape[1]))
        return LK_NO_VALUE;
    if (groups < 1 || in->shape[1] < 1 || in->shape[1] % groups)
        return lk__graph_fail(graph, LK_E_INPUT,
                              "group norm: %lld channels do not fall into %d groups",
                              (long long)in->shape[1], groups);
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = gamma, value.in[2] = beta;
    value.as.norm.groups = groups;
    value.as.norm.epsilon = epsilon;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_layer_norm(
    lk_graph *graph, lk_value x, lk_value gamma, lk_value beta, float epsilon)
{
    const enum lk__op op = LK__LAYER_NORM;
    const struct lk__value *in = operand(graph, op, "x", x, 3);
    if (!in || !expect_vector(graph, op, "gamma", gamma, in->shape[2]) ||
        !expect_vector(graph, op, "beta", beta, in->shape[2]))
        return LK_NO_VALUE;
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = gamma, value.in[2] = beta;
    value.as.norm.epsilon = epsilon;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_attention(
    lk_graph *graph, lk_value q, lk_value k, lk_value v, int heads, int head_size, int causal)
{
    const enum lk__op op = LK__ATTENTION;
    const struct lk__value *query = operand(graph, op, "q", q, 3);
    const struct lk__value *key = operand(graph, op, "k", k, 3);
    const struct lk__value *content = operand(graph, op, "v", v, 3);
    if (!query || !key || !content)
        return LK_NO_VALUE;
    if (heads < 1 || head_size < 1)
        return lk__graph_fail(graph, LK_E_INPUT, "attention: %d heads of %d", heads, head_size);
    const int64_t width = (int64_t)heads * head_size;
    if (!expect(graph, op, "q's width", query->shape[2], width) ||
        !expect(graph, op, "k's width", key->shape[2], width) ||
        !expect(graph, op, "v's width", content->shape[2], width) ||
        !expect(graph, op, "v's length", content->shape[1], key->shape[1]))
        return LK_NO_VALUE;
    struct lk__value value = like(op, query);
    value.in[0] = q, value.in[1] = k, value.in[2] = v;
    value.shape[2] = width;
    value.as.attention.heads = heads;
    value.as.attention.size = head_size;
    value.as.attention.causal = causal;
    return lk__graph_append(graph, &value);
}

/* An operator of one operand, whose result has its shape. */
static struct lk__value unary(lk_graph *graph, enum lk__op op, lk_value x)
{
    const struct lk__value *in = operand(graph, op, "x", x, -1);
    struct lk__value value = in ? like(op, in) : (struct lk__value){.op = op};
    value.in[0] = x;
    return value;
}

lk_value lk_graph_activation(lk_graph *graph, lk_value x, enum lk_activation activation)
{
    static const enum lk__op ops[] = {[LK_SILU] = LK__SILU,
                                      [LK_GELU] = LK__GELU,
                                      [LK_QUICK_GELU] = LK__QUICK_GELU,
                                      [LK_TANH] = LK__TANH};
    struct lk__value value = unary(graph, ops[activation], x);
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_scale(lk_graph *graph, lk_value x, float factor)
{
    struct lk__value value = unary(graph, LK__SCALE, x);
    value.as.factor = factor;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_clip(lk_graph *graph, lk_value x, float low, float high)
{
    struct lk__value value = unary(graph, LK__CLIP, x);
    value.as.clip.low = low;
    value.as.clip.high = high;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_geglu(lk_graph *graph, lk_value x)
{
    struct lk__value value = unary(graph, LK__GEGLU, x);
    if (graph->error.code)
        return LK_NO_VALUE;
    int64_t *width = &value.shape[value.rank ? value.rank - 1 : 0];
    if (value.rank < 1 || *width < 2 || *width % 2)
        return lk__graph_fail(graph, LK_E_INPUT, "geglu: x's last dimension is not even");
    *width /= 2;
    return lk__graph_append(graph, &value);
}

/* Numpy's broadcasting: dimensions are matched from the last, 1 stretches. */
static lk_value broadcast(lk_graph *graph, enum lk__op op, lk_value a, lk_value b)
{
    const struct lk__value *left = operand(graph, op, "a", a, -1);
    const struct lk__value *right = operand(graph, op, "b", b, -1);
    if (!left || !right)
        return LK_NO_VALUE;
    const struct lk__value *big = left->rank >= right->rank ? left : right;
    const struct lk__value *small = big == left ? right : left;
    struct lk__value value = like(op, big);
    value.in[0] = a, value.in[1] = b;
    for (int i = 1; i <= small->rank; i++) {
        int64_t *out = &value.shape[big->rank - i];
        int64_t other = small->shape[small->rank - i];
        if (*out == 1 || (*out == LK_DYNAMIC && other > 1))
            *out = other;
        else if (other != 1 && !expect(graph, op, "b's dimension", other, *out))
            return LK_NO_VALUE;
    }
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_add(lk_graph *graph, lk_value a, lk_value b)
{
    return broadcast(graph, LK__ADD, a, b);
}

lk_value lk_graph_mul(lk_graph *graph, lk_value a, lk_value b)
{
    return broadcast(graph, LK__MUL, a, b);
}

/* axis counted from the front; negative ones from the back. */
static bool take_axis(lk_graph *graph, enum lk__op op, int rank, int *axis)
{
    if (*axis >= -rank && *axis < rank) {
        *axis += *axis < 0 ? rank : 0;
        return true;
    }
    lk__graph_fail(graph, LK_E_INPUT, "%s: axis %d of rank %d", op_names[op], *axis, rank);
    return false;
}

lk_value lk_graph_concat(lk_graph *graph, lk_value a, lk_value b, int axis)
{
    const enum lk__op op = LK__CONCAT;
    const struct lk__value *left = operand(graph, op, "a", a, -1);
    const struct lk__value *right = left ? operand(graph, op, "b", b, left->rank) : NULL;
    if (!right || !take_axis(graph, op, left->rank, &axis))
        return LK_NO_VALUE;
    struct lk__value value = like(op, left);
    value.in[0] = a, value.in[1] = b;
    value.as.range.axis = axis;
    for (int i = 0; i < left->rank; i++) {
        const int64_t x = left->shape[i], y = right->shape[i];
        if (i == axis)
            value.shape[i] = x == LK_DYNAMIC || y == LK_DYNAMIC ? LK_DYNAMIC : x + y;
        else if (!expect(graph, op, "b's dimension", y, x))
            return LK_NO_VALUE;
        else if (x == LK_DYNAMIC)
            value.shape[i] = y;
    }
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_slice(lk_graph *graph, lk_value x, int axis, int64_t from, int64_t to)
{
    struct lk__value value = unary(graph, LK__SLICE, x);
    if (graph->error.code || !take_axis(graph, LK__SLICE, value.rank, &axis))
        return LK_NO_VALUE;
    const int64_t size = value.shape[axis];
    if (from < 0 || to <= from || (size != LK_DYNAMIC && to > size))
        return lk__graph_fail(graph, LK_E_INPUT, "slice: %lld to %lld of %lld", (long long)from,
                              (long long)to, (long long)size);
    value.shape[axis] = to - from;
    value.as.range.axis = axis;
    value.as.range.from = from;
    value.as.range.to = to;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_upsample2(lk_graph *graph, lk_value x)
{
    const struct lk__value *in = operand(graph, LK__UPSAMPLE2, "x", x, 4);
    if (!in)
        return LK_NO_VALUE;
    struct lk__value value = like(LK__UPSAMPLE2, in);
    value.in[0] = x;
    for (int i = 2; i < 4; i++)
        value.shape[i] *= value.shape[i] == LK_DYNAMIC ? 1 : 2;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_upsample2_like(lk_graph *graph, lk_value x, lk_value like_value)
{
    const struct lk__value *in = operand(graph, LK__UPSAMPLE2, "x", x, 4);
    const struct lk__value *image = operand(graph, LK__UPSAMPLE2, "like", like_value, 4);
    if (!in || !image)
        return LK_NO_VALUE;
    struct lk__value value = like(LK__UPSAMPLE2, in);
    value.in[0] = x, value.in[1] = like_value;
    for (int i = 2; i < 4; i++) {
        const int64_t size = image->shape[i], half = in->shape[i];
        if (size != LK_DYNAMIC && half != LK_DYNAMIC &&
            !expect(graph, LK__UPSAMPLE2, "half the size of like", half, (size + 1) / 2))
            return LK_NO_VALUE;
        value.shape[i] = size;
    }
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_tokens_of_image(lk_graph *graph, lk_value x)
{
    const struct lk__value *in = operand(graph, LK__TOKENS_OF_IMAGE, "x", x, 4);
    if (!in)
        return LK_NO_VALUE;
    struct lk__value value = like(LK__TOKENS_OF_IMAGE, in);
    value.in[0] = x;
    value.rank = 3;
    const bool known = in->shape[2] != LK_DYNAMIC && in->shape[3] != LK_DYNAMIC;
    value.shape[1] = known ? in->shape[2] * in->shape[3] : LK_DYNAMIC;
    value.shape[2] = in->shape[1];
    value.shape[3] = 0;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_image_of_tokens(lk_graph *graph, lk_value tokens, lk_value like_value)
{
    const enum lk__op op = LK__IMAGE_OF_TOKENS;
    const struct lk__value *in = operand(graph, op, "tokens", tokens, 3);
    const struct lk__value *image = operand(graph, op, "like", like_value, 4);
    if (!in || !image)
        return LK_NO_VALUE;
    const bool known = image->shape[2] != LK_DYNAMIC && image->shape[3] != LK_DYNAMIC;
    if (known &&
        !expect(graph, op, "tokens' length", in->shape[1], image->shape[2] * image->shape[3]))
        return LK_NO_VALUE;
    struct lk__value value = like(op, image);
    value.in[0] = tokens, value.in[1] = like_value;
    value.shape[0] = in->shape[0];
    value.shape[1] = in->shape[2];
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_as_pixels(lk_graph *graph, lk_value x)
{
    const struct lk__value *in = operand(graph, LK__AS_PIXELS, "x", x, 2);
    if (!in)
        return LK_NO_VALUE;
    struct lk__value value = like(LK__AS_PIXELS, in);
    value.in[0] = x;
    value.rank = 4;
    value.shape[2] = value.shape[3] = 1;
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_gather(lk_graph *graph, lk_value table, lk_value ids)
{
    const enum lk__op op = LK__GATHER;
    const struct lk__value *rows = operand(graph, op, "table", table, 2);
    const struct lk__value *in = operand(graph, op, "ids", ids, 2);
    if (!rows || !in)
        return LK_NO_VALUE;
    if (in->dtype == LK_F32)
        return lk__graph_fail(graph, LK_E_INPUT, "gather: ids are f32, not integers");
    struct lk__value value = like(op, in);
    value.in[0] = table, value.in[1] = ids;
    value.dtype = LK_F32;
    value.rank = 3;
    value.shape[2] = rows->shape[1];
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_match_tokens(
    lk_graph *graph, lk_value x, int64_t height, int64_t width, int64_t merged)
{
    const enum lk__op op = LK__MATCH_TOKENS;
    const struct lk__value *in = operand(graph, op, "x", x, 3);
    if (!in || !expect(graph, op, "x's tokens", in->shape[1], height * width))
        return LK_NO_VALUE;
    const int64_t kept = (height / 2) * (width / 2);
    if (merged < 1 || kept < 1 || merged > height * width - kept)
        return lk__graph_fail(graph, LK_E_INPUT, "match tokens: %lld of %lldx%lld",
                              (long long)merged, (long long)height, (long long)width);
    struct lk__value value = like(op, in);
    value.in[0] = x;
    value.dtype = LK_I64;
    value.rank = 2;
    value.shape[1] = height * width;
    value.shape[2] = 0;
    value.as.match.height = height;
    value.as.match.width = width;
    value.as.match.merged = merged;
    return lk__graph_append(graph, &value);
}

/* x [N,*,C] and to [N,T] i64 → [N,tokens,C]; tokens 0: T */
static lk_value regroup(lk_graph *graph, enum lk__op op, lk_value x, lk_value to, int64_t tokens)
{
    const struct lk__value *in = operand(graph, op, "x", x, 3);
    const struct lk__value *rows = operand(graph, op, "to", to, 2);
    if (!in || !rows)
        return LK_NO_VALUE;
    if (rows->dtype != LK_I64)
        return lk__graph_fail(graph, LK_E_INPUT, "%s: rows are not i64", op_names[op]);
    struct lk__value value = like(op, in);
    value.in[0] = x, value.in[1] = to;
    value.shape[1] = tokens ? tokens : rows->shape[1];
    return lk__graph_append(graph, &value);
}

lk_value lk_graph_merge_tokens(lk_graph *graph, lk_value x, lk_value to, int64_t rows)
{
    return regroup(graph, LK__MERGE_TOKENS, x, to, rows);
}

lk_value lk_graph_spread_tokens(lk_graph *graph, lk_value x, lk_value to)
{
    return regroup(graph, LK__SPREAD_TOKENS, x, to, 0);
}

lk_value lk_graph_time_embedding(lk_graph *graph, lk_value timestep, int size)
{
    const enum lk__op op = LK__TIME_EMBEDDING;
    const struct lk__value *in = operand(graph, op, "timestep", timestep, 1);
    if (!in)
        return LK_NO_VALUE;
    if (in->dtype != LK_F32 || size < 2 || size % 2 || size > 1 << 16)
        return lk__graph_fail(graph, LK_E_INPUT, "time embedding: size %d, or not f32", size);
    struct lk__value value = like(op, in);
    value.in[0] = timestep;
    value.rank = 2;
    value.shape[1] = size;
    return lk__graph_append(graph, &value);
}
