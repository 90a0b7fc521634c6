// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/mark/parameters.h"

static char *write_text(const struct lk_parameters *p)
{
    char *text;
    assert_int_equal(lk_parameters_write(p, &text, NULL), 0);
    return text;
}

static void a_picture_is_described_as_webui_does(void **state)
{
    (void)state;
    struct lk_parameter more[] = {
        {"Likeness", "0.1.0"},
        {"Swapper", "starter: swap, v0"},
        {"Empty is kept", ""},
    };
    struct lk_parameters p;
    lk_parameters_init(&p);
    p.prompt = "a woman, red hair";
    p.negative = "blurry";
    p.steps = 20;
    p.sampler = "dpmpp-2m";
    p.schedule = "karras";
    p.guidance = 7.5;
    p.seed = 4294967296;
    p.width = 512;
    p.height = 768;
    p.model_hash = "6ce0161689";
    p.model = "v1:5";
    p.more = more;
    p.n_more = 3;
    char *text = write_text(&p);
    assert_string_equal(text,
                        "a woman, red hair\n"
                        "Negative prompt: blurry\n"
                        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, "
                        "Seed: 4294967296, Size: 512x768, Model hash: 6ce0161689, Model: \"v1:5\", "
                        "Likeness: 0.1.0, Swapper: \"starter: swap, v0\", Empty is kept: ");
    free(text);
}

static void what_was_not_said_is_left_out(void **state)
{
    (void)state;
    struct lk_parameters p;
    lk_parameters_init(&p);
    p.sampler = "euler-a";
    p.schedule = "normal";
    p.guidance = 7;
    char *text = write_text(&p);
    assert_string_equal(text, "\nSampler: Euler a, CFG scale: 7");
    free(text);
}

static void samplers_have_webui_names(void **state)
{
    (void)state;
    assert_string_equal(lk_parameters_sampler("euler"), "Euler");
    assert_string_equal(lk_parameters_sampler("ddim"), "DDIM");
    assert_string_equal(lk_parameters_sampler("brew"), "brew");
    assert_null(lk_parameters_sampler(NULL));
}

static void reads_to(const char *text,
                     const char *prompt,
                     const char *negative,
                     size_t n,
                     const char *const (*fields)[2])
{
    struct lk_parameters_text found;
    assert_int_equal(lk_parameters_read(text, &found, NULL), 0);
    assert_string_equal(found.prompt, prompt);
    assert_string_equal(found.negative, negative);
    assert_int_equal(found.n_fields, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(found.field[i].name, fields[i][0]);
        assert_string_equal(found.field[i].value, fields[i][1]);
        assert_string_equal(lk_parameters_find(&found, fields[i][0]), fields[i][1]);
    }
    assert_null(lk_parameters_find(&found, "Nothing"));
    lk_parameters_text_free(&found);
}

static void the_text_of_any_program_is_read(void **state)
{
    (void)state;
    const char *const fields[][2] = {
        {"Steps", "20"},
        {"Sampler", "DPM++ 2M Karras"},
        {"Lora hashes", "a: 1, b: \"2\" \\ \xc3\xa9\n"},
        {"Odd", "\"open"},
        {"Version", "v1.10.1"},
    };
    reads_to("two\nlines, (of:1.2) prompt\nNegative prompt: one\nand more\n"
             "Steps: 20, Sampler: DPM++ 2M Karras, Lora hashes: \"a: 1, b: \\\"2\\\" \\\\ "
             "\\u00e9\\n\", Odd: \"open, Version: v1.10.1",
             "two\nlines, (of:1.2) prompt", "one\nand more", 5, fields);
    reads_to("only a prompt: with, a: colon", "only a prompt: with, a: colon", "", 0, NULL);
    reads_to("", "", "", 0, NULL);
    reads_to("Negative prompt: x", "", "x", 0, NULL);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    const char *const values[] = {"plain",         "a, b",         "\"quoted\"",
                                  "\"q, r\": s\\", "tab\t, \x01:", "\xe4\xba\xba, \xc3\xa9"};
    struct lk_parameter more[6];
    for (size_t i = 0; i < 6; i++)
        more[i] = (struct lk_parameter){"Value", values[i]};
    struct lk_parameters p;
    lk_parameters_init(&p);
    p.prompt = "a\nb";
    p.negative = "c\nd";
    p.steps = 1;
    p.guidance = 0.1;
    p.seed = 0;
    p.more = more;
    p.n_more = 6;
    char *text = write_text(&p);
    struct lk_parameters_text found;
    assert_int_equal(lk_parameters_read(text, &found, NULL), 0);
    assert_string_equal(found.prompt, "a\nb");
    assert_string_equal(found.negative, "c\nd");
    assert_string_equal(lk_parameters_find(&found, "CFG scale"), "0.1");
    assert_int_equal(found.n_fields, 9);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(found.field[3 + i].value, values[i]);
    lk_parameters_text_free(&found);
    free(text);
}

static void hostile_text_is_read_within_bounds(void **state)
{
    (void)state;
    static char text[LK_PARAMETERS_MAX + 2];
    struct lk_parameters_text found;
    struct lk_error err;
    const char alphabet[] = "aZ0 :,\"\\\nu-/\xc3\xa9\x01";
    uint32_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        for (int i = 0; i < 60; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        text[60] = 0;
        assert_int_equal(lk_parameters_read(text, &found, NULL), 0);
        lk_parameters_text_free(&found);
    }
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + i * 6, "ab: c,", 7);
    assert_int_equal(lk_parameters_read(text, &found, NULL), 0);
    assert_int_equal(found.n_fields, LK_PARAMETERS_FIELDS);
    lk_parameters_text_free(&found);
    memset(text, 'a', sizeof text - 1);
    assert_int_equal(lk_parameters_read(text, &found, &err), LK_E_INPUT);
    char *out = NULL;
    struct lk_parameters p;
    lk_parameters_init(&p);
    p.prompt = text;
    assert_int_equal(lk_parameters_write(&p, &out, &err), LK_E_INPUT);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_described_as_webui_does),
        cmocka_unit_test(what_was_not_said_is_left_out),
        cmocka_unit_test(samplers_have_webui_names),
        cmocka_unit_test(the_text_of_any_program_is_read),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(hostile_text_is_read_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
