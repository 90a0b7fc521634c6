// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/judge/verify.h"
#include "stages/test_fit_scene.h"

#define N 128

struct fixture {
    struct lk_picture *before, *after;
    struct lk_mask *mask;
    struct lk_face was, is;
    struct lk_embedding identity;
    struct lk_verify_options options;
    struct lk_verify_input input;
};

static void unit(struct lk_embedding *e, float x, float y)
{
    e->size = 4;
    e->value[0] = x;
    e->value[1] = y;
    memcpy(e->embedder, "test", 5);
}

/* The same face twice, already that person's. */
static struct fixture *same_face(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->before = scene_face(N, 0);
    f->after = scene_face(N, 0);
    f->mask = scene_disc(N, N / 2, N / 2, 45);
    scene_points(N, f->was.points);
    f->is = f->was;
    unit(&f->was.embedding, 1, 0);
    unit(&f->is.embedding, 0, 1);
    unit(&f->identity, 0.6f, 0.8f);
    lk_verify_options_init(&f->options);
    f->input = (struct lk_verify_input){
        .before = f->before,
        .after = f->after,
        .mask = f->mask,
        .face_before = &f->was,
        .face_after = &f->is,
        .identity = &f->identity,
    };
    return f;
}

static void drop(struct fixture *f)
{
    lk_picture_free(f->before);
    lk_picture_free(f->after);
    lk_mask_free(f->mask);
    free(f);
}

static struct lk_verdict verdict_of(struct fixture *f)
{
    struct lk_verdict v;
    assert_int_equal(lk_verify_face(&f->input, &f->options, &v, NULL), 0);
    return v;
}

static void an_unchanged_face_passes_with_neutral_measures(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    struct lk_verdict v = verdict_of(f);
    assert_true(v.passed);
    assert_string_equal(v.reason, "");
    assert_float_equal(v.cosine_before, 0.6, 1e-6);
    assert_float_equal(v.cosine_after, 0.8, 1e-6);
    assert_float_equal(v.pose_shift, 0, 1e-3);
    assert_float_equal(v.feature_shift, 0, 1e-5);
    assert_float_equal(v.seam, 0, 0);
    assert_float_equal(v.sharpness, 1, 0);
    assert_float_equal(v.texture, 1, 0);
    assert_float_equal(v.light_shift, 0, 0);
    drop(f);
}

static void fails_because(struct fixture *f, const char *reason)
{
    struct lk_verdict v = verdict_of(f);
    assert_false(v.passed);
    if (!strstr(v.reason, reason))
        fail_msg("'%s' does not say '%s'", v.reason, reason);
    drop(f);
}

static void the_wrong_person_fails(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    unit(&f->is.embedding, -0.8f, 0.6f);
    fails_because(f, "not that person's: cosine 0.00");
}

static void a_lost_face_fails(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    f->input.face_after = NULL;
    f->input.face_lost = true;
    fails_because(f, "no face is found");
}

static void a_turned_head_fails_by_its_angle(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    f->was.yaw = 20;
    f->is.yaw = 40;
    f->was.roll = f->is.roll = 30;
    f->was.pitch = f->is.pitch = -10;
    fails_because(f, "turned: by 20.0 degrees");
}

static void an_age_that_is_not_the_asked_one_fails(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    f->input.years = 24;
    f->input.years_wanted = 61;
    struct lk_verdict v = verdict_of(f);
    assert_float_equal(v.age_gap, 37, 1e-4);
    assert_float_equal(v.excess, 17.0 / 20, 1e-4);
    fails_because(f, "the age is wrong: 37 years off");
}

/* One eye and one corner of the mouth go up; the other bounds let it pass. */
static void a_lopsided_face_fails(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    const float eyes = f->was.points[1][0] - f->was.points[0][0];
    f->options.feature_max = NAN;
    f->is.points[0][1] -= 0.3f * eyes;
    f->is.points[4][1] -= 0.3f * eyes;
    fails_because(f, "lopsided");
}

static void what_exceeds_several_bounds_exceeds_more(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    unit(&f->is.embedding, -0.8f, 0.6f);
    struct lk_verdict one = verdict_of(f);
    f->input.years = 90;
    f->input.years_wanted = 30;
    struct lk_verdict two = verdict_of(f);
    assert_true(one.excess > 0 && two.excess > one.excess + 1);
    assert_string_equal(one.reason, two.reason);
    drop(f);
}

static void a_face_is_looked_at_by_itself(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    struct lk_look look;
    const float side[5][2] = {{30, 40}, {70, 40}, {50, 60}, {35, 80}, {65, 80}};
    memcpy(f->is.points, side, sizeof side);
    assert_int_equal(lk_look_at_face(f->before, f->mask, &f->is, &look, NULL), 0);
    assert_float_equal(look.asymmetry, 0, 1e-5);
    assert_true(look.sharpness > 0 && look.texture > 0);
    f->is.points[2][0] += 20;
    assert_int_equal(lk_look_at_face(f->before, f->mask, &f->is, &look, NULL), 0);
    assert_true(look.asymmetry > 0.1f);
    drop(f);
}

