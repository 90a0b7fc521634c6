// SPDX-License-Identifier: Apache-2.0
/* With what the plain lowering writes the nodes of one value. */
#ifndef LK_RUNTIME_GRAPH_STEP_H
#define LK_RUNTIME_GRAPH_STEP_H

#include "runtime/graph/lower.h"

/* The value that is being lowered. */
struct step {
    struct lk__onnx *onnx;
    const lk_graph *graph;
    const struct lk__value *value;
    const char **names;
};

#define INTS(...)                                                                                  \
    (const int64_t[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define ATTR_INT(key, number)                                                                      \
    {                                                                                              \
        .name = (key), .type = LK__ATTR_INT, .i = (number)                                         \
    }
#define ATTR_FLOAT(key, number)                                                                    \
    {                                                                                              \
        .name = (key), .type = LK__ATTR_FLOAT, .f = (number)                                       \
    }
#define ATTR_STRING(key, text)                                                                     \
    {                                                                                              \
        .name = (key), .type = LK__ATTR_STRING, .s = (text)                                        \
    }
#define ATTR_INTS(key, count, list)                                                                \
    {                                                                                              \
        .name = (key), .type = LK__ATTR_INTS, .i = (count), .ints = (list)                         \
    }

/* One node with one result, whose name is returned. */
static inline const char *node(struct step *s,
                               const char *op,
                               size_t n,
                               const char *const *inputs,
                               size_t n_attributes,
                               const struct lk__attribute *attributes)
{
    const char *name = lk__onnx_name(s->onnx, s->value->at, op);
    lk__onnx_node(s->onnx, op, name, n, inputs, 1, &name, n_attributes, attributes);
    return name;
}

static inline const char *node1(struct step *s, const char *op, const char *x)
{
    return node(s, op, 1, &x, 0, NULL);
}

static inline const char *node2(struct step *s, const char *op, const char *x, const char *y)
{
    return node(s, op, 2, (const char *const[]){x, y}, 0, NULL);
}

static inline const char *integers(struct step *s, int64_t n, const int64_t *list)
{
    const char *name = lk__onnx_name(s->onnx, s->value->at, "integers");
    lk__onnx_initializer(s->onnx, name, LK_I64, 1, &n, list);
    return name;
}

static inline const char *scalar(struct step *s, float number)
{
    const char *name = lk__onnx_name(s->onnx, s->value->at, "number");
    lk__onnx_numbers(s->onnx, name, 0, NULL, &number);
    return name;
}

static inline const char *reshape(struct step *s, const char *x, int64_t rank, const int64_t *shape)
{
    return node2(s, "Reshape", x, integers(s, rank, shape));
}

static inline const char *transpose(struct step *s, const char *x, int rank, const int64_t *order)
{
    return node(s, "Transpose", 1, &x, 1, &(struct lk__attribute)ATTR_INTS("perm", rank, order));
}

/* Dimensions first … last−1 of x, at run time. */
static inline const char *shape_of(struct step *s, const char *x, int first, int last)
{
    const struct lk__attribute range[] = {ATTR_INT("start", first), ATTR_INT("end", last)};
    return node(s, "Shape", 1, &x, 2, range);
}

static inline const char *concat_shape(struct step *s, const char *a, const char *b)
{
    return node(s, "Concat", 2, (const char *const[]){a, b}, 1,
                &(struct lk__attribute)ATTR_INT("axis", 0));
}

static inline const char *cast(struct step *s, const char *x, enum lk_dtype to)
{
    return node(s, "Cast", 1, &x, 1, &(struct lk__attribute)ATTR_INT("to", lk__onnx_of_dtype(to)));
}

/* x, which is of that type, as it flows. */
static inline const char *flowing(struct step *s, const char *x, enum lk_dtype is)
{
    return is == s->onnx->flow ? x : cast(s, x, s->onnx->flow);
}

static inline const struct lk__value *operand(const struct step *s, int i)
{
    return &s->graph->values[s->value->in[i]];
}

/* Operand i as it flows (weights are converted here, where they are used), or NULL when it is not
 * given. */
const char *lk__operand_name(struct step *s, int i);

/* With s->value's kernel, stride, padding and bias. */
const char *lk__conv_node(struct step *s, const char *op, const char *x, const char *w);
/* Of s->value's x and w; bias: or NULL. */
const char *lk__linear_node(struct step *s, const char *bias);

/* Of the operators on tokens; the name of the result. */
const char *lk__lower_match_tokens(struct step *s);
const char *lk__lower_merge_tokens(struct step *s);
const char *lk__lower_spread_tokens(struct step *s);

#endif
