// SPDX-License-Identifier: Apache-2.0
/* SD 2.x, SDXL with its refiner, and distilled UNets against diffusers (tools/golden/families.py):
 * every family in both layouts, every prediction and sampler, every type of weights; and texts by
 * their encoders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "stages/diffuse_golden.h"
#include "stages/text/text.h"
#include "support/temp.h"

/* Of the golden latents' standard deviation. A wrong size id is 1e-2, a wrong head count 1e-1. */
#define TOLERANCE 1e-3

static lk_tensor_file *golden;

static const struct {
    const char *name;
    enum lk_dtype dtype;
} TYPES[] = {
    {"f32", LK_F32},        {"f16", LK_F16},        {"bf16", LK_BF16},
    {"f8e4m3", LK_F8_E4M3}, {"f8e5m2", LK_F8_E5M2},
};

struct drawing {
    char family[16], dtype[8], prediction[8], sampler[16], schedule[16], spacing[16];
    struct lk_draw_options options;
};

static int parse(const char *name, struct drawing *d)
{
    lk_draw_options_init(&d->options);
    struct lk_draw_options *o = &d->options;
    if (sscanf(name, "draw %15s %7s %7s %15s %15s %15s %dx%d %d %lf %lf/latents", d->family,
               d->dtype, d->prediction, d->sampler, d->schedule, d->spacing, &o->width, &o->height,
               &o->steps, &o->guidance, &o->strength) != 11 ||
        !strstr(name, "/latents"))
        return 0;
    o->sampler = d->sampler;
    o->schedule = d->schedule;
    o->seed = GOLDEN_SEED;
    return 1;
}

static void check_drawing(const struct model *m, const struct lk_tensor *want, struct drawing *d)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL, *init = NULL;
    struct golden_conditioning conditioning;
    float *latents = NULL;
    golden_conditioning_of(m, &conditioning);
    if (d->options.strength > 0)
        d->options.init = init = golden_picture(d->options.width, d->options.height);
    golden_must(
        lk_draw(m->drawer, &d->options, &conditioning.value, NULL, &picture, &latents, &err), &err);
    double off = golden_deviation(latents, want);
    char *rows = test_format("%.*s/rows", (int)(strchr(want->name, '/') - want->name), want->name);
    const struct lk_tensor *pixels = lk_tensor_file_find(golden, rows);
    int most = pixels ? golden_rows_differ(picture, pixels) : 0;
    if (!(off <= TOLERANCE) || most > 1)
        fail_msg("%s: latents off by %g, pixels by %d", want->name, off, most);
    free(rows);
    free(latents);
    lk_picture_free(picture);
    lk_picture_free(init);
    golden_conditioning_free(&conditioning);
}

/* All cases of the family with these weights, each with a checkpoint that says what they need. */
static void draw_all(const char *family,
                     const char *dtype,
                     const char *prediction,
                     const char *spacing,
                     enum test_layout layout,
                     int want)
{
    struct test_checkpoint options = {
        .layout = layout,
        .family = family,
        .v_prediction = prediction[0] == 'v',
        .zero_snr = !strcmp(prediction, "vz"),
        .spacing = strcmp(spacing, "own") ? spacing : NULL,
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(TYPES); i++)
        if (!strcmp(TYPES[i].name, dtype))
            options.dtype = TYPES[i].dtype;
    char *name = test_format("%s-%s-%s-%s%s", family, dtype, prediction, spacing,
                             layout == TEST_SINGLE ? ".safetensors" : "");
    struct model m = golden_model(&options, name);
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        struct drawing d;
        const struct lk_tensor *tensor = lk_tensor_file_at(golden, i);
        if (!parse(tensor->name, &d) || strcmp(d.family, family) || strcmp(d.dtype, dtype) ||
            strcmp(d.prediction, prediction) || strcmp(d.spacing, spacing))
            continue;
        check_drawing(&m, tensor, &d);
        cases++;
    }
    assert_int_equal(cases, want);
    golden_model_close(&m);
    free(name);
}

