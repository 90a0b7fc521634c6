// SPDX-License-Identifier: Apache-2.0
/* RivaGAN as invisible-watermark ships it: its own decoder reads what we write. */
#include <stdlib.h>

#include "base/size.h"
#include "runtime/contract.h"
#include "stages/mark/rivagan.h"
#include "stages/watermark_attacks.h"
#include "support/check.h"
#include "support/scratch.h"

static const uint32_t bits = 0xfedcba98;

static lk_runtime *runtime;

static lk_rivagan *open_encoder(void)
{
    struct lk_error err;
    lk_rivagan *rivagan;
    const char *path = shared_path("watermark/rivagan_encoder.onnx");
    assert_ok(lk_rivagan_open(runtime, path, "cpu", &rivagan, &err), &err);
    return rivagan;
}

/* imwatermark/rivaGan.py, decode: a bit is set above 0.52. */
static uint32_t package_reads(const struct lk_picture *picture)
{
    struct lk_error err;
    lk_session *session;
    const char *path = shared_path("watermark/rivagan_decoder.onnx"), *in = "frame",
               *out = "output";
    size_t n = (size_t)picture->width * (size_t)picture->height;
    float *planes = malloc(3 * n * sizeof *planes);
    for (size_t i = 0; i < 3 * n; i++)
        planes[(2 - i % 3) * n + i / 3] = (float)picture->u8[i] / 127.5f - 1;
    struct lk_array frame = {LK_F32, 5, {1, 3, 1, picture->height, picture->width}, planes}, read;
    assert_ok(lk_session_open(runtime, path, "cpu", &session, &err), &err);
    assert_ok(lk_session_run(session, 1, &in, &frame, 1, &out, &read, NULL, &err), &err);
    uint32_t word = 0;
    for (int i = 0; i < 32; i++)
        word = word << 1 | (((float *)read.data)[i] > 0.52f);
    lk_arrays_free(&read, 1);
    lk_session_release(session);
    free(planes);
    return word;
}

static void the_packages_decoder_reads_it(void **state)
{
    (void)state;
    static const char *const photos[] = {"fr_obama.jpg", "human_ai-upper.jpg", "fr_biden.jpg"};
    struct lk_error err;
    lk_rivagan *rivagan = open_encoder();
    int wrong = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_square(photos[i], 256), *with = NULL;
        assert_ok(lk_rivagan_embed(rivagan, picture, bits, NULL, &with, &err), &err);
        wrong += __builtin_popcount(package_reads(with) ^ bits);
        assert_true(psnr(picture, with) > 38);
        lk_picture_free(picture);
        lk_picture_free(with);
    }
    assert_true(wrong <= 1); /* of 96; the package itself errs in 7 of 448 on every other photo */
    lk_rivagan_free(rivagan);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_rivagan *rivagan;
    assert_fails(lk_rivagan_open(runtime, shared_path("watermark/rivagan_decoder.onnx"), "cpu",
                                 &rivagan, &err),
                 &err, LK_E_INPUT, "data [1,32]");
}

static int open_runtime(void **state)
{
    (void)state;
    struct lk_error err;
    assert_ok(lk_runtime_open(NULL, &runtime, &err), &err);
    return 0;
}

static int close_runtime(void **state)
{
    (void)state;
    lk_runtime_free(runtime);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_packages_decoder_reads_it),
        cmocka_unit_test(another_network_is_refused),
    };
    return cmocka_run_group_tests_name("mark: rivagan", tests, open_runtime, close_runtime);
}
