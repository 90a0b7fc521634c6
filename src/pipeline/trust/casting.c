// SPDX-License-Identifier: Apache-2.0
/* Photos become people of the cast.
 *
 *     quality = score · min(1, side / 112) · cos yaw · cos pitch     side: the face's, in pixels
 *
 * The crop that is kept is aligned as FFHQ, 256 pixels wide: what swappers that want pixels are
 * trained on. Vectors are of that crop, not of the photo, so that one that is computed again from
 * the crop is the same. */
#include "pipeline/trust/casting.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "cast/consent.h"
#include "cast/face_model.h"
#include "data/align.h"
#include "ledger/ledger.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/record.h"

static const char BORN[] = "a generated picture";

enum { MOST_PHOTOS = LK_FACE_MODEL_PHOTOS };

static int crop_face(const struct lk_picture *picture,
                     const struct lk_face *face,
                     struct lk_cast_photo *out,
                     struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    int rc = lk_align_face((const float(*)[2])face->points, LK_ALIGN_FFHQ_512, LK_CAST_CROP,
                           &to_crop, err);
    rc = rc ? rc : lk_affine_crop(picture, &to_crop, LK_CAST_CROP, LK_CAST_CROP, &crop, err);
    rc = rc ? rc : lk_picture_convert(crop, LK_PIXEL_U8, &out->crop, err);
    lk_picture_free(crop);
    for (int i = 0; i < 5; i++)
        lk_affine_apply(&to_crop, face->points[i], out->points[i]);
    return rc;
}

static int take_face(lk_engine *engine,
                     const struct lk_picture *picture,
                     const struct lk_face *face,
                     struct lk_cast_photo *out,
                     struct lk_error *err)
{
    const struct lk_cast_embedder embedder = lk__cast_embedder(engine);
    int rc = crop_face(picture, face, out, err);
    out->quality = lk_face_quality(face);
    return rc ? rc
              : embedder.embed(embedder.user, out->crop, (const float(*)[2])out->points,
                               &out->embedding, err);
}

/* The face of a photo file; the models are open. */
static int read_photo(lk_engine *engine,
                      const struct lk_request *request,
                      const char *path,
                      const struct lk_watch *watch,
                      struct lk_cast_photo *out,
                      struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    struct lk_face *faces = NULL;
    struct lk_sha256 sha;
    size_t n = 0;
    int rc = lk_picture_read(path, &picture, err);
    rc = rc ? rc : lk__engine_faces(engine, request, picture, watch, &faces, &n, err);
    if (!rc) {
        const struct lk_face *face = lk_identity_face(faces, n);
        rc = face ? take_face(engine, picture, face, out, err) : lk_identity_no_face(path, err);
    }
    rc = rc ? rc : lk_sha256_file(path, &sha, err);
    if (!rc)
        memcpy(out->sha256, sha.hex, sizeof out->sha256);
    free(faces);
    lk_picture_free(picture);
    return rc;
}

/* Nobody becomes usable again under another name. */
static int check_bars(lk_engine *engine,
                      lk_cast *cast,
                      const char *name,
                      const struct lk_embedding *face,
                      struct lk_error *err)
{
    const struct lk_cast_embedder embedder = lk__cast_embedder(engine);
    struct lk_cast_match match;
    size_t n;
    int rc = lk_cast_match(cast, &embedder, face, engine->same_person, true, &match, 1, &n, err);
    if (rc || !n || !strcmp(match.member.name, name))
        return rc;
    return lk_fail(err, LK_E_REFUSED, "'%s' would have the face of '%s', who is barred", name,
                   match.member.name);
}

static int open_models(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    int rc = lk__engine_detector(engine, request, err);
    return rc ? rc : lk__engine_embedder(engine, request, err);
}

