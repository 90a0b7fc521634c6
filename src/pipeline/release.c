// SPDX-License-Identifier: Apache-2.0
/* The only way out. A picture becomes bytes here and nowhere else, so that what protects people
 * cannot be skipped by any door: command line, C, later HTTP and queue.
 *
 *   1. consent of everyone whose face is in it   trust/people.c, before anything is computed
 *   2. forensics and policy judge the picture    trust/policy.c; what they refuse is not encoded
 *   3. the marks in the pixels                   trust/marks.c: no other picture is encoded
 *   4. what the picture says of itself           `parameters` text and XMP: below
 *   5. encoding                                  4 and 5 while other pictures are worked on, where
 *                                                the format is known (lk_engine_expect)
 *   6. the operator's C2PA signature, if any     trust/provenance.c
 *   7. consent once more, as it may have been taken back meanwhile
 *   8. the audit ledger                          trust/record.c; no row, no bytes. Each encoding
 *                                                is a release, and has a row of its own
 *
 * Previews (drawing/preview.c) are seen before all that: an eighth of the size, hatched, labelled.
 *
 * Exactness is measured before this file, on lk_result. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/phash.h"
#include "pipeline/drawing/drawn_text.h"
#include "pipeline/drawing/loras.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/policy.h"
#include "pipeline/trust/provenance.h"
#include "pipeline/trust/record.h"
#include "stages/mark/parameters.h"
#include "stages/mark/xmp.h"

#ifndef LK_VERSION
#error "LK_VERSION comes from meson.build"
#endif

const char *lk_version(void)
{
    return LK_VERSION;
}

/* Whose faces are in it, for the `parameters` text: "ada.jpg, bo.jpg", who stands beside themselves
 * (a sheet of alternatives) once; malloc'd or NULL. */
static char *names_of_faces(const struct lk__picture_report *picture)
{
    size_t size = picture->n_faces * (sizeof picture->faces->identity + 2) + 1, used = 0;
    char *names = calloc(size, 1);
    const char *last = "";
    for (size_t i = 0; names && i < picture->n_faces; i++) {
        const struct lk__face_report *face = &picture->faces[i];
        if (face->fate != LK__FACE_CHANGED || (face->manner && !strcmp(face->identity, last)))
            continue;
        last = face->identity;
        used +=
            (size_t)snprintf(names + used, size - used, "%s%s", used ? ", " : "", face->identity);
    }
    return names;
}

static int parameters_of(const lk_result *result,
                         const struct lk__picture_report *picture,
                         char **out,
                         struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    char *faces = names_of_faces(picture), *prompt = lk__loras_prompt(result);
    char *loras = lk__loras_hashes(result);
    char seed[24], strength[24];
    struct lk__drawn_text drawn = {0};
    struct lk_parameter more[LK_ARRAY_LENGTH(drawn.fields) + 6];
    size_t n_more = 0;
    struct lk_parameters p;
    int rc = picture->from_photo ? 0 : lk__drawn_text(request, &drawn, err);
    for (size_t i = 0; i < drawn.n; i++)
        more[n_more++] = drawn.fields[i];
    lk_parameters_init(&p);
    p.prompt = prompt;
    p.negative = request->negative;
    if (!picture->from_photo) {
        p.steps = request->steps;
        p.sampler = request->sampler;
        p.schedule = request->schedule;
        p.guidance = request->guidance;
        p.seed = picture->seed;
        p.model = result->model;
        p.model_hash = result->hash;
        if (picture->variation_seed >= 0) {
            snprintf(seed, sizeof seed, "%lld", (long long)picture->variation_seed);
            snprintf(strength, sizeof strength, "%g", request->variation_strength);
            more[n_more++] = (struct lk_parameter){"Variation seed", seed};
            more[n_more++] = (struct lk_parameter){"Variation seed strength", strength};
        }
    }
    if (!picture->from_photo && request->sigmas)
        more[n_more++] = (struct lk_parameter){"Sigmas", request->sigmas};
    if (loras)
        more[n_more++] = (struct lk_parameter){"Lora hashes", loras};
    more[n_more++] = (struct lk_parameter){"Version", "likeness " LK_VERSION};
    if (faces && *faces)
        more[n_more++] = (struct lk_parameter){"Faces", faces};
    p.width = picture->picture->width;
    p.height = picture->picture->height;
    p.more = more;
    p.n_more = n_more;
    if (!rc)
        rc = faces && prompt ? lk_parameters_write(&p, out, err)
                             : lk_fail_memory(err, "the picture's text", 0);
    free(drawn.memory);
    free(faces);
    free(prompt);
    free(loras);
    return rc;
}

/* The implicit label of GB 45438-2025: made by AI, by whom, under which number. What a platform
 * that spreads the picture adds is left empty. malloc'd. */
static int aigc_of(const lk_result *result,
                   const struct lk__picture_report *picture,
                   char **out,
                   struct lk_error *err)
{
    char id[LK_WATERMARK_ID_SIZE] = "";
    if (picture->has_mark)
        lk_watermark_print(picture->mark, id);
    json_t *label = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Label", "1", "ContentProducer",
                              result->producer, "ProduceID", id, "ReservedCode1", "",
                              "ContentPropagator", "", "PropagateID", "", "ReservedCode2", "");
    *out = label ? json_dumps(label, JSON_COMPACT) : NULL;
    json_decref(label);
    return *out ? 0
                : lk_fail(err, LK_E_INPUT,
                          "the producer '%s' is not UTF-8: give another by --producer",
                          result->producer);
}

