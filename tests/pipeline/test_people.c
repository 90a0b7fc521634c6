// SPDX-License-Identifier: Apache-2.0
/* Consent at the library's own door. The requests name a detector that is not there: whoever gets
 * as far as opening a model is told so, whoever is refused before that is not. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cast/consent.h"
#include "support/check.h"
#include "support/scratch.h"
#include <likeness/likeness.h>

/* Somebody whom no network has seen. */
static void add(lk_cast *cast, const char *name, int dimension)
{
    struct lk_error err;
    const struct lk_cast_entry entry = {.name = name, .origin = "tests", .same_person = 0.5f};
    struct lk_cast_photo photo = {.quality = 1, .embedding = {.size = 128}};
    photo.embedding.value[dimension] = 1;
    snprintf(photo.embedding.embedder, sizeof photo.embedding.embedder, "an embedder");
    assert_ok(lk_cast_add(cast, &entry, &photo, 1, &err), &err);
}

static const char *make_cast(void)
{
    struct lk_error err;
    lk_cast *cast;
    struct lk_consent_terms terms = {.until = "2999-12-31", .evidence = "a letter"};
    const char *path = scratch_path("people.db");
    assert_ok(lk_cast_open(path, LK_CAST_WRITE, NULL, &cast, &err), &err);
    add(cast, "ada", 0);
    add(cast, "bo", 1);
    add(cast, "eve", 2);
    assert_ok(lk_consent_parse_uses("film", &terms.uses, &err), &err);
    assert_ok(lk_consent_grant(cast, "ada", &terms, time(NULL), &err), &err);
    assert_ok(lk_consent_grant(cast, "eve", &terms, time(NULL), &err), &err);
    assert_ok(lk_cast_bar(cast, "eve", true, &err), &err);
    lk_cast_close(cast);
    return path;
}

static lk_engine *engine;

static int open_engine(void **state)
{
    (void)state;
    struct lk_engine_options options;
    struct lk_error err;
    lk_engine_options_init(&options);
    options.cast_file = strdup(make_cast());
    options.audit = strdup(scratch_path("people-audit.db"));
    int rc = lk_engine_open(&options, &engine, &err);
    lk_engine_options_free(&options);
    return rc;
}

static int close_engine(void **state)
{
    (void)state;
    lk_engine_free(engine);
    return 0;
}

static int ask(
    enum lk_task task, const char *who, const char *use, const char *consent, struct lk_error *err)
{
    struct lk_request request;
    lk_result *result = NULL;
    lk_request_init(&request, task);
    request.prompt = strdup("somebody in a library");
    request.picture = strdup("nosuch.png");
    request.detector = strdup("scrfd:/nosuch.onnx");
    request.people[request.n_people++] = (struct lk_person){.photo = strdup(who)};
    free(request.use);
    free(request.consent);
    request.use = strdup(use);
    request.consent = strdup(consent);
    int rc = lk_engine_run(engine, &request, NULL, &result, err);
    lk_request_free(&request);
    lk_result_free(result);
    return rc;
}

static void names_are_settled_before_a_model_is_opened(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *who, *use, *consent;
        int code;
        const char *says;
    } rows[] = {
        {"ada", "film", "recorded", LK_E_MISSING, "/nosuch.onnx"},
        {"ada", "portrait", "recorded", LK_E_REFUSED, "'ada' has agreed to film, not to portrait"},
        {"ada", "portrait", "self", LK_E_REFUSED, "'ada' has agreed to film, not to portrait"},
        {"bo", "film", "recorded", LK_E_REFUSED, "'bo' has given no consent"},
        {"bo", "film", "self", LK_E_MISSING, "/nosuch.onnx"},
        {"eve", "film", "recorded", LK_E_REFUSED, "'eve' is barred"},
        {"eve", "film", "self", LK_E_REFUSED, "'eve' is barred"},
        {"nobody", "film", "self", LK_E_MISSING, "nobody in the cast has that name, and there is no such file"},
        {"./ada", "film", "recorded", LK_E_MISSING, "/nosuch.onnx"}, /* a photo: looked at later */
    };
    // clang-format on
    struct lk_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_fails(ask(LK_TASK_PORTRAIT, rows[i].who, rows[i].use, rows[i].consent, &err), &err,
                     rows[i].code, rows[i].says);
        if (rows[i].code == LK_E_REFUSED)
            assert_fails(ask(LK_TASK_SWAP, rows[i].who, rows[i].use, rows[i].consent, &err), &err,
                         LK_E_REFUSED, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_settled_before_a_model_is_opened)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
