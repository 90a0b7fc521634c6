// SPDX-License-Identifier: Apache-2.0
/* Token ids against transformers' CLIPTokenizer (tools/golden/tokenizer.py), from both sources of
 * the vocabulary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <zlib.h>

#include "base/size.h"
#include "stages/text/tokenizer.h"
#include "support/temp.h"

static lk_tokenizer *tokenizers[2]; /* CLIP's merges; a folder's vocab.json */

static lk_tokenizer *open_ok(const char *folder)
{
    struct lk_error err = {0};
    lk_tokenizer *tokenizer = NULL;
    if (lk_tokenizer_open(folder, &tokenizer, &err))
        fail_msg("%s", err.message);
    return tokenizer;
}

static int open_both(void **state)
{
    (void)state;
    char *folder = test_format("%s/data/tokenizer/sd15", getenv("LIKENESS_SHARED"));
    tokenizers[0] = open_ok(NULL);
    tokenizers[1] = open_ok(folder);
    free(folder);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    lk_tokenizer_free(tokenizers[0]);
    lk_tokenizer_free(tokenizers[1]);
    return 0;
}

static struct lk_tokens encode_ok(const lk_tokenizer *tokenizer, const char *text)
{
    struct lk_error err = {0};
    struct lk_tokens tokens = {0};
    if (lk_tokenizer_encode(tokenizer, text, "the prompt", &tokens, &err))
        fail_msg("%s", err.message);
    return tokens;
}

/* Compares the lines of one prompt file with the crcs that follow in golden. */
static void compare_prompts(const char *name, FILE *golden)
{
    char *path = test_format("%s/data/prompts/%s", getenv("LIKENESS_SHARED"), name);
    char *line = NULL, crc[16];
    size_t room = 0, n = 0;
    FILE *prompts = fopen(path, "r");
    assert_non_null(prompts);
    while (getline(&line, &room, prompts) >= 0) {
        line[strcspn(line, "\n")] = 0;
        assert_non_null(fgets(crc, sizeof crc, golden));
        for (int which = 0; which < 2; which++) {
            struct lk_tokens tokens = encode_ok(tokenizers[which], line);
            uLong got = crc32(0, (const Bytef *)tokens.ids, (uInt)(4 * tokens.count));
            if (got != strtoul(crc, NULL, 16))
                fail_msg("'%s' has other tokens than transformers'", line);
            lk_tokens_free(&tokens);
        }
        n++;
    }
    assert_true(n > 190);
    fclose(prompts);
    free(line);
    free(path);
}

static void real_prompts_have_the_tokens_of_transformers(void **state)
{
    (void)state;
    char *path = test_format("%s/tests/golden/tokenizer_prompts.txt", getenv("LIKENESS_SOURCE"));
    char head[100];
    size_t files = 0;
    FILE *golden = fopen(path, "r");
    assert_non_null(golden);
    for (; fgets(head, sizeof head, golden); files++) {
        assert_int_equal(head[0], '#');
        head[strcspn(head, "\n")] = 0;
        compare_prompts(head + 2, golden);
    }
    assert_int_equal(files, 3);
    fclose(golden);
    free(path);
}

static void unicode_has_the_tokens_of_transformers(void **state)
{
    (void)state;
    char *path = test_format("%s/tests/golden/tokenizer_cases.json", getenv("LIKENESS_SOURCE"));
    json_t *cases = json_load_file(path, 0, NULL), *one;
    size_t n;
    assert_true(json_array_size(cases) > 150);
    json_array_foreach(cases, n, one)
    {
        const char *text = json_string_value(json_object_get(one, "text"));
        const json_t *ids = json_object_get(one, "ids");
        for (int which = 0; which < 2; which++) {
            struct lk_tokens tokens = encode_ok(tokenizers[which], text);
            int same = tokens.count == json_array_size(ids);
            for (size_t i = 0; same && i < tokens.count; i++)
                same = tokens.ids[i] == json_integer_value(json_array_get(ids, i));
            if (!same)
                fail_msg("case %zu '%s' has other tokens than transformers'", n, text);
            lk_tokens_free(&tokens);
        }
    }
    json_decref(cases);
    free(path);
}

static void the_window_is_start_tokens_end_padding(void **state)
{
    (void)state;
    int64_t window[77];
    struct lk_tokens tokens = encode_ok(tokenizers[0], "hello world");
    assert_int_equal(lk_tokenizer_size(tokenizers[0]), 49408);
    assert_int_equal(lk_tokenizer_size(tokenizers[1]), 49408);
    assert_int_equal(lk_tokenizer_window(tokenizers[0], &tokens, 77, window), 0);
    static const int64_t FIRST[] = {49406, 3306, 1002, 49407, 49407};
    assert_memory_equal(window, FIRST, sizeof FIRST);
    assert_int_equal(window[76], 49407);
    lk_tokens_free(&tokens);
}

