// SPDX-License-Identifier: Apache-2.0
/* An attacker who embeds the library: tries every public function of include/likeness/ for a
 * picture that is refused, unmarked, without consent or without a row in the audit.
 *
 * The functions are read from the headers: a new one without an attempt here fails the test. The
 * attempts use the public headers alone; what the keeper of the cast does meanwhile, and how what
 * left is looked at, is src/. Pictures are the starter pack's. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/size.h"
#include "pipeline/doors_house.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"
#include <likeness/likeness.h>

/* A request that must not be carried out. */
static void check_refused(lk_engine *engine,
                          const struct lk_request *request,
                          int code,
                          const char *says)
{
    struct lk_error err;
    lk_result *result = NULL;
    assert_fails(lk_engine_run(engine, request, NULL, &result, &err), &err, code, says);
    assert_null(result);
}

static void ask_photo(struct lk_request *r)
{
    give_face(r, drawn, "recorded");
}

static void ask_ada(struct lk_request *r)
{
    give_face(r, "ada", "self");
}

static void ask_swap(struct lk_request *r)
{
    r->task = LK_TASK_SWAP;
    r->picture = strdup(drawn);
    give_face(r, "ada", "self");
}

static void ask_restore(struct lk_request *r)
{
    r->task = LK_TASK_RESTORE;
    r->picture = strdup(drawn);
}

static void ask_upscale(struct lk_request *r)
{
    r->task = LK_TASK_UPSCALE;
    r->picture = strdup(drawn);
}

static void ask_redraw(struct lk_request *r)
{
    r->task = LK_TASK_REDRAW;
    r->picture = strdup(drawn);
}

static void ask_restored_face(struct lk_request *r)
{
    ask_restore(r);
    give_face(r, drawn, "self");
}

static void ask_init(struct lk_request *r)
{
    r->init = strdup(drawn);
}

/* Who is found only by looking harder than the request asks for is there all the same. */
static void ask_init_unseen(struct lk_request *r)
{
    ask_init(r);
    r->face_score = 1;
}

static void ask_picture_as_prompt(struct lk_request *r)
{
    r->images[r->n_images++] = (struct lk_request_image){strdup("nosuch"), strdup(drawn), 1, 0, 1};
}

static void ask_prompt_unseen(struct lk_request *r)
{
    ask_picture_as_prompt(r);
    r->face_score = 1;
}

static void ask_no_number(struct lk_request *r)
{
    ask_picture_as_prompt(r);
    r->images[0].weight = NAN;
}

static void ask_face_in_drawing(struct lk_request *r)
{
    r->task = LK_TASK_DRAW;
    r->face_adapter = strdup("nosuch");
    give_face(r, drawn, "recorded");
}

static void ask_words(struct lk_request *r)
{
    replace(&r->prompt, "a n u d e woman");
}

static void ask_child(struct lk_request *r)
{
    replace(&r->prompt, "a naked child");
}

static void ask_negative(struct lk_request *r)
{
    r->negative = strdup("clothes");
}

static void ask_other_consent(struct lk_request *r)
{
    give_face(r, "ada", "granted");
}

static void ask_other_use(struct lk_request *r)
{
    give_face(r, "ada", "recorded");
    replace(&r->use, "everything");
}

static void ask_nobody(struct lk_request *r)
{
    r->n_people = 1;
}

static void ask_many(struct lk_request *r)
{
    r->n_people = LK_PEOPLE_MAX + 1;
}

static void ask_less_than_nobody(struct lk_request *r)
{
    r->n_people = -1;
}

static void ask_other_task(struct lk_request *r)
{
    r->task = (enum lk_task)99;
}

static void ask_nothing(struct lk_request *r)
{
    r->count = 0;
}

static void ask_mark_of_a_file(struct lk_request *r)
{
    r->visible_mark = strdup("nosuch.png");
}

