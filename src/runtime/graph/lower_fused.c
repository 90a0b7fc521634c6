// SPDX-License-Identifier: Apache-2.0
/* The third lowering, for GPUs: operators that ONNX Runtime adds to the standard and of which its
 * CUDA provider has kernels, on pictures as NHWC; the rest goes the plain way.
 *
 *   group_norm x, silu of it              GroupNorm
 *   the same of conv x + shift            SkipGroupNorm
 *   conv                                  NhwcConv, whose weights are turned while they load
 *   attention                             MultiHeadAttention, which stores no scores
 *   geglu(linear x), linear x + rows      Gemm, then BiasSplitGelu, BiasAdd
 *
 * What flows is f32 or f16: these operators know no bf16. What ONNX Runtime's own optimiser makes
 * of plain nodes on that provider (SkipLayerNormalization, QuickGelu of x·σ(x)) is left to it. The
 * limits below are those of the kernels, which refuse the rest only when they run. */
#include "base/size.h"
#include "runtime/graph/step.h"
#include "runtime/graph/walk.h"

/* The kernel takes two channels of a group at a time. */
static bool has_norm(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    return lk__walk_is_norm(w, i) && v->op == LK__GROUP_NORM &&
           v->shape[1] / v->as.norm.groups % 2 == 0;
}

/* Gates of these widths are compiled in: SD 1.x, 2.x and XL have no others. */
static bool has_gate(int64_t width)
{
    static const int64_t widths[] = {1280, 2560, 5120};
    bool has = false;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(widths); i++)
        has |= width == widths[i];
    return has;
}

static bool has_conv(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    const int *pad = v->as.conv.pad;
    return lk__walk_is_product(w, i) && v->op == LK__CONV && pad[0] == pad[2] && pad[1] == pad[3];
}

/* A linear layer of tokens whose bias can be left to the next node. */
static bool has_bias(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    return lk__walk_is_product(w, i) && v->op == LK__LINEAR && v->rank == 3 &&
           v->in[2] != LK_NO_VALUE;
}

static bool takes(const struct lk__walk *w, lk_value part, lk_value other)
{
    return has_bias(w, part) &&
           lk__walk_same_shape(lk__walk_value(w, part), lk__walk_value(w, other));
}

/* Which operand of the sum x is a shift of the other, a picture; or −1. */
static int shift_of(const struct lk__walk *w, lk_value x)
{
    const struct lk__value *v = lk__walk_value(w, x);
    for (int j = 0; j < 2 && v->op == LK__ADD; j++) {
        if (lk__walk_value(w, v->in[j])->op == LK__AS_PIXELS &&
            lk__walk_same_shape(v, lk__walk_value(w, v->in[1 - j])))
            return j;
    }
    return -1;
}

static void fold_shift(struct lk__walk *w, lk_value x)
{
    const int j = shift_of(w, x);
    if (j < 0 || !lk__walk_can_fold(w, x) || !lk__walk_is_shift(w, lk__walk_value(w, x)->in[j]))
        return;
    w->folded[x] = true;
    w->folded[lk__walk_value(w, x)->in[j]] = true;
}

static void fold(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    if (v->op == LK__ADD)
        lk__walk_fold_sum(w, i, takes);
    else if (has_norm(w, i))
        fold_shift(w, v->in[0]);
    else if ((v->op == LK__SILU && has_norm(w, v->in[0]) && lk__walk_can_fold(w, v->in[0])) ||
             (v->op == LK__GEGLU && has_bias(w, v->in[0]) && lk__walk_can_fold(w, v->in[0]) &&
              has_gate(v->shape[2])))
        lk__walk_fold(w, v->in[0], i);
}

/* The value i as what plain nodes are written for, its parameters lowered. */
static struct step step_of(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    for (int j = 1; j < LK__NODE_MAX_INPUTS; j++) {
        if (v->in[j] != LK_NO_VALUE)
            lk__walk_plain(w, v->in[j]);
    }
    return (struct step){w->onnx, w->graph, v, w->plain};
}

/* Gamma and beta are f32 whatever flows. */
static const char *parameter(struct step *s, int j)
{
    const struct lk__value *v = operand(s, j);
    const char *name = s->names[s->value->in[j]];
    const enum lk_dtype is = v->op == LK__WEIGHT ? v->as.tensor.dtype : s->onnx->flow;
    return is == LK_F32 ? name : cast(s, name, LK_F32);
}

