// SPDX-License-Identifier: Apache-2.0
/* Weights are used where they lie: in every dtype, at any offset of a file or in memory, by our own
 * kernels and by the plain graph; and the exported pair of files holds the same numbers. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "support/scratch.h"

#define ROWS 5
#define COLUMNS 7
#define COUNT (ROWS * COLUMNS)

/* Small integers and halves: exact in f16 and bf16. */
static float number(size_t i)
{
    return (float)((int)(i * 13 % 17) - 8) / 2;
}

/* The upper 16 bits of f32 are bf16; f16 by rebiasing the exponent (no subnormals here). */
static void encode(enum lk_dtype dtype, size_t i, unsigned char *out)
{
    float value = number(i);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t half = (uint16_t)(bits >> 16);
    if (dtype == LK_F16)
        half = (uint16_t)(bits >> 16 & 0x8000) |
               (uint16_t)(value == 0 ? 0 : ((bits & 0x7fffffff) - 0x38000000) >> 13);
    if (dtype == LK_F32)
        memcpy(out, &bits, sizeof bits);
    else
        memcpy(out, &half, sizeof half);
}

/* y [1,ROWS] = x · wᵀ with w [ROWS,COLUMNS] */
static lk_graph *linear_of(const struct lk_tensor *tensor)
{
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new("linear", &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 2, (const int64_t[]){1, COLUMNS});
    lk_graph_at(g, "layer");
    lk_value w = lk_graph_weight(g, tensor, 2, (const int64_t[]){ROWS, COLUMNS});
    lk_graph_output(g, "y", lk_graph_linear(g, x, w, LK_NO_VALUE));
    assert_ok(lk_graph_status(g, &err), &err);
    return g;
}

static void check_linear(lk_session *session)
{
    float x[COLUMNS];
    fill(1, COLUMNS, x);
    const struct lk_array in = {LK_F32, 2, {1, COLUMNS}, x};
    struct lk_array out;
    struct lk_error err;
    assert_ok(run_one(session, "x", &in, "y", &out, &err), &err);
    for (size_t i = 0; i < ROWS; i++) {
        float want = 0;
        for (size_t j = 0; j < COLUMNS; j++)
            want += number(i * COLUMNS + j) * x[j];
        assert_true(fabsf(((float *)out.data)[i] - want) < 1e-5f);
    }
    free(out.data);
}

/* A tensor of that dtype, `offset` bytes into a file; bytes: room for file and tensor. */
static struct lk_tensor tensor_at(enum lk_dtype dtype,
                                  size_t offset,
                                  unsigned char *bytes,
                                  const char *path)
{
    const size_t size = lk_dtype_size(dtype);
    for (size_t i = 0; i < COUNT; i++)
        encode(dtype, i, bytes + offset + i * size);
    return (struct lk_tensor){
        .name = "w",
        .dtype = dtype,
        .rank = 4,
        .shape = {ROWS, COLUMNS, 1, 1},
        .data = bytes + offset,
        .size = COUNT * size,
        .path = path,
        .offset = offset,
    };
}

static const enum lk_dtype dtypes[] = {LK_F32, LK_F16, LK_BF16};

static void weights_of_every_dtype_are_read_at_any_offset_of_a_file(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(dtypes); i++) {
        for (size_t offset = 0; offset < 70; offset += 23) {
            unsigned char bytes[70 + COUNT * 4] = {0};
            struct lk_tensor tensor = tensor_at(dtypes[i], offset, bytes, NULL);
            tensor.path = scratch_write("weights.bin", bytes, sizeof bytes);
            lk_graph *g = linear_of(&tensor);
            struct lk_error err;
            lk_session *session;
            assert_ok(lk_session_of_graph(*state, g, NULL, "cpu", &session, &err), &err);
            lk_graph_free(g);
            check_linear(session);
            lk_session_release(session);
        }
    }
}

enum { WIDE = 256 };

/* y = x·wᵀ with w [256,256] in a file, x [N,256] of ones; streamed, or folded when it is loaded. */
static void run_wide(lk_runtime *runtime, enum lk_dtype dtype, bool streams, float *y)
{
    static unsigned char bytes[WIDE * WIDE * 4];
    static const float x[2 * WIDE] = {[0] = 1, [7] = -2, [WIDE] = 3, [2 * WIDE - 1] = 0.5f};
    for (size_t i = 0; i < (size_t)WIDE * WIDE; i++)
        encode(dtype, i % COUNT, bytes + i * lk_dtype_size(dtype));
    const struct lk_tensor w = {.name = "w",
                                .dtype = dtype,
                                .rank = 2,
                                .shape = {WIDE, WIDE},
                                .data = bytes,
                                .size = (size_t)WIDE * WIDE * lk_dtype_size(dtype),
                                .path = scratch_write("wide.bin", bytes, sizeof bytes)};
    const struct lk_array in = {LK_F32, 2, {2, WIDE}, (void *)x};
    struct lk_array out;
    struct lk_error err;
    lk_session *session;
    lk_graph *g;
    assert_ok(lk_graph_new("wide", &g, &err), &err);
    lk_value v = lk_graph_input(g, "x", LK_F32, 2, (const int64_t[]){LK_DYNAMIC, WIDE});
    v = lk_graph_linear(g, v, lk_graph_weight(g, &w, 0, NULL), LK_NO_VALUE);
    lk_graph_output(g, "y", v);
    lk_graph_save(g, (struct lk_graph_thrift){.streams = streams});
    const size_t f32 = (size_t)WIDE * WIDE * sizeof(float);
    assert_int_equal(lk_graph_bytes(g, streams), streams && dtype == LK_F32 ? 0 : f32);
    assert_ok(lk_session_of_graph(runtime, g, NULL, "cpu", &session, &err), &err);
    lk_graph_free(g);
    assert_ok(run_one(session, "x", &in, "y", &out, &err), &err);
    memcpy(y, out.data, 2 * WIDE * sizeof *y);
    free(out.data);
    lk_session_release(session);
}

