// SPDX-License-Identifier: Apache-2.0
#include "base/watch.h"
#include "support/check.h"

struct heard {
    int calls;
    struct lk_watch_event last;
};

static void listen(void *user, const struct lk_watch_event *event)
{
    struct heard *heard = user;
    heard->calls++;
    heard->last = *event;
}

static void a_step_is_heard_and_work_goes_on(void **state)
{
    (void)state;
    struct lk_error err;
    struct heard heard = {0};
    atomic_bool stop = false;
    struct lk_watch watch = {.on_event = listen, .user = &heard, .stop = &stop};
    assert_int_equal(lk_watch_step(&watch, "draw", 3, 20, &err), 0);
    assert_int_equal(heard.calls, 1);
    assert_string_equal(heard.last.stage, "draw");
    assert_int_equal(heard.last.step, 3);
    assert_int_equal(heard.last.steps, 20);
}

static void a_stop_interrupts_at_the_next_step(void **state)
{
    (void)state;
    struct lk_error err;
    atomic_bool stop = true;
    struct lk_watch watch = {.stop = &stop};
    assert_true(lk_watch_stopped(&watch));
    assert_fails(lk_watch_step(&watch, "draw", 3, 20, &err), &err, LK_E_INTERRUPTED,
                 "step 3 of 20");
    assert_fails(lk_watch_step(&watch, "find", 1, 0, &err), &err, LK_E_INTERRUPTED, "'find'");
}

static void nobody_may_listen(void **state)
{
    (void)state;
    struct lk_watch watch = {0};
    assert_int_equal(lk_watch_step(NULL, "draw", 1, 1, NULL), 0);
    assert_int_equal(lk_watch_step(&watch, "draw", 1, 1, NULL), 0);
    assert_false(lk_watch_stopped(NULL));
    assert_false(lk_watch_stopped(&watch));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_heard_and_work_goes_on),
        cmocka_unit_test(a_stop_interrupts_at_the_next_step),
        cmocka_unit_test(nobody_may_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
