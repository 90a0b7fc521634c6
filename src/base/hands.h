// SPDX-License-Identifier: Apache-2.0
/* Hands: how many threads compute at a time. What --threads allows is shared by threads of many
 * kinds: stages of an assembly line (line.h), workers of a pool that they call. A thread computes
 * only while it holds a hand, and computes in as many threads as it holds hands; who waits for
 * something else holds none. So no more threads compute than there are hands, however many there
 * are.
 *
 * Who asks first is served first: who needs all hands gets them once those who hold some have given
 * them back, and later askers wait behind. Nobody waits for hands while holding any, so nobody
 * waits forever. */
#ifndef LK_BASE_HANDS_H
#define LK_BASE_HANDS_H

#include "base/error.h"

typedef struct lk_hands lk_hands;

#define LK_HANDS_ALL 4096 /* more than there are */

int lk_hands_new(int count, lk_hands **out, struct lk_error *err);
void lk_hands_free(lk_hands *hands); /* NULL is fine; nobody holds any */
int lk_hands_count(const lk_hands *hands);

/* From now on this thread holds n of them (or all, where there are fewer); waits for those that it
 * has not. Returns how many it held before, to be held again afterwards. NULL hands: none. */
int lk_hands_hold(lk_hands *hands, int n);

/* For work in parts that may each be done by any number of threads: lets through who waits, then
 * holds one hand and all that are idle. Returns how many that is. */
int lk_hands_spread(lk_hands *hands);

#endif
