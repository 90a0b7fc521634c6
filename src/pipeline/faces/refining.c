// SPDX-License-Identifier: Apache-2.0
/* A face goes through steps, each of which takes the whole picture and leaves it with the face
 * changed under its mask:
 *
 *     redraw    where the manner says so: the diffusion model draws the face again
 *     swap      another identity, or its own, which makes it clearer
 *     restore   a restorer's clear face; of it only what it changed is added, so that what it
 *               leaves alone is not blurred by coming and going, however often
 *     grain     the fine texture that the picture has and a network's face has not
 *
 * What parser and occluder see is asked once, of the picture as it was. */
#include "pipeline/faces/refining.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/faces/alternatives.h"
#include "pipeline/faces/manners.h"
#include "pipeline/faces/masks.h"
#include "pipeline/faces/redraw.h"
#include "pipeline/slots.h"
#include "stages/fit/fit.h"
#include "stages/fit/grain.h"

bool lk__only_restores(const struct lk_request *request)
{
    return request->task == LK_TASK_RESTORE || !strcmp(request->refine, "restore");
}

int lk__refining_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const bool swaps = !lk__only_restores(request);
    struct lk__mask_options masks;
    int rc = lk__mask_options_read(request, &masks, err);
    rc = rc ? rc : lk__engine_restorer(engine, request, !swaps, err);
    rc = rc ? rc : lk__engine_parser(engine, request, masks.region, err);
    rc = rc ? rc : lk__engine_occluder(engine, request, masks.occlusion, err);
    if (!rc && swaps)
        rc = lk__engine_swapper(engine, request, err);
    return rc || !swaps ? rc
                        : lk__engine_upscaler(engine, LK__ENLARGES_FACES, request->upscaler, err);
}

/* Whether faces are restored without another manner saying so. */
static bool restores_as_asked(const lk_engine *engine, const struct lk_request *request)
{
    return engine->restorer && request->restore_strength > 0 &&
           (request->restorer || lk__only_restores(request) ||
            lk__starter_of(engine->catalog, LK_ROLE_RESTORER));
}

/* One face on its way. */
struct refining {
    lk_engine *engine;
    lk_result *result;
    const struct lk_request *request; /* the result's */
    const struct lk_watch *watch;
    const struct lk__refining_wish *wish;
    const struct lk_picture *original;
    const struct lk_face *face; /* in it */
    struct lk_face before;      /* the same, seen as it is looked for again */
    unsigned holds;             /* LK__FACE_… */
    struct lk__mask_options options;
    struct lk__face_masks seen;
};

/* What a manner of refining has come to. Owned. */
struct outcome {
    struct lk_picture *finished; /* the whole picture */
    struct lk_face face;         /* where it is, before it is swapped or restored */
    struct lk_mask *mask;        /* of the last step, in its crop */
    struct lk_affine to_crop;
    struct lk_verdict verdict;
};

static void outcome_free(struct outcome *outcome)
{
    lk_picture_free(outcome->finished);
    lk_mask_free(outcome->mask);
    *outcome = (struct outcome){0};
}

/* ---- steps ---- */

/* The face drawn again, and found again: where it is not, it is taken to be where it was. */
static int redraw(const struct refining *r,
                  const struct lk__manner *manner,
                  struct outcome *out,
                  struct lk_error *err)
{
    struct lk_picture *drawn;
    bool found;
    int rc = lk__redraw_face(r->engine, r->result, r->original, r->face,
                             r->request->count + lk__manner_number(manner), r->watch, &drawn, err);
    if (rc)
        return rc;
    lk_picture_free(out->finished);
    out->finished = drawn;
    return lk__engine_face_again(r->engine, r->request, drawn, r->face, r->watch, &out->face,
                                 &found, err);
}

/* blended − before, in place of blended. */
static void take_change(const struct lk_picture *before, struct lk_picture *blended)
{
    const size_t n = (size_t)before->width * (size_t)before->height * 3;
    for (size_t i = 0; i < n; i++)
        blended->f32[i] -= before->f32[i];
}