static void bent_features_fail_and_a_shift_of_all_does_not(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    for (int i = 0; i < 5; i++) {
        f->is.points[i][0] = 1.1f * f->was.points[i][0] + 20;
        f->is.points[i][1] = 1.1f * f->was.points[i][1] - 9;
    }
    assert_true(verdict_of(f).passed);
    assert_float_equal(verdict_of(f).feature_shift, 0, 1e-4);
    f->is.points[2][0] += 20;
    fails_because(f, "features are bent");
}

static void a_hard_edge_is_a_seam_and_a_soft_one_is_none(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    for (int i = 0; i < N * N * 3; i++) {
        float x = (float)(i / 3 % N) - N / 2, y = (float)(i / 3) / N - N / 2;
        f->after->f32[i] += 0.08f * fminf(fmaxf((45 - hypotf(x, y)) / 30, 0), 1);
    }
    struct lk_verdict v = verdict_of(f);
    assert_true(v.seam < 1.0f / 255);
    assert_true(v.passed);
    for (int i = 0; i < N * N * 3; i++)
        f->after->f32[i] = f->before->f32[i] + (f->mask->value[i / 3] > 0 ? 0.08f : 0);
    v = verdict_of(f);
    assert_float_equal(v.seam, 0.08, 0.03);
    fails_because(f, "a seam shows");
}

/* after = before smoothed by (2r + 1)² means. */
static void smooth(struct fixture *f, int r)
{
    for (int y = r; y < N - r; y++) {
        for (int x = r; x < N - r; x++) {
            for (int c = 0; c < 3; c++) {
                float sum = 0;
                for (int j = -r; j <= r; j++) {
                    for (int i = -r; i <= r; i++)
                        sum += f->before->f32[((y + j) * N + x + i) * 3 + c];
                }
                f->after->f32[(y * N + x) * 3 + c] = sum / (float)((2 * r + 1) * (2 * r + 1));
            }
        }
    }
}

static void a_blurred_face_fails(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    smooth(f, 1);
    fails_because(f, "blurred");
}

static void plastic_skin_fails_even_with_sharp_features(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    smooth(f, 4);
    for (int i = 0; i < N * N * 3; i++) { /* features stay: only what is skin is smoothed */
        if (f->before->f32[i - i % 3] < 0.62f)
            f->after->f32[i] = f->before->f32[i];
    }
    f->options.sharpness_min = NAN;
    assert_true(verdict_of(f).texture < 0.4f);
    fails_because(f, "plastic");
}

static double stop_brighter(double u, double v, int c)
{
    (void)u, (void)v, (void)c;
    return 2;
}

static void a_stop_of_light_is_measured_as_one(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    scene_relight(f->after, stop_brighter);
    assert_float_equal(verdict_of(f).light_shift, 1, 0.06);
    fails_because(f, "light does not fit");
}

static void what_is_not_given_is_not_judged(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    f->input = (struct lk_verify_input){.face_before = &f->was};
    struct lk_verdict v = verdict_of(f);
    assert_true(v.passed);
    assert_true(isnan(v.cosine_after) && isnan(v.pose_shift) && isnan(v.seam) && isnan(v.texture));
    drop(f);
}

static void crops_of_other_sizes_are_refused(void **state)
{
    (void)state;
    struct fixture *f = same_face();
    struct lk_verdict v;
    struct lk_error err;
    lk_picture_free(f->after);
    f->after = scene_face(64, 0);
    f->input.after = f->after;
    assert_int_equal(lk_verify_face(&f->input, &f->options, &v, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message, "64x64"));
    drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_face_passes_with_neutral_measures),
        cmocka_unit_test(the_wrong_person_fails),
        cmocka_unit_test(a_lost_face_fails),
        cmocka_unit_test(a_turned_head_fails_by_its_angle),
        cmocka_unit_test(an_age_that_is_not_the_asked_one_fails),
        cmocka_unit_test(a_lopsided_face_fails),
        cmocka_unit_test(what_exceeds_several_bounds_exceeds_more),
        cmocka_unit_test(a_face_is_looked_at_by_itself),
        cmocka_unit_test(bent_features_fail_and_a_shift_of_all_does_not),
        cmocka_unit_test(a_hard_edge_is_a_seam_and_a_soft_one_is_none),
        cmocka_unit_test(a_blurred_face_fails),
        cmocka_unit_test(plastic_skin_fails_even_with_sharp_features),
        cmocka_unit_test(a_stop_of_light_is_measured_as_one),
        cmocka_unit_test(what_is_not_given_is_not_judged),
        cmocka_unit_test(crops_of_other_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
