// SPDX-License-Identifier: Apache-2.0
/* LoRAs of every kind, merged and drawn with, against diffusers with PEFT and against LyCORIS
 * (tools/golden/lora.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/lora.h"
#include "stages/diffuse_golden.h"
#include "support/scratch.h"
#include "support/temp.h"

/* Of the largest number of a weight, and of the largest latent. */
#define WEIGHTS 2e-6
#define LATENTS 2e-5

enum { MOST = 100 };

/* FAMILY PROGRAM FORM WEIGHT|KIND|REST */
struct name {
    char kase[40], family[16];
    double weight;
    const char *kind, *rest;
};

static int parse(const char *text, struct name *out)
{
    const char *bar = strchr(text, '|');
    assert_non_null(bar);
    snprintf(out->kase, sizeof out->kase, "%.*s", (int)(bar - text), text);
    sscanf(out->kase, "%15s", out->family);
    out->weight = strtod(strrchr(out->kase, ' '), NULL);
    out->kind = bar + 1;
    const char *rest = strchr(bar + 1, '|');
    out->rest = rest ? rest + 1 : "";
    return 1;
}

/* The tensors of the case's file as a file of their own. */
static const char *write_file(const lk_tensor_file *golden, const char *kase)
{
    char *header = NULL;
    size_t length = 0, size = 0;
    FILE *json = open_memstream(&header, &length);
    const struct lk_tensor *list[MOST];
    size_t n = 0;
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(golden, i);
        struct name name;
        parse(t->name, &name);
        if (strcmp(name.kase, kase) || strncmp(name.kind, "file|", 5))
            continue;
        assert_true(n < MOST);
        fprintf(json, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", n ? "," : "{", name.rest,
                lk_dtype_name(t->dtype));
        for (int k = 0; k < t->rank; k++)
            fprintf(json, "%s%d", k ? "," : "", (int)t->shape[k]);
        fprintf(json, "],\"data_offsets\":[%zu,%zu]}", size, size + t->size);
        size += t->size;
        list[n++] = t;
    }
    fputc('}', json);
    fclose(json);
    unsigned char *file = calloc(8 + length + size, 1), *at = file + 8;
    assert_non_null(file);
    memcpy(file, &(uint64_t){length}, 8);
    memcpy(at, header, length);
    at += length;
    for (size_t i = 0; i < n; i++) {
        memcpy(at, list[i]->data, list[i]->size);
        at += list[i]->size;
    }
    const char *path = scratch_write("case.safetensors", file, 8 + length + size);
    free(file);
    free(header);
    return path;
}

/* A large weight is told by its rows' products with numbers of its name; in place. */
static void probe(const char *name, size_t rows, size_t columns, float *values)
{
    char *seed = test_format("probe.%s", name);
    float *numbers = malloc(columns * sizeof *numbers);
    assert_non_null(numbers);
    test_checkpoint_values(seed, 2, (const int64_t[]){1, (int64_t)columns}, numbers);
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t k = 0; k < columns; k++)
            sum += (double)values[i * columns + k] * numbers[k];
        values[i] = (float)sum;
    }
    free(numbers);
    free(seed);
}

/* OpenCLIP's projection as diffusers has it: [width,projection] → [projection,width] */
static void turn(float *values, size_t width, size_t projection)
{
    float *copy = malloc(width * projection * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, values, width * projection * sizeof *copy);
    for (size_t i = 0; i < width; i++)
        for (size_t k = 0; k < projection; k++)
            values[k * width + i] = copy[i * projection + k];
    free(copy);
}

/* want: "PART|NAME" */
static void check_weight(const lk_checkpoint *c,
                         const char *want,
                         bool is_probe,
                         const struct lk_tensor *golden)
{
    struct lk_error err;
    const char *name = strchr(want, '|') + 1;
    const enum lk_part part = want[0] == 'u'                 ? LK_PART_UNET
                              : !strncmp(want, "text_2|", 7) ? LK_PART_TEXT_2
                                                             : LK_PART_TEXT;
    const struct lk_tensor *have = lk_checkpoint_tensor(c, part, name);
    assert_non_null(have);
    if (have->path) /* the file's own */
        fail_msg("%s is not changed", golden->name);
    const size_t n = have->size / lk_dtype_size(have->dtype);
    float *values = malloc(have->size);
    assert_non_null(values);
    golden_must(lk_tensor_to_f32(have, 0, n, values, &err), &err);
    const bool turned = !strcmp(name, "text_projection.weight") &&
                        lk_checkpoint_config(c)->text_2.projection_transposed;
    const size_t rows = (size_t)have->shape[turned], columns = n / rows;
    if (turned)
        turn(values, columns, rows);
    if (is_probe)
        probe(name, rows, columns, values);
    double distance = golden_distance(values, golden);
    if (!(distance <= WEIGHTS))
        fail_msg("%s: off by %g", golden->name, distance);
    free(values);
}

