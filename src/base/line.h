// SPDX-License-Identifier: Apache-2.0
/* An assembly line: items 0, 1, 2 … go through stages in order, and each stage works on one item at
 * a time, beside the others.
 *
 *     stage 0 ──▶ [ahead items] ──▶ stage 1 ──▶ [ahead items] ──▶ stage 2
 *     the calling thread            a thread                     a thread
 *
 * The queues between are bounded: a stage that is `ahead` items ahead of the next one waits for it.
 * Every stage takes the items in their order, so they come out in it. */
#ifndef LK_BASE_LINE_H
#define LK_BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hands.h"
#include "base/watch.h"

#define LK_LINE_STAGES_MAX 4

struct lk_line_stage {
    /* Does its part of an item; called from one thread alone. watch also ends the work when another
     * stage has failed. */
    int (*work)(void *user, size_t item, const struct lk_watch *watch, struct lk_error *err);
    bool by_hand; /* it computes here, holding a hand; not: another device does */
};

struct lk_line {
    const struct lk_line_stage *stages;
    size_t n_stages; /* 1 … LK_LINE_STAGES_MAX; of one stage there is no other thread */
    size_t n_items;
    size_t ahead;    /* at least 1 */
    lk_hands *hands; /* or NULL */
    void *user;
};

/* Until all items are through, or a stage has failed: the first failure in time ends the others'
 * work within a step, none of them begins another item, and its code and sentence are the line's.
 * All threads have ended on return. Events of several stages are told at the same time. */
int lk_line_run(const struct lk_line *line, const struct lk_watch *watch, struct lk_error *err);

#endif
