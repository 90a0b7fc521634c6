// SPDX-License-Identifier: Apache-2.0
#include "pipeline/doors_house.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"
#include "cast/consent.h"
#include "ledger/ledger.h"
#include "pipeline/result.h"
#include "pipeline/trust/casting.h"
#include "stages/mark/watermark.h"
#include "stages/mark/xmp.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

static const char *cast_path, *out_folder;
const char *audit_path, *drawn;
char *nsfw;

/* ---- the attacker's tools ---- */

lk_engine *open_engine_with(const char *judge, const char *policy)
{
    struct lk_engine_options options;
    struct lk_error err;
    lk_engine *engine;
    lk_engine_options_init(&options);
    options.cast_file = strdup(cast_path);
    options.audit = strdup(audit_path);
    options.nsfw = judge ? strdup(judge) : NULL;
    options.policy = policy ? strdup(policy) : NULL;
    assert_ok(lk_engine_open(&options, &engine, &err), &err);
    lk_engine_options_free(&options);
    return engine;
}

lk_engine *open_engine(void)
{
    return open_engine_with(NULL, NULL);
}

lk_engine *open_engine_of(int threads)
{
    struct lk_engine_options options;
    struct lk_error err;
    lk_engine *engine;
    lk_engine_options_init(&options);
    options.audit = strdup(audit_path);
    options.threads = threads;
    assert_ok(lk_engine_open(&options, &engine, &err), &err);
    lk_engine_options_free(&options);
    return engine;
}

char *replace(char **member, const char *text)
{
    free(*member);
    return *member = text ? strdup(text) : NULL;
}

void quick(struct lk_request *request)
{
    lk_request_init(request, LK_TASK_PORTRAIT);
    request->prompt = strdup("a young woman with red hair");
    request->steps = 2;
    request->seed = 101;
}

void give_face(struct lk_request *request, const char *who, const char *consent)
{
    request->people[request->n_people++].photo = strdup(who);
    replace(&request->consent, consent);
}

/* ---- the keeper ---- */

static lk_cast *open_cast(void)
{
    struct lk_error err;
    lk_cast *cast;
    assert_ok(lk_cast_open(cast_path, LK_CAST_WRITE, NULL, &cast, &err), &err);
    return cast;
}

static void add(const char *name)
{
    struct lk_error err;
    struct lk_request request;
    lk_engine *engine = open_engine();
    lk_cast *cast = open_cast();
    quick(&request);
    assert_ok(
        lk_casting_add(engine, &request, cast, name, (char *[]){(char *)drawn}, 1, NULL, &err),
        &err);
    lk_request_free(&request);
    lk_cast_close(cast);
    lk_engine_free(engine);
}

static void remove_person(const char *name)
{
    struct lk_error err;
    lk_cast *cast = open_cast();
    lk_cast_bar(cast, name, false, NULL);
    assert_ok(lk_cast_remove(cast, name, &err), &err);
    lk_cast_close(cast);
}

static void bar(const char *name)
{
    struct lk_error err;
    lk_cast *cast = open_cast();
    assert_ok(lk_cast_bar(cast, name, true, &err), &err);
    lk_cast_close(cast);
}

void add_ada(void)
{
    struct lk_error err;
    const struct lk_consent_terms terms = {
        .uses = lk_consent_all_uses(), .until = "2999-12-31", .evidence = "a letter"};
    add("ada");
    lk_cast *cast = open_cast();
    assert_ok(lk_consent_grant(cast, "ada", &terms, time(NULL), &err), &err);
    lk_cast_close(cast);
}

void remove_ada(void)
{
    remove_person("ada");
}

void bar_eve(void)
{
    add("eve");
    bar("eve");
}

void remove_eve(void)
{
    remove_person("eve");
}

void revoke_ada(void)
{
    struct lk_error err;
    int n;
    lk_cast *cast = open_cast();
    assert_ok(lk_consent_revoke(cast, "ada", &n, &err), &err);
    assert_int_equal(n, 1);
    lk_cast_close(cast);
}

void bar_ada(void)
{
    bar("ada");
}

void forget_mean(lk_result *result)
{
    struct lk_embedding *mean = &result->consents[0].face;
    for (int i = 0; i < mean->size; i++)
        mean->value[i] = -mean->value[i];
}

/* ---- what left ---- */

