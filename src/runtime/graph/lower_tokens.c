// SPDX-License-Identifier: Apache-2.0
/* Tokens that are alike, merged before an attention and spread again behind it (docs/diffuse.md):
 * the plain lowering of these operators. */
#include <stdlib.h>

#include "runtime/graph/step.h"

/* Squares and sums of many tokens are f32 whatever flows. */
static const char *wide(struct step *s, const char *x)
{
    return s->onnx->flow == LK_F32 ? x : cast(s, x, LK_F32);
}

static const char *rows_of(struct step *s, const char *x, int64_t n, const int64_t *list)
{
    return node(s, "Gather", 2, (const char *const[]){x, integers(s, n, list)}, 1,
                &(struct lk__attribute)ATTR_INT("axis", 1));
}

static const char *scattered(
    struct step *s, const char *onto, const char *to, const char *x, const char *reduction)
{
    const struct lk__attribute attributes[] = {ATTR_INT("axis", 1),
                                               ATTR_STRING("reduction", reduction)};
    return node(s, "ScatterElements", 3, (const char *const[]){onto, to, x}, 2, attributes);
}

/* x [N,n,m] → [N,n,1]: the largest of its row. (CUDA has no ReduceMax of this opset.) */
static const char *place_of_best(struct step *s, const char *x)
{
    return node(s, "ArgMax", 1, &x, 1, &(struct lk__attribute)ATTR_INT("axis", -1));
}

static const char *best_of(struct step *s, const char *x, const char *place)
{
    return node(s, "GatherElements", 2, (const char *const[]){x, place}, 1,
                &(struct lk__attribute)ATTR_INT("axis", -1));
}

/* x [N,n] → 0 for the largest of its row, 1 for the next … */
static const char *ranks(struct step *s, const char *x, int64_t n, const int64_t *counting)
{
    const char *const in[] = {x, integers(s, 1, &n)};
    const char *const sorted[] = {lk__onnx_name(s->onnx, s->value->at, "sorted"),
                                  lk__onnx_name(s->onnx, s->value->at, "order")};
    lk__onnx_node(s->onnx, "TopK", sorted[0], 2, in, 2, sorted, 0, NULL);
    const char *numbers = node2(s, "Expand", integers(s, n, counting), node1(s, "Shape", x));
    return scattered(s, sorted[1], sorted[1], numbers, "none");
}

/* from[n] are the tokens that may go, the rest stays; counting: 0, 1 … */
static const char *matched(struct step *s, int64_t n, const int64_t *from, const int64_t *counting)
{
    const struct lk__value *v = s->value;
    const int64_t rows = n - v->as.match.merged, stay = v->shape[1] - n;
    const char *x = wide(s, lk__operand_name(s, 0));
    const char *length = node2(s, "ReduceL2", x, integers(s, 1, INTS(-1)));
    const char *unit = node2(s, "Div", x, length);
    const char *kept = transpose(s, rows_of(s, unit, stay, from + n), 3, INTS(0, 2, 1));
    const char *scores = node2(s, "MatMul", rows_of(s, unit, n, from), kept);
    const char *place = place_of_best(s, scores), *best = best_of(s, scores, place);
    const char *rank = ranks(s, reshape(s, best, 2, INTS(0, -1)), n, counting);
    const char *row = node2(s, "Sub", rank, integers(s, 1, &v->as.match.merged));
    const char *nearest = node2(s, "Add", reshape(s, place, 2, INTS(0, -1)), integers(s, 1, &rows));
    const char *goes = node2(s, "Less", row, integers(s, 1, INTS(0)));
    row = node(s, "Where", 3, (const char *const[]){goes, nearest, row}, 0, NULL);
    const char *shape = concat_shape(s, shape_of(s, x, 0, 1), integers(s, 1, &stay));
    const char *others = node2(s, "Expand", integers(s, stay, counting + rows), shape);
    return node(s, "Concat", 2, (const char *const[]){row, others}, 1,
                &(struct lk__attribute)ATTR_INT("axis", 1));
}

/* The tokens are sorted into those that may go and those that stay, and the rows found are put back
 * into the tokens' order. */
const char *lk__lower_match_tokens(struct step *s)
{
    const int64_t height = s->value->as.match.height, width = s->value->as.match.width;
    const int64_t tokens = height * width;
    int64_t *lists = calloc((size_t)tokens, 3 * sizeof *lists);
    if (!lists) {
        s->onnx->failed = true;
        return "";
    }
    int64_t *order = lists, *place = lists + tokens, *counting = lists + 2 * tokens;
    int64_t from = 0, stay = tokens - (height / 2) * (width / 2);
    const int64_t n = stay;
    for (int64_t t = 0; t < tokens; t++) {
        const int64_t y = t / width, x = t % width;
        const bool stays = y % 2 == 0 && x % 2 == 0 && y + 1 < height && x + 1 < width;
        place[t] = stays ? stay++ : from++;
        order[place[t]] = t;
        counting[t] = t;
    }
    const char *to = rows_of(s, matched(s, n, order, counting), tokens, place);
    free(lists);
    return to;
}

/* x [N,T,*], to [N,T,1] → [N,rows,*] */
static const char *sum_rows(struct step *s, const char *x, const char *to)
{
    const char *shape = concat_shape(s, shape_of(s, x, 0, 1), integers(s, 1, &s->value->shape[1]));
    shape = concat_shape(s, shape, shape_of(s, x, 2, 3));
    return scattered(s, node2(s, "Expand", wide(s, scalar(s, 0)), shape),
                     node2(s, "Expand", to, node1(s, "Shape", x)), x, "add");
}

const char *lk__lower_merge_tokens(struct step *s)
{
    const char *to = reshape(s, lk__operand_name(s, 1), 3, INTS(0, 0, 1));
    const char *ones = node2(s, "Expand", wide(s, scalar(s, 1)), node1(s, "Shape", to));
    const char *sums = sum_rows(s, wide(s, lk__operand_name(s, 0)), to);
    return flowing(s, node2(s, "Div", sums, sum_rows(s, ones, to)), LK_F32);
}

const char *lk__lower_spread_tokens(struct step *s)
{
    const char *to = reshape(s, lk__operand_name(s, 1), 3, INTS(0, 0, 1));
    return node(s, "GatherND", 2, (const char *const[]){lk__operand_name(s, 0), to}, 1,
                &(struct lk__attribute)ATTR_INT("batch_dims", 1));
}
