// SPDX-License-Identifier: Apache-2.0
/* What a caller of long work hears, and how the caller stops it. Passed down by pointer; NULL means
 * nobody listens. */
#ifndef LK_BASE_WATCH_H
#define LK_BASE_WATCH_H

#include <stdbool.h>

#include "base/error.h"
#include <likeness/watch.h>

/* Tells the listener; returns 0, or LK_E_INTERRUPTED with a sentence when the caller asked to stop.
 */
int lk_watch_step(
    const struct lk_watch *watch, const char *stage, int step, int steps, struct lk_error *err);
bool lk_watch_stopped(const struct lk_watch *watch);

#endif
