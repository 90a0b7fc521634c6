// SPDX-License-Identifier: Apache-2.0
/* What is reused from step to step (DeepCache), and tokens that are merged (tomesd), against
 * tools/golden/reuse.py; and that without it nothing changes. */
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

static struct lk_draw_options small(const char *sampler)
{
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.seed = GOLDEN_SEED;
    o.sampler = sampler;
    return o;
}

static void cache_case(const struct lk_tensor *golden)
{
    char sampler[16];
    struct lk_draw_options o = small(sampler);
    float *latents = NULL;
    assert_int_equal(sscanf(golden->name, "cache %15s %d %lf %d %lf", sampler, &o.steps,
                            &o.guidance, &o.deep_cache, &o.token_merging),
                     5);
    golden_draw(&o, &latents);
    const double distance = golden_distance(latents, golden);
    if (!(distance < 1e-5))
        fail_msg("%s: off by %g", golden->name, distance);
    free(latents);
}

static void merge_case(const struct lk_tensor *golden)
{
    char sampler[16];
    struct lk_draw_options o = small(sampler);
    float *latents = NULL;
    assert_int_equal(sscanf(golden->name, "merge %15s %d %lf %lf %dx%d", sampler, &o.steps,
                            &o.guidance, &o.token_merging, &o.width, &o.height),
                     6);
    golden_draw(&o, &latents);
    const double distance = golden_distance(latents, golden);
    if (!(distance < 1e-5))
        fail_msg("%s: off by %g", golden->name, distance);
    free(latents);
}

static int each(const char *prefix, void (*check)(const struct lk_tensor *))
{
    int cases = 0;
    lk_tensor_file *file = golden_open("reuse");
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

static void deep_features_are_kept_as_the_authors_do(void **state)
{
    (void)state;
    assert_int_equal(each("cache ", cache_case), 4);
}

static void tokens_are_merged_as_tomesd_does(void **state)
{
    (void)state;
    assert_int_equal(each("merge ", merge_case), 5);
}

/* The batch changes where guidance ends: the kept features of two rows do not serve one. */
static void an_interval_of_guidance_and_a_cache_go_together(void **state)
{
    (void)state;
    float *latents = NULL;
    struct lk_draw_options o = small("euler");
    o.steps = 6;
    o.deep_cache = 3;
    o.guidance_options.end = 0.4;
    golden_draw(&o, &latents);
    free(latents);
}

static void controls_and_a_cache_do_not_go_together(void **state)
{
    (void)state;
    struct lk_draw_options o = small("euler");
    const struct lk_control_use use = {0};
    o.deep_cache = 2;
    o.controls = &use;
    o.n_controls = 1;
    golden_refuse(&golden_tiny, &o, 32, LK_E_INPUT,
                  "--deep-cache does not go with --control and image prompts, which change what "
                  "is kept");
}

static void nothing_to_merge_is_said(void **state)
{
    (void)state;
    struct lk_draw_options o = small("euler");
    struct model m = golden_model(&(struct test_checkpoint){.family = "sdxl"}, "sdxl");
    o.token_merging = 0.5;
    golden_refuse(&m, &o, 32, LK_E_INPUT,
                  "--token-merging does nothing with checkpoint 'sdxl': its UNet has no attention "
                  "at the latent's own size, only SD 1.x and 2.x have; "
                  "leave it out");
    golden_model_close(&m);
}

/* The same request twice, between them another one: the same bits. */
static void the_same_twice_is_the_same(void **state)
{
    (void)state;
    float *first = NULL, *between = NULL, *second = NULL;
    struct lk_draw_options o = small("euler-a"), other = small("ddim");
    o.steps = 3;
    other.steps = 2;
    other.deep_cache = 2;
    golden_draw(&o, &first);
    golden_draw(&other, &between);
    golden_draw(&o, &second);
    assert_memory_equal(first, second, sizeof(float) * 4 * 8 * 8);
    free(first);
    free(between);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_features_are_kept_as_the_authors_do),
        cmocka_unit_test(tokens_are_merged_as_tomesd_does),
        cmocka_unit_test(an_interval_of_guidance_and_a_cache_go_together),
        cmocka_unit_test(controls_and_a_cache_do_not_go_together),
        cmocka_unit_test(nothing_to_merge_is_said),
        cmocka_unit_test(the_same_twice_is_the_same),
    };
    return cmocka_run_group_tests(tests, golden_set_up_tiny, golden_tear_down_tiny);
}