static void run_is_tried(void)
{
    // clang-format off
    static const struct {
        void (*keeper)(void); /* what happens before */
        void (*ask)(struct lk_request *);
        int code;
        const char *says;
    } rows[] = {
        {NULL, ask_photo, LK_E_REFUSED, "there is no consent of the person in"},
        {NULL, ask_picture_as_prompt, LK_E_REFUSED, "there is no consent of the person in"},
        {NULL, ask_prompt_unseen, LK_E_REFUSED, "there is no consent of the person in"},
        {NULL, ask_face_in_drawing, LK_E_REFUSED, "there is no consent of the person in"},
        {NULL, ask_words, LK_E_REFUSED, "'sexual'"},
        {NULL, ask_child, LK_E_REFUSED, "'child'"},
        {NULL, ask_negative, LK_E_REFUSED, "'sexual'"},
        {NULL, ask_nobody, LK_E_INPUT, "nobody is named"},
        {NULL, ask_many, LK_E_INPUT, "17 people"},
        {NULL, ask_less_than_nobody, LK_E_INPUT, "-1 people"},
        {NULL, ask_other_task, LK_E_INPUT, "task is 99"},
        {NULL, ask_nothing, LK_E_INPUT, "count"},
        {NULL, ask_no_number, LK_E_INPUT, "are not all numbers"},
        {NULL, ask_mark_of_a_file, LK_E_INPUT, "nosuch.png"},
        {add_ada, ask_other_consent, LK_E_INPUT, "is none of recorded"},
        {NULL, ask_other_use, LK_E_INPUT, "is none of portrait"},
        {revoke_ada, ask_ada, LK_E_REFUSED, "'ada' has taken their consent back"},
        {NULL, ask_photo, LK_E_REFUSED, "shows 'ada': 'ada' has taken their consent back"},
        {bar_ada, ask_ada, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_photo, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_swap, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_init, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_init_unseen, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_picture_as_prompt, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_restore, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_upscale, LK_E_REFUSED, "'ada' is barred"},
        {NULL, ask_restored_face, LK_E_INPUT, "gives somebody a face"},
        {NULL, ask_redraw, LK_E_REFUSED, "'ada' is barred"},
        {remove_ada, ask_photo, LK_E_REFUSED, "there is no consent of the person in"},
    };
    // clang-format on
    lk_engine *engine = open_engine();
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_request request;
        if (rows[i].keeper)
            rows[i].keeper();
        quick(&request);
        rows[i].ask(&request);
        check_refused(engine, &request, rows[i].code, rows[i].says);
        if (request.n_people < 0 || request.n_people > LK_PEOPLE_MAX)
            request.n_people = 0;
        lk_request_free(&request);
    }
    lk_engine_free(engine);
}

/* An engine that cannot keep its promises does not draw. */
static void engine_open_is_tried(void)
{
    // clang-format off
    static const struct {
        size_t member;
        const char *value;
        int code;
        const char *says;
    } rows[] = {
#define MEMBER(name) offsetof(struct lk_engine_options, name)
        {MEMBER(audit), "/nosuch/audit.db", LK_E_FAILED, "/nosuch/audit.db"},
        {MEMBER(audit_mirror), "/nosuch/heads", LK_E_FAILED, "/nosuch/heads"},
        {MEMBER(watermark_key), "/nosuch/key", LK_E_MISSING, "/nosuch/key"},
        {MEMBER(watermark_key), "/dev/null", LK_E_INPUT, "/dev/null"},
        {MEMBER(policy), "/nosuch.rules", LK_E_MISSING, "/nosuch.rules"},
        {MEMBER(policy_levels), "child=off", LK_E_INPUT, "always refuses"},
        {MEMBER(policy_levels), "child-face=warn", LK_E_INPUT, "always refuses"},
        {MEMBER(nsfw), "vit-nsfw:/nosuch.onnx", LK_E_MISSING, "/nosuch.onnx"},
        {MEMBER(forensics), "nosuch", LK_E_MISSING, "nosuch"},
        {MEMBER(c2pa_key), "/nosuch.pem", LK_E_INPUT, "--c2pa-certificate"},
#undef MEMBER
    };
    // clang-format on
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_engine_options options;
        struct lk_request request;
        struct lk_error err;
        lk_engine *engine;
        lk_engine_options_init(&options);
        options.audit = strdup(audit_path);
        replace((char **)((char *)&options + rows[i].member), rows[i].value);
        assert_ok(lk_engine_open(&options, &engine, &err), &err);
        lk_engine_options_free(&options);
        quick(&request);
        check_refused(engine, &request, rows[i].code, rows[i].says);
        lk_request_free(&request);
        lk_engine_free(engine);
    }
}

