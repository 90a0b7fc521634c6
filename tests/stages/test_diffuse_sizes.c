// SPDX-License-Identifier: Apache-2.0
/* What SDXL and its refiner are told of sizes, against diffusers (tools/golden/sizes.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse_golden.h"

/* Of the largest latent; a size that is not told is 1e-2 and more. */
#define TOLERANCE 4e-5

/* Reads seven numbers; returns what follows them. */
static const char *parse(const char *text, struct lk_sizes *s)
{
    int used = 0;
    assert_int_equal(sscanf(text, "%d %d %d %d %d %d %lf%n", &s->original[0], &s->original[1],
                            &s->crop[0], &s->crop[1], &s->target[0], &s->target[1], &s->aesthetic,
                            &used),
                     7);
    return text + used;
}

static void draw(const struct model *m, const struct lk_tensor *golden, struct lk_draw_options *o)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL;
    float *latents = NULL;
    struct golden_conditioning conditioning;
    golden_conditioning_of(m, &conditioning);
    o->width = o->height = 64;
    o->steps = 5;
    o->sampler = "euler";
    o->seed = GOLDEN_SEED;
    golden_must(lk_draw(m->drawer, o, &conditioning.value, NULL, &picture, &latents, &err), &err);
    const double distance = golden_distance(latents, golden);
    if (!(distance <= TOLERANCE))
        fail_msg("%s: latents off by %g", golden->name, distance);
    golden_conditioning_free(&conditioning);
    lk_picture_free(picture);
    free(latents);
}

static void draw_all(const char *family, bool from_picture, int want)
{
    struct model m = golden_model(&(struct test_checkpoint){.family = family}, family);
    struct lk_picture *init = golden_picture(64, 64);
    lk_tensor_file *file = golden_open("sizes");
    const size_t head = strlen(family);
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *golden = lk_tensor_file_at(file, i);
        struct lk_draw_options o;
        if (strncmp(golden->name, family, head) || golden->name[head] != ' ')
            continue;
        lk_draw_options_init(&o);
        parse(parse(golden->name + head, &o.sizes), &o.sizes_negative);
        o.init = from_picture ? init : NULL;
        o.strength = 0.7;
        draw(&m, golden, &o);
        cases++;
    }
    assert_int_equal(cases, want);
    lk_tensor_file_free(file);
    lk_picture_free(init);
    golden_model_close(&m);
}

static void sdxl_is_told_sizes_and_crops(void **state)
{
    (void)state;
    draw_all("sdxl", false, 2);
}

static void its_refiner_is_told_scores_of_beauty(void **state)
{
    (void)state;
    draw_all("refiner", true, 2);
}

static void other_families_are_told_nothing(void **state)
{
    (void)state;
    struct model m = golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "plain");
    struct lk_draw_options o;
    lk_draw_options_init(&o);
    o.width = o.height = 64;
    o.sizes_negative.crop[1] = 8;
    golden_refuse(&m, &o, 32, LK_E_INPUT,
                  "checkpoint 'plain' is told nothing of sizes and crops, only SDXL is: leave "
                  "--original-size, --target-size and --crop-… out");
    golden_model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sdxl_is_told_sizes_and_crops),
        cmocka_unit_test(its_refiner_is_told_scores_of_beauty),
        cmocka_unit_test(other_families_are_told_nothing),
    };
    return cmocka_run_group_tests(tests, golden_set_up, golden_tear_down);
}
