// SPDX-License-Identifier: Apache-2.0
/* Grain: a smooth face gets that of its picture, a grained one none, and nothing changes outside.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/affine.h"
#include "stages/fit/grain.h"
#include "support/check.h"

enum { SIDE = 160 };

static struct lk_picture *skin(float grain, uint64_t seed)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    struct lk_rng rng;
    static float noise[SIDE * SIDE];
    lk_rng_init(&rng, LK_RNG_TORCH, seed);
    lk_rng_normal(&rng, noise, SIDE * SIDE);
    assert_ok(lk_picture_new(SIDE, SIDE, 3, LK_PIXEL_F32, &picture, &err), &err);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const float shade = 0.04f * sinf((float)(i % SIDE) / 40);
        picture->f32[3 * i] = 0.70f + shade + grain * noise[i];
        picture->f32[3 * i + 1] = 0.55f + shade + grain * noise[i];
        picture->f32[3 * i + 2] = 0.48f + shade + grain * noise[i];
    }
    return picture;
}

/* A disc in the middle, soft at its edge. */
static struct lk_mask *disc(void)
{
    struct lk_error err;
    struct lk_mask *mask = NULL;
    assert_ok(lk_mask_new(SIDE, SIDE, &mask, &err), &err);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const float r = hypotf((float)(i % SIDE) - SIDE / 2, (float)(i / SIDE) - SIDE / 2);
        mask->value[i] = fminf(fmaxf((56 - r) / 12, 0), 1);
    }
    return mask;
}

static const struct lk_affine same = {{1, 0, 0, 0, 1, 0}};

static struct lk_grain match(const struct lk_picture *original,
                             const struct lk_mask *mask,
                             float amount,
                             struct lk_picture *refined)
{
    struct lk_error err;
    struct lk_grain grain;
    assert_ok(lk_grain_match(original, mask, &same, amount, refined, &grain, &err), &err);
    return grain;
}

static void a_smooth_face_gets_the_grain_of_its_picture(void **state)
{
    (void)state;
    struct lk_mask *mask = disc();
    struct lk_picture *original = skin(0.01f, 1), *refined = skin(0.001f, 2);
    struct lk_grain first = match(original, mask, 1, refined);
    assert_true(first.cells > 50 && first.added[0] > 0.005f);
    struct lk_grain second = match(original, mask, 1, refined);
    for (int k = 0; k < LK_GRAIN_BANDS; k++) {
        assert_true(first.has[k] < 0.2f * first.had[k]);
        assert_float_equal(second.has[k], second.had[k], 0.08 * (double)second.had[k]);
        assert_true(second.added[k] < 0.4f * first.added[k]);
    }
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_mask_free(mask);
}

static void a_face_with_grain_gets_none(void **state)
{
    (void)state;
    struct lk_mask *mask = disc();
    struct lk_picture *original = skin(0.01f, 1), *refined = skin(0.012f, 2), *copy = NULL;
    struct lk_error err;
    assert_ok(lk_picture_convert(refined, LK_PIXEL_F32, &copy, &err), &err);
    match(original, mask, 1, refined);
    assert_memory_equal(refined->f32, copy->f32, SIDE * SIDE * 3 * sizeof(float));
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(copy);
    lk_mask_free(mask);
}

/* Strands below that row, which a network draws softer. */
static void strands(struct lk_picture *picture, int from, float contrast)
{
    for (int i = from * SIDE; i < SIDE * SIDE; i++)
        for (int c = 0; c < 3; c++)
            picture->f32[3 * i + c] += contrast * (float)(i % 5 - 2);
}

/* Of two thirds of the face, and of nearly all of it: smooth skin beside it stays smooth. */
static void a_beard_is_no_grain(void **state)
{
    (void)state;
    static const int from[] = {SIDE * 3 / 7, SIDE * 1 / 4};
    struct lk_error err;
    struct lk_mask *mask = disc();
    for (int i = 0; i < 2; i++) {
        struct lk_picture *original = skin(0.001f, 1), *refined = skin(0.001f, 2), *copy = NULL;
        strands(original, from[i], 0.02f);
        strands(refined, from[i], 0.005f);
        assert_ok(lk_picture_convert(refined, LK_PIXEL_F32, &copy, &err), &err);
        match(original, mask, 1, refined);
        for (int k = 0; k < (from[i] - 12) * SIDE * 3; k++)
            assert_float_equal(refined->f32[k], copy->f32[k], 0.003);
        lk_picture_free(original);
        lk_picture_free(refined);
        lk_picture_free(copy);
    }
    lk_mask_free(mask);
}

static void pixels_outside_the_mask_keep_their_bits(void **state)
{
    (void)state;
    struct lk_mask *mask = disc();
    struct lk_picture *original = skin(0.02f, 1), *refined = skin(0, 2), *copy = NULL;
    struct lk_error err;
    assert_ok(lk_picture_convert(refined, LK_PIXEL_F32, &copy, &err), &err);
    match(original, mask, 1, refined);
    int changed = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const bool same_bits = !memcmp(refined->f32 + 3 * i, copy->f32 + 3 * i, 3 * sizeof(float));
        assert_true(mask->value[i] > 0 || same_bits);
        changed += !same_bits;
    }
    assert_true(changed > 5000);
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(copy);
    lk_mask_free(mask);
}

static void nothing_of_it_is_nothing(void **state)
{
    (void)state;
    struct lk_mask *mask = disc();
    struct lk_picture *original = skin(0.02f, 1), *refined = skin(0, 2), *copy = NULL;
    struct lk_error err;
    assert_ok(lk_picture_convert(refined, LK_PIXEL_F32, &copy, &err), &err);
    match(original, mask, 0, refined);
    assert_memory_equal(refined->f32, copy->f32, SIDE * SIDE * 3 * sizeof(float));
    /* A mask far outside, and one of a few pixels: too little to measure. */
    const struct lk_affine away = {{1, 0, 5000, 0, 1, 0}}, tiny = {{9, 0, -400, 0, 9, -400}};
    assert_ok(lk_grain_match(original, mask, &away, 1, refined, NULL, &err), &err);
    assert_ok(lk_grain_match(original, mask, &tiny, 1, refined, NULL, &err), &err);
    assert_memory_equal(refined->f32, copy->f32, SIDE * SIDE * 3 * sizeof(float));
    lk_picture_free(original);
    lk_picture_free(refined);
    lk_picture_free(copy);
    lk_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_smooth_face_gets_the_grain_of_its_picture),
        cmocka_unit_test(a_face_with_grain_gets_none),
        cmocka_unit_test(a_beard_is_no_grain),
        cmocka_unit_test(pixels_outside_the_mask_keep_their_bits),
        cmocka_unit_test(nothing_of_it_is_nothing),
    };
    return cmocka_run_group_tests_name("fit_grain", tests, NULL, NULL);
}
