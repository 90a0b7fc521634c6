// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void a_message_stays_on_one_line(void **state)
{
    (void)state;
    struct lk_error err;
    assert_int_equal(lk_fail(&err, LK_E_INPUT, "file '%s'", "a\nb\x1b[2J"), LK_E_INPUT);
    assert_string_equal(err.message, "file 'a b [2J'");
    assert_int_equal(err.code, LK_E_INPUT);
}

static void a_message_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct lk_error err;
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    lk_fail(&err, LK_E_FAILED, "%s", name);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    lk_fail_context(&err, LK_E_FAILED, "%s", name);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void context_comes_first_and_keeps_the_code(void **state)
{
    (void)state;
    struct lk_error err;
    int code = lk_fail(&err, LK_E_MISSING, "no tensor 'x'");
    assert_int_equal(lk_fail_context(&err, code, "checkpoint 'c'"), LK_E_MISSING);
    assert_string_equal(err.message, "checkpoint 'c': no tensor 'x'");
    assert_int_equal(err.code, LK_E_MISSING);
}

static void a_caller_may_pass_no_error(void **state)
{
    (void)state;
    assert_int_equal(lk_fail(NULL, LK_E_INPUT, "nothing"), LK_E_INPUT);
    assert_int_equal(lk_fail_context(NULL, LK_E_INPUT, "nothing"), LK_E_INPUT);
}

static void exit_codes_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(lk_exit_code(LK_OK), 0);
    assert_int_equal(lk_exit_code(LK_E_FAILED), 1);
    assert_int_equal(lk_exit_code(LK_E_INPUT), 2);
    assert_int_equal(lk_exit_code(LK_E_REFUSED), 3);
    assert_int_equal(lk_exit_code(LK_E_MISSING), 4);
    assert_int_equal(lk_exit_code(LK_E_INTERRUPTED), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_stays_on_one_line),
        cmocka_unit_test(a_message_that_is_too_long_is_cut),
        cmocka_unit_test(context_comes_first_and_keeps_the_code),
        cmocka_unit_test(a_caller_may_pass_no_error),
        cmocka_unit_test(exit_codes_are_those_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
