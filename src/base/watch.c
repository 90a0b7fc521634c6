// SPDX-License-Identifier: Apache-2.0
/* One call per step serves both ways: the listener hears the step, the work hears the listener. */
#include "base/watch.h"

bool lk_watch_stopped(const struct lk_watch *watch)
{
    for (; watch; watch = watch->within) {
        if (watch->stop && atomic_load_explicit(watch->stop, memory_order_relaxed))
            return true;
    }
    return false;
}

int lk_watch_step(
    const struct lk_watch *watch, const char *stage, int step, int steps, struct lk_error *err)
{
    if (watch && watch->on_event) {
        struct lk_watch_event event = {.stage = stage, .step = step, .steps = steps};
        watch->on_event(watch->user, &event);
    }
    if (!lk_watch_stopped(watch))
        return 0;
    if (steps > 0)
        return lk_fail(err, LK_E_INTERRUPTED, "stopped on request in '%s', step %d of %d", stage,
                       step, steps);
    return lk_fail(err, LK_E_INTERRUPTED, "stopped on request in '%s', step %d", stage, step);
}