static void what_does_not_fit_the_window_is_counted(void **state)
{
    (void)state;
    int64_t window[77];
    char *text = calloc(1, 2 * 80 + 1);
    assert_non_null(text);
    for (int i = 0; i < 80; i++)
        memcpy(text + 2 * i, "a ", 2);
    struct lk_tokens tokens = encode_ok(tokenizers[0], text);
    assert_int_equal(tokens.count, 80);
    assert_int_equal(lk_tokenizer_window(tokenizers[0], &tokens, 77, window), 5);
    assert_int_equal(window[75], 320);
    assert_int_equal(window[76], 49407);
    lk_tokens_free(&tokens);
    free(text);
}

static void ten_thousand_characters_are_fine_even_in_one_word(void **state)
{
    (void)state;
    char *text = malloc(10001);
    assert_non_null(text);
    for (int i = 0; i < 10000; i++)
        text[i] = (char)('a' + i * i % 26);
    text[10000] = 0;
    struct lk_tokens tokens = encode_ok(tokenizers[0], text);
    assert_true(tokens.count > 1000);
    lk_tokens_free(&tokens);
    free(text);
}

/* Repeats `part` to `size` bytes. */
static char *repeated(const char *part, size_t size)
{
    size_t length = strlen(part);
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    for (size_t i = 0; i + length <= size; i += length)
        memcpy(text + i, part, length);
    return text;
}

static void what_takes_time_by_the_square_is_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        size_t size;
        const char *says;
    } TEXTS[] = {
        {"a ", LK_PROMPT_MAX_BYTES, NULL},
        {"a ", LK_PROMPT_MAX_BYTES + 2, "longer than 64 KiB"},
        {"\u0301\u0316", (size_t)4 * LK_PROMPT_MAX_MARKS / 2, NULL}, /* two bytes a mark */
        {"\u0301\u0316", (size_t)4 * LK_PROMPT_MAX_MARKS / 2 + 4, "marks on one letter"},
        {"\u0f73", LK_PROMPT_MAX_BYTES, "marks on one letter"}, /* of class 0, made of two others */
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(TEXTS); i++) {
        struct lk_error err = {0};
        struct lk_tokens tokens = {0};
        char *text = repeated(TEXTS[i].part, TEXTS[i].size);
        int code = lk_tokenizer_encode(tokenizers[0], text, "--negative", &tokens, &err);
        assert_int_equal(code, TEXTS[i].says ? LK_E_INPUT : 0);
        if (TEXTS[i].says && (!strstr(err.message, TEXTS[i].says) || tokens.ids))
            fail_msg("'%s' does not say '%s'", err.message, TEXTS[i].says);
        lk_tokens_free(&tokens);
        free(text);
    }
}

static void letters_that_clip_cannot_read_are_counted(void **state)
{
    (void)state;
    struct lk_tokens tokens = encode_ok(tokenizers[0], "Ein Mädchen, 一个女孩 №1");
    assert_int_equal(tokens.unreadable, 4);
    lk_tokens_free(&tokens);
}

static void invalid_utf8_is_refused_by_the_name_of_the_option(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "ok <|endoftext|>\x80"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(TEXTS); i++) {
        struct lk_error err = {0};
        struct lk_tokens tokens = {0};
        assert_int_equal(lk_tokenizer_encode(tokenizers[0], TEXTS[i], "--negative", &tokens, &err),
                         LK_E_INPUT);
        assert_non_null(strstr(err.message, "--negative"));
        assert_null(tokens.ids);
    }
}

static void a_broken_vocabulary_is_refused_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *vocabulary, *merges, *says;
    } FOLDERS[] = {
        {"", "", "empty"},
        {"[]", "", "JSON object"},
        {"{\"a\":", "", "no JSON"},
        {"{}", "", "<|endoftext|>"},
        {"{\"a\": -1}", "", "'a'"},
        {"{\"a\": 1e3}", "", "'a'"},
        {"{\"a\": 99999999999}", "", "'a'"},
        {"{\"<|startoftext|>\": 0, \"<|endoftext|>\": 1}", "ab\n", "no pair"},
        {"{\"<|startoftext|>\": 0, \"<|endoftext|>\": 1}", "#version\na b\n", "'a b'"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FOLDERS); i++) {
        char *folder = test_temp_dir();
        char *vocabulary = test_format("%s/vocab.json", folder);
        char *merges = test_format("%s/merges.txt", folder);
        struct lk_error err = {0};
        lk_tokenizer *tokenizer = NULL;
        test_write_text(vocabulary, FOLDERS[i].vocabulary);
        test_write_text(merges, FOLDERS[i].merges);
        assert_int_equal(lk_tokenizer_open(folder, &tokenizer, &err), LK_E_INPUT);
        assert_null(tokenizer);
        if (!strstr(err.message, FOLDERS[i].says))
            fail_msg("'%s' does not say '%s'", err.message, FOLDERS[i].says);
        free(vocabulary), free(merges);
        test_temp_remove(folder);
    }
}

