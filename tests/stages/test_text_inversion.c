// SPDX-License-Identifier: Apache-2.0
/* Textual inversions: every form of file, real ones, and in prompts against transformers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "stages/text/chunks.h"
#include "stages/text/text.h"
#include "support/checkpoint.h"
#include "support/temp.h"

static char *folder;

static void must(int code, const struct lk_error *err)
{
    if (code)
        fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    (void)state;
    folder = test_temp_dir();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_temp_remove(folder);
    return 0;
}

/* A safetensors file of f32 tensors; header: its JSON. malloc'd path. */
static char *write_file(const char *name, const char *header, const float *data, size_t numbers)
{
    const uint64_t length = strlen(header);
    const size_t size = 8 + length + numbers * sizeof *data;
    char *bytes = malloc(size), *path = test_format("%s/%s", folder, name);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, numbers * sizeof *data);
    test_write_file(path, bytes, size);
    free(bytes);
    return path;
}

static struct lk_inversion *open_file(char *path)
{
    struct lk_error err = {0};
    struct lk_inversion *inversion = NULL;
    must(lk_inversion_open(path, &inversion, &err), &err);
    free(path);
    return inversion;
}

static void every_form_is_read(void **state)
{
    (void)state;
    static const float DATA[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct lk_inversion *e = open_file(write_file(
        "web-ui.v2.safetensors",
        "{\"emb_params\": {\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [0, 24]}}",
        DATA, 6));
    assert_string_equal(e->name, "web-ui.v2");
    assert_null(e->inside);
    assert_int_equal(e->count, 2);
    assert_true(lk_inversion_vector(e, 1, 3)[2] == 6);
    assert_null(lk_inversion_vector(e, 0, 4));
    lk_inversion_free(e);
    e = open_file(write_file(
        "learned_embeds.safetensors",
        "{\"<cat-toy>\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0, 16]}}", DATA,
        4));
    assert_string_equal(e->name, "learned_embeds");
    assert_string_equal(e->inside, "cat-toy");
    assert_int_equal(e->count, 1);
    lk_inversion_free(e);
    e = open_file(write_file(
        "xl.safetensors",
        "{\"clip_g\": {\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [0, 24]},"
        "\"clip_l\": {\"dtype\": \"F32\", \"shape\": [2, 2], \"data_offsets\": [24, 40]}}",
        DATA, 10));
    assert_int_equal(e->sets, 2);
    assert_true(lk_inversion_vector(e, 1, 3)[0] == 4);
    assert_true(lk_inversion_vector(e, 1, 2)[0] == 9);
    lk_inversion_free(e);
}

static void other_files_are_refused_by_name(void **state)
{
    (void)state;
    static const float DATA[12] = {1, NAN};
    static const struct {
        const char *header, *says;
        size_t numbers;
    } ROWS[] = {
        {"{\"emb_params\": {\"dtype\": \"F32\", \"shape\": [1, 3], \"data_offsets\": [0, 12]}}",
         "NaN", 3},
        {"{\"emb_params\": {\"dtype\": \"F32\", \"shape\": [1, 1, 3], \"data_offsets\": [0, 12]}}",
         "no list of 1 to 75", 3},
        {"{\"lora_unet_x\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]},"
         "\"lora_unet_y\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [4, 8]}}",
         "'lora_unet_x'", 2},
        {"{\"clip_g\": {\"dtype\": \"F32\", \"shape\": [1, 1], \"data_offsets\": [0, 4]},"
         "\"clip_l\": {\"dtype\": \"F32\", \"shape\": [2, 1], \"data_offsets\": [4, 12]}}",
         "'clip_l' does not go", 3},
        {"{}", "no vectors", 0},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ROWS); i++) {
        struct lk_error err = {0};
        struct lk_inversion *e = NULL;
        char *path = write_file("wrong.safetensors", ROWS[i].header, DATA, ROWS[i].numbers);
        assert_int_equal(lk_inversion_open(path, &e, &err), LK_E_INPUT);
        assert_null(e);
        if (!strstr(err.message, "wrong.safetensors") || !strstr(err.message, ROWS[i].says))
            fail_msg("'%s' does not say '%s'", err.message, ROWS[i].says);
        free(path);
    }
}

static void names_are_found_where_they_stand_alone(void **state)
{
    (void)state;
    struct lk_inversion toy = {.name = "Toy", .inside = "cat-toy"}, longer = {.name = "toy story"};
    struct lk_inversion *list[] = {&toy, &longer};
    const struct lk_inversions all = {list, 2};
    static const struct {
        const char *text;
        int at;
        size_t length;
        int which;
    } ROWS[] = {
        {"a toy, red", 2, 3, 0}, {"TOY", 0, 3, 0},
        {"<toy>s", 0, 5, 0},     {"a <Cat-Toy>", 2, 9, 0},
        {"a cat-toy.", 2, 7, 0}, {"toys toy", 5, 3, 0},
        {"toy story", 0, 9, 1},  {"toyé toys _toy", -1, 0, 0},
        {"", -1, 0, 0},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ROWS); i++) {
        const char *at = NULL;
        size_t length = 0;
        const struct lk_inversion *found = lk_inversions_find(&all, ROWS[i].text, &at, &length);
        assert_ptr_equal(found, ROWS[i].at < 0 ? NULL : list[ROWS[i].which]);
        if (found && (at - ROWS[i].text != ROWS[i].at || length != ROWS[i].length))
            fail_msg("'%s': at %td, %zu long", ROWS[i].text, at - ROWS[i].text, length);
    }
}

