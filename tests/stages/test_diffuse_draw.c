// SPDX-License-Identifier: Apache-2.0
/* Drawing against diffusers' pictures: every sampler and schedule, odd sizes, with and without
 * guidance, from noise and from a picture; and what is refused. Other layouts and dtypes, and
 * damaged weights, are in test_diffuse_layouts.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stages/diffuse/draw.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/autoencoder.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"

static void f32_folder_draws_diffusers_pictures(void **state)
{
    (void)state;
    golden_draw_all(&golden_tiny, "diffuse", "f32", 20);
}

static void all_samplers_draw_diffusers_pictures(void **state)
{
    (void)state;
    golden_draw_all(&golden_tiny, "samplers", "f32", 24);
}

static void the_mean_of_the_posterior_is_diffusers(void **state)
{
    (void)state;
    struct lk_error err;
    float latent[4 * 12 * 8];
    lk_tensor_file *file = golden_open("diffuse");
    struct lk__autoencoder vae = {.checkpoint = golden_tiny.checkpoint,
                                  .encoder = golden_session(&golden_tiny, lk_vae_encoder_graph)};
    struct lk_picture *picture = golden_picture(64, 96);
    golden_must(lk__encode(&vae, picture, NULL, NULL, latent, &err), &err);
    assert_true(golden_distance(latent, lk_tensor_file_find(file, "code mean")) < 1e-5);
    lk_picture_free(picture);
    lk_session_release(vae.encoder);
    lk_tensor_file_free(file);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = 100;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--size 100x512: each side must be a multiple of 8 from 64 to 2048");
    o.width = o.height = 64;
    golden_refuse(
        &golden_tiny, &o, 24, LK_E_INPUT,
        "checkpoint 'tiny': its UNet takes 32 numbers a token, its text encoder gives 24: they "
        "do not belong together");
    struct lk_picture *init = golden_picture(64, 64);
    o.init = init;
    o.strength = 0.01;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--strength 0.01 of --steps 20 leaves no step to draw: raise one of them");
    o.strength = NAN;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT, "--strength: nan is not a number from 0 to 1");
    lk_picture_free(init);
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
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, context, context);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    assert_int_equal(
        lk_draw(golden_tiny.drawer, &o, &conditioning.value, &watch, &picture, NULL, &err),
        LK_E_INTERRUPTED);
    assert_null(picture);
    free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_folder_draws_diffusers_pictures),
        cmocka_unit_test(all_samplers_draw_diffusers_pictures),
        cmocka_unit_test(the_mean_of_the_posterior_is_diffusers),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_stopped_draw_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, golden_set_up_tiny, golden_tear_down_tiny);
}