/* Options that nobody has filled in, and none at all, switch nothing off. */
static void engine_options_are_tried(void)
{
    struct lk_engine_options empty = {0};
    const struct lk_engine_options *const options[] = {&empty, NULL};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(options); i++) {
        struct lk_request request;
        struct lk_error err;
        lk_engine *engine;
        assert_ok(lk_engine_open(options[i], &engine, &err), &err);
        quick(&request);
        ask_words(&request);
        check_refused(engine, &request, LK_E_REFUSED, "'sexual'");
        lk_request_free(&request);
        lk_engine_free(engine);
    }
    lk_engine_options_free(&empty);
}

/* Where only names are taken, a request opens no file of the operator's as a model. */
static void paths_are_tried(void)
{
    // clang-format off
    static const struct {
        size_t member;
        const char *value;
    } rows[] = {
#define MEMBER(name) offsetof(struct lk_request, name)
        {MEMBER(model), "/etc/passwd"}, {MEMBER(vae), "../vae"}, {MEMBER(refiner), "./sdxl"},
        {MEMBER(lora[0]), "/etc/passwd:0.5"}, {MEMBER(embedding[0]), "/etc"},
        {MEMBER(detector), "scrfd:/etc/passwd"}, {MEMBER(upscaler), "/etc/passwd"},
#undef MEMBER
    };
    // clang-format on
    struct lk_engine_options options;
    struct lk_error err;
    lk_engine *engine;
    lk_engine_options_init(&options);
    options.audit = strdup(audit_path);
    options.names_only = true;
    assert_ok(lk_engine_open(&options, &engine, &err), &err);
    lk_engine_options_free(&options);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_request request;
        quick(&request);
        replace((char **)((char *)&request + rows[i].member), rows[i].value);
        check_refused(engine, &request, LK_E_REFUSED, "is a path");
        lk_request_free(&request);
    }
    lk_engine_free(engine);
}

/* A red picture, which the network takes for sexual content. */
static lk_result *run_red(lk_engine *engine, const struct lk_watch *watch)
{
    struct lk_request request;
    lk_request_init(&request, LK_TASK_DRAW);
    request.prompt = strdup("red");
    request.init = strdup(scratch_path("red.png"));
    request.width = request.height = 256;
    request.steps = 20;
    request.strength = 0.05;
    lk_result *result = run(engine, &request, watch);
    lk_request_free(&request);
    return result;
}

/* A result outlives its engine; what was refused stays so. */
static void engine_free_is_tried(void)
{
    lk_engine *engine = open_engine_with(nsfw, NULL);
    lk_result *result = run_red(engine, NULL);
    check_held(result, 0, LK_E_REFUSED, "taken for sexual content");
    lk_engine_free(engine);
    check_held(result, 0, LK_E_REFUSED, "taken for sexual content");
    check_held(result, 1, LK_E_INPUT, "picture 1 of 1");
    check_held(result, (size_t)-1, LK_E_INPUT, "of 1 is asked for");
    lk_result_free(result);
}

/* What is said of a refused picture is words. */
static void words_are_tried(void)
{
    lk_engine *engine = open_engine_with(nsfw, NULL);
    lk_result *result = run_red(engine, NULL);
    assert_int_equal(lk_result_count(result), 1);
    assert_true(strlen(lk_result_report(result)) < 4096);
    for (size_t i = 0; lk_result_remark(result, i); i++)
        assert_true(strlen(lk_result_remark(result, i)) < 300);
    assert_null(lk_result_remark(result, (size_t)-1));
    for (size_t i = 0; lk_result_note(result, i); i++)
        assert_true(strlen(lk_result_note(result, i)) < 300);
    assert_null(lk_result_note(result, (size_t)-1));
    assert_true(strlen(lk_version()) < 64);
    assert_int_equal(lk_exit_code(LK_E_REFUSED), 3);
    lk_result_free(result);
    lk_result_free(NULL);
    lk_engine_free(engine);
}

