// SPDX-License-Identifier: Apache-2.0
/* Photos, and people of the cast, as identities. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/align.h"
#include "pipeline/trust/checking.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/policy.h"

static int find_in(const struct lk__checking *c,
                   const struct lk_picture *picture,
                   struct lk_face **faces,
                   size_t *n,
                   struct lk_error *err)
{
    return lk__engine_faces(c->engine, c->request, picture, c->watch, faces, n, err);
}

/* The crop that is kept of a person's photo, for swappers that look at pixels. */
enum { KEPT_SIDE = 512 };

static int keep_crop(const struct lk_picture *picture,
                     const struct lk_face *face,
                     struct lk_cast_photo *out,
                     struct lk_error *err)
{
    struct lk_affine to_crop;
    int rc = lk_align_face(face->points, LK_ALIGN_FFHQ_512, KEPT_SIDE, &to_crop, err);
    rc = rc ? rc : lk_affine_crop(picture, &to_crop, KEPT_SIDE, KEPT_SIDE, &out->crop, err);
    for (int i = 0; i < 5 && !rc; i++)
        lk_affine_apply(&to_crop, face->points[i], out->points[i]);
    return rc;
}

/* One photo of a person; looks: the identity that it shows by itself. */
static int read_photo(const struct lk__checking *c,
                      const char *path,
                      struct lk_cast_photo *out,
                      struct lk_identity *looks,
                      struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    struct lk_face *faces = NULL;
    size_t n = 0;
    struct lk__parts *parts = c->engine->parts;
    lk__parts_turn(parts, LK__PART_READ);
    int rc = lk_picture_read(path, &picture, err);
    rc = rc ? rc : find_in(c, picture, &faces, &n, err);
    lk__parts_turn(parts, LK__PART_EMBED);
    rc = rc ? rc
            : lk_identity_of_photo(c->engine->embedder, lk_file_name(path), picture, faces, n,
                                   c->watch, looks, err);
    rc = rc ? rc : keep_crop(picture, lk_identity_face(faces, n), out, err);
    lk__parts_turn(parts, LK__PART_JUDGE);
    rc = rc ? rc : lk__policy_person(c->engine, picture, faces, n, c->watch, looks, err);
    lk__parts_turn(parts, LK__PART_OTHER);
    if (!rc) {
        out->embedding = looks->embedding;
        out->quality = lk_face_quality(lk_identity_face(faces, n));
    }
    free(faces);
    lk_picture_free(picture);
    return rc;
}

/* One photo more of a person, which shows the same one. */
static int read_more(const struct lk__checking *c,
                     const char *path,
                     const struct lk_cast_photo *first,
                     struct lk_cast_photo *out,
                     struct lk_identity *looks,
                     struct lk_error *err)
{
    int rc = read_photo(c, path, out, looks, err);
    const float cosine = rc ? NAN : lk_embedding_cosine(&first->embedding, &out->embedding);
    if (rc || cosine >= c->engine->same_person)
        return rc;
    return lk_fail(err, LK_E_INPUT,
                   "--photo '%s' shows somebody else than the photo of --face: cosine %.2f, one "
                   "person has %.2f or more",
                   path, (double)cosine, (double)c->engine->same_person);
}

/* The same of a photo of person i, one of several. */
static int ask_photo(const struct lk__checking *c,
                     lk_result *result,
                     int i,
                     const char *path,
                     const struct lk_cast_photo *photo,
                     struct lk_error *err)
{
    struct lk__shown face = {
        .key = "photo_of", .of = i, .path = path, .consent.face = photo->embedding};
    return lk__check_by_itself(c, result, &face, err);
}

/* Their weighted mean, as the cast has it. */
static int mean_of(const struct lk_cast_photo *photos,
                   size_t n,
                   struct lk_identity *out,
                   struct lk_error *err)
{
    double norms = 0;
    for (size_t i = 0; i < n; i++)
        norms += (double)photos[i].embedding.norm;
    int rc = lk_cast_mean(photos, n, &out->embedding, err);
    out->embedding.norm = (float)(norms / (double)n);
    out->photos = (int)n;
    return rc;
}

/* The identity that all photos of person i show; its looks are those of the best one. Who is a
 * child in one of them is one. */
static int read_photos(const struct lk__checking *c,
                       lk_result *result,
                       int i,
                       struct lk_picture **kept,
                       struct lk_identity *out,
                       struct lk_error *err)
{
    const struct lk_person *person = &c->request->people[i];
    struct lk_cast_photo *photos = calloc(1 + LK_PHOTOS_MAX, sizeof *photos), *best = photos;
    size_t n = 1;
    float child = 0; /* years */
    int rc = photos ? read_photo(c, person->photo, photos, out, err)
                    : lk_fail_memory(err, "the photos of a person", sizeof *photos);
    if (!rc && person->more[0])
        rc = ask_photo(c, result, i, person->photo, photos, err);
    if (!rc && lk__policy_is_child(c->engine, out->years))
        child = out->years;
    for (int k = 0; k < LK_PHOTOS_MAX && person->more[k] && !rc; k++) {
        struct lk_cast_photo *photo = &photos[n++];
        struct lk_identity looks = {.photos = 1};
        rc = read_more(c, person->more[k], photos, photo, &looks, err);
        rc = rc ? rc : ask_photo(c, result, i, person->more[k], photo, err);
        if (!rc && lk__policy_is_child(c->engine, looks.years))
            child = looks.years;
        if (!rc && photo->quality > best->quality) {
            best = photo;
            out->years = looks.years;
        }
    }
    if (!rc && n > 1)
        rc = mean_of(photos, n, out, err);
    if (!rc) {
        out->photo = *kept = lk_picture_ref(best->crop);
        memcpy(out->points, best->points, sizeof out->points);
        out->years = child > 0 ? child : out->years;
    }
    lk_cast_photos_free(photos, n);
    return rc;
}