static void sd2_predicts_noise_or_v_in_both_layouts(void **state)
{
    (void)state;
    for (int layout = TEST_FOLDER; layout <= TEST_SINGLE; layout++) {
        draw_all("sd2", "f32", "epsilon", "own", (enum test_layout)layout, 6);
        draw_all("sd2", "f32", "v", "own", (enum test_layout)layout, 7);
    }
}

static void zero_terminal_snr_is_diffusers(void **state)
{
    (void)state;
    draw_all("sd2", "f32", "vz", "trailing", TEST_FOLDER, 6);
    draw_all("sdxl", "f32", "vz", "trailing", TEST_SINGLE, 1);
}

static void sdxl_draws_diffusers_pictures_in_both_layouts(void **state)
{
    (void)state;
    for (int layout = TEST_FOLDER; layout <= TEST_SINGLE; layout++) {
        draw_all("sdxl", "f32", "epsilon", "own", (enum test_layout)layout, 7);
        draw_all("sdxl", "f32", "epsilon", "leading", (enum test_layout)layout, 1);
        draw_all("sdxl", "f32", "epsilon", "trailing", (enum test_layout)layout, 1);
    }
}

static void distilled_unets_of_any_depth_draw(void **state)
{
    (void)state;
    for (int layout = TEST_FOLDER; layout <= TEST_SINGLE; layout++) {
        draw_all("distilled", "f32", "epsilon", "own", (enum test_layout)layout, 2);
        draw_all("small", "f32", "epsilon", "own", (enum test_layout)layout, 2);
    }
}

static void every_type_of_weights_draws(void **state)
{
    (void)state;
    static const char *const FAMILIES[] = {"sd2", "sdxl", "distilled", "small"};
    for (size_t type = 1; type < LK_ARRAY_LENGTH(TYPES); type++)
        for (size_t i = 0; i < LK_ARRAY_LENGTH(FAMILIES); i++)
            draw_all(FAMILIES[i], TYPES[type].name, i ? "epsilon" : "v", "own",
                     type % 2 ? TEST_SINGLE : TEST_FOLDER, 1);
}

static void the_refiner_takes_over_as_in_diffusers(void **state)
{
    (void)state;
    struct lk_error err = {0};
    int cases = 0;
    draw_all("refiner", "f32", "epsilon", "own", TEST_FOLDER, 1);
    struct model base = golden_model(&(struct test_checkpoint){.family = "sdxl"}, "base");
    struct model refiner =
        golden_model(&(struct test_checkpoint){.family = "refiner", .layout = TEST_SINGLE},
                     "refiner.safetensors");
    struct golden_conditioning first, second;
    golden_conditioning_of(&base, &first);
    golden_conditioning_of(&refiner, &second);
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        const struct lk_tensor *want = lk_tensor_file_at(golden, i);
        struct lk_draw_refiner hand = {refiner.drawer, &second.value, 0};
        struct lk_draw_options o;
        char sampler[16], spacing[16];
        lk_draw_options_init(&o);
        if (sscanf(want->name, "hand f32 %15s %15s %d %lf/latents", sampler, spacing, &o.steps,
                   &hand.from) != 4)
            continue;
        o.sampler = sampler;
        o.width = o.height = 64;
        o.seed = GOLDEN_SEED;
        o.spacing = !strcmp(spacing, "leading") ? LK_SPACING_LEADING : LK_SPACING_OWN;
        o.refiner = &hand;
        struct lk_picture *picture = NULL;
        float *latents = NULL;
        golden_must(lk_draw(base.drawer, &o, &first.value, NULL, &picture, &latents, &err), &err);
        double off = golden_deviation(latents, want);
        if (!(off <= TOLERANCE))
            fail_msg("%s: off by %g", want->name, off);
        free(latents);
        lk_picture_free(picture);
        cases++;
    }
    assert_int_equal(cases, 4);
    golden_conditioning_free(&first);
    golden_conditioning_free(&second);
    golden_model_close(&base);
    golden_model_close(&refiner);
}