static void put_norm(struct lk__walk *w, lk_value i, lk_value norm)
{
    struct step s = step_of(w, norm);
    const struct lk__value *v = s.value, *sum = operand(&s, 0);
    const int shift = w->folded[v->in[0]] ? shift_of(w, v->in[0]) : -1;
    const bool skips = shift >= 0;
    const char *in[] = {
        lk__walk_ours(w, skips ? sum->in[1 - shift] : v->in[0]),
        parameter(&s, 1),
        parameter(&s, 2),
        skips ? lk__walk_ours(w, lk__walk_value(w, sum->in[shift])->in[0]) : NULL,
    };
    const struct lk__attribute attributes[] = {
        ATTR_FLOAT("epsilon", v->as.norm.epsilon),
        ATTR_INT("groups", v->as.norm.groups),
        ATTR_INT("activation", i != norm),
        ATTR_INT("channels_last", 1),
    };
    w->ours[i] = node(&s, skips ? LK__CONTRIB ":SkipGroupNorm" : LK__CONTRIB ":GroupNorm",
                      LK_ARRAY_LENGTH(in), in, LK_ARRAY_LENGTH(attributes), attributes);
}

/* w [O,I,k,k] → [O,k,k,I] */
static void put_conv(struct lk__walk *w, lk_value i)
{
    struct step s = step_of(w, i);
    const char *weight = transpose(&s, lk__operand_name(&s, 1), 4, INTS(0, 2, 3, 1));
    w->ours[i] =
        lk__conv_node(&s, LK__CONTRIB ":NhwcConv", lk__walk_ours(w, s.value->in[0]), weight);
}

static void put_attention(struct lk__walk *w, lk_value i)
{
    struct step s = step_of(w, i);
    const lk_value *from = s.value->in;
    const char *in[] = {lk__walk_ours(w, from[0]), lk__walk_ours(w, from[1]),
                        lk__walk_ours(w, from[2])};
    const struct lk__attribute attributes[] = {
        ATTR_INT("num_heads", s.value->as.attention.heads),
        ATTR_INT("unidirectional", s.value->as.attention.causal != 0),
    };
    w->ours[i] = node(&s, LK__CONTRIB ":MultiHeadAttention", LK_ARRAY_LENGTH(in), in,
                      LK_ARRAY_LENGTH(attributes), attributes);
}

/* A gate or a sum, of the linear layer `linear`. */
static void put_biased(struct lk__walk *w, lk_value i, lk_value linear)
{
    struct step s = step_of(w, linear);
    const struct lk__value *v = lk__walk_value(w, i);
    lk__walk_plain(w, s.value->in[0]);
    const char *in[] = {lk__linear_node(&s, NULL), lk__operand_name(&s, 2), NULL};
    if (v->op == LK__ADD)
        in[2] = lk__walk_ours(w, v->in[0] + v->in[1] - linear);
    w->ours[i] = node(&s, v->op == LK__ADD ? LK__CONTRIB ":BiasAdd" : LK__CONTRIB ":BiasSplitGelu",
                      LK_ARRAY_LENGTH(in), in, 0, NULL);
}

/* [N,H,W,C] → [N,H,2,W,2,C] → [N,2H,2W,C], cut to what it is to be like: the provider has no Resize
 * of this opset. */
static void put_upsample(struct lk__walk *w, lk_value i)
{
    struct step s = step_of(w, i);
    const lk_value like = s.value->in[1];
    const char *x = lk__walk_ours(w, s.value->in[0]);
    const char *doubled =
        node2(&s, "Mul", node1(&s, "Shape", x), integers(&s, 4, INTS(1, 2, 2, 1)));
    x = node2(&s, "Unsqueeze", x, integers(&s, 2, INTS(2, 4)));
    x = node2(&s, "Expand", x, integers(&s, 6, INTS(1, 1, 2, 1, 2, 1)));
    x = node2(&s, "Reshape", x, doubled);
    if (like != LK_NO_VALUE) {
        const char *in[] = {x, integers(&s, 2, INTS(0, 0)),
                            shape_of(&s, lk__walk_ours(w, like), 1, 3),
                            integers(&s, 2, INTS(1, 2))};
        x = node(&s, "Slice", LK_ARRAY_LENGTH(in), in, 0, NULL);
    }
    w->ours[i] = x;
}

static bool put(struct lk__walk *w, lk_value i)
{
    const lk_value part = w->part[i];
    const enum lk__op op = lk__walk_value(w, i)->op;
    if (has_norm(w, part != LK_NO_VALUE ? part : i))
        put_norm(w, i, part != LK_NO_VALUE ? part : i);
    else if (part != LK_NO_VALUE)
        put_biased(w, i, part);
    else if (has_conv(w, i))
        put_conv(w, i);
    else if (op == LK__ATTENTION)
        put_attention(w, i);
    else if (op == LK__UPSAMPLE2)
        put_upsample(w, i);
    else
        return false;
    return true;
}

void lk__lower_fused(struct lk__onnx *onnx,
                     const lk_graph *graph,
                     const struct lk__manner *manner,
                     const char **names)
{
    static const struct lk__walk_rules rules = {fold, put};
    (void)manner;
    lk__walk(onnx, graph, &rules, NULL, names);
}
