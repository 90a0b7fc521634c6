// SPDX-License-Identifier: Apache-2.0
/* Tasks of an operator of ours, in the engine's own threads. What the caller wrote before is seen
 * by every task, and what tasks wrote by the caller afterwards; the atomics say so to
 * ThreadSanitizer too, which does not see how the engine's threads meet. */
#include <stdatomic.h>

#include "runtime/internal.h"

struct tasks {
    size_t n;
    void (*task)(void *what, size_t i);
    void *what;
    atomic_size_t next, done;
};

static void do_one(void *user, size_t i)
{
    struct tasks *tasks = user;
    atomic_load(&tasks->next);
    tasks->task(tasks->what, i);
    atomic_fetch_add(&tasks->done, 1);
}

/* For fewer threads than the pool has: each takes the next as long as there is one. */
static void do_some(void *user, size_t worker)
{
    struct tasks *tasks = user;
    (void)worker;
    for (size_t i; (i = atomic_fetch_add(&tasks->next, 1)) < tasks->n;)
        do_one(tasks, i);
}

void lk__run_tasks(const OrtApi *api,
                   OrtKernelContext *context,
                   lk_hands *hands,
                   size_t n,
                   void (*task)(void *what, size_t i),
                   void *what)
{
    const size_t held = hands ? (size_t)lk_hands_spread(hands) : n;
    struct tasks tasks = {.n = n, .task = task, .what = what};
    OrtStatus *status = NULL;
    atomic_store(&tasks.next, 0);
    if (n > 1 && (!hands || held == (size_t)lk_hands_count(hands)))
        status = api->KernelContext_ParallelFor(context, do_one, n, n, &tasks);
    else if (n > 1 && held > 1)
        status = api->KernelContext_ParallelFor(context, do_some, held, held, &tasks);
    if (status)
        api->ReleaseStatus(status);
    if (!atomic_load(&tasks.done)) /* alone, or there is no memory to share them */
        do_some(&tasks, 0);
    if (hands)
        lk_hands_hold(hands, 1);
}
