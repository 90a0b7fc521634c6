// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trust/checking.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/size.h"
#include "cast/consent.h"
#include "catalog/places.h"

/* ---- the cast ---- */

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
static int match_face(const struct lk__checking *c,
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

int lk__checking_open(struct lk__checking *c, struct lk_error *err)
{
    return lk__cast_of_options(&c->engine->options, LK_CAST_READ, &c->cast, err);
}

int lk__refuse_barred(const char *name, struct lk_error *err)
{
    return lk_fail(
        err, LK_E_REFUSED,
        "'%s' is barred: this face is used by nobody; whoever keeps the cast can lift it "
        "by likeness cast unbar '%s'",
        name, name);
}

static bool declares(const struct lk__checking *c)
{
    return !strcmp(c->request->consent, "self");
}

/* ---- consent ---- */

static void note_member(const struct lk_cast_member *member, struct lk__consent *out)
{
    memcpy(out->person, member->name, sizeof out->person);
    memcpy(out->uid, member->uid, sizeof out->uid);
}

int lk__check_member(const struct lk__checking *c,
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

int lk__check_face(const struct lk__checking *c,
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
        rc = lk__check_member(c, &matches[i].member, &found, &any, err);
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

int lk__check_bars(const struct lk__checking *c,
                   const struct lk_embedding *face,
                   const char *what,
                   struct lk_error *err)
{
    struct lk_cast_match match;
    size_t n;
    int rc = match_face(c, face, true, &match, 1, &n, err);
    if (!rc && n)
        rc = lk__refuse_barred(match.member.name, err);
    return rc == LK_E_REFUSED ? lk_fail_context(err, rc, "'%s'", what) : rc;
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

int lk__check_by_itself(const struct lk__checking *c,
                        lk_result *result,
                        struct lk__shown *face,
                        struct lk_error *err)
{
    struct lk_embedding seen = face->consent.face;
    int rc = lk__check_bars(c, &seen, face->path, err);
    rc = rc ? rc : lk__check_face(c, face->path, &seen, &face->consent, err);
    face->consent.face = seen;
    return rc ? rc : keep_shown(result, face, err);
}

int lk__remember_cast(const lk_engine *engine, struct lk__cast_asked *out, struct lk_error *err)
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
