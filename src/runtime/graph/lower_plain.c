// SPDX-License-Identifier: Apache-2.0
/* The plain lowering: abstract operators as nodes of the ONNX standard (opset 20). What flows is
 * f32; what the fused lowering leaves to this one may be f16 (struct lk__onnx).
 *
 * Shapes may be free, so reshapes use 0 (keep) and −1 (the rest); where that does not suffice the
 * shape is computed by Shape and Concat, which cost nothing beside the network.
 *
 * Choices that matter, measured on ONNX Runtime's CPU provider (docs/runtime.md):
 *   linear      Gemm with transB on rows: MatMul is as fast, but needs a transposed copy of every
 *               weight while it loads
 *   group norm  InstanceNormalization over [N, groups, rest], then gamma and beta: the standard's
 *               own GroupNormalization has no CPU kernel, and unrolled it takes twice the time
 *   weights     Cast where they are used; ONNX Runtime folds that at load */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/graph/step.h"

enum { STREAMED_LEAST = 64 << 10 }; /* bytes */

/* The weight, as if it came of the first operand: Reshape to its own shape + 0·(how many rows x
 * has). ONNX Runtime can then neither upcast nor repack it while it loads, and computes it only
 * when x is there; both shapes share the file's pages. */
static const char *streamed(struct step *s, const char *weight, const struct lk__value *v)
{
    const char *rows = shape_of(s, s->names[s->value->in[0]], 0, 1);
    const char *nothing = node2(s, "Mul", rows, integers(s, 1, INTS(0)));
    return node2(s, "Reshape", weight, node2(s, "Add", nothing, integers(s, v->rank, v->shape)));
}

/* Small weights are not worth it. */
static bool is_streamed(const struct step *s, const struct lk__value *v)
{
    const struct lk__value *first = operand(s, 0);
    return s->graph->thrift.streams && v->as.tensor.size >= STREAMED_LEAST &&
           first->op != LK__WEIGHT && first->shape[0] == LK_DYNAMIC;
}

const char *lk__operand_name(struct step *s, int i)
{
    if (s->value->in[i] == LK_NO_VALUE)
        return NULL;
    const struct lk__value *v = operand(s, i);
    const char *name = s->names[s->value->in[i]];
    if (v->op != LK__WEIGHT)
        return name;
    if (is_streamed(s, v))
        name = streamed(s, name, v);
    return flowing(s, name, v->as.tensor.dtype);
}

static const char *in(struct step *s, int i)
{
    return lk__operand_name(s, i);
}

static const char *lower_input(struct step *s)
{
    const struct lk__value *v = s->value;
    return v->dtype == LK_F32 ? flowing(s, v->at, LK_F32) : v->at;
}

static const char *lower_weight(struct step *s)
{
    const struct lk__value *v = s->value;
    const char *name = lk__onnx_name(s->onnx, "weight", v->at);
    lk__onnx_weight(s->onnx, &(struct lk__onnx_weight){name, &v->as.tensor, v->rank, v->shape});
    return name;
}

static const char *lower_constant(struct step *s)
{
    const struct lk__value *v = s->value;
    const char *name = lk__onnx_name(s->onnx, v->at, "constant");
    lk__onnx_numbers(s->onnx, name, v->rank, v->shape, v->as.constant);
    return name;
}

const char *lk__conv_node(struct step *s, const char *op, const char *x, const char *w)
{
    const int64_t k = s->value->as.conv.kernel, stride = s->value->as.conv.stride;
    const int *pad = s->value->as.conv.pad;
    const struct lk__attribute attributes[] = {
        ATTR_INTS("kernel_shape", 2, INTS(k, k)),
        ATTR_INTS("strides", 2, INTS(stride, stride)),
        ATTR_INTS("pads", 4, INTS(pad[0], pad[1], pad[2], pad[3])),
    };
    return node(s, op, 3, (const char *const[]){x, w, in(s, 2)}, 3, attributes);
}

