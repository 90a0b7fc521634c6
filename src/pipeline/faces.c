// SPDX-License-Identifier: Apache-2.0
/* Which face gets which identity. */
#include "pipeline/faces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/refining.h"
#include "pipeline/trust/policy.h"

static float area(const struct lk_face *face)
{
    return (face->box[2] - face->box[0]) * (face->box[3] - face->box[1]);
}

static size_t largest(const struct lk__picture_report *report)
{
    size_t best = 0;
    for (size_t i = 1; i < report->n_faces; i++) {
        if (area(&report->faces[i].face) > area(&report->faces[best].face))
            best = i;
    }
    return best;
}

/* The face whose middle is nearest to the picture's. Faces are sorted from left to right. */
static size_t central(const struct lk__picture_report *report)
{
    size_t best = 0;
    float nearest = INFINITY;
    for (size_t i = 0; i < report->n_faces; i++) {
        const float *box = report->faces[i].face.box;
        float distance = fabsf((box[0] + box[2]) / 2 - (float)report->picture->width / 2);
        if (distance < nearest) {
            nearest = distance;
            best = i;
        }
    }
    return best;
}

/* Whether a person of that place takes face i. */
static bool takes(const char *place, const struct lk__picture_report *report, size_t i)
{
    if (!place || !strcmp(place, "largest"))
        return i == largest(report);
    if (!strcmp(place, "all"))
        return true;
    if (!strcmp(place, "left"))
        return i == 0;
    if (!strcmp(place, "right"))
        return i + 1 == report->n_faces;
    if (!strcmp(place, "center"))
        return i == central(report);
    return strtoul(place, NULL, 10) == i;
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
static const struct lk_identity *identity_for(const struct lk_request *request,
                                              struct lk__people *people,
                                              const struct lk__picture_report *report,
                                              size_t i,
                                              struct lk_identity *own)
{
    for (int p = people->count; p-- > 0;) {
        if (takes(request->people[p].place, report, i)) {
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

static int find(lk_engine *engine,
                const struct lk_request *request,
                const struct lk_watch *watch,
                struct lk__picture_report *report,
                struct lk_error *err)
{
    struct lk_face *faces = NULL;
    int rc = lk_find_faces(engine->detector, report->picture, (float)request->face_score, watch,
                           &faces, &report->n_faces, err);
    if (!rc && report->n_faces && !(report->faces = calloc(report->n_faces, sizeof *report->faces)))
        rc = lk_fail_memory(err, "the faces", report->n_faces * sizeof *report->faces);
    for (size_t i = 0; !rc && i < report->n_faces; i++) {
        report->faces[i].face = faces[i];
        rc = lk_embed_face(engine->embedder, report->picture, &faces[i], watch,
                           &report->faces[i].face.embedding, err);
    }
    free(faces);
    return rc;
}

int lk__refine_faces(lk_engine *engine,
                     const struct lk_request *request,
                     struct lk__people *people,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err)
{
    int rc = find(engine, request, watch, report, err);
    if (rc || !report->n_faces)
        return rc;
    if (!people->count && !becomes_clearer(request, report))
        return 0;
    rc = lk__refining_open(engine, request, err);
    for (size_t i = 0; !rc && i < report->n_faces; i++) {
        struct lk_identity own;
        const struct lk_identity *identity = identity_for(request, people, report, i, &own);
        rc = lk_watch_step(watch, "refine", (int)i + 1, (int)report->n_faces, err);
        if (!rc && identity && identity != &own)
            rc = lk__policy_swap(engine, report, i, identity, watch, err);
        const struct lk__refining_wish wish = {
            identity, identity == &own, identity != &own || request->task == LK_TASK_RESTORE};
        if (!rc && identity)
            rc = lk__refine_face(engine, request, &wish, watch, report, i, err);
    }
    return rc;
}
