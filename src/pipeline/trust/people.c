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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pipeline/trust/checking.h"
#include "pipeline/trust/policy.h"

/* Before a model is opened: is the word a name of the cast, and may it be used; or is there such a
 * file? */
static int check_name(const struct lk__checking *c,
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
        return lk__refuse_barred(word, err);
    if (!rc && person->more[0])
        return lk_fail(err, LK_E_INPUT,
                       "--photo '%s': '%s' is a person of the cast, whose photos are kept there: "
                       "likeness cast add '%s' PHOTO",
                       person->more[0], word, word);
    if (!rc)
        return lk__check_member(c, &member, out, &any, err);
    if (!strchr(word, '/') && access(word, F_OK))
        return lk_fail(err, LK_E_MISSING,
                       "--face '%s': nobody in the cast has that name, and there is no such file: "
                       "%s",
                       word,
                       strchr(word, '=') ? "what stands before = is no PLACE, see docs/find.md"
                                         : "see likeness cast list, or give the path of a photo");
    return 0;
}

static int check_picture(const struct lk__checking *c,
                         const struct lk_picture *picture,
                         const char *path,
                         struct lk_error *err)
{
    struct lk_face *faces = NULL;
    size_t n = 0;
    int rc =
        picture ? lk__engine_shown(c->engine, c->request, picture, c->watch, &faces, &n, err) : 0;
    rc = rc ? rc : lk_embed_faces(c->engine->embedder, picture, faces, n, c->watch, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = lk__check_bars(c, &faces[i].embedding, path, err);
    free(faces);
    return rc;
}

/* No picture of somebody barred is changed, started from or followed. */
static int check_pictures(const struct lk__checking *c,
                          const lk_result *result,
                          struct lk_error *err)
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

static int ask_ages(const struct lk__checking *c,
                    const struct lk_picture *picture,
                    const char *path,
                    struct lk_error *err)
{
    struct lk_identity looks = {.photos = 1};
    struct lk_face *faces = NULL;
    size_t n = 0;
    if (!picture)
        return 0;
    snprintf(looks.name, sizeof looks.name, "%s", lk_file_name(path));
    int rc = lk__engine_shown(c->engine, c->request, picture, c->watch, &faces, &n, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = lk__policy_person(c->engine, picture, &faces[i], 1, c->watch, &looks, err);
    free(faces);
    return rc;
}

/* Children in what a prompt paints over, starts from or follows. */
static int check_ages(const struct lk__checking *c, const lk_result *result, struct lk_error *err)
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
static int check_faces(const struct lk__checking *c,
                       lk_result *result,
                       int i,
                       struct lk_face *faces,
                       size_t n,
                       struct lk_error *err)
{
    const struct lk_picture *picture = result->images[i];
    const char *path = c->request->images[i].picture;
    struct lk_identity looks = {.photos = 1};
    snprintf(looks.name, sizeof looks.name, "%s", lk_file_name(path));
    int rc = n ? lk__engine_embedder(c->engine, c->request, err) : 0;
    rc = rc || !n ? rc : lk__remember_cast(c->engine, &result->cast, err);
    for (size_t k = 0; k < n && !rc; k++) {
        struct lk__shown face = {.key = "ip_adapter", .of = i, .path = path};
        struct lk_embedding *seen = &face.consent.face;
        rc = lk_embed_face(c->engine->embedder, picture, &faces[k], c->watch, seen, err);
        rc = rc ? rc : lk__check_by_itself(c, result, &face, err);
        rc = rc ? rc : lk__policy_person(c->engine, picture, &faces[k], 1, c->watch, &looks, err);
        if (rc == LK_E_REFUSED)
            lk_fail_context(err, rc, "--ip-adapter, face %zu of %zu", k + 1, n);
    }
    return rc;
}

static int check_images(const struct lk__checking *c, lk_result *result, struct lk_error *err)
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
    struct lk__checking c = {.engine = engine, .request = request, .watch = watch};
    const int n = lk__uses_people(request) ? request->n_people : 0;
    if (!n && !lk__changes_picture(request) && !request->init && !request->n_controls &&
        !request->n_images)
        return 0;
    int rc = lk__checking_open(&c, err);
    for (int i = 0; i < n && !rc; i++)
        rc = check_name(&c, &request->people[i], &result->consents[i], err);
    const enum lk__part was = lk__parts_turn(engine->parts, LK__PART_READ);
    rc = rc ? rc : lk__result_read(result, err);
    lk__parts_turn(engine->parts, was);
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
    struct lk__checking c = {.engine = engine, .request = &result->request, .watch = watch};
    if (!result->picture && !result->init && !c.request->n_controls)
        return 0;
    int rc = lk__checking_open(&c, err);
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

static int check_used_member(const struct lk__checking *c,
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
        return lk__refuse_barred(used.member.name, err);
    return lk__check_member(c, &used.member, &now, &any, err);
}

static int check_used(const struct lk__checking *c,
                      const char *word,
                      const struct lk__consent *consent,
                      struct lk_error *err)
{
    struct lk__consent now = {.by_name = consent->by_name};
    int rc = *consent->uid ? check_used_member(c, consent, err) : 0;
    rc = rc ? rc : lk__check_bars(c, &consent->face, word, err);
    return rc || consent->state != LK__CONSENT_DECLARED
               ? rc
               : lk__check_face(c, word, &consent->face, &now, err);
}

int lk__people_release(const lk_result *result, struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    const struct lk_engine_options options = {.cast_file = result->cast.file,
                                              .passphrase_file = result->cast.passphrase_file};
    struct lk__checking c = {.request = request, .same_person = result->cast.same_person};
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
