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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_done_once_whatever_the_threads),
    };
    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
