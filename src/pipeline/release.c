// SPDX-License-Identifier: Apache-2.0
/* The only way out. A picture becomes bytes here and nowhere else, so that what protects people
 * cannot be skipped by any door: command line, C, later HTTP and queue.
 *
 *   1. forensics and policy judge the picture      lk__policy_pictures, when it is done; what they
 *                                                  refuse is not encoded
 *   2. consent of everyone whose face is in it     (issue 5: src/cast/)
 *   3. the visible and the hidden mark             lk__result_mark chooses, encode_marked writes
 *   4. what the picture says of itself             `parameters` text and XMP: below
 *   5. encoding
 *   6. the audit ledger                            record.c; no row, no bytes. Each encoding is a
 *                                                  release, and has a row of its own
 *
 * Exactness is measured before this file, on lk_result. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/phash.h"
#include "pipeline/policy.h"
#include "pipeline/record.h"
#include "stages/mark/parameters.h"
#include "stages/mark/watermark.h"
#include "stages/mark/xmp.h"

#ifndef LK_VERSION
#error "LK_VERSION comes from meson.build"
#endif

const char *lk_version(void)
{
    return LK_VERSION;
}

/* A keyed hash of the pixels: nobody else can tell it from a random number, and the same request
 * gives the same file. */
static uint64_t id_of(const struct lk_picture *picture, const struct lk_key *key)
{
    size_t n = (size_t)picture->width * (size_t)picture->height * (size_t)picture->channels;
    size_t size = picture->type == LK_PIXEL_F32 ? sizeof(float) : sizeof(uint8_t);
    uint8_t hash[16];
    uint64_t id;
    lk_key_hash(key, picture->u8, n * size, hash, sizeof hash);
    memcpy(&id, hash, sizeof id);
    return id;
}

/* A picture that already is ours keeps its mark. What was drawn from noise has none; a picture that
 * somebody brings may be one of ours at another size. */
static int choose_mark(const struct lk_result *result,
                       struct lk__picture_report *picture,
                       struct lk_error *err)
{
    bool brought = picture->from_photo || result->request.init;
    struct lk_watermark before = {0};
    if (brought) {
        int rc =
            lk_watermark_read(picture->picture, &result->key, LK_WATERMARK_RESIZED, &before, err);
        if (rc)
            return rc;
    }
    const struct lk_picture *p = picture->picture;
    picture->is_chained = before.found;
    picture->has_mark =
        before.found || (p->width >= LK_WATERMARK_SIDE && p->height >= LK_WATERMARK_SIDE);
    picture->mark = before.found ? before.id : id_of(p, &result->key);
    return 0;
}

int lk__check_visible_mark(const struct lk_request *request, struct lk_error *err)
{
    struct lk_picture *empty = NULL, *stamped = NULL;
    if (!request->visible_mark)
        return 0;
    int rc = lk_picture_new(256, 256, 3, LK_PIXEL_U8, &empty, err);
    rc = rc ? rc : lk_picture_stamp(empty, request->visible_mark, &stamped, err);
    lk_picture_free(empty);
    lk_picture_free(stamped);
    return rc;
}

int lk__result_mark(lk_result *result, const struct lk_key *key, struct lk_error *err)
{
    int rc = 0;
    result->key = *key;
    for (size_t i = 0; !rc && i < result->count; i++) {
        struct lk__picture_report *picture = &result->pictures[i];
        rc = choose_mark(result, picture, err);
        if (!rc && !picture->has_mark)
            lk__result_remark(result,
                              "a picture of %dx%d pixels is too small for the hidden mark, which "
                              "needs %d on each side",
                              picture->picture->width, picture->picture->height, LK_WATERMARK_SIDE);
    }
    return rc;
}

