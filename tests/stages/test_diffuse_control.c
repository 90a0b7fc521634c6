// SPDX-License-Identifier: Apache-2.0
/* Inpainting with UNets of four and nine channels, and ControlNets of both layouts, against
 * diffusers' latents (tools/golden/control.py); and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "data/mask.h"
#include "stages/diffuse/draw.h"
#include "stages/diffuse_golden.h"
#include "support/checkpoint.h"
#include "support/temp.h"

/* Of the largest latent; a wrong order of the generator's numbers is 0.1 and more. */
#define TOLERANCE 4e-5

static struct model plain, nine;
static char *folder;

static struct lk_mask *golden_mask(int width, int height)
{
    struct lk_error err;
    struct lk_mask *mask = NULL;
    golden_must(lk_mask_new(width, height, &mask, &err), &err);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            mask->value[(size_t)y * width + x] = (x / 12 + y / 20) % 3 != 0;
    return mask;
}

static struct lk_picture *golden_hint(int width, int height, int k)
{
    struct lk_picture *hint = golden_picture(width, height);
    for (size_t i = 0; i < (size_t)3 * width * height; i++)
        hint->u8[i] = (uint8_t)(hint->u8[i] + 91 * k);
    return hint;
}

/* What a case's name says; the strings of options point into it. */
struct control_case {
    char sampler[16], schedule[16];
    int first; /* channels, or number of ControlNets */
    double start, end;
    struct lk_draw_options options;
};

static int parse(const char *name, const char *kind, struct control_case *c)
{
    struct lk_draw_options *o = &c->options;
    const char *numbers = strchr(name, ' ');
    int read = 0;
    if (!numbers || strlen(kind) != (size_t)(numbers - name) || strncmp(name, kind, strlen(kind)) ||
        !strstr(name, "/latents"))
        return 0;
    lk_draw_options_init(o);
    int heads = !strcmp(kind, "mask")
                    ? sscanf(numbers, "%d%n", &c->first, &read) + 2
                    : sscanf(numbers, "%d %lf %lf%n", &c->first, &c->start, &c->end, &read);
    int rest = sscanf(numbers + read, "%15s %15s %dx%d %d %lf %lf", c->sampler, c->schedule,
                      &o->width, &o->height, &o->steps, &o->guidance, &o->strength);
    o->sampler = c->sampler;
    o->schedule = c->schedule;
    o->seed = GOLDEN_SEED;
    return heads == 3 && rest == 7;
}

static void compare(const struct model *m,
                    const struct control_case *c,
                    const struct lk_tensor *want)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    float *latents = NULL;
    struct golden_conditioning conditioning;
    golden_conditioning_of(m, &conditioning);
    golden_must(
        lk_draw(m->drawer, &c->options, &conditioning.value, NULL, &picture, &latents, &err), &err);
    double distance = golden_distance(latents, want);
    if (!(distance <= TOLERANCE))
        fail_msg("%s: latents off by %g", want->name, distance);
    golden_conditioning_free(&conditioning);
    free(latents);
    lk_picture_free(picture);
}

static void masks_are_painted_as_diffusers_does(void **state)
{
    (void)state;
    lk_tensor_file *file = golden_open("control");
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        struct control_case c;
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (!parse(golden->name, "mask", &c))
            continue;
        struct lk_picture *init = golden_picture(c.options.width, c.options.height);
        struct lk_mask *mask = golden_mask(c.options.width, c.options.height);
        c.options.init = init;
        c.options.mask = mask;
        compare(c.first == 9 ? &nine : &plain, &c, golden);
        lk_picture_free(init);
        lk_mask_free(mask);
        cases++;
    }
    assert_int_equal(cases, 10);
    lk_tensor_file_free(file);
}

