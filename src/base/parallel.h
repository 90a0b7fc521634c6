// SPDX-License-Identifier: Apache-2.0
/* Work on the processor that falls into equal parts, in several threads. Networks have the engine's
 * own pool; this is for the passes over pixels between them. */
#ifndef LK_BASE_PARALLEL_H
#define LK_BASE_PARALLEL_H

#include <stddef.h>

#include "base/hands.h"

/* task(what, i) for every i < n, lower ones begun first, in at most `threads` threads, of which the
 * caller's is one; returns when all are done. A thread that the system does not give is one less.
 * What comes out must not depend on who did which part. */
void lk_parallel(int threads, size_t n, void (*task)(void *what, size_t i), void *what);

/* The same in as many threads as this one finds idle hands of those that lk_spread_by named; alone
 * where it named none, and inside of tasks. */
void lk_spread(size_t n, void (*task)(void *what, size_t i), void *what);

/* Whose hands this thread's lk_spread takes from now on; NULL: nobody's. Returns whose it took. */
lk_hands *lk_spread_by(lk_hands *hands);

#endif