static const char *lower_conv(struct step *s)
{
    return lk__conv_node(s, "Conv", in(s, 0), in(s, 1));
}

/* The shape of a linear's result: known, or the leading dimensions of x with the new last one. */
static const char *linear_shape(struct step *s)
{
    const struct lk__value *v = s->value;
    int64_t shape[LK_TENSOR_MAX_RANK];
    int free_dimensions = 0;
    for (int i = 0; i < v->rank; i++) {
        shape[i] = v->shape[i];
        free_dimensions += shape[i] == LK_DYNAMIC;
    }
    if (free_dimensions <= 1) /* LK_DYNAMIC is −1, which Reshape works out */
        return integers(s, v->rank, shape);
    return concat_shape(s, shape_of(s, in(s, 0), 0, v->rank - 1),
                        integers(s, 1, &shape[v->rank - 1]));
}

const char *lk__linear_node(struct step *s, const char *bias)
{
    const struct lk__value *v = s->value;
    const int64_t inner = operand(s, 1)->shape[1];
    const char *x = v->rank == 2 ? in(s, 0) : reshape(s, in(s, 0), 2, INTS(-1, inner));
    const char *y = node(s, "Gemm", 3, (const char *const[]){x, in(s, 1), bias}, 1,
                         &(struct lk__attribute)ATTR_INT("transB", 1));
    return v->rank == 2 ? y : node2(s, "Reshape", y, linear_shape(s));
}

static const char *lower_linear(struct step *s)
{
    return lk__linear_node(s, in(s, 2));
}

/* y = γ·(x − μ)/√(σ² + ε) + β, mean and variance over each group of channels and all pixels */
static const char *lower_group_norm(struct step *s)
{
    const struct lk__value *v = s->value;
    const int64_t groups = v->as.norm.groups;
    float *ones = malloc(2 * (size_t)groups * sizeof *ones);
    if (!ones) {
        s->onnx->failed = true;
        return "";
    }
    for (int64_t i = 0; i < groups; i++) {
        ones[i] = 1;
        ones[groups + i] = 0;
    }
    const char *one = lk__onnx_name(s->onnx, v->at, "ones");
    const char *zero = lk__onnx_name(s->onnx, v->at, "zeros");
    lk__onnx_numbers(s->onnx, one, 1, &groups, ones);
    lk__onnx_numbers(s->onnx, zero, 1, &groups, ones + groups);
    free(ones);
    const char *x = reshape(s, in(s, 0), 3, INTS(0, groups, -1));
    x = node(s, "InstanceNormalization", 3, (const char *const[]){x, one, zero}, 1,
             &(struct lk__attribute)ATTR_FLOAT("epsilon", v->as.norm.epsilon));
    x = node2(s, "Reshape", x, shape_of(s, in(s, 0), 0, 4));
    x = node2(s, "Mul", x, reshape(s, in(s, 1), 3, INTS(-1, 1, 1)));
    return node2(s, "Add", x, reshape(s, in(s, 2), 3, INTS(-1, 1, 1)));
}

static const char *lower_layer_norm(struct step *s)
{
    const struct lk__attribute attributes[] = {
        ATTR_INT("axis", -1),
        ATTR_FLOAT("epsilon", s->value->as.norm.epsilon),
    };
    return node(s, "LayerNormalization", 3, (const char *const[]){in(s, 0), in(s, 1), in(s, 2)}, 2,
                attributes);
}

/* −∞ where s > t, else 0: [T, S], of the lengths that q and k have at run time */
static const char *causal_mask(struct step *s)
{
    const char *lengths = concat_shape(s, shape_of(s, in(s, 0), 1, 2), shape_of(s, in(s, 1), 1, 2));
    const char *full = node2(s, "Expand", scalar(s, -INFINITY), lengths);
    const int64_t above = 1;
    const char *diagonal = lk__onnx_name(s->onnx, s->value->at, "diagonal");
    lk__onnx_initializer(s->onnx, diagonal, LK_I64, 0, NULL, &above);
    return node(s, "Trilu", 2, (const char *const[]){full, diagonal}, 1,
                &(struct lk__attribute)ATTR_INT("upper", 1));
}

