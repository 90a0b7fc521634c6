// SPDX-License-Identifier: Apache-2.0
#include "runtime/graph/walk.h"

#include <stdlib.h>

static bool is_picture(const struct lk__walk *w, lk_value i)
{
    return lk__walk_value(w, i)->rank == 4;
}

const char *lk__walk_node(struct lk__walk *w,
                          const char *at,
                          const char *op,
                          size_t n,
                          const char *const *inputs,
                          size_t n_attributes,
                          const struct lk__attribute *attributes)
{
    const char *name = lk__onnx_name(w->onnx, at, op);
    lk__onnx_node(w->onnx, op, name, n, inputs, 1, &name, n_attributes, attributes);
    return name;
}

static const char *transposed(struct lk__walk *w,
                              const char *at,
                              const char *x,
                              const int64_t order[4])
{
    const struct lk__attribute perm = {
        .name = "perm", .type = LK__ATTR_INTS, .i = 4, .ints = order};
    return lk__walk_node(w, at, "Transpose", 1, &x, 1, &perm);
}

const char *lk__walk_plain(struct lk__walk *w, lk_value i)
{
    static const int64_t order[] = {0, 3, 1, 2};
    const struct lk__value *v = lk__walk_value(w, i);
    if (!w->plain[i] && w->ours[i])
        w->plain[i] = is_picture(w, i) ? transposed(w, v->at, w->ours[i], order) : w->ours[i];
    if (!w->plain[i])
        lk__lower_plain(w->onnx, w->graph, (size_t)i, w->plain); /* an input or a number */
    return w->plain[i];
}

const char *lk__walk_ours(struct lk__walk *w, lk_value i)
{
    static const int64_t order[] = {0, 2, 3, 1};
    if (!w->ours[i])
        w->ours[i] = is_picture(w, i)
                         ? transposed(w, lk__walk_value(w, i)->at, lk__walk_plain(w, i), order)
                         : lk__walk_plain(w, i);
    return w->ours[i];
}

/* ---- what is folded into what ---- */

/* A weight, a constant, or nothing. */
static bool is_number(const struct lk__walk *w, lk_value i)
{
    if (i == LK_NO_VALUE)
        return true;
    const enum lk__op op = lk__walk_value(w, i)->op;
    return op == LK__WEIGHT || op == LK__CONSTANT;
}

bool lk__walk_is_product(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    return (v->op == LK__CONV || v->op == LK__LINEAR) && is_number(w, v->in[1]) &&
           is_number(w, v->in[2]);
}

bool lk__walk_is_norm(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    return (v->op == LK__GROUP_NORM || v->op == LK__LAYER_NORM) && is_number(w, v->in[1]) &&
           is_number(w, v->in[2]);
}

bool lk__walk_same_shape(const struct lk__value *a, const struct lk__value *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i];
    return same;
}

bool lk__walk_can_fold(const struct lk__walk *w, lk_value i)
{
    return i != LK_NO_VALUE && w->uses[i] == 1 && !w->folded[i];
}

void lk__walk_fold(struct lk__walk *w, lk_value part, lk_value into)
{
    w->part[into] = part;
    w->folded[part] = true;
}

lk_value lk__walk_fold_sum(struct lk__walk *w,
                           lk_value i,
                           bool (*takes)(const struct lk__walk *, lk_value part, lk_value other))
{
    const lk_value *in = lk__walk_value(w, i)->in;
    const int late = in[1] > in[0];
    for (int tries = 0; tries < 2; tries++) {
        const lk_value part = in[late ^ tries], other = in[late ^ tries ^ 1];
        if (part != other && lk__walk_can_fold(w, part) && takes(w, part, other)) {
            lk__walk_fold(w, part, i);
            return part;
        }
    }
    return LK_NO_VALUE;
}

bool lk__walk_is_shift(const struct lk__walk *w, lk_value i)
{
    return lk__walk_value(w, i)->op == LK__AS_PIXELS && lk__walk_can_fold(w, i);
}

static void count_uses(struct lk__walk *w)
{
    for (size_t i = 0; i < w->graph->count; i++) {
        for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
            const lk_value in = lk__walk_value(w, (lk_value)i)->in[j];
            if (lk__walk_value(w, (lk_value)i)->op > LK__CONSTANT && in != LK_NO_VALUE)
                w->uses[in]++;
        }
    }
    for (size_t i = 0; i < w->graph->output_count; i++)
        w->uses[w->graph->outputs[i].value]++;
}

/* ---- operators of the standard, on NHWC ---- */

static const char *integers(struct lk__walk *w, const char *at, int64_t n, const int64_t *list)
{
    const char *name = lk__onnx_name(w->onnx, at, "integers");
    lk__onnx_initializer(w->onnx, name, LK_I64, 1, &n, list);
    return name;
}

