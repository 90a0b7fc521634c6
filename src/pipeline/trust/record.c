// SPDX-License-Identifier: Apache-2.0
/* A result as a row of the audit ledger, in two halves:
 *
 *     made      task, numbers and choices of the option table, seed, models, verdict of each face:
 *               stays for ever, so no text of the user's is in it
 *     personal  every text: prompt, paths, whose faces; and the hashes of photos: can be erased
 *
 * Which option is which follows from its type, so a new row of the table needs nothing here. */
#include "pipeline/trust/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/places.h"
#include "pipeline/options.h"
#include "pipeline/trust/policy.h"

void lk__record_free(struct lk__record *record)
{
    free(record->ledger);
    free(record->mirror);
    json_decref(record->models);
    json_decref(record->sources);
}

static int ledger_path(const struct lk_engine_options *options,
                       enum lk_ledger_access mode,
                       char **out,
                       struct lk_error *err)
{
    const char *own = options->audit;
    if (!own)
        return lk_places_state("audit.db", mode == LK_LEDGER_WRITE, out, err);
    *out = strdup(own);
    return *out ? 0 : lk_fail_memory(err, own, strlen(own));
}

int lk__ledger_of_options(const struct lk_engine_options *options,
                          enum lk_ledger_access mode,
                          lk_ledger **out,
                          struct lk_error *err)
{
    char *path = NULL;
    int rc = ledger_path(options, mode, &path, err);
    rc = rc ? rc : lk_ledger_open(path, mode, out, err);
    free(path);
    return rc;
}

int lk__record_try(lk_engine *engine, struct lk_error *err)
{
    lk_ledger *ledger = NULL;
    for (int role = 0; role < LK_ROLE_COUNT; role++)
        engine->uses[role].used = false;
    lk__controls_begin(&engine->controls);
    lk__adapters_begin(&engine->adapters);
    int rc = lk__ledger_of_options(&engine->options, LK_LEDGER_WRITE, &ledger, err);
    rc = rc ? rc : lk_ledger_try(ledger, engine->options.audit_mirror, err);
    lk_ledger_close(ledger);
    return rc;
}

static json_t *json_of_models(const lk_engine *engine, const lk_result *result)
{
    json_t *models = json_array(), *lora;
    size_t i;
    for (int role = 0; role < LK_ROLE_COUNT; role++) {
        const struct lk__model_use *use = &engine->uses[role];
        if (use->used)
            json_array_append_new(models, json_pack("{s:s,s:s,s:s}", "role",
                                                    lk_role_name((enum lk_role)role), "name",
                                                    use->name, "sha256", use->sha256.hex));
    }
    json_array_foreach(result->loras, i, lora)
    {
        json_array_append_new(
            models,
            json_pack(
                "{s:s,s:O,s:O,s:o,s:o}", "role", lk_role_name(LK_ROLE_LORA), "name",
                json_object_get(lora, "name"), "sha256", json_object_get(lora, "sha256"), "weight",
                lk__json_of_number(json_real_value(json_object_get(lora, "weight"))), "text_weight",
                lk__json_of_number(json_real_value(json_object_get(lora, "text_weight")))));
    }
    lk__controls_record(&engine->controls, models);
    lk__adapters_record(&engine->adapters, models);
    return models;
}

/* NULL: no such file went in. */
static int add_source(json_t *sources, const char *name, const char *path, struct lk_error *err)
{
    struct lk_sha256 sha;
    int rc = path ? lk_sha256_file(path, &sha, err) : 0;
    if (path && !rc)
        json_object_set_new(sources, name, json_string(sha.hex));
    return rc;
}

