// SPDX-License-Identifier: Apache-2.0
/* Previews: the map of an unknown VAE is the least-squares one, and what is shown is what the UNet
 * takes for the finished latent, through that map (tools/golden/preview.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/draw.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/preview.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"
#include "support/temp.h"

static struct lk__preview_map fitted(void)
{
    struct lk__preview_map map;
    struct lk_error err;
    const struct lk__autoencoder vae = {golden_tiny.checkpoint,
                                        golden_session(&golden_tiny, lk_vae_decoder_graph)};
    golden_must(lk__preview_fit(&vae, NULL, &map, &err), &err);
    lk_session_release(vae.decoder);
    return map;
}

static void an_unknown_vae_is_fitted_as_numpy_does(void **state)
{
    (void)state;
    lk_tensor_file *file = golden_open("preview");
    const struct lk__preview_map map = fitted();
    struct lk__preview_map known;
    assert_false(lk__preview_known(golden_tiny.checkpoint, &known));
    assert_int_equal(map.channels, 4);
    assert_true(golden_distance(map.factors[0], lk_tensor_file_find(file, "fit")) < 1e-4);
    lk_tensor_file_free(file);
}

/* What show was called with. */
struct seen {
    int count, steps[8];
    struct lk_picture *pictures[8];
};

static void keep(void *user, int step, int steps, const struct lk_picture *picture)
{
    struct seen *seen = user;
    struct lk_error err;
    assert_int_equal(steps, 4);
    assert_true(seen->count < 8);
    golden_must(lk_picture_convert(picture, LK_PIXEL_F32, &seen->pictures[seen->count], &err),
                &err);
    seen->steps[seen->count++] = step;
}

static void draw(const char *sampler, int steps, int every, struct seen *seen, float **latents)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    struct lk_draw_options o;
    const struct lk_draw_preview preview = {every, keep, seen, NULL};
    float *positive = golden_context("golden.positive", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, positive, NULL);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.seed = GOLDEN_SEED;
    o.guidance = 1;
    o.sampler = sampler;
    o.steps = steps;
    o.preview = seen ? &preview : NULL;
    golden_must(lk_draw(golden_tiny.drawer, &o, &conditioning.value, NULL, &picture, latents, &err),
                &err);
    lk_picture_free(picture);
    free(positive);
}

static void seen_case(const struct lk_tensor *golden, const struct lk__preview_map *map)
{
    char sampler[16];
    int steps, every;
    struct seen seen = {0};
    struct lk_error err;
    float *latents = NULL, *plain = NULL;
    assert_int_equal(sscanf(golden->name, "seen %15s %d %d", sampler, &steps, &every), 3);
    draw(sampler, steps, every, &seen, &latents);
    assert_int_equal(seen.count, steps / every);
    for (int i = 0; i < seen.count; i++) {
        struct lk_picture *want;
        golden_must(
            lk__preview_picture(map, (const float *)golden->data + i * 256, 8, 8, &want, &err),
            &err);
        assert_int_equal(seen.steps[i], (i + 1) * every);
        for (int k = 0; k < 3 * 64; k++)
            assert_float_equal(seen.pictures[i]->f32[k], want->f32[k], 1e-4);
        lk_picture_free(want);
        lk_picture_free(seen.pictures[i]);
    }
    draw(sampler, steps, every, NULL, &plain);
    assert_memory_equal(latents, plain, 256 * sizeof *plain); /* looking changes nothing */
    free(latents);
    free(plain);
}

static void what_is_shown_is_the_latent_without_its_noise(void **state)
{
    (void)state;
    lk_tensor_file *file = golden_open("preview");
    const struct lk__preview_map map = fitted();
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (strncmp(golden->name, "seen ", 5))
            continue;
        seen_case(golden, &map);
        cases++;
    }
    assert_int_equal(cases, 3);
    lk_tensor_file_free(file);
}

static lk_tiny_decoder *tiny(const char *name)
{
    lk_tiny_decoder *decoder;
    struct lk_error err;
    char *path = test_format("%s/tests/golden/%s", getenv("LIKENESS_SOURCE"), name);
    golden_must(lk_tiny_decoder_open(golden_runtime(), path, "cpu", &decoder, &err), &err);
    free(path);
    return decoder;
}

static void a_taesd_decoder_of_either_layout_is_diffusers(void **state)
{
    (void)state;
    enum { H = 8, W = 6 };
    static const char *const names[] = {"taesd_tiny.safetensors", "taesd_diffusers.safetensors"};
    lk_tensor_file *file = golden_open("preview");
    const float *want = lk_tensor_file_find(file, "tiny")->data;
    float z[4 * H * W];
    test_checkpoint_values("golden.latent", 3, (const int64_t[]){4, H, W}, z);
    for (int k = 0; k < 4 * H * W; k++)
        z[k] *= 3;
    for (int i = 0; i < 2; i++) {
        struct lk_picture *picture;
        struct lk_error err;
        lk_tiny_decoder *decoder = tiny(names[i]);
        assert_int_equal(lk_tiny_decoder_channels(decoder), 4);
        golden_must(lk_tiny_decode(decoder, z, H, W, NULL, &picture, &err), &err);
        assert_int_equal(picture->width, 8 * W);
        for (int k = 0; k < 3 * 64 * H * W; k++)
            assert_float_equal(picture->f32[k], want[k % 3 * 64 * H * W + k / 3], 1e-5);
        lk_picture_free(picture);
        lk_tiny_decoder_free(decoder);
    }
    lk_tensor_file_free(file);
}

static void what_is_no_decoder_is_refused_by_name(void **state)
{
    (void)state;
    lk_tiny_decoder *decoder = NULL;
    struct lk_error err;
    char *path = test_format("%s/tests/golden/preview.safetensors", getenv("LIKENESS_SOURCE"));
    assert_int_equal(lk_tiny_decoder_open(golden_runtime(), path, "cpu", &decoder, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "preview.safetensors' is no preview decoder"));
    assert_null(decoder);
    free(path);
}

static void a_map_is_linear_and_clipped(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture;
    const struct lk__preview_map map = {1, {{1, 0.5f, 0}, {0, 0, -0.5f}}};
    const float z[] = {0, 1, -3};
    golden_must(lk__preview_picture(&map, z, 1, 3, &picture, &err), &err);
    const float want[] = {0.5f, 0.5f, 0.25f, 1, 0.75f, 0.25f, 0, 0, 0.25f};
    for (int k = 0; k < 9; k++)
        assert_float_equal(picture->f32[k], want[k], 1e-6);
    lk_picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_vae_is_fitted_as_numpy_does),
        cmocka_unit_test(what_is_shown_is_the_latent_without_its_noise),
        cmocka_unit_test(a_taesd_decoder_of_either_layout_is_diffusers),
        cmocka_unit_test(what_is_no_decoder_is_refused_by_name),
        cmocka_unit_test(a_map_is_linear_and_clipped),
    };
    return cmocka_run_group_tests(tests, golden_set_up_tiny, golden_tear_down_tiny);
}
