// SPDX-License-Identifier: Apache-2.0
/* A counting semaphore with tickets. What a thread holds, the thread itself knows. */
#include "base/hands.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct lk_hands {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, idle;
    uint64_t next_ticket, served; /* who draws a ticket waits until all before are served */
};

/* What the thread holds of each owner: who listens to one engine's work, in a thread that holds its
 * hands, may run another engine meanwhile, and so on as often. */
enum { OWNERS = 8 };
static _Thread_local struct held {
    const lk_hands *of;
    int count; /* 0: the place is free */
} all_held[OWNERS];

int lk_hands_new(int count, lk_hands **out, struct lk_error *err)
{
    lk_hands *hands = malloc(sizeof *hands);
    if (!hands)
        return lk_fail_memory(err, "hands", sizeof *hands);
    *hands = (lk_hands){.count = count, .idle = count};
    pthread_mutex_init(&hands->lock, NULL);
    pthread_cond_init(&hands->changed, NULL);
    *out = hands;
    return 0;
}

void lk_hands_free(lk_hands *hands)
{
    if (!hands)
        return;
    pthread_mutex_destroy(&hands->lock);
    pthread_cond_destroy(&hands->changed);
    free(hands);
}

int lk_hands_count(const lk_hands *hands)
{
    return hands->count;
}

/* How many of them the thread holds. */
static int *held_of(const lk_hands *hands)
{
    struct held *at = all_held;
    for (int i = OWNERS; i-- > 0;) {
        if (all_held[i].count && all_held[i].of == hands)
            return &all_held[i].count;
        if (!all_held[i].count)
            at = &all_held[i];
    }
    at->of = hands;
    return &at->count;
}

/* With the lock held. */
static void give(lk_hands *hands, int n)
{
    hands->idle += n;
    pthread_cond_broadcast(&hands->changed);
}

/* With the lock held, which is given away while waiting. */
static void take(lk_hands *hands, int n)
{
    const uint64_t ticket = hands->next_ticket++;
    while (hands->served != ticket || hands->idle < n)
        pthread_cond_wait(&hands->changed, &hands->lock);
    hands->served++;
    hands->idle -= n;
    pthread_cond_broadcast(&hands->changed);
}

int lk_hands_hold(lk_hands *hands, int n)
{
    if (!hands)
        return 0;
    int *held = held_of(hands);
    const int before = *held;
    n = n < hands->count ? n : hands->count;
    if (n == before)
        return before;
    pthread_mutex_lock(&hands->lock);
    if (n < before) {
        give(hands, before - n);
    } else {
        give(hands, before);
        take(hands, n);
    }
    pthread_mutex_unlock(&hands->lock);
    *held = n;
    return before;
}

int lk_hands_spread(lk_hands *hands)
{
    pthread_mutex_lock(&hands->lock);
    const bool somebody_waits = hands->served != hands->next_ticket;
    pthread_mutex_unlock(&hands->lock);
    if (somebody_waits)
        lk_hands_hold(hands, 0);
    lk_hands_hold(hands, 1);
    pthread_mutex_lock(&hands->lock);
    const int more = hands->served == hands->next_ticket ? hands->idle : 0;
    hands->idle -= more;
    pthread_mutex_unlock(&hands->lock);
    return *held_of(hands) += more;
}
