// SPDX-License-Identifier: Apache-2.0
/* What the lowerings with operators on NHWC share: the walk over a graph in which neighbours are
 * folded into one node, and pictures flow as NHWC.
 *
 * Every value may have two names: the plain one (pictures NCHW) and ours (pictures NHWC); asking
 * for one that is not there yet adds a Transpose, so that any operator can stay plain. Values that
 * are no pictures have one name for both. Weights are lowered only where somebody asks for them. */
#ifndef LK_RUNTIME_GRAPH_WALK_H
#define LK_RUNTIME_GRAPH_WALK_H

#include "runtime/graph/lower.h"

struct lk__walk {
    struct lk__onnx *onnx;
    const lk_graph *graph;
    const struct lk__walk_rules *rules;
    struct lk__nodes *nodes;    /* of the likeness lowering */
    const char **plain, **ours; /* [count] names, NULL: none yet */
    unsigned *uses;             /* [count] */
    lk_value *part;             /* [count] the value that is folded into this one, or LK_NO_VALUE */
    bool *folded;               /* [count] made by whoever it is folded into */
};

/* What a lowering does its own way. */
struct lk__walk_rules {
    /* Decides what is folded into the value. Called for all, in order, before any is written. */
    void (*fold)(struct lk__walk *walk, lk_value i);
    /* Writes the value as its own nodes; false: it is none of its operators. */
    bool (*put)(struct lk__walk *walk, lk_value i);
};

/* Writes the whole graph; plain: as names of lk__lowering. */
void lk__walk(struct lk__onnx *onnx,
              const lk_graph *graph,
              const struct lk__walk_rules *rules,
              struct lk__nodes *nodes,
              const char **plain);

static inline const struct lk__value *lk__walk_value(const struct lk__walk *w, lk_value i)
{
    return &w->graph->values[i];
}

/* The names of a value, NCHW and NHWC. */
const char *lk__walk_plain(struct lk__walk *w, lk_value i);
const char *lk__walk_ours(struct lk__walk *w, lk_value i);

/* One node with one result, whose name is returned. */
const char *lk__walk_node(struct lk__walk *w,
                          const char *at,
                          const char *op,
                          size_t n,
                          const char *const *inputs,
                          size_t n_attributes,
                          const struct lk__attribute *attributes);

/* A convolution or linear layer, a norm, whose parameters are numbers: weights, constants, or not
 * given. */
bool lk__walk_is_product(const struct lk__walk *w, lk_value i);
bool lk__walk_is_norm(const struct lk__walk *w, lk_value i);
bool lk__walk_same_shape(const struct lk__value *a, const struct lk__value *b);

/* Whether nothing else needs it, and nothing has it yet. */
bool lk__walk_can_fold(const struct lk__walk *w, lk_value i);
void lk__walk_fold(struct lk__walk *w, lk_value part, lk_value into);
/* Folds an operand of the sum i that `takes` the other one into it, the later one if both do;
 * returns it, or LK_NO_VALUE. */
lk_value lk__walk_fold_sum(struct lk__walk *w,
                           lk_value i,
                           bool (*takes)(const struct lk__walk *, lk_value part, lk_value other));
/* A [N,C] seen as [N,C,1,1], to be added to a picture, that can be folded. */
bool lk__walk_is_shift(const struct lk__walk *w, lk_value i);

#endif
