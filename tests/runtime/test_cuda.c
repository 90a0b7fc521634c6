// SPDX-License-Identifier: Apache-2.0
/* What is asked of the NVIDIA driver, of one that is none (fake_cuda.c), and what is said where
 * ONNX Runtime cannot use the GPUs that it tells of. */
#include "fixture.h"
#include "runtime/cuda.h"

static void the_driver_tells_how_many_gpus_there_are(void **state)
{
    const char *why = "";
    (void)state;
    assert_int_equal(lk__cuda_count(&why), 2);
    assert_null(why);
}

static void arrays_are_copied_in_the_gpus_context_and_awaited(void **state)
{
    const float from[] = {1, 2, 3};
    float to[3] = {0};
    (void)state;
    for (int times = 0; times < 2; times++)
        assert_int_equal(lk__cuda_copy(0, to, from, sizeof to), 0);
    assert_memory_equal(to, from, sizeof to);
    assert_int_equal(lk__cuda_copy(1, to, from, sizeof to), -1);
    assert_int_equal(lk__cuda_copy(2, to, from, sizeof to), -1);
    assert_int_equal(lk__cuda_copy(-1, to, from, sizeof to), -1);
}

static void a_gpu_that_the_engine_cannot_use_is_named_with_the_remedy(void **state)
{
    const struct lk_absent *absent;
    struct lk_error err;
    lk_session *session;
    lk_graph *g;
    assert_int_equal(lk_runtime_absent(*state, &absent), 2);
    assert_string_equal(absent[0].kind, "cuda");
    assert_true(strstr(absent[0].why, "tools/setup --gpu") || /* a CPU build of the engine */
                strstr(absent[0].why, "docs/runtime.md"));    /* a GPU build, without CUDA */
    assert_ok(lk_graph_new("any", &g, &err), &err);
    lk_graph_output(g, "y", lk_graph_input(g, "x", LK_F32, 1, (const int64_t[]){LK_DYNAMIC}));
    assert_fails(lk_session_of_graph(*state, g, NULL, "cuda", &session, &err), &err, LK_E_MISSING,
                 absent[0].why);
    assert_fails(lk_session_of_graph(*state, g, NULL, "tensorrt", &session, &err), &err,
                 LK_E_MISSING, "this machine has cpu");
    lk_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_driver_tells_how_many_gpus_there_are),
        cmocka_unit_test(arrays_are_copied_in_the_gpus_context_and_awaited),
        cmocka_unit_test(a_gpu_that_the_engine_cannot_use_is_named_with_the_remedy),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