/* A request in JSON asks for no more than one in C; what is the operator's is none of its keys. */
static void json_is_tried(void)
{
    static const char *const operators[] = {
        "\"policy_levels\": \"nsfw=off\"",
        "\"policy\": \"own.rules\"",
        "\"audit\": \"/dev/null\"",
        "\"watermark_key\": \"mine\"",
        "\"cast_file\": \"mine.db\"",
        "\"passphrase_file\": \"mine\"",
        "\"debug\": \"here\"",
        "\"nsfw\": \"mine\"",
    };
    struct lk_request request;
    struct lk_error err;
    char *json;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(operators); i++) {
        json = test_format("{\"likeness\": 1, \"task\": \"draw\", \"prompt\": \"a\", %s}",
                           operators[i]);
        assert_fails(lk_request_from_json(&request, json, strlen(json), "r", &err), &err,
                     LK_E_INPUT, "r");
        free(json);
    }
    lk_engine *engine = open_engine();
    quick(&request);
    ask_photo(&request);
    assert_ok(lk_request_to_json(&request, &json, &err), &err);
    lk_request_free(&request);
    assert_ok(lk_request_from_json(&request, json, strlen(json), "r", &err), &err);
    free(json);
    check_refused(engine, &request, LK_E_REFUSED, "there is no consent");
    lk_request_free(&request);
    lk_engine_free(engine);
}

/* What a watch sees, and when it stops: the run's second picture is under way. */
struct stopping {
    atomic_bool stop;
    void (*meanwhile)(void);
    int draws; /* "draw" has begun so often */
};

static void on_event(void *user, const struct lk_watch_event *event)
{
    struct stopping *s = user;
    if (strcmp(event->stage, "draw") != 0 || event->step != 1)
        return;
    s->draws++;
    if (s->meanwhile) {
        s->meanwhile();
        s->meanwhile = NULL;
    } else if (s->draws == 2)
        atomic_store(&s->stop, true);
}

static void a_cancelled_run_is_tried(void)
{
    struct stopping s = {.draws = 0};
    const struct lk_watch watch = {on_event, &s, &s.stop};
    struct lk_request request;
    struct lk_error err;
    lk_result *result = NULL;
    lk_engine *engine = open_engine();
    quick(&request);
    request.count = 3;
    assert_int_equal(lk_engine_run(engine, &request, &watch, &result, &err), LK_E_INTERRUPTED);
    assert_int_equal(s.draws, 2);
    assert_null(result);
    lk_request_free(&request);
    lk_engine_free(engine);
}

/* Of what is refused there is no preview. */
static void look_at_preview(void *user, const struct lk_watch_event *event)
{
    if (!event->preview)
        return;
    ++*(int *)user;
    assert_string_equal(event->stage, "draw");
    check_preview(event->preview, event->preview_size);
}

static void a_preview_is_tried(void)
{
    int shown = 0;
    const struct lk_watch watch = {.on_event = look_at_preview, .user = &shown, .preview_every = 2};
    struct lk_request request;
    struct lk_error err;
    lk_result *refused = NULL;
    lk_engine *engine = open_engine();
    quick(&request);
    request.steps = 4;
    lk_result *result = run(engine, &request, &watch);
    assert_int_equal(shown, 2);
    assert_non_null(strstr(lk_result_report(result), "\"previews\": 2"));
    lk_result_free(result);
    replace(&request.prompt, "a nude woman");
    assert_int_equal(lk_engine_run(engine, &request, &watch, &refused, &err), LK_E_REFUSED);
    assert_int_equal(shown, 2);
    lk_request_free(&request);
    lk_engine_free(engine);
    engine = open_engine_with(nsfw, NULL);
    const struct lk_watch every = {.on_event = look_at_preview, .user = &shown, .preview_every = 1};
    result = run_red(engine, &every);
    assert_int_equal(shown, 2);
    check_held(result, 0, LK_E_REFUSED, "taken for sexual content");
    lk_result_free(result);
    lk_engine_free(engine);
}

