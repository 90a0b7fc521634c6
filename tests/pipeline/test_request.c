// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/drawing/sampling.h"
#include "pipeline/options.h"
#include <likeness/request.h>

static int parse(struct lk_request *request, const char *json, struct lk_error *err)
{
    return lk_request_from_json(request, json, strlen(json), "r.json", err);
}

static void a_request_survives_the_way_to_json_and_back(void **state)
{
    (void)state;
    const char *json =
        "{\"likeness\": 1, \"task\": \"portrait\", \"prompt\": \"a w\xc3\xb6man\", \"size\": "
        "\"512x768\", \"steps\": 7,"
        "\"guidance\": 0, \"embedding\": [\"x.pt\", \"y\"], \"seed\": 9007199254740991, "
        "\"sampler\": \"euler\", \"face_score\": 0.25,"
        "\"people\": [{\"photo\": \"a=b.png\", \"place\": \"left\"}, {\"photo\": \"c.png\", "
        "\"more\": [\"g\", \"h+.png\"]}, "
        "{\"photo\": \"d\", \"place\": \"woman+like\", \"like\": \"e=f.png\"}],"
        "\"mask_invert\": true, \"mask_blur\": 0, \"controls\": [{\"type\": \"canny\", "
        "\"picture\": \"a:b.png\", \"weight\": 0.5}, {\"type\": \"none\", \"picture\": "
        "\"c.png\", \"start\": 0.25, \"model\": \"pose\"}], \"face_adapter\": \"id.bin:0.7\", "
        "\"ip_adapters\": [{\"model\": \"plus\", \"picture\": \"a.png\", \"end\": 0.5}]}";
    struct lk_request one, two;
    struct lk_error err;
    char *text, *again;
    assert_int_equal(parse(&one, json, &err), 0);
    assert_int_equal(one.width, 512);
    assert_int_equal(one.height, 768);
    assert_int_equal(one.seed, 9007199254740991);
    assert_string_equal(one.embedding[1], "y");
    assert_null(one.embedding[2]);
    assert_int_equal(one.n_people, 3);
    assert_string_equal(one.people[0].photo, "a=b.png");
    assert_string_equal(one.people[0].place, "left");
    assert_null(one.people[1].place);
    assert_null(one.people[0].more[0]);
    assert_string_equal(one.people[1].more[1], "h+.png");
    assert_null(one.people[1].more[2]);
    assert_string_equal(one.people[2].place, "woman+like");
    assert_string_equal(one.people[2].like, "e=f.png");
    assert_true(one.mask_invert && one.mask_blur == 0);
    assert_int_equal(one.n_controls, 2);
    assert_true(one.controls[0].weight == 0.5 && one.controls[1].start == 0.25);
    assert_string_equal(one.controls[0].picture, "a:b.png");
    assert_null(one.controls[0].model);
    assert_string_equal(one.controls[1].model, "pose");
    assert_int_equal(one.n_images, 1);
    assert_string_equal(one.images[0].model, "plus");
    assert_true(one.images[0].weight == 1 && one.images[0].end == 0.5);
    assert_string_equal(one.face_adapter, "id.bin:0.7");
    assert_int_equal(lk_request_to_json(&one, &text, &err), 0);
    assert_int_equal(parse(&two, text, &err), 0);
    assert_int_equal(lk_request_to_json(&two, &again, &err), 0);
    assert_string_equal(text, again);
    assert_true(two.guidance == 0);
    free(text);
    free(again);
    lk_request_free(&one);
    lk_request_free(&two);
}

