// SPDX-License-Identifier: Apache-2.0
/* The layouts, dtypes and spacings that test_diffuse_draw.c leaves out, the epsilons of the
 * norms, tiled decoding, and damaged weights. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/autoencoder.h"
#include "stages/diffuse_golden.h"

static void draw_all(enum test_layout layout, enum lk_dtype dtype, const char *dtype_name, int want)
{
    const struct test_checkpoint options = {.layout = layout, .dtype = dtype};
    struct model model =
        golden_model(&options, layout == TEST_SINGLE ? "single.safetensors" : dtype_name);
    golden_draw_all(&model, "diffuse", dtype_name, want);
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

/* value[n] of a tensor in its file, through `change`. */
static void rewrite(const struct lk_tensor *tensor, void (*change)(float *value, size_t n))
{
    float *values = malloc(tensor->size);
    FILE *file = fopen(tensor->path, "r+b");
    assert_non_null(values);
    assert_non_null(file);
    memcpy(values, tensor->data, tensor->size);
    change(values, tensor->size / sizeof *values);
    assert_int_equal(fseek(file, (long)tensor->offset, SEEK_SET), 0);
    assert_int_equal(fwrite(values, tensor->size, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    free(values);
}

static void hush(float *value, size_t n)
{
    for (size_t k = 0; k < n; k++)
        value[k] *= 0x1p-9f;
}

/* Convolutions so small that the variances under the norms are about as large as their epsilons. */
static struct model quiet_model(void)
{
    size_t count;
    struct model m = golden_checkpoint(&(struct test_checkpoint){.layout = TEST_FOLDER}, "quiet");
    struct test_tensor *list = test_checkpoint_list(NULL, &count);
    for (size_t i = 0; i < count; i++) {
        /* sorted by name: a bias comes right before its weight */
        const char *end = strrchr(list[i].name, '.');
        const struct test_tensor *weight = &list[i + !strcmp(end, ".bias")];
        if (list[i].part != TEST_TEXT && weight->rank == 4)
            rewrite(lk_checkpoint_tensor(m.checkpoint, (enum lk_part)list[i].part, list[i].name),
                    hush);
    }
    free(list);
    return m;
}

/* 512 times the output of a network, against the golden of that name. */
static void run_quiet(const struct model *m,
                      int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                      size_t n,
                      const char *const *names,
                      const struct lk_array *inputs,
                      const char *output)
{
    struct lk_error err;
    struct lk_array out = {0};
    lk_tensor_file *file = golden_open("diffuse_quiet");
    const struct lk_tensor *want = lk_tensor_file_find(file, output);
    lk_session *session = golden_session(m, build);
    golden_must(lk_session_run(session, n, names, inputs, 1, &output, &out, NULL, &err), &err);
    float *values = out.data;
    for (size_t k = 0; k < want->size / sizeof *values; k++)
        values[k] *= 512;
    double distance = golden_distance(values, want);
    if (!(distance < 2e-6))
        fail_msg("%s: off by %g", output, distance);
    free(values);
    lk_session_release(session);
    lk_tensor_file_free(file);
}

static void epsilons_of_the_norms_are_diffusers(void **state)
{
    (void)state;
    float sample[4 * 8 * 8], latent[4 * 2 * 2], picture[3 * 16 * 16], timestep = 500;
    float *context = golden_context("golden.positive", 77);
    struct model m = quiet_model();
    test_checkpoint_values("golden.sample", 3, (const int64_t[]){4, 8, 8}, sample);
    test_checkpoint_values("golden.latent", 3, (const int64_t[]){4, 2, 2}, latent);
    test_checkpoint_values("golden.picture", 3, (const int64_t[]){3, 16, 16}, picture);
    const struct lk_array unet[] = {{LK_F32, 4, {1, 4, 8, 8}, sample},
                                    {LK_F32, 1, {1}, &timestep},
                                    {LK_F32, 3, {1, 77, 32}, context}};
    const struct lk_array decoder = {LK_F32, 4, {1, 4, 2, 2}, latent};
    const struct lk_array encoder = {LK_F32, 4, {1, 3, 16, 16}, picture};
    run_quiet(&m, lk_unet_graph, 3, (const char *[]){"sample", "timestep", "context"}, unet,
              "noise");
    run_quiet(&m, lk_vae_decoder_graph, 1, (const char *[]){"latent"}, &decoder, "picture");
    run_quiet(&m, lk_vae_encoder_graph, 1, (const char *[]){"picture"}, &encoder, "moments");
    golden_model_close(&m);
    free(context);
}

static void damage(float *value, size_t n)
{
    (void)n;
    value[1] = NAN;
}

/* A model in which one number of a tensor is NaN. It is written after the checkpoint was opened:
 * opening looks at samples of the weights. */
static struct model sick_model(const char *name, enum lk_part part, const char *tensor_name)
{
    struct model m = golden_checkpoint(&(struct test_checkpoint){.layout = TEST_FOLDER}, name);
    rewrite(lk_checkpoint_tensor(m.checkpoint, part, tensor_name), damage);
    golden_drawer(&m);
    return m;
}

static const struct lk_draw_options two_steps = {
    .width = 64,
    .height = 64,
    .steps = 2,
    .guidance = 7.5,
    .guidance_options = {.end = 1},
    .sampler = "ddim",
    .schedule = "normal",
    .eta = -1,
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_single_file_draws_diffusers_pictures),
        cmocka_unit_test(f16_draws_diffusers_pictures_in_both_layouts),
        cmocka_unit_test(bf16_draws_diffusers_pictures_in_both_layouts),
        cmocka_unit_test(the_spacing_of_the_checkpoints_scheduler_is_followed),
        cmocka_unit_test(tiled_decoding_stays_close_to_the_whole),
        cmocka_unit_test(epsilons_of_the_norms_are_diffusers),
        cmocka_unit_test(a_vae_without_numbers_is_named),
        cmocka_unit_test(a_unet_without_numbers_is_named),
    };
    return cmocka_run_group_tests(tests, golden_set_up, golden_tear_down);
}
