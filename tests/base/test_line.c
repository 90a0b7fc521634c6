// SPDX-License-Identifier: Apache-2.0
/* Stages here note what they are given, and wait for each other where a test wants to see two at
 * work at once. Threads make no assertions: the test does, when all have ended. */
#include <pthread.h>
#include <time.h>

#include "base/line.h"
#include "support/check.h"

enum { ITEMS = 20, STAGES = 3, NOBODY = 99 };

struct factory {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begun[STAGES], done[STAGES];
    bool in_order, met;
    int at_work, most_at_work;
    pthread_t thread[STAGES];
    /* what is to happen: at this item of this stage */
    size_t stage, item;
    int (*happens)(struct factory *f, const struct lk_watch *watch, struct lk_error *err);
    atomic_bool stop; /* of the caller's watch */
};

static int stage(struct factory *f,
                 size_t stage,
                 size_t item,
                 const struct lk_watch *watch,
                 struct lk_error *err)
{
    pthread_mutex_lock(&f->lock);
    f->in_order &= item == f->begun[stage]++ && (!stage || item < f->done[stage - 1]);
    f->thread[stage] = pthread_self();
    f->most_at_work = ++f->at_work > f->most_at_work ? f->at_work : f->most_at_work;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    const int rc = stage == f->stage && item == f->item ? f->happens(f, watch, err)
                                                        : lk_watch_step(watch, "test", 1, 1, err);
    pthread_mutex_lock(&f->lock);
    f->at_work--;
    f->done[stage] += !rc;
    pthread_mutex_unlock(&f->lock);
    return rc;
}

static int first(void *user, size_t item, const struct lk_watch *watch, struct lk_error *err)
{
    return stage(user, 0, item, watch, err);
}

static int second(void *user, size_t item, const struct lk_watch *watch, struct lk_error *err)
{
    return stage(user, 1, item, watch, err);
}

static int third(void *user, size_t item, const struct lk_watch *watch, struct lk_error *err)
{
    return stage(user, 2, item, watch, err);
}

static const struct lk_line_stage stages[STAGES] = {{first, true}, {second, true}, {third, true}};

static int run(struct factory *f, size_t n_stages, lk_hands *hands, struct lk_error *err)
{
    const struct lk_line line = {.stages = stages,
                                 .n_stages = n_stages,
                                 .n_items = ITEMS,
                                 .ahead = 2,
                                 .hands = hands,
                                 .user = f};
    const struct lk_watch watch = {.stop = &f->stop};
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->in_order = true;
    const int rc = lk_line_run(&line, &watch, err);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    return rc;
}

/* Until the stage has begun so many items; false: it has not for so long. */
static bool wait_for(struct factory *f, size_t s, size_t items, long milliseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int rc = 0;
    pthread_mutex_lock(&f->lock);
    while (!rc && f->begun[s] < items)
        rc = pthread_cond_timedwait(&f->changed, &f->lock, &until);
    const bool has = f->begun[s] >= items;
    pthread_mutex_unlock(&f->lock);
    return has;
}

static void every_item_goes_through_every_stage_in_order(void **state)
{
    (void)state;
    for (size_t n = 1; n <= STAGES; n++) {
        struct lk_error err;
        struct factory f = {.stage = NOBODY};
        assert_ok(run(&f, n, NULL, &err), &err);
        assert_true(f.in_order);
        for (size_t s = 0; s < n; s++)
            assert_int_equal(f.done[s], ITEMS);
        assert_true(pthread_equal(f.thread[0], pthread_self()));
    }
}

/* The second stage has its first item until the first stage has its second. */
static int meet(struct factory *f, const struct lk_watch *watch, struct lk_error *err)
{
    (void)watch, (void)err;
    f->met = wait_for(f, 0, 2, 60000);
    return 0;
}

static void stages_work_side_by_side(void **state)
{
    (void)state;
    struct lk_error err;
    struct factory f = {.stage = 1, .item = 0, .happens = meet};
    assert_ok(run(&f, STAGES, NULL, &err), &err);
    assert_true(f.met);
}

/* The second stage does not go on: the first has one item there, two that wait, and begins no more.
 */
