// SPDX-License-Identifier: Apache-2.0
/* Pictures and faces as prompts, with the starter pack and adapters made for it: whose consent is
 * asked and when, what pictures, report and audit say, and what is refused. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/size.h"
#include "catalog/checkpoint.h"
#include "data/picture.h"
#include "ledger/ledger.h"
#include "pipeline/doors_house.h"
#include "pipeline/drawing/explain.h"
#include "pipeline/trust/casting.h"
#include "support/adapter.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"
#include <likeness/likeness.h>

static const char *plain, *face_id, *face_plus, *nobody; /* nobody: a picture without a face */

static void small(struct lk_request *r)
{
    quick(r);
    r->task = LK_TASK_DRAW;
    r->width = r->height = 128; /* the least that gets a hidden mark */
}

static void ask(struct lk_request *r, const char *picture)
{
    small(r);
    r->images[r->n_images++] = (struct lk_request_image){strdup(plain), strdup(picture), 0.5, 0, 1};
}

static void ask_face(struct lk_request *r, const char *who, const char *consent)
{
    small(r);
    r->face_adapter = test_format("%s:0.7", face_id);
    give_face(r, who, consent);
}

/* But of a face that looks put in: it is another each time, since the photo that it is drawn by
 * bears the hidden mark of a key that is made anew. */
static void check_no_remarks(const json_t *report)
{
    size_t i;
    json_t *remark;
    json_array_foreach(json_object_get(report, "remarks"), i, remark)
    {
        if (!strstr(json_string_value(remark), "has a face that looks put in"))
            fail_msg("remark: %s", json_string_value(remark));
    }
}

static void check_refused(struct lk_request *r, int code, const char *says)
{
    struct lk_error err;
    lk_result *result = NULL;
    lk_engine *engine = open_engine();
    const int64_t rows = count_rows();
    assert_fails(lk_engine_run(engine, r, NULL, &result, &err), &err, code, says);
    assert_null(result);
    assert_int_equal(count_rows(), rows);
    lk_engine_free(engine);
    lk_request_free(r);
}

/* The adapter is not there: who is refused first has been asked before anything was opened. */
static void whoever_shows_their_face_is_asked(void **state)
{
    (void)state;
    static const struct {
        void (*keeper)(void);
        const char *consent;
        int code;
        const char *says;
    } rows[] = {
        {NULL, "recorded", LK_E_REFUSED, "there is no consent of the person in"},
        {NULL, "self", LK_E_MISSING, "nosuch"},
        {add_ada, "recorded", LK_E_MISSING, "nosuch"},
        {revoke_ada, "self", LK_E_REFUSED, "shows 'ada': 'ada' has taken their consent back"},
        {bar_ada, "self", LK_E_REFUSED, "'ada' is barred"},
        {remove_ada, "recorded", LK_E_REFUSED, "there is no consent of the person in"},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_request r;
        if (rows[i].keeper)
            rows[i].keeper();
        ask(&r, drawn);
        replace(&r.images[0].model, "nosuch");
        replace(&r.consent, rows[i].consent);
        check_refused(&r, rows[i].code, rows[i].says);
    }
}

/* A use that ada has not agreed to, whichever way her face comes in. */
static void a_face_in_the_drawing_is_asked_as_in_a_swap(void **state)
{
    (void)state;
    struct lk_request r;
    ask_face(&r, drawn, "recorded");
    check_refused(&r, LK_E_REFUSED, "there is no consent of the person in");
    add_ada();
    revoke_ada();
    ask_face(&r, "ada", "self");
    check_refused(&r, LK_E_REFUSED, "'ada' has taken their consent back");
    ask_face(&r, drawn, "self");
    check_refused(&r, LK_E_REFUSED, "shows 'ada'");
    bar_ada();
    ask_face(&r, drawn, "self");
    check_refused(&r, LK_E_REFUSED, "'ada' is barred");
    remove_ada();
    ask_face(&r, nobody, "self");
    check_refused(&r, LK_E_INPUT, "nobody.png");
}

static void on_step(void *user, const struct lk_watch_event *event)
{
    void (**meanwhile)(void) = user;
    if (strcmp(event->stage, "draw") == 0 && *meanwhile) {
        (*meanwhile)();
        *meanwhile = NULL;
    }
}