static void put_tokens(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    const char *in[] = {lk__walk_ours(w, v->in[0]),
                        integers(w, v->at, 3, (const int64_t[]){0, -1, v->shape[2]})};
    w->ours[i] = lk__walk_node(w, v->at, "Reshape", 2, in, 0, NULL);
}

static void put_image(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    const struct lk__attribute end = {.name = "end", .type = LK__ATTR_INT, .i = 3};
    const struct lk__attribute axis = {.name = "axis", .type = LK__ATTR_INT, .i = 0};
    const char *like = lk__walk_ours(w, v->in[1]);
    const char *shape[] = {lk__walk_node(w, v->at, "Shape", 1, &like, 1, &end),
                           integers(w, v->at, 1, &v->shape[1])};
    const char *in[] = {lk__walk_ours(w, v->in[0]),
                        lk__walk_node(w, v->at, "Concat", 2, shape, 1, &axis)};
    w->ours[i] = lk__walk_node(w, v->at, "Reshape", 2, in, 0, NULL);
}

static void put_concat(struct lk__walk *w, lk_value i)
{
    static const int64_t axes[] = {0, 3, 1, 2};
    const struct lk__value *v = lk__walk_value(w, i);
    const struct lk__attribute axis = {
        .name = "axis", .type = LK__ATTR_INT, .i = axes[v->as.range.axis]};
    const char *in[] = {lk__walk_ours(w, v->in[0]), lk__walk_ours(w, v->in[1])};
    w->ours[i] = lk__walk_node(w, v->at, "Concat", 2, in, 1, &axis);
}

/* Number by number, so that the layout does not matter. */
static void put_elementwise(struct lk__walk *w, lk_value i)
{
    for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
        if (lk__walk_value(w, i)->in[j] != LK_NO_VALUE)
            lk__walk_ours(w, lk__walk_value(w, i)->in[j]);
    }
    lk__lower_plain(w->onnx, w->graph, (size_t)i, w->ours);
}

static void put_plain(struct lk__walk *w, lk_value i)
{
    for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
        if (lk__walk_value(w, i)->in[j] != LK_NO_VALUE)
            lk__walk_plain(w, lk__walk_value(w, i)->in[j]);
    }
    lk__lower_plain(w->onnx, w->graph, (size_t)i, w->plain);
}

static bool all_pictures(const struct lk__walk *w, const struct lk__value *v)
{
    return v->rank == 4 && is_picture(w, v->in[0]) &&
           (v->in[1] == LK_NO_VALUE || is_picture(w, v->in[1]));
}

static void put_standard(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    if (v->op == LK__TOKENS_OF_IMAGE && v->shape[2] != LK_DYNAMIC)
        put_tokens(w, i);
    else if (v->op == LK__IMAGE_OF_TOKENS && v->shape[1] != LK_DYNAMIC)
        put_image(w, i);
    else if (v->op == LK__CONCAT && all_pictures(w, v))
        put_concat(w, i);
    else if ((v->op == LK__ADD || v->op == LK__MUL || v->op == LK__SCALE || v->op == LK__SILU ||
              v->op == LK__TANH || v->op == LK__CLIP) &&
             all_pictures(w, v))
        put_elementwise(w, i);
    else
        put_plain(w, i);
}

static void walk(struct lk__walk *w)
{
    const size_t n = w->graph->count;
    count_uses(w);
    for (size_t i = 0; i < n; i++) {
        w->part[i] = LK_NO_VALUE;
        w->rules->fold(w, (lk_value)i);
    }
    for (size_t i = 0; i < n; i++) {
        if (lk__walk_value(w, (lk_value)i)->op > LK__CONSTANT && !w->folded[i] &&
            !w->rules->put(w, (lk_value)i))
            put_standard(w, (lk_value)i);
    }
    for (size_t i = 0; i < w->graph->output_count; i++)
        lk__walk_plain(w, w->graph->outputs[i].value);
}

void lk__walk(struct lk__onnx *onnx,
              const lk_graph *graph,
              const struct lk__walk_rules *rules,
              struct lk__nodes *nodes,
              const char **plain)
{
    struct lk__walk w = {
        .onnx = onnx,
        .graph = graph,
        .rules = rules,
        .nodes = nodes,
        .plain = plain,
        .ours = calloc(graph->count, sizeof *w.ours),
        .uses = calloc(graph->count, sizeof *w.uses),
        .part = calloc(graph->count, sizeof *w.part),
        .folded = calloc(graph->count, sizeof *w.folded),
    };
    if (w.ours && w.uses && w.part && w.folded)
        walk(&w);
    else
        onnx->failed = true;
    free((void *)w.ours);
    free(w.uses);
    free(w.part);
    free(w.folded);
}