static void streamed_weights_are_the_same_numbers(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(dtypes); i++) {
        float folded[2 * WIDE], streamed[2 * WIDE];
        run_wide(*state, dtypes[i], false, folded);
        run_wide(*state, dtypes[i], true, streamed);
        for (size_t k = 0; k < LK_ARRAY_LENGTH(folded); k++)
            assert_float_equal(streamed[k], folded[k], 1e-5);
        assert_float_equal(folded[0], number(0) - 2 * number(7), 1e-5);
    }
}

static void weights_in_memory_may_go_once_the_session_is_made(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(dtypes); i++) {
        unsigned char bytes[COUNT * 4];
        const struct lk_tensor tensor = tensor_at(dtypes[i], 0, bytes, NULL);
        lk_graph *g = linear_of(&tensor);
        struct lk_error err;
        lk_session *session;
        assert_ok(lk_session_of_graph(*state, g, NULL, "cpu", &session, &err), &err);
        lk_graph_free(g);
        memset(bytes, 0, sizeof bytes);
        check_linear(session);
        lk_session_release(session);
    }
}

static void an_exported_network_stands_alone(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(dtypes); i++) {
        unsigned char bytes[3 + COUNT * 4] = {0};
        const struct lk_tensor tensor = tensor_at(dtypes[i], 3, bytes, "/nowhere/at.all");
        lk_graph *g = linear_of(&tensor);
        struct lk_error err;
        lk_session *session;
        const char *path = scratch_path(lk_dtype_name(dtypes[i]));
        assert_ok(lk_graph_export(g, path, &err), &err);
        lk_graph_free(g);
        assert_ok(lk_session_open(*state, path, "cpu", &session, &err), &err);
        check_linear(session);
        lk_session_release(session);
    }
}

static void a_missing_weight_is_named_by_its_place(void **state)
{
    (void)state;
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new("unet", &g, &err), &err);
    lk_graph_at(g, "mid_block.resnets.%d.conv1", 1);
    lk_value w = lk_graph_weight(g, NULL, 0, NULL);
    assert_int_equal(w, LK_NO_VALUE);
    lk_graph_output(g, "y", lk_graph_scale(g, w, 2));
    assert_fails(lk_graph_status(g, &err), &err, LK_E_INPUT, "mid_block.resnets.1.conv1");
    assert_fails(lk_graph_export(g, "/nowhere", &err), &err, LK_E_INPUT, "missing");
    lk_graph_free(g);
}

static void a_weight_of_another_size_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[COUNT * 4];
    const struct lk_tensor tensor = tensor_at(LK_F32, 0, bytes, NULL);
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new("unet", &g, &err), &err);
    lk_graph_weight(g, &tensor, 2, (const int64_t[]){ROWS, COLUMNS + 1});
    assert_fails(lk_graph_status(g, &err), &err, LK_E_INPUT, "'w'");
    lk_graph_free(g);
}

static void operands_that_do_not_fit_are_refused_when_the_network_is_written(void **state)
{
    (void)state;
    struct lk_error err;
    for (int i = 0; i < 4; i++) {
        lk_graph *g;
        assert_ok(lk_graph_new("net", &g, &err), &err);
        lk_value x = lk_graph_input(g, "x", LK_F32, 3, (const int64_t[]){LK_DYNAMIC, 7, 6});
        lk_value w = lk_graph_constant(g, 2, (const int64_t[]){1, 2}, (const float[]){1, 2});
        if (i == 0)
            lk_graph_linear(g, x, w, LK_NO_VALUE);
        if (i == 1)
            lk_graph_attention(g, x, x, x, 4, 2, 0);
        if (i == 2)
            lk_graph_conv(g, x, w, LK_NO_VALUE, 3, 1, (const int[4]){0});
        if (i == 3)
            lk_graph_slice(g, x, 2, 4, 7);
        assert_int_equal(lk_graph_status(g, &err), LK_E_INPUT);
        lk_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_every_dtype_are_read_at_any_offset_of_a_file),
        cmocka_unit_test(streamed_weights_are_the_same_numbers),
        cmocka_unit_test(weights_in_memory_may_go_once_the_session_is_made),
        cmocka_unit_test(an_exported_network_stands_alone),
        cmocka_unit_test(a_missing_weight_is_named_by_its_place),
        cmocka_unit_test(a_weight_of_another_size_is_refused),
        cmocka_unit_test(operands_that_do_not_fit_are_refused_when_the_network_is_written),
    };
    return cmocka_run_group_tests_name("our kernels", tests, open_runtime, close_runtime) +
           cmocka_run_group_tests_name("plain", tests, open_plain_runtime, close_runtime);
}
