// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/fit/blend.h"
#include "stages/test_fit_scene.h"

static struct lk_picture *blend(const struct lk_picture *original,
                                const struct lk_picture *refined,
                                const struct lk_mask *mask,
                                float reach,
                                bool mixed,
                                struct lk_blend_stats *stats)
{
    struct lk_blend_options options;
    struct lk_picture *out;
    lk_blend_options_init(&options);
    options.reach = reach;
    options.mixed = mixed;
    options.outlier = 0;
    assert_int_equal(lk_blend_poisson(original, refined, mask, &options, &out, stats, NULL), 0);
    return out;
}

/* A ragged mask: three pixels in four, at random. */
static struct lk_mask *ragged(int w, int h)
{
    struct lk_mask *mask = scene_mask(w, h, 0);
    uint32_t state = 12345;
    for (int i = 0; i < w * h; i++) {
        state = state * 1664525u + 1013904223u;
        mask->value[i] = state >> 30 ? 0.7f : 0;
    }
    return mask;
}

/* Gaussian elimination with pivots: a [n,n], b [n] → b. */
static void eliminate(double *a, double *b, int n)
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++) {
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        }
        for (int j = 0; j < n; j++) {
            double swap = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = swap;
        }
        double swap = b[k];
        b[k] = b[pivot];
        b[pivot] = swap;
        for (int i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            for (int j = k; j < n && f != 0; j++)
                a[i * n + j] -= f * a[k * n + j];
            b[i] -= f * b[k];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            b[i] -= a[i * n + j] * b[j];
        b[i] /= a[i * n + i];
    }
}

/* The blend of one channel from its definition, f itself as the unknown, dense: out [h,w]. */
static void dense(const struct lk_picture *o,
                  const struct lk_picture *r,
                  const struct lk_mask *mask,
                  double screen,
                  bool mixed,
                  int c,
                  double *out)
{
    int w = o->width, h = o->height, n = w * h;
    double *a = calloc((size_t)n * (size_t)n, sizeof *a);
    const int step[4] = {-w, w, -1, 1};
    assert_non_null(a);
    for (int p = 0; p < n; p++) {
        int x = p % w, y = p / w;
        bool open = mask->value[p] > 0 && x > 0 && x < w - 1 && y > 0 && y < h - 1;
        a[p * n + p] = 1;
        out[p] = o->f32[p * 3 + c];
        if (!open)
            continue;
        a[p * n + p] = 4 + screen;
        out[p] = screen * r->f32[p * 3 + c];
        for (int k = 0; k < 4; k++) {
            int q = p + step[k];
            double v_r = r->f32[p * 3 + c] - r->f32[q * 3 + c];
            double v_o = o->f32[p * 3 + c] - o->f32[q * 3 + c];
            a[p * n + q] = -1;
            out[p] += mixed && fabs(v_o) > fabs(v_r) ? v_o : v_r;
        }
    }
    eliminate(a, out, n);
    free(a);
}

static struct lk_picture *cut(const struct lk_picture *from, int x0, int y0, int w, int h)
{
    struct lk_picture *out;
    assert_int_equal(lk_picture_new(w, h, 3, LK_PIXEL_F32, &out, NULL), 0);
    for (int y = 0; y < h; y++)
        memcpy(out->f32 + y * w * 3, from->f32 + ((y0 + y) * from->width + x0) * 3,
               (size_t)w * 3 * sizeof(float));
    return out;
}

static void equals_the_dense_solution(const struct lk_mask *mask, float reach, bool mixed)
{
    int w = mask->width, h = mask->height;
    struct lk_picture *o = scene_face(64, 0), *r = scene_face(64, 4);
    struct lk_picture *small_o = cut(o, 9, 14, w, h), *small_r = cut(r, 22, 25, w, h);
    struct lk_picture *out = blend(small_o, small_r, mask, reach, mixed, NULL);
    double *expected = calloc((size_t)(w * h), sizeof *expected);
    double side = w > h ? w : h, screen = reach > 0 ? 1 / (reach * side * reach * side) : 0;
    for (int c = 0; c < 3; c++) {
        dense(small_o, small_r, mask, screen, mixed, c, expected);
        for (int i = 0; i < w * h; i++)
            assert_float_equal(out->f32[i * 3 + c], expected[i], 1e-4);
    }
    free(expected);
    lk_picture_free(o);
    lk_picture_free(r);
    lk_picture_free(small_o);
    lk_picture_free(small_r);
    lk_picture_free(out);
}