static int add_photos(lk_engine *engine,
                      const struct lk_request *request,
                      lk_cast *cast,
                      const struct lk_cast_entry *entry,
                      char *const *paths,
                      size_t n,
                      const struct lk_watch *watch,
                      struct lk_error *err)
{
    if (n > MOST_PHOTOS)
        return lk_fail(err, LK_E_INPUT, "%zu photos are given, at most %d are taken at once", n,
                       MOST_PHOTOS);
    struct lk_cast_photo *photos = calloc(n, sizeof *photos);
    int rc = photos ? open_models(engine, request, err)
                    : lk_fail_memory(err, "the photos", n * sizeof *photos);
    for (size_t i = 0; i < n && !rc; i++) {
        rc = read_photo(engine, request, paths[i], watch, &photos[i], err);
        rc = rc ? rc : check_bars(engine, cast, entry->name, &photos[i].embedding, err);
    }
    struct lk_cast_entry measured = *entry;
    measured.same_person = engine->same_person;
    rc = rc ? rc : lk_cast_add(cast, &measured, photos, n, err);
    lk_cast_photos_free(photos, n);
    return rc;
}

int lk_casting_add(lk_engine *engine,
                   const struct lk_request *request,
                   lk_cast *cast,
                   const char *name,
                   char *const *photos,
                   size_t n,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const struct lk_cast_entry entry = {.name = name, .origin = "photos"};
    struct lk_cast_member member;
    int rc = lk_cast_check_name(name, err);
    if (!rc && !lk_cast_find(cast, name, &member, NULL) && !strcmp(member.origin, BORN))
        rc =
            lk_fail(err, LK_E_REFUSED,
                    "'%s' was born from a picture, and stands for nobody: photos of real people do "
                    "not belong to them",
                    name);
    return rc ? rc : add_photos(engine, request, cast, &entry, photos, n, watch, err);
}

/* What the rows of a picture say. */
struct birth {
    int64_t row;
    bool pure; /* drawn from noise, every face its own */
};

static bool is_pure(const json_t *made)
{
    const json_t *request = json_object_get(made, "request"),
                 *faces = json_object_get(made, "faces");
    const char *task = json_string_value(json_object_get(request, "task"));
    size_t i;
    json_t *face;
    if (!task || (strcmp(task, "portrait") && strcmp(task, "draw")) ||
        json_array_size(json_object_get(request, "people")) ||
        json_array_size(json_object_get(request, "controls")) ||
        json_array_size(json_object_get(request, "ip_adapters")) || !json_is_array(faces))
        return false;
    json_array_foreach((json_t *)faces, i, face)
    {
        const char *fate = json_string_value(json_object_get(face, "fate"));
        if (!fate || (!strcmp(fate, "changed") && !json_is_true(json_object_get(face, "own"))))
            return false;
    }
    return true;
}

static int read_row(void *user, const struct lk_ledger_row *row, struct lk_error *err)
{
    struct birth *birth = user;
    json_t *body = json_loads(row->body, 0, NULL);
    const json_t *said = json_object_get(body, "personal");
    (void)err;
    /* --init is a text, so its value is personal; that there was one stays in the chain. */
    birth->pure &= is_pure(json_object_get(body, "made")) && !json_object_get(said, "init");
    birth->row = row->sequence;
    json_decref(body);
    return 0;
}

static int refuse_birth(const char *picture, const char *why, struct lk_error *err)
{
    return lk_fail(err, LK_E_REFUSED,
                   "'%s' is no picture that a virtual person can be born from: %s; add real people "
                   "by likeness cast add, with their consent",
                   picture, why);
}

enum { MOST_ROWS = 64 }; /* of one picture */