/* Consent ends while the picture is drawn, or while its result lies about. */
static void a_consent_that_ends_is_tried(void)
{
    // clang-format off
    static const struct {
        const char *face, *consent;
        void (*meanwhile)(void);
        const char *says;
    } rows[] = {
        {"ada", "recorded", revoke_ada, "'ada' has taken their consent back"},
        {"ada", "recorded", bar_ada, "'ada' is barred"},
        {"ada", "recorded", remove_ada, "'ada' was removed from the cast"},
        {NULL, "recorded", revoke_ada, "'ada' has taken their consent back"}, /* a photo of hers */
        {NULL, "recorded", bar_ada, "'ada' is barred"},
        {NULL, "self", add_ada, ""}, /* declared, and consent is recorded meanwhile: fine */
    };
    // clang-format on
    lk_engine *engine = open_engine();
    for (size_t i = 0; i < 2 * LK_ARRAY_LENGTH(rows); i++) {
        struct stopping s = {.meanwhile = i % 2 ? rows[i / 2].meanwhile : NULL, .draws = -99};
        const struct lk_watch watch = {on_event, &s, NULL};
        struct lk_request request;
        if (rows[i / 2].meanwhile != add_ada)
            add_ada();
        quick(&request);
        give_face(&request, rows[i / 2].face ? rows[i / 2].face : drawn, rows[i / 2].consent);
        lk_result *result = run(engine, &request, &watch);
        if (i % 2 == 0)
            rows[i / 2].meanwhile();
        if (*rows[i / 2].says)
            check_held(result, 0, LK_E_REFUSED, rows[i / 2].says);
        lk_result_free(result);
        lk_request_free(&request);
        if (rows[i / 2].meanwhile != remove_ada)
            remove_ada();
    }
    lk_engine_free(engine);
}

/* Somebody of whom nothing was known is barred after the photo of them was used by declaration. */
static void a_late_bar_is_tried(void)
{
    struct lk_request request;
    lk_engine *engine = open_engine();
    quick(&request);
    give_face(&request, drawn, "self");
    lk_result *result = run(engine, &request, NULL);
    add_ada();
    bar_ada();
    check_held(result, 0, LK_E_REFUSED, "'ada' is barred");
    lk_result_free(result);
    lk_request_free(&request);
    remove_ada();
    lk_engine_free(engine);
}

/* Of several photos each is asked, before and at the way out. */
static void photos_are_tried(void)
{
    struct lk_request request;
    lk_engine *engine = open_engine();
    quick(&request);
    give_face(&request, drawn, "self");
    request.people[0].more[0] = strdup(drawn);
    lk_result *result = run(engine, &request, NULL);
    assert_non_null(strstr(lk_result_report(result), "\"photo_of\": 0"));
    forget_mean(result);
    bar_eve();
    check_held(result, 0, LK_E_REFUSED, "'eve' is barred");
    check_refused(engine, &request, LK_E_REFUSED, "'eve' is barred");
    lk_result_free(result);
    lk_request_free(&request);
    remove_eve();
    lk_engine_free(engine);
}

/* Scores of the pictures of a result: "nsfw" in its report, in order. */
static size_t read_scores(const lk_result *result, double *out, size_t room)
{
    size_t n = 0;
    for (const char *at = lk_result_report(result); n < room && (at = strstr(at, "\"nsfw\": "));
         at++) {
        if (at[8] != '"')
            out[n++] = strtod(at + 8, NULL);
    }
    return n;
}

/* Of three pictures the one that the network likes least is refused: the others may leave, and it
 * alone may not. */
static void one_of_several_is_tried(void)
{
    struct lk_request request;
    struct lk_error err;
    double scores[3] = {0};
    lk_engine *engine = open_engine_with(nsfw, NULL);
    quick(&request);
    request.count = 3;
    lk_result *result = run(engine, &request, NULL);
    assert_int_equal(read_scores(result, scores, 3), 3);
    lk_result_free(result);
    lk_engine_free(engine);
    size_t worst = 0, next = 1;
    for (size_t i = 1; i < 3; i++)
        worst = scores[i] > scores[worst] ? i : worst;
    next = worst == 1 ? 0 : 1;
    for (size_t i = 0; i < 3; i++)
        next = i != worst && scores[i] > scores[next] ? i : next;
    char *rules =
        test_format("rule nsfw refuse\n    from %.6f\n", (scores[worst] + scores[next]) / 2);
    const char *path = scratch_write("strict.rules", rules, strlen(rules));
    free(rules);
    engine = open_engine_with(nsfw, path);
    assert_ok(lk_engine_expect(engine, "png", &err), &err); /* others are encoded meanwhile */
    result = run(engine, &request, NULL);
    check_held(result, worst, LK_E_REFUSED, "taken for sexual content");
    for (size_t i = 0; i < 3; i++) {
        void *bytes;
        size_t size;
        if (i == worst)
            continue;
        assert_ok(lk_result_encode(result, i, "png", &bytes, &size, &err), &err);
        check_released(engine, bytes, size);
        free(bytes);
    }
    lk_result_free(result);
    lk_request_free(&request);
    lk_engine_free(engine);
}