static void check_latents(const struct model *m, const struct lk_tensor *golden)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    float *drawn = NULL;
    struct golden_conditioning conditioning;
    golden_conditioning_of(m, &conditioning);
    struct lk_draw_options options;
    lk_draw_options_init(&options);
    options.width = options.height = 64;
    options.steps = 3;
    options.sampler = "ddim";
    options.seed = GOLDEN_SEED;
    golden_must(lk_draw(m->drawer, &options, &conditioning.value, NULL, &picture, &drawn, &err),
                &err);
    double distance = golden_distance(drawn, golden);
    if (!(distance <= LATENTS))
        fail_msg("%s: off by %g", golden->name, distance);
    lk_picture_free(picture);
    free(drawn);
    golden_conditioning_free(&conditioning);
}

/* draws: what has latents. */
static void run_case(
    struct model *m, const lk_tensor_file *golden, const char *kase, double weight, bool draws)
{
    struct lk_error err;
    struct lk_lora_account account;
    unsigned changed;
    const struct lk_tensor *latents = NULL;
    lk_lora *lora = NULL;
    golden_must(lk_lora_open(write_file(golden, kase), &lora, &err), &err);
    const struct lk_lora_use use = {lora, (float)weight, (float)weight};
    golden_must(lk_checkpoint_merge(m->checkpoint, &use, 1, &account, &changed, &err), &err);
    if (account.first)
        fail_msg("%s: key %s belongs to nothing", kase, account.first);
    lk_lora_free(lora);
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(golden, i);
        struct name name;
        parse(t->name, &name);
        if (strcmp(name.kase, kase))
            continue;
        const bool is_probe = !strncmp(name.kind, "probe|", 6);
        if (is_probe || !strncmp(name.kind, "want|", 5))
            check_weight(m->checkpoint, name.rest, is_probe, t);
        else if (!strcmp(name.kind, "latents"))
            latents = t;
    }
    if (!draws || !latents)
        return;
    if (m->drawer)
        golden_must(lk_drawer_rebind(m->drawer, &err), &err);
    else
        golden_drawer(m);
    check_latents(m, latents);
}

/* The file's own weights again, from the checkpoint that is open. */
static void draw_without(const struct model *m)
{
    struct lk_error err;
    unsigned changed;
    golden_must(lk_checkpoint_merge(m->checkpoint, NULL, 0, NULL, &changed, &err), &err);
    golden_must(lk_drawer_rebind(m->drawer, &err), &err);
    golden_draw_own_spacing(m, "draw f32 ddim normal own 64x64 6 7.5 77 0/latents");
}

/* All cases of the family, one after the other in the same checkpoint: none leaves anything behind.
 */
static void run_all(struct model m, const char *family, bool draws, int want)
{
    lk_tensor_file *golden = golden_open("lora");
    int cases = 0;
    char last[sizeof((struct name *)0)->kase] = "";
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        struct name name;
        parse(lk_tensor_file_at(golden, i)->name, &name);
        if (strcmp(name.family, family) || !strcmp(name.kase, last))
            continue;
        snprintf(last, sizeof last, "%s", name.kase);
        run_case(&m, golden, name.kase, name.weight, draws);
        cases++;
    }
    assert_int_equal(cases, want);
    if (m.drawer && !strcmp(family, "sd"))
        draw_without(&m);
    lk_tensor_file_free(golden);
    golden_model_close(&m);
}

static void every_kind_is_merged_and_programs_latents_are_drawn(void **state)
{
    (void)state;
    run_all(golden_checkpoint(&(struct test_checkpoint){.layout = TEST_FOLDER}, "folder"), "sd",
            true, 11);
}

static void every_kind_is_merged_into_a_single_file(void **state)
{
    (void)state;
    run_all(golden_checkpoint(&(struct test_checkpoint){.layout = TEST_SINGLE}, "a.safetensors"),
            "sd", false, 11);
}

/* By the names of both text encoders, and SDXL's of the UNet. */
static void sdxl_and_its_refiner_are_changed_in_both_layouts(void **state)
{
    (void)state;
    const struct test_checkpoint xl = {.family = "sdxl"};
    const struct test_checkpoint xl_single = {.family = "sdxl", .layout = TEST_SINGLE};
    const struct test_checkpoint refiner = {.family = "refiner"};
    const struct test_checkpoint refiner_single = {.family = "refiner", .layout = TEST_SINGLE};
    run_all(golden_checkpoint(&xl, "xl"), "sdxl", true, 2);
    run_all(golden_checkpoint(&xl_single, "xl.safetensors"), "sdxl", false, 2);
    run_all(golden_checkpoint(&refiner, "refiner"), "refiner", false, 1);
    run_all(golden_checkpoint(&refiner_single, "refiner.safetensors"), "refiner", false, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_merged_and_programs_latents_are_drawn),
        cmocka_unit_test(every_kind_is_merged_into_a_single_file),
        cmocka_unit_test(sdxl_and_its_refiner_are_changed_in_both_layouts),
    };
    return cmocka_run_group_tests(tests, golden_set_up, golden_tear_down);
}