/* How somebody of the cast looks, and how old: by the best photo of which the crop is kept. */
static int look_at_member(const struct lk__checking *c,
                          const struct lk_cast_member *member,
                          struct lk_picture **kept,
                          struct lk_identity *out,
                          struct lk_error *err)
{
    struct lk_cast_photo *photos = NULL, *best = NULL;
    struct lk_face *faces = NULL;
    size_t n = 0, n_faces = 0;
    int rc =
        lk_cast_photos(c->cast, member, lk_embedder_sha256(c->engine->embedder), &photos, &n, err);
    for (size_t i = 0; i < n && !rc; i++)
        if (photos[i].crop && (!best || photos[i].quality > best->quality))
            best = &photos[i];
    if (best) {
        out->photo = *kept = lk_picture_ref(best->crop);
        memcpy(out->points, best->points, sizeof out->points);
        rc = find_in(c, best->crop, &faces, &n_faces, err);
        rc = rc ? rc : lk__policy_person(c->engine, best->crop, faces, n_faces, c->watch, out, err);
    }
    free(faces);
    lk_cast_photos_free(photos, n);
    return rc;
}

static int read_member(const struct lk__checking *c,
                       const char *name,
                       struct lk_picture **kept,
                       struct lk_identity *out,
                       struct lk_error *err)
{
    const struct lk_cast_embedder embedder = lk__cast_embedder(c->engine);
    struct lk_cast_member member;
    int rc = lk_cast_find(c->cast, name, &member, err);
    rc = rc ? rc : lk_cast_identity(c->cast, &member, &embedder, out, err);
    return rc ? rc : look_at_member(c, &member, kept, out, err);
}

static int open_person(const struct lk__checking *c,
                       lk_result *result,
                       int i,
                       struct lk__people *people,
                       struct lk_error *err)
{
    const char *word = c->request->people[i].photo;
    struct lk_picture **kept = &people->photos[i];
    struct lk_identity *out = &people->identities[i];
    struct lk__consent *consent = &result->consents[i];
    int rc = consent->by_name ? read_member(c, word, kept, out, err)
                              : read_photos(c, result, i, kept, out, err);
    rc = rc ? rc : lk__check_bars(c, &out->embedding, word, err);
    /* A name of whom nothing is recorded may be another name of somebody who took consent back. */
    if (!rc && consent->state != LK__CONSENT_RECORDED)
        rc = lk__check_face(c, word, &out->embedding, consent, err);
    consent->face = out->embedding;
    return rc;
}

/* Of whom a face of the picture must look like: only compared, so it needs nobody's consent. */
static int read_reference(const struct lk__checking *c,
                          const char *word,
                          struct lk_embedding *out,
                          struct lk_error *err)
{
    const struct lk_cast_embedder embedder = lk__cast_embedder(c->engine);
    struct lk_cast_member member;
    struct lk_identity identity;
    struct lk_picture *picture = NULL;
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc =
        c->cast && !strchr(word, '/') ? lk_cast_find(c->cast, word, &member, err) : LK_E_MISSING;
    if (rc == LK_E_MISSING && !strchr(word, '/') && access(word, F_OK))
        return lk_fail(err, rc,
                       "--face like:%s: nobody in the cast has that name, and there is no "
                       "such file: see likeness cast list, or give the path of a photo",
                       word);
    if (!rc) {
        rc = lk_cast_identity(c->cast, &member, &embedder, &identity, err);
    } else if (rc == LK_E_MISSING) {
        rc = lk_picture_read(word, &picture, err);
        rc = rc ? rc : find_in(c, picture, &faces, &n, err);
        rc = rc ? rc
                : lk_identity_of_photo(c->engine->embedder, word, picture, faces, n, c->watch,
                                       &identity, err);
    }
    free(faces);
    lk_picture_free(picture);
    if (rc)
        return lk_fail_context(err, rc, "--face like:%s", word);
    *out = identity.embedding;
    return 0;
}

int lk__people_open(lk_engine *engine,
                    lk_result *result,
                    const struct lk_watch *watch,
                    struct lk__people *people,
                    struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    struct lk__checking c = {.engine = engine, .request = request, .watch = watch};
    int rc = request->n_people ? lk__checking_open(&c, err) : 0;
    rc = rc ? rc : lk__engine_detector(engine, request, err);
    rc = rc ? rc : lk__engine_embedder(engine, request, err);
    rc = rc ? rc : lk__remember_cast(engine, &result->cast, err);
    for (int i = 0; i < request->n_people && !rc; i++)
        rc = open_person(&c, result, i, people, err);
    for (int i = 0; i < request->n_people && !rc; i++) {
        if (request->people[i].like)
            rc = read_reference(&c, request->people[i].like, &people->likes[i], err);
    }
    people->count = request->n_people;
    lk_cast_close(c.cast);
    return rc;
}

void lk__people_close(struct lk__people *people)
{
    for (int i = 0; i < LK_PEOPLE_MAX; i++)
        lk_picture_free(people->photos[i]);
    *people = (struct lk__people){0};
}