static lk_control *open_tiny(enum test_layout layout, const char *family)
{
    struct lk_error err;
    lk_control *control = NULL;
    const struct test_checkpoint options = {.layout = layout, .family = family};
    static int opened;
    char *path = test_format("%s/control%d%s", folder, opened++,
                             layout == TEST_SINGLE ? ".safetensors" : "");
    test_control_write(path, &options);
    golden_must(lk_control_open(golden_runtime(), path, "cpu", &control, &err), &err);
    free(path);
    return control;
}

static enum lk_control_mode mode_of(const char *kind)
{
    return !strcmp(kind, "guess")    ? LK_CONTROL_FIRST
           : !strcmp(kind, "prompt") ? LK_CONTROL_PROMPT
                                     : LK_CONTROL_BALANCED;
}

/* With the same network once or twice. */
static void draw_controlled(const struct model *m,
                            const char *kind,
                            lk_control *control,
                            struct control_case *c,
                            const struct lk_tensor *golden)
{
    struct lk_draw_options *o = &c->options;
    const bool is_masked = !strcmp(kind, "masked");
    struct lk_control_use uses[2];
    struct lk_picture *hints[2], *init = golden_picture(o->width, o->height);
    struct lk_mask *mask = golden_mask(o->width, o->height);
    for (int k = 0; k < 2; k++) {
        hints[k] = golden_hint(o->width, o->height, k);
        uses[k] = (struct lk_control_use){control, hints[k], k ? -0.5 : 0.8, c->start, c->end};
    }
    if (!strcmp(kind, "ranges")) {
        uses[1].start = 0;
        uses[1].end = c->start;
    }
    o->controls = uses;
    o->n_controls = is_masked ? 1 : c->first;
    o->control_mode = mode_of(kind);
    o->init = o->strength > 0 ? init : NULL;
    o->mask = is_masked ? mask : NULL;
    compare(is_masked && c->first == 9 ? &nine : m, c, golden);
    for (int k = 0; k < 2; k++)
        lk_picture_free(hints[k]);
    lk_picture_free(init);
    lk_mask_free(mask);
}

static void draw_all(const struct model *m, const char *kind, lk_control *control, int want)
{
    lk_tensor_file *file = golden_open("control");
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        struct control_case c;
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        if (!parse(golden->name, kind, &c))
            continue;
        draw_controlled(m, kind, control, &c, golden);
        cases++;
    }
    assert_int_equal(cases, want);
    lk_tensor_file_free(file);
}

static void controlnets_of_both_layouts_add_what_diffusers_adds(void **state)
{
    (void)state;
    for (int layout = TEST_FOLDER; layout <= TEST_SINGLE; layout++) {
        lk_control *control = open_tiny((enum test_layout)layout, NULL);
        draw_all(&plain, "control", control, 6);
        lk_control_free(control);
    }
}

/* Guess mode, and its weights alone; each ControlNet in steps of its own; under a mask. */
static void controlnets_work_as_asked(void **state)
{
    (void)state;
    lk_control *control = open_tiny(TEST_FOLDER, NULL);
    draw_all(&plain, "guess", control, 3);
    draw_all(&plain, "prompt", control, 1);
    draw_all(&plain, "ranges", control, 1);
    draw_all(&plain, "masked", control, 3);
    lk_control_free(control);
}

/* They see the pooled prompt and the sizes, as the UNet does. */
static void sdxl_has_controlnets_of_both_layouts(void **state)
{
    (void)state;
    struct model xl = golden_model(&(struct test_checkpoint){.family = "sdxl"}, "xl");
    for (int layout = TEST_FOLDER; layout <= TEST_SINGLE; layout++) {
        lk_control *control = open_tiny((enum test_layout)layout, "sdxl");
        draw_all(&xl, "xl", control, 3);
        lk_control_free(control);
    }
    golden_model_close(&xl);
}