static void encode_is_tried(void)
{
    struct lk_request request;
    struct lk_error err;
    void *bytes = NULL;
    size_t size = 0;
    lk_engine *engine = open_engine();
    quick(&request);
    lk_result *result = run(engine, &request, NULL);
    lk_request_free(&request);
    static const char *const others[] = {"raw", "PNG", "", "png\n", "v"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(others); i++)
        assert_fails(lk_result_encode(result, 0, others[i], &bytes, &size, &err), &err, LK_E_INPUT,
                     "is none of png");
    for (size_t i = 0; i < PICTURE_FORMATS; i++) {
        assert_ok(lk_result_encode(result, 0, formats[i], &bytes, &size, &err), &err);
        check_released(engine, bytes, size);
        free(bytes);
    }
    /* the ledger goes, and its key comes not back */
    char *key = test_format("%s.key", audit_path), *away = test_format("%s.away", audit_path);
    assert_int_equal(rename(key, away), 0);
    bytes = NULL;
    assert_fails(lk_result_encode(result, 0, "png", &bytes, &size, &err), &err, LK_E_FAILED,
                 "no picture leaves without its row");
    assert_null(bytes);
    assert_int_equal(rename(away, key), 0);
    free(key);
    free(away);
    lk_result_free(result);
    lk_engine_free(engine);
}

static void a_full_mirror_is_tried(void)
{
    struct lk_engine_options options;
    struct lk_request request;
    struct lk_error err;
    lk_engine *engine;
    lk_engine_options_init(&options);
    options.audit = strdup(scratch_path("mirrored.db"));
    options.audit_mirror = strdup("/dev/full");
    assert_ok(lk_engine_open(&options, &engine, &err), &err);
    lk_engine_options_free(&options);
    quick(&request);
    lk_result *result = run(engine, &request, NULL);
    check_held(result, 0, LK_E_FAILED, "No space left");
    lk_result_free(result);
    lk_request_free(&request);
    lk_engine_free(engine);
}

/* While files may not grow over `most` bytes: a full disk for which nobody has to be root. */
static void save_on_full_disk(const lk_result *result, rlim_t most, const char *says)
{
    struct lk_error err;
    struct rlimit before, limit;
    char *path = output_path("full.tif");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int rc = lk_result_save(result, 0, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_fails(rc, &err, LK_E_FAILED, says);
    assert_int_equal(count_files(), 0);
    free(path);
}

static void save_is_tried(void)
{
    struct lk_request request;
    struct lk_error err;
    void *bytes;
    size_t size;
    lk_engine *engine = open_engine();
    quick(&request);
    lk_result *result = run(engine, &request, NULL);
    lk_request_free(&request);
    static const char *const paths[] = {"a", "a.gif", "a.v", "a.raw", ".png/", ""};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(paths); i++) {
        char *path = output_path(paths[i]);
        assert_int_not_equal(lk_result_save(result, 0, path, &err), 0);
        free(path);
    }
    assert_int_equal(lk_result_save(result, 0, "/nosuch/a.png", &err), LK_E_FAILED);
    assert_int_equal(count_files(), 0);
    save_on_full_disk(result, 4096, "no picture leaves without its row");
    assert_ok(lk_result_encode(result, 0, "tiff", &bytes, &size, &err), &err);
    free(bytes);
    int64_t rows = count_rows();
    save_on_full_disk(result, size - 1, "nothing was left behind");
    assert_int_equal(count_rows(), rows + 1); /* a row more is an answer too many */
    lk_result_free(result);
    lk_engine_free(engine);
}

