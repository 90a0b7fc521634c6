// SPDX-License-Identifier: Apache-2.0
/* Sessions: what a caller gets wrong is said in words, runs can be stopped and can overlap, and the
 * pool keeps to its budget. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/size.h"
#include "fixture.h"
#include "runtime/graph/onnx.h"
#include "support/scratch.h"

/* y = 2·x, x [free,3]; the result is called `output` */
static lk_graph *doubling(const char *output)
{
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new("doubling", &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 2, (const int64_t[]){LK_DYNAMIC, 3});
    lk_graph_output(g, output, lk_graph_scale(g, x, 2));
    return g;
}

static lk_session *open_doubling(lk_runtime *runtime, const char *key)
{
    struct lk_error err;
    lk_session *session;
    lk_graph *g = doubling("y");
    assert_ok(lk_session_of_graph(runtime, g, key, "cpu", &session, &err), &err);
    lk_graph_free(g);
    return session;
}

static void a_missing_library_names_the_remedy(void **state)
{
    (void)state;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.library = "/nowhere/libonnxruntime.so";
    struct lk_error err;
    lk_runtime *runtime = NULL;
    assert_fails(lk_runtime_open(&options, &runtime, &err), &err, LK_E_MISSING, "tools/setup");
    assert_null(runtime);
}

static void the_processor_is_a_device_and_others_are_refused_by_name(void **state)
{
    const char *const *devices = lk_runtime_devices(*state);
    bool cpu = false;
    for (; *devices; devices++)
        cpu |= !strcmp(*devices, "cpu");
    assert_true(cpu);
    assert_true(strlen(lk_runtime_version(*state)) > 3);
    struct lk_error err;
    lk_session *session = NULL;
    lk_graph *g = doubling("y");
    assert_fails(lk_session_of_graph(*state, g, NULL, "abacus", &session, &err), &err, LK_E_INPUT,
                 "abacus");
    assert_fails(lk_session_of_graph(*state, g, NULL, "cuda:31", &session, &err), &err,
                 LK_E_MISSING, "cpu");
    assert_null(session);
    lk_graph_free(g);
}

static void ports_tell_names_types_and_free_sizes(void **state)
{
    lk_session *session = open_doubling(*state, NULL);
    const struct lk_port *ports;
    assert_int_equal(lk_session_inputs(session, &ports), 1);
    assert_string_equal(ports->name, "x");
    assert_int_equal(ports->dtype, LK_F32);
    assert_int_equal(ports->rank, 2);
    assert_int_equal(ports->shape[0], LK_DYNAMIC);
    assert_int_equal(ports->shape[1], 3);
    assert_int_equal(lk_session_outputs(session, &ports), 1);
    assert_string_equal(ports->name, "y");
    lk_session_release(session);
}

static void what_does_not_fit_a_port_is_refused_by_name(void **state)
{
    lk_session *session = open_doubling(*state, NULL);
    float x[6] = {1, 2, 3, 4, 5, 6};
    struct lk_array out = {.data = NULL};
    struct lk_error err;
    const struct lk_array good = {LK_F32, 2, {2, 3}, x}, rank = {LK_F32, 1, {3}, x},
                          size = {LK_F32, 2, {3, 2}, x}, type = {LK_I32, 2, {2, 3}, x},
                          none = {LK_F32, 2, {0, 3}, x};
    assert_fails(run_one(session, "x", &rank, "y", &out, &err), &err, LK_E_INPUT, "rank 2, not 1");
    assert_fails(run_one(session, "x", &size, "y", &out, &err), &err, LK_E_INPUT,
                 "'x' is 3, not 2");
    assert_fails(run_one(session, "x", &type, "y", &out, &err), &err, LK_E_INPUT, "'x' is F32");
    assert_fails(run_one(session, "x", &none, "y", &out, &err), &err, LK_E_INPUT, "dimension 0");
    assert_fails(run_one(session, "z", &good, "y", &out, &err), &err, LK_E_INPUT, "no input 'z'");
    assert_fails(run_one(session, "x", &good, "z", &out, &err), &err, LK_E_INPUT, "no output 'z'");
    assert_null(out.data);
    assert_ok(run_one(session, "x", &good, "y", &out, &err), &err);
    assert_int_equal(out.shape[0], 2);
    assert_true(((float *)out.data)[5] == 12);
    free(out.data);
    lk_session_release(session);
}