int64_t count_rows(void)
{
    struct lk_error err;
    struct lk_ledger_state state = {0};
    lk_ledger *ledger;
    if (access(audit_path, F_OK))
        return 0;
    assert_ok(lk_ledger_open(audit_path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_verify(ledger, NULL, &state, &err), &err);
    lk_ledger_close(ledger);
    return state.rows;
}

char *output_path(const char *name)
{
    return test_format("%s/%s", out_folder, name);
}

int count_files(void)
{
    struct dirent **list;
    int n = scandir(out_folder, &list, NULL, alphasort);
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
    return n - 2;
}

void check_released(lk_engine *engine, const void *bytes, size_t size)
{
    struct lk_error err;
    struct lk_watermark mark;
    struct lk_picture_found_text text = {0};
    struct lk_xmp_found xmp;
    struct lk_ledger_picture sought = {.phash = 0};
    struct lk_ledger_match match;
    size_t n;
    lk_ledger *ledger;
    const char *path = scratch_write("released", bytes, size);
    assert_ok(lk_engine_read_mark(engine, path, &mark, &err), &err);
    assert_true(mark.found);
    assert_ok(lk_picture_read_text(path, &text, &err), &err);
    assert_non_null(text.xmp);
    lk_xmp_read(text.xmp, strlen(text.xmp), &xmp);
    assert_int_not_equal(xmp.source, LK_SOURCE_UNKNOWN);
    free(text.parameters);
    free(text.xmp);
    lk_sha256_bytes(bytes, size, &sought.sha256);
    assert_ok(lk_ledger_open(audit_path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_trace(ledger, &sought, &match, 1, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(match.by, LK_LEDGER_BY_BYTES);
    lk_ledger_close(ledger);
}

const char *const formats[PICTURE_FORMATS] = {"png", "jpeg", "webp", "tiff"};
static const char *const endings[] = {"png", "jpg", "webp", "tif"};

void check_preview(const void *bytes, size_t size)
{
    static const char label[] = "trainedAlgorithmicMedia", aigc[] = "TC260:AIGC";
    struct lk_picture *seen;
    struct lk_error err;
    assert_non_null(memmem(bytes, size, label, strlen(label)));
    assert_non_null(memmem(bytes, size, aigc, strlen(aigc)));
    assert_ok(lk_picture_read_bytes(bytes, size, "preview", &seen, &err), &err);
    assert_true(seen->width < LK_WATERMARK_SIDE && seen->height < LK_WATERMARK_SIDE);
    for (int k = 0; k + 1 < seen->width; k += 8) /* light, then dark */
        assert_true(seen->u8[3 * k] >= 153 && seen->u8[3 * k + 3] <= 102);
    lk_picture_free(seen);
}

void check_held(const lk_result *result, size_t i, int code, const char *says)
{
    struct lk_error err;
    int64_t rows = count_rows();
    for (size_t f = 0; f < PICTURE_FORMATS; f++) {
        void *bytes = NULL;
        size_t size = 0;
        char *path = test_format("%s/held.%s", out_folder, endings[f]);
        assert_fails(lk_result_encode(result, i, formats[f], &bytes, &size, &err), &err, code,
                     says);
        assert_null(bytes);
        assert_fails(lk_result_save(result, i, path, &err), &err, code, says);
        free(path);
    }
    assert_int_equal(count_files(), 0);
    assert_int_equal(count_rows(), rows);
}

lk_result *run(lk_engine *engine, const struct lk_request *request, const struct lk_watch *watch)
{
    struct lk_error err;
    lk_result *result = NULL;
    assert_ok(lk_engine_run(engine, request, watch, &result, &err), &err);
    return result;
}

static void write_red(const char *path)
{
    struct lk_error err;
    struct lk_picture *red;
    void *bytes;
    size_t size;
    assert_ok(lk_picture_new(256, 256, 3, LK_PIXEL_U8, &red, &err), &err);
    for (size_t i = 0; i < (size_t)256 * 256; i++) {
        red->u8[3 * i] = 250;
        red->u8[3 * i + 1] = red->u8[3 * i + 2] = 20;
    }
    assert_ok(lk_picture_encode(red, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    test_write_file(path, bytes, size);
    free(bytes);
    lk_picture_free(red);
}

/* A picture of a person, drawn in another house: it is nobody of this cast. */
int prepare_house(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_request request;
    char *models = test_format("%s/starter/pack", getenv("LIKENESS_SOURCE"));
    signal(SIGXFSZ, SIG_IGN);
    setenv("LIKENESS_MODELS", models, 1);
    setenv("LIKENESS_STATE", scratch_path("state"), 1);
    free(models);
    nsfw = test_format("vit-nsfw:%s/tests/golden/judge_vit_nsfw.onnx", getenv("LIKENESS_SOURCE"));
    cast_path = scratch_path("cast.db");
    audit_path = scratch_path("elsewhere.db");
    out_folder = scratch_path("out");
    drawn = scratch_path("drawn.png");
    test_make_dir(out_folder);
    write_red(scratch_path("red.png"));
    lk_cast_close(open_cast());
    lk_engine *engine = open_engine();
    quick(&request);
    request.steps = 8;
    lk_result *result = run(engine, &request, NULL);
    int rc = lk_result_save(result, 0, drawn, &err);
    lk_result_free(result);
    lk_request_free(&request);
    lk_engine_free(engine);
    audit_path = scratch_path("audit.db");
    return rc;
}

int leave_house(void **state)
{
    (void)state;
    free(nsfw);
    return 0;
}
