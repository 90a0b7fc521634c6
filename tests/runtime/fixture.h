// SPDX-License-Identifier: Apache-2.0
/* A runtime for the tests of one program, as cmocka's group state; and runs of one input. */
#ifndef TESTS_RUNTIME_FIXTURE_H
#define TESTS_RUNTIME_FIXTURE_H

#include "runtime/session.h"
#include "support/check.h"

static inline int open_runtime(void **state)
{
    struct lk_error err;
    assert_ok(lk_runtime_open(NULL, (lk_runtime **)state, &err), &err);
    return 0;
}

/* Without our own kernels. */
static inline int open_plain_runtime(void **state)
{
    struct lk_runtime_options options;
    struct lk_error err;
    lk_runtime_options_init(&options);
    options.plain = true;
    assert_ok(lk_runtime_open(&options, (lk_runtime **)state, &err), &err);
    return 0;
}

static inline int close_runtime(void **state)
{
    lk_runtime_free(*state);
    return 0;
}

/* One f32 input, one output. */
static inline int run_one(lk_session *session,
                          const char *in_name,
                          const struct lk_array *in,
                          const char *out_name,
                          struct lk_array *out,
                          struct lk_error *err)
{
    return lk_session_run(session, 1, &in_name, in, 1, &out_name, out, NULL, err);
}

/* n numbers between −1 and 1, the same for the same seed. */
static inline void fill(int seed, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)((i * 7919 + (size_t)seed * 104729) % 2003) / 1001 - 1);
}

#endif