static int read_rows(lk_ledger *ledger,
                     const struct lk_ledger_picture *sought,
                     const char *picture,
                     struct birth *birth,
                     struct lk_error *err)
{
    struct lk_ledger_match matches[MOST_ROWS];
    size_t n;
    int rc = lk_ledger_trace(ledger, sought, matches, MOST_ROWS, &n, err);
    if (rc)
        return rc;
    if (!n || matches[0].by == LK_LEDGER_BY_LOOK)
        return refuse_birth(picture, "the audit ledger has no row of it", err);
    *birth = (struct birth){.pure = n < MOST_ROWS};
    for (size_t i = 0; i < n && !rc; i++)
        rc = lk_ledger_each(ledger, matches[i].sequence, matches[i].sequence, read_row, birth, err);
    if (!rc && !birth->pure)
        rc = refuse_birth(picture, "another person's face or picture went into it", err);
    return rc;
}

/* The rows of the picture's bytes, else of its hidden mark. A look-alike proves nothing. */
static int check_birth(lk_engine *engine,
                       const char *picture,
                       struct birth *out,
                       struct lk_error *err)
{
    struct lk_watermark mark;
    struct lk_ledger_picture sought = {.phash = 0};
    char id[LK_WATERMARK_ID_SIZE];
    lk_ledger *ledger = NULL;
    int rc = lk_engine_read_mark(engine, picture, &mark, err);
    rc = rc ? rc : lk_sha256_file(picture, &sought.sha256, err);
    if (rc)
        return rc;
    lk_watermark_print(mark.id, id);
    sought.watermark = mark.found ? id : NULL;
    rc = lk__ledger_of_options(&engine->options, LK_LEDGER_READ, &ledger, err);
    if (rc == LK_E_MISSING)
        rc = refuse_birth(picture, "there is no audit ledger", err);
    rc = rc ? rc : read_rows(ledger, &sought, picture, out, err);
    lk_ledger_close(ledger);
    return rc;
}

int lk_casting_new(lk_engine *engine,
                   const struct lk_request *request,
                   lk_cast *cast,
                   const char *name,
                   const char *picture,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    struct birth birth;
    const struct lk_cast_entry entry = {.name = name, .origin = BORN, .must_be_new = true};
    char *const paths[] = {(char *)picture};
    char evidence[128];
    int rc = lk_cast_check_name(name, err);
    rc = rc ? rc : check_birth(engine, picture, &birth, err);
    rc = rc ? rc : add_photos(engine, request, cast, &entry, paths, 1, watch, err);
    if (rc)
        return rc;
    struct lk_consent_terms terms = {
        .uses = lk_consent_all_uses(), .until = "9999-12-31", .evidence = evidence};
    snprintf(evidence, sizeof evidence, "drawn by likeness: row %lld of the audit ledger",
             (long long)birth.row);
    rc = lk_consent_grant(cast, name, &terms, time(NULL), err);
    if (rc)
        lk_cast_remove(cast, name, NULL);
    return rc;
}

int lk_casting_export(lk_engine *engine,
                      const struct lk_request *request,
                      lk_cast *cast,
                      const char *name,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err)
{
    struct lk_cast_member member;
    struct lk_identity identity;
    struct lk_cast_photo *photos = NULL;
    size_t n = 0;
    int rc = lk_cast_find(cast, name, &member, err);
    rc = rc ? rc : lk__engine_embedder(engine, request, err);
    if (rc)
        return rc;
    const struct lk_cast_embedder embedder = lk__cast_embedder(engine);
    rc = lk_cast_identity(cast, &member, &embedder, &identity, err);
    rc = rc ? rc : lk_cast_photos(cast, &member, embedder.sha256, &photos, &n, err);
    rc = rc ? rc : lk_face_model_write(photos, n, &identity.embedding, bytes, size, err);
    lk_cast_photos_free(photos, n);
    return rc;
}

/* What ReActor's face models are made with. */
static const char REACTORS_EMBEDDER[] = "w600k-r50";

