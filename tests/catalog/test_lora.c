// SPDX-License-Identifier: Apache-2.0
/* LoRA files without a network: what is read, what is refused, and that every key of files from the
 * wild belongs somewhere. Merged numbers are in stages/test_diffuse_lora.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalog/lora.h"
#include "support/checkpoint.h"
#include "support/scratch.h"
#include "support/temp.h"

static lk_checkpoint *tiny, *tiny_ldm;

#define TO_Q "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"

struct entry {
    const char *key, *dtype, *shape; /* "4,16" */
    const void *bytes;               /* NULL: zeros */
    size_t size;
};

/* A safetensors file of these entries; metadata: a JSON object or NULL. */
static const char *write_lora(const char *name,
                              const struct entry *entries,
                              size_t n,
                              const char *metadata)
{
    char *header = NULL;
    size_t length = 0, at = 0;
    FILE *text = open_memstream(&header, &length);
    fprintf(text, "{\"__metadata__\":%s", metadata ? metadata : "{}");
    for (size_t i = 0; i < n; i++) {
        fprintf(text, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                entries[i].key, entries[i].dtype, entries[i].shape, at, at + entries[i].size);
        at += entries[i].size;
    }
    fputc('}', text);
    fclose(text);
    unsigned char *file = calloc(8 + length + at, 1), *data = file + 8 + length;
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)(length >> 8 * i);
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < n; i++) {
        if (entries[i].bytes && entries[i].size)
            memcpy(data, entries[i].bytes, entries[i].size);
        data += entries[i].size;
    }
    const char *path = scratch_write(name, file, 8 + length + at);
    free(header);
    free(file);
    return path;
}

static lk_lora *open_lora(const char *path)
{
    struct lk_error err = {0};
    lk_lora *lora = NULL;
    if (lk_lora_open(path, &lora, &err))
        fail_msg("%s", err.message);
    return lora;
}

static void refuse_to_open(const char *path, const char *sentence)
{
    struct lk_error err = {0};
    lk_lora *lora = NULL;
    assert_int_equal(lk_lora_open(path, &lora, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message, sentence));
    assert_null(lora);
}

static void refuse_to_merge(const char *path, float weight, const char *sentence)
{
    struct lk_error err = {0};
    lk_lora *lora = open_lora(path);
    const struct lk_lora_use use = {lora, weight, weight};
    struct lk_lora_account account;
    unsigned changed = 77;
    assert_int_equal(lk_checkpoint_merge(tiny, &use, 1, &account, &changed, &err), LK_E_INPUT);
    if (!strstr(err.message, sentence))
        fail_msg("'%s' is not in '%s'", sentence, err.message);
    assert_null(strchr(err.message, '\n'));
    assert_int_equal(changed, 77);
    assert_non_null(
        lk_checkpoint_tensor(tiny, LK_PART_UNET,
                             "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight")
            ->path);
    lk_lora_free(lora);
}

/* ---- hostile files ---- */

static const float down[2 * 16] = {1}, up[16 * 2] = {1};

static const struct entry PLAIN[] = {
    {TO_Q ".lora_down.weight", "F32", "2,16", down, sizeof down},
    {TO_Q ".lora_up.weight", "F32", "16,2", up, sizeof up},
};

static void a_rank_of_nothing_is_refused(void **state)
{
    (void)state;
    const struct entry empty[] = {{TO_Q ".lora_down.weight", "F32", "0,16", NULL, 0},
                                  {TO_Q ".lora_up.weight", "F32", "16,0", NULL, 0}};
    refuse_to_merge(write_lora("rank0.safetensors", empty, 2, NULL), 1, "of shape [16,0]");
}

static void a_scalar_for_a_matrix_is_refused(void **state)
{
    (void)state;
    const struct entry scalar[] = {{TO_Q ".lora_down.weight", "F32", "", down, 4},
                                   {TO_Q ".lora_up.weight", "F32", "16,2", up, sizeof up}};
    refuse_to_merge(write_lora("scalar.safetensors", scalar, 2, NULL), 1, "does not fit");
}

