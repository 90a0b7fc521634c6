// SPDX-License-Identifier: Apache-2.0
/* The result's memory, and its report as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"
#include "pipeline/faces/alternatives.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/policy.h"
#include "pipeline/trust/provenance.h"
#include "pipeline/trust/record.h"

static int copy_request(const struct lk_request *from, struct lk_request *to, struct lk_error *err)
{
    char *json;
    int rc = lk_request_to_json(from, &json, err);
    if (rc)
        return rc;
    rc = lk_request_from_json(to, json, strlen(json), "request", err);
    free(json);
    return rc;
}

int lk__result_new(const struct lk_request *request,
                   size_t count,
                   lk_result **out,
                   struct lk_error *err)
{
    lk_result *result = calloc(1, sizeof *result);
    if (!result)
        return lk_fail_memory(err, "a result", sizeof *result);
    int rc = copy_request(request, &result->request, err);
    if (rc) {
        free(result);
        return rc;
    }
    result->pictures = calloc(count, sizeof *result->pictures);
    if (!result->pictures) {
        lk_result_free(result);
        return lk_fail_memory(err, "a result", count * sizeof *result->pictures);
    }
    result->count = count;
    *out = result;
    return 0;
}

int lk__result_read(lk_result *result, struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    int rc = 0;
    if (lk__changes_picture(request))
        rc = lk_picture_read(request->picture, &result->picture, err);
    else if (request->init)
        rc = lk_picture_read(request->init, &result->init, err);
    for (int i = 0; i < request->n_controls && !rc; i++)
        rc = lk_picture_read(request->controls[i].picture, &result->controls[i], err);
    for (int i = 0; i < request->n_images && !rc; i++)
        rc = lk_picture_read(request->images[i].picture, &result->images[i], err);
    return rc;
}

void lk_result_free(lk_result *result)
{
    if (!result)
        return;
    for (size_t i = 0; result->pictures && i < result->count; i++) {
        lk_picture_free(result->pictures[i].picture);
        lk_picture_free(result->pictures[i].marked);
        free(result->pictures[i].encoded.bytes);
        lk__alternatives_forget(&result->pictures[i]);
        free(result->pictures[i].faces);
    }
    free(result->pictures);
    lk_picture_free(result->picture);
    lk_picture_free(result->init);
    for (int i = 0; i < LK_CONTROLS_MAX; i++)
        lk_picture_free(result->controls[i]);
    for (int i = 0; i < LK_IMAGES_MAX; i++)
        lk_picture_free(result->images[i]);
    free(result->shown);
    free(result->report);
    lk__record_free(&result->record);
    free(result->cast.file);
    free(result->cast.passphrase_file);
    lk__provenance_free(&result->provenance);
    json_decref(result->loras);
    json_decref(result->policy);
    lk_request_free(&result->request);
    free(result);
}

void lk__result_remark(lk_result *result, const char *format, ...)
{
    if (result->n_remarks == (int)LK_ARRAY_LENGTH(result->remarks))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(result->remarks[result->n_remarks++], sizeof *result->remarks, format, args);
    va_end(args);
}

void lk__result_note(lk_result *result, const char *format, ...)
{
    if (result->n_notes == (int)LK_ARRAY_LENGTH(result->notes))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(result->notes[result->n_notes++], sizeof *result->notes, format, args);
    va_end(args);
}

const char *lk_result_note(const lk_result *result, size_t i)
{
    return i < (size_t)result->n_notes ? result->notes[i] : NULL;
}

const char *lk_result_remark(const lk_result *result, size_t i)
{
    return i < (size_t)result->n_remarks ? result->remarks[i] : NULL;
}

size_t lk_result_count(const lk_result *result)
{
    return result->count;
}

const char *lk_result_report(const lk_result *result)
{
    return result->report;
}

json_t *lk__json_of_number(double value)
{
    return isfinite(value) ? json_real(round(value * 1e4) / 1e4) : json_null();
}

static json_t *json_of_points(const float (*points)[2], int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("[o,o]", lk__json_of_number((double)points[i][0]),
                                              lk__json_of_number((double)points[i][1])));
    return list;
}

static json_t *json_of_face(const struct lk_face *face)
{
    json_t *points = json_of_points((const float(*)[2])face->points, 5);
    return json_pack("{s:i,s:[o,o,o,o],s:o,s:o,s:o,s:o,s:o}", "index", face->index, "box",
                     lk__json_of_number(face->box[0]), lk__json_of_number(face->box[1]),
                     lk__json_of_number(face->box[2]), lk__json_of_number(face->box[3]), "score",
                     lk__json_of_number(face->score), "points", points, "yaw",
                     lk__json_of_number(face->yaw), "pitch", lk__json_of_number(face->pitch),
                     "roll", lk__json_of_number(face->roll));
}

/* What detect tells beside: the audit keeps none of it. */
static json_t *json_of_seen_face(const struct lk_face *face)
{
    const struct lk_landmarks *l = &face->landmarks;
    json_t *json = json_of_face(face);
    json_object_set_new(json, "quality", lk__json_of_number((double)lk_face_quality(face)));
    if (face->expression) {
        json_object_set_new(json, "expression", json_string(face->expression));
        json_object_set_new(json, "expression_score",
                            lk__json_of_number((double)face->expression_score));
    }
    if (face->gender) {
        json_object_set_new(json, "age", lk__json_of_number((double)face->age));
        json_object_set_new(json, "gender", json_string(face->gender == 'f' ? "woman" : "man"));
    }
    if (l->count) {
        json_object_set_new(json, "landmarks",
                            json_of_points((const float(*)[2])l->point, l->count));
        json_object_set_new(json, "landmark_score", lk__json_of_number((double)l->score));
    }
    return json;
}

