// SPDX-License-Identifier: Apache-2.0
/* ONNX files whose convolutions are computed by our own kernels give what the engine alone gives.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "runtime/contract.h"
#include "runtime/graph/onnx.h"
#include "support/scratch.h"
#include "support/temp.h"

#define MAX_PORTS 16

/* What a network answers to noise; h, w: where its size is free. */
struct answer {
    struct lk_array list[MAX_PORTS];
    size_t count;
};

static void run(lk_runtime *runtime, const char *path, int h, int w, struct answer *out)
{
    struct lk_error err;
    lk_session *session;
    const struct lk_port *in, *ports;
    struct lk_array inputs[MAX_PORTS];
    const char *in_names[MAX_PORTS], *names[MAX_PORTS];
    assert_ok(lk_session_open(runtime, path, "cpu", &session, &err), &err);
    const size_t n = lk_session_inputs(session, &in);
    out->count = lk_session_outputs(session, &ports);
    assert_true(n <= MAX_PORTS && out->count <= MAX_PORTS);
    for (size_t i = 0; i < n; i++) {
        in_names[i] = in[i].name;
        inputs[i] = (struct lk_array){.dtype = in[i].dtype, .rank = in[i].rank};
        const int64_t sizes[] = {1, 3, h, w};
        size_t count = 1;
        for (int d = 0; d < in[i].rank; d++) {
            inputs[i].shape[d] = in[i].shape[d] < 0 ? sizes[d] : in[i].shape[d];
            count *= (size_t)inputs[i].shape[d];
        }
        inputs[i].data = malloc(count * sizeof(float));
        assert_non_null(inputs[i].data);
        fill(3, count, inputs[i].data);
    }
    for (size_t i = 0; i < out->count; i++)
        names[i] = ports[i].name;
    assert_ok(
        lk_session_run(session, n, in_names, inputs, out->count, names, out->list, NULL, &err),
        &err);
    for (size_t i = 0; i < n; i++)
        free(inputs[i].data);
    lk_session_release(session);
}

/* The error of all outputs together beside their own strength, dB. */
static double decibel(const struct answer *have, const struct answer *want)
{
    double signal = 0, noise = 1e-30;
    assert_int_equal(have->count, want->count);
    for (size_t i = 0; i < want->count; i++) {
        const size_t count = lk_array_count(&want->list[i]);
        const float *x = have->list[i].data, *y = want->list[i].data;
        assert_int_equal(lk_array_count(&have->list[i]), count);
        for (size_t k = 0; k < count; k++) {
            signal += (double)y[k] * (double)y[k];
            noise += ((double)x[k] - (double)y[k]) * ((double)x[k] - (double)y[k]);
        }
    }
    return 10 * log10(signal / noise);
}

static void networks_compute_what_the_engine_does(void **state)
{
    static const struct {
        const char *file;
        int height, width;
        bool ours; /* other kernels round otherwise, so the answers are not equal to the bit */
    } rows[] = {
        {"detector/scrfd_2.5g_bnkps_640.onnx", 0, 0, true},
        {"detector/retinaface_mobilenet0.25_640.onnx", 0, 0, true},
        {"converted/ntire22_team04_rlfn_x4.onnx", 37, 50, true},
        {"converted/waifu2x_upconv7_photo_scale2.0x.onnx", 41, 33, true},
        {"detector/yunet_n_dynamic.onnx", 64, 96, false}, /* of channels one by one */
        {"starter/pack/swapper.onnx", 0, 0, true},        /* weights as whole numbers */
        {"starter/pack/parser.onnx", 0, 0, true},
        {"starter/pack/landmarker.onnx", 0, 0, true},
    };
    lk_runtime *plain;
    struct lk_runtime_options options;
    struct lk_error err;
    lk_runtime_options_init(&options);
    options.plain = true;
    options.threads = lk_runtime_threads(*state);
    assert_ok(lk_runtime_open(&options, &plain, &err), &err);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct answer have, want;
        const char *source = getenv("LIKENESS_SOURCE"), *file = rows[i].file;
        char *path = strncmp(file, "starter/", 8)
                         ? strdup(shared_path(file))
                         : test_format("%s/%s", source ? source : ".", file);
        run(*state, path, rows[i].height, rows[i].width, &have);
        run(plain, path, rows[i].height, rows[i].width, &want);
        const double near = decibel(&have, &want);
        print_message("%s: %.0f dB\n", file, near);
        assert_true(near > 80);
        assert_int_equal(near < 200, rows[i].ours && lk_runtime_kernels(*state) != NULL);
        lk_arrays_free(have.list, have.count);
        lk_arrays_free(want.list, want.count);
        free(path);
    }
    lk_runtime_free(plain);
}

