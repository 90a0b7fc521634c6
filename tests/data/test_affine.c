// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/affine.h"
#include "data/golden_affine.h"
#include "support/check.h"

enum { W = 16, H = 12, N = 8 };

/* The picture of tools/golden/affine.py; type u8 rounds it. */
static struct lk_picture *picture(int width, int height, enum lk_pixel type)
{
    struct lk_error err;
    struct lk_picture *p, *out;
    assert_ok(lk_picture_new(width, height, 3, LK_PIXEL_F32, &p, &err), &err);
    for (int i = 0; i < width * height * 3; i++)
        p->f32[i] =
            (float)(0.5 + 0.4 * sin(0.3 * (i / 3 % width) + i % 3) * cos(0.25 * (i / 3 / width)));
    assert_ok(lk_picture_convert(p, type, &out, &err), &err);
    lk_picture_free(p);
    return out;
}

static struct lk_affine affine(const double m[6], double scale)
{
    struct lk_affine a;
    for (int i = 0; i < 6; i++)
        a.m[i] = m[i] * scale;
    return a;
}

static void assert_near(const float *got, const float *golden, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs((double)got[i] - (double)golden[i]) <= tolerance))
            fail_msg("number %zu is %.8g, not %.8g", i, (double)got[i], (double)golden[i]);
    }
}

static void a_similarity_equals_umeyama(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a;
    assert_ok(lk_affine_similarity((const float(*)[2])points_from, (const float(*)[2])points_to, 5,
                                   &a, &err),
              &err);
    for (int i = 0; i < 6; i++)
        assert_true(fabs(a.m[i] - similarity[i]) < 1e-6 * (1 + fabs(similarity[i])));
}

static void a_mirrored_face_is_not_reflected(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a;
    static const float from[3][2] = {{0, 0}, {2, 0}, {0, 1}}, to[3][2] = {{0, 0}, {-2, 0}, {0, 1}};
    assert_ok(lk_affine_similarity(from, to, 3, &a, &err), &err);
    assert_true(a.m[0] * a.m[4] - a.m[1] * a.m[3] > 0);
}

static void points_that_cannot_be_aligned_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a = {{7}};
    static const float same[3][2] = {{4, 4}, {4, 4}, {4, 4}},
                       apart[3][2] = {{0, 0}, {1, 0}, {0, 1}},
                       bad[3][2] = {{0, 0}, {NAN, 0}, {0, 1}};
    assert_fails(lk_affine_similarity(same, apart, 3, &a, &err), &err, LK_E_INPUT, "coincide");
    assert_fails(lk_affine_similarity(apart, same, 3, &a, &err), &err, LK_E_INPUT, "coincide");
    assert_fails(lk_affine_similarity(apart, apart, 1, &a, &err), &err, LK_E_INPUT, "coincide");
    assert_fails(lk_affine_similarity(apart, apart, 0, &a, &err), &err, LK_E_INPUT, "coincide");
    assert_fails(lk_affine_similarity(bad, apart, 3, &a, &err), &err, LK_E_INPUT, "finite");
    assert_fails(lk_affine_similarity(apart, bad, 3, &a, &err), &err, LK_E_INPUT, "finite");
    assert_true(a.m[0] == 7);
}

static void an_inverse_undoes_its_map(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a = affine(turn, 1), back, flat = {{1, 2, 3, 2, 4, 5}};
    float at[2] = {3.25f, -8.5f}, there[2], again[2];
    assert_ok(lk_affine_invert(&a, &back, &err), &err);
    lk_affine_apply(&a, at, there);
    lk_affine_apply(&back, there, again);
    assert_near(again, at, 2, 1e-5);
    assert_true(fabs(lk_affine_scale(&a) * lk_affine_scale(&back) - 1) < 1e-12);
    assert_fails(lk_affine_invert(&flat, &back, &err), &err, LK_E_INPUT, "onto a line");
}

static void a_crop_equals_its_definition_and_opencv(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a = affine(turn, 1);
    struct lk_picture *in = picture(W, H, LK_PIXEL_F32), *out;
    assert_ok(lk_affine_crop_bilinear(in, &a, N, N, &out, &err), &err);
    assert_near(out->f32, turned, N * N * 3, 1e-6);
    assert_near(out->f32, turned_cv2, N * N * 3,
                0.008); /* 1/64 pixel of a step to the border's 0 */
    lk_picture_free(out);
    assert_ok(lk_affine_crop(in, &a, N, N, &out, &err), &err); /* scale 0.97: the same */
    assert_near(out->f32, turned, N * N * 3, 1e-6);
    lk_picture_free(out);
    lk_picture_free(in);
    in = picture(W, H, LK_PIXEL_U8);
    assert_ok(lk_affine_crop_bilinear(in, &a, N, N, &out, &err), &err);
    assert_near(out->f32, turned, N * N * 3, 0.5 / 255 + 1e-6);
    lk_picture_free(out);
    lk_picture_free(in);
}

