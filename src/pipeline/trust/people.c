// SPDX-License-Identifier: Apache-2.0
/* Who may be used. For each person of a request:
 *
 *     a name of the cast   its consent must allow the request's use
 *     a photo              so must the consent of whom it looks like (cosine ≥ the embedder's
 *                          threshold)
 *     neither recorded     only with --consent self, a declaration that the audit keeps
 *
 * Whoever shows their face in a picture of --ip-adapter is asked as a photo's person is: the
 * picture is a prompt, and faces come out of it.
 *
 * All of it is asked once more before a picture leaves: drawing takes time, in which somebody may
 * take consent back. By then there is no engine, so faces are compared by the vectors that were
 * computed.
 *
 * A record outranks a declaration: who took consent back cannot be used by declaring it. A barred
 * face is refused before all of that, whatever it is called. */
#include "pipeline/trust/people.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "cast/consent.h"
#include "catalog/places.h"
#include "data/align.h"
#include "pipeline/trust/policy.h"

int lk__passphrase_read(const char *path, char **out, struct lk_error *err)
{
    const char *own = getenv("LIKENESS_PASSPHRASE");
    char *line = NULL;
    size_t room = 0;
    if (!path) {
        *out = own && *own ? strdup(own) : NULL;
        return own && *own && !*out ? lk_fail_memory(err, "a passphrase", strlen(own)) : 0;
    }
    FILE *file = fopen(path, "re");
    if (!file)
        return lk_fail(err, LK_E_INPUT, "--passphrase-file '%s' cannot be opened: %s", path,
                       strerror(errno));
    ssize_t n = getline(&line, &room, file);
    fclose(file);
    if (n > 0)
        line[strcspn(line, "\r\n")] = 0;
    if (n > 0 && *line) {
        *out = line;
        return 0;
    }
    free(line);
    return lk_fail(err, LK_E_INPUT, "--passphrase-file '%s' has no first line", path);
}

void lk__passphrase_forget(char *passphrase)
{
    if (passphrase)
        explicit_bzero(passphrase, strlen(passphrase));
    free(passphrase);
}

int lk__cast_of_options(const struct lk_engine_options *options,
                        enum lk_cast_access mode,
                        lk_cast **out,
                        struct lk_error *err)
{
    char *path = NULL, *passphrase = NULL;
    const char *own = options->cast_file;
    lk_cast *cast = NULL;
    int rc = own ? 0 : lk_places_state("cast.db", mode == LK_CAST_WRITE, &path, err);
    if (rc)
        return rc;
    if (mode != LK_CAST_WRITE && !own && access(path, F_OK)) {
        free(path);
        *out = NULL;
        return 0;
    }
    rc = lk__passphrase_read(options->passphrase_file, &passphrase, err);
    rc = rc ? rc : lk_cast_open(own ? own : path, mode, passphrase, &cast, err);
    lk__passphrase_forget(passphrase);
    free(path);
    if (!rc)
        *out = cast;
    return rc;
}

static int embed_crop(void *user,
                      const struct lk_picture *crop,
                      const float (*points)[2],
                      struct lk_embedding *out,
                      struct lk_error *err)
{
    const lk_engine *engine = user;
    struct lk_face face = {.index = 0};
    memcpy(face.points, points, sizeof face.points);
    return lk_embed_face(engine->embedder, crop, &face, NULL, out, err);
}

struct lk_cast_embedder lk__cast_embedder(lk_engine *engine)
{
    return (struct lk_cast_embedder){
        .sha256 = lk_embedder_sha256(engine->embedder), .embed = embed_crop, .user = engine};
}

/* What the checks of one request share. */
struct checking {
    lk_engine *engine; /* NULL at the way out: nothing more is computed */
    const struct lk_request *request;
    const struct lk_watch *watch;
    lk_cast *cast; /* NULL: nobody */
    float same_person;
};

static int cannot_embed(void *user,
                        const struct lk_picture *crop,
                        const float (*points)[2],
                        struct lk_embedding *out,
                        struct lk_error *err)
{
    (void)user, (void)crop, (void)points, (void)out;
    return lk_fail(err, LK_E_MISSING, "photos came into the cast meanwhile: ask again");
}