static void shapes_whose_products_overflow_are_refused(void **state)
{
    (void)state;
    const struct entry huge[] = {
        {TO_Q ".lora_down.weight", "F32", "0,4611686018427387904", NULL, 0},
        {TO_Q ".lora_up.weight", "F32", "0,4611686018427387904", NULL, 0}};
    refuse_to_merge(write_lora("huge.safetensors", huge, 2, NULL), 1, "does not fit");
    const struct entry kron[] = {{TO_Q ".lokr_w1", "F32", "0,5", NULL, 0},
                                 {TO_Q ".lokr_w2", "F32", "16,16", NULL, 1024}};
    refuse_to_merge(write_lora("kron.safetensors", kron, 2, NULL), 1, "does not fit");
    const struct entry core[] = {
        {TO_Q ".lora_down.weight", "F32", "2,16", down, sizeof down},
        {TO_Q ".lora_up.weight", "F32", "16,2", up, sizeof up},
        {TO_Q ".lora_mid.weight", "F32", "0,9223372036854775807,3,3", NULL, 0}};
    refuse_to_merge(write_lora("core.safetensors", core, 3, NULL), 1, "does not fit");
    const struct entry scale[] = {PLAIN[0], PLAIN[1], {TO_Q ".dora_scale", "F32", "0,0", NULL, 0}};
    refuse_to_merge(write_lora("dora.safetensors", scale, 3, NULL), 1, "does not fit");
    const struct entry ia3[] = {{TO_Q ".weight", "F32", "0", NULL, 0},
                                {TO_Q ".on_input", "BOOL", "", "\1", 1}};
    refuse_to_merge(write_lora("ia3.safetensors", ia3, 2, NULL), 1, "does not fit");
}

static void an_alpha_that_overflows_is_refused(void **state)
{
    (void)state;
    static const float many[2 * 16] = {3e38F, 3e38F};
    static const float alpha = 3e38F, infinite = INFINITY;
    const struct entry large[] = {{TO_Q ".lora_down.weight", "F32", "2,16", many, sizeof many},
                                  PLAIN[1],
                                  {TO_Q ".alpha", "F32", "", &alpha, 4}};
    refuse_to_merge(write_lora("alpha.safetensors", large, 3, NULL), 1, "overflow");
    const struct entry none[] = {PLAIN[0], PLAIN[1], {TO_Q ".alpha", "F32", "", &infinite, 4}};
    refuse_to_open(write_lora("infinite.safetensors", none, 3, NULL), "not one finite number");
    const struct entry list[] = {PLAIN[0], PLAIN[1], {TO_Q ".alpha", "F32", "2", down, 8}};
    refuse_to_open(write_lora("alphas.safetensors", list, 3, NULL), "not one finite number");
}

static void nan_is_refused_by_name(void **state)
{
    (void)state;
    static const float broken[2 * 16] = {NAN};
    const struct entry entries[] = {
        {TO_Q ".lora_down.weight", "F32", "2,16", broken, sizeof broken}, PLAIN[1]};
    refuse_to_merge(write_lora("nan.safetensors", entries, 2, NULL), 1,
                    "'" TO_Q ".lora_down.weight' holds NaN");
}

static void truncation_and_other_files_are_refused(void **state)
{
    (void)state;
    const char *path = write_lora("whole.safetensors", PLAIN, 2, NULL);
    unsigned char bytes[400];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    refuse_to_open(scratch_write("cut.safetensors", bytes, n - 8), "truncated");
    const struct entry other[] = {{"emb_params", "F32", "1,16", down, 64}};
    refuse_to_open(write_lora("inversion.safetensors", other, 1, NULL), "is no LoRA");
    const struct entry half[] = {PLAIN[0]};
    refuse_to_open(write_lora("half.safetensors", half, 1, NULL), "is no LoRA");
}

