// SPDX-License-Identifier: Apache-2.0
/* The second lowering, for the CPU: what src/kernels/ does becomes a node of our own domain with
 * its neighbours folded in; the rest goes the plain way.
 *
 *   silu(group_norm x)                    one node
 *   conv or linear, + picture or shift    one node: what is added is added as sums are stored
 *   geglu(linear x)                       one node
 *   conv(upsample2 x)                     one node, which reads every pixel four times
 *
 * Pictures flow as NHWC. Every value may have two names: the plain one (pictures NCHW) and ours
 * (pictures NHWC); asking for one that is not there yet adds a Transpose, so that any operator can
 * stay plain. Values that are no pictures have one name for both. Weights are lowered only where a
 * plain operator asks for them: ours read the checkpoint themselves (node.h). */
#include <stdlib.h>

#include "runtime/graph/lower.h"

struct walk {
    struct lk__onnx *onnx;
    const lk_graph *graph;
    struct lk__nodes *nodes;
    const char **plain, **ours; /* [count] names, NULL: none yet */
    unsigned *uses;             /* [count] */
    lk_value *part;             /* [count] the value that is folded into this one, or LK_NO_VALUE */
    bool *folded;               /* [count] made by whoever it is folded into */
};

static const struct lk__value *value_at(const struct walk *w, lk_value i)
{
    return &w->graph->values[i];
}

static bool is_picture(const struct walk *w, lk_value i)
{
    return value_at(w, i)->rank == 4;
}

/* A weight, a constant, or nothing. */
static bool is_number(const struct walk *w, lk_value i)
{
    if (i == LK_NO_VALUE)
        return true;
    const enum lk__op op = value_at(w, i)->op;
    return op == LK__WEIGHT || op == LK__CONSTANT;
}

static const char *one_node(struct walk *w,
                            const char *at,
                            const char *op,
                            size_t n,
                            const char *const *inputs,
                            const struct lk__attribute *attribute)
{
    const char *name = lk__onnx_name(w->onnx, at, op);
    lk__onnx_node(w->onnx, op, name, n, inputs, 1, &name, attribute != NULL, attribute);
    return name;
}

static const char *transposed(struct walk *w, const char *at, const char *x, const int64_t order[4])
{
    const struct lk__attribute perm = {
        .name = "perm", .type = LK__ATTR_INTS, .i = 4, .ints = order};
    return one_node(w, at, "Transpose", 1, &x, &perm);
}

/* The plain name of a value. */
static const char *plain_name(struct walk *w, lk_value i)
{
    static const int64_t order[] = {0, 3, 1, 2};
    const struct lk__value *v = value_at(w, i);
    if (!w->plain[i] && w->ours[i])
        w->plain[i] = is_picture(w, i) ? transposed(w, v->at, w->ours[i], order) : w->ours[i];
    if (!w->plain[i])
        lk__lower_plain(w->onnx, w->graph, (size_t)i, w->plain); /* an input or a number */
    return w->plain[i];
}

/* Our name of a value. */
static const char *our_name(struct walk *w, lk_value i)
{
    static const int64_t order[] = {0, 2, 3, 1};
    if (!w->ours[i])
        w->ours[i] = is_picture(w, i) ? transposed(w, value_at(w, i)->at, plain_name(w, i), order)
                                      : plain_name(w, i);
    return w->ours[i];
}

/* ---- what is folded into what ---- */

static bool is_product(const struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    return (v->op == LK__CONV || v->op == LK__LINEAR) && is_number(w, v->in[1]) &&
           is_number(w, v->in[2]);
}

static bool is_norm(const struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    return (v->op == LK__GROUP_NORM || v->op == LK__LAYER_NORM) && is_number(w, v->in[1]) &&
           is_number(w, v->in[2]);
}

/* Nothing else needs it, and nothing has it yet. */
static bool can_fold(const struct walk *w, lk_value i)
{
    return i != LK_NO_VALUE && w->uses[i] == 1 && !w->folded[i];
}

static void fold(struct walk *w, lk_value part, lk_value into)
{
    w->part[into] = part;
    w->folded[part] = true;
}

static bool same_shape(const struct lk__value *a, const struct lk__value *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++)
        same = a->shape[i] == b->shape[i];
    return same;
}

/* A [N,C] seen as [N,C,1,1], to be added to a picture. */
static bool is_shift(const struct walk *w, lk_value i)
{
    return value_at(w, i)->op == LK__AS_PIXELS && can_fold(w, i);
}

