// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/affine.h"
#include "stages/fit/fit.h"
#include "stages/test_fit_scene.h"

#define N 128

static struct lk_fit_options defaults(void)
{
    struct lk_fit_options options;
    lk_fit_options_init(&options);
    return options;
}

/* A canvas with a face in it, turned and larger than the crop. */
static struct lk_picture *canvas_with_face(const struct lk_affine *to_crop)
{
    struct lk_picture *canvas, *face = scene_face(N, 0);
    struct lk_mask *all = scene_mask(N, N, 1);
    assert_int_equal(lk_picture_new(300, 260, 3, LK_PIXEL_F32, &canvas, NULL), 0);
    for (int i = 0; i < 300 * 260 * 3; i++)
        canvas->f32[i] = 0.3f + 0.001f * (float)(i % 97);
    assert_int_equal(lk_affine_paste(canvas, face, all, to_crop, NULL), 0);
    lk_picture_free(face);
    lk_mask_free(all);
    return canvas;
}

/* True when bilinear sampling of the mask at crop coordinates p sees only zeros. */
static bool outside(const struct lk_mask *mask, const float p[2])
{
    int x0 = (int)floorf(p[0]), y0 = (int)floorf(p[1]);
    for (int y = y0; y < y0 + 2; y++) {
        for (int x = x0; x < x0 + 2; x++) {
            if (x >= 0 && x < N && y >= 0 && y < N && mask->value[y * N + x] > 0)
                return false;
        }
    }
    return true;
}

static void a_pasted_face_leaves_every_pixel_outside_its_mask_bit_identical(void **state)
{
    (void)state;
    const struct lk_affine to_crop = {{0.55, 0.2, -40, -0.2, 0.55, 5}};
    struct lk_picture *canvas = canvas_with_face(&to_crop), *was = scene_copy(canvas);
    struct lk_picture *original, *refined = scene_face(N, 4), *out;
    struct lk_fit_options options = defaults();
    struct lk_mask *mask;
    float points[5][2];
    scene_points(N, points);
    assert_int_equal(lk_affine_crop(canvas, &to_crop, N, N, &original, NULL), 0);
    assert_int_equal(lk_fit_face(original, refined, (const float(*)[2])points, NULL, 0, &options,
                                 NULL, &out, &mask, NULL, NULL),
                     0);
    assert_int_equal(lk_affine_paste(canvas, out, mask, &to_crop, NULL), 0);
    int changed = 0;
    for (int i = 0; i < 300 * 260; i++) {
        float at[2] = {(float)(i % 300), (float)(i / 300)}, in_crop[2];
        lk_affine_apply(&to_crop, at, in_crop);
        if (outside(mask, in_crop))
            assert_memory_equal(canvas->f32 + i * 3, was->f32 + i * 3, 12);
        else
            changed += memcmp(canvas->f32 + i * 3, was->f32 + i * 3, 12) != 0;
    }
    assert_true(changed > 5000);
    lk_picture_free(canvas);
    lk_picture_free(was);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(out);
    lk_mask_free(mask);
}

static void repeated_passes_of_an_unchanged_face_do_no_damage(void **state)
{
    (void)state;
    struct lk_picture *first = scene_face(N, 0), *now = scene_copy(first);
    struct lk_fit_options options = defaults();
    float points[5][2];
    scene_points(N, points);
    for (int pass = 0; pass < 20; pass++) {
        struct lk_picture *out;
        struct lk_mask *mask;
        assert_int_equal(lk_fit_face(now, now, (const float(*)[2])points, NULL, 0, &options, NULL,
                                     &out, &mask, NULL, NULL),
                         0);
        lk_picture_free(now);
        lk_mask_free(mask);
        now = out;
    }
    assert_true(scene_difference(first, now) < 1e-5);
    lk_picture_free(first);
    lk_picture_free(now);
}

struct seen {
    int n;
    char names[400];
};

static void note(void *user, const char *name, const struct lk_picture *picture)
{
    struct seen *seen = user;
    assert_int_equal(picture->width, N);
    assert_int_equal(picture->type, LK_PIXEL_F32);
    seen->n++;
    size_t used = strlen(seen->names);
    snprintf(seen->names + used, sizeof seen->names - used, "%s ", name);
}

static void a_debugger_sees_each_step_and_a_report_says_what_was_done(void **state)
{
    (void)state;
    struct lk_picture *original = scene_face(N, 0), *refined = scene_face(N, 4), *out;
    struct seen seen = {0};
    struct lk_debug debug = {note, &seen};
    struct lk_fit_options options = defaults();
    struct lk_fit_report report;
    struct lk_mask *mask;
    float points[5][2];
    scene_points(N, points);
    for (int i = 0; i < N * N * 3; i++)
        refined->f32[i] *= 0.9f;
    assert_int_equal(lk_fit_face(original, refined, (const float(*)[2])points, NULL, 0, &options,
                                 &debug, &out, &mask, &report, NULL),
                     0);
    assert_int_equal(seen.n, 6);
    assert_string_equal(seen.names,
                        "fit/original fit/refined fit/light fit/lit fit/mask fit/blended ");
    assert_true(report.coverage > 0.3f && report.coverage < 0.9f);
    assert_float_equal(report.gain[0], pow(1 / 0.9, 2.4), 0.1);
    assert_true(report.blend.error <= options.blend.tolerance);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(out);
    lk_mask_free(mask);
}

static void broken_crops_are_refused_in_one_sentence(void **state)
{
    (void)state;
    struct lk_picture *face = scene_face(N, 0), *broken = scene_face(N, 1);
    struct lk_picture *small = scene_face(64, 0), *out = NULL;
    const struct lk_picture *refined[2] = {small, broken};
    struct lk_fit_options options = defaults();
    struct lk_mask *mask = NULL;
    float points[5][2];
    scene_points(N, points);
    broken->f32[77] = NAN;
    for (int i = 0; i < 2; i++) {
        struct lk_error err;
        assert_int_equal(lk_fit_face(face, refined[i], (const float(*)[2])points, NULL, 0, &options,
                                     NULL, &out, &mask, NULL, &err),
                         LK_E_INPUT);
        assert_non_null(strstr(err.message, i ? "weights" : "64x64"));
    }
    assert_null(out);
    assert_null(mask);
    lk_picture_free(face);
    lk_picture_free(broken);
    lk_picture_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pasted_face_leaves_every_pixel_outside_its_mask_bit_identical),
        cmocka_unit_test(repeated_passes_of_an_unchanged_face_do_no_damage),
        cmocka_unit_test(a_debugger_sees_each_step_and_a_report_says_what_was_done),
        cmocka_unit_test(broken_crops_are_refused_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