/* The UNet is opened again without the inputs of ControlNets. */
static void a_drawing_without_control_follows_one_with(void **state)
{
    (void)state;
    struct model fresh = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "fresh");
    lk_control *control = open_tiny(TEST_FOLDER, NULL);
    struct lk_picture *hint = golden_hint(64, 64, 0), *drawn[2] = {NULL};
    const struct lk_control_use use = {control, hint, 1, 0, 1};
    float *context = golden_context("golden.positive", 77);
    struct golden_conditioning conditioning;
    struct lk_error err;
    struct lk_draw_options o;
    golden_conditioning(&conditioning, 77, 32, context, context);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.steps = 2;
    golden_must(lk_draw(fresh.drawer, &o, &conditioning.value, NULL, &drawn[0], NULL, &err), &err);
    o.controls = &use;
    o.n_controls = 1;
    golden_must(lk_draw(fresh.drawer, &o, &conditioning.value, NULL, &drawn[1], NULL, &err), &err);
    assert_memory_not_equal(drawn[0]->f32, drawn[1]->f32, (size_t)64 * 64 * 3 * sizeof(float));
    lk_picture_free(drawn[1]);
    o.n_controls = 0;
    golden_must(lk_draw(fresh.drawer, &o, &conditioning.value, NULL, &drawn[1], NULL, &err), &err);
    assert_memory_equal(drawn[0]->f32, drawn[1]->f32, (size_t)64 * 64 * 3 * sizeof(float));
    for (int k = 0; k < 2; k++)
        lk_picture_free(drawn[k]);
    lk_picture_free(hint);
    lk_control_free(control);
    free(context);
    golden_model_close(&fresh);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct lk_draw_options o;
    struct lk_mask *mask = golden_mask(64, 64);
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.mask = mask;
    golden_refuse(&plain, &o, 32, LK_E_INPUT,
                  "--mask says which part of a picture is painted: give the picture by --init");
    struct lk_picture *init = golden_picture(72, 64);
    o.init = init;
    o.width = 72;
    golden_refuse(&plain, &o, 32, LK_E_INPUT, "a mask of 64x64 does not fit a drawing of 72x64");
    o.mask = NULL;
    o.init = NULL;
    lk_control *control = open_tiny(TEST_FOLDER, NULL);
    struct lk_control_use use = {control, init, 1, 0.5, 0.5};
    o.controls = &use;
    o.n_controls = 1;
    golden_refuse(&plain, &o, 32, LK_E_INPUT,
                  "--control: from 0.5 to 0.5 of the steps ('control6') is no part of 0 to 1");
    use.start = 0;
    use.weight = NAN;
    golden_refuse(&plain, &o, 32, LK_E_INPUT,
                  "--control: the weight nan of 'control6' is not from -10 to 10");
    lk_control_free(control);
    lk_picture_free(init);
    lk_mask_free(mask);
}

static void a_checkpoint_is_no_controlnet(void **state)
{
    (void)state;
    struct lk_error err = {0};
    lk_control *control = NULL;
    char *path = test_format("%s/sd.safetensors", folder);
    test_checkpoint_write(path, &(struct test_checkpoint){.layout = TEST_SINGLE});
    assert_int_equal(lk_control_open(golden_runtime(), path, "cpu", &control, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message, "not a ControlNet: give one by --control-model"));
    assert_null(control);
    free(path);
}

/* ---- broken files ---- */

static void cut_off(unsigned char *file, size_t *size)
{
    (void)file;
    *size -= 1000;
}

static void turn_a_shape(unsigned char *file, size_t *size)
{
    unsigned char *at = memmem(file, *size, "\"shape\":[64,16]", 15);
    assert_non_null(at);
    memcpy(at, "\"shape\":[16,64]", 15);
}

static void end_in_nan(unsigned char *file, size_t *size)
{
    memcpy(file + *size - 4, &(float){NAN}, 4);
}

/* In the middle of the last tensor, of 32·32 numbers. */
static void hide_nan(unsigned char *file, size_t *size)
{
    memcpy(file + *size - sizeof(float[16][32]), &(float){NAN}, 4);
}