static int be_slow(struct factory *f, const struct lk_watch *watch, struct lk_error *err)
{
    (void)watch, (void)err;
    f->met = wait_for(f, 0, 3, 60000) && !wait_for(f, 0, 4, 50);
    return 0;
}

static void a_slow_stage_holds_the_one_before_back(void **state)
{
    (void)state;
    struct lk_error err;
    struct factory f = {.stage = 1, .item = 0, .happens = be_slow};
    assert_ok(run(&f, STAGES, NULL, &err), &err);
    assert_true(f.met);
}

static int break_down(struct factory *f, const struct lk_watch *watch, struct lk_error *err)
{
    (void)f, (void)watch;
    return lk_fail(err, LK_E_REFUSED, "broken in the middle");
}

static void a_failure_is_the_lines_and_nothing_begins_after_it(void **state)
{
    (void)state;
    for (size_t s = 0; s < STAGES; s++) {
        struct lk_error err = {0};
        struct factory f = {.stage = s, .item = 5, .happens = break_down};
        assert_fails(run(&f, STAGES, NULL, &err), &err, LK_E_REFUSED, "broken in the middle");
        assert_true(f.in_order);
        assert_int_equal(f.done[s], 5);
        for (size_t t = 0; t < STAGES; t++)
            assert_true(t <= s || f.begun[t] <= 5);
        assert_true(f.begun[0] <= 5 + 1 + 3 * s);
    }
}

/* Works for ever, unless it is stopped. */
static int go_on(struct factory *f, const struct lk_watch *watch, struct lk_error *err)
{
    (void)f;
    int rc = 0;
    while (!rc)
        rc = lk_watch_step(watch, "for ever", 1, 0, err);
    return rc;
}

static int fail_beside(void *user, size_t item, const struct lk_watch *watch, struct lk_error *err)
{
    struct factory *f = user;
    (void)item, (void)watch;
    wait_for(f, 0, 2, 60000);
    return lk_fail(err, LK_E_FAILED, "the first to fail");
}

static void a_failure_ends_the_work_of_the_others(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct factory f = {.stage = 0, .item = 1, .happens = go_on};
    const struct lk_line_stage failing[] = {{first, true}, {fail_beside, true}};
    const struct lk_line line = {
        .stages = failing, .n_stages = 2, .n_items = ITEMS, .ahead = 2, .user = &f};
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    assert_fails(lk_line_run(&line, NULL, &err), &err, LK_E_FAILED, "the first to fail");
    assert_int_equal(f.begun[0], 2);
    pthread_cond_destroy(&f.changed);
    pthread_mutex_destroy(&f.lock);
}

static int be_stopped(struct factory *f, const struct lk_watch *watch, struct lk_error *err)
{
    atomic_store(&f->stop, true);
    return go_on(f, watch, err);
}

static void the_caller_stops_it_in_any_stage(void **state)
{
    (void)state;
    for (size_t s = 0; s < STAGES; s++) {
        struct lk_error err = {0};
        struct factory f = {.stage = s, .item = 3, .happens = be_stopped};
        assert_fails(run(&f, STAGES, NULL, &err), &err, LK_E_INTERRUPTED, "stopped on request");
        assert_true(f.done[STAGES - 1] <= 3);
    }
}

static void no_more_stages_compute_than_there_are_hands(void **state)
{
    (void)state;
    for (int count = 1; count <= 2; count++) {
        struct lk_error err;
        struct factory f = {.stage = NOBODY};
        lk_hands *hands;
        assert_ok(lk_hands_new(count, &hands, &err), &err);
        assert_ok(run(&f, STAGES, hands, &err), &err);
        assert_true(f.most_at_work <= count);
        assert_int_equal(lk_hands_hold(hands, LK_HANDS_ALL), 0);
        lk_hands_hold(hands, 0);
        lk_hands_free(hands);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_goes_through_every_stage_in_order),
        cmocka_unit_test(stages_work_side_by_side),
        cmocka_unit_test(a_slow_stage_holds_the_one_before_back),
        cmocka_unit_test(a_failure_is_the_lines_and_nothing_begins_after_it),
        cmocka_unit_test(a_failure_ends_the_work_of_the_others),
        cmocka_unit_test(the_caller_stops_it_in_any_stage),
        cmocka_unit_test(no_more_stages_compute_than_there_are_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
