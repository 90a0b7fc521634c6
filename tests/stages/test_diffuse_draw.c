// SPDX-License-Identifier: Apache-2.0
/* Drawing against diffusers' pictures: every sampler and schedule, odd sizes, with and without
 * guidance, from noise and from a picture; and what is refused. The other layout and dtypes are in
 * test_diffuse_layouts.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/autoencoder.h"
#include "stages/diffuse/draw.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"
#include "support/temp.h"

static struct model model; /* f32 folder, shared by the tests that leave it alone */

static void f32_folder_draws_diffusers_pictures(void **state)
{
    (void)state;
    golden_draw_all(&model, "f32", 20);
}

static void the_spacing_of_the_checkpoints_scheduler_is_followed(void **state)
{
    (void)state;
    struct model m = golden_model(&(struct test_checkpoint){.spacing = "leading"}, "spaced");
    golden_draw_own_spacing(&m, "draw f32 euler karras leading 64x64 6 7.5 77 0/latents");
    golden_model_close(&m);
}

static lk_session *open_network(const struct model *m,
                                int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *))
{
    struct lk_error err;
    lk_graph *graph = NULL;
    lk_session *session = NULL;
    golden_must(build(m->checkpoint, &graph, &err), &err);
    golden_must(lk_session_of_graph(golden_runtime(), graph, NULL, "cpu", &session, &err), &err);
    lk_graph_free(graph);
    return session;
}

static void the_mean_of_the_posterior_is_diffusers(void **state)
{
    (void)state;
    struct lk_error err;
    float latent[4 * 12 * 8];
    lk_tensor_file *file = golden_open();
    struct lk__autoencoder vae = {.checkpoint = model.checkpoint,
                                  .encoder = open_network(&model, lk_vae_encoder_graph)};
    struct lk_picture *picture = golden_picture(64, 96);
    golden_must(lk__encode(&vae, picture, NULL, NULL, latent, &err), &err);
    assert_true(golden_distance(latent, lk_tensor_file_find(file, "code mean")) < 1e-5);
    lk_picture_free(picture);
    lk_session_release(vae.encoder);
    lk_tensor_file_free(file);
}

/* Group norms and attention see one tile, so tiled pictures are close to the whole, not equal. */
static void tiled_decoding_stays_close_to_the_whole(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk__autoencoder vae = {.checkpoint = model.checkpoint,
                                  .decoder = open_network(&model, lk_vae_decoder_graph)};
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
}

/* The sentence of a draw that must fail. */
static void refuse(const struct model *m,
                   const struct lk_draw_options *options,
                   int width,
                   int code,
                   const char *sentence)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL;
    float *latents = NULL;
    float *context = golden_context("golden.positive", 77);
    const struct lk_conditioning conditioning = {77, width, context, context};
    assert_int_equal(lk_draw(m->drawer, options, &conditioning, NULL, &picture, &latents, &err),
                     code);
    assert_string_equal(err.message, sentence);
    assert_null(picture);
    assert_null(latents);
    free(context);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = 100;
    refuse(&model, &o, 32, LK_E_INPUT,
           "--size 100x512: each side must be a multiple of 8 from 64 to 2048");
    o.width = o.height = 64;
    refuse(&model, &o, 24, LK_E_INPUT,
           "checkpoint 'tiny': its UNet takes 32 numbers a token, its text encoder gives 24: they "
           "do not belong together");
    struct lk_picture *init = golden_picture(64, 64);
    o.init = init;
    o.strength = 0.01;
    refuse(&model, &o, 32, LK_E_INPUT,
           "--strength 0.01 of --steps 20 leaves no step to draw: raise one of them");
    o.strength = NAN;
    refuse(&model, &o, 32, LK_E_INPUT, "--strength: nan is not a number from 0 to 1");
    lk_picture_free(init);
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
    refuse(&m, &two_steps, 32, LK_E_INPUT,
           "the VAE of checkpoint 'sick_vae' decodes to no numbers (NaN or infinity): its weights "
           "are damaged or overflow; give another file with --vae");
    golden_model_close(&m);
}

static void a_unet_without_numbers_is_named(void **state)
{
    (void)state;
    struct model m = sick_model("sick", LK_PART_UNET, "conv_in.bias");
    refuse(
        &m, &two_steps, 32, LK_E_INPUT,
        "the UNet of checkpoint 'sick' gives no numbers (NaN or infinity) in step 1: its weights "
        "are damaged or overflow; take another checkpoint");
    golden_model_close(&m);
}

static void stop_in_step_two(void *user, const struct lk_watch_event *event)
{
    if (event->step == 2)
        atomic_store((atomic_bool *)user, true);
}

static void a_stopped_draw_leaves_nothing(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct lk_draw_options o;
    struct lk_picture *picture = NULL;
    atomic_bool stop = false;
    const struct lk_watch watch = {stop_in_step_two, &stop, &stop};
    float *context = golden_context("golden.positive", 77);
    const struct lk_conditioning conditioning = {77, 32, context, context};
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    assert_int_equal(lk_draw(model.drawer, &o, &conditioning, &watch, &picture, NULL, &err),
                     LK_E_INTERRUPTED);
    assert_null(picture);
    free(context);
}

static int set_up(void **state)
{
    (void)state;
    golden_set_up();
    model = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "tiny");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_model_close(&model);
    golden_tear_down();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_folder_draws_diffusers_pictures),
        cmocka_unit_test(the_spacing_of_the_checkpoints_scheduler_is_followed),
        cmocka_unit_test(the_mean_of_the_posterior_is_diffusers),
        cmocka_unit_test(tiled_decoding_stays_close_to_the_whole),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_vae_without_numbers_is_named),
        cmocka_unit_test(a_unet_without_numbers_is_named),
        cmocka_unit_test(a_stopped_draw_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
