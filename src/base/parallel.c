// SPDX-License-Identifier: Apache-2.0
#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 64 };

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
    work(&crew);
    for (int i = 0; i < started; i++)
        pthread_join(others[i], NULL);
}
