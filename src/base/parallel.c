// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 64 };

static _Thread_local lk_hands *spread_by;

lk_hands *lk_spread_by(lk_hands *hands)
{
    lk_hands *was = spread_by;
    spread_by = hands;
    return was;
}

struct crew {
    atomic_size_t next;
    size_t n;
    void (*task)(void *what, size_t i);
    void *what;
};

static void *work(void *user)
{
    struct crew *crew = user;
    for (size_t i; (i = atomic_fetch_add(&crew->next, 1)) < crew->n;)
        crew->task(crew->what, i);
    return NULL;
}

void lk_parallel(int threads, size_t n, void (*task)(void *what, size_t i), void *what)
{
    struct crew crew = {.n = n, .task = task, .what = what};
    pthread_t others[MAX_THREADS];
    int started = 0;
    while (started + 1 < threads && (size_t)started + 1 < n && started < MAX_THREADS &&
           !pthread_create(&others[started], NULL, work, &crew))
        started++;
    lk_hands *own = lk_spread_by(NULL); /* who holds more than one does not spread again */
    work(&crew);
    lk_spread_by(own);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
}

void lk_spread(size_t n, void (*task)(void *what, size_t i), void *what)
{
    lk_hands *hands = spread_by;
    if (!hands || n < 2) {
        lk_parallel(1, n, task, what);
        return;
    }
    const int held = lk_hands_hold(hands, 1);
    lk_parallel(lk_hands_spread(hands), n, task, what);
    lk_hands_hold(hands, held);
}