static int hash_sources(const lk_result *result, json_t *sources, struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    int rc = add_source(sources, "picture.sha256", request->picture, err);
    rc = rc ? rc : add_source(sources, "init.sha256", request->init, err);
    rc = rc ? rc : add_source(sources, "mask.sha256", request->mask, err);
    for (int i = 0; i < request->n_controls && !rc; i++) {
        char name[48];
        snprintf(name, sizeof name, "controls[%d].sha256", i);
        rc = add_source(sources, name, request->controls[i].picture, err);
    }
    for (int i = 0; i < request->n_images && !rc; i++) {
        char name[48];
        snprintf(name, sizeof name, "ip_adapters[%d].sha256", i);
        rc = add_source(sources, name, request->images[i].picture, err);
    }
    for (int i = 0; i < request->n_people && !rc; i++) {
        char name[48];
        snprintf(name, sizeof name, "people[%d].sha256", i);
        if (!result->consents[i].by_name)
            rc = add_source(sources, name, request->people[i].photo, err);
        for (int k = 0; k < LK_PHOTOS_MAX && !rc; k++) {
            snprintf(name, sizeof name, "people[%d].more[%d].sha256", i, k);
            rc = add_source(sources, name, request->people[i].more[k], err);
        }
    }
    return rc;
}

int lk__record_begin(const lk_engine *engine, lk_result *result, struct lk_error *err)
{
    struct lk__record *record = &result->record;
    const char *mirror = engine->options.audit_mirror;
    record->models = json_of_models(engine, result);
    record->sources = json_object();
    record->mirror = mirror ? strdup(mirror) : NULL;
    if (!record->models || !record->sources || (mirror && !record->mirror))
        return lk_fail_memory(err, "the audit's record", 0);
    int rc = ledger_path(&engine->options, LK_LEDGER_WRITE, &record->ledger, err);
    return rc ? rc : hash_sources(result, record->sources, err);
}

/* Takes `key` out of `from`, and puts a text into `to` under `name`. */
static void move_text(json_t *from, const char *key, json_t *to, const char *name)
{
    json_t *value = json_object_get(from, key);
    if (json_is_string(value))
        json_object_set(to, name, value);
    json_object_del(from, key);
}

/* The same of a list of texts: NAME[0], NAME[1] … */
static void move_texts(json_t *from, const char *key, json_t *to, const char *as)
{
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(from, key), i, text)
    {
        char name[80];
        snprintf(name, sizeof name, "%s[%zu]", as, i);
        json_object_set(to, name, text);
    }
    json_object_del(from, key);
}

/* Of each object of a list, such as people, a text or a list of texts is personal: paths of photos.
 */
static void split_list(json_t *options, const char *list, const char *key, json_t *personal)
{
    size_t i;
    json_t *object;
    json_array_foreach(json_object_get(options, list), i, object)
    {
        char name[48];
        snprintf(name, sizeof name, "%s[%zu].%s", list, i, key);
        if (json_is_array(json_object_get(object, key)))
            move_texts(object, key, personal, name);
        else
            move_text(object, key, personal, name);
    }
}

/* The request's JSON form without the user's texts; those go to `personal`. */
static int split_request(const lk_result *result,
                         const struct lk__picture_report *picture,
                         json_t **out,
                         json_t *personal,
                         struct lk_error *err)
{
    char *text;
    size_t n;
    const struct lk_option *rows = lk_options(&n);
    int rc = lk_request_to_json(&result->request, &text, err);
    if (rc)
        return rc;
    json_t *options = json_loads(text, 0, NULL);
    free(text);
    move_text(options, "prompt", personal, "prompt");
    move_text(options, "picture", personal, "picture");
    split_list(options, "people", "photo", personal);
    split_list(options, "people", "more", personal);
    split_list(options, "people", "like", personal);
    split_list(options, "controls", "picture", personal);
    split_list(options, "controls", "model", personal);
    split_list(options, "ip_adapters", "picture", personal);
    split_list(options, "ip_adapters", "model", personal);
    for (size_t i = 0; i < n; i++) {
        char key[48];
        snprintf(key, sizeof key, "%s", rows[i].name);
        for (char *c = key; *c; c++)
            *c = (char)(*c == '-' ? '_' : *c);
        if (rows[i].home == LK_HOME_REQUEST && rows[i].type == LK_OPTION_TEXT)
            move_text(options, key, personal, key);
        if (rows[i].home == LK_HOME_REQUEST && rows[i].type == LK_OPTION_LIST)
            move_texts(options, key, personal, key);
    }
    json_object_del(options, "count");
    if (!picture->from_photo)
        json_object_set_new(options, "seed", json_integer(picture->seed));
    if (!picture->from_photo && picture->variation_seed >= 0)
        json_object_set_new(options, "variation_seed", json_integer(picture->variation_seed));
    *out = options;
    return 0;
}

