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

/* Of the largest number of a weight, and of the largest latent. */
#define WEIGHTS 2e-6
#define LATENTS 2e-5

enum { CASES = 11, MOST = 100 };

/* PROGRAM FORM WEIGHT|KIND|REST */
struct name {
    char kase[40];
    double weight;
    const char *kind, *rest;
};

static int parse(const char *text, struct name *out)
{
    const char *bar = strchr(text, '|');
    assert_non_null(bar);
    snprintf(out->kase, sizeof out->kase, "%.*s", (int)(bar - text), text);
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

/* want: "text|NAME" or "unet|NAME" */
static void check_weight(const lk_checkpoint *c, const char *want, const struct lk_tensor *golden)
{
    const char *name = strchr(want, '|') + 1;
    const struct lk_tensor *have =
        lk_checkpoint_tensor(c, want[0] == 't' ? LK_PART_TEXT : LK_PART_UNET, name);
    assert_non_null(have);
    if (have->path) /* the file's own */
        fail_msg("%s is not changed", golden->name);
    double distance = golden_distance(have->data, golden);
    if (!(distance <= WEIGHTS))
        fail_msg("%s: off by %g", golden->name, distance);
}

static void check_latents(const struct model *m, const struct lk_tensor *golden)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    float *drawn = NULL;
    float *positive = golden_context("golden.positive", 77);
    float *negative = golden_context("golden.negative", 77);
    struct golden_conditioning conditioning;
    golden_conditioning(&conditioning, 77, 32, positive, negative);
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
    free(positive);
    free(negative);
}

static void run_case(struct model *m, const lk_tensor_file *golden, const char *kase, double weight)
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
        if (!strncmp(name.kind, "want|", 5))
            check_weight(m->checkpoint, name.rest, t);
        else if (!strcmp(name.kind, "latents"))
            latents = t;
    }
    if (m->drawer) {
        golden_must(lk_drawer_rebind(m->drawer, &err), &err);
        check_latents(m, latents);
    }
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

/* All cases, one after the other in the same checkpoint: none leaves anything behind. */
static void run_all(struct model m)
{
    lk_tensor_file *golden = golden_open("lora");
    int cases = 0;
    for (size_t i = 0; i < lk_tensor_file_count(golden); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(golden, i);
        struct name name;
        parse(t->name, &name);
        if (strcmp(name.kind, "latents"))
            continue;
        run_case(&m, golden, name.kase, name.weight);
        cases++;
    }
    assert_int_equal(cases, CASES);
    if (m.drawer)
        draw_without(&m);
    lk_tensor_file_free(golden);
    golden_model_close(&m);
}

static void every_kind_draws_its_programs_latents(void **state)
{
    (void)state;
    run_all(golden_model(&(struct test_checkpoint){.layout = TEST_FOLDER}, "folder"));
}

static void every_kind_is_merged_into_a_single_file(void **state)
{
    (void)state;
    run_all(golden_checkpoint(&(struct test_checkpoint){.layout = TEST_SINGLE}, "a.safetensors"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_draws_its_programs_latents),
        cmocka_unit_test(every_kind_is_merged_into_a_single_file),
    };
    return cmocka_run_group_tests(tests, golden_set_up, golden_tear_down);
}
