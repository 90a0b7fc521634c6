// SPDX-License-Identifier: Apache-2.0
/* The WebUI's prompt grammar against tests/golden/prompt.json (tools/golden/prompt.py): its
 * published examples, and what lark's Earley parser makes of its grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/size.h"
#include "stages/text/chunks.h"
#include "stages/text/emphasis.h"
#include "stages/text/prompt.h"
#include "support/temp.h"

static json_t *golden;
static lk_tokenizer *tokenizer;

static void must(int code, const struct lk_error *err)
{
    if (code)
        fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    (void)state;
    struct lk_error err = {0};
    json_error_t why;
    char *path = test_format("%s/tests/golden/prompt.json", getenv("LIKENESS_SOURCE"));
    golden = json_load_file(path, 0, &why);
    if (!golden)
        fail_msg("%s: %s", path, why.text);
    free(path);
    must(lk_tokenizer_open(NULL, &tokenizer, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(golden);
    lk_tokenizer_free(tokenizer);
    return 0;
}

static lk_prompt *parse(const char *text, enum lk_prompt_kind kind)
{
    struct lk_error err = {0};
    lk_prompt *prompt = NULL;
    must(lk_prompt_parse(text, kind, "the prompt", &prompt, &err), &err);
    return prompt;
}

/* "3:a |10:a b" */
static char *schedule(const char *text, int steps, int before)
{
    struct lk_error err = {0};
    lk_prompt *prompt = parse(text, LK_PROMPT_NEGATIVE);
    lk_arena *arena = lk_arena_new((size_t)8 << 20);
    struct lk_prompt_stage *stages;
    size_t count, size;
    char *out = NULL;
    FILE *to = open_memstream(&out, &size);
    must(lk_prompt_schedule(prompt, 0, steps, before, arena, &stages, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        fprintf(to, "%s%d:%s", i ? "¦" : "", stages[i].until, stages[i].text);
    fclose(to);
    lk_arena_free(arena);
    lk_prompt_free(prompt);
    return out;
}

static char *schedule_of(const json_t *stages)
{
    size_t i, size;
    char *out = NULL;
    json_t *stage;
    FILE *to = open_memstream(&out, &size);
    json_array_foreach((json_t *)(uintptr_t)stages, i, stage)
        fprintf(to, "%s%d:%s", i ? "¦" : "", (int)json_integer_value(json_array_get(stage, 0)),
                json_string_value(json_array_get(stage, 1)));
    fclose(to);
    return out;
}

static void schedules_are_the_webuis(void **state)
{
    (void)state;
    size_t i, wrong = 0;
    json_t *row, *rows = json_object_get(golden, "schedules");
    assert_true(json_array_size(rows) > 400);
    json_array_foreach(rows, i, row)
    {
        const char *text = json_string_value(json_array_get(row, 0));
        char *have = schedule(text, (int)json_integer_value(json_array_get(row, 1)),
                              (int)json_integer_value(json_array_get(row, 2)));
        char *want = schedule_of(json_array_get(row, 3));
        if (strcmp(have, want) && ++wrong < 20)
            print_message("'%s' gives '%s', not '%s'\n", text, have, want);
        free(have);
        free(want);
    }
    assert_int_equal(wrong, 0);
}

static void emphasis_is_the_webuis_to_the_last_bit(void **state)
{
    (void)state;
    size_t i, k;
    json_t *row, *piece;
    json_array_foreach(json_object_get(golden, "emphasis"), i, row)
    {
        struct lk_error err = {0};
        struct lk_pieces pieces;
        const char *text = json_string_value(json_array_get(row, 0));
        must(lk_emphasis_read(text, &pieces, &err), &err);
        if (pieces.count != json_array_size(json_array_get(row, 1)))
            fail_msg("'%s' has %zu pieces", text, pieces.count);
        json_array_foreach(json_array_get(row, 1), k, piece)
        {
            const struct lk_piece *have = &pieces.pieces[k];
            const char *want = json_string_value(json_array_get(piece, 0));
            if (have->is_break != !want || (want && strcmp(have->text, want)) ||
                (want && have->weight != json_number_value(json_array_get(piece, 1))))
                fail_msg("'%s': piece %zu is '%s' × %.17g", text, k, have->text, have->weight);
        }
        lk_pieces_free(&pieces);
    }
}

static void chunks_are_the_webuis(void **state)
{
    (void)state;
    size_t i, k, t;
    json_t *row, *chunk, *token;
    json_array_foreach(json_object_get(golden, "chunks"), i, row)
    {
        struct lk_error err = {0};
        struct lk_chunks chunks;
        const char *text = json_string_value(json_array_get(row, 0));
        must(lk_chunks_make(tokenizer, 77, text, NULL, "the prompt", &chunks, &err), &err);
        if (chunks.count != json_array_size(json_array_get(row, 1)))
            fail_msg("'%s' has %zu chunks", text, chunks.count);
        json_array_foreach(json_array_get(row, 1), k, chunk)
        {
            const struct lk_chunk *have = &chunks.chunks[k];
            assert_int_equal(have->tokens, json_array_size(chunk));
            assert_int_equal(have->ids[0], 49406);
            for (t = have->tokens + 1; t < 77; t++)
                assert_true(have->ids[t] == 49407 && have->weights[t] == 1);
            json_array_foreach(chunk, t, token)
            {
                assert_int_equal(have->ids[t + 1], json_integer_value(json_array_get(token, 0)));
                assert_true(have->weights[t + 1] ==
                            (float)json_number_value(json_array_get(token, 1)));
            }
        }
        lk_chunks_free(&chunks);
    }
}

static void and_makes_parts_with_weights(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t parts;
        double weights[3];
        const char *first;
    } ROWS[] = {
        {"a", 1, {1}, "5:a"},
        {"a clock at 12:30", 1, {1}, "5:a clock at 12:30"},
        {"a AND b", 2, {1, 1}, "5:a"},
        {"a:1.5 AND b : -.5 AND c:2.", 3, {1.5, -0.5, 2}, "5:a"},
        {"a 3 AND b:1.2.3 AND c:x2", 3, {1, 1, 1}, "5:a 3"},
        {"(a AND b)", 2, {1, 1}, "5:(a"},
        {"SAND AND xANDy ANDROID", 2, {1, 1}, "5:SAND"},
        {"AND", 2, {1, 1}, "5:"},
        {"[a:b:2]:0.5 AND c", 2, {0.5, 1}, "2:a¦5:b"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ROWS); i++) {
        lk_prompt *prompt = parse(ROWS[i].text, LK_PROMPT_POSITIVE);
        assert_int_equal(lk_prompt_parts(prompt), ROWS[i].parts);
        for (size_t k = 0; k < ROWS[i].parts; k++)
            assert_true(lk_prompt_weight(prompt, k) == ROWS[i].weights[k]);
        lk_prompt_free(prompt);
    }
    lk_prompt *negative = parse("a AND b:2 <lora:x:1>", LK_PROMPT_NEGATIVE);
    const struct lk_prompt_lora *loras;
    assert_int_equal(lk_prompt_parts(negative), 1);
    assert_int_equal(lk_prompt_loras(negative, &loras), 0);
    lk_prompt_free(negative);
}

static void loras_are_taken_out(void **state)
{
    (void)state;
    lk_prompt *prompt =
        parse("a<lora:one> b <lyco:two:0.5><lora:a-3:.5:-1> <c> 1 < 2", LK_PROMPT_POSITIVE);
    const struct lk_prompt_lora *loras;
    struct lk_error err = {0};
    json_t *tree = NULL;
    assert_int_equal(lk_prompt_loras(prompt, &loras), 3);
    assert_string_equal(loras[0].name, "one");
    assert_true(loras[0].text_weight == 1 && loras[0].unet_weight == 1);
    assert_string_equal(loras[1].name, "two");
    assert_true(loras[1].text_weight == 0.5 && loras[1].unet_weight == 0.5);
    assert_string_equal(loras[2].name, "a-3");
    assert_true(loras[2].text_weight == 0.5 && loras[2].unet_weight == -1);
    must(lk_prompt_tree(prompt, 0, &tree, &err), &err);
    assert_int_equal(json_array_size(tree), 1);
    assert_string_equal(json_string_value(json_array_get(tree, 0)), "a b  <c> 1 < 2");
    json_decref(tree);
    lk_prompt_free(prompt);
    static const char *const WRONG[] = {"<hypernet:x:1>", "<lora:x:heavy>", "<lora::1>",
                                        "<lora:x:nan>"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(WRONG); i++) {
        assert_int_equal(lk_prompt_parse(WRONG[i], LK_PROMPT_POSITIVE, "the prompt", &prompt, &err),
                         LK_E_INPUT);
        assert_non_null(strstr(err.message, WRONG[i]));
    }
}

static void the_tree_is_json(void **state)
{
    (void)state;
    static const char *const WANT[] = {
        "[\"a \",{\"emphasis\":\"()\",\"of\":[\"b\"],\"weight\":\"1.3\"},\" \","
        "{\"until\":0.5,\"share\":true,\"of\":[\"c\"],"
        "\"then\":[{\"in_turn\":[[\"d\"],[\"e\"],[]]}]},\" \",\"[\",\"f\"]",
        "[\" \",{\"emphasis\":\"[]\",\"of\":[\"g\"]},{\"until\":3.0,\"share\":false,"
        "\"of\":[],\"then\":[\"h\"]}]",
    };
    lk_prompt *prompt =
        parse("a (b:1.3) [c:[d|e|]:0.5] [f AND [g][h:3]:0.5 <lora:x:0.7>", LK_PROMPT_POSITIVE);
    assert_int_equal(lk_prompt_parts(prompt), LK_ARRAY_LENGTH(WANT));
    for (size_t i = 0; i < LK_ARRAY_LENGTH(WANT); i++) {
        struct lk_error err = {0};
        json_t *tree = NULL;
        must(lk_prompt_tree(prompt, i, &tree, &err), &err);
        char *text = json_dumps(tree, JSON_COMPACT);
        assert_string_equal(text, WANT[i]);
        free(text);
        json_decref(tree);
    }
    lk_prompt_free(prompt);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    struct lk_error err = {0};
    lk_prompt *prompt = NULL;
    struct lk_chunks chunks;
    static char text[(1 << 16) + 2];
    memset(text, 'a', sizeof text - 1);
    assert_int_equal(lk_prompt_parse(text, LK_PROMPT_POSITIVE, "the prompt", &prompt, &err),
                     LK_E_INPUT);
    for (size_t i = 0; i + 4 < 80; i += 4)
        memcpy(text + i, "AND ", 5);
    assert_int_equal(lk_prompt_parse(text, LK_PROMPT_POSITIVE, "the prompt", &prompt, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "16 parts"));
    for (size_t i = 0; i + 2 < (1 << 14); i += 2)
        memcpy(text + i, "a ", 3);
    assert_int_equal(lk_chunks_make(tokenizer, 77, text, NULL, "the prompt", &chunks, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "64 chunks"));
    assert_int_equal(lk_chunks_make(tokenizer, 77, "(a:1e9)", NULL, "p", &chunks, &err), 0);
    lk_chunks_free(&chunks); /* no number of the grammar: text in brackets */
    assert_int_equal(lk_chunks_make(tokenizer, 77, "(a:101)", NULL, "--negative", &chunks, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "--negative gives 'a' the weight 101"));
    snprintf(text, sizeof text, "%020000d[a|b", 0);
    memcpy(text + strlen(text), "|c|d|e|f|g]", 12);
    prompt = parse(text, LK_PROMPT_POSITIVE);
    lk_arena *arena = lk_arena_new((size_t)64 << 20);
    struct lk_prompt_stage *stages;
    size_t count;
    assert_int_equal(lk_prompt_schedule(prompt, 0, 1000, 0, arena, &stages, &count, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "1024 KiB of texts in its 1000 steps"));
    lk_arena_free(arena);
    lk_prompt_free(prompt);
}

static void brackets_of_any_depth_are_no_error(void **state)
{
    (void)state;
    static char text[60001];
    static const char *const SIGNS[] = {"[", "(", "[a:", "[a|", "]", ")", ":3]", "(a:"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(SIGNS); i++) {
        const size_t length = strlen(SIGNS[i]);
        for (size_t at = 0; at + length < sizeof text; at += length)
            memcpy(text + at, SIGNS[i], length + 1);
        char *texts = schedule(text, 2, 0);
        assert_non_null(strstr(texts, "2:"));
        free(texts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedules_are_the_webuis),
        cmocka_unit_test(emphasis_is_the_webuis_to_the_last_bit),
        cmocka_unit_test(chunks_are_the_webuis),
        cmocka_unit_test(and_makes_parts_with_weights),
        cmocka_unit_test(loras_are_taken_out),
        cmocka_unit_test(the_tree_is_json),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(brackets_of_any_depth_are_no_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