/* Consent that is taken back while the picture is drawn holds it. */
static void what_changes_meanwhile_counts(void **state)
{
    (void)state;
    static const struct {
        bool by_picture;
        void (*meanwhile)(void);
        const char *says;
    } rows[] = {
        {false, revoke_ada, "taken their consent back"},
        {true, revoke_ada, "taken their consent back"},
        {true, bar_ada, "is barred"},
        {true, bar_eve, "'eve' is barred"}, /* the same face under another name */
        {false, remove_ada, "was removed"},
    };
    lk_engine *engine = open_engine();
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_request r;
        void (*meanwhile)(void) = rows[i].meanwhile;
        const struct lk_watch watch = {on_step, &meanwhile, NULL};
        add_ada();
        if (rows[i].by_picture)
            ask(&r, drawn);
        else
            ask_face(&r, "ada", "recorded");
        lk_result *result = run(engine, &r, &watch);
        assert_null(meanwhile);
        check_held(result, 0, LK_E_REFUSED, rows[i].says);
        lk_result_free(result);
        lk_request_free(&r);
        if (rows[i].meanwhile != remove_ada)
            remove_ada();
        if (rows[i].meanwhile == bar_eve)
            remove_eve();
    }
    lk_engine_free(engine);
}

static json_t *report_of(const lk_result *result)
{
    json_t *report = json_loads(lk_result_report(result), 0, NULL);
    assert_non_null(report);
    return report;
}

static void *draw(lk_engine *engine, struct lk_request *r, size_t *size, json_t **report)
{
    struct lk_error err;
    void *bytes = NULL;
    lk_result *result = run(engine, r, NULL);
    assert_ok(lk_result_encode(result, 0, "png", &bytes, size, &err), &err);
    check_released(engine, bytes, *size);
    *report = report_of(result);
    lk_result_free(result);
    lk_request_free(r);
    return bytes;
}

struct seen {
    char *body;
};

static int keep_row(void *user, const struct lk_ledger_row *row, struct lk_error *err)
{
    struct seen *seen = user;
    (void)err;
    replace(&seen->body, row->body);
    return 0;
}

/* The last row of the audit. */
static json_t *last_row(void)
{
    struct lk_error err;
    struct seen seen = {NULL};
    lk_ledger *ledger;
    const int64_t rows = count_rows();
    assert_ok(lk_ledger_open(audit_path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_each(ledger, rows, rows, keep_row, &seen, &err), &err);
    lk_ledger_close(ledger);
    json_t *body = json_loads(seen.body, 0, NULL);
    assert_non_null(body);
    free(seen.body);
    return body;
}

static bool names_model(const json_t *row, const char *role)
{
    size_t i;
    json_t *model;
    bool found = false;
    json_array_foreach(json_object_get(json_object_get(row, "made"), "models"), i, model)
    {
        found = found || !strcmp(json_string_value(json_object_get(model, "role")), role);
    }
    return found;
}

static char *parameters_of(const void *bytes, size_t size)
{
    struct lk_error err;
    struct lk_picture_found_text text;
    assert_ok(lk_picture_read_text(scratch_write("drawn-with.png", bytes, size), &text, &err),
              &err);
    free(text.xmp);
    return text.parameters;
}

static void check_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text ? text : "nothing");
}

static void report_audit_and_picture_tell_of_it(void **state)
{
    (void)state;
    struct lk_request r;
    lk_engine *engine = open_engine();
    size_t size;
    json_t *report;
    ask(&r, drawn);
    replace(&r.consent, "self");
    void *bytes = draw(engine, &r, &size, &report);
    json_t *consent = json_array_get(json_object_get(report, "consents"), 0);
    assert_string_equal(json_string_value(json_object_get(consent, "state")), "declared");
    assert_int_equal(json_integer_value(json_object_get(consent, "ip_adapter")), 0);
    char *parameters = parameters_of(bytes, size);
    check_says(parameters, "ControlNet 0: \"Module: ip-adapter-auto, Model: plain, Weight: 0.5, ");
    json_t *row = last_row();
    assert_true(names_model(row, "ip-adapter") && names_model(row, "image-encoder"));
    json_t *said = json_object_get(json_object_get(row, "made"), "request");
    json_t *image = json_array_get(json_object_get(said, "ip_adapters"), 0);
    assert_non_null(image);
    assert_null(json_object_get(image, "picture"));
    assert_null(json_object_get(image, "model"));
    json_decref(row);
    json_decref(report);
    free(parameters);
    free(bytes);
    lk_engine_free(engine);
}