static void check_text(const float *have, const char *name, size_t n)
{
    const struct lk_tensor *want = lk_tensor_file_find(golden, name);
    assert_non_null(want);
    assert_int_equal(want->size, n * sizeof(float));
    double off = golden_deviation(have, want);
    if (!(off <= 1e-5))
        fail_msg("%s: off by %g", name, off);
}

static void texts_are_diffusers_in_both_layouts(void **state)
{
    (void)state;
    static const char *const FAMILIES[] = {"sd2", "sdxl", "refiner"};
    static const struct {
        int skip, prompt;
    } CASES[] = {{0, 0}, {1, 0}, {0, 1}, {0, 2}};
    static const char WORD[] = "lighthouse ";
    char words[100 * (sizeof WORD - 1) + 1] = "";
    for (size_t i = 0; i < 100; i++)
        memcpy(words + i * (sizeof WORD - 1), WORD, sizeof WORD);
    const char *const prompts[] = {"a young woman with red hair and round glasses, smiling", "",
                                   words};
    for (size_t k = 0; k < 2 * LK_ARRAY_LENGTH(FAMILIES); k++) {
        struct lk_error err = {0};
        lk_text *text = NULL;
        const struct test_checkpoint options = {.layout = k % 2 ? TEST_SINGLE : TEST_FOLDER,
                                                .family = FAMILIES[k / 2]};
        char *name = test_format("text-%s%s", FAMILIES[k / 2], k % 2 ? ".safetensors" : "");
        struct model m = golden_checkpoint(&options, name);
        golden_must(lk_text_open(golden_runtime(), m.checkpoint, "cpu", &text, &err), &err);
        for (size_t i = 0; i < LK_ARRAY_LENGTH(CASES); i++) {
            struct lk_text_states states = {0};
            struct lk_text_info info;
            char *base =
                test_format("text %s %d %d", FAMILIES[k / 2], CASES[i].skip, CASES[i].prompt);
            char *whole = test_format("%s/states", base), *pooled = test_format("%s/pooled", base);
            golden_must(lk_text_encode(text, prompts[CASES[i].prompt], NULL, "the prompt",
                                       CASES[i].skip, NULL, &states, &info, &err),
                        &err);
            check_text(states.states, whole, (size_t)77 * 32);
            if (k / 2)
                check_text(states.pooled, pooled, 24);
            else
                assert_null(states.pooled);
            free(base), free(whole), free(pooled);
            lk_text_states_free(&states);
        }
        lk_text_free(text);
        golden_model_close(&m);
        free(name);
    }
}

/* Without a mask it paints everything. */
static void an_inpainting_unet_of_two_levels_draws(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct model m = golden_model(&(struct test_checkpoint){.family = "inpaint"}, "inpaint");
    assert_int_equal(lk_checkpoint_config(m.checkpoint)->unet.in_channels, 9);
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.steps = 2;
    struct golden_conditioning conditioning;
    struct lk_picture *picture = NULL;
    golden_conditioning_of(&m, &conditioning);
    golden_must(lk_draw(m.drawer, &o, &conditioning.value, NULL, &picture, NULL, &err), &err);
    assert_int_equal(picture->width, 64);
    lk_picture_free(picture);
    golden_conditioning_free(&conditioning);
    golden_model_close(&m);
}

static int set_up(void **state)
{
    (void)state;
    golden_set_up(state);
    golden = golden_open("families");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lk_tensor_file_free(golden);
    golden_tear_down(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sd2_predicts_noise_or_v_in_both_layouts),
        cmocka_unit_test(zero_terminal_snr_is_diffusers),
        cmocka_unit_test(sdxl_draws_diffusers_pictures_in_both_layouts),
        cmocka_unit_test(distilled_unets_of_any_depth_draw),
        cmocka_unit_test(every_type_of_weights_draws),
        cmocka_unit_test(the_refiner_takes_over_as_in_diffusers),
        cmocka_unit_test(texts_are_diffusers_in_both_layouts),
        cmocka_unit_test(an_inpainting_unet_of_two_levels_draws),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