/* What is said of a ControlNet file after that: when it is opened, or drawn with. */
static void break_file(void (*breaks)(unsigned char *file, size_t *size), const char *says)
{
    struct lk_error err = {0};
    lk_control *control = NULL;
    struct lk_file whole;
    char *path = test_format("%s/broken.safetensors", folder);
    test_control_write(path, &(struct test_checkpoint){.layout = TEST_SINGLE});
    golden_must(lk_file_map(path, &whole, &err), &err);
    size_t size = whole.size;
    unsigned char *file = malloc(size);
    assert_non_null(file);
    memcpy(file, whole.bytes, size);
    lk_file_unmap(&whole);
    breaks(file, &size);
    test_write_file(path, file, size);
    int rc = lk_control_open(golden_runtime(), path, "cpu", &control, &err);
    if (!rc) {
        struct lk_draw_options o;
        struct lk_picture *hint = golden_hint(64, 64, 0), *picture = NULL;
        const struct lk_control_use use = {control, hint, 1, 0, 1};
        struct golden_conditioning conditioning;
        golden_conditioning_of(&plain, &conditioning);
        lk_draw_options_init(&o);
        o.width = o.height = 64;
        o.controls = &use;
        o.n_controls = 1;
        rc = lk_draw(plain.drawer, &o, &conditioning.value, NULL, &picture, NULL, &err);
        assert_null(picture);
        golden_conditioning_free(&conditioning);
        lk_picture_free(hint);
        lk_control_free(control);
    }
    assert_int_equal(rc, LK_E_INPUT);
    if (!strstr(err.message, says) || strchr(err.message, '\n'))
        fail_msg("'%s' is not in '%s'", says, err.message);
    free(file);
    free(path);
}

static void broken_controlnets_are_refused_in_a_line(void **state)
{
    (void)state;
    break_file(cut_off, "broken.safetensors");
    break_file(turn_a_shape, "time_embed.0.weight");
    break_file(end_in_nan, "holds NaN or infinity");
    break_file(hide_nan, "gives no numbers (NaN or infinity): its weights are damaged");
}

static void a_controlnet_of_another_family_is_refused(void **state)
{
    (void)state;
    lk_control *control = open_tiny(TEST_FOLDER, "sdxl");
    struct lk_picture *hint = golden_hint(64, 64, 0);
    const struct lk_control_use use = {control, hint, 1, 0, 1};
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.controls = &use;
    o.n_controls = 1;
    char *says = test_format(
        "ControlNet '%s' (3 levels of 16 channels and more, 32 numbers a token) does not fit the "
        "UNet of checkpoint 'tiny' (4, 16, 32): give one of its family by --control-model",
        lk_checkpoint_name(lk_control_checkpoint(control)));
    golden_refuse(&plain, &o, 32, LK_E_INPUT, says);
    free(says);
    lk_picture_free(hint);
    lk_control_free(control);
}

/* As in SDXL's small ones: convolutions alone, and half of a middle. */
static void a_controlnet_without_transformers_reads_no_text(void **state)
{
    (void)state;
    lk_control *control = open_tiny(TEST_FOLDER, "small");
    draw_all(&plain, "small", control, 2);
    lk_control_free(control);
}

static int set_up(void **state)
{
    (void)state;
    golden_set_up(state);
    folder = test_temp_dir();
    plain = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "tiny");
    nine = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER, .inpaint = 1}, "nine");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_model_close(&plain);
    golden_model_close(&nine);
    test_temp_remove(folder);
    golden_tear_down(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_painted_as_diffusers_does),
        cmocka_unit_test(controlnets_of_both_layouts_add_what_diffusers_adds),
        cmocka_unit_test(controlnets_work_as_asked),
        cmocka_unit_test(sdxl_has_controlnets_of_both_layouts),
        cmocka_unit_test(a_drawing_without_control_follows_one_with),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(a_checkpoint_is_no_controlnet),
        cmocka_unit_test(broken_controlnets_are_refused_in_a_line),
        cmocka_unit_test(a_controlnet_of_another_family_is_refused),
        cmocka_unit_test(a_controlnet_without_transformers_reads_no_text),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