/* A file with y = x + number in f16, x [free]; number: its bits. */
static const char *write_half_model(uint16_t number)
{
    const int64_t one = 1, any = LK_DYNAMIC;
    const char *const in[] = {"x", "one"}, *out = "y";
    struct lk__onnx onnx = {.arena = lk_arena_new(1 << 16)};
    struct lk_proto model;
    lk__onnx_port(&onnx, FIELD_GRAPH_INPUT, "x", LK_F16, 1, &any);
    lk__onnx_port(&onnx, FIELD_GRAPH_OUTPUT, "y", LK_F16, 1, &any);
    lk__onnx_initializer(&onnx, "one", LK_F16, 1, &one, &number);
    lk__onnx_node(&onnx, "Add", "add", 2, in, 1, &out, 0, NULL);
    lk__onnx_finish(&onnx, "half", &model);
    assert_false(model.failed);
    const char *path = scratch_write("half.onnx", model.bytes, model.size);
    lk_proto_free(&model);
    lk_arena_free(onnx.arena);
    return path;
}

static void networks_in_half_precision_take_and_give_f32(void **state)
{
    struct lk_error err;
    lk_session *session;
    assert_ok(lk_session_open(*state, write_half_model(0x3c00), "cpu", &session, &err), &err);
    /* exact, rounded to even, overflow, subnormal, rounded to nothing, infinite, not a number */
    float x[] = {0.5f, 2049.0f, 65520, 0x1p-24f, 0x1p-26f, -INFINITY, NAN};
    const struct lk_array in = {LK_F32, 1, {LK_ARRAY_LENGTH(x)}, x};
    struct lk_array out;
    assert_ok(run_one(session, "x", &in, "y", &out, &err), &err);
    assert_int_equal(out.dtype, LK_F32);
    const float *y = out.data;
    assert_true(y[0] == 1.5f && y[1] == 2048 && y[2] == INFINITY && y[3] == 1 && y[4] == 1);
    assert_true(y[5] == -INFINITY && isnan(y[6]));
    free(out.data);
    lk_session_release(session);
}

static void a_file_that_is_replaced_is_another_network(void **state)
{
    static const uint16_t NUMBERS[] = {0x3c00, 0x4000, 0x4000}; /* 1, 2, 2 */
    lk_session *sessions[LK_ARRAY_LENGTH(NUMBERS)];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(NUMBERS); i++) {
        struct lk_error err;
        const char *path = scratch_path("half.onnx");
        if (i == 1) /* the old one stays, so that the new one is another inode */
            assert_int_equal(rename(path, scratch_path("old.onnx")), 0);
        if (i < 2)
            write_half_model(NUMBERS[i]);
        assert_ok(lk_session_open(*state, path, "cpu", &sessions[i], &err), &err);
        float x = 1;
        const struct lk_array in = {LK_F32, 1, {1}, &x};
        struct lk_array out;
        assert_ok(run_one(sessions[i], "x", &in, "y", &out, &err), &err);
        assert_true(*(float *)out.data == (i ? 3 : 2));
        free(out.data);
    }
    assert_ptr_not_equal(sessions[0], sessions[1]);
    assert_ptr_equal(sessions[1], sessions[2]);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(NUMBERS); i++)
        lk_session_release(sessions[i]);
}

/* y = ((x·wᵀ)·wᵀ)…, long enough to be stopped; x [free,512] */
static lk_session *open_long(lk_runtime *runtime)
{
    enum { SIZE = 512, LAYERS = 400 };
    struct lk_error err;
    lk_session *session;
    lk_graph *g;
    const int64_t shape[] = {SIZE, SIZE};
    float *w = calloc((size_t)SIZE * SIZE, sizeof *w);
    assert_non_null(w);
    assert_ok(lk_graph_new("long", &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 2, (const int64_t[]){LK_DYNAMIC, SIZE});
    lk_value weight = lk_graph_constant(g, 2, shape, w);
    for (int i = 0; i < LAYERS; i++)
        x = lk_graph_linear(g, x, weight, LK_NO_VALUE);
    lk_graph_output(g, "y", x);
    assert_ok(lk_session_of_graph(runtime, g, NULL, "cpu", &session, &err), &err);
    lk_graph_free(g);
    free(w);
    return session;
}

static void *stop_soon(void *stop)
{
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    atomic_store((atomic_bool *)stop, true);
    return NULL;
}

static void a_run_ends_early_when_the_caller_stops_it(void **state)
{
    lk_session *session = open_long(*state);
    float *x = calloc((size_t)512 * 512, sizeof *x);
    struct lk_array in = {LK_F32, 2, {512, 512}, x};
    const char *const in_name = "x", *const out_name = "y";
    struct lk_array out = {.data = NULL};
    struct lk_error err;
    atomic_bool stop = false;
    const struct lk_watch watch = {.stop = &stop};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
    assert_fails(lk_session_run(session, 1, &in_name, &in, 1, &out_name, &out, &watch, &err), &err,
                 LK_E_INTERRUPTED, "long");
    pthread_join(thread, NULL);
    assert_fails(lk_session_run(session, 1, &in_name, &in, 1, &out_name, &out, &watch, &err), &err,
                 LK_E_INTERRUPTED, "long");
    assert_null(out.data);
    stop = false; /* the session is as good as before */
    in.shape[0] = 1;
    assert_ok(lk_session_run(session, 1, &in_name, &in, 1, &out_name, &out, &watch, &err), &err);
    free(out.data);
    free(x);
    lk_session_release(session);
}

static void *open_and_run(void *runtime)
{
    for (int i = 0; i < 20; i++) {
        lk_session *session = open_doubling(runtime, i % 2 ? "shared" : NULL);
        float x[3] = {1, 2, (float)i};
        const struct lk_array in = {LK_F32, 2, {1, 3}, x};
        struct lk_array out;
        struct lk_error err;
        if (run_one(session, "x", &in, "y", &out, &err) || ((float *)out.data)[2] != 2 * x[2])
            return (void *)"a run went wrong";
        free(out.data);
        lk_session_release(session);
    }
    return NULL;
}

static void threads_share_sessions_and_run_them_at_once(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_run, *state), 0);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(threads); i++) {
        void *trouble = NULL;
        pthread_join(threads[i], &trouble);
        assert_null(trouble);
    }
}

