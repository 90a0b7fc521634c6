// SPDX-License-Identifier: Apache-2.0
/* Which face gets which identity. */
#include "pipeline/faces/faces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/faces/choosing.h"
#include "pipeline/faces/refining.h"
#include "pipeline/trust/policy.h"

/* Whether person p takes face i. */
static bool takes(const struct lk_engine *engine,
                  const struct lk_request *request,
                  const struct lk__people *people,
                  int p,
                  const struct lk__picture_report *report,
                  size_t i)
{
    struct lk__place place;
    const struct lk__sight sight = {.faces = report->faces,
                                    .n = report->n_faces,
                                    .width = report->picture->width,
                                    .height = report->picture->height,
                                    .like = &people->likes[p],
                                    .same_person = engine->same_person};
    return lk__place_read(request->people[p].place, &place) && lk__place_takes(&place, &sight, i);
}

/* Whether faces whom nobody named are made clearer: those that we drew, and where it is all that
 * was asked for. */
static bool becomes_clearer(const struct lk_request *request,
                            const struct lk__picture_report *report)
{
    return lk__only_restores(request) || (!report->keeps_photo && !strcmp(request->refine, "auto"));
}

/* The identity for face i: the last person named that takes it; with `auto` its own, which makes it
 * clearer; else NULL. */
static const struct lk_identity *identity_for(const struct lk_engine *engine,
                                              const struct lk_request *request,
                                              struct lk__people *people,
                                              const struct lk__picture_report *report,
                                              size_t i,
                                              struct lk_identity *own)
{
    for (int p = people->count; p-- > 0;) {
        if (takes(engine, request, people, p, report, i)) {
            people->placed[p] = true;
            return &people->identities[p];
        }
    }
    if (!becomes_clearer(request, report))
        return NULL;
    *own = (struct lk_identity){.name = LK__OWN_IDENTITY,
                                .photos = 1,
                                .embedding = report->faces[i].face.embedding,
                                .photo = report->picture};
    memcpy(own->points, report->faces[i].face.points, sizeof own->points);
    return own;
}

static bool asks_age(const struct lk_request *request)
{
    struct lk__place place;
    for (int p = 0; p < request->n_people; p++) {
        if (lk__place_read(request->people[p].place, &place) && lk__place_has_filter(&place))
            return true;
    }
    return false;
}

static int tell_ages(lk_engine *engine,
                     const struct lk_picture *picture,
                     struct lk_face *faces,
                     size_t n,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    int rc = lk__engine_ages(engine, picture, faces, n, watch, err);
    if (!rc && !engine->judges.agegender)
        rc = lk_fail(err, LK_E_MISSING,
                     "--face asks for a face's age or gender, and no network that tells them is "
                     "installed: name one by --agegender");
    return rc;
}

static int find(lk_engine *engine,
                const lk_result *result,
                const struct lk_watch *watch,
                struct lk__picture_report *report,
                struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    /* The user's own picture as it came, which may have been looked at before. */
    const struct lk_picture *picture =
        result->picture && !report->redrawn ? result->picture : report->picture;
    struct lk_face *faces = NULL;
    int rc = lk__engine_faces(engine, request, picture, watch, &faces, &report->n_faces, err);
    if (!rc && asks_age(request))
        rc = tell_ages(engine, report->picture, faces, report->n_faces, watch, err);
    if (!rc && report->n_faces && !(report->faces = calloc(report->n_faces, sizeof *report->faces)))
        rc = lk_fail_memory(err, "the faces", report->n_faces * sizeof *report->faces);
    lk__parts_turn(engine->parts, LK__PART_EMBED);
    rc = rc ? rc
            : lk_embed_faces(engine->embedder, report->picture, faces, report->n_faces, watch, err);
    lk__parts_turn(engine->parts, LK__PART_OTHER);
    for (size_t i = 0; !rc && i < report->n_faces; i++)
        report->faces[i].face = faces[i];
    free(faces);
    return rc;
}

int lk__refine_faces(lk_engine *engine,
                     lk_result *result,
                     struct lk__people *people,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    int rc = find(engine, result, watch, report, err);
    if (rc || !report->n_faces)
        return rc;
    if (!people->count && !becomes_clearer(request, report))
        return 0;
    rc = lk__refining_open(engine, request, err);
    for (size_t i = 0; !rc && i < report->n_faces; i++) {
        struct lk_identity own;
        const struct lk_identity *identity = identity_for(engine, request, people, report, i, &own);
        rc = lk_watch_step(watch, "refine", (int)i + 1, (int)report->n_faces, err);
        if (!rc && identity && identity != &own)
            rc = lk__policy_swap(engine, report, i, identity, watch, err);
        const struct lk__refining_wish wish = {
            identity, identity == &own, identity != &own || request->task == LK_TASK_RESTORE};
        if (!rc && identity)
            rc = lk__refine_face(engine, result, &wish, watch, report, i, err);
    }
    return rc;
}