static void add_text(json_t *to, const char *list, size_t i, const char *what, const char *text)
{
    char name[48];
    snprintf(name, sizeof name, "%s[%zu].%s", list, i, what);
    if (*text)
        json_object_set_new(to, name, json_string(text));
}

/* On what each use of a face stood; who it was, and the record that would tell, are personal. */
static json_t *split_consent(const lk_result *result,
                             const char *list,
                             size_t i,
                             const struct lk__consent *c,
                             json_t *personal)
{
    add_text(personal, list, i, "person", c->person);
    add_text(personal, list, i, "consent", c->record);
    return json_pack("{s:s,s:s}", "state", lk__consent_name(c->state), "use", result->request.use);
}

static json_t *split_consents(const lk_result *result, json_t *personal)
{
    json_t *consents = json_array();
    for (int i = 0; i < result->request.n_people; i++)
        json_array_append_new(
            consents, split_consent(result, "people", (size_t)i, &result->consents[i], personal));
    for (size_t i = 0; i < result->n_shown; i++) {
        json_t *one = split_consent(result, "shown", i, &result->shown[i].consent, personal);
        json_object_set_new(one, result->shown[i].key, json_integer(result->shown[i].of));
        json_array_append_new(consents, one);
    }
    return consents;
}

/* Fate and verdict of each face, but neither where it is nor whose. */
static json_t *split_faces(const struct lk__picture_report *picture, json_t *personal)
{
    static const char *const kept[] = {"fate", "manner", "verdict", "score", "forensic"};
    json_t *faces = json_array();
    for (size_t i = 0; i < picture->n_faces; i++) {
        json_t *report = lk__json_of_face_report(&picture->faces[i]), *face = json_object();
        bool own = !strcmp(picture->faces[i].identity, LK__OWN_IDENTITY);
        char name[48];
        snprintf(name, sizeof name, "faces[%zu].identity", i);
        if (!own)
            move_text(report, "identity", personal, name);
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
            if (json_object_get(report, kept[k]))
                json_object_set(face, kept[k], json_object_get(report, kept[k]));
        json_object_set_new(face, "own", json_boolean(own));
        json_array_append_new(faces, face);
        json_decref(report);
    }
    return faces;
}

static int append(const lk_result *result,
                  const struct lk_ledger_entry *entry,
                  struct lk_error *err)
{
    lk_ledger *ledger = NULL;
    int64_t sequence;
    int rc = lk_ledger_open(result->record.ledger, LK_LEDGER_WRITE, &ledger, err);
    rc = rc ? rc : lk_ledger_append(ledger, entry, result->record.mirror, &sequence, err);
    lk_ledger_close(ledger);
    return rc ? lk_fail_context(err, rc, "no picture leaves without its row in the audit") : 0;
}

int lk__record_add(const lk_result *result,
                   size_t i,
                   const struct lk_ledger_picture *leaving,
                   struct lk_error *err)
{
    const struct lk__picture_report *picture = &result->pictures[i];
    json_t *request = NULL, *personal = json_copy(result->record.sources);
    int rc = personal ? split_request(result, picture, &request, personal, err)
                      : lk_fail_memory(err, "the audit's record", 0);
    if (!rc) {
        json_t *made = json_pack(
            "{s:s,s:o,s:O,s:o,s:o,s:o}", "program", lk_version(), "request", request, "models",
            result->record.models, "consents", split_consents(result, personal), "policy",
            lk__policy_record(result, picture), "faces", split_faces(picture, personal));
        if (made && result->previews)
            json_object_set_new(made, "previews", json_integer(result->previews));
        struct lk_ledger_entry entry = {.picture = *leaving, .made = made, .personal = personal};
        rc = made ? append(result, &entry, err) : lk_fail_memory(err, "the audit's record", 0);
        json_decref(made);
    }
    json_decref(personal);
    return rc;
}