json_t *lk__json_of_faces(const struct lk_face *faces, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_of_seen_face(&faces[i]));
    return list;
}

static json_t *json_of_verdict(const struct lk_verdict *v)
{
    const struct {
        const char *name;
        float value;
    } measures[] = {
        {"cosine_before", v->cosine_before},
        {"cosine_after", v->cosine_after},
        {"pose_shift", v->pose_shift},
        {"feature_shift", v->feature_shift},
        {"asymmetry", v->asymmetry},
        {"age_gap", v->age_gap},
        {"seam", v->seam},
        {"sharpness", v->sharpness},
        {"texture", v->texture},
        {"light_shift", v->light_shift},
        {"excess", v->excess},
    };
    json_t *json = json_pack("{s:b,s:s}", "passed", v->passed, "reason", v->reason);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(measures); i++)
        json_object_set_new(json, measures[i].name, lk__json_of_number(measures[i].value));
    return json;
}

json_t *lk__json_of_face_report(const struct lk__face_report *face)
{
    static const char *const fates[] = {[LK__FACE_UNTOUCHED] = "untouched",
                                        [LK__FACE_CHANGED] = "changed",
                                        [LK__FACE_GIVEN_BACK] = "given back"};
    json_t *json = json_of_face(&face->face);
    json_object_set_new(json, "fate", json_string(fates[face->fate]));
    if (face->manner)
        json_object_set_new(json, "manner", json_string(face->manner));
    if (face->has_forensic)
        json_object_set_new(json, "forensic", lk__json_of_number((double)face->forensic));
    if (face->years > 0)
        json_object_set_new(json, "years", lk__json_of_number((double)face->years));
    if (face->fate == LK__FACE_UNTOUCHED)
        return json;
    json_object_set_new(json, "identity", json_string(face->identity));
    json_object_set_new(json, "verdict", json_of_verdict(&face->verdict));
    json_t *tried = json_array();
    for (int i = 0; i < face->n_tried; i++) {
        const struct lk__tried *t = &face->tried[i];
        json_array_append_new(tried, json_pack("{s:s,s:b,s:o}", "manner", t->manner, "taken",
                                               t->taken, "verdict", json_of_verdict(&t->verdict)));
    }
    if (face->n_tried)
        json_object_set_new(json, "tried", tried);
    else
        json_decref(tried);
    return json;
}

static json_t *json_of_mark(const struct lk__picture_report *p)
{
    char id[LK_WATERMARK_ID_SIZE];
    lk_watermark_print(p->mark, id);
    return p->has_mark ? json_pack("{s:s,s:b}", "id", id, "chained", p->is_chained) : json_null();
}