/* Who in the cast looks like that face: those who are barred, or all. */
static int match_face(const struct checking *c,
                      const struct lk_embedding *face,
                      bool barred,
                      struct lk_cast_match *out,
                      size_t room,
                      size_t *n,
                      struct lk_error *err)
{
    const struct lk_cast_embedder known = {.sha256 = face->embedder, .embed = cannot_embed},
                                  embedder = c->engine ? lk__cast_embedder(c->engine) : known;
    float least = c->engine ? c->engine->same_person : c->same_person;
    *n = 0;
    return c->cast ? lk_cast_match(c->cast, &embedder, face, least, barred, out, room, n, err) : 0;
}

static int open_checking(struct checking *c, struct lk_error *err)
{
    return lk__cast_of_options(&c->engine->options, LK_CAST_READ, &c->cast, err);
}

static int refuse_barred(const char *name, struct lk_error *err)
{
    return lk_fail(
        err, LK_E_REFUSED,
        "'%s' is barred: this face is used by nobody; whoever keeps the cast can lift it "
        "by likeness cast unbar '%s'",
        name, name);
}

static bool declares(const struct checking *c)
{
    return !strcmp(c->request->consent, "self");
}

/* The end of a path. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void note_member(const struct lk_cast_member *member, struct lk__consent *out)
{
    memcpy(out->person, member->name, sizeof out->person);
    memcpy(out->uid, member->uid, sizeof out->uid);
}

/* Consent of somebody of the cast; any: there is a record of them, whatever it says. */
static int check_member(const struct checking *c,
                        const struct lk_cast_member *member,
                        struct lk__consent *out,
                        bool *any,
                        struct lk_error *err)
{
    struct lk_consent_found found = {.any = false};
    int rc = lk_consent_check(c->cast, member, c->request->use, time(NULL), &found, err);
    *any = found.any;
    out->state = rc ? LK__CONSENT_DECLARED : LK__CONSENT_RECORDED;
    memcpy(out->record, found.id.hex, sizeof out->record);
    if (rc == LK_E_REFUSED && !found.any && declares(c))
        rc = 0;
    if (!rc)
        note_member(member, out);
    return rc;
}

/* Before a model is opened: is the word a name of the cast, and may it be used; or is there such a
 * file? */
static int check_name(const struct checking *c,
                      const struct lk_person *person,
                      struct lk__consent *out,
                      struct lk_error *err)
{
    const char *word = person->photo;
    struct lk_cast_member member;
    bool any;
    int rc = LK_E_MISSING;
    if (c->cast && !strchr(word, '/'))
        rc = lk_cast_find(c->cast, word, &member, err);
    if (rc && rc != LK_E_MISSING)
        return rc;
    out->by_name = !rc;
    if (!rc && member.barred)
        return refuse_barred(word, err);
    if (!rc && person->more[0])
        return lk_fail(err, LK_E_INPUT,
                       "--photo '%s': '%s' is a person of the cast, whose photos are kept there: "
                       "likeness cast add '%s' PHOTO",
                       person->more[0], word, word);
    if (!rc)
        return check_member(c, &member, out, &any, err);
    if (!strchr(word, '/') && access(word, F_OK))
        return lk_fail(err, LK_E_MISSING,
                       "--face '%s': nobody in the cast has that name, and there is no such file: "
                       "%s",
                       word,
                       strchr(word, '=') ? "what stands before = is no PLACE, see docs/find.md"
                                         : "see likeness cast list, or give the path of a photo");
    return 0;
}

/* A face by itself: of those of the cast whom it looks like, the nearest of whom something is
 * recorded decides. */
static int check_face(const struct checking *c,
                      const char *what,
                      const struct lk_embedding *face,
                      struct lk__consent *out,
                      struct lk_error *err)
{
    struct lk_cast_match matches[8];
    size_t n;
    bool any = false;
    int rc = match_face(c, face, false, matches, LK_ARRAY_LENGTH(matches), &n, err);
    for (size_t i = 0; i < n && !rc; i++) {
        struct lk__consent found = {.by_name = out->by_name};
        rc = check_member(c, &matches[i].member, &found, &any, err);
        if (any) {
            *out = found;
            return rc ? lk_fail_context(err, rc, "'%s' shows '%s'", what, matches[i].member.name)
                      : 0;
        }
        rc = rc == LK_E_REFUSED ? 0 : rc;
    }
    if (rc)
        return rc;
    if (n && !*out->person)
        note_member(&matches[0].member, out);
    if (!declares(c))
        return lk_fail(
            err, LK_E_REFUSED,
            "there is no consent of the person in '%s': add them to the cast and record "
            "it (likeness cast add, likeness cast consent grant), or declare by --consent "
            "self that they agree",
            what);
    out->state = LK__CONSENT_DECLARED;
    return 0;
}