static void a_bad_request_is_refused_by_name(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"", "r.json: line"},
        {"[]", "JSON object"},
        {"{\"task\": \"draw\"}", "\"likeness\": 1"},
        {"{\"likeness\": 2, \"task\": \"draw\"}", "version"},
        {"{\"likeness\": 1, \"task\": \"paint\"}", "portrait, draw, swap, restore, upscale or redraw"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"stepz\": 3}", "stepz"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"steps\": \"3\"}", "a number is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"steps\": 1.5}", "from 1 to 1000"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"steps\": 1e300}", "from 1 to 1000"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"size\": \"0x64\"}", "multiples of 8"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"size\": \"100000x64\"}", "multiples of 8"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"size\": \"64x\"}", "not a size"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"target_size\": \"0x64\"}", "from 1 to 16384"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"sampler\": \"e\"}", "is none of"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"prompt\": 3}", "a string is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"embedding\": \"x\"}", "a list is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"embedding\": [3]}", "a list of strings"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"prompt\": \"a\\u0000b\"}", "line 1"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": {}}", "a list is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"mask_invert\": 1}", "true or false is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"controls\": {}}", "a list is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"controls\": [{\"type\": \"oil\", \"picture\": \"a\"}]}", "controls: objects"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"controls\": [{\"type\": \"tile\", \"picture\": \"a\", \"wait\": 1}]}", "controls: objects"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"ip_adapters\": 3}", "a list is expected"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"ip_adapters\": [{\"model\": \"a\"}]}", "ip_adapters: objects"},
        {"{\"likeness\": 1, \"task\": \"draw\", \"ip_adapters\": [{\"model\": \"a\", \"picture\": \"b\", \"w\": 1}]}", "ip_adapters: objects"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [3]}", "people[0]"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [{\"photo\": \"a\", \"more\": [3]}]}",
         "more: a list of photos"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [{\"photo\": \"a\", \"more\": "
         "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}]}",
         "more than 8 more photos"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"alternatives\": 9}", "from 0 to 8"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"manner\": \"rudely\"}", "none of as-asked"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [{\"place\": \"left\"}]}", "nobody is named"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [{\"photo\": \"a\", \"place\": \"up\"}]}", "none of largest"},
        {"{\"likeness\": 1, \"task\": \"portrait\", \"people\": [{\"photo\": \"a\", \"place\": \"like\"}]}", "belong together"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_request request;
        struct lk_error err;
        assert_int_equal(parse(&request, rows[i].json, &err), LK_E_INPUT);
        if (!strstr(err.message, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].says);
    }
}

static void the_webuis_names_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *said, *sampler, *schedule;
    } rows[] = {
        {"Euler a", "euler-a", NULL},
        {"DPM++ 2M Karras", "dpmpp-2m", "karras"},
        {"DPM++ 2M SDE Exponential", "dpmpp-2m-sde", "exponential"},
        {"DPM2 a", "dpm2-a", NULL},
        {"dpmpp_2s_a", "dpmpp-2s-a", NULL},
        {"PLMS", "pndm", NULL},
        {"UniPC", "unipc", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_invocation invocation;
        struct lk_error err;
        lk_invocation_init(&invocation, LK_TASK_DRAW);
        assert_int_equal(lk_option_set(lk_option_find("sampler", LK_CMD_DRAW), &invocation,
                                       rows[i].said, "--sampler", &err),
                         0);
        assert_string_equal(invocation.request.sampler, rows[i].sampler);
        if (rows[i].schedule)
            assert_string_equal(invocation.request.schedule, rows[i].schedule);
        else
            assert_null(invocation.request.schedule);
        assert_int_equal(lk_option_set(lk_option_find("schedule", LK_CMD_DRAW), &invocation,
                                       "SGM Uniform", "--schedule", &err),
                         0);
        assert_string_equal(invocation.request.schedule, "sgm-uniform");
        assert_int_equal(lk_option_set(lk_option_find("sampler", LK_CMD_DRAW), &invocation,
                                       "DPM+++ Karras", "--sampler", &err),
                         LK_E_INPUT);
        lk_invocation_free(&invocation);
    }
}

static void lists_are_read_or_refused(void **state)
{
    (void)state;
    static struct lk__sampling sampling;
    struct lk_error err;
    struct lk_request r = {.sigmas = (char[]){"14.6,3,0"}};
    assert_int_equal(lk__sampling_steps(&r), 2); /* what the policy reads prompts by */
    assert_int_equal(lk__sampling_read(&r, &sampling, &err), 0);
    assert_int_equal(r.steps, 2);
    assert_true(sampling.sigmas[1] == 3);
    r.steps = 3;
    assert_int_equal(lk__sampling_read(&r, &sampling, &err), LK_E_INPUT);
    assert_string_equal(err.message, "--sigmas says the 2 steps and how noisy they are: leave out "
                                     "--schedule and --steps");
    r = (struct lk_request){.freeu = (char[]){"1.5,1.6,0.9,0.2"}};
    assert_int_equal(lk__sampling_read(&r, &sampling, &err), 0);
    assert_true(sampling.freeu.b[1] == 1.6f && sampling.freeu.s[1] == 0.2f);
    r.freeu = (char[]){"1,2,3"};
    assert_int_equal(lk__sampling_read(&r, &sampling, &err), LK_E_INPUT);
    char *const bad[] = {(char[]){""}, (char[]){"3,"}, (char[]){"3;0"}, (char[]){"a,0"},
                         (char[]){"0"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = (struct lk_request){.sigmas = bad[i]};
        assert_int_equal(lk__sampling_read(&r, &sampling, &err), LK_E_INPUT);
        assert_int_equal(strncmp(err.message, "--sigmas: ", 10), 0);
    }
}

/* Picture i of --count: seeds count up, with a variation only the variation's. */
static void variations_keep_the_seed(void **state)
{
    (void)state;
    struct lk_request r = {.seed = 100, .variation_seed = 5};
    assert_int_equal(lk__sampling_seed(&r, 2), 102);
    assert_int_equal(lk__sampling_variation_seed(&r, 2), -1);
    r.variation_strength = 0.5;
    assert_int_equal(lk__sampling_seed(&r, 2), 100);
    assert_int_equal(lk__sampling_variation_seed(&r, 2), 7);
}

/* What is not said of the negative prompt is as of the prompt. */
static void sizes_reach_the_drawing(void **state)
{
    (void)state;
    const char *json = "{\"likeness\": 1, \"task\": \"draw\", \"original_size\": \"129x97\", "
                       "\"crop_top\": 7, \"target_size\": \"640x480\", \"aesthetic_score\": 7, "
                       "\"negative_original_size\": \"31x33\", \"negative_crop_left\": 3}";
    struct lk_request request;
    struct lk_error err;
    struct lk_draw_options o = {0};
    const struct lk__sampling sampling = {{0}};
    assert_int_equal(parse(&request, json, &err), 0);
    lk__sampling_apply(&sampling, &request, &o);
    const struct lk_sizes positive = {{129, 97}, {0, 7}, {640, 480}, 7};
    const struct lk_sizes negative = {{31, 33}, {3, 7}, {640, 480}, 2.5};
    assert_memory_equal(&o.sizes, &positive, sizeof positive);
    assert_memory_equal(&o.sizes_negative, &negative, sizeof negative);
    lk_request_free(&request);
}

static void every_option_takes_its_own_default(void **state)
{
    (void)state;
    size_t n;
    const struct lk_option *options = lk_options(&n);
    for (size_t i = 0; i < n; i++) {
        struct lk_invocation invocation;
        struct lk_error err;
        lk_invocation_init(&invocation, LK_TASK_PORTRAIT);
        if (options[i].initial)
            assert_int_equal(
                lk_option_set(&options[i], &invocation, options[i].initial, options[i].name, &err),
                0);
        for (size_t j = 0; j < i; j++)
            assert_false((options[i].commands & options[j].commands) &&
                         (!strcmp(options[i].name, options[j].name) ||
                          (options[i].letter && options[i].letter == options[j].letter)));
        lk_invocation_free(&invocation);
    }
}

static void bytes_take_units(void **state)
{
    (void)state;
    struct lk_invocation invocation;
    struct lk_error err;
    lk_invocation_init(&invocation, LK_TASK_PORTRAIT);
    const struct lk_option *memory = lk_option_find("memory", LK_CMD_DRAW);
    assert_int_equal(lk_option_set(memory, &invocation, "4G", "--memory", &err), 0);
    assert_int_equal(invocation.engine.memory, 4294967296);
    assert_int_equal(lk_option_set(memory, &invocation, "4X", "--memory", &err), LK_E_INPUT);
    assert_int_equal(lk_option_set(memory, &invocation, "G", "--memory", &err), LK_E_INPUT);
    lk_invocation_free(&invocation);
}

static void a_control_is_read_from_the_end_of_its_text(void **state)
{
    (void)state;
    struct lk_invocation invocation;
    struct lk_error err;
    const struct lk_option *control = lk_option_find("control", LK_CMD_DRAW);
    const struct lk_option *model = lk_option_find("control-model", LK_CMD_DRAW);
    lk_invocation_init(&invocation, LK_TASK_DRAW);
    const struct lk_request_control *c = invocation.request.controls;
    assert_int_equal(lk_option_set(model, &invocation, "one", "--control-model", &err), 0);
    assert_int_equal(lk_option_set(control, &invocation, "canny:a:1.png", "--control", &err), 0);
    assert_int_equal(lk_option_set(control, &invocation, "tile:b:2:0.1:0.9", "--control", &err), 0);
    assert_int_equal(lk_option_set(control, &invocation, "none:c.png:-1", "--control", &err), 0);
    assert_int_equal(lk_option_set(model, &invocation, "two", "--control-model", &err), 0);
    assert_int_equal(invocation.request.n_controls, 3);
    assert_string_equal(c[0].picture, "a:1.png");
    assert_string_equal(c[0].model, "one");
    assert_true(c[0].weight == 1 && c[0].start == 0 && c[0].end == 1);
    assert_string_equal(c[1].picture, "b");
    assert_string_equal(c[1].model, "two");
    assert_true(c[1].weight == 2 && c[1].start == 0.1 && c[1].end == 0.9);
    assert_true(c[2].weight == -1);
    assert_int_equal(lk_option_set(control, &invocation, "canny:", "--control", &err), LK_E_INPUT);
    assert_int_equal(lk_option_set(control, &invocation, "a.png", "--control", &err), LK_E_INPUT);
    lk_invocation_free(&invocation);
}

static void an_image_is_read_from_both_ends_of_its_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"a.png", ":a.png", "model:"};
    struct lk_invocation invocation;
    struct lk_error err;
    const struct lk_option *adapter = lk_option_find("ip-adapter", LK_CMD_DRAW);
    lk_invocation_init(&invocation, LK_TASK_DRAW);
    const struct lk_request_image *i = invocation.request.images;
    assert_int_equal(lk_option_set(adapter, &invocation, "a.bin:b:1.png:2:0.1:0.9", "x", &err), 0);
    assert_int_equal(lk_option_set(adapter, &invocation, "plus:c.png", "x", &err), 0);
    assert_int_equal(invocation.request.n_images, 2);
    assert_string_equal(i[0].model, "a.bin");
    assert_string_equal(i[0].picture, "b:1.png");
    assert_true(i[0].weight == 2 && i[0].start == 0.1 && i[0].end == 0.9);
    assert_true(i[1].weight == 1 && i[1].start == 0 && i[1].end == 1);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_int_equal(lk_option_set(adapter, &invocation, bad[k], "x", &err), LK_E_INPUT);
    for (int k = 2; k < LK_IMAGES_MAX; k++)
        assert_int_equal(lk_option_set(adapter, &invocation, "plus:c.png", "x", &err), 0);
    assert_int_equal(lk_option_set(adapter, &invocation, "plus:c.png", "x", &err), LK_E_INPUT);
    lk_invocation_free(&invocation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_survives_the_way_to_json_and_back),
        cmocka_unit_test(a_bad_request_is_refused_by_name),
        cmocka_unit_test(the_webuis_names_are_understood),
        cmocka_unit_test(lists_are_read_or_refused),
        cmocka_unit_test(variations_keep_the_seed),
        cmocka_unit_test(sizes_reach_the_drawing),
        cmocka_unit_test(every_option_takes_its_own_default),
        cmocka_unit_test(bytes_take_units),
        cmocka_unit_test(a_control_is_read_from_the_end_of_its_text),
        cmocka_unit_test(an_image_is_read_from_both_ends_of_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
