// SPDX-License-Identifier: Apache-2.0
#include <stdatomic.h>

#include "base/parallel.h"
#include "base/size.h"
#include "support/check.h"

enum { TASKS = 1000 };

static atomic_int times[TASKS];

static void count(void *what, size_t i)
{
    atomic_int *counts = what;
    atomic_fetch_add(&counts[i], 1);
}

static void each_task_is_done_once_whatever_the_threads(void **state)
{
    (void)state;
    static const int threads[] = {0, 1, 2, 3, 1000};
    static const size_t tasks[] = {0, 1, 2, TASKS};
    for (size_t t = 0; t < LK_ARRAY_LENGTH(threads); t++) {
        for (size_t n = 0; n < LK_ARRAY_LENGTH(tasks); n++) {
            for (size_t i = 0; i < TASKS; i++)
                atomic_store(&times[i], 0);
            lk_parallel(threads[t], tasks[n], count, times);
            for (size_t i = 0; i < TASKS; i++)
                assert_int_equal(atomic_load(&times[i]), i < tasks[n]);
        }
    }
}

static atomic_int at_once, most_at_once;

/* Spreads again, which is done where it stands. */
static void count_spread(void *what, size_t i)
{
    (void)what;
    const int now = atomic_fetch_add(&at_once, 1) + 1;
    int most = atomic_load(&most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
        ;
    lk_spread(1 + i % 3, count, times);
    atomic_fetch_sub(&at_once, 1);
}

static void loops_spread_over_idle_hands(void **state)
{
    (void)state;
    struct lk_error err;
    lk_hands *hands;
    for (int n = 1; n <= 3; n++) {
        assert_ok(lk_hands_new(n, &hands, &err), &err);
        assert_null(lk_spread_by(hands));
        atomic_store(&most_at_once, 0);
        for (size_t i = 0; i < 3; i++)
            atomic_store(&times[i], 0);
        lk_spread(TASKS, count_spread, NULL);
        assert_in_range(atomic_load(&most_at_once), 1, n);
        assert_int_equal(atomic_load(&times[0]), TASKS);
        assert_int_equal(atomic_load(&times[1]), TASKS - (TASKS + 2) / 3);
        assert_int_equal(lk_hands_hold(hands, LK_HANDS_ALL), 0); /* it holds none afterwards */
        assert_int_equal(lk_hands_hold(hands, 0), n);
        assert_ptr_equal(lk_spread_by(NULL), hands);
        lk_hands_free(hands);
    }
}

static void without_hands_a_loop_is_done_alone(void **state)
{
    (void)state;
    atomic_store(&most_at_once, 0);
    lk_spread(TASKS, count_spread, NULL);
    assert_int_equal(atomic_load(&most_at_once), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_done_once_whatever_the_threads),
        cmocka_unit_test(loops_spread_over_idle_hands),
        cmocka_unit_test(without_hands_a_loop_is_done_alone),
    };
    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
