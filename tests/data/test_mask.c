// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "data/golden_affine.h"
#include "data/mask.h"
#include "support/check.h"

static struct lk_mask *mask_of(int width, int height)
{
    struct lk_error err;
    struct lk_mask *mask;
    assert_ok(lk_mask_new(width, height, &mask, &err), &err);
    return mask;
}

static void a_new_mask_is_empty_and_bounded(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_mask *mask = mask_of(5, 3);
    for (int i = 0; i < 15; i++)
        assert_true(mask->value[i] == 0);
    lk_mask_free(mask);
    lk_mask_free(NULL);
    assert_fails(lk_mask_new(0, 3, &mask, &err), &err, LK_E_INPUT, "out of range");
    assert_fails(lk_mask_new(3, 20000, &mask, &err), &err, LK_E_INPUT, "out of range");
}

static void masks_intersect_by_their_minimum(void **state)
{
    (void)state;
    struct lk_mask *a = mask_of(2, 2), *b = mask_of(2, 2);
    memcpy(a->value, (float[]){0, 1, 0.5f, 0.25f}, 4 * sizeof(float));
    memcpy(b->value, (float[]){1, 0, 0.75f, 0.125f}, 4 * sizeof(float));
    lk_mask_intersect(a, b);
    assert_memory_equal(a->value, ((float[]){0, 0, 0.5f, 0.125f}), 4 * sizeof(float));
    lk_mask_free(a);
    lk_mask_free(b);
}

static void a_blur_equals_opencv(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_mask *mask = mask_of(9, 7);
    mask->value[0] = mask->value[3 * 9 + 4] = mask->value[6 * 9 + 5] = 1;
    assert_ok(lk_mask_blur(mask, 1.3f, &err), &err);
    for (int i = 0; i < 63; i++)
        assert_true(fabsf(mask->value[i] - blurred[i]) < 1e-6f);
    lk_mask_free(mask);
}

static void a_blur_keeps_a_flat_mask_and_takes_any_sigma(void **state)
{
    (void)state;
    struct lk_error err;
    static const float sigmas[] = {0, 0.05f, 2, 300};
    struct lk_mask *mask = mask_of(6, 1);
    for (int i = 0; i < 6; i++)
        mask->value[i] = 0.5f;
    for (int s = 0; s < 4; s++) {
        assert_ok(lk_mask_blur(mask, sigmas[s], &err), &err);
        for (int i = 0; i < 6; i++)
            assert_true(fabsf(mask->value[i] - 0.5f) < 1e-4f);
    }
    assert_fails(lk_mask_blur(mask, NAN, &err), &err, LK_E_INPUT, "blurred");
    assert_fails(lk_mask_blur(mask, INFINITY, &err), &err, LK_E_INPUT, "blurred");
    lk_mask_free(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_mask_is_empty_and_bounded),
        cmocka_unit_test(masks_intersect_by_their_minimum),
        cmocka_unit_test(a_blur_equals_opencv),
        cmocka_unit_test(a_blur_keeps_a_flat_mask_and_takes_any_sigma),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