/* Fits the refined crop into the picture, which becomes out's, with its mask. adds: only what the
 * network changed; not where the crop is coarser than the picture, which would keep old detail. */
static int fit_in(const struct refining *r,
                  const struct lk_refined *refined,
                  bool adds,
                  struct outcome *out,
                  struct lk_error *err)
{
    const struct lk_affine *to_crop = &refined->to_crop;
    const int width = refined->crop->width, height = refined->crop->height;
    struct lk_fit_options fit;
    struct lk_picture *before = NULL, *blended = NULL;
    struct lk_mask *seen = NULL, *mask = NULL;
    float points[5][2];
    lk_fit_options_init(&fit);
    fit.mask = r->options.fit;
    for (int i = 0; i < 5; i++)
        lk_affine_apply(to_crop, out->face.points[i], points[i]);
    /* The picture itself, not the crop that the network saw: what is blended in must meet the
     * picture's own pixels. */
    int rc = lk_affine_crop(out->finished, to_crop, width, height, &before, err);
    rc = rc ? rc : lk__face_masks_in(&r->seen, to_crop, width, height, &seen, err);
    const struct lk_mask *const extra[] = {seen};
    rc = rc ? rc
            : lk_fit_face(before, refined->crop, (const float(*)[2])points, extra, seen != NULL,
                          &fit, &r->engine->debug, &blended, &mask, NULL, err);
    if (!rc && adds && lk_affine_scale(to_crop) >= 1) {
        take_change(before, blended);
        rc = lk_affine_add(out->finished, blended, mask, to_crop, err);
    } else if (!rc) {
        rc = lk_affine_paste(out->finished, blended, mask, to_crop, err);
    }
    lk_picture_free(before);
    lk_picture_free(blended);
    lk_mask_free(seen);
    if (rc) {
        lk_mask_free(mask);
        return rc;
    }
    lk_mask_free(out->mask);
    out->mask = mask;
    out->to_crop = *to_crop;
    return 0;
}

static int swap(const struct refining *r,
                const struct lk__manner *manner,
                struct outcome *out,
                struct lk_error *err)
{
    const lk_engine *engine = r->engine;
    struct lk_swap_options options;
    struct lk_refined swapped = {0};
    lk_swap_options_init(&options);
    options.upscaler = engine->upscalers[LK__ENLARGES_FACES].upscaler;
    options.boost = manner->boost;
    options.strength = manner->identity * (float)r->request->identity_strength;
    options.passes =
        manner->passes + (r->request->swap_passes ? r->request->swap_passes : engine->swap_passes);
    lk__parts_turn(engine->parts, LK__PART_CHANGE);
    int rc = lk_swap_face(engine->swapper, out->finished, &out->face, r->wish->identity, &options,
                          r->watch, &swapped, err);
    lk__parts_turn(engine->parts, LK__PART_BLEND);
    if (rc)
        return rc;
    lk_debug_picture(&engine->debug, "refine/crop-before", swapped.before);
    lk_debug_picture(&engine->debug, "refine/crop-swapped", swapped.crop);
    rc = fit_in(r, &swapped, false, out, err);
    lk_refined_free(&swapped);
    return rc;
}

static int restore(const struct refining *r,
                   const struct lk__manner *manner,
                   struct outcome *out,
                   struct lk_error *err)
{
    const lk_engine *engine = r->engine;
    const struct lk_restore_options options = {
        .strength = manner->restoring * (float)r->request->restore_strength,
        .weight = (float)r->request->codeformer_weight,
    };
    struct lk_refined restored = {0};
    lk__parts_turn(engine->parts, LK__PART_CHANGE);
    int rc = lk_restore_face(engine->restorer, out->finished, &out->face, &options, r->watch,
                             &restored, err);
    lk__parts_turn(engine->parts, LK__PART_BLEND);
    if (rc)
        return rc;
    lk_debug_picture(&engine->debug, "refine/crop-blurred", restored.before);
    lk_debug_picture(&engine->debug, "refine/crop-restored", restored.crop);
    rc = fit_in(r, &restored, true, out, err);
    lk_refined_free(&restored);
    return rc;
}

