// SPDX-License-Identifier: Apache-2.0
/* Samplers alone, on a made-up network ε = 0.3·input + t/1000, against diffusers' schedulers: every
 * sampler, schedule and spacing, few and many steps, from noise and from the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/samplers.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"

#define N 64

static void begin(const struct lk_sampler *sampler,
                  const struct lk__plan *plan,
                  int start,
                  struct lk__walk *walk)
{
    if (start) {
        test_checkpoint_values("golden.clean", 2, (const int64_t[]){8, 8}, walk->x);
        lk_rng_normal(walk->rng, walk->noise, N);
        sampler->noised(plan, start, walk);
        return;
    }
    lk_rng_normal(walk->rng, walk->x, N);
    for (int k = 0; k < N; k++)
        walk->x[k] *= plan->noise_scale;
}

static enum lk_spacing spacing_of(const char *name)
{
    static const char *const names[] = {"own", "linspace", "leading", "trailing"};
    int i = 0;
    while (strcmp(names[i], name))
        i++;
    return (enum lk_spacing)i;
}

static void walk_case(const struct lk_tensor *golden)
{
    char name[16], schedule_name[16], spacing[16];
    int steps, start;
    struct lk_error err;
    const struct lk_sampler *sampler;
    enum lk_schedule schedule;
    struct lk__plan plan;
    struct lk_rng rng;
    float x[N], last[N], noise[N], input[N], epsilon[N];
    struct lk__walk walk = {.n = N, .x = x, .last = last, .noise = noise, .rng = &rng};
    assert_int_equal(sscanf(golden->name, "walk %15s %15s %15s %d %d", name, schedule_name, spacing,
                            &steps, &start),
                     5);
    assert_int_equal(lk_sampler_find(name, &sampler, &err), 0);
    assert_int_equal(lk_schedule_find(sampler, schedule_name, &schedule, &err), 0);
    assert_int_equal(lk__plan_make(sampler, schedule, spacing_of(spacing), steps, &plan, &err), 0);
    lk_rng_init(&rng, LK_RNG_TORCH, GOLDEN_SEED);
    begin(sampler, &plan, start, &walk);
    for (int i = start; i < steps; i++, walk.taken++) {
        lk__sampler_input(sampler, &plan, i, x, N, input);
        for (int k = 0; k < N; k++)
            epsilon[k] = 0.3f * input[k] + plan.timestep[i] * 0.001f;
        sampler->step(&plan, i, epsilon, &walk);
    }
    double distance = golden_distance(x, golden);
    if (!(distance <= 2e-6))
        fail_msg("%s: off by %g", golden->name, distance);
}

static void samplers_walk_as_diffusers_does(void **state)
{
    (void)state;
    int cases = 0;
    lk_tensor_file *file = golden_open("diffuse");
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (strncmp(golden->name, "walk ", 5))
            continue;
        walk_case(golden);
        cases++;
    }
    lk_tensor_file_free(file);
    assert_int_equal(cases, 168);
}

static void unknown_samplers_are_refused_with_the_list(void **state)
{
    (void)state;
    struct lk_error err;
    const struct lk_sampler *sampler = NULL;
    assert_int_equal(lk_sampler_find("plms", &sampler, &err), LK_E_INPUT);
    assert_null(sampler);
    assert_string_equal(err.message,
                        "--sampler: there is no 'plms', only ddim, euler, euler-a, dpmpp-2m");
}

static void karras_is_refused_where_diffusers_has_none(void **state)
{
    (void)state;
    struct lk_error err;
    enum lk_schedule schedule;
    const struct lk_sampler *sampler;
    assert_int_equal(lk_sampler_find("ddim", &sampler, &err), 0);
    assert_int_equal(lk_schedule_find(sampler, "karras", &schedule, &err), LK_E_INPUT);
    assert_string_equal(err.message, "--schedule karras does not go with --sampler ddim: take "
                                     "normal, or one of euler, dpmpp-2m");
    assert_int_equal(lk_schedule_find(sampler, "linear", &schedule, &err), LK_E_INPUT);
    assert_string_equal(err.message, "--schedule: there is no 'linear', only normal, karras");
}

static void steps_are_bounded(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk__plan plan;
    const enum lk_spacing leading = LK_SPACING_LEADING;
    const struct lk_sampler *dpm = &lk__sampler_dpmpp_2m;
    assert_int_equal(lk__plan_make(dpm, LK_SCHEDULE_NORMAL, leading, 0, &plan, &err), LK_E_INPUT);
    assert_int_equal(lk__plan_make(dpm, LK_SCHEDULE_NORMAL, leading, LK_MAX_STEPS + 1, &plan, &err),
                     LK_E_INPUT);
    assert_int_equal(lk__plan_make(dpm, LK_SCHEDULE_NORMAL, leading, LK_MAX_STEPS, &plan, &err), 0);
    for (int i = 0; i < plan.steps; i++)
        assert_true(plan.from[i] > plan.to[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samplers_walk_as_diffusers_does),
        cmocka_unit_test(unknown_samplers_are_refused_with_the_list),
        cmocka_unit_test(karras_is_refused_where_diffusers_has_none),
        cmocka_unit_test(steps_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
