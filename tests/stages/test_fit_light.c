// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/fit/light.h"
#include "stages/test_fit_scene.h"

#define N 192

/* Bright on the left, warmer towards the bottom, a vault in the middle. */
static double ramp(double u, double v, int c)
{
    static const double tint[3] = {0.12, 0, -0.15};
    return exp(0.2 - 0.35 * u + 0.15 * v - 0.2 * u * u + 0.1 * u * v + tint[c] + tint[c] * v / 3);
}

static double warm(double u, double v, int c)
{
    static const double gain[3] = {1.4, 1.0, 0.7};
    (void)u, (void)v;
    return gain[c];
}

static double blinding(double u, double v, int c)
{
    (void)u, (void)v, (void)c;
    return 0.1;
}

/* The greatest relative error of the gains where the mask is. */
static double worst_gain(const struct lk_light *light,
                         const struct lk_mask *mask,
                         double (*gain)(double, double, int))
{
    double worst = 0;
    for (int y = 0; y < N; y++) {
        for (int x = 0; x < N; x++) {
            if (!(mask->value[y * N + x] > 0))
                continue;
            double u = 2.0 * x / (N - 1) - 1, v = 2.0 * y / (N - 1) - 1;
            for (int c = 0; c < 3; c++)
                worst = fmax(worst, fabs(lk_light_gain(light, c, x, y, N, N) / gain(u, v, c) - 1));
        }
    }
    return worst;
}

static struct lk_light fit(const struct lk_picture *original,
                           const struct lk_picture *refined,
                           const struct lk_mask *mask)
{
    struct lk_light_options options;
    struct lk_light light;
    lk_light_options_init(&options);
    assert_int_equal(lk_light_fit(original, refined, mask, &options, &light, NULL), 0);
    return light;
}

static void a_ramp_of_light_is_recovered_within_5_percent(void **state)
{
    (void)state;
    struct lk_picture *refined = scene_face(N, 0), *original = scene_face(N, 0), *lit;
    struct lk_mask *mask = scene_disc(N, N / 2.0f, N / 2.0f, N * 0.33f);
    scene_relight(original, ramp);
    struct lk_light light = fit(original, refined, mask);
    assert_true(worst_gain(&light, mask, ramp) < 0.05);
    assert_int_equal(lk_light_apply(&light, refined, &lit, NULL), 0);
    for (int i = 0; i < N * N * 3; i++) {
        if (mask->value[i / 3] > 0)
            assert_float_equal(lit->f32[i], original->f32[i], 0.02);
    }
    lk_picture_free(lit);
    lk_picture_free(refined);
    lk_picture_free(original);
    lk_mask_free(mask);
}

static void another_person_in_the_same_light_keeps_gains_near_1(void **state)
{
    (void)state;
    struct lk_picture *refined = scene_face(N, 3), *original = scene_face(N, 0);
    struct lk_mask *mask = scene_disc(N, N / 2.0f, N / 2.0f, N * 0.33f);
    struct lk_light light = fit(original, refined, mask);
    for (int y = 0; y < N; y += 3) {
        for (int x = 0; x < N; x += 3) {
            if (mask->value[y * N + x] > 0)
                assert_float_equal(lk_light_gain(&light, 1, x, y, N, N), 1, 0.03);
        }
    }
    lk_picture_free(refined);
    lk_picture_free(original);
    lk_mask_free(mask);
}

static void a_beard_is_not_lit_away(void **state)
{
    (void)state;
    struct lk_picture *refined = scene_face(N, 0), *original = scene_face(N, 0);
    struct lk_mask *mask = scene_disc(N, N / 2.0f, N / 2.0f, N * 0.33f);
    for (int y = N * 63 / 100; y < N; y++) {
        for (int i = 0; i < N * 3; i++)
            refined->f32[y * N * 3 + i] *= 0.35f;
    }
    scene_relight(original, warm);
    struct lk_light light = fit(original, refined, mask);
    assert_true(worst_gain(&light, mask, warm) < 0.08);
    lk_picture_free(refined);
    lk_picture_free(original);
    lk_mask_free(mask);
}

static void gains_end_at_the_limit(void **state)
{
    (void)state;
    struct lk_picture *refined = scene_face(N, 0), *original = scene_face(N, 0);
    struct lk_mask *mask = scene_disc(N, N / 2.0f, N / 2.0f, N * 0.33f);
    scene_relight(original, blinding);
    struct lk_light light = fit(original, refined, mask);
    for (int x = 0; x < N; x++) {
        float gain = lk_light_gain(&light, 0, x, x, N, N);
        assert_true(gain >= 1 / 2.5f - 1e-5f && gain < 0.5f);
    }
    lk_picture_free(refined);
    lk_picture_free(original);
    lk_mask_free(mask);
}

static void equal_faces_are_left_alone_and_so_is_an_empty_mask(void **state)
{
    (void)state;
    struct lk_picture *face = scene_face(N, 0), *other = scene_face(N, 2), *lit;
    struct lk_mask *mask = scene_disc(N, N / 2.0f, N / 2.0f, N * 0.33f);
    struct lk_mask *empty = scene_mask(N, N, 0);
    struct lk_light light = fit(face, face, mask);
    assert_int_equal(lk_light_apply(&light, face, &lit, NULL), 0);
    assert_true(scene_difference(face, lit) < 1e-6);
    light = fit(face, other, empty);
    assert_float_equal(lk_light_gain(&light, 0, 5, 5, N, N), 1, 0);
    assert_float_equal(light.mean[0], 1, 0);
    lk_picture_free(lit);
    lk_picture_free(face);
    lk_picture_free(other);
    lk_mask_free(mask);
    lk_mask_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ramp_of_light_is_recovered_within_5_percent),
        cmocka_unit_test(another_person_in_the_same_light_keeps_gains_near_1),
        cmocka_unit_test(a_beard_is_not_lit_away),
        cmocka_unit_test(gains_end_at_the_limit),
        cmocka_unit_test(equal_faces_are_left_alone_and_so_is_an_empty_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