/* ---- verifying ---- */

/* Two looks of one kind can be compared. A face that this look does not show stays as it was found.
 */
static int see_before(struct refining *r, struct lk_error *err)
{
    bool found;
    r->before = *r->face;
    int rc = lk__engine_face_again(r->engine, r->request, r->original, r->face, r->watch,
                                   &r->before, &found, err);
    r->before.embedding = r->face->embedding;
    return rc;
}

/* Looks at the finished picture as a stranger would: finds the face again, and measures. */
static int verify(const struct refining *r, struct outcome *out, struct lk_error *err)
{
    const lk_engine *engine = r->engine;
    const int width = out->mask->width, height = out->mask->height;
    struct lk_face again;
    struct lk_picture *before = NULL, *after = NULL;
    struct lk_verify_options options;
    bool found = false;
    float years = 0;
    lk_verify_options_init(&options);
    options.cosine_min = engine->same_person * fminf((float)r->request->identity_strength, 1);
    if (!r->wish->asked)
        options.sharpness_min = 1; /* clearer is the point */
    int rc = lk__engine_face_again(engine, r->request, out->finished, r->face, r->watch, &again,
                                   &found, err);
    if (!rc && found) {
        rc =
            lk_embed_face(engine->embedder, out->finished, &again, r->watch, &again.embedding, err);
        if (!rc && engine->judges.agegender && r->wish->identity->years > 0)
            rc = lk_face_age(engine->judges.agegender, out->finished, &again, r->watch, &years,
                             NULL, err);
    }
    rc = rc ? rc : lk_affine_crop(r->original, &out->to_crop, width, height, &before, err);
    rc = rc ? rc : lk_affine_crop(out->finished, &out->to_crop, width, height, &after, err);
    if (!rc) {
        lk_debug_picture(&engine->debug, "judge/crop-after", after);
        struct lk_verify_input input = {.before = before,
                                        .after = after,
                                        .mask = out->mask,
                                        .face_before = &r->before,
                                        .face_after = found ? &again : NULL,
                                        .face_lost = !found,
                                        .identity = &r->wish->identity->embedding,
                                        .years = years,
                                        .years_wanted = r->wish->identity->years};
        rc = lk_verify_face(&input, &options, &out->verdict, err);
    }
    lk_picture_free(before);
    lk_picture_free(after);
    return rc;
}

/* ---- manners ---- */

static int refine(const struct refining *r,
                  const struct lk__manner *manner,
                  struct outcome *out,
                  struct lk_error *err)
{
    const bool restores = (r->holds & LK__FACE_RESTORED) || (manner->needs & LK__FACE_RESTORABLE);
    out->face = *r->face;
    lk__parts_turn(r->engine->parts, LK__PART_BLEND);
    int rc = lk_picture_convert(r->original, LK_PIXEL_F32, &out->finished, err);
    if (!rc && manner->redraws)
        rc = redraw(r, manner, out, err);
    if (!rc && (r->holds & LK__FACE_SWAPPED))
        rc = swap(r, manner, out, err);
    if (!rc && restores && manner->restoring > 0)
        rc = restore(r, manner, out, err);
    if (!rc)
        rc = lk_grain_match(r->original, out->mask, &out->to_crop, (float)r->request->grain,
                            out->finished, NULL, err);
    lk__parts_turn(r->engine->parts, LK__PART_JUDGE);
    rc = rc ? rc : verify(r, out, err);
    lk__parts_turn(r->engine->parts, LK__PART_OTHER);
    return rc;
}

static bool is_better(const struct lk_verdict *a, const struct lk_verdict *b)
{
    return a->passed != b->passed ? a->passed : a->excess < b->excess;
}

