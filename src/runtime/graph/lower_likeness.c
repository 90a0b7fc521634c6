// SPDX-License-Identifier: Apache-2.0
/* The second lowering, for the CPU: what src/kernels/ does becomes a node of our own domain with
 * its neighbours folded in; the rest goes the plain way.
 *
 *   silu(group_norm x)                    one node
 *   conv or linear, + picture or shift    one node: what is added is added as sums are stored
 *   geglu(linear x)                       one node
 *   conv(upsample2 x)                     one node, which reads every pixel four times
 *
 * Weights are lowered only where a plain operator asks for them: ours read the checkpoint
 * themselves (node.h). */
#include "runtime/graph/walk.h"

/* A product adds the other operand as it stores its sums. */
static bool takes(const struct lk__walk *w, lk_value product, lk_value other)
{
    const struct lk__value *p = lk__walk_value(w, product);
    return lk__walk_is_product(w, product) && ((p->op == LK__CONV && lk__walk_is_shift(w, other)) ||
                                               lk__walk_same_shape(p, lk__walk_value(w, other)));
}

static void fold_add(struct lk__walk *w, lk_value i)
{
    const lk_value product = lk__walk_fold_sum(w, i, takes);
    const struct lk__value *add = lk__walk_value(w, i);
    const lk_value other = add->in[0] + add->in[1] - product;
    if (product != LK_NO_VALUE && lk__walk_value(w, product)->op == LK__CONV &&
        lk__walk_is_shift(w, other))
        w->folded[other] = true;
}

/* Whether the operand of v is the first half of what one node does. */
static bool is_begun(const struct lk__walk *w, const struct lk__value *v)
{
    const lk_value x = v->in[0];
    return (v->op == LK__SILU && lk__walk_is_norm(w, x) &&
            lk__walk_value(w, x)->op == LK__GROUP_NORM) ||
           (v->op == LK__GEGLU && lk__walk_is_product(w, x) &&
            lk__walk_value(w, x)->op == LK__LINEAR);
}

/* Whether v is a convolution that can read a picture as if it were doubled. */
static bool can_double(const struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    return v->op == LK__CONV && lk__walk_is_product(w, i) && v->as.conv.kernel == 3 &&
           v->as.conv.stride == 1 && lk__walk_value(w, v->in[0])->op == LK__UPSAMPLE2;
}

static void fold_value(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    if (v->op == LK__ADD)
        fold_add(w, i);
    else if (v->op > LK__CONSTANT && is_begun(w, v) && lk__walk_can_fold(w, v->in[0]))
        lk__walk_fold(w, v->in[0], i);
    else if (can_double(w, i) && lk__walk_can_fold(w, v->in[0]))
        w->folded[v->in[0]] = true;
}

/* ---- nodes ---- */

struct ports {
    const char *names[LK__ROLE_COUNT];
    size_t count;
};

static void connect(
    struct lk__walk *w, struct lk__node *node, struct ports *ports, enum lk__role role, lk_value i)
{
    node->roles[role] = (int)ports->count;
    ports->names[ports->count++] = lk__walk_ours(w, i);
}

/* The node that was added last, as the value i. */
static void put(struct lk__walk *w, lk_value i, const char *op, const struct ports *ports)
{
    const struct lk__attribute index = {
        .name = "node", .type = LK__ATTR_INT, .i = (int64_t)w->nodes->count - 1};
    w->ours[i] =
        lk__walk_node(w, lk__walk_value(w, i)->at, op, ports->count, ports->names, 1, &index);
}

static struct lk__node *add_node(struct lk__walk *w, enum lk__node_kind kind, lk_value i)
{
    struct lk__node *node = lk__nodes_add(w->nodes, kind, lk__walk_value(w, i)->at);
    w->onnx->failed |= !node;
    return node;
}