static void any_domain_gives_the_solution_of_a_dense_solver(void **state)
{
    (void)state;
    struct lk_mask *masks[] = {
        scene_disc(24, 12, 12, 8), /* inside */
        scene_mask(19, 26, 1),     /* up to the border on all sides, odd by even */
        ragged(23, 17),            /* holes, single pixels, slivers */
        scene_disc(24, 2, 20, 9),  /* hangs over a corner */
    };
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        equals_the_dense_solution(masks[i], 0, false);
        equals_the_dense_solution(masks[i], 0.2f, false);
        equals_the_dense_solution(masks[i], 0, true);
        lk_mask_free(masks[i]);
    }
}

static void a_constant_offset_vanishes(void **state)
{
    (void)state;
    struct lk_picture *original = scene_face(200, 0), *refined = scene_copy(original);
    struct lk_mask *mask = scene_disc(200, 100, 90, 80);
    for (int i = 0; i < 200 * 200 * 3; i++)
        refined->f32[i] += 0.2f;
    struct lk_blend_stats stats;
    struct lk_picture *out = blend(original, refined, mask, 0, false, &stats);
    assert_true(scene_difference(out, original) < 1e-4);
    assert_true(stats.iterations <= 15);
    assert_float_equal(stats.correction, 0.2, 1e-3);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(out);
    lk_mask_free(mask);
}

static void gradients_inside_are_those_of_the_refined_face(void **state)
{
    (void)state;
    enum { W = 230, H = 251 };
    struct lk_picture *big_o = scene_face(256, 0), *big_r = scene_face(256, 5);
    struct lk_picture *o = cut(big_o, 0, 0, W, H), *r = cut(big_r, 20, 5, W, H);
    struct lk_mask *mask = ragged(W, H);
    struct lk_blend_stats stats;
    for (int i = 0; i < W * H; i++) { /* large open places and holes */
        if (i % W / 23 % 2 == 0)
            mask->value[i] = 1;
    }
    struct lk_picture *out = blend(o, r, mask, 0, false, &stats);
    const int step[4] = {-W * 3, W * 3, -3, 3};
    double worst = 0;
    for (int y = 1; y < H - 1; y++) {
        for (int i = (y * W + 1) * 3; i < (y * W + W - 1) * 3; i++) {
            double left = 0;
            for (int k = 0; k < 4; k++)
                left += (out->f32[i] - out->f32[i + step[k]]) - (r->f32[i] - r->f32[i + step[k]]);
            if (mask->value[i / 3] > 0)
                worst = fmax(worst, fabs(left));
        }
    }
    assert_true(worst < 1e-3);
    assert_true(stats.iterations <= 20);
    lk_picture_free(big_o);
    lk_picture_free(big_r);
    lk_picture_free(o);
    lk_picture_free(r);
    lk_picture_free(out);
    lk_mask_free(mask);
}

static void nothing_outside_the_mask_changes_a_bit(void **state)
{
    (void)state;
    struct lk_picture *original = scene_face(64, 0), *refined = scene_face(64, 3);
    struct lk_mask *masks[] = {scene_mask(64, 64, 0), scene_disc(64, 40, 20, 15),
                               scene_mask(64, 64, 1)};
    for (int k = 0; k < 3; k++) {
        struct lk_blend_stats stats;
        struct lk_picture *out = blend(original, refined, masks[k], 0.15f, false, &stats);
        for (int i = 0; i < 64 * 64; i++) {
            int x = i % 64, y = i / 64;
            bool border = x == 0 || y == 0 || x == 63 || y == 63;
            if (border || !(masks[k]->value[i] > 0))
                assert_memory_equal(out->f32 + i * 3, original->f32 + i * 3, 12);
        }
        assert_int_equal(stats.pixels == 0, k == 0);
        lk_picture_free(out);
        lk_mask_free(masks[k]);
    }
    lk_picture_free(original);
    lk_picture_free(refined);
}