/* The later one of two operands that is a product takes the other in. */
static void fold_add(struct walk *w, lk_value i)
{
    const struct lk__value *add = value_at(w, i);
    const lk_value late = add->in[0] > add->in[1] ? add->in[0] : add->in[1];
    for (int tries = 0; tries < 2; tries++) {
        const lk_value product = tries ? add->in[0] + add->in[1] - late : late;
        const lk_value other = add->in[0] + add->in[1] - product;
        if (product == other || !is_product(w, product) || !can_fold(w, product))
            continue;
        const bool shift = value_at(w, product)->op == LK__CONV && is_shift(w, other);
        if (!shift && !same_shape(value_at(w, product), value_at(w, other)))
            continue;
        fold(w, product, i);
        if (shift)
            w->folded[other] = true;
        return;
    }
}

/* Whether the operand of v is the first half of what one node does. */
static bool is_begun(const struct walk *w, const struct lk__value *v)
{
    const lk_value x = v->in[0];
    return (v->op == LK__SILU && is_norm(w, x) && value_at(w, x)->op == LK__GROUP_NORM) ||
           (v->op == LK__GEGLU && is_product(w, x) && value_at(w, x)->op == LK__LINEAR);
}

/* Whether v is a convolution that can read a picture as if it were doubled. */
static bool can_double(const struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    return v->op == LK__CONV && is_product(w, i) && v->as.conv.kernel == 3 &&
           v->as.conv.stride == 1 && value_at(w, v->in[0])->op == LK__UPSAMPLE2;
}

static void fold_value(struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    if (v->op == LK__ADD)
        fold_add(w, i);
    else if (v->op > LK__CONSTANT && is_begun(w, v) && can_fold(w, v->in[0]))
        fold(w, v->in[0], i);
    else if (can_double(w, i) && can_fold(w, v->in[0]))
        w->folded[v->in[0]] = true;
}

static void count_uses(struct walk *w)
{
    for (size_t i = 0; i < w->graph->count; i++) {
        for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
            const lk_value in = value_at(w, (lk_value)i)->in[j];
            if (value_at(w, (lk_value)i)->op > LK__CONSTANT && in != LK_NO_VALUE)
                w->uses[in]++;
        }
    }
    for (size_t i = 0; i < w->graph->output_count; i++)
        w->uses[w->graph->outputs[i].value]++;
}

/* ---- nodes ---- */

struct ports {
    const char *names[LK__ROLE_COUNT];
    size_t count;
};

static void connect(
    struct walk *w, struct lk__node *node, struct ports *ports, enum lk__role role, lk_value i)
{
    node->roles[role] = (int)ports->count;
    ports->names[ports->count++] = our_name(w, i);
}

/* The node that was added last, as the value i. */
static void put(struct walk *w, lk_value i, const char *op, const struct ports *ports)
{
    const struct lk__attribute index = {
        .name = "node", .type = LK__ATTR_INT, .i = (int64_t)w->nodes->count - 1};
    w->ours[i] = one_node(w, value_at(w, i)->at, op, ports->count, ports->names, &index);
}

static struct lk__node *add_node(struct walk *w, enum lk__node_kind kind, lk_value i)
{
    struct lk__node *node = lk__nodes_add(w->nodes, kind, value_at(w, i)->at);
    w->onnx->failed |= !node;
    return node;
}

/* The product `product`, with what is folded around it, as the value i. */
static void put_product(struct walk *w, lk_value i, lk_value product)
{
    const struct lk__value *v = value_at(w, i), *p = value_at(w, product);
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
    const struct lk__value *x = value_at(w, p->in[0]);
    node->doubled = x->op == LK__UPSAMPLE2 && w->folded[p->in[0]];
    connect(w, node, &ports, LK__ROLE_X, node->doubled ? x->in[0] : p->in[0]);
    if (node->doubled && x->in[1] != LK_NO_VALUE)
        connect(w, node, &ports, LK__ROLE_LIKE, x->in[1]);
    if (v->op == LK__ADD && i != product) {
        const lk_value other = v->in[0] + v->in[1] - product;
        const bool shift = w->folded[other];
        connect(w, node, &ports, shift ? LK__ROLE_SHIFT : LK__ROLE_PLUS,
                shift ? value_at(w, other)->in[0] : other);
    }
    put(w, i, LK__DOMAIN ":Convolution", &ports);
}

