// SPDX-License-Identifier: Apache-2.0
/* From the library's report of a picture (JSON) to the few things that are shown.
 *
 * The report holds what strangers have written: strings of any length and content. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"
#include "stages/mark/c2pa/internal.h"
#include "stages/mark/text.h"

static const char *const state_names[] = {
    [LK_C2PA_UNREAD] = "unread", [LK_C2PA_NONE] = "none",       [LK_C2PA_INVALID] = "invalid",
    [LK_C2PA_VALID] = "valid",   [LK_C2PA_TRUSTED] = "trusted",
};

/* The library's words. */
static const char *const validation_states[] = {
    [LK_C2PA_INVALID] = "Invalid", [LK_C2PA_VALID] = "Valid", [LK_C2PA_TRUSTED] = "Trusted"};

const char *lk_c2pa_state_name(enum lk_c2pa_state state)
{
    return (size_t)state < LK_ARRAY_LENGTH(state_names) ? state_names[state] : "unread";
}

/* out [room]: text (NULL is empty) up to where a whole character no longer fits. Control
 * characters, which a terminal would obey, and what is no UTF-8 become spaces. */
static void take(const char *text, char *out, size_t room)
{
    size_t left = text ? strlen(text) : 0, n = 0;
    while (left) {
        int length;
        long code = lk__utf8_at(text, left, &length);
        if (n + (size_t)length >= room)
            break;
        if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            out[n++] = ' ';
        } else {
            memcpy(out + n, text, (size_t)length);
            n += (size_t)length;
        }
        text += length;
        left -= (size_t)length;
    }
    out[n] = 0;
}

static void take_member(const json_t *object, const char *name, char *out, size_t room)
{
    take(json_string_value(json_object_get(object, name)), out, room);
}

/* Claims of version 2 name programs in a list, of version 1 in a line. */
static void take_generator(const json_t *manifest, struct lk_c2pa_found *out)
{
    const json_t *first = json_array_get(json_object_get(manifest, "claim_generator_info"), 0);
    char version[40];
    take_member(first, "name", out->generator, sizeof out->generator - sizeof version);
    if (!*out->generator) {
        take_member(manifest, "claim_generator", out->generator, sizeof out->generator);
        return;
    }
    size_t n = strlen(out->generator);
    take_member(first, "version", version, sizeof version);
    if (*version) {
        out->generator[n] = ' ';
        memcpy(out->generator + n + 1, version, strlen(version) + 1);
    }
}

static void take_source(const json_t *action, struct lk_c2pa_found *out)
{
    char source[sizeof *out->sources];
    take_member(action, "digitalSourceType", source, sizeof source);
    for (size_t i = 0; i < out->n_sources; i++) {
        if (!strcmp(out->sources[i], source))
            return;
    }
    if (*source && out->n_sources < LK_C2PA_SOURCES)
        memcpy(out->sources[out->n_sources++], source, sizeof source);
}

/* Assertions "c2pa.actions", "c2pa.actions.v2", and further ones with "__1". */
static void take_sources(const json_t *manifest, struct lk_c2pa_found *out)
{
    static const char actions_label[] = "c2pa.actions";
    size_t i, j;
    const json_t *assertion, *action;
    json_array_foreach(json_object_get(manifest, "assertions"), i, assertion)
    {
        const char *label = json_string_value(json_object_get(assertion, "label"));
        if (!label || strncmp(label, actions_label, sizeof actions_label - 1))
            continue;
        const json_t *data = json_object_get(assertion, "data");
        json_array_foreach(json_object_get(data, "actions"), j, action) take_source(action, out);
    }
}

/* Statuses of the manifest and of what it was made of, failures only. */
static void take_codes(const json_t *report, struct lk_c2pa_found *out)
{
    static const char mismatch[] = "Hash.mismatch"; /* assertion.dataHash.…, boxesHash, bmffHash */
    size_t i;
    const json_t *status;
    json_array_foreach(json_object_get(report, "validation_status"), i, status)
    {
        char code[sizeof *out->codes];
        take_member(status, "code", code, sizeof code);
        size_t n = strlen(code);
        if (n >= sizeof mismatch - 1 && !strcmp(code + n + 1 - sizeof mismatch, mismatch))
            out->is_changed = true;
        if (*code && out->n_codes < LK_C2PA_CODES)
            memcpy(out->codes[out->n_codes++], code, sizeof code);
    }
}

static void take_report(const json_t *report, struct lk_c2pa_found *out)
{
    const json_t *manifests = json_object_get(report, "manifests");
    const char *active = json_string_value(json_object_get(report, "active_manifest"));
    const char *validated = json_string_value(json_object_get(report, "validation_state"));
    const json_t *manifest = active ? json_object_get(manifests, active) : NULL;
    const json_t *signature = json_object_get(manifest, "signature_info");
    out->state = LK_C2PA_INVALID; /* also for a word of a later library */
    for (size_t i = LK_C2PA_INVALID; validated && i < LK_ARRAY_LENGTH(validation_states); i++) {
        if (!strcmp(validated, validation_states[i]))
            out->state = (enum lk_c2pa_state)i;
    }
    out->manifests = json_object_size(manifests);
    take_generator(manifest, out);
    take_member(manifest, "title", out->title, sizeof out->title);
    take_member(signature, "issuer", out->issuer, sizeof out->issuer);
    take_member(signature, "common_name", out->signer, sizeof out->signer);
    take_member(signature, "time", out->time, sizeof out->time);
    take_sources(manifest, out);
    take_codes(report, out);
}

/* The library reads no manifest: mostly because there is none. */
static void take_error(const struct lk__c2pa_api *api, struct lk_c2pa_found *out)
{
    static const char none[] = "ManifestNotFound";
    char *text = api->error();
    if (text && !strncmp(text, none, sizeof none - 1))
        out->state = LK_C2PA_NONE;
    else
        take(text && *text ? text : "the C2PA library does not say why", out->why, sizeof out->why);
    api->free(text);
}

static char *report_of(const lk_c2pa *c2pa,
                       struct lk__c2pa_memory *memory,
                       struct lk_c2pa_found *found)
{
    const struct lk__c2pa_api *api = &c2pa->api;
    char *text = NULL;
    lk__c2pa_stream *stream = lk__c2pa_stream_of(api, memory);
    lk__c2pa_reader *reader = stream ? api->reader_new(c2pa->context) : NULL;
    if (reader)
        reader = api->reader_read(reader, "", stream);
    if (reader)
        text = api->reader_json(reader);
    if (!text)
        take_error(api, found);
    api->free(reader);
    api->stream_free(stream);
    return text;
}

void lk_c2pa_read(const lk_c2pa *c2pa, const void *bytes, size_t size, struct lk_c2pa_found *out)
{
    struct lk__c2pa_memory memory = {.bytes = bytes, .size = size};
    *out = (struct lk_c2pa_found){.state = LK_C2PA_UNREAD};
    if (size > LK_C2PA_INPUT_MAX) {
        take("the file is larger than 256 MiB", out->why, sizeof out->why);
        return;
    }
    char *text = report_of(c2pa, &memory, out);
    json_t *report = text ? json_loads(text, 0, NULL) : NULL;
    if (report)
        take_report(report, out);
    else if (text)
        take("the C2PA library's report is no JSON", out->why, sizeof out->why);
    json_decref(report);
    c2pa->api.free(text);
}
