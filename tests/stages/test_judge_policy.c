// SPDX-License-Identifier: Apache-2.0
/* The shipped rules against lists of prompts, and the file that holds them against whoever edits
 * it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "stages/judge/policy.h"
#include "support/check.h"
#include "support/scratch.h"

enum { HITS = 16 };

static const char *source_path(const char *name)
{
    static char path[4096];
    const char *source = getenv("LIKENESS_SOURCE");
    snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
    return path;
}

static const char *shipped(void)
{
    return source_path("src/stages/judge/policy.rules");
}

static lk_policy *open_policy(const char *own, const char *levels)
{
    struct lk_error err;
    lk_policy *policy = NULL;
    assert_ok(lk_policy_open(shipped(), own, levels, &policy, &err), &err);
    return policy;
}

/* The severest rule that the request trips, or NULL. */
static const struct lk_policy_rule *rule_of(const lk_policy *policy,
                                            const char *prompt,
                                            const char *negative)
{
    struct lk_error err;
    struct lk_policy_hit hits[HITS];
    size_t n;
    assert_ok(lk_policy_screen(policy, prompt, negative, hits, HITS, &n, &err), &err);
    return n ? hits[0].rule : NULL;
}

static bool is_refused(const struct lk_policy_rule *rule)
{
    return rule && rule->level >= LK_POLICY_REFUSE;
}

/* The next line that is no comment, without its end. */
static bool next_line(FILE *file, char *line, int size)
{
    do {
        if (!fgets(line, size, file))
            return false;
    } while (*line == '#');
    line[strcspn(line, "\r\n")] = 0;
    return true;
}

static FILE *open_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s", path);
    return file;
}

static void what_must_be_refused_is(void **state)
{
    (void)state;
    lk_policy *policy = open_policy(NULL, NULL);
    FILE *file = open_text(source_path("tests/golden/policy_refused.txt"));
    char line[1024];
    int seen = 0;
    while (next_line(file, line, sizeof line)) {
        char *prompt = strchr(line, '\t');
        assert_non_null(prompt);
        *prompt++ = 0;
        const struct lk_policy_rule *rule = rule_of(policy, prompt, NULL);
        if (!is_refused(rule) || strcmp(rule->name, line) != 0)
            fail_msg("'%s' is not refused by '%s'", prompt, line);
        seen++;
    }
    print_message("%d prompts refused\n", seen);
    assert_true(seen >= 150);
    fclose(file);
    lk_policy_free(policy);
}

static void what_may_pass_does(void **state)
{
    (void)state;
    lk_policy *policy = open_policy(NULL, NULL);
    FILE *file = open_text(source_path("tests/golden/policy_allowed.txt"));
    char line[1024];
    int seen = 0;
    while (next_line(file, line, sizeof line)) {
        const struct lk_policy_rule *rule = rule_of(policy, line, NULL);
        if (rule)
            fail_msg("'%s' trips '%s'", line, rule->name);
        seen++;
    }
    print_message("%d prompts let pass\n", seen);
    assert_true(seen >= 150);
    fclose(file);
    lk_policy_free(policy);
}

/* Prompts of one a line, or of one before each tab: counts those refused. */
static void count_refused(const lk_policy *policy, const char *name, int *refused, int *prompts)
{
    FILE *file = open_text(shared_path(name));
    char line[4096];
    while (next_line(file, line, sizeof line)) {
        if (!strncmp(line, "Prompt\t", 7)) /* the heading */
            continue;
        line[strcspn(line, "\t")] = 0;
        const struct lk_policy_rule *rule = rule_of(policy, line, NULL);
        ++*prompts;
        if (rule)
            print_message("%s: %s: %s\n", lk_policy_level_name(rule->level), rule->name, line);
        *refused += is_refused(rule);
    }
    fclose(file);
}

