// SPDX-License-Identifier: Apache-2.0
/* Memory as the kernel counts it: what was taken for a moment is in the peak, also when it was
 * given back; pages of files are counted apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "base/memory.h"

enum { MB = 1 << 20, TAKEN = 64 * MB };

static void take_and_give_back(void)
{
    void *pages = mmap(NULL, TAKEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    memset(pages, 1, TAKEN);
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000000L}, NULL);
    munmap(pages, TAKEN);
}

static void a_peak_that_is_over_is_seen(void **state)
{
    (void)state;
    const struct lk_memory before = lk_memory_now();
    lk_memory_watch *watch = lk_memory_begin();
    assert_non_null(watch);
    take_and_give_back();
    const struct lk_memory most = lk_memory_end(watch), after = lk_memory_now();
    assert_true(most.anonymous > before.anonymous + TAKEN / 16 * 15);
    assert_true(most.peak > before.anonymous + TAKEN / 16 * 15);
    assert_true(after.anonymous < before.anonymous + TAKEN / 2);
    assert_true(most.file >= before.file / 2 && most.file < before.file + TAKEN / 2);
}

static void without_a_watch_it_is_what_is_there_now(void **state)
{
    (void)state;
    assert_true(lk_memory_end(NULL).anonymous > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peak_that_is_over_is_seen),
        cmocka_unit_test(without_a_watch_it_is_what_is_there_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