static const struct {
    const char *function;
    void (*attempts[6])(void);
} doors[] = {
    {"lk_exit_code", {words_are_tried}},
    {"lk_version", {words_are_tried}},
    {"lk_engine_options_init", {engine_open_is_tried}},
    {"lk_engine_options_free", {engine_options_are_tried}},
    {"lk_engine_open", {engine_open_is_tried, engine_options_are_tried, paths_are_tried}},
    {"lk_engine_free", {engine_free_is_tried}},
    {"lk_engine_expect", {one_of_several_is_tried}},
    {"lk_engine_run",
     {run_is_tried, a_cancelled_run_is_tried, a_preview_is_tried, a_consent_that_ends_is_tried,
      a_late_bar_is_tried, photos_are_tried}},
    {"lk_result_free", {words_are_tried}},
    {"lk_result_count", {words_are_tried}},
    {"lk_result_report", {words_are_tried}},
    {"lk_result_note", {words_are_tried}},
    {"lk_result_remark", {words_are_tried}},
    {"lk_result_save", {save_is_tried, engine_free_is_tried}},
    {"lk_result_encode", {encode_is_tried, one_of_several_is_tried, a_full_mirror_is_tried}},
    {"lk_request_init", {json_is_tried}},
    {"lk_request_free", {json_is_tried}},
    {"lk_request_from_json", {json_is_tried}},
    {"lk_request_to_json", {json_is_tried}},
};

/* ---- the headers ---- */

static void find_attempt(const char *name, size_t n, bool found[LK_ARRAY_LENGTH(doors)])
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(doors); i++) {
        if (strlen(doors[i].function) == n && !strncmp(doors[i].function, name, n)) {
            found[i] = true;
            return;
        }
    }
    fail_msg("%.*s is public, and nobody has tried to get a picture through it: add an attempt",
             (int)n, name);
}

/* LK_API … name( */
static void read_header(const char *path, bool found[LK_ARRAY_LENGTH(doors)])
{
    struct lk_error err;
    struct lk_file file;
    assert_ok(lk_file_map(path, &file, &err), &err);
    char *text = strndup((const char *)file.bytes, file.size);
    lk_file_unmap(&file);
    for (const char *at = text; (at = strstr(at, "\nLK_API ")); at++) {
        const char *end = strchr(at, '('), *begin = end;
        assert_non_null(end);
        while (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", begin[-1]))
            begin--;
        find_attempt(begin, (size_t)(end - begin), found);
    }
    free(text);
}

static int is_header(const struct dirent *entry)
{
    return strstr(entry->d_name, ".h") != NULL;
}

static void every_public_function_has_an_attempt(void **state)
{
    (void)state;
    bool found[LK_ARRAY_LENGTH(doors)] = {false};
    struct dirent **list;
    char *folder = test_format("%s/include/likeness", getenv("LIKENESS_SOURCE"));
    int n = scandir(folder, &list, is_header, alphasort);
    assert_true(n >= 4);
    for (int i = 0; i < n; i++) {
        char *path = test_format("%s/%s", folder, list[i]->d_name);
        read_header(path, found);
        free(path);
        free(list[i]);
    }
    free(list);
    free(folder);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(doors); i++) {
        if (!found[i])
            fail_msg("%s is public no more", doors[i].function);
    }
}

/* Each attempt once, whichever functions it is for. */
static void no_door_lets_a_picture_out(void **state)
{
    (void)state;
    void (*done[64])(void);
    size_t n = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(doors); i++) {
        for (size_t k = 0; k < LK_ARRAY_LENGTH(doors[i].attempts) && doors[i].attempts[k]; k++) {
            size_t before = 0;
            while (before < n && done[before] != doors[i].attempts[k])
                before++;
            if (before < n)
                continue;
            done[n++] = doors[i].attempts[k];
            doors[i].attempts[k]();
            assert_int_equal(count_files(), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_public_function_has_an_attempt),
        cmocka_unit_test(no_door_lets_a_picture_out),
    };
    return cmocka_run_group_tests(tests, prepare_house, leave_house);
}