/* Whose faces are in it, for the `parameters` text: "ada.jpg, bo.jpg"; malloc'd or NULL. */
static char *names_of_faces(const struct lk__picture_report *picture)
{
    size_t size = picture->n_faces * (sizeof picture->faces->identity + 2) + 1, used = 0;
    char *names = calloc(size, 1);
    for (size_t i = 0; names && i < picture->n_faces; i++) {
        const struct lk__face_report *face = &picture->faces[i];
        if (face->fate != LK__FACE_CHANGED)
            continue;
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
    char *faces = names_of_faces(picture);
    if (!faces)
        return lk_fail_memory(err, "the picture's text", 0);
    struct lk_parameter more[] = {{"Version", "likeness " LK_VERSION}, {"Faces", faces}};
    struct lk_parameters p;
    lk_parameters_init(&p);
    p.prompt = request->prompt;
    p.negative = request->negative;
    if (!picture->from_photo) {
        p.steps = request->steps;
        p.sampler = request->sampler;
        p.schedule = request->schedule;
        p.guidance = request->guidance;
        p.seed = picture->seed;
        p.model = result->model;
        p.model_hash = result->hash;
    }
    p.width = picture->picture->width;
    p.height = picture->picture->height;
    p.more = more;
    p.n_more = *faces ? 2 : 1;
    int rc = lk_parameters_write(&p, out, err);
    free(faces);
    return rc;
}

static int format_of_name(const char *name, enum lk_format *out, struct lk_error *err)
{
    static const char *const names[] = {[LK_FORMAT_PNG] = "png",
                                        [LK_FORMAT_JPEG] = "jpeg",
                                        [LK_FORMAT_WEBP] = "webp",
                                        [LK_FORMAT_TIFF] = "tiff"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(names); i++) {
        if (!strcmp(name, names[i])) {
            *out = (enum lk_format)i;
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT, "format '%s' is none of png, jpeg, webp, tiff", name);
}

/* The picture as it is, or with what shall be seen in its corner; a new reference. */
static int with_visible_mark(const struct lk_result *result,
                             const struct lk__picture_report *picture,
                             struct lk_picture **out,
                             struct lk_error *err)
{
    if (result->request.visible_mark)
        return lk_picture_stamp(picture->picture, result->request.visible_mark, out, err);
    *out = lk_picture_ref(picture->picture);
    return 0;
}

static int with_other_mark(const struct lk_result *result,
                           const struct lk__picture_report *picture,
                           struct lk_picture **shown,
                           struct lk_error *err)
{
    struct lk_picture *marked;
    const char *method = result->request.watermark_method;
    if (!method || strcmp(method, "dwt-dct") != 0)
        return 0;
    int rc = lk_watermark_embed_dwt_dct(*shown, picture->mark, &marked, err);
    if (rc)
        return rc;
    lk_picture_free(*shown);
    *shown = marked;
    return 0;
}

/* The picture with its marks, encoded. */
static int encode_marked(const struct lk_result *result,
                         const struct lk__picture_report *picture,
                         enum lk_format format,
                         const struct lk_picture_text *text,
                         void **bytes,
                         size_t *size,
                         struct lk_error *err)
{
    struct lk_picture *shown = NULL, *marked = NULL;
    int rc = with_visible_mark(result, picture, &shown, err);
    rc = rc ? rc : with_other_mark(result, picture, &shown, err);
    if (!rc && picture->has_mark && !picture->is_chained)
        rc = lk_watermark_embed(shown, &result->key, picture->mark, &marked, err);
    rc = rc ? rc : lk_picture_encode(marked ? marked : shown, format, text, bytes, size, err);
    lk_picture_free(shown);
    lk_picture_free(marked);
    return rc;
}

/* The row of a picture that is about to leave as these bytes: they are read again, so that its look
 * is that of what others will see. */
static int record(const lk_result *result,
                  size_t i,
                  const char *format,
                  const void *bytes,
                  size_t size,
                  struct lk_error *err)
{
    struct lk_picture *seen;
    int rc = lk_picture_read_bytes(bytes, size, "to be released", &seen, err);
    if (rc)
        return rc;
    struct lk_ledger_picture leaving = {
        .format = format, .width = seen->width, .height = seen->height};
    char mark[17];
    snprintf(mark, sizeof mark, "%016" PRIx64, result->pictures[i].mark);
    leaving.watermark = result->pictures[i].has_mark ? mark : NULL;
    lk_sha256_bytes(bytes, size, &leaving.sha256);
    rc = lk_phash(seen, &leaving.phash, err);
    lk_picture_free(seen);
    return rc ? rc : lk__record_add(result, i, &leaving, err);
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
    int rc = lk__policy_release(picture, err);
    if (rc)
        return rc;
    struct lk_xmp xmp = {
        .source = picture->from_photo ? LK_SOURCE_COMPOSITE : LK_SOURCE_GENERATED,
        .version = LK_VERSION,
        .model = *result->model ? result->model : NULL,
        .prompt = result->request.prompt,
    };
    char *parameters = NULL, *packet = NULL;
    void *encoded = NULL;
    size_t n = 0;
    enum lk_format kind = LK_FORMAT_PNG;
    rc = format_of_name(format, &kind, err);
    rc = rc ? rc : parameters_of(result, picture, &parameters, err);
    rc = rc ? rc : lk_xmp_write(&xmp, &packet, err);
    struct lk_picture_text text = {.parameters = parameters, .xmp = packet};
    rc = rc ? rc : encode_marked(result, picture, kind, &text, &encoded, &n, err);
    rc = rc ? rc : record(result, i, format, encoded, n, err);
    free(parameters);
    free(packet);
    if (rc) {
        free(encoded);
        return rc;
    }
    *bytes = encoded;
    *size = n;
    return 0;
}