/* The product `product`, with what is folded around it, as the value i. */
static void put_product(struct lk__walk *w, lk_value i, lk_value product)
{
    const struct lk__value *v = lk__walk_value(w, i), *p = lk__walk_value(w, product);
    struct lk__node *node = add_node(w, LK__CONVOLUTION, i);
    struct ports ports = {0};
    if (!node)
        return;
    node->w = p->in[1];
    node->b = p->in[2];
    node->numbers = lk__numbers_of(p, w->nodes->numbers);
    node->linear = p->op == LK__LINEAR;
    node->kernel = node->linear ? 1 : p->as.conv.kernel;
    node->stride = node->linear ? 1 : p->as.conv.stride;
    for (int j = 0; j < 4; j++)
        node->pad[j] = node->linear ? 0 : p->as.conv.pad[j];
    node->gated = v->op == LK__GEGLU;
    const struct lk__value *x = lk__walk_value(w, p->in[0]);
    node->doubled = x->op == LK__UPSAMPLE2 && w->folded[p->in[0]];
    connect(w, node, &ports, LK__ROLE_X, node->doubled ? x->in[0] : p->in[0]);
    if (node->doubled && x->in[1] != LK_NO_VALUE)
        connect(w, node, &ports, LK__ROLE_LIKE, x->in[1]);
    if (v->op == LK__ADD && i != product) {
        const lk_value other = v->in[0] + v->in[1] - product;
        const bool shift = w->folded[other];
        connect(w, node, &ports, shift ? LK__ROLE_SHIFT : LK__ROLE_PLUS,
                shift ? lk__walk_value(w, other)->in[0] : other);
    }
    put(w, i, LK__DOMAIN ":Convolution", &ports);
}

static void put_attention(struct lk__walk *w, lk_value i)
{
    const struct lk__value *v = lk__walk_value(w, i);
    struct lk__node *node = add_node(w, LK__ATTEND, i);
    struct ports ports = {0};
    if (!node)
        return;
    node->heads = v->as.attention.heads;
    node->head_size = v->as.attention.size;
    node->causal = v->as.attention.causal;
    node->rounds = lk__numbers_of(v, w->nodes->numbers) != LK_NUMBERS_F32;
    connect(w, node, &ports, LK__ROLE_X, v->in[0]);
    connect(w, node, &ports, LK__ROLE_KEY, v->in[1]);
    connect(w, node, &ports, LK__ROLE_VALUE, v->in[2]);
    put(w, i, LK__DOMAIN ":Attention", &ports);
}

static void put_norm(struct lk__walk *w, lk_value i, lk_value norm)
{
    const struct lk__value *v = lk__walk_value(w, norm);
    const bool groups = v->op == LK__GROUP_NORM;
    struct lk__node *node = add_node(w, groups ? LK__NORM_GROUPS : LK__NORM_ROWS, i);
    struct ports ports = {0};
    if (!node)
        return;
    node->gamma = v->in[1];
    node->beta = v->in[2];
    node->epsilon = v->as.norm.epsilon;
    node->groups = groups ? v->as.norm.groups : 1;
    node->silu = i != norm;
    connect(w, node, &ports, LK__ROLE_X, v->in[0]);
    put(w, i, groups ? LK__DOMAIN ":GroupNorm" : LK__DOMAIN ":LayerNorm", &ports);
}

static bool put_ours(struct lk__walk *w, lk_value i)
{
    const lk_value part = w->part[i] != LK_NO_VALUE ? w->part[i] : i;
    if (lk__walk_is_product(w, part))
        put_product(w, i, part);
    else if (lk__walk_is_norm(w, part))
        put_norm(w, i, part);
    else if (lk__walk_value(w, i)->op == LK__ATTENTION)
        put_attention(w, i);
    else
        return false;
    return true;
}

void lk__lower_likeness(struct lk__onnx *onnx,
                        const lk_graph *graph,
                        const struct lk__manner *manner,
                        const char **names)
{
    static const struct lk__walk_rules rules = {fold_value, put_ours};
    lk__walk(onnx, graph, &rules, manner->nodes, names);
}