static void a_key_is_created_once(void **state)
{
    lk_session *first = open_doubling(*state, "once"), *second = open_doubling(*state, "once");
    assert_ptr_equal(first, second);
    lk_session *other = open_doubling(*state, NULL);
    assert_ptr_not_equal(first, other);
    lk_session_release(first);
    lk_session_release(second);
    lk_session_release(other);
    lk_session_release(NULL);
}

/* A network that counts with 1 MB; what it calls its output tells which graph the pool kept. */
static lk_session *open_megabyte(lk_runtime *runtime, const char *key, const char *output)
{
    static float numbers[1 << 18];
    const struct lk_tensor tensor = {.name = "w",
                                     .dtype = LK_F32,
                                     .rank = 1,
                                     .shape = {1 << 18},
                                     .data = numbers,
                                     .size = sizeof numbers};
    struct lk_error err;
    lk_session *session;
    lk_graph *g;
    assert_ok(lk_graph_new(key, &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 1, (const int64_t[]){1});
    lk_graph_output(g, output, lk_graph_add(g, x, lk_graph_weight(g, &tensor, 0, NULL)));
    assert_ok(lk_session_of_graph(runtime, g, key, "cpu", &session, &err), &err);
    lk_graph_free(g);
    return session;
}

static const char *output_name(lk_session *session)
{
    const struct lk_port *ports;
    lk_session_outputs(session, &ports);
    return ports->name;
}

static void the_pool_drops_what_was_idle_longest_when_the_budget_is_spent(void **state)
{
    (void)state;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.threads = 1;
    options.memory = (size_t)5 << 19; /* 2.5 MB */
    struct lk_error err;
    lk_runtime *runtime;
    assert_ok(lk_runtime_open(&options, &runtime, &err), &err);
    lk_session_release(open_megabyte(runtime, "a", "old"));
    lk_session_release(open_megabyte(runtime, "b", "old"));
    lk_session *a = open_megabyte(runtime, "a", "new"); /* used again: b is idle longest now */
    assert_string_equal(output_name(a), "old");
    assert_true(lk_runtime_make_room(runtime, 1 << 18));
    lk_session *c = open_megabyte(runtime, "c", "old");
    lk_session *b = open_megabyte(runtime, "b", "new"); /* had to go for c; a and c are in use */
    assert_string_equal(output_name(b), "new");
    assert_string_equal(output_name(a), "old");
    assert_false(lk_runtime_make_room(runtime, 1));
    lk_session_release(a);
    lk_session_release(b);
    lk_session_release(c);
    lk_runtime_free(runtime);
}

static void a_network_larger_than_the_whole_budget_is_refused(void **state)
{
    (void)state;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.memory = 100;
    struct lk_error err;
    lk_runtime *runtime;
    lk_session *session = NULL;
    assert_ok(lk_runtime_open(&options, &runtime, &err), &err);
    assert_fails(lk_session_open(runtime, write_half_model(0x3c00), "cpu", &session, &err), &err,
                 LK_E_FAILED, "--memory");
    lk_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_library_names_the_remedy),
        cmocka_unit_test(the_processor_is_a_device_and_others_are_refused_by_name),
        cmocka_unit_test(ports_tell_names_types_and_free_sizes),
        cmocka_unit_test(what_does_not_fit_a_port_is_refused_by_name),
        cmocka_unit_test(networks_in_half_precision_take_and_give_f32),
        cmocka_unit_test(a_file_that_is_replaced_is_another_network),
        cmocka_unit_test(a_run_ends_early_when_the_caller_stops_it),
        cmocka_unit_test(threads_share_sessions_and_run_them_at_once),
        cmocka_unit_test(a_key_is_created_once),
        cmocka_unit_test(the_pool_drops_what_was_idle_longest_when_the_budget_is_spent),
        cmocka_unit_test(a_network_larger_than_the_whole_budget_is_refused),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
