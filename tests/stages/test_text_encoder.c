// SPDX-License-Identifier: Apache-2.0
/* Conditioning against transformers' CLIPTextModel on the tiny checkpoint (tools/golden/text.py).
 */
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
#include "stages/text/text.h"
#include "support/checkpoint.h"
#include "support/temp.h"

/* Values reach ±3; orders of summation differ by 2e-6. An epsilon of 1e-6 in the norms gives 7e-4,
 * f16 weights 3e-3, gelu for quick_gelu 4e-2. */
#define TOLERANCE 5e-6
/* The mean is a hundredth of the states' size here, so what restores it is the less exact. */
#define TOLERANCE_OF_EMPHASIS 2e-4

static const char PROMPT[] = "a young woman with red hair and round glasses, smiling";

static lk_runtime *runtime;
static lk_tensor_file *golden;
static char *folder;

struct model {
    lk_checkpoint *checkpoint;
    lk_text *text;
};

static void must(int code, const struct lk_error *err)
{
    if (code)
        fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    (void)state;
    struct lk_error err = {0};
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.threads = 1;
    must(lk_runtime_open(&options, &runtime, &err), &err);
    char *path = test_format("%s/tests/golden/text.safetensors", getenv("LIKENESS_SOURCE"));
    must(lk_tensor_file_open(path, &golden, &err), &err);
    free(path);
    folder = test_temp_dir();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_temp_remove(folder);
    lk_tensor_file_free(golden);
    lk_runtime_free(runtime);
    return 0;
}

/* A folder; act: written into the text encoder's config.json where not NULL. */
static struct model open_model(const char *name, enum lk_dtype dtype, const char *act)
{
    struct lk_error err = {0};
    struct model model = {0};
    char *path = test_format("%s/%s", folder, name);
    char *config = test_format("%s/text_encoder/config.json", path);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER, .dtype = dtype});
    if (act) {
        char *json = test_format("{\"num_attention_heads\": 2, \"hidden_act\": \"%s\"}", act);
        test_write_text(config, json);
        free(json);
    }
    must(lk_checkpoint_open(path, NULL, &model.checkpoint, &err), &err);
    must(lk_text_open(runtime, model.checkpoint, "cpu", &model.text, &err), &err);
    free(path), free(config);
    return model;
}

static void close_model(struct model *model)
{
    lk_text_free(model->text);
    lk_checkpoint_free(model->checkpoint);
}

static struct lk_text_states encode(const struct model *model, const char *prompt, int skip)
{
    struct lk_error err = {0};
    struct lk_text_info info;
    struct lk_text_states states = {0};
    must(lk_text_encode(model->text, prompt, NULL, "the prompt", skip, NULL, &states, &info, &err),
         &err);
    assert_int_equal(states.tokens, 77 * info.chunks);
    return states;
}

static void assert_states(
    const struct model *model, const char *prompt, int skip, const char *name, double tolerance)
{
    struct lk_error err = {0};
    float want;
    const struct lk_tensor *tensor = lk_tensor_file_find(golden, name);
    assert_non_null(tensor);
    struct lk_text_states states = encode(model, prompt, skip);
    assert_int_equal(states.tokens, tensor->shape[0]);
    for (size_t i = 0; i < (size_t)states.tokens * 32; i++) {
        must(lk_tensor_to_f32(tensor, i, 1, &want, &err), &err);
        if (!(fabs((double)states.states[i] - (double)want) <= tolerance))
            fail_msg("%s: state %zu is %g, transformers has %g", name, i, (double)states.states[i],
                     (double)want);
    }
    free(states.states);
}

static void states_are_those_of_transformers(void **state)
{
    (void)state;
    struct model model = open_model("f32", LK_F32, NULL);
    assert_int_equal(lk_text_width(model.text), 32);
    assert_states(&model, "", 0, "empty", TOLERANCE);
    assert_states(&model, PROMPT, 0, "plain", TOLERANCE);
    close_model(&model);
}

static void clip_skip_leaves_out_layers_as_diffusers_counts(void **state)
{
    (void)state;
    struct model model = open_model("skip", LK_F32, NULL);
    assert_states(&model, PROMPT, 1, "skip1", TOLERANCE);
    assert_states(&model, PROMPT, 2, "skip2", TOLERANCE);
    assert_states(&model, PROMPT, 0, "plain", TOLERANCE);
    static const int WRONG[] = {-1, 3, 1000};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(WRONG); i++) {
        struct lk_error err = {0};
        struct lk_text_states states = {0};
        struct lk_text_info info;
        assert_int_equal(lk_text_encode(model.text, "a", NULL, "the prompt", WRONG[i], NULL,
                                        &states, &info, &err),
                         LK_E_INPUT);
        assert_non_null(strstr(err.message, "--clip-skip"));
        assert_null(states.states);
    }
    close_model(&model);
}

static void the_activation_is_the_one_of_the_config(void **state)
{
    (void)state;
    struct model model = open_model("gelu", LK_F32, "gelu");
    assert_states(&model, PROMPT, 0, "gelu", TOLERANCE);
    close_model(&model);
}

