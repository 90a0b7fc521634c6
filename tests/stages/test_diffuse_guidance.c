// SPDX-License-Identifier: Apache-2.0
/* Guidance beside its scale, and variation seeds: against diffusers' pipeline and the WebUI's
 * formulas (tools/golden/guidance.py); what a step without guidance saves; what is refused. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/draw.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"

static struct lk_draw_options small(const char *sampler, int steps)
{
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.seed = GOLDEN_SEED;
    o.sampler = sampler;
    o.steps = steps;
    return o;
}

static void guide_case(const struct lk_tensor *golden)
{
    char sampler[16], mode[8];
    float *latents = NULL;
    struct lk_draw_options o = small(sampler, 0);
    struct lk_guidance_options *g = &o.guidance_options;
    assert_int_equal(sscanf(golden->name, "guide %15s %d %lf %lf %lf %lf %7s", sampler, &o.steps,
                            &o.guidance, &g->rescale, &g->start, &g->end, mode),
                     7);
    g->plus_plus = !strcmp(mode, "cfg++");
    golden_draw(&o, &latents);
    double distance = golden_distance(latents, golden);
    if (!(distance < 1e-5))
        fail_msg("%s: off by %g", golden->name, distance);
    free(latents);
}

static void perturb_case(const struct lk_tensor *golden)
{
    char sampler[16];
    float *latents = NULL;
    struct lk_draw_options o = small(sampler, 0);
    struct lk_guidance_options *g = &o.guidance_options;
    assert_int_equal(sscanf(golden->name, "perturb %15s %d %lf %lf %lf", sampler, &o.steps,
                            &o.guidance, &g->rescale, &g->perturbed),
                     5);
    golden_draw(&o, &latents);
    double distance = golden_distance(latents, golden);
    if (!(distance < 1e-5))
        fail_msg("%s: off by %g", golden->name, distance);
    free(latents);
}

static void free_case(const struct lk_tensor *golden)
{
    float *latents = NULL;
    struct lk_freeu f;
    struct lk_draw_options o = small("dpmpp-2m", 5);
    assert_int_equal(sscanf(golden->name, "free %f %f %f %f %dx%d", &f.b[0], &f.b[1], &f.s[0],
                            &f.s[1], &o.width, &o.height),
                     6);
    o.freeu = &f;
    golden_draw(&o, &latents);
    double distance = golden_distance(latents, golden);
    if (!(distance < 1e-5))
        fail_msg("%s: off by %g", golden->name, distance);
    free(latents);
}

static void vary_case(const struct lk_tensor *golden)
{
    const int shape[] = {4, 8, 8};
    float noise[256], other[256];
    struct lk_variation variation;
    struct lk_rng rng;
    assert_int_equal(
        sscanf(golden->name, "vary %lf %" SCNu64, &variation.strength, &variation.seed), 2);
    lk_rng_init(&rng, LK_RNG_TORCH, GOLDEN_SEED);
    lk__noise_first(&rng, &variation, shape, noise, other);
    assert_true(golden_distance(noise, golden) < 1e-6);
}

static int each(const char *prefix, void (*check)(const struct lk_tensor *))
{
    int cases = 0;
    lk_tensor_file *file = golden_open("guidance");
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (strncmp(golden->name, prefix, strlen(prefix)))
            continue;
        check(golden);
        cases++;
    }
    lk_tensor_file_free(file);
    return cases;
}

static void rescale_interval_and_cfg_plus_plus_are_the_peers(void **state)
{
    (void)state;
    assert_int_equal(each("guide ", guide_case), 7);
}

/* Last, the plain UNet is back. */
static void perturbed_attention_is_diffusers(void **state)
{
    (void)state;
    assert_int_equal(each("perturb ", perturb_case), 3);
    assert_int_equal(each("guide ddim 6 7.5 0 0 0.5", guide_case), 1);
}

static void freeu_is_diffusers(void **state)
{
    (void)state;
    assert_int_equal(each("free ", free_case), 3);
}

static void variations_are_the_webuis(void **state)
{
    (void)state;
    assert_int_equal(each("vary ", vary_case), 3);
}

/* The noise of --rng philox goes the same way: at strength 1 it is the other seed's. */
static void a_full_variation_is_the_other_seed(void **state)
{
    (void)state;
    const int shape[] = {4, 8, 8};
    const struct lk_variation full = {1, 9};
    float noise[256], other[256], want[256];
    struct lk_rng rng, of_other;
    lk_rng_init(&rng, LK_RNG_PHILOX, GOLDEN_SEED);
    lk_rng_init(&of_other, LK_RNG_PHILOX, 9);
    lk_rng_normal(&of_other, want, 256);
    lk__noise_first(&rng, &full, shape, noise, other);
    for (int k = 0; k < 256; k++)
        assert_float_equal(noise[k], want[k], 1e-5);
    assert_int_equal(rng.offset,
                     1); /* the picture's own noise was drawn: later noise is as before */
}

static void what_guidance_needs_is_said(void **state)
{
    (void)state;
    struct lk_draw_options o = small("heun", 2);
    o.guidance_options.start = 1;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--guidance-start 1 does not come before --guidance-end 1");
    o.guidance_options.start = 0;
    o.guidance_options.plus_plus = true;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--guidance-mode cfg++ does not go with --sampler heun: take ddim, euler or "
                  "euler-a");
    o.sampler = "ddim";
    o.guidance = 1;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--guidance-mode cfg++ needs --guidance over 1, 7.5 for example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rescale_interval_and_cfg_plus_plus_are_the_peers),
        cmocka_unit_test(perturbed_attention_is_diffusers),
        cmocka_unit_test(freeu_is_diffusers),
        cmocka_unit_test(variations_are_the_webuis),
        cmocka_unit_test(a_full_variation_is_the_other_seed),
        cmocka_unit_test(what_guidance_needs_is_said),
    };
    return cmocka_run_group_tests(tests, golden_set_up_tiny, golden_tear_down_tiny);
}