static void one_pixel_becomes_what_its_neighbours_ask_for(void **state)
{
    (void)state;
    struct lk_picture *o = scene_face(32, 0), *r = scene_face(32, 3);
    struct lk_mask *mask = scene_mask(32, 32, 0);
    int at = 16 * 32 + 16;
    mask->value[at] = 0.01f;
    struct lk_picture *out = blend(o, r, mask, 0, false, NULL);
    const int step[4] = {-96, 96, -3, 3};
    double expected = r->f32[at * 3];
    for (int k = 0; k < 4; k++)
        expected += (o->f32[at * 3 + step[k]] - r->f32[at * 3 + step[k]]) / 4;
    assert_float_equal(out->f32[at * 3], expected, 1e-6);
    lk_picture_free(o);
    lk_picture_free(r);
    lk_picture_free(out);
    lk_mask_free(mask);
}

static void a_strand_of_hair_at_the_edge_does_not_stain_the_middle(void **state)
{
    (void)state;
    enum { N = 160 };
    struct lk_picture *original = scene_face(N, 0), *refined = scene_copy(original);
    struct lk_mask *mask = scene_disc(N, N / 2, N / 2, 60);
    for (int y = 0; y < N; y++) {
        for (int i = 0; i < 45 * 3; i++)
            original->f32[y * N * 3 + i] = 0.05f;
    }
    int middle = (N / 2 * N + N / 2) * 3;
    struct lk_picture *plain = blend(original, refined, mask, 0, false, NULL);
    struct lk_picture *local = blend(original, refined, mask, 0.15f, false, NULL);
    float stain_plain = fabsf(plain->f32[middle] - refined->f32[middle]);
    float stain_local = fabsf(local->f32[middle] - refined->f32[middle]);
    assert_true(stain_plain > 0.1f);
    assert_true(stain_local < stain_plain / 2);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(plain);
    lk_picture_free(local);
    lk_mask_free(mask);
}

static void a_mismatch_of_light_is_believed_and_one_of_hair_is_not(void **state)
{
    (void)state;
    enum { N = 160 };
    struct lk_picture *original = scene_face(N, 0), *refined = scene_copy(original), *out;
    struct lk_mask *mask = scene_disc(N, N / 2, N / 2, 50);
    struct lk_blend_options options;
    const int beside_hair = (N / 2 * N + N / 2 - 48) * 3, beside_skin = beside_hair + 96 * 3;
    for (int i = 0; i < N * N * 3; i++) {
        if (mask->value[i / 3] == 0)
            original->f32[i] += i / 3 % N < N / 2 ? -0.6f : 0.04f;
    }
    lk_blend_options_init(&options);
    assert_int_equal(lk_blend_poisson(original, refined, mask, &options, &out, NULL, NULL), 0);
    assert_float_equal(out->f32[beside_hair], refined->f32[beside_hair], 0.03);
    assert_float_equal(out->f32[beside_skin] - refined->f32[beside_skin], 0.03, 0.01);
    lk_picture_free(out);
    options.outlier = 0;
    assert_int_equal(lk_blend_poisson(original, refined, mask, &options, &out, NULL, NULL), 0);
    assert_true(out->f32[beside_hair] < refined->f32[beside_hair] - 0.4f);
    lk_picture_free(out);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_mask_free(mask);
}

static void a_mask_of_another_size_is_refused(void **state)
{
    (void)state;
    struct lk_picture *face = scene_face(32, 0), *out = NULL;
    struct lk_mask *mask = scene_mask(31, 32, 1);
    struct lk_blend_options options;
    struct lk_error err;
    lk_blend_options_init(&options);
    assert_int_equal(lk_blend_poisson(face, face, mask, &options, &out, NULL, &err), LK_E_INPUT);
    assert_null(out);
    lk_picture_free(face);
    lk_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_domain_gives_the_solution_of_a_dense_solver),
        cmocka_unit_test(a_constant_offset_vanishes),
        cmocka_unit_test(gradients_inside_are_those_of_the_refined_face),
        cmocka_unit_test(nothing_outside_the_mask_changes_a_bit),
        cmocka_unit_test(one_pixel_becomes_what_its_neighbours_ask_for),
        cmocka_unit_test(a_strand_of_hair_at_the_edge_does_not_stain_the_middle),
        cmocka_unit_test(a_mismatch_of_light_is_believed_and_one_of_hair_is_not),
        cmocka_unit_test(a_mask_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