static void a_smaller_crop_averages_its_footprint(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a = affine(small, 1);
    struct lk_picture *in = picture(W, H, LK_PIXEL_F32), *out;
    assert_ok(lk_affine_crop(in, &a, N, N, &out, &err), &err);
    assert_near(out->f32, shrunk, N * N * 3, 1e-6);
    lk_picture_free(out);
    lk_picture_free(in);
}

/* A chess board of single pixels shrunk by 5 is grey; one bilinear sample would show black and
 * white. */
static void a_smaller_crop_does_not_alias(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *in, *out;
    assert_ok(lk_picture_new(100, 100, 3, LK_PIXEL_U8, &in, &err), &err);
    for (int i = 0; i < 100 * 100 * 3; i++)
        in->u8[i] = (i / 3 % 100 + i / 300) % 2 ? 255 : 0;
    struct lk_affine a = {{0.2, 0, -2, 0, 0.2, -2}};
    assert_ok(lk_affine_crop(in, &a, 16, 16, &out, &err), &err);
    for (int i = 0; i < 16 * 16 * 3; i++)
        assert_true(fabsf(out->f32[i] - 0.5f) < 0.03f);
    lk_picture_free(out);
    lk_picture_free(in);
}

static void the_identity_crop_keeps_every_byte(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_affine a = {{1, 0, 0, 0, 1, 0}};
    struct lk_picture *in = picture(W, H, LK_PIXEL_U8), *out, *back;
    assert_ok(lk_affine_crop(in, &a, W, H, &out, &err), &err);
    assert_ok(lk_picture_convert(out, LK_PIXEL_U8, &back, &err), &err);
    assert_memory_equal(back->u8, in->u8, W * H * 3);
    lk_picture_free(in);
    lk_picture_free(out);
    lk_picture_free(back);
}

static void a_crop_far_outside_is_black(void **state)
{
    (void)state;
    struct lk_error err;
    static const struct lk_affine maps[] = {
        {{1, 0, 5000, 0, 1, 0}}, {{1, 0, -1e300, 0, 1, 0}}, {{1e-6, 0, 1e9, 0, 1e-6, 1e9}}};
    struct lk_picture *in = picture(W, H, LK_PIXEL_F32), *out;
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        assert_ok(lk_affine_crop_bilinear(in, &maps[m], N, N, &out, &err), &err);
        for (int i = 0; i < N * N * 3; i++)
            assert_true(out->f32[i] == 0);
        lk_picture_free(out);
    }
    struct lk_affine bad = {{NAN, 0, 0, 0, 1, 0}};
    assert_fails(lk_affine_crop(in, &bad, N, N, &out, &err), &err, LK_E_INPUT, "alignment");
    lk_picture_free(in);
}

static struct lk_mask *golden_mask(void)
{
    struct lk_error err;
    struct lk_mask *mask;
    assert_ok(lk_mask_new(N, N, &mask, &err), &err);
    memcpy(mask->value, mask_values, sizeof mask_values);
    return mask;
}

static struct lk_picture *golden_face(void)
{
    struct lk_picture *face = picture(N, N, LK_PIXEL_F32);
    for (int i = 0; i < N * N * 3; i++)
        face->f32[i] = 1 - face->f32[i];
    return face;
}

static void pasting_equals_its_definition(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_mask *mask = golden_mask();
    struct lk_picture *face = golden_face();
    for (int i = 0; i < 2; i++) {
        struct lk_picture *canvas = picture(W, H, LK_PIXEL_F32);
        struct lk_affine a = affine(turn, i ? 2.2 : 1);
        assert_ok(lk_affine_paste(canvas, face, mask, &a, &err), &err);
        assert_near(canvas->f32, i ? pasted_small : pasted, W * H * 3, 1e-6);
        lk_picture_free(canvas);
    }
    lk_mask_free(mask);
    lk_picture_free(face);
}