/* Opens the embedder that the model is for. */
static int open_embedder(lk_engine *engine,
                         const struct lk_request *request,
                         const char *path,
                         const struct lk_face_model *model,
                         struct lk_error *err)
{
    struct lk_request with = *request;
    const bool is_foreign = !*model->embedding.embedder;
    if (is_foreign && !with.embedder)
        with.embedder = (char *)REACTORS_EMBEDDER;
    int rc = lk__engine_embedder(engine, &with, err);
    if (rc && is_foreign)
        return lk_fail_context(
            err, rc, "'%s' does not say which embedder made it (ReActor: w600k_r50.onnx)", path);
    return rc;
}

/* The vectors of the file's crops are computed anew: nobody's face comes in under another's
 * vector. */
static int embed_crops(lk_engine *engine, struct lk_face_model *model, struct lk_error *err)
{
    const struct lk_cast_embedder embedder = lk__cast_embedder(engine);
    int rc = 0;
    for (size_t i = 0; i < model->n && !rc; i++)
        rc = embedder.embed(embedder.user, model->photos[i].crop,
                            (const float(*)[2])model->photos[i].points, &model->photos[i].embedding,
                            err);
    return rc;
}

/* A vector without a crop must be of the embedder that is open. */
static int check_vector(const lk_engine *engine,
                        const char *path,
                        struct lk_embedding *vector,
                        struct lk_error *err)
{
    const char *sha256 = lk_embedder_sha256(engine->embedder);
    if (vector->size == lk_embedder_size(engine->embedder) &&
        (!*vector->embedder || !strcmp(vector->embedder, sha256))) {
        memcpy(vector->embedder, sha256, sizeof vector->embedder);
        return 0;
    }
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is a vector of another embedder, without photos: name that one by "
                   "--embedder",
                   path);
}

static int add_model(lk_engine *engine,
                     lk_cast *cast,
                     const char *name,
                     const struct lk_face_model *model,
                     struct lk_error *err)
{
    const struct lk_cast_entry entry = {.name = name,
                                        .origin = "a face model",
                                        .must_be_new = true,
                                        .same_person = engine->same_person};
    const struct lk_cast_photo alone = {.quality = 1, .embedding = model->embedding};
    const struct lk_cast_photo *photos = model->n ? model->photos : &alone;
    const size_t n = model->n ? model->n : 1;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = check_bars(engine, cast, name, &photos[i].embedding, err);
    return rc ? rc : lk_cast_add(cast, &entry, photos, n, err);
}

int lk_casting_import(lk_engine *engine,
                      const struct lk_request *request,
                      lk_cast *cast,
                      const char *name,
                      const char *path,
                      struct lk_error *err)
{
    struct lk_face_model model = {0};
    int rc = lk_cast_check_name(name, err);
    rc = rc ? rc : lk_face_model_read(path, &model, err);
    rc = rc ? rc : open_embedder(engine, request, path, &model, err);
    if (!rc)
        rc = model.n ? embed_crops(engine, &model, err)
                     : check_vector(engine, path, &model.embedding, err);
    rc = rc ? rc : add_model(engine, cast, name, &model, err);
    lk_face_model_free(&model);
    return rc;
}

int lk_casting_look_alikes(lk_engine *engine,
                           const struct lk_request *request,
                           lk_cast *cast,
                           const char *name,
                           struct lk_cast_match *out,
                           size_t room,
                           size_t *n,
                           struct lk_error *err)
{
    struct lk_cast_member member;
    struct lk_identity identity;
    size_t kept = 0;
    *n = 0;
    int rc = lk_cast_find(cast, name, &member, err);
    rc = rc ? rc : lk__engine_embedder(engine, request, err);
    if (rc)
        return rc;
    const struct lk_cast_embedder embedder = lk__cast_embedder(engine);
    rc = lk_cast_identity(cast, &member, &embedder, &identity, err);
    rc = rc ? rc
            : lk_cast_match(cast, &embedder, &identity.embedding, engine->same_person, false, out,
                            room, n, err);
    for (size_t i = 0; !rc && i < *n; i++) {
        if (out[i].member.id != member.id)
            out[kept++] = out[i];
    }
    *n = kept;
    return rc;
}