static void half_precision_weights_are_computed_with_in_f32(void **state)
{
    (void)state;
    struct model f16 = open_model("f16", LK_F16, NULL), bf16 = open_model("bf16", LK_BF16, NULL);
    assert_states(&f16, PROMPT, 0, "f16", TOLERANCE);
    assert_states(&bf16, PROMPT, 0, "bf16", TOLERANCE);
    close_model(&f16);
    close_model(&bf16);
}

static void a_long_prompt_is_read_in_chunks(void **state)
{
    (void)state;
    struct model model = open_model("long", LK_F32, NULL);
    char words[100 * 11 + 1] = "", list[12 * 37 + 1] = "";
    for (size_t i = 0; i < 100; i++)
        memcpy(words + i * 11, "lighthouse ", 12);
    for (size_t i = 0; i < 12; i++)
        memcpy(list + i * 37, "red hair, round glasses, soft light, ", 38);
    assert_states(&model, words, 0, "long", TOLERANCE);
    assert_states(&model, list, 0, "listed", TOLERANCE);
    close_model(&model);
}

static void emphasis_is_the_webuis(void **state)
{
    (void)state;
    struct model model = open_model("emphasis", LK_F32, NULL);
    char text[256];
    snprintf(text, sizeof text, "%s BREAK (at night:1.2)", PROMPT);
    assert_states(&model, text, 1, "break skip1", TOLERANCE_OF_EMPHASIS);
    snprintf(text, sizeof text, "a ((young) woman:1.4) with [red hair], %s", PROMPT);
    assert_states(&model, text, 0, "emphasis", TOLERANCE_OF_EMPHASIS);
    assert_states(&model, "a woman (with a hat:-0.5)", 0, "negative weight", TOLERANCE_OF_EMPHASIS);
    close_model(&model);
}

static void what_was_encoded_is_not_encoded_again(void **state)
{
    (void)state;
    struct model model = open_model("kept", LK_F16, NULL);
    struct lk_text_states first = encode(&model, "a woman", 0), second;
    assert_int_equal(lk_text_runs(model.text), 1);
    second = encode(&model, "a woman", 0);
    assert_int_equal(lk_text_runs(model.text), 1);
    assert_memory_equal(first.states, second.states, 77 * 32 * sizeof(float));
    free(second.states);
    lk_text_rest(model.text);
    second = encode(&model, "a (woman:1.2) BREAK a woman BREAK a man", 0);
    assert_int_equal(lk_text_runs(model.text), 2);
    assert_memory_equal(first.states, second.states + 77 * 32, 77 * 32 * sizeof(float));
    free(second.states);
    free(encode(&model, "a woman", 1).states);
    assert_int_equal(lk_text_runs(model.text), 3);
    char text[16];
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "woman %d", i);
        free(encode(&model, text, 0).states);
    }
    free(encode(&model, "woman 39", 0).states);
    assert_int_equal(lk_text_runs(model.text), 43);
    free(encode(&model, "a woman", 0).states);
    assert_int_equal(lk_text_runs(model.text), 44);
    lk_text_rebind(model.text);
    free(encode(&model, "a woman", 0).states);
    assert_int_equal(lk_text_runs(model.text), 45);
    free(first.states);
    close_model(&model);
}

static void invalid_utf8_names_the_option(void **state)
{
    (void)state;
    struct model model = open_model("utf8", LK_F16, NULL);
    struct lk_error err = {0};
    struct lk_text_states states = {0};
    struct lk_text_info info;
    assert_int_equal(
        lk_text_encode(model.text, "\xff", NULL, "--negative", 0, NULL, &states, &info, &err),
        LK_E_INPUT);
    assert_non_null(strstr(err.message, "--negative"));
    assert_null(states.states);
    close_model(&model);
}

static void a_tokenizer_with_more_tokens_than_the_model_is_refused(void **state)
{
    (void)state;
    struct lk_error err = {0};
    lk_checkpoint *checkpoint = NULL;
    lk_text *text = NULL;
    char *path = test_format("%s/alien", folder), *at = test_format("%s/tokenizer", path);
    char *vocabulary = test_format("%s/vocab.json", at), *merges = test_format("%s/merges.txt", at);
    test_checkpoint_write(path, &(struct test_checkpoint){TEST_FOLDER, .dtype = LK_F16});
    test_make_dir(at);
    test_write_text(vocabulary, "{\"<|startoftext|>\": 49408, \"<|endoftext|>\": 49409}");
    test_write_text(merges, "#version: 0.2\n");
    must(lk_checkpoint_open(path, NULL, &checkpoint, &err), &err);
    assert_int_equal(lk_text_open(runtime, checkpoint, "cpu", &text, &err), LK_E_INPUT);
    assert_null(text);
    assert_non_null(strstr(err.message, "49408"));
    lk_checkpoint_free(checkpoint);
    free(path), free(at), free(vocabulary), free(merges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_those_of_transformers),
        cmocka_unit_test(clip_skip_leaves_out_layers_as_diffusers_counts),
        cmocka_unit_test(the_activation_is_the_one_of_the_config),
        cmocka_unit_test(half_precision_weights_are_computed_with_in_f32),
        cmocka_unit_test(a_long_prompt_is_read_in_chunks),
        cmocka_unit_test(emphasis_is_the_webuis),
        cmocka_unit_test(what_was_encoded_is_not_encoded_again),
        cmocka_unit_test(invalid_utf8_names_the_option),
        cmocka_unit_test(a_tokenizer_with_more_tokens_than_the_model_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