static void another_familys_lora_is_refused_with_its_name(void **state)
{
    (void)state;
    static const float wide[2 * 2048];
    const struct entry sdxl[] = {
        {"lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k.lora_down.weight", "F32",
         "2,2048", wide, sizeof wide},
        {"lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k.lora_up.weight", "F32", "16,2",
         up, sizeof up}};
    refuse_to_merge(write_lora("sdxl.safetensors", sdxl, 2, NULL), 1,
                    "of shape [2,2048] does not fit "
                    "'down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight' of "
                    "[16,32]; it seems to be for SDXL");
    const struct entry flux[] = {
        {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", "F32", "2,16", down, 128},
        {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", "F32", "16,2", up, 128}};
    refuse_to_merge(write_lora("flux.safetensors", flux, 2, NULL), 0,
                    "fits nothing of checkpoint 'tiny'");
}

/* ---- what is counted ---- */

static void account_for(lk_checkpoint *checkpoint,
                        const lk_lora *lora,
                        struct lk_lora_account *account)
{
    struct lk_error err = {0};
    const struct lk_lora_use use = {lora, 0, 0};
    unsigned changed = 1;
    if (lk_checkpoint_merge(checkpoint, &use, 1, account, &changed, &err))
        fail_msg("%s", err.message);
    assert_int_equal(changed, 0); /* a weight of 0 changes nothing */
}

static void keys_that_belong_to_nothing_are_counted_and_named(void **state)
{
    (void)state;
    struct lk_lora_account account;
    const struct entry entries[] = {
        PLAIN[0],
        PLAIN[1],
        {TO_Q ".diff_b", "F32", "16", up, 64}, /* to_q has no bias */
        {"lora_te2_text_projection.lora_down.weight", "F32", "2,16", down, 128},
        {"lora_te2_text_projection.lora_up.weight", "F32", "16,2", up, 128},
        {"nonsense", "F32", "2", down, 8},
    };
    lk_lora *lora = open_lora(write_lora("extra.safetensors", entries, 6, NULL));
    account_for(tiny, lora, &account);
    assert_int_equal(account.keys, 6);
    assert_int_equal(account.applied, 2);
    assert_string_equal(account.first, "nonsense");
    lk_lora_free(lora);
}

static void a_merge_can_be_taken_out_again(void **state)
{
    (void)state;
    static const char name[] = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight";
    struct lk_error err = {0};
    struct lk_lora_account account;
    lk_lora *lora = open_lora(write_lora("plain.safetensors", PLAIN, 2, NULL));
    const struct lk_lora_use use = {lora, 1, 0.5F};
    const struct lk_tensor *own = lk_checkpoint_tensor(tiny, LK_PART_UNET, name);
    unsigned changed = 0;
    float before, after;
    assert_int_equal(lk_checkpoint_merge(tiny, &use, 1, &account, &changed, &err), 0);
    assert_int_equal(changed, 1U << LK_PART_UNET);
    assert_int_equal(lk_tensor_to_f32(own, 0, 1, &before, &err), 0);
    const struct lk_tensor *merged = lk_checkpoint_tensor(tiny, LK_PART_UNET, name);
    assert_int_equal(lk_tensor_to_f32(merged, 0, 1, &after, &err), 0);
    assert_float_equal(after, before + 0.5F, 1e-6);
    assert_int_equal(lk_checkpoint_merge(tiny, NULL, 0, NULL, &changed, &err), 0);
    assert_int_equal(changed, 1U << LK_PART_UNET);
    assert_ptr_equal(lk_checkpoint_tensor(tiny, LK_PART_UNET, name), own);
    lk_lora_free(lora);
}

/* ---- files from the wild ---- */

/* The part's tensors in SD 1.5's shapes, all zeros: a file with a hole. */
static void write_part(const char *folder, const char *file, const char *part)
{
    char *table = test_format("%s/tests/golden/sd15_shapes.tsv", getenv("LIKENESS_SOURCE"));
    char *path = test_format("%s/%s", folder, file), *header = NULL;
    char line[256], of[32], name[160], shape[40];
    size_t length = 0, at = 0;
    FILE *text = open_memstream(&header, &length), *rows = fopen(table, "r");
    assert_non_null(rows);
    fputs("{\"__metadata__\":{}", text);
    while (fgets(line, sizeof line, rows)) {
        size_t count = 1;
        assert_int_equal(sscanf(line, "%31s %159s %39s", of, name, shape), 3);
        if (strcmp(of, part))
            continue;
        for (char *side = shape; side; side = strchr(side, ','))
            count *= strtoul(side += *side == ',', NULL, 10);
        fprintf(text, ",\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", name,
                shape, at, at + 2 * count);
        at += 2 * count;
    }
    fputc('}', text);
    fclose(text);
    fclose(rows);
    test_make_dir(folder);
    test_write_file(path, &(uint64_t){length}, 8);
    FILE *out = fopen(path, "ab");
    assert_non_null(out);
    assert_int_equal(fwrite(header, 1, length, out), length);
    fclose(out);
    assert_int_equal(truncate(path, (off_t)(8 + length + at)), 0);
    free(header);
    free(path);
    free(table);
}

static void every_key_of_files_from_the_wild_belongs_somewhere(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t keys, applied;
        const char *first;
    } FILES[] = {
        {"diffusion/lora_sd15_diffusers_catundchat.safetensors", 256, 256, NULL},
        {"diffusion/lora_sd15_diffusers_catundchat.bin", 256, 256, NULL},
        {"diffusion/analog_svd_rank4_cloneofsimo.safetensors", 384, 384, NULL},
        {"diffusion/lora_disney_cloneofsimo.safetensors", 386, 384, "<s1>"}, /* an inversion too */
    };
    struct lk_error err = {0};
    struct lk_lora_account account;
    lk_checkpoint *sd15 = NULL;
    test_make_dir(scratch_path("sd15"));
    write_part(scratch_path("sd15/unet"), "diffusion_pytorch_model.safetensors", "unet");
    write_part(scratch_path("sd15/text_encoder"), "model.safetensors", "text_encoder");
    if (lk_checkpoint_open(scratch_path("sd15"), scratch_path("tiny"), &sd15, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        lk_lora *lora = open_lora(shared_path(FILES[i].file));
        account_for(sd15, lora, &account);
        assert_int_equal(account.keys, FILES[i].keys);
        assert_int_equal(account.applied, FILES[i].applied);
        if (FILES[i].first)
            assert_string_equal(account.first, FILES[i].first);
        lk_lora_free(lora);
    }
    /* A list without names, of SD 2.x: all its places are weights of attention, in their order. */
    const struct lk_lora_use list = {open_lora(shared_path("diffusion/lora_unet_gors_color.pt")), 1,
                                     1};
    struct lk_lora_info info;
    unsigned changed = 0;
    lk_lora_describe(list.lora, &info);
    assert_int_equal(info.keys, 256);
    assert_int_equal(info.unknown, 0);
    assert_int_equal(info.unet, 128);
    assert_int_equal(lk_checkpoint_merge(sd15, &list, 1, &account, &changed, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message,
                           "its '203' of shape [4,1024] does not fit "
                           "'up_blocks.3.attentions.0.transformer_blocks.0.attn2.to_k"));
    lk_lora_free((lk_lora *)list.lora);
    lk_checkpoint_free(sd15);
}

/* ---- what files say ---- */

static void a_file_describes_itself(void **state)
{
    (void)state;
    static const float four = 4;
    struct lk_lora_info info;
    const struct entry entries[] = {PLAIN[0], PLAIN[1], {TO_Q ".alpha", "F32", "", &four, 4}};
    lk_lora *lora = open_lora(
        write_lora("my: style.safetensors", entries, 3,
                   "{\"ss_base_model_version\":\"sd_v1\",\"ss_tag_frequency\":"
                   "\"{\\\"a\\\":{\\\"dog\\\":2,\\\"cat\\\":5},\\\"b\\\":{\\\"dog\\\":4}}\"}"));
    lk_lora_describe(lora, &info);
    assert_string_equal(lk_lora_name(lora), "my style");
    assert_int_equal(info.keys, 3);
    assert_int_equal(info.unknown, 0);
    assert_int_equal(info.kinds[LK_LORA_LOW_RANK], 1);
    assert_int_equal(info.unet, 1);
    assert_int_equal(info.low_rank, 2);
    assert_int_equal(info.high_rank, 2);
    assert_float_equal(info.low_alpha, 4, 0);
    assert_string_equal(info.base, "sd_v1");
    assert_string_equal(info.words, "dog, cat");
    lk_lora_free(lora);
}

static int set_up(void **state)
{
    (void)state;
    struct lk_error err;
    test_checkpoint_write(scratch_path("tiny"), &(struct test_checkpoint){.layout = TEST_FOLDER});
    test_checkpoint_write(scratch_path("ldm.safetensors"),
                          &(struct test_checkpoint){.layout = TEST_SINGLE, .dtype = LK_F16});
    return lk_checkpoint_open(scratch_path("tiny"), NULL, &tiny, &err) ||
           lk_checkpoint_open(scratch_path("ldm.safetensors"), NULL, &tiny_ldm, &err);
}

static int tear_down(void **state)
{
    (void)state;
    lk_checkpoint_free(tiny);
    lk_checkpoint_free(tiny_ldm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_of_nothing_is_refused),
        cmocka_unit_test(a_scalar_for_a_matrix_is_refused),
        cmocka_unit_test(shapes_whose_products_overflow_are_refused),
        cmocka_unit_test(an_alpha_that_overflows_is_refused),
        cmocka_unit_test(nan_is_refused_by_name),
        cmocka_unit_test(truncation_and_other_files_are_refused),
        cmocka_unit_test(another_familys_lora_is_refused_with_its_name),
        cmocka_unit_test(keys_that_belong_to_nothing_are_counted_and_named),
        cmocka_unit_test(a_merge_can_be_taken_out_again),
        cmocka_unit_test(every_key_of_files_from_the_wild_belongs_somewhere),
        cmocka_unit_test(a_file_describes_itself),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
