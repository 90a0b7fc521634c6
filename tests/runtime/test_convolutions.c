// SPDX-License-Identifier: Apache-2.0
/* ONNX files whose convolutions are computed by our own kernels give what the engine alone gives.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "runtime/contract.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_compute_what_the_engine_does)};
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