/* q [N,heads,T,d], k [N,heads,d,S], w [N,heads,S,d] → [N,heads,T,d]; mask [T,S] or NULL */
static const char *attend(
    struct step *s, const char *q, const char *k, const char *w, const char *mask)
{
    const char *scores = node2(s, "MatMul", q, k);
    if (mask)
        scores = node2(s, "Add", scores, mask);
    scores = node(s, "Softmax", 1, &scores, 1, &(struct lk__attribute)ATTR_INT("axis", -1));
    return node2(s, "MatMul", scores, w);
}

static const char *slice_rows(
    struct step *s, const char *x, const char *from, const char *to, int64_t axis)
{
    return node(s, "Slice", 4, (const char *const[]){x, from, to, integers(s, 1, &axis)}, 0, NULL);
}

/* The same in parts of ⌈T/parts⌉ queries each; the last ones may be shorter, or empty. A part
 * begins behind those that are done, so no two are computed at once. */
static const char *attend_in_parts(
    struct step *s, const char *q, const char *k, const char *w, const char *mask)
{
    const int64_t parts = s->graph->thrift.parts;
    const char **done = calloc((size_t)parts, sizeof *done);
    if (!done) {
        s->onnx->failed = true;
        return "";
    }
    const char *rows = shape_of(s, q, 2, 3);
    const char *step = node2(s, "Div", node2(s, "Add", rows, integers(s, 1, INTS(parts - 1))),
                             integers(s, 1, INTS(parts)));
    const char *from = integers(s, 1, INTS(0));
    for (int64_t i = 0; i < parts; i++) {
        const char *to = node2(s, "Add", from, step);
        const char *of_mask = mask ? slice_rows(s, mask, from, to, 0) : NULL;
        done[i] = attend(s, slice_rows(s, q, from, to, 2), k, w, of_mask);
        from = node2(s, "Add", from, shape_of(s, done[i], 2, 3));
    }
    const char *y =
        node(s, "Concat", (size_t)parts, done, 1, &(struct lk__attribute)ATTR_INT("axis", 2));
    free(done);
    return y;
}

static const char *lower_attention(struct step *s)
{
    const struct lk__value *v = s->value;
    const int64_t heads = v->as.attention.heads, size = v->as.attention.size;
    const int64_t *split = INTS(0, 0, heads, size);
    const char *q = transpose(s, reshape(s, in(s, 0), 4, split), 4, INTS(0, 2, 1, 3));
    const char *k = transpose(s, reshape(s, in(s, 1), 4, split), 4, INTS(0, 2, 3, 1));
    const char *w = transpose(s, reshape(s, in(s, 2), 4, split), 4, INTS(0, 2, 1, 3));
    q = node2(s, "Mul", q, scalar(s, (float)(1 / sqrt((double)size))));
    const char *mask = v->as.attention.causal ? causal_mask(s) : NULL;
    const char *y =
        s->graph->thrift.parts > 1 ? attend_in_parts(s, q, k, w, mask) : attend(s, q, k, w, mask);
    return reshape(s, transpose(s, y, 4, INTS(0, 2, 1, 3)), 3, INTS(0, 0, heads * size));
}

static const char *lower_silu(struct step *s)
{
    return node2(s, "Mul", in(s, 0), node1(s, "Sigmoid", in(s, 0)));
}

static const char *lower_gelu(struct step *s)
{
    return node1(s, "Gelu", in(s, 0));
}

static const char *lower_tanh(struct step *s)
{
    return node1(s, "Tanh", in(s, 0));
}

