// SPDX-License-Identifier: Apache-2.0
/* Runs whose arrays stay on the device. Here that is the CPU, by the same code as a GPU. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"

/* y = 2·x + b; twice = 2·y */
struct network {
    lk_session *session;
    lk_repeated *runs;
};

static struct network open_network(lk_runtime *runtime)
{
    static const int64_t free_rows[] = {LK_DYNAMIC, 3}, row[] = {1, 3};
    struct network network;
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new("repeated", &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 2, free_rows);
    lk_value b = lk_graph_input(g, "b", LK_F32, 2, row);
    lk_value y = lk_graph_add(g, lk_graph_scale(g, x, 2), b);
    lk_graph_output(g, "y", y);
    lk_graph_output(g, "twice", lk_graph_scale(g, y, 2));
    lk_graph_repeat(g);
    assert_ok(lk_session_of_graph(runtime, g, NULL, "cpu", &network.session, &err), &err);
    assert_ok(lk_repeated_new(network.session, &network.runs, &err), &err);
    lk_graph_free(g);
    return network;
}

static void close_network(struct network *network)
{
    lk_repeated_free(network->runs);
    lk_session_release(network->session);
}

/* The first number of y for x [rows,3] of all `x` and b of all `b`, under that stamp. */
static float run(struct network *network, int64_t rows, float x, float b, uint64_t stamp)
{
    static const char *const in_names[] = {"x", "b"}, *const out_names[] = {"twice", "y"};
    float xs[8 * 3], bs[3] = {b, b, b};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(xs); i++)
        xs[i] = x;
    const struct lk_array in[] = {{LK_F32, 2, {rows, 3}, xs}, {LK_F32, 2, {1, 3}, bs, stamp}};
    struct lk_array out[2];
    struct lk_error err;
    assert_ok(lk_repeated_run(network->runs, 2, in_names, in, 2, out_names, out, NULL, &err), &err);
    assert_int_equal(out[1].shape[0], rows);
    assert_int_equal(out[1].shape[1], 3);
    const float y = ((float *)out[1].data)[rows * 3 - 1];
    assert_float_equal(((float *)out[0].data)[0], 2 * y, 0);
    free(out[0].data);
    free(out[1].data);
    return y;
}

static void what_changes_is_taken_to_the_device(void **state)
{
    struct network network = open_network(*state);
    assert_float_equal(run(&network, 2, 1, 10, 0), 12, 0);
    assert_float_equal(run(&network, 2, 2, 10, 0), 14, 0);
    assert_float_equal(run(&network, 2, 2, 20, 0), 24, 0);
    assert_int_equal(lk_session_runs(network.session), 3);
    close_network(&network);
}

/* Numbers that come under the same stamp are not even looked at. */
static void what_has_its_stamp_stays_there(void **state)
{
    struct network network = open_network(*state);
    const uint64_t first = lk_stamp_new(), second = lk_stamp_new();
    assert_true(first && first != second);
    assert_float_equal(run(&network, 2, 1, 10, first), 12, 0);
    assert_float_equal(run(&network, 2, 3, 99, first), 16, 0);
    assert_float_equal(run(&network, 2, 3, 20, second), 26, 0);
    assert_float_equal(run(&network, 2, 3, 30, 0), 36, 0);
    assert_float_equal(run(&network, 2, 3, 40, second), 46, 0);
    close_network(&network);
}

/* More sizes than are kept at once; each has its own arrays. */
static void every_size_has_its_place(void **state)
{
    struct network network = open_network(*state);
    const uint64_t stamp = lk_stamp_new();
    for (int times = 0; times < 2; times++) {
        for (int64_t rows = 1; rows <= 8; rows++)
            assert_float_equal(run(&network, rows, (float)rows, 10, stamp), 2 * rows + 10, 0);
    }
    assert_float_equal(run(&network, 8, 1, 99, stamp), 12, 0);
    assert_float_equal(run(&network, 1, 1, 10, stamp), 12, 0);
    close_network(&network);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    static const char *const in_names[] = {"x", "b"}, *const out_name = "y", *const wrong = "z";
    struct network network = open_network(*state);
    float numbers[6] = {0};
    struct lk_array in[] = {{LK_F32, 2, {2, 2}, numbers}, {LK_F32, 2, {1, 3}, numbers}}, out;
    struct lk_error err;
    atomic_bool stop = true;
    const struct lk_watch watch = {.stop = &stop};
    assert_fails(lk_repeated_run(network.runs, 2, in_names, in, 1, &out_name, &out, NULL, &err),
                 &err, LK_E_INPUT, "'x'");
    in[0].shape[1] = 3;
    assert_fails(lk_repeated_run(network.runs, 2, in_names, in, 1, &wrong, &out, NULL, &err), &err,
                 LK_E_INPUT, "'z'");
    assert_fails(lk_repeated_run(network.runs, 1, in_names, in, 1, &out_name, &out, NULL, &err),
                 &err, LK_E_FAILED, "b");
    assert_fails(lk_repeated_run(network.runs, 2, in_names, in, 1, &out_name, &out, &watch, &err),
                 &err, LK_E_INTERRUPTED, "interrupted");
    assert_float_equal(run(&network, 2, 1, 10, 0), 12, 0);
    close_network(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_changes_is_taken_to_the_device),
        cmocka_unit_test(what_has_its_stamp_stays_there),
        cmocka_unit_test(every_size_has_its_place),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, open_plain_runtime, close_runtime);
}