/* Nobody is born from a picture that another one went into. */
static void nobody_is_born_of_it(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_request r;
    lk_engine *engine = open_engine();
    lk_cast *cast;
    size_t size;
    json_t *report;
    ask(&r, nobody);
    void *bytes = draw(engine, &r, &size, &report);
    const char *path = scratch_write("born.png", bytes, size);
    assert_ok(lk_cast_open(scratch_path("born.db"), LK_CAST_WRITE, NULL, &cast, &err), &err);
    quick(&r);
    assert_fails(lk_casting_new(engine, &r, cast, "eve", path, NULL, &err), &err, LK_E_REFUSED,
                 "another person's face or picture went into it");
    lk_request_free(&r);
    lk_cast_close(cast);
    json_decref(report);
    free(bytes);
    lk_engine_free(engine);
}

/* One engine: with a face, with a picture, with neither; the last is as if nothing had been. */
static void adapters_come_and_go_in_one_engine(void **state)
{
    (void)state;
    lk_engine *engine = open_engine();
    struct lk_request r;
    size_t size[4];
    json_t *report[4];
    void *bytes[4];
    small(&r);
    bytes[0] = draw(engine, &r, &size[0], &report[0]);
    ask_face(&r, drawn, "self");
    bytes[1] = draw(engine, &r, &size[1], &report[1]);
    json_t *lora = json_array_get(json_object_get(report[1], "loras"), 0);
    assert_true(json_is_true(json_object_get(lora, "in_adapter")));
    assert_int_equal(json_integer_value(json_object_get(lora, "keys")) -
                         json_integer_value(json_object_get(lora, "unused_keys")),
                     2);
    check_no_remarks(report[1]);
    char *parameters = parameters_of(bytes[1], size[1]);
    check_says(parameters, "Module: ip-adapter_face_id");
    assert_null(strstr(parameters, "Lora hashes"));
    ask(&r, nobody);
    bytes[2] = draw(engine, &r, &size[2], &report[2]);
    assert_int_equal(json_array_size(json_object_get(report[2], "consents")), 0);
    small(&r);
    bytes[3] = draw(engine, &r, &size[3], &report[3]);
    assert_int_equal(size[0], size[3]);
    assert_memory_equal(bytes[0], bytes[3], size[0]);
    assert_true(size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]));
    assert_true(size[1] != size[2] || memcmp(bytes[1], bytes[2], size[1]));
    for (int i = 0; i < 4; i++) {
        json_decref(report[i]);
        free(bytes[i]);
    }
    free(parameters);
    lk_engine_free(engine);
}

/* The encoder beside it sees the face of the photo, or the one that the cast has kept. */
static void a_face_id_plus_looks_at_the_face(void **state)
{
    (void)state;
    lk_engine *engine = open_engine();
    struct lk_request r;
    void *bytes[2];
    size_t size[2];
    add_ada();
    for (int i = 0; i < 2; i++) {
        json_t *report;
        ask_face(&r, "ada", "recorded");
        if (i)
            replace(&r.face_adapter, face_plus);
        bytes[i] = draw(engine, &r, &size[i], &report);
        json_decref(report);
        json_t *row = last_row();
        assert_true(names_model(row, "ip-adapter"));
        assert_int_equal(names_model(row, "image-encoder"), i);
        json_decref(row);
    }
    assert_true(size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]));
    remove_ada();
    free(bytes[0]);
    free(bytes[1]);
    lk_engine_free(engine);
}