static const char *lower_quick_gelu(struct step *s)
{
    const char *gate = node2(s, "Mul", in(s, 0), scalar(s, 1.702f));
    return node2(s, "Mul", in(s, 0), node1(s, "Sigmoid", gate));
}

static const char *lower_geglu(struct step *s)
{
    const char *x = in(s, 0);
    const char *halves[] = {lk__onnx_name(s->onnx, s->value->at, "value"),
                            lk__onnx_name(s->onnx, s->value->at, "gate")};
    const struct lk__attribute attributes[] = {ATTR_INT("axis", -1), ATTR_INT("num_outputs", 2)};
    lk__onnx_node(s->onnx, "Split", halves[0], 1, &x, 2, halves, 2, attributes);
    return node2(s, "Mul", halves[0], node1(s, "Gelu", halves[1]));
}

static const char *lower_mix_tokens(struct step *s)
{
    return node2(s, "MatMul", in(s, 1), in(s, 0));
}

static const char *lower_add(struct step *s)
{
    return node2(s, "Add", in(s, 0), in(s, 1));
}

static const char *lower_mul(struct step *s)
{
    return node2(s, "Mul", in(s, 0), in(s, 1));
}

static const char *lower_scale(struct step *s)
{
    return node2(s, "Mul", in(s, 0), scalar(s, s->value->as.factor));
}

static const char *lower_concat(struct step *s)
{
    return node(s, "Concat", 2, (const char *const[]){in(s, 0), in(s, 1)}, 1,
                &(struct lk__attribute)ATTR_INT("axis", s->value->as.range.axis));
}

static const char *lower_slice(struct step *s)
{
    const int64_t axis = s->value->as.range.axis;
    return node(s, "Slice", 4,
                (const char *const[]){in(s, 0), integers(s, 1, &s->value->as.range.from),
                                      integers(s, 1, &s->value->as.range.to),
                                      integers(s, 1, &axis)},
                0, NULL);
}

static const char *lower_clip(struct step *s)
{
    return node(s, "Clip", 3,
                (const char *const[]){in(s, 0), scalar(s, s->value->as.clip.low),
                                      scalar(s, s->value->as.clip.high)},
                0, NULL);
}

static const char *lower_upsample2(struct step *s)
{
    const struct lk__attribute attributes[] = {
        ATTR_STRING("mode", "nearest"),
        ATTR_STRING("coordinate_transformation_mode", "asymmetric"),
        ATTR_STRING("nearest_mode", "floor"),
    };
    if (s->value->in[1] != LK_NO_VALUE) {
        /* ⌊i·H/H′⌋ with H = ⌈H′/2⌉ is ⌊i/2⌋: the doubled image without its last row or column. */
        const char *x = in(s, 0);
        const char *sizes = concat_shape(s, shape_of(s, x, 0, 2), shape_of(s, in(s, 1), 2, 4));
        return node(s, "Resize", 4, (const char *const[]){x, NULL, NULL, sizes}, 3, attributes);
    }
    const int64_t four = 4;
    const char *scales = lk__onnx_name(s->onnx, s->value->at, "scales");
    lk__onnx_initializer(s->onnx, scales, LK_F32, 1, &four, (const float[]){1, 1, 2, 2});
    return node(s, "Resize", 3, (const char *const[]){in(s, 0), NULL, scales}, 3, attributes);
}

static const char *lower_tokens_of_image(struct step *s)
{
    return transpose(s, reshape(s, in(s, 0), 3, INTS(0, 0, -1)), 3, INTS(0, 2, 1));
}

static const char *lower_image_of_tokens(struct step *s)
{
    const char *x = transpose(s, in(s, 0), 3, INTS(0, 2, 1));
    const int64_t *shape = s->value->shape;
    if (shape[2] != LK_DYNAMIC && shape[3] != LK_DYNAMIC)
        return reshape(s, x, 4, INTS(0, 0, shape[2], shape[3]));
    return node2(s, "Reshape", x,
                 concat_shape(s, shape_of(s, x, 0, 2), shape_of(s, in(s, 1), 2, 4)));
}