int lk__release_preview(const lk_result *result,
                        const struct lk_picture *marked,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err)
{
    static const struct lk__picture_report nothing = {0}; /* it has no id */
    struct lk_xmp xmp = {
        .source = result->init || result->picture ? LK_SOURCE_COMPOSITE : LK_SOURCE_GENERATED,
        .version = LK_VERSION,
        .model = *result->model ? result->model : NULL,
    };
    char *aigc = NULL, *packet = NULL;
    int rc = aigc_of(result, &nothing, &aigc, err);
    xmp.aigc = aigc;
    rc = rc ? rc : lk_xmp_write(&xmp, &packet, err);
    const struct lk_picture_text text = {.xmp = packet};
    rc = rc ? rc : lk_picture_encode(marked, LK_FORMAT_PNG, &text, bytes, size, err);
    free(aigc);
    free(packet);
    return rc;
}

static int format_of_name(const char *name, enum lk_format *out, struct lk_error *err)
{
    for (int format = LK_FORMAT_PNG; format <= LK_FORMAT_TIFF; format++) {
        if (!strcmp(name, lk_format_name((enum lk_format)format))) {
            *out = (enum lk_format)format;
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT, "format '%s' is none of png, jpeg, webp, tiff", name);
}

int lk_engine_expect(lk_engine *engine, const char *format, struct lk_error *err)
{
    int rc = format ? format_of_name(format, &engine->expected, err) : 0;
    engine->expects = format && !rc;
    return rc;
}

/* The row of a picture that is about to leave as these bytes. Its look is that of the pixels that
 * were encoded; reading the file again gave the same of all photos tried (docs/audit.md). */
static int record(const lk_result *result,
                  size_t i,
                  const char *format,
                  const void *bytes,
                  size_t size,
                  struct lk_error *err)
{
    const struct lk__picture_report *picture = &result->pictures[i];
    struct lk_ledger_picture leaving = {
        .format = format, .width = picture->marked->width, .height = picture->marked->height};
    char mark[LK_WATERMARK_ID_SIZE];
    lk_watermark_print(picture->mark, mark);
    leaving.watermark = picture->has_mark ? mark : NULL;
    lk_sha256_bytes(bytes, size, &leaving.sha256);
    const int rc = lk_phash(picture->marked, &leaving.phash, err);
    return rc ? rc : lk__record_add(result, i, &leaving, err);
}

/* Steps 4 and 5. *bytes is malloc'd. */
static int encode(const lk_result *result,
                  const struct lk__picture_report *picture,
                  enum lk_format format,
                  void **bytes,
                  size_t *size,
                  struct lk_error *err)
{
    struct lk_xmp xmp = {
        .source = picture->keeps_photo ? LK_SOURCE_COMPOSITE : LK_SOURCE_GENERATED,
        .version = LK_VERSION,
        .model = *result->model ? result->model : NULL,
        .prompt = result->request.prompt,
    };
    char *parameters = NULL, *aigc = NULL, *packet = NULL;
    int rc = parameters_of(result, picture, &parameters, err);
    rc = rc ? rc : aigc_of(result, picture, &aigc, err);
    xmp.aigc = aigc;
    rc = rc ? rc : lk_xmp_write(&xmp, &packet, err);
    const struct lk_picture_text text = {.parameters = parameters, .xmp = packet};
    rc = rc ? rc : lk_picture_encode(picture->marked, format, &text, bytes, size, err);
    free(parameters);
    free(aigc);
    free(packet);
    return rc;
}

int lk__release_prepare(lk_engine *engine, lk_result *result, size_t i, struct lk_error *err)
{
    struct lk__picture_report *picture = &result->pictures[i];
    if (!engine->expects || *picture->refused)
        return 0;
    int rc = lk__engine_label(engine, result, err);
    picture->encoded.format = engine->expected;
    /* What cannot be encoded so is said when it is to leave; it may leave in another format. */
    if (!rc)
        encode(result, picture, engine->expected, &picture->encoded.bytes, &picture->encoded.size,
               NULL);
    return rc;
}

/* A copy of what was prepared, or the same made now. */
static int take_encoding(const lk_result *result,
                         const struct lk__picture_report *picture,
                         enum lk_format format,
                         void **bytes,
                         size_t *size,
                         struct lk_error *err)
{
    if (!picture->encoded.bytes || picture->encoded.format != format)
        return encode(result, picture, format, bytes, size, err);
    void *copy = malloc(picture->encoded.size);
    if (!copy)
        return lk_fail_memory(err, "a picture", picture->encoded.size);
    *bytes = memcpy(copy, picture->encoded.bytes, picture->encoded.size);
    *size = picture->encoded.size;
    return 0;
}

int lk_result_encode(const lk_result *result,
                     size_t i,
                     const char *format,
                     void **bytes,
                     size_t *size,
                     struct lk_error *err)
{
    if (i >= result->count)
        return lk_fail(err, LK_E_INPUT, "picture %zu of %zu is asked for", i, result->count);
    const struct lk__picture_report *picture = &result->pictures[i];
    void *encoded = NULL;
    size_t n = 0;
    enum lk_format kind = LK_FORMAT_PNG;
    int rc = lk__policy_release(picture, err);
    rc = rc ? rc : format_of_name(format, &kind, err);
    rc = rc ? rc : take_encoding(result, picture, kind, &encoded, &n, err);
    rc = rc ? rc : lk__provenance_sign(result, i, format, &encoded, &n, err);
    rc = rc ? rc : lk__people_release(result, err);
    rc = rc ? rc : record(result, i, format, encoded, n, err);
    if (rc) {
        free(encoded);
        return rc;
    }
    *bytes = encoded;
    *size = n;
    return 0;
}