static int check_bars(const struct checking *c,
                      const struct lk_embedding *face,
                      const char *what,
                      struct lk_error *err)
{
    struct lk_cast_match match;
    size_t n;
    int rc = match_face(c, face, true, &match, 1, &n, err);
    if (!rc && n)
        rc = refuse_barred(match.member.name, err);
    return rc == LK_E_REFUSED ? lk_fail_context(err, rc, "'%s'", what) : rc;
}

static int find_in(const struct checking *c,
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
static int read_photo(const struct checking *c,
                      const char *path,
                      struct lk_cast_photo *out,
                      struct lk_identity *looks,
                      struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc = lk_picture_read(path, &picture, err);
    rc = rc ? rc : find_in(c, picture, &faces, &n, err);
    rc = rc ? rc
            : lk_identity_of_photo(c->engine->embedder, base_name(path), picture, faces, n,
                                   c->watch, looks, err);
    rc = rc ? rc : keep_crop(picture, lk_identity_face(faces, n), out, err);
    rc = rc ? rc : lk__policy_person(c->engine, picture, faces, n, c->watch, looks, err);
    if (!rc) {
        out->embedding = looks->embedding;
        out->quality = lk_face_quality(lk_identity_face(faces, n));
    }
    free(faces);
    lk_picture_free(picture);
    return rc;
}

/* One photo more of a person, which shows the same one. */
static int read_more(const struct checking *c,
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

/* One face more on which the request stands. */
static int keep_shown(lk_result *result, const struct lk__shown *face, struct lk_error *err)
{
    struct lk__shown *list =
        reallocarray(result->shown, result->n_shown + 1, sizeof *result->shown);
    if (!list)
        return lk_fail_memory(err, "the faces of a picture", sizeof *list);
    result->shown = list;
    list[result->n_shown++] = *face;
    return 0;
}

/* Whether that face may be used, whatever else goes in: a mean of photos hides nobody, now or at
 * the way out. */
static int ask_by_itself(const struct checking *c,
                         lk_result *result,
                         struct lk__shown *face,
                         struct lk_error *err)
{
    struct lk_embedding seen = face->consent.face;
    int rc = check_bars(c, &seen, face->path, err);
    rc = rc ? rc : check_face(c, face->path, &seen, &face->consent, err);
    face->consent.face = seen;
    return rc ? rc : keep_shown(result, face, err);
}

/* The same of a photo of person i, one of several. */
static int ask_photo(const struct checking *c,
                     lk_result *result,
                     int i,
                     const char *path,
                     const struct lk_cast_photo *photo,
                     struct lk_error *err)
{
    struct lk__shown face = {
        .key = "photo_of", .of = i, .path = path, .consent.face = photo->embedding};
    return ask_by_itself(c, result, &face, err);
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
static int read_photos(const struct checking *c,
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
static int look_at_member(const struct checking *c,
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

static int read_member(const struct checking *c,
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

static int open_person(const struct checking *c,
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
    rc = rc ? rc : check_bars(c, &out->embedding, word, err);
    /* A name of whom nothing is recorded may be another name of somebody who took consent back. */
    if (!rc && consent->state != LK__CONSENT_RECORDED)
        rc = check_face(c, word, &out->embedding, consent, err);
    consent->face = out->embedding;
    return rc;
}

static int remember_cast(const lk_engine *engine, struct lk__cast_asked *out, struct lk_error *err)
{
    const char *file = engine->options.cast_file, *phrase = engine->options.passphrase_file;
    if (out->same_person > 0) /* it is known already */
        return 0;
    out->file = file ? strdup(file) : NULL;
    out->passphrase_file = phrase ? strdup(phrase) : NULL;
    out->same_person = engine->same_person;
    return (file && !out->file) || (phrase && !out->passphrase_file)
               ? lk_fail_memory(err, "the cast's name", 0)
               : 0;
}

/* Of whom a face of the picture must look like: only compared, so it needs nobody's consent. */
static int read_reference(const struct checking *c,
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
    struct checking c = {.engine = engine, .request = request, .watch = watch};
    int rc = request->n_people ? open_checking(&c, err) : 0;
    rc = rc ? rc : lk__engine_detector(engine, request, err);
    rc = rc ? rc : lk__engine_embedder(engine, request, err);
    rc = rc ? rc : remember_cast(engine, &result->cast, err);
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

static int check_picture(const struct checking *c,
                         const struct lk_picture *picture,
                         const char *path,
                         struct lk_error *err)
{
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc =
        picture ? lk__engine_shown(c->engine, c->request, picture, c->watch, &faces, &n, err) : 0;
    for (size_t i = 0; i < n && !rc; i++) {
        rc = lk_embed_face(c->engine->embedder, picture, &faces[i], c->watch, &faces[i].embedding,
                           err);
        rc = rc ? rc : check_bars(c, &faces[i].embedding, path, err);
    }
    free(faces);
    return rc;
}

/* No picture of somebody barred is changed, started from or followed. */
static int check_pictures(const struct checking *c, const lk_result *result, struct lk_error *err)
{
    const struct lk_request *request = c->request;
    int barred = 0, rc = c->cast ? lk_cast_count_barred(c->cast, &barred, err) : 0;
    if (rc || !barred)
        return rc;
    rc = lk__engine_detector(c->engine, request, err);
    rc = rc ? rc : lk__engine_embedder(c->engine, request, err);
    rc = rc ? rc : check_picture(c, result->picture, request->picture, err);
    rc = rc ? rc : check_picture(c, result->init, request->init, err);
    for (int i = 0; i < request->n_controls && !rc; i++)
        rc = check_picture(c, result->controls[i], request->controls[i].picture, err);
    return rc;
}

static int ask_ages(const struct checking *c,
                    const struct lk_picture *picture,
                    const char *path,
                    struct lk_error *err)
{
    struct lk_identity looks = {.photos = 1};
    struct lk_face *faces = NULL;
    size_t n = 0;
    if (!picture)
        return 0;
    snprintf(looks.name, sizeof looks.name, "%s", base_name(path));
    int rc = lk__engine_shown(c->engine, c->request, picture, c->watch, &faces, &n, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = lk__policy_person(c->engine, picture, &faces[i], 1, c->watch, &looks, err);
    free(faces);
    return rc;
}

/* Children in what a prompt paints over, starts from or follows. */
static int check_ages(const struct checking *c, const lk_result *result, struct lk_error *err)
{
    const struct lk_request *request = c->request;
    if (!c->engine->judges.agegender ||
        (lk__changes_picture(request) && request->task != LK_TASK_REDRAW))
        return 0;
    int rc = lk__engine_detector(c->engine, request, err);
    rc = rc ? rc : ask_ages(c, result->picture, request->picture, err);
    rc = rc ? rc : ask_ages(c, result->init, request->init, err);
    for (int i = 0; i < request->n_controls && !rc; i++)
        rc = ask_ages(c, result->controls[i], request->controls[i].picture, err);
    return rc;
}

/* The faces of image i, a picture that is a prompt. */
static int check_faces(const struct checking *c,
                       lk_result *result,
                       int i,
                       struct lk_face *faces,
                       size_t n,
                       struct lk_error *err)
{
    const struct lk_picture *picture = result->images[i];
    const char *path = c->request->images[i].picture;
    struct lk_identity looks = {.photos = 1};
    snprintf(looks.name, sizeof looks.name, "%s", base_name(path));
    int rc = n ? lk__engine_embedder(c->engine, c->request, err) : 0;
    rc = rc || !n ? rc : remember_cast(c->engine, &result->cast, err);
    for (size_t k = 0; k < n && !rc; k++) {
        struct lk__shown face = {.key = "ip_adapter", .of = i, .path = path};
        struct lk_embedding *seen = &face.consent.face;
        rc = lk_embed_face(c->engine->embedder, picture, &faces[k], c->watch, seen, err);
        rc = rc ? rc : ask_by_itself(c, result, &face, err);
        rc = rc ? rc : lk__policy_person(c->engine, picture, &faces[k], 1, c->watch, &looks, err);
        if (rc == LK_E_REFUSED)
            lk_fail_context(err, rc, "--ip-adapter, face %zu of %zu", k + 1, n);
    }
    return rc;
}

static int check_images(const struct checking *c, lk_result *result, struct lk_error *err)
{
    int rc = c->request->n_images ? lk__engine_detector(c->engine, c->request, err) : 0;
    for (int i = 0; i < c->request->n_images && !rc; i++) {
        struct lk_face *faces = NULL;
        size_t n = 0;
        rc = lk__engine_shown(c->engine, c->request, result->images[i], c->watch, &faces, &n, err);
        rc = rc ? rc : check_faces(c, result, i, faces, n, err);
        free(faces);
    }
    return rc;
}

int lk__people_check(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    struct checking c = {.engine = engine, .request = request, .watch = watch};
    const int n = lk__uses_people(request) ? request->n_people : 0;
    if (!n && !lk__changes_picture(request) && !request->init && !request->n_controls &&
        !request->n_images)
        return 0;
    int rc = open_checking(&c, err);
    for (int i = 0; i < n && !rc; i++)
        rc = check_name(&c, &request->people[i], &result->consents[i], err);
    rc = rc ? rc : lk__result_read(result, err);
    rc = rc ? rc : check_pictures(&c, result, err);
    rc = rc ? rc : check_ages(&c, result, err);
    rc = rc ? rc : check_images(&c, result, err);
    lk_cast_close(c.cast);
    return rc;
}

int lk__people_look_again(lk_engine *engine,
                          const lk_result *result,
                          const struct lk_watch *watch,
                          struct lk_error *err)
{
    struct checking c = {.engine = engine, .request = &result->request, .watch = watch};
    if (!result->picture && !result->init && !c.request->n_controls)
        return 0;
    int rc = open_checking(&c, err);
    rc = rc ? rc : check_pictures(&c, result, err);
    lk_cast_close(c.cast);
    return rc;
}

/* Somebody of the cast whose face was used. */
struct used {
    const char *uid;
    struct lk_cast_member member;
    bool found;
};

static int is_used(void *user, const struct lk_cast_member *member, struct lk_error *err)
{
    struct used *used = user;
    (void)err;
    if (!strcmp(member->uid, used->uid)) {
        used->member = *member;
        used->found = true;
    }
    return 0;
}

static int check_used_member(const struct checking *c,
                             const struct lk__consent *consent,
                             struct lk_error *err)
{
    struct used used = {.uid = consent->uid};
    struct lk__consent now = {.state = LK__CONSENT_UNUSED};
    bool any;
    int rc = c->cast ? lk_cast_each(c->cast, is_used, &used, err) : 0;
    if (rc)
        return rc;
    if (!used.found)
        return lk_fail(err, LK_E_REFUSED, "'%s' was removed from the cast", consent->person);
    if (used.member.barred)
        return refuse_barred(used.member.name, err);
    return check_member(c, &used.member, &now, &any, err);
}

static int check_used(const struct checking *c,
                      const char *word,
                      const struct lk__consent *consent,
                      struct lk_error *err)
{
    struct lk__consent now = {.by_name = consent->by_name};
    int rc = *consent->uid ? check_used_member(c, consent, err) : 0;
    rc = rc ? rc : check_bars(c, &consent->face, word, err);
    return rc || consent->state != LK__CONSENT_DECLARED
               ? rc
               : check_face(c, word, &consent->face, &now, err);
}

int lk__people_release(const lk_result *result, struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    const struct lk_engine_options options = {.cast_file = result->cast.file,
                                              .passphrase_file = result->cast.passphrase_file};
    struct checking c = {.request = request, .same_person = result->cast.same_person};
    const int n = lk__uses_people(request) ? request->n_people : 0;
    if (!n && !result->n_shown)
        return 0;
    int rc = lk__cast_of_options(&options, LK_CAST_READ, &c.cast, err);
    for (int i = 0; i < n && !rc; i++)
        rc = check_used(&c, request->people[i].photo, &result->consents[i], err);
    for (size_t i = 0; i < result->n_shown && !rc; i++)
        rc = check_used(&c, result->shown[i].path, &result->shown[i].consent, err);
    lk_cast_close(c.cast);
    return rc ? lk_fail_context(err, rc, "no picture of this request leaves any more") : 0;
}

bool lk__changes_picture(const struct lk_request *request)
{
    return request->task == LK_TASK_SWAP || request->task == LK_TASK_RESTORE ||
           request->task == LK_TASK_UPSCALE || request->task == LK_TASK_REDRAW;
}

bool lk__refines_faces(const struct lk_request *request)
{
    return request->task == LK_TASK_SWAP ||
           (request->task == LK_TASK_PORTRAIT && strcmp(request->refine, "none") != 0);
}

bool lk__uses_people(const struct lk_request *request)
{
    return lk__refines_faces(request) || request->face_adapter;
}
