// SPDX-License-Identifier: Apache-2.0
/* Which face gets which identity, and the steps that give it. */
#include "pipeline/faces.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/choosing.h"
#include "pipeline/trust/policy.h"
#include "stages/fit/fit.h"

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
    if (report->keeps_photo || strcmp(request->refine, "auto"))
        return NULL;
    *own = (struct lk_identity){
        .name = LK__OWN_IDENTITY, .photos = 1, .embedding = report->faces[i].face.embedding};
    return own;
}

/* The face of the finished picture that is this one: the one whose middle is nearest, if it lies in
 * the old box. */
static const struct lk_face *same_place(const struct lk_face *faces,
                                        size_t n,
                                        const struct lk_face *old)
{
    const struct lk_face *best = NULL;
    float x = (old->box[0] + old->box[2]) / 2, y = (old->box[1] + old->box[3]) / 2,
          nearest = INFINITY;
    for (size_t i = 0; i < n; i++) {
        float dx = (faces[i].box[0] + faces[i].box[2]) / 2 - x,
              dy = (faces[i].box[1] + faces[i].box[3]) / 2 - y;
        bool inside = fabsf(dx) < (old->box[2] - old->box[0]) / 2 &&
                      fabsf(dy) < (old->box[3] - old->box[1]) / 2;
        if (inside && hypotf(dx, dy) < nearest) {
            nearest = hypotf(dx, dy);
            best = &faces[i];
        }
    }
    return best;
}

/* One face on its way through the face half. */
struct refining {
    lk_engine *engine;
    const struct lk_request *request;
    const struct lk_watch *watch;
    const struct lk_identity *identity;
    bool asked; /* somebody named this identity; else the face is made clearer by its own */
    struct lk_picture *finished; /* the whole picture with the refined face */
    struct lk_swapped swapped;
    struct lk_mask *mask;
};

/* Swap, light, mask, blend, paste: into r->finished, a copy of the picture. */
static int refine(struct refining *r,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  struct lk_error *err)
{
    const lk_engine *engine = r->engine;
    struct lk_swap_options swap;
    struct lk_fit_options fit;
    struct lk_picture *before = NULL, *blended = NULL;
    float points[5][2];
    lk_swap_options_init(&swap);
    lk_fit_options_init(&fit);
    swap.upscaler = engine->upscaler;
    int rc = lk_swap_face(engine->swapper, picture, face, r->identity, &swap, r->watch, &r->swapped,
                          err);
    if (rc)
        return rc;
    for (int i = 0; i < 5; i++)
        lk_affine_apply(&r->swapped.to_crop, face->points[i], points[i]);
    lk_debug_picture(&engine->debug, "refine/crop-before", r->swapped.before);
    lk_debug_picture(&engine->debug, "refine/crop-swapped", r->swapped.crop);
    /* The picture itself, not the crop that the network saw: what is blended in must meet the
     * picture's own pixels. */
    rc = lk_affine_crop(picture, &r->swapped.to_crop, r->swapped.crop->width,
                        r->swapped.crop->height, &before, err);
    rc = rc ? rc
            : lk_fit_face(before, r->swapped.crop, (const float(*)[2])points, NULL, 0, &fit,
                          &engine->debug, &blended, &r->mask, NULL, err);
    rc = rc ? rc : lk_picture_convert(picture, LK_PIXEL_F32, &r->finished, err);
    rc = rc ? rc : lk_affine_paste(r->finished, blended, r->mask, &r->swapped.to_crop, err);
    lk_picture_free(before);
    lk_picture_free(blended);
    return rc;
}

/* Looks at the finished picture as a stranger would: finds the face again, and measures. */
static int verify(struct refining *r,
                  const struct lk_picture *picture,
                  const struct lk_face *face,
                  struct lk_verdict *verdict,
                  struct lk_error *err)
{
    const struct lk_affine *to_crop = &r->swapped.to_crop;
    int width = r->swapped.crop->width, height = r->swapped.crop->height;
    struct lk_face *found = NULL, again;
    struct lk_picture *before = NULL, *after = NULL;
    struct lk_verify_options options;
    const struct lk_face *at = NULL;
    size_t n = 0;
    lk_verify_options_init(&options);
    options.cosine_min = r->engine->same_person;
    if (!r->asked)
        options.sharpness_min = 1; /* clearer is the point */
    int rc = lk__engine_faces(r->engine, r->request, r->finished, r->watch, &found, &n, err);
    if (!rc && (at = same_place(found, n, face))) {
        again = *at;
        rc = lk_embed_face(r->engine->embedder, r->finished, &again, r->watch, &again.embedding,
                           err);
    }
    rc = rc ? rc : lk_affine_crop(picture, to_crop, width, height, &before, err);
    rc = rc ? rc : lk_affine_crop(r->finished, to_crop, width, height, &after, err);
    if (!rc) {
        lk_debug_picture(&r->engine->debug, "judge/crop-after", after);
        struct lk_verify_input input = {.before = before,
                                        .after = after,
                                        .mask = r->mask,
                                        .face_before = face,
                                        .face_after = at ? &again : NULL,
                                        .face_lost = !at,
                                        .identity = &r->identity->embedding};
        rc = lk_verify_face(&input, &options, verdict, err);
    }
    lk_picture_free(before);
    lk_picture_free(after);
    free(found);
    return rc;
}

/* Refines face i. An identity that was asked for is given even when the verdict is bad, which the
 * report and a remark then say; a face that nobody asked for changes only when the result passes.
 */
static int refine_face(lk_engine *engine,
                       const struct lk_request *request,
                       const struct lk_identity *identity,
                       bool asked,
                       const struct lk_watch *watch,
                       struct lk__picture_report *report,
                       size_t i,
                       struct lk_error *err)
{
    struct lk__face_report *face = &report->faces[i];
    struct refining r = {
        .engine = engine, .request = request, .watch = watch, .identity = identity, .asked = asked};
    snprintf(face->identity, sizeof face->identity, "%s", identity->name);
    int rc = refine(&r, report->picture, &face->face, err);
    rc = rc ? rc : verify(&r, report->picture, &face->face, &face->verdict, err);
    if (!rc) {
        bool keep = r.asked || face->verdict.passed;
        face->fate = keep ? LK__FACE_CHANGED : LK__FACE_GIVEN_BACK;
        if (keep) {
            lk_picture_free(report->picture);
            report->picture = lk_picture_ref(r.finished);
        }
    }
    lk_picture_free(r.finished);
    lk_mask_free(r.mask);
    lk_swapped_free(&r.swapped);
    return rc;
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
                const struct lk_request *request,
                const struct lk_watch *watch,
                struct lk__picture_report *report,
                struct lk_error *err)
{
    struct lk_face *faces = NULL;
    int rc =
        lk__engine_faces(engine, request, report->picture, watch, &faces, &report->n_faces, err);
    if (!rc && asks_age(request))
        rc = tell_ages(engine, report->picture, faces, report->n_faces, watch, err);
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
    rc = lk__engine_swapper(engine, request, err);
    rc = rc ? rc : lk__engine_upscaler(engine, request, err);
    for (size_t i = 0; !rc && i < report->n_faces; i++) {
        struct lk_identity own;
        const struct lk_identity *identity = identity_for(engine, request, people, report, i, &own);
        rc = lk_watch_step(watch, "refine", (int)i + 1, (int)report->n_faces, err);
        if (!rc && identity && identity != &own)
            rc = lk__policy_swap(engine, report, i, identity, watch, err);
        if (!rc && identity)
            rc = refine_face(engine, request, identity, identity != &own, watch, report, i, err);
    }
    return rc;
}
