// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "stages/fit/mask.h"
#include "stages/test_fit_scene.h"

#define N 128

/* FaceFusion's create_static_box_mask((128, 128), 0.3, …) with OpenCV 5.0, every second pixel of
 * row 64, and with padding (25, 0, 10, 0) every eighth pixel of column 64:
 *
 *     b = int(128 * 0.5 * 0.3); a = max(b // 2, 1); m = np.ones((128, 128), np.float32)
 *     m[:max(a, int(128*p[0]/100))] = 0; …; m = cv2.GaussianBlur(m, (0, 0), b * 0.25) */
static const float row_64[] = {0.072971f, 0.098552f, 0.175435f, 0.300081f, 0.458236f, 0.624174f,
                               0.769816f, 0.876999f, 0.943178f, 0.977468f, 0.992376f, 0.997815f};
static const float column_64[] = {0, 0, 0.00052f, 0.056822f, 0.541996f, 0.963515f, 0.999769f, 1, 1,
                                  1, 1, 1,        1,         0.992376f, 0.769817f, 0.171294f};

static void the_box_is_facefusions(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    struct lk_mask *mask;
    lk_fit_mask_options_init(&options);
    assert_int_equal(lk_fit_mask_box(N, N, &options, &mask, NULL), 0);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(row_64); i++) {
        assert_float_equal(mask->value[64 * N + 2 * i], row_64[i], 2e-6);
        assert_float_equal(mask->value[2 * i * N + 64], row_64[i], 2e-6);
    }
    assert_float_equal(mask->value[3 * N + 5], 0.030353155, 2e-6);
    lk_mask_free(mask);
    options.padding[0] = 0.25f;
    options.padding[2] = 0.10f;
    assert_int_equal(lk_fit_mask_box(N, N, &options, &mask, NULL), 0);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(column_64); i++)
        assert_float_equal(mask->value[8 * i * N + 64], column_64[i], 2e-6);
    lk_mask_free(mask);
}

static void a_box_without_blur_has_a_border_of_one_pixel(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    struct lk_mask *mask;
    lk_fit_mask_options_init(&options);
    options.blur = 0;
    assert_int_equal(lk_fit_mask_box(9, 5, &options, &mask, NULL), 0);
    for (int y = 0; y < 5; y++) {
        for (int x = 0; x < 9; x++)
            assert_float_equal(mask->value[y * 9 + x], x > 0 && x < 8 && y > 0 && y < 4 ? 1 : 0, 0);
    }
    lk_mask_free(mask);
}

static float at(const struct lk_mask *mask, const float point[2])
{
    return mask->value[(int)lrintf(point[1]) * mask->width + (int)lrintf(point[0])];
}

/* Turns points around the crop's centre. */
static void turn(float (*points)[2], float degrees)
{
    float c = cosf(degrees * 0.0174533f), s = sinf(degrees * 0.0174533f);
    for (int i = 0; i < 5; i++) {
        float x = points[i][0] - N / 2, y = points[i][1] - N / 2;
        points[i][0] = c * x - s * y + N / 2;
        points[i][1] = s * x + c * y + N / 2;
    }
}

static void the_face_shape_holds_all_points_at_any_roll_and_yaw(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    lk_fit_mask_options_init(&options);
    for (int roll = 0; roll < 360; roll += 45) {
        for (int profile = 0; profile < 2; profile++) {
            struct lk_mask *mask;
            float points[5][2];
            scene_points(N, points);
            for (int i = 0; profile && i < 5; i++)
                points[i][0] = points[i][0] * 0.3f + 20 + (i == 2 ? 30 : 0);
            for (int i = 0; i < 5; i++) { /* half size: the whole face is in the crop */
                points[i][0] = points[i][0] / 2 + N / 4;
                points[i][1] = points[i][1] / 2 + N / 4;
            }
            turn(points, (float)roll);
            assert_int_equal(
                lk_fit_mask_face(N, N, (const float(*)[2])points, &options, &mask, NULL), 0);
            for (int i = 0; i < 5; i++)
                assert_true(at(mask, points[i]) > 0.95f);
            assert_float_equal(mask->value[0], 0, 0);
            lk_mask_free(mask);
        }
    }
}

static void points_that_are_no_face_are_refused(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    struct lk_mask *mask = NULL;
    struct lk_error err;
    float points[5][2] = {{5, 5}, {5, 5}, {5, 5}, {5, 5}, {5, 5}};
    lk_fit_mask_options_init(&options);
    assert_int_equal(lk_fit_mask_face(N, N, (const float(*)[2])points, &options, &mask, &err),
                     LK_E_INPUT);
    scene_points(N, points);
    points[2][0] = NAN;
    assert_int_equal(lk_fit_mask_face(N, N, (const float(*)[2])points, &options, &mask, &err),
                     LK_E_INPUT);
    points[2][0] = 60;
    points[0][1] = INFINITY;
    assert_int_equal(lk_fit_mask(N, N, (const float(*)[2])points, NULL, 0, &options, &mask, &err),
                     LK_E_INPUT);
    assert_null(mask);
}

static void the_whole_mask_is_0_on_the_border_and_1_on_the_nose(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    lk_fit_mask_options_init(&options);
    options.grow = 3; /* larger than the crop: only the box holds it in */
    struct lk_mask *mask;
    float points[5][2];
    scene_points(N, points);
    assert_int_equal(lk_fit_mask(N, N, (const float(*)[2])points, NULL, 0, &options, &mask, NULL),
                     0);
    for (int i = 0; i < N; i++) {
        assert_float_equal(mask->value[i], 0, 0);
        assert_float_equal(mask->value[(N - 1) * N + i], 0, 0);
        assert_float_equal(mask->value[i * N], 0, 0);
        assert_float_equal(mask->value[i * N + N - 1], 0, 0);
    }
    assert_float_equal(at(mask, points[2]), 1, 1e-3);
    lk_mask_free(mask);
}

static void further_masks_take_away_and_must_fit(void **state)
{
    (void)state;
    struct lk_fit_mask_options options;
    struct lk_mask *mask, *hand = scene_disc(N, 64, 64, 20), *small = scene_mask(4, 4, 1);
    const struct lk_mask *extra[2] = {hand, small};
    struct lk_error err;
    float points[5][2];
    lk_fit_mask_options_init(&options);
    scene_points(N, points);
    assert_int_equal(lk_fit_mask(N, N, (const float(*)[2])points, extra, 1, &options, &mask, &err),
                     0);
    for (int i = 0; i < N * N; i++)
        assert_true(hand->value[i] > 0 || mask->value[i] == 0);
    lk_mask_free(mask);
    assert_int_equal(lk_fit_mask(N, N, (const float(*)[2])points, extra, 2, &options, &mask, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "4x4"));
    lk_mask_free(hand);
    lk_mask_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_box_is_facefusions),
        cmocka_unit_test(a_box_without_blur_has_a_border_of_one_pixel),
        cmocka_unit_test(the_face_shape_holds_all_points_at_any_roll_and_yaw),
        cmocka_unit_test(points_that_are_no_face_are_refused),
        cmocka_unit_test(the_whole_mask_is_0_on_the_border_and_1_on_the_nose),
        cmocka_unit_test(further_masks_take_away_and_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