/* A chunk never ends inside of one. */
static void vectors_stay_together(void **state)
{
    (void)state;
    struct lk_error err = {0};
    lk_tokenizer *tokenizer = NULL;
    struct lk_chunks chunks;
    struct lk_inversion six = {.name = "six", .count = 6}, *list = &six,
                        large = {.name = "large", .count = 76};
    struct lk_inversions all = {&list, 1};
    char text[256] = "";
    for (int i = 0; i < 70; i++)
        memcpy(text + 2 * i, "a ", 3);
    memcpy(text + 140, "six b", 6);
    must(lk_tokenizer_open(NULL, &tokenizer, &err), &err);
    must(lk_chunks_make(tokenizer, 77, text, &all, "the prompt", &chunks, &err), &err);
    assert_int_equal(chunks.count, 2);
    assert_int_equal(chunks.tokens, 77);
    assert_int_equal(chunks.chunks[0].tokens, 70);
    assert_int_equal(chunks.chunks[1].tokens, 7);
    for (size_t i = 0; i < 6; i++)
        assert_true(chunks.chunks[1].vectors[1 + i].inversion == &six &&
                    chunks.chunks[1].vectors[1 + i].index == i);
    assert_null(chunks.chunks[1].vectors[7].inversion);
    lk_chunks_free(&chunks);
    list = &large;
    assert_int_equal(lk_chunks_make(tokenizer, 77, "large", &all, "the prompt", &chunks, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "'large' has 76 vectors"));
    lk_tokenizer_free(tokenizer);
}

static void they_are_read_as_transformers_reads_them(void **state)
{
    (void)state;
    struct lk_error err = {0};
    lk_runtime *runtime;
    lk_checkpoint *checkpoint;
    lk_text *text;
    lk_tensor_file *golden;
    struct lk_text_states states = {0};
    struct lk_text_info info;
    float vectors[3 * 32], want;
    struct lk_inversion toy = {.name = "toy", .count = 3, .sets = 1, .set[0] = {32, vectors}},
                        *list = &toy;
    const struct lk_inversions all = {&list, 1};
    char *path = test_format("%s/tiny", folder);
    char *golden_path = test_format("%s/tests/golden/text.safetensors", getenv("LIKENESS_SOURCE"));
    test_checkpoint_values("golden.inversion", 2, (const int64_t[]){3, 32}, vectors);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER, .dtype = LK_F32});
    must(lk_runtime_open(&(struct lk_runtime_options){.threads = 1}, &runtime, &err), &err);
    must(lk_checkpoint_open(path, NULL, &checkpoint, &err), &err);
    must(lk_text_open(runtime, checkpoint, "cpu", &text, &err), &err);
    must(lk_tensor_file_open(golden_path, &golden, &err), &err);
    const struct lk_tensor *tensor = lk_tensor_file_find(golden, "inversion");
    must(lk_text_encode(text, "a photo of (toy:1.2), smiling", &all, "p", 0, NULL, &states, &info,
                        &err),
         &err);
    for (size_t i = 0; i < 77 * 32; i++) {
        must(lk_tensor_to_f32(tensor, i, 1, &want, &err), &err);
        if (!(fabsf(states.states[i] - want) <= 2e-4f))
            fail_msg("state %zu is %g, transformers has %g", i, (double)states.states[i],
                     (double)want);
    }
    free(states.states);
    toy.set[0].width = 24;
    assert_int_equal(lk_text_encode(text, "toy", &all, "p", 0, NULL, &states, &info, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "'toy' has vectors of 24 numbers"));
    lk_tensor_file_free(golden);
    lk_text_free(text);
    lk_checkpoint_free(checkpoint);
    lk_runtime_free(runtime);
    free(path), free(golden_path);
}

/* All that the shared data has, of every form; numbers as torch.load gives them. */
static void real_files_are_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *file, *name, *inside;
        size_t vectors;
        float first, last;
    } ROWS[] = {
        {"ti_EasyNegative.safetensors", "ti_EasyNegative", NULL, 8, -0.000358359917F,
         -0.00163900782F},
        {"ti_invokeai_test_embedding.safetensors", "ti_invokeai_test_embedding", NULL, 5,
         -0.00465393066F, 0.0272521973F},
        {"ti_bad-hands-5.pt", "ti_bad-hands-5", NULL, 2, 0.0113283796F, 0.337801099F},
        {"ti_bad_prompt_version2.pt", "ti_bad_prompt_version2", NULL, 8, 0.160471439F,
         -0.140143558F},
        {"ti_learned_embeds_fastai.bin", "ti_learned_embeds_fastai", "birb-style", 1, 0.17009151F,
         0.102037266F},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ROWS); i++) {
        struct lk_inversion *e =
            open_file(test_format("%s/data/diffusion/%s", getenv("LIKENESS_SHARED"), ROWS[i].file));
        assert_string_equal(e->name, ROWS[i].name);
        assert_string_equal(e->inside ? e->inside : "", ROWS[i].inside ? ROWS[i].inside : "");
        assert_int_equal(e->sets, 1);
        assert_int_equal(e->count, ROWS[i].vectors);
        assert_float_equal(lk_inversion_vector(e, 0, 768)[0], ROWS[i].first, 1e-9);
        assert_float_equal(lk_inversion_vector(e, e->count - 1, 768)[767], ROWS[i].last, 1e-8);
        lk_inversion_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(other_files_are_refused_by_name),
        cmocka_unit_test(names_are_found_where_they_stand_alone),
        cmocka_unit_test(vectors_stay_together),
        cmocka_unit_test(they_are_read_as_transformers_reads_them),
        cmocka_unit_test(real_files_are_read_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
