// SPDX-License-Identifier: Apache-2.0
/* Items are numbers and every stage takes them in order, so a queue is how many items the stage
 * before it has done and how many it has taken. */
#include "base/line.h"

#include <pthread.h>
#include <string.h>

#include "base/parallel.h"

struct running {
    const struct lk_line *line;
    struct lk_watch watch; /* the caller's, which a failure stops */
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t moved;
    size_t taken[LK_LINE_STAGES_MAX], done[LK_LINE_STAGES_MAX];
    int rc; /* of the first failure */
    struct lk_error err;
};

struct worker {
    struct running *running;
    size_t stage;
    pthread_t thread;
};

/* With the lock held. */
static bool may_take(const struct running *r, size_t stage)
{
    const size_t item = r->taken[stage];
    const bool is_there = !stage || item < r->done[stage - 1];
    const bool has_room =
        stage + 1 == r->line->n_stages || item < r->taken[stage + 1] + r->line->ahead;
    return is_there && has_room;
}

/* The next item of a stage, once there is one and room behind; false: the stage has nothing more to
 * do. */
static bool take(struct running *r, size_t stage, size_t *item)
{
    pthread_mutex_lock(&r->lock);
    const bool any = r->taken[stage] < r->line->n_items;
    while (any && !r->rc && !may_take(r, stage))
        pthread_cond_wait(&r->moved, &r->lock);
    const bool goes_on = any && !r->rc;
    if (goes_on) {
        *item = r->taken[stage]++;
        pthread_cond_broadcast(&r->moved);
    }
    pthread_mutex_unlock(&r->lock);
    return goes_on;
}

/* The stage has done an item, or has failed with a sentence. */
static void report(struct running *r, size_t stage, int rc, const struct lk_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (rc && !r->rc) {
        r->rc = rc;
        r->err = *err;
        atomic_store(&r->stop, true);
    }
    r->done[stage] += !rc;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
}

static void work(struct running *r, size_t stage)
{
    const struct lk_line_stage *s = &r->line->stages[stage];
    size_t item;
    int rc = 0;
    lk_hands *own = lk_spread_by(r->line->hands);
    while (!rc && take(r, stage, &item)) {
        struct lk_error err = {0};
        const int held = lk_hands_hold(s->by_hand ? r->line->hands : NULL, 1);
        rc = s->work(r->line->user, item, &r->watch, &err);
        lk_hands_hold(s->by_hand ? r->line->hands : NULL, held);
        report(r, stage, rc, &err);
    }
    lk_spread_by(own);
}

static void *work_in_thread(void *user)
{
    const struct worker *worker = user;
    work(worker->running, worker->stage);
    return NULL;
}

int lk_line_run(const struct lk_line *line, const struct lk_watch *watch, struct lk_error *err)
{
    struct running r = {.line = line};
    struct worker workers[LK_LINE_STAGES_MAX];
    size_t started = 1;
    if (watch)
        r.watch = *watch;
    r.watch.stop = &r.stop;
    r.watch.within = watch;
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.moved, NULL);
    for (; started < line->n_stages; started++) {
        struct worker *w = &workers[started];
        *w = (struct worker){&r, started, 0};
        const int why = pthread_create(&w->thread, NULL, work_in_thread, w);
        if (why) {
            struct lk_error failure;
            const int rc =
                lk_fail(&failure, LK_E_FAILED, "a thread cannot be started: %s", strerror(why));
            report(&r, started, rc, &failure);
            break;
        }
    }
    work(&r, 0);
    while (started-- > 1)
        pthread_join(workers[started].thread, NULL);
    pthread_cond_destroy(&r.moved);
    pthread_mutex_destroy(&r.lock);
    if (r.rc && err)
        *err = r.err;
    return r.rc;
}
