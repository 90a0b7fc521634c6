// SPDX-License-Identifier: Apache-2.0
/* Conditions that change from step to step and that stand beside each other, against
 * tools/golden/conditions.py, whose CASES these are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "stages/diffuse_golden.h"
#include "support/temp.h"

enum { STEPS = 6, MOST = 6 };

struct row {
    const char *context;
    float weight;
    int from, to;
};

static const struct drawing {
    const char *name, *sampler, *schedule;
    double guidance;
    struct row positive[MOST], negative[2];
} DRAWINGS[] = {
    {"one", "dpmpp-2m", "normal", 7.5, {{"positive", 1, 0, 6}}, {{"negative", 1, 0, 6}}},
    {"schedule",
     "euler",
     "karras",
     7.5,
     {{"positive", 1, 0, 2}, {"other", 1, 2, 6}},
     {{"negative", 1, 0, 3}, {"third", 1, 3, 6}}},
    {"turns",
     "ddim",
     "normal",
     5,
     {{"other", 1, 0, 1},
      {"positive", 1, 1, 2},
      {"other", 1, 2, 3},
      {"positive", 1, 3, 4},
      {"other", 1, 4, 5},
      {"positive", 1, 5, 6}},
     {{"negative", 1, 0, 6}}},
    {"and",
     "euler-a",
     "normal",
     4,
     {{"positive", 1, 0, 6},
      {"other", 0.5f, 0, 6},
      {"third", -0.25f, 0, 4},
      {"negative", -0.25f, 4, 6}},
     {{"negative", 1, 0, 6}}},
    {"and unguided",
     "euler",
     "normal",
     1,
     {{"positive", 0.7f, 0, 6}, {"other", 0.6f, 0, 6}},
     {{"negative", 1, 0, 6}}},
};

/* → [n], whose states are the caller's */
static size_t conditions_of(const struct row *rows, size_t most, struct lk_condition *out)
{
    size_t n = 0;
    for (; n < most && rows[n].context; n++) {
        char *name = test_format("golden.%s", rows[n].context);
        out[n] = (struct lk_condition){golden_context(name, 77), rows[n].weight, rows[n].from,
                                       rows[n].to};
        free(name);
    }
    return n;
}

static void conditions_change_and_add_up(void **state)
{
    (void)state;
    lk_tensor_file *file = golden_open("conditions");
    for (size_t i = 0; i < LK_ARRAY_LENGTH(DRAWINGS); i++) {
        const struct drawing *d = &DRAWINGS[i];
        struct lk_error err;
        struct lk_draw_options o;
        struct lk_condition positive[MOST], negative[2];
        struct lk_picture *picture;
        float *latents;
        lk_draw_options_init(&o);
        o.width = o.height = 64;
        o.steps = STEPS;
        o.guidance = d->guidance;
        o.sampler = d->sampler;
        o.schedule = d->schedule;
        o.seed = GOLDEN_SEED;
        const struct lk_conditioning conditioning = {
            .tokens = 77,
            .width = 32,
            .positive = positive,
            .negative = negative,
            .n_positive = conditions_of(d->positive, MOST, positive),
            .n_negative = conditions_of(d->negative, 2, negative),
        };
        golden_must(lk_draw(golden_tiny.drawer, &o, &conditioning, NULL, &picture, &latents, &err),
                    &err);
        const double distance = golden_distance(latents, lk_tensor_file_find(file, d->name));
        if (!(distance <= 1e-5))
            fail_msg("%s: latents off by %g", d->name, distance);
        for (size_t k = 0; k < conditioning.n_positive; k++)
            free((float *)(uintptr_t)positive[k].states);
        for (size_t k = 0; k < conditioning.n_negative; k++)
            free((float *)(uintptr_t)negative[k].states);
        lk_picture_free(picture);
        free(latents);
    }
    lk_tensor_file_free(file);
}

static void a_step_without_condition_is_an_error(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct lk_draw_options o;
    struct golden_conditioning conditioning;
    struct lk_picture *picture = NULL;
    float *context = golden_context("golden.positive", 77);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    golden_conditioning(&conditioning, 77, 32, context, NULL);
    assert_int_equal(
        lk_draw(golden_tiny.drawer, &o, &conditioning.value, NULL, &picture, NULL, &err),
        LK_E_FAILED);
    golden_conditioning(&conditioning, 77, 32, context, context);
    conditioning.positive.to = 1;
    assert_int_equal(
        lk_draw(golden_tiny.drawer, &o, &conditioning.value, NULL, &picture, NULL, &err),
        LK_E_FAILED);
    assert_non_null(strstr(err.message, "step 1"));
    assert_null(picture);
    free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_change_and_add_up),
        cmocka_unit_test(a_step_without_condition_is_an_error),
    };
    return cmocka_run_group_tests(tests, golden_set_up_tiny, golden_tear_down_tiny);
}
