// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <stdatomic.h>

#include <sched.h>

#include "base/hands.h"
#include "support/check.h"

enum { THREADS = 4, ROUNDS = 10 };

/* Threads that compute with so many hands each, and how many hands were at work at most. */
struct crowd {
    lk_hands *hands;
    atomic_int at_work, most, rounds;
};

static void compute(struct crowd *crowd, int held)
{
    const int now = atomic_fetch_add(&crowd->at_work, held) + held;
    int most = atomic_load(&crowd->most);
    while (now > most && !atomic_compare_exchange_weak(&crowd->most, &most, now))
        ;
    sched_yield();
    atomic_fetch_add(&crowd->rounds, 1);
    atomic_fetch_sub(&crowd->at_work, held);
}

/* As a stage does: alone, in networks of the engine, in networks of ours, in none. */
static void *work(void *user)
{
    struct crowd *crowd = user;
    const int count = lk_hands_count(crowd->hands);
    for (int i = 0; i < ROUNDS; i++) {
        lk_hands_hold(crowd->hands, 1);
        compute(crowd, 1);
        const int before = lk_hands_hold(crowd->hands, LK_HANDS_ALL);
        compute(crowd, count);
        lk_hands_hold(crowd->hands, before);
        compute(crowd, lk_hands_spread(crowd->hands));
        lk_hands_hold(crowd->hands, 0);
    }
    return NULL;
}

static void no_more_compute_than_there_are_hands(void **state)
{
    (void)state;
    for (int count = 1; count <= 4; count++) {
        struct lk_error err;
        struct crowd crowd = {0};
        pthread_t threads[THREADS];
        assert_ok(lk_hands_new(count, &crowd.hands, &err), &err);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, work, &crowd), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(crowd.rounds, THREADS * ROUNDS * 3);
        assert_int_equal(crowd.most, count);
        lk_hands_free(crowd.hands);
    }
}

static void a_thread_holds_what_it_last_asked_for(void **state)
{
    (void)state;
    struct lk_error err;
    lk_hands *hands;
    assert_ok(lk_hands_new(3, &hands, &err), &err);
    assert_int_equal(lk_hands_hold(hands, 1), 0);
    assert_int_equal(lk_hands_hold(hands, LK_HANDS_ALL), 1);
    assert_int_equal(lk_hands_hold(hands, 2), 3);
    assert_int_equal(lk_hands_hold(hands, 1), 2);
    assert_int_equal(lk_hands_spread(hands), 3);
    assert_int_equal(lk_hands_hold(hands, 0), 3);
    assert_int_equal(lk_hands_hold(hands, 0), 0);
    assert_int_equal(lk_hands_hold(NULL, 1), 0);
    lk_hands_free(hands);
}

/* Engines are independent, also where a thread that works for one runs another. */
static void a_thread_holds_of_two_owners(void **state)
{
    (void)state;
    struct lk_error err;
    lk_hands *outer, *inner;
    assert_ok(lk_hands_new(2, &outer, &err), &err);
    assert_ok(lk_hands_new(3, &inner, &err), &err);
    assert_int_equal(lk_hands_hold(outer, 1), 0);
    assert_int_equal(lk_hands_hold(inner, LK_HANDS_ALL), 0);
    assert_int_equal(lk_hands_spread(outer), 2);
    assert_int_equal(lk_hands_hold(inner, 0), 3);
    assert_int_equal(lk_hands_hold(outer, 0), 2);
    assert_int_equal(lk_hands_spread(outer), 2); /* they are all back */
    assert_int_equal(lk_hands_hold(outer, 0), 2);
    lk_hands_free(outer);
    lk_hands_free(inner);
}

/* Who spreads again and again leaves no hand idle, and lets through all the same. */
static void *take_all(void *user)
{
    struct crowd *crowd = user;
    lk_hands_hold(crowd->hands, LK_HANDS_ALL);
    atomic_store(&crowd->rounds, 1);
    lk_hands_hold(crowd->hands, 0);
    return NULL;
}

static void who_spreads_lets_through_who_waits(void **state)
{
    (void)state;
    struct lk_error err;
    struct crowd crowd = {0};
    pthread_t thread;
    assert_ok(lk_hands_new(2, &crowd.hands, &err), &err);
    lk_hands_hold(crowd.hands, 1);
    assert_int_equal(pthread_create(&thread, NULL, take_all, &crowd), 0);
    while (!atomic_load(&crowd.rounds)) {
        assert_in_range(lk_hands_spread(crowd.hands), 1, 2);
        lk_hands_hold(crowd.hands, 1);
    }
    pthread_join(thread, NULL);
    lk_hands_hold(crowd.hands, 0);
    lk_hands_free(crowd.hands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_compute_than_there_are_hands),
        cmocka_unit_test(a_thread_holds_what_it_last_asked_for),
        cmocka_unit_test(a_thread_holds_of_two_owners),
        cmocka_unit_test(who_spreads_lets_through_who_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