static void ordinary_prompts_are_hardly_ever_refused(void **state)
{
    (void)state;
    lk_policy *policy = open_policy(NULL, NULL);
    int refused = 0, prompts = 0;
    count_refused(policy, "prompts/PartiPrompts.tsv", &refused, &prompts);
    count_refused(policy, "prompts/drawbench.txt", &refused, &prompts);
    print_message("%d of %d refused: %.2f %%\n", refused, prompts, 100.0 * refused / prompts);
    assert_true(prompts > 1800);
    assert_true(200 * refused <= prompts);
    lk_policy_free(policy);
}

static void the_negative_prompt_is_no_wish(void **state)
{
    (void)state;
    lk_policy *policy = open_policy(NULL, NULL);
    assert_null(rule_of(policy, "a woman", "nsfw, nude, naked, child, blood, bad hands"));
    assert_null(rule_of(policy, "a child", "nsfw, nude, gore"));
    assert_null(rule_of(policy, "a woman", "wrinkled clothes"));
    assert_string_equal(rule_of(policy, "a woman", "blurry, clothes")->name, "sexual");
    assert_string_equal(rule_of(policy, "a child", "clothing")->name, "child");
    assert_null(rule_of(policy, NULL, NULL));
    lk_policy_free(policy);
}

static void levels_are_the_operator_s_but_for_those_that_always_hold(void **state)
{
    (void)state;
    struct lk_error err;
    lk_policy *policy = open_policy(NULL, "sexual=off,person=refuse");
    assert_int_equal(rule_of(policy, "a nude woman", NULL)->level, LK_POLICY_OFF);
    assert_int_equal(rule_of(policy, "Barack Obama", NULL)->level, LK_POLICY_REFUSE);
    assert_int_equal(rule_of(policy, "a nude child", NULL)->level, LK_POLICY_ALWAYS);
    assert_int_equal(rule_of(policy, "a nude girl", NULL)->level, LK_POLICY_ALWAYS);
    assert_string_equal(rule_of(policy, "a nude girl, 25 years old", NULL)->name, "sexual");
    lk_policy_free(policy);
    static const char *const wrong[][2] = {
        {"child=off", "'child' always refuses"},
        {"child-face=warn", "'child-face' always refuses"},
        {"sexual=always", "say sexual=off, warn or refuse"},
        {"sexual", "say sexual=off, warn or refuse"},
        {"sexual=", "say sexual=off, warn or refuse"},
        {"sexual=off,foo=off", "no rule 'foo'"},
        {"=off", "no rule ''"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(lk_policy_open(shipped(), NULL, wrong[i][0], &policy, &err), &err, LK_E_INPUT,
                     wrong[i][1]);
}

static void names_are_told_as_they_are_written(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_policy_hit hit;
    size_t n;
    lk_policy *policy = open_policy(NULL, NULL);
    assert_ok(lk_policy_screen(policy, "a portrait of b@rack ObAMA", NULL, &hit, 1, &n, &err),
              &err);
    assert_int_equal(n, 1);
    assert_string_equal(hit.rule->name, "person");
    assert_string_equal(hit.name, "Barack Obama");
    assert_int_equal(hit.rule->level, LK_POLICY_WARN);
    assert_ok(lk_policy_screen(policy, "a naked woman", NULL, &hit, 1, &n, &err), &err);
    assert_null(hit.name);
    lk_policy_free(policy);
}

static const char *write_rules(const char *name, const char *text)
{
    return scratch_write(name, text, strlen(text));
}

static void an_operator_s_file_adds(void **state)
{
    (void)state;
    const char *own = write_rules("own.rules", "list brand\n\tacme soap, *zyx*\n"
                                               "list explicit\n  unterhose\n"
                                               "list exempt\n  nude bathing cap\n"
                                               "rule brand warn\n  says names a brand\n"
                                               "  remedy name none\n  when brand unless adult\n"
                                               "rule sexual warn\n");
    lk_policy *policy = open_policy(own, NULL), *plain = open_policy(NULL, NULL);
    assert_string_equal(rule_of(policy, "ACME-Soap bar", NULL)->name, "brand");
    assert_string_equal(rule_of(policy, "awzyxwa", NULL)->remedy, "name none");
    assert_null(rule_of(policy, "acme, soap", NULL));
    assert_null(rule_of(policy, "an adult with acme soap", NULL));
    assert_int_equal(rule_of(policy, "eine Unterhose", NULL)->level, LK_POLICY_WARN);
    assert_null(rule_of(policy, "a nude bathing cap", NULL));
    assert_null(rule_of(plain, "eine Unterhose", NULL));
    assert_string_not_equal(lk_policy_sha256(policy), lk_policy_sha256(plain));
    lk_policy_free(policy);
    lk_policy_free(plain);
}

static void an_operator_s_file_cannot_loosen_what_always_holds(void **state)
{
    (void)state;
    struct lk_error err;
    const char *own = write_rules("evil.rules", "list exempt\n  naked child, child, nude, girl\n"
                                                "list adult\n  girl\n"
                                                "rule sexual off\n");
    lk_policy *policy = open_policy(own, "sexual=off");
    assert_string_equal(rule_of(policy, "a naked child", NULL)->name, "child");
    assert_string_equal(rule_of(policy, "a nude girl", NULL)->name, "child");
    lk_policy_free(policy);
    static const char *const files[][2] = {
        {"rule child off\n", "line 1: this rule is of level always"},
        {"rule child always\n  says nothing\n", "line 2: a rule of level always may only"},
        {"rule child-face always\n  from 1\n", "line 2: a rule of level always may only"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_fails(
            lk_policy_open(shipped(), write_rules("own.rules", files[i][0]), NULL, &policy, &err),
            &err, LK_E_INPUT, files[i][1]);
}

static void rules_that_let_pass_what_must_not_are_no_rules(void **state)
{
    (void)state;
    struct lk_error err;
    lk_policy *policy = NULL;
    assert_fails(
        lk_policy_open(write_rules("empty.rules", "# nothing\n"), NULL, NULL, &policy, &err), &err,
        LK_E_INPUT, "no longer refuses children");
    assert_fails(lk_policy_open(write_rules("low.rules", "list child\n  child\nlist explicit\n"
                                                         "  nude\nrule child refuse\n"
                                                         "  when child explicit\n"),
                                NULL, NULL, &policy, &err),
                 &err, LK_E_INPUT, "no longer refuses children");
    assert_fails(lk_policy_open("/nonexistent/policy.rules", NULL, NULL, &policy, &err), &err,
                 LK_E_MISSING, "policy.rules");
    assert_null(policy);
}

static void what_is_wrong_in_a_file_is_named_by_line(void **state)
{
    (void)state;
    struct lk_error err;
    lk_policy *policy = NULL;
    static const char *const files[][2] = {
        {"  stray\n", "line 1: a line before any heading"},
        {"# fine\n\nlists x\n", "line 3: a heading is list, names or rule: 'lists'"},
        {"list Big Name\n", "line 1: a list has a name"},
        {"names child\n", "line 1: a list is no names: 'child'"},
        {"list x\n  a*\n", "line 2: less than three letters"},
        {"list x\n  *abc\n", "line 2: a part of a word is written"},
        {"list x\n  ok, {7-3} year\n", "line 2: a range of numbers"},
        {"list x\n  {a-b}\n", "line 2: a range of numbers"},
        {"list x\n  --\n", "line 2: no letters and no digits"},
        {"list x\n  a b c d e f g h i\n", "line 2: a phrase of more than 8 words"},
        {"list x\n  \xff\xfe\n", "line 2: not valid UTF-8"},
        {"rule x\n", "line 1: a rule's level is"},
        {"rule x loud\n", "line 1: a rule's level is off, warn, refuse or always: 'loud'"},
        {"rule x off now\n", "line 1: a rule's level is"},
        {"rule x warn\n  when\n", "line 2: when: name a list"},
        {"rule x warn\n  when unless child\n", "line 2: when: name a list"},
        {"rule x warn\n  when nosuch\n", "line 2: there is no such list above: 'nosuch'"},
        {"rule x warn\n  from 7\n", "line 2: from: a number from 0 to 1: '7'"},
        {"rule x warn\n  shout loud\n", "line 2: a line of a rule is"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_fails(
            lk_policy_open(shipped(), write_rules("bad.rules", files[i][0]), NULL, &policy, &err),
            &err, LK_E_INPUT, files[i][1]);
    assert_null(policy);
}

/* Bytes changed, cut and doubled at random: rules or one sentence, never a crash. */
static void a_damaged_file_is_refused_or_read(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_file file;
    assert_ok(lk_file_map(shipped(), &file, &err), &err);
    char *text = malloc(file.size);
    unsigned seed = 7;
    int refused = 0;
    assert_non_null(text);
    for (int round = 0; round < 200; round++) {
        size_t size = round % 4 ? file.size : 1 + (size_t)rand_r(&seed) % file.size;
        memcpy(text, file.bytes, file.size);
        for (int k = rand_r(&seed) % 20; k >= 0; k--)
            text[(size_t)rand_r(&seed) % file.size] = (char)(rand_r(&seed) % 256);
        lk_policy *policy = NULL;
        err.message[0] = 0;
        int rc =
            lk_policy_open(scratch_write("damaged.rules", text, size), NULL, NULL, &policy, &err);
        assert_true(rc ? !policy && *err.message : policy != NULL);
        refused += rc != 0;
        lk_policy_free(policy);
    }
    print_message("%d of 200 damaged files refused\n", refused);
    assert_true(refused > 0);
    free(text);
    lk_file_unmap(&file);
}

static void prompts_of_any_bytes_are_screened_or_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_policy_hit hit;
    size_t n;
    lk_policy *policy = open_policy(NULL, NULL);
    char *text = malloc((1 << 16) + 2);
    unsigned seed = 3;
    assert_non_null(text);
    static const char alphabet[] = "nude chil.d(),:*{}[]@$!019'-\xd0\xb5\xcc\x81\xe8\xa3\xb8\xff";
    for (int round = 0; round < 2000; round++) {
        int size = rand_r(&seed) % 60;
        for (int i = 0; i < size; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
        text[size] = 0;
        int rc = lk_policy_screen(policy, text, text, &hit, 1, &n, &err);
        assert_true(rc == 0 || rc == LK_E_INPUT);
    }
    memset(text, 'a', (1 << 16) + 1);
    text[(1 << 16) + 1] = 0;
    assert_fails(lk_policy_screen(policy, text, NULL, &hit, 1, &n, &err), &err, LK_E_INPUT,
                 "the prompt is longer than 64 KiB");
    assert_fails(lk_policy_screen(policy, NULL, "\xff", &hit, 1, &n, &err), &err, LK_E_INPUT,
                 "--negative is not valid UTF-8");
    free(text);
    lk_policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_refused_is),
        cmocka_unit_test(what_may_pass_does),
        cmocka_unit_test(ordinary_prompts_are_hardly_ever_refused),
        cmocka_unit_test(the_negative_prompt_is_no_wish),
        cmocka_unit_test(levels_are_the_operator_s_but_for_those_that_always_hold),
        cmocka_unit_test(names_are_told_as_they_are_written),
        cmocka_unit_test(an_operator_s_file_adds),
        cmocka_unit_test(an_operator_s_file_cannot_loosen_what_always_holds),
        cmocka_unit_test(rules_that_let_pass_what_must_not_are_no_rules),
        cmocka_unit_test(what_is_wrong_in_a_file_is_named_by_line),
        cmocka_unit_test(a_damaged_file_is_refused_or_read),
        cmocka_unit_test(prompts_of_any_bytes_are_screened_or_refused),
    };
    return cmocka_run_group_tests_name("judge_policy", tests, NULL, NULL);
}