static void put_attention(struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
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

static void put_norm(struct walk *w, lk_value i, lk_value norm)
{
    const struct lk__value *v = value_at(w, norm);
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

/* ---- operators of the standard, on NHWC ---- */

static const char *integers(struct walk *w, const char *at, int64_t n, const int64_t *list)
{
    const char *name = lk__onnx_name(w->onnx, at, "integers");
    lk__onnx_initializer(w->onnx, name, LK_I64, 1, &n, list);
    return name;
}

static void put_tokens(struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    const char *shape = integers(w, v->at, 3, (const int64_t[]){0, -1, v->shape[2]});
    w->ours[i] =
        one_node(w, v->at, "Reshape", 2, (const char *[]){our_name(w, v->in[0]), shape}, NULL);
}

static void put_image(struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    const struct lk__attribute end = {.name = "end", .type = LK__ATTR_INT, .i = 3};
    const struct lk__attribute axis = {.name = "axis", .type = LK__ATTR_INT, .i = 0};
    const char *like = our_name(w, v->in[1]);
    const char *shape[] = {one_node(w, v->at, "Shape", 1, &like, &end),
                           integers(w, v->at, 1, &v->shape[1])};
    const char *whole = one_node(w, v->at, "Concat", 2, shape, &axis);
    w->ours[i] =
        one_node(w, v->at, "Reshape", 2, (const char *[]){our_name(w, v->in[0]), whole}, NULL);
}

static void put_concat(struct walk *w, lk_value i)
{
    static const int64_t axes[] = {0, 3, 1, 2};
    const struct lk__value *v = value_at(w, i);
    const struct lk__attribute axis = {
        .name = "axis", .type = LK__ATTR_INT, .i = axes[v->as.range.axis]};
    w->ours[i] = one_node(w, v->at, "Concat", 2,
                          (const char *[]){our_name(w, v->in[0]), our_name(w, v->in[1])}, &axis);
}

/* Number by number, so that the layout does not matter. */
static void put_elementwise(struct walk *w, lk_value i)
{
    for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
        if (value_at(w, i)->in[j] != LK_NO_VALUE)
            our_name(w, value_at(w, i)->in[j]);
    }
    lk__lower_plain(w->onnx, w->graph, (size_t)i, w->ours);
}

static void put_plain(struct walk *w, lk_value i)
{
    for (int j = 0; j < LK__NODE_MAX_INPUTS; j++) {
        if (value_at(w, i)->in[j] != LK_NO_VALUE)
            plain_name(w, value_at(w, i)->in[j]);
    }
    lk__lower_plain(w->onnx, w->graph, (size_t)i, w->plain);
}

static bool all_pictures(const struct walk *w, const struct lk__value *v)
{
    return v->rank == 4 && is_picture(w, v->in[0]) &&
           (v->in[1] == LK_NO_VALUE || is_picture(w, v->in[1]));
}

static void lower(struct walk *w, lk_value i)
{
    const struct lk__value *v = value_at(w, i);
    if (v->op <= LK__CONSTANT || w->folded[i])
        return;
    if (w->part[i] != LK_NO_VALUE && is_product(w, w->part[i]))
        put_product(w, i, w->part[i]);
    else if (w->part[i] != LK_NO_VALUE)
        put_norm(w, i, w->part[i]);
    else if (is_product(w, i))
        put_product(w, i, i);
    else if (v->op == LK__ATTENTION)
        put_attention(w, i);
    else if (is_norm(w, i))
        put_norm(w, i, i);
    else if (v->op == LK__TOKENS_OF_IMAGE && v->shape[2] != LK_DYNAMIC)
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

void lk__lower_likeness(struct lk__onnx *onnx,
                        const lk_graph *graph,
                        struct lk__nodes *nodes,
                        const char **names)
{
    const size_t n = graph->count;
    struct walk w = {
        .onnx = onnx,
        .graph = graph,
        .nodes = nodes,
        .plain = names,
        .ours = calloc(n, sizeof *w.ours),
        .uses = calloc(n, sizeof *w.uses),
        .part = calloc(n, sizeof *w.part),
        .folded = calloc(n, sizeof *w.folded),
    };
    const bool ready = w.ours && w.uses && w.part && w.folded;
    onnx->failed |= !ready;
    if (ready) {
        count_uses(&w);
        for (size_t i = 0; i < n; i++) {
            w.part[i] = LK_NO_VALUE;
            fold_value(&w, (lk_value)i);
        }
        for (size_t i = 0; i < n; i++)
            lower(&w, (lk_value)i);
        for (size_t i = 0; i < graph->output_count; i++)
            plain_name(&w, graph->outputs[i].value);
    }
    free((void *)w.ours);
    free(w.uses);
    free(w.part);
    free(w.folded);
}