/* y = Conv(x, w) with 16 channels; w is an initializer, and where it is `listed` an input too, as
 * in files of the first years; or it is made of one by casts to the ONNX types. */
static char *write_model(const char *file, bool listed, size_t casts, const int64_t *types)
{
    static const int64_t shape[] = {16, 16, 3, 3}, picture[] = {1, 16, 9, 7};
    static const char *const arrays[] = {"w", "w1", "w2"}, *const y = "y";
    const char *const inputs[] = {"x", arrays[casts]};
    float numbers[16 * 16 * 9];
    struct lk__onnx onnx = {.arena = lk_arena_new(1 << 16)};
    struct lk_proto model;
    fill(5, LK_ARRAY_LENGTH(numbers), numbers);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(numbers); i++)
        numbers[i] *= 3;
    lk__onnx_port(&onnx, FIELD_GRAPH_INPUT, "x", LK_F32, 4, picture);
    if (listed)
        lk__onnx_port(&onnx, FIELD_GRAPH_INPUT, "w", LK_F32, 4, shape);
    lk__onnx_port(&onnx, FIELD_GRAPH_OUTPUT, y, LK_F32, 4, (const int64_t[]){1, 16, 7, 5});
    lk__onnx_initializer(&onnx, "w", LK_F32, 4, shape, numbers);
    for (size_t i = 0; i < casts; i++) {
        const struct lk__attribute to = {.name = "to", .type = LK__ATTR_INT, .i = types[i]};
        lk__onnx_node(&onnx, "Cast", arrays[i + 1], 1, &arrays[i], 1, &arrays[i + 1], 1, &to);
    }
    lk__onnx_node(&onnx, "Conv", "conv", 2, inputs, 1, &y, 0, NULL);
    lk__onnx_finish(&onnx, "convolution", &model);
    char *path = strdup(scratch_write(file, model.bytes, model.size));
    lk_proto_free(&model);
    lk_arena_free(onnx.arena);
    return path;
}

static void weights_are_what_the_file_makes_of_them(void **state)
{
    enum { I32 = 6, F32 = 1, BOOL = 9 };
    static const struct {
        const char *file;
        bool listed;
        size_t casts;
        int64_t types[2];
    } rows[] = {{"constant.onnx", false, 0, {0}},
                {"listed.onnx", true, 0, {0}},
                {"same.onnx", false, 1, {F32}},
                {"cut.onnx", false, 2, {I32, F32}},
                {"signs.onnx", false, 2, {BOOL, F32}}};
    lk_runtime *plain;
    open_plain_runtime((void **)&plain);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct answer have, want;
        struct lk_error err;
        lk_session *session;
        const struct lk_port *in;
        char *path = write_model(rows[i].file, rows[i].listed, rows[i].casts, rows[i].types);
        assert_ok(lk_session_open(*state, path, "cpu", &session, &err), &err);
        assert_int_equal(lk_session_inputs(session, &in), 1);
        lk_session_release(session);
        run(*state, path, 0, 0, &have);
        run(plain, path, 0, 0, &want);
        assert_true(decibel(&have, &want) > 80);
        lk_arrays_free(have.list, have.count);
        lk_arrays_free(want.list, want.count);
        free(path);
    }
    lk_runtime_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_compute_what_the_engine_does),
                                       cmocka_unit_test(weights_are_what_the_file_makes_of_them)};
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
