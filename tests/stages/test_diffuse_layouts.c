// SPDX-License-Identifier: Apache-2.0
/* The layouts and dtypes that test_diffuse_draw.c leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stages/diffuse_golden.h"

static void draw_all(enum test_layout layout, enum lk_dtype dtype, const char *dtype_name, int want)
{
    const struct test_checkpoint options = {.layout = layout, .dtype = dtype};
    struct model model =
        golden_model(&options, layout == TEST_SINGLE ? "single.safetensors" : dtype_name);
    golden_draw_all(&model, dtype_name, want);
    golden_model_close(&model);
}

static void f32_single_file_draws_diffusers_pictures(void **state)
{
    (void)state;
    draw_all(TEST_SINGLE, LK_F32, "f32", 20);
}

static void f16_draws_diffusers_pictures_in_both_layouts(void **state)
{
    (void)state;
    draw_all(TEST_FOLDER, LK_F16, "f16", 6);
    draw_all(TEST_SINGLE, LK_F16, "f16", 6);
}

static void bf16_draws_diffusers_pictures_in_both_layouts(void **state)
{
    (void)state;
    draw_all(TEST_FOLDER, LK_BF16, "bf16", 6);
    draw_all(TEST_SINGLE, LK_BF16, "bf16", 6);
}

static int set_up(void **state)
{
    (void)state;
    golden_set_up();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_tear_down();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_single_file_draws_diffusers_pictures),
        cmocka_unit_test(f16_draws_diffusers_pictures_in_both_layouts),
        cmocka_unit_test(bf16_draws_diffusers_pictures_in_both_layouts),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