static json_t *json_of_picture(const struct lk__picture_report *p)
{
    json_t *faces = json_array();
    for (size_t i = 0; i < p->n_faces; i++)
        json_array_append_new(faces, lk__json_of_face_report(&p->faces[i]));
    json_t *json = json_pack("{s:i,s:i,s:o,s:o}", "width", p->picture->width, "height",
                             p->picture->height, "faces", faces, "watermark", json_of_mark(p));
    if (p->is_sheet)
        json_object_set_new(json, "alternatives_of", json_integer((json_int_t)p->sheet_of));
    if (!p->from_photo) {
        json_object_set_new(json, "seed", json_integer(p->seed));
        if (p->variation_seed >= 0)
            json_object_set_new(json, "variation_seed", json_integer(p->variation_seed));
        json_object_set_new(json, "draw_seconds", lk__json_of_number(p->draw_seconds));
    }
    if (p->redrawn)
        json_object_set_new(json, "redrawn", json_integer(p->redrawn));
    if (p->has_nsfw)
        json_object_set_new(json, "nsfw", lk__json_of_number((double)p->nsfw));
    if (*p->refused)
        json_object_set_new(json, "refused", json_string(p->refused));
    json_object_set_new(json, "face_seconds", lk__json_of_number(p->face_seconds));
    return json;
}

const char *lk__consent_name(enum lk__consent_state state)
{
    static const char *const names[] = {[LK__CONSENT_UNUSED] = "unused",
                                        [LK__CONSENT_RECORDED] = "recorded",
                                        [LK__CONSENT_DECLARED] = "declared"};
    return names[state];
}

static json_t *json_of_consent(const lk_result *result, const struct lk__consent *c)
{
    json_t *json =
        json_pack("{s:s,s:s}", "state", lk__consent_name(c->state), "use", result->request.use);
    if (*c->person)
        json_object_set_new(json, "person", json_string(c->person));
    if (*c->record)
        json_object_set_new(json, "record", json_string(c->record));
    return json;
}

/* Those of people in their order, then those of faces that were asked by themselves. */
static json_t *json_of_consents(const lk_result *result)
{
    json_t *consents = json_array();
    for (int i = 0; i < result->request.n_people; i++)
        json_array_append_new(consents, json_of_consent(result, &result->consents[i]));
    for (size_t i = 0; i < result->n_shown; i++) {
        json_t *json = json_of_consent(result, &result->shown[i].consent);
        json_object_set_new(json, result->shown[i].key, json_integer(result->shown[i].of));
        json_array_append_new(consents, json);
    }
    return consents;
}

static json_t *json_of_memory(const struct lk_memory *m)
{
    return json_pack("{s:I,s:I,s:I}", "peak", (json_int_t)m->peak, "peak_anonymous",
                     (json_int_t)m->anonymous, "peak_mapped", (json_int_t)m->file);
}

int lk__result_describe(lk_result *result, struct lk_error *err)
{
    char *request_text;
    int rc = lk_request_to_json(&result->request, &request_text, err);
    if (rc)
        return rc;
    json_t *pictures = json_array();
    for (size_t i = 0; i < result->count; i++)
        json_array_append_new(pictures, json_of_picture(&result->pictures[i]));
    json_t *root = json_pack("{s:s,s:o,s:o,s:o}", "likeness", lk_version(), "request",
                             json_loads(request_text, 0, NULL), "consents",
                             json_of_consents(result), "pictures", pictures);
    free(request_text);
    json_t *remarks = json_array();
    for (int i = 0; i < result->n_remarks; i++)
        json_array_append_new(remarks, json_string(result->remarks[i]));
    json_object_set_new(root, "remarks", remarks);
    json_object_set(root, "policy", result->policy);
    if (result->previews)
        json_object_set_new(root, "previews", json_integer(result->previews));
    if (result->start_seconds > 0)
        json_object_set_new(root, "start_seconds", lk__json_of_number(result->start_seconds));
    json_object_set_new(root, "memory", json_of_memory(&result->memory));
    json_object_set_new(root, "seconds", lk__parts_json(&result->parts));
    if (root && *result->model)
        json_object_set_new(root, "model",
                            json_pack("{s:s,s:s}", "name", result->model, "hash", result->hash));
    if (root && json_array_size(result->loras))
        json_object_set(root, "loras", result->loras);
    result->report = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return result->report ? 0 : lk_fail_memory(err, "the report", 0);
}