static const char *lower_as_pixels(struct step *s)
{
    return reshape(s, in(s, 0), 4, INTS(0, 0, 1, 1));
}

/* Rows are picked before they are converted, so that a vocabulary is never held twice. */
static const char *lower_gather(struct step *s)
{
    const char *rows = node2(s, "Gather", s->names[s->value->in[0]], in(s, 1));
    const struct lk__value *table = operand(s, 0);
    return table->op == LK__WEIGHT ? flowing(s, rows, table->as.tensor.dtype) : rows;
}

/* cos(t·f) then sin(t·f), f_i = exp(−ln(10000)·i/half); diffusers' Timesteps with flip_sin_to_cos.
 * In f32: an f16 angle would be off by a quarter. */
static const char *lower_time_embedding(struct step *s)
{
    const int64_t half = s->value->shape[1] / 2;
    float *frequencies = malloc((size_t)half * sizeof *frequencies);
    if (!frequencies) {
        s->onnx->failed = true;
        return "";
    }
    for (int64_t i = 0; i < half; i++)
        frequencies[i] = expf(-(float)log(10000.0) * (float)i / (float)half);
    const char *row = lk__onnx_name(s->onnx, s->value->at, "frequencies");
    lk__onnx_initializer(s->onnx, row, LK_F32, 2, INTS(1, half), frequencies);
    free(frequencies);
    const struct lk__value *time = operand(s, 0);
    const char *t = time->op == LK__INPUT ? time->at : cast(s, in(s, 0), LK_F32);
    const char *angles = node2(s, "Mul", reshape(s, t, 2, INTS(0, 1)), row);
    const char *waves = node(
        s, "Concat", 2, (const char *const[]){node1(s, "Cos", angles), node1(s, "Sin", angles)}, 1,
        &(struct lk__attribute)ATTR_INT("axis", 1));
    return flowing(s, waves, LK_F32);
}

void lk__lower_plain(struct lk__onnx *onnx, const lk_graph *graph, size_t index, const char **names)
{
    static const char *(*const lower[LK__OP_COUNT])(struct step *) = {
        [LK__INPUT] = lower_input,
        [LK__WEIGHT] = lower_weight,
        [LK__CONSTANT] = lower_constant,
        [LK__CONV] = lower_conv,
        [LK__LINEAR] = lower_linear,
        [LK__GROUP_NORM] = lower_group_norm,
        [LK__LAYER_NORM] = lower_layer_norm,
        [LK__ATTENTION] = lower_attention,
        [LK__SILU] = lower_silu,
        [LK__GELU] = lower_gelu,
        [LK__QUICK_GELU] = lower_quick_gelu,
        [LK__TANH] = lower_tanh,
        [LK__GEGLU] = lower_geglu,
        [LK__MIX_TOKENS] = lower_mix_tokens,
        [LK__ADD] = lower_add,
        [LK__MUL] = lower_mul,
        [LK__SCALE] = lower_scale,
        [LK__CONCAT] = lower_concat,
        [LK__SLICE] = lower_slice,
        [LK__CLIP] = lower_clip,
        [LK__UPSAMPLE2] = lower_upsample2,
        [LK__TOKENS_OF_IMAGE] = lower_tokens_of_image,
        [LK__IMAGE_OF_TOKENS] = lower_image_of_tokens,
        [LK__AS_PIXELS] = lower_as_pixels,
        [LK__GATHER] = lower_gather,
        [LK__MATCH_TOKENS] = lk__lower_match_tokens,
        [LK__MERGE_TOKENS] = lk__lower_merge_tokens,
        [LK__SPREAD_TOKENS] = lk__lower_spread_tokens,
        [LK__TIME_EMBEDDING] = lower_time_embedding,
    };
    struct step step = {onnx, graph, &graph->values[index], names};
    names[index] = lower[graph->values[index].op](&step);
}
