// SPDX-License-Identifier: Apache-2.0
/* Greedy non-maximum suppression: the best box stays, boxes of the same face go, and so on with
 * what is left. Areas count whole pixels (+1), as insightface's do.
 *
 * Within one look two boxes are one face when they overlap by more than IoU 0.4 [insightface,
 * FaceFusion]. Between looks they are so too when most of the smaller one lies in the other: what
 * one look boxes whole, a closer one may box in part. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "stages/find/internal.h"

static const float overlap_limit = 0.4f, inside_limit = 0.6f;

int lk__candidates_add(struct lk__candidates *list,
                       const struct lk__candidate *candidate,
                       struct lk_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64, bytes;
        if (!lk_size_mul(capacity, sizeof *list->item, &bytes))
            return lk_fail_memory(err, "faces", capacity);
        struct lk__candidate *item = realloc(list->item, bytes);
        if (!item)
            return lk_fail_memory(err, "faces", bytes);
        list->item = item;
        list->capacity = capacity;
    }
    list->item[list->count++] = *candidate;
    return 0;
}

/* Best first; equal scores from left to right, so that the order never depends on qsort. */
static int by_score(const void *a, const void *b)
{
    const struct lk__candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->box[0] > y->box[0]) - (x->box[0] < y->box[0]);
}

static float area(const float box[4])
{
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1);
}

bool lk__candidates_same(const struct lk__candidate *x, const struct lk__candidate *y)
{
    const float *a = x->box, *b = y->box;
    float width = fminf(a[2], b[2]) - fmaxf(a[0], b[0]) + 1;
    float height = fminf(a[3], b[3]) - fmaxf(a[1], b[1]) + 1;
    float both = fmaxf(0, width) * fmaxf(0, height);
    return both > overlap_limit * (area(a) + area(b) - both) ||
           (x->look != y->look && both > inside_limit * fminf(area(a), area(b)));
}

void lk__candidates_suppress(struct lk__candidates *list)
{
    size_t kept = 0;
    if (list->count > 1)
        qsort(list->item, list->count, sizeof *list->item, by_score);
    for (size_t i = 0; i < list->count; i++) {
        size_t k = 0;
        while (k < kept && !lk__candidates_same(&list->item[k], &list->item[i]))
            k++;
        if (k == kept)
            list->item[kept++] = list->item[i];
    }
    list->count = kept;
}
