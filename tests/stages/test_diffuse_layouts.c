// SPDX-License-Identifier: Apache-2.0
/* The layouts, dtypes and spacings that test_diffuse_draw.c leaves out, tiled decoding, and damaged
 * weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "stages/diffuse/autoencoder.h"
#include "stages/diffuse/networks.h"
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

static void the_spacing_of_the_checkpoints_scheduler_is_followed(void **state)
{
    (void)state;
    struct model m = golden_model(&(struct test_checkpoint){.spacing = "leading"}, "spaced");
    golden_draw_own_spacing(&m, "draw f32 euler karras leading 64x64 6 7.5 77 0/latents");
    golden_model_close(&m);
}

/* Group norms and attention see one tile, so tiled pictures are close to the whole, not equal. */
static void tiled_decoding_stays_close_to_the_whole(void **state)
{
    (void)state;
    struct lk_error err;
    struct model model =
        golden_checkpoint(&(struct test_checkpoint){.layout = TEST_FOLDER}, "tiled");
    struct lk__autoencoder vae = {.checkpoint = model.checkpoint,
                                  .decoder = golden_session(&model, lk_vae_decoder_graph)};
    struct lk_picture *whole = NULL, *tiled = NULL;
    float latent[4 * 40 * 56];
    double sum = 0;
    for (size_t k = 0; k < sizeof latent / sizeof *latent; k++)
        latent[k] = sinf((float)k * 0.37f);
    golden_must(lk__decode(&vae, latent, 40, 56, NULL, &whole, &err), &err);
    vae.tile = 32;
    golden_must(lk__decode(&vae, latent, 40, 56, NULL, &tiled, &err), &err);
    const size_t n = (size_t)3 * tiled->width * tiled->height;
    for (size_t k = 0; k < n; k++)
        sum += fabs((double)tiled->f32[k] - whole->f32[k]);
    if (!(sum / n > 0 && sum / n < 0.02))
        fail_msg("mean difference %g", sum / n);
    lk_picture_free(whole);
    lk_picture_free(tiled);
    lk_session_release(vae.decoder);
    golden_model_close(&model);
}

/* A model in which one number of a tensor is NaN. It is written after the checkpoint was opened:
 * opening looks at samples of the weights. */
static struct model sick_model(const char *name, enum lk_part part, const char *tensor_name)
{
    struct model m = golden_checkpoint(&(struct test_checkpoint){.layout = TEST_FOLDER}, name);
    const struct lk_tensor *tensor = lk_checkpoint_tensor(m.checkpoint, part, tensor_name);
    FILE *file = fopen(tensor->path, "r+b");
    const float nan = NAN;
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)tensor->offset + 4, SEEK_SET), 0);
    assert_int_equal(fwrite(&nan, sizeof nan, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    golden_drawer(&m);
    return m;
}

static const struct lk_draw_options two_steps = {
    .width = 64,
    .height = 64,
    .steps = 2,
    .guidance = 7.5,
    .sampler = "ddim",
    .schedule = "normal",
};

static void a_vae_without_numbers_is_named(void **state)
{
    (void)state;
    struct model m = sick_model("sick_vae", LK_PART_VAE, "decoder.conv_in.bias");
    golden_refuse(
        &m, &two_steps, 32, LK_E_INPUT,
        "the VAE of checkpoint 'sick_vae' decodes to no numbers (NaN or infinity): its weights "
        "are damaged or overflow; give another file with --vae");
    golden_model_close(&m);
}

static void a_unet_without_numbers_is_named(void **state)
{
    (void)state;
    struct model m = sick_model("sick", LK_PART_UNET, "conv_in.bias");
    golden_refuse(
        &m, &two_steps, 32, LK_E_INPUT,
        "the UNet of checkpoint 'sick' gives no numbers (NaN or infinity) in step 1: its weights "
        "are damaged or overflow; take another checkpoint");
    golden_model_close(&m);
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
        cmocka_unit_test(the_spacing_of_the_checkpoints_scheduler_is_followed),
        cmocka_unit_test(tiled_decoding_stays_close_to_the_whole),
        cmocka_unit_test(a_vae_without_numbers_is_named),
        cmocka_unit_test(a_unet_without_numbers_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