/* Tries a manner; *best becomes it when it is better, and may. */
static int try_manner(const struct refining *r,
                      const struct lk__manner *manner,
                      bool may_be_taken,
                      struct lk__face_report *report,
                      struct outcome *best,
                      struct lk_error *err)
{
    struct lk__tried *tried = &report->tried[report->n_tried++];
    struct outcome outcome = {0};
    int rc = refine(r, manner, &outcome, err);
    tried->manner = manner->name;
    tried->verdict = outcome.verdict;
    if (!rc && r->request->alternatives)
        rc = lk__alternatives_keep(outcome.finished, r->face, &tried->crop, err);
    if (!rc && may_be_taken && (!best->finished || is_better(&outcome.verdict, &best->verdict))) {
        for (struct lk__tried *t = report->tried; t < tried; t++)
            t->taken = false;
        tried->taken = true;
        outcome_free(best);
        *best = outcome;
    } else {
        outcome_free(&outcome);
    }
    return rc;
}

/* Tries manners until one passes or the request's retries are used up, and *best is the best of
 * them; then as many more as are to be shown beside it. */
static int try_manners(const struct refining *r,
                       struct lk__face_report *report,
                       struct outcome *best,
                       struct lk_error *err)
{
    const struct lk_request *request = r->request;
    const struct lk__manner *manner;
    int rc = 0;
    for (size_t i = 0; !rc && (manner = lk__manner_at(request->manner, r->holds, i)); i++) {
        const bool may_be_taken = report->n_tried <= request->retries && !best->verdict.passed;
        if (!may_be_taken && report->n_tried > request->alternatives)
            break;
        rc = try_manner(r, manner, may_be_taken, report, best, err);
    }
    return rc;
}

/* LK__FACE_… of a face of the picture. */
static unsigned holds_of(const struct refining *r, const struct lk__picture_report *report)
{
    const struct lk_request *request = r->request;
    const bool restores = restores_as_asked(r->engine, request),
               swaps = !r->wish->own || (!restores && !lk__only_restores(request)),
               can_restore = r->engine->restorer && request->restore_strength > 0,
               drawn = request->task == LK_TASK_PORTRAIT && !report->keeps_photo &&
                       lk__redraws_face(r->result, r->original, r->face);
    return (swaps ? LK__FACE_SWAPPED : 0) | (restores ? LK__FACE_RESTORED : 0) |
           (can_restore && !restores ? LK__FACE_RESTORABLE : 0) | (drawn ? LK__FACE_DRAWN : 0);
}

int lk__refine_face(lk_engine *engine,
                    lk_result *result,
                    const struct lk__refining_wish *wish,
                    const struct lk_watch *watch,
                    struct lk__picture_report *report,
                    size_t i,
                    struct lk_error *err)
{
    struct lk__face_report *face = &report->faces[i];
    struct refining r = {
        .engine = engine,
        .result = result,
        .request = &result->request,
        .watch = watch,
        .wish = wish,
        .original = report->picture,
        .face = &face->face,
    };
    struct outcome best = {0};
    r.holds = holds_of(&r, report);
    if (!(r.holds & (LK__FACE_SWAPPED | LK__FACE_RESTORED)))
        return 0;
    snprintf(face->identity, sizeof face->identity, "%s", wish->identity->name);
    int rc = lk__mask_options_read(r.request, &r.options, err);
    lk__parts_turn(engine->parts, LK__PART_BLEND);
    rc = rc ? rc : lk__face_masks_see(engine, &r.options, r.original, r.face, watch, &r.seen, err);
    rc = rc ? rc : see_before(&r, err);
    if (!rc && r.request->alternatives)
        rc = lk__alternatives_keep(r.original, r.face, &face->before, err);
    rc = rc ? rc : try_manners(&r, face, &best, err);
    if (!rc) {
        bool keep = wish->asked || best.verdict.passed;
        face->verdict = best.verdict;
        face->fate = keep ? LK__FACE_CHANGED : LK__FACE_GIVEN_BACK;
        if (keep) {
            lk_picture_free(report->picture);
            report->picture = lk_picture_ref(best.finished);
        }
    }
    lk__face_masks_free(&r.seen);
    outcome_free(&best);
    return rc;
}
