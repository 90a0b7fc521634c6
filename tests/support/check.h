// SPDX-License-Identifier: Apache-2.0
/* cmocka with the headers that it wants before it, and what most tests need. */
#ifndef LK_TESTS_SUPPORT_CHECK_H
#define LK_TESTS_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* The call succeeds; otherwise its sentence is shown. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", (err)->message);                                                        \
    } while (0)

/* The call fails with this code, and its sentence holds this part. */
#define assert_fails(call, err, expected, part)                                                    \
    do {                                                                                           \
        assert_int_equal((call), (expected));                                                      \
        assert_int_equal((err)->code, (expected));                                                 \
        if (!strstr((err)->message, (part)))                                                       \
            fail_msg("'%s' is not in '%s'", (part), (err)->message);                               \
    } while (0)

#endif
