// SPDX-License-Identifier: Apache-2.0
/* Samplers alone, on a made-up network ε = 0.3·input + t/1000, against diffusers' schedulers: every
 * sampler, schedule and spacing, few and many steps, from noise and from the middle. */
#include <math.h>
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
        lk__sampler_noised(sampler, plan, start, walk);
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

/* --sigmas of tools/golden/sampler.py */
static const float given[] = {14.6f, 9, 4.25f, 1.5f, 0.7f, 0.2f, 0};

static struct lk__plan plan;

static double walk_case(const struct lk_tensor *golden)
{
    char name[16], schedule[24], spacing[16];
    int step;
    struct lk_error err = {0};
    const struct lk_sampler *sampler = NULL;
    struct lk__plan_options options = {.sigmas = given, .eta = -1};
    struct lk_rng rng;
    float memory[LK__PAST + 5][N] = {0};
    float *x = memory[0], *input = memory[1], *epsilon = memory[2];
    struct lk__walk walk = {.n = N, .x = x, .kept = memory[3], .noise = memory[4], .rng = &rng};
    for (int i = 0; i < LK__PAST; i++)
        walk.past[i] = memory[5 + i];
    assert_in_range(sscanf(golden->name, "walk %15s %23s %15s %d %d %lf", name, schedule, spacing,
                           &options.steps, &step, &options.eta),
                    5, 6);
    options.spacing = spacing_of(spacing);
    options.schedule = LK_SCHEDULE_GIVEN;
    golden_must(lk_sampler_find(name, &sampler, &err), &err);
    if (strcmp(schedule, "given"))
        golden_must(lk_schedule_find(sampler, schedule, &options.schedule, &err), &err);
    golden_must(lk__plan_make(sampler, &options, &plan, &err), &err);
    lk_rng_init(&rng, LK_RNG_TORCH, GOLDEN_SEED);
    const int start = lk__plan_call_of_step(&plan, sampler, step);
    begin(sampler, &plan, start, &walk);
    for (int i = start; i < plan.calls; i++, walk.taken++) {
        lk__sampler_input(sampler, &plan, i, x, N, input);
        for (int k = 0; k < N; k++)
            epsilon[k] = 0.3f * input[k] + plan.call[i].timestep * 0.001f;
        sampler->step(&plan, i, epsilon, &walk);
    }
    return golden_distance(x, golden);
}

/* Of the largest number. DPM++ SDE asks its path at σ = e^(log σ) rounded to 6 decimals, where the
 * last bit of torch's logarithm, which libm does not share, decides. */
static double tolerance_of(const char *name, double usual)
{
    return strstr(name, " dpmpp-sde ") ? 1e-3 : usual;
}

static int walk_all(const char *file_name, double usual)
{
    int cases = 0;
    lk_tensor_file *file = golden_open(file_name);
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (strncmp(golden->name, "walk ", 5))
            continue;
        double distance = walk_case(golden), tolerance = tolerance_of(golden->name, usual);
        if (!(distance <= tolerance))
            print_error("%s: off by %g\n", golden->name, distance);
        cases += distance <= tolerance;
    }
    lk_tensor_file_free(file);
    return cases;
}

static void samplers_walk_as_diffusers_does(void **state)
{
    (void)state;
    assert_int_equal(walk_all("diffuse", 2e-6), 168);
}

/* diffusers' AysSchedules["StableDiffusionXLSigmas"]; the last one, before 0, is the WebUI's. */
static void align_your_steps_has_levels_of_its_own_for_sdxl(void **state)
{
    (void)state;
    static const float sigmas[] = {14.615f, 6.315f, 3.771f, 2.181f, 1.342f, 0.862f,
                                   0.555f,  0.380f, 0.234f, 0.113f, 0.029f};
    const struct lk_sampler *sampler;
    struct lk__plan laid;
    struct lk_error err;
    golden_must(lk_sampler_find("euler", &sampler, &err), &err);
    for (int steps = 11; steps <= 21; steps += 10) {
        const struct lk__plan_options options = {
            .schedule = LK_SCHEDULE_ALIGN_YOUR_STEPS, .steps = steps, .eta = -1, .sdxl = 1};
        golden_must(lk__plan_make(sampler, &options, &laid, &err), &err);
        for (int i = 0; i < 11; i++)
            assert_float_equal(laid.call[i * (steps / 10)].from, sigmas[i], 1e-5);
    }
    assert_float_equal(laid.call[1].from, sqrtf(sigmas[0] * sigmas[1]), 1e-5);
}

static void the_other_samplers_and_schedules_walk_as_the_peers_do(void **state)
{
    (void)state;
    assert_int_equal(walk_all("samplers", 1e-4), 323);
}

static void unknown_samplers_are_refused_with_the_list(void **state)
{
    (void)state;
    struct lk_error err;
    const struct lk_sampler *sampler = NULL;
    assert_int_equal(lk_sampler_find("plms", &sampler, &err), LK_E_INPUT);
    assert_null(sampler);
    assert_string_equal(
        err.message,
        "--sampler: there is no 'plms', only ddim, ddpm, pndm, lms, heun, euler, euler-a, "
        "dpm2, dpm2-a, dpmpp-2s-a, dpmpp-2m, dpmpp-2m-sde, dpmpp-sde, "
        "dpmpp-3m-sde, unipc, deis, lcm, tcd");
}