/* Copies the first `size` bytes of CLIP's merges. */
static void cut_merges(const char *from, const char *to, size_t size)
{
    char *bytes = malloc(size);
    FILE *file = fopen(from, "rb");
    assert_non_null(bytes);
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, size, file), size);
    fclose(file);
    test_write_file(to, bytes, size);
    free(bytes);
}

static void merges_of_clip_that_are_cut_short_are_refused(void **state)
{
    (void)state;
    char *folder = test_temp_dir(), *own = strdup(getenv("LIKENESS_MERGES"));
    char *cut = test_format("%s/cut.txt.gz", folder), *few = test_format("%s/few.txt", folder);
    assert_non_null(own);
    cut_merges(own, cut, 1000000);
    test_write_text(few, "\"bpe_simple_vocab_16e6.txt#version: 0.2\ni n\nt h\n");
    const char *const files[] = {cut, few};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(files); i++) {
        struct lk_error err = {0};
        lk_tokenizer *tokenizer = NULL;
        assert_int_equal(setenv("LIKENESS_MERGES", files[i], 1), 0);
        assert_int_equal(lk_tokenizer_open(NULL, &tokenizer, &err), LK_E_INPUT);
        assert_null(tokenizer);
        assert_non_null(strstr(err.message, files[i]));
    }
    assert_int_equal(setenv("LIKENESS_MERGES", own, 1), 0);
    free(own), free(cut), free(few);
    test_temp_remove(folder);
}

/* The letters behind the byte 0 are such that the hashes of both names meet that of "a". */
static void a_merge_with_a_byte_of_0_is_of_no_token(void **state)
{
    (void)state;
    static const char MERGES[] = "a\0bii b\n";
    char *folder = test_temp_dir();
    char *vocabulary = test_format("%s/vocab.json", folder);
    char *merges = test_format("%s/merges.txt", folder);
    struct lk_error err = {0};
    lk_tokenizer *tokenizer = NULL;
    test_write_text(vocabulary, "{\"a\": 0, \"b\": 1, \"ab\": 2, \"<|startoftext|>\": 3, "
                                "\"<|endoftext|>\": 4}");
    test_write_file(merges, MERGES, sizeof MERGES - 1);
    assert_int_equal(lk_tokenizer_open(folder, &tokenizer, &err), LK_E_INPUT);
    assert_null(tokenizer);
    free(vocabulary), free(merges);
    test_temp_remove(folder);
}

static void a_small_vocabulary_of_its_own_serves(void **state)
{
    (void)state;
    char *folder = test_temp_dir();
    char *vocabulary = test_format("%s/vocab.json", folder);
    char *merges = test_format("%s/merges.txt", folder);
    char *special = test_format("%s/special_tokens_map.json", folder);
    test_write_text(vocabulary, "{\"a\": 0, \"b</w>\": 1, \"ab</w>\": 2, \"!</w>\": 3, "
                                "\"<|startoftext|>\": 4, \"<|endoftext|>\": 5}");
    test_write_text(merges, "#version: 0.2\r\na b</w>\r\n");
    test_write_text(special, "{\"pad_token\": {\"content\": \"!</w>\"}}");
    lk_tokenizer *tokenizer = open_ok(folder);
    struct lk_tokens tokens = encode_ok(tokenizer, "AB c!");
    int64_t window[8];
    lk_tokenizer_window(tokenizer, &tokens, 8, window);
    static const int64_t WANTED[] = {4, 2, 5, 3, 5, 3, 3, 3}; /* c is unknown: the end token */
    assert_memory_equal(window, WANTED, sizeof WANTED);
    assert_int_equal(lk_tokenizer_size(tokenizer), 6);
    lk_tokens_free(&tokens);
    lk_tokenizer_free(tokenizer);
    free(vocabulary), free(merges), free(special);
    test_temp_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_prompts_have_the_tokens_of_transformers),
        cmocka_unit_test(unicode_has_the_tokens_of_transformers),
        cmocka_unit_test(the_window_is_start_tokens_end_padding),
        cmocka_unit_test(what_does_not_fit_the_window_is_counted),
        cmocka_unit_test(ten_thousand_characters_are_fine_even_in_one_word),
        cmocka_unit_test(what_takes_time_by_the_square_is_bounded),
        cmocka_unit_test(letters_that_clip_cannot_read_are_counted),
        cmocka_unit_test(invalid_utf8_is_refused_by_the_name_of_the_option),
        cmocka_unit_test(a_broken_vocabulary_is_refused_in_one_line),
        cmocka_unit_test(merges_of_clip_that_are_cut_short_are_refused),
        cmocka_unit_test(a_merge_with_a_byte_of_0_is_of_no_token),
        cmocka_unit_test(a_small_vocabulary_of_its_own_serves),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