/* In a portrait the face goes into the drawing, and is swapped in afterwards. */
static void a_portrait_takes_both_ways(void **state)
{
    (void)state;
    struct lk_request r;
    size_t size;
    json_t *report;
    lk_engine *engine = open_engine();
    ask_face(&r, drawn, "self");
    r.task = LK_TASK_PORTRAIT;
    free(draw(engine, &r, &size, &report));
    assert_int_equal(json_array_size(json_object_get(report, "consents")), 1);
    json_decref(report);
    lk_engine_free(engine);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct lk_request r;
    ask_face(&r, drawn, "self");
    give_face(&r, drawn, "self");
    check_refused(&r, LK_E_INPUT, "--face-adapter draws one person, and 2 are named");
    small(&r);
    r.face_adapter = strdup(face_id);
    check_refused(&r, LK_E_INPUT, "--face-adapter draws one person, and 0 are named");
    small(&r);
    give_face(&r, drawn, "self");
    check_refused(&r, LK_E_INPUT, "draw gives nobody's face to a drawing without --face-adapter");
    ask_face(&r, drawn, "self");
    replace(&r.face_adapter, plain);
    check_refused(&r, LK_E_INPUT, "is an IP-Adapter, which reads pictures");
    ask(&r, nobody);
    replace(&r.images[0].model, face_id);
    check_refused(&r, LK_E_INPUT, "is a FaceID, which reads faces and no pictures");
    ask(&r, nobody);
    r.image_encoder = strdup("nosuch");
    check_refused(&r, LK_E_MISSING, "nosuch");
    ask(&r, nobody);
    r.images[0].start = 1;
    check_refused(&r, LK_E_INPUT, "--ip-adapter: from 1 to 1 of the steps");
    ask(&r, "nosuch.png");
    check_refused(&r, LK_E_INPUT, "nosuch.png");
}

/* The encoder lies beside the adapter; where it does not, it is asked for. */
static void a_missing_encoder_is_asked_for(void **state)
{
    (void)state;
    struct lk_request r;
    const char *alone = scratch_path("alone");
    char *moved = test_format("%s/plain.safetensors", alone);
    test_make_dir(alone);
    assert_int_equal(rename(plain, moved), 0);
    ask(&r, nobody);
    replace(&r.images[0].model, moved);
    check_refused(&r, LK_E_MISSING,
                  "needs CLIP's image encoder, and no image_encoder/ is beside it");
    assert_int_equal(rename(moved, plain), 0);
    free(moved);
}

static void explain_names_them(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_request r;
    json_t *explanation;
    char *text;
    ask(&r, nobody);
    r.steps = 10;
    r.images[0].end = 0.5;
    assert_ok(lk_explain(&r, &explanation, &err), &err);
    const json_t *image = json_array_get(json_object_get(explanation, "images"), 0);
    assert_int_equal(json_integer_value(json_object_get(image, "to")), 5);
    assert_ok(lk_explain_text(explanation, &text, &err), &err);
    json_decref(explanation);
    check_says(text, "plain: IP-Adapter for another family, 4 tokens of ");
    check_says(text, "weight 0.5, steps 1 to 5");
    free(text);
    lk_request_free(&r);
}

static int prepare(void **state)
{
    struct lk_error err;
    lk_checkpoint *checkpoint;
    struct lk_picture *grey;
    void *bytes;
    size_t size;
    if (prepare_house(state))
        return 1;
    char *path = test_format("%s/starter/pack/sd", getenv("LIKENESS_SOURCE"));
    assert_ok(lk_checkpoint_open(path, NULL, &checkpoint, &err), &err);
    plain = scratch_path("plain.safetensors");
    face_id = scratch_path("face_id.safetensors");
    nobody = scratch_path("nobody.png");
    face_plus = scratch_path("face-plusv2.safetensors");
    test_adapter_write(plain, checkpoint, TEST_PLAIN_ADAPTER);
    test_adapter_write(face_id, checkpoint, TEST_FACE_ID);
    test_adapter_write(face_plus, checkpoint, TEST_FACE_ID_PLUS);
    test_vision_write(scratch_path("image_encoder"));
    lk_checkpoint_free(checkpoint);
    free(path);
    assert_ok(lk_picture_new(200, 100, 3, LK_PIXEL_U8, &grey, &err), &err);
    memset(grey->u8, 90, (size_t)200 * 100 * 3);
    assert_ok(lk_picture_encode(grey, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    test_write_file(nobody, bytes, size);
    free(bytes);
    lk_picture_free(grey);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_shows_their_face_is_asked),
        cmocka_unit_test(a_face_in_the_drawing_is_asked_as_in_a_swap),
        cmocka_unit_test(what_changes_meanwhile_counts),
        cmocka_unit_test(report_audit_and_picture_tell_of_it),
        cmocka_unit_test(nobody_is_born_of_it),
        cmocka_unit_test(adapters_come_and_go_in_one_engine),
        cmocka_unit_test(a_face_id_plus_looks_at_the_face),
        cmocka_unit_test(a_portrait_takes_both_ways),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_missing_encoder_is_asked_for),
        cmocka_unit_test(explain_names_them),
    };
    return cmocka_run_group_tests(tests, prepare, leave_house);
}