static void samplers_with_times_of_their_own_have_no_schedules(void **state)
{
    (void)state;
    struct lk_error err;
    enum lk_schedule schedule;
    const struct lk_sampler *sampler;
    assert_int_equal(lk_sampler_find("ddim", &sampler, &err), 0);
    assert_int_equal(lk_schedule_find(sampler, "karras", &schedule, &err), LK_E_INPUT);
    assert_string_equal(err.message,
                        "--schedule karras does not go with --sampler ddim, which has its "
                        "own times: take normal, or another sampler");
    assert_int_equal(lk_schedule_find(sampler, "linear", &schedule, &err), LK_E_INPUT);
    assert_string_equal(err.message,
                        "--schedule: there is no 'linear', only normal, karras, exponential, "
                        "beta, sgm-uniform, simple, align-your-steps");
}

static int make(const char *name, struct lk__plan_options options, struct lk_error *err)
{
    const struct lk_sampler *sampler = NULL;
    golden_must(lk_sampler_find(name, &sampler, err), err);
    return lk__plan_make(sampler, &options, &plan, err);
}

static void steps_are_bounded(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct lk__plan_options o = {.spacing = LK_SPACING_LEADING, .eta = -1};
    assert_int_equal(make("dpmpp-2m", o, &err), LK_E_INPUT);
    o.steps = LK_MAX_STEPS + 1;
    assert_int_equal(make("dpmpp-2m", o, &err), LK_E_INPUT);
    o.steps = LK_MAX_STEPS;
    assert_int_equal(make("dpmpp-2m", o, &err), 0);
    for (int i = 0; i < plan.calls; i++)
        assert_true(plan.call[i].from > plan.call[i].to);
    o.steps = 51;
    assert_int_equal(make("lcm", o, &err), LK_E_INPUT);
    assert_string_equal(err.message,
                        "--steps: 51 is not a number from 1 to 50, the most of --sampler lcm");
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    struct lk_error err = {0};
    const float rising[] = {5, 5, 0}, open[] = {5, 1};
    struct lk__plan_options o = {.steps = 2, .eta = 0.5};
    assert_int_equal(make("dpmpp-2m", o, &err), LK_E_INPUT);
    assert_string_equal(err.message, "--eta does not go with --sampler dpmpp-2m: leave it out");
    o = (struct lk__plan_options){LK_SCHEDULE_GIVEN, LK_SPACING_OWN, 6, given, -1};
    assert_int_equal(make("ddpm", o, &err), LK_E_INPUT);
    assert_string_equal(err.message, "--sigmas does not go with --sampler ddpm, which has its own "
                                     "times: take another sampler");
    o.steps = 2;
    o.sigmas = rising;
    assert_int_equal(make("euler", o, &err), LK_E_INPUT);
    o.steps = 1;
    o.sigmas = open;
    assert_int_equal(make("euler", o, &err), LK_E_INPUT);
    assert_string_equal(err.message,
                        "--sigmas: they must fall from at most 1000 to a last one of 0");
}

/* How many times the picture's generator is asked after the first noise: what --rng philox counts
 * by, and how the WebUI's ancestral samplers ask it (its last step, to σ = 0, asks for nothing,
 * ours for noise of weight 0: nothing comes after it). */
static void noise_is_drawn_once_where_a_step_ends(void **state)
{
    (void)state;
    static const struct {
        const char *sampler;
        uint32_t drawn; /* in 5 steps */
    } rows[] = {
        {"ddim", 0},         {"pndm", 0},         {"ddpm", 5},      {"euler-a", 5}, {"dpm2-a", 4},
        {"dpmpp-2s-a", 4},   {"dpmpp-2m-sde", 5}, {"dpmpp-sde", 0}, {"lcm", 4},     {"tcd", 4},
        {"dpmpp-3m-sde", 4}, {"unipc", 0},        {"heun", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_error err = {0};
        struct lk_rng rng;
        const struct lk_sampler *sampler = NULL;
        float memory[LK__PAST + 3][N] = {0};
        const float epsilon[N] = {0};
        struct lk__walk walk = {
            .n = N, .x = memory[0], .kept = memory[1], .noise = memory[2], .rng = &rng};
        for (int j = 0; j < LK__PAST; j++)
            walk.past[j] = memory[3 + j];
        golden_must(lk_sampler_find(rows[i].sampler, &sampler, &err), &err);
        golden_must(make(rows[i].sampler, (struct lk__plan_options){.steps = 5, .eta = -1}, &err),
                    &err);
        lk_rng_init(&rng, LK_RNG_PHILOX, GOLDEN_SEED);
        for (int call = 0; call < plan.calls; call++, walk.taken++)
            sampler->step(&plan, call, epsilon, &walk);
        if (rng.offset != rows[i].drawn)
            fail_msg("%s draws %u times", rows[i].sampler, rng.offset);
    }
}

/* σ that fall so steeply that σ_down is 0 leave no middle to ask at. */
static void steep_sigmas_leave_no_nan(void **state)
{
    (void)state;
    struct lk_error err = {0};
    const float steep[] = {1000, 1e-3f, 1e-30f, 0};
    const struct lk__plan_options o = {LK_SCHEDULE_GIVEN, LK_SPACING_OWN, 3, steep, -1};
    golden_must(make("dpm2-a", o, &err), &err);
    for (int i = 0; i < plan.calls; i++)
        assert_true(plan.call[i].level > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samplers_walk_as_diffusers_does),
        cmocka_unit_test(align_your_steps_has_levels_of_its_own_for_sdxl),
        cmocka_unit_test(the_other_samplers_and_schedules_walk_as_the_peers_do),
        cmocka_unit_test(unknown_samplers_are_refused_with_the_list),
        cmocka_unit_test(samplers_with_times_of_their_own_have_no_schedules),
        cmocka_unit_test(steps_are_bounded),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(noise_is_drawn_once_where_a_step_ends),
        cmocka_unit_test(steep_sigmas_leave_no_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