/* Random maps, masks and even NaN on the canvas: where the mask has no weight, no bit changes. */
static void pixels_outside_the_mask_keep_their_bits(void **state)
{
    (void)state;
    struct lk_error err;
    srand(3);
    for (int round = 0; round < 50; round++) {
        struct lk_picture *canvas = picture(W * 4, H * 4, LK_PIXEL_F32), *before,
                          *white = golden_face();
        struct lk_mask *mask = golden_mask();
        for (int i = 0; i < N * N * 3; i++)
            white->f32[i] = 5; /* outside 0…1: whatever it touches shows */
        canvas->f32[7] = NAN;
        assert_ok(lk_picture_convert(canvas, LK_PIXEL_F32, &before, &err), &err);
        double angle = rand() % 628 / 100.0, scale = 0.2 + rand() % 300 / 100.0;
        struct lk_affine a = {{scale * cos(angle), -scale * sin(angle), rand() % 40 - 30,
                               scale * sin(angle), scale * cos(angle), rand() % 40 - 30}};
        assert_ok(lk_affine_paste(canvas, white, mask, &a, &err), &err);
        for (int y = 0; y < H * 4; y++) {
            for (int x = 0; x < W * 4; x++) {
                size_t at = ((size_t)y * W * 4 + (size_t)x) * 3;
                bool changed = memcmp(canvas->f32 + at, before->f32 + at, 3 * sizeof(float)) != 0;
                float in[2] = {(float)x, (float)y}, out[2];
                lk_affine_apply(&a, in, out);
                /* the mask is 0 at more than 3.8 from its middle; bilinear and footprint add
                 * √2 and half a canvas pixel's diagonal */
                double distance = hypot(out[0] - 3.5, out[1] - 3.5);
                if (distance > 3.8 + 1.4143 + 0.7072 * scale)
                    assert_false(changed);
            }
        }
        lk_picture_free(canvas);
        lk_picture_free(before);
        lk_picture_free(white);
        lk_mask_free(mask);
    }
}

static void an_empty_mask_changes_nothing(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *canvas = picture(W, H, LK_PIXEL_F32), *before = picture(W, H, LK_PIXEL_F32),
                      *face = golden_face();
    struct lk_mask *mask;
    struct lk_affine a = affine(turn, 1);
    assert_ok(lk_mask_new(N, N, &mask, &err), &err);
    assert_ok(lk_affine_paste(canvas, face, mask, &a, &err), &err);
    assert_memory_equal(canvas->f32, before->f32, W * H * 3 * sizeof(float));
    lk_mask_free(mask);
    lk_picture_free(canvas);
    lk_picture_free(before);
    lk_picture_free(face);
}

static void a_full_mask_brings_the_crop_back_exactly(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *canvas, *face = golden_face();
    struct lk_mask *mask;
    struct lk_affine a = {{1, 0, -3, 0, 1, -2}};
    assert_ok(lk_picture_new(W, H, 3, LK_PIXEL_F32, &canvas, &err), &err);
    assert_ok(lk_mask_new(N, N, &mask, &err), &err);
    for (int i = 0; i < N * N; i++)
        mask->value[i] = 1;
    assert_ok(lk_affine_paste(canvas, face, mask, &a, &err), &err);
    for (int y = 0; y < N; y++)
        assert_memory_equal(canvas->f32 + ((y + 2) * W + 3) * 3, face->f32 + y * N * 3,
                            N * 3 * sizeof(float));
    lk_mask_free(mask);
    lk_picture_free(canvas);
    lk_picture_free(face);
}

static void unfit_pictures_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *bytes = picture(W, H, LK_PIXEL_U8), *floats = picture(W, H, LK_PIXEL_F32),
                      *face = golden_face();
    struct lk_mask *mask;
    struct lk_affine a = affine(turn, 1);
    assert_ok(lk_mask_new(N, N - 1, &mask, &err), &err);
    assert_fails(lk_affine_paste(bytes, face, mask, &a, &err), &err, LK_E_FAILED, "float pictures");
    assert_fails(lk_affine_paste(floats, face, mask, &a, &err), &err, LK_E_FAILED, "8x7");
    lk_mask_free(mask);
    lk_picture_free(bytes);
    lk_picture_free(floats);
    lk_picture_free(face);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_similarity_equals_umeyama),
        cmocka_unit_test(a_mirrored_face_is_not_reflected),
        cmocka_unit_test(points_that_cannot_be_aligned_are_refused),
        cmocka_unit_test(an_inverse_undoes_its_map),
        cmocka_unit_test(a_crop_equals_its_definition_and_opencv),
        cmocka_unit_test(a_smaller_crop_averages_its_footprint),
        cmocka_unit_test(a_smaller_crop_does_not_alias),
        cmocka_unit_test(the_identity_crop_keeps_every_byte),
        cmocka_unit_test(a_crop_far_outside_is_black),
        cmocka_unit_test(pasting_equals_its_definition),
        cmocka_unit_test(pixels_outside_the_mask_keep_their_bits),
        cmocka_unit_test(an_empty_mask_changes_nothing),
        cmocka_unit_test(a_full_mask_brings_the_crop_back_exactly),
        cmocka_unit_test(unfit_pictures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
