// SPDX-License-Identifier: Apache-2.0
/* The loop of likeness:
 *
 *     sentence ─▶ draw half (paint.c): text ▶ diffusion ▶ decode ▶ enlarge
 *              ─▶ face half (faces.c): find ▶ gate ▶ align ▶ refine ▶ light ▶ mask ▶ blend ▶ verify
 *              ─▶ trust/marks.c ─▶ result ─▶ release.c: bytes ▶ row in the audit ledger
 *
 * `draw` runs the first half alone, `swap`, `restore` and `redraw` the second half on a picture of
 * the user's, `upscale` enlarges one. Both halves take and leave float pictures, so that a half can
 * be run again, or on another machine, without loss. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pipeline/drawing/paint.h"
#include "pipeline/engine.h"
#include "pipeline/faces/alternatives.h"
#include "pipeline/faces/faces.h"
#include "pipeline/faces/redraw.h"
#include "pipeline/request_controls.h"
#include "pipeline/request_images.h"
#include "pipeline/trust/licences.h"
#include "pipeline/trust/marks.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/policy.h"
#include "pipeline/trust/provenance.h"
#include "pipeline/trust/record.h"

/* A face that somebody asked for and that came out badly is there all the same; the user hears of
 * it. */
static void remark_faces(lk_result *result, const struct lk__picture_report *report)
{
    for (size_t i = 0; i < report->n_faces; i++) {
        const struct lk__face_report *face = &report->faces[i];
        if (face->fate == LK__FACE_CHANGED && !face->verdict.passed)
            lk__result_remark(result, "face %zu as %s: %s", i, face->identity,
                              face->verdict.reason);
    }
}

/* Nor should a person be left out in silence. */
static void remark_people(lk_result *result, const struct lk__people *people)
{
    for (int i = 0; i < people->count; i++) {
        const char *place = result->request.people[i].place;
        if (!people->placed[i])
            lk__result_remark(result,
                              "%s is not in the picture: no face is found at the place '%s'",
                              people->identities[i].name, place ? place : "largest");
    }
}

static int face_half(lk_engine *engine,
                     lk_result *result,
                     struct lk__people *people,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err)
{
    double began = lk_seconds();
    const struct lk_request *request = &result->request;
    const bool redraws = request->task == LK_TASK_REDRAW ||
                         (request->task == LK_TASK_PORTRAIT && !strcmp(request->refine, "redraw"));
    int rc = redraws ? lk__redraw_faces(engine, result, watch, report, err) : 0;
    rc = rc ? rc : lk__refine_faces(engine, result, people, watch, report, err);
    report->face_seconds = lk_seconds() - began;
    if (!rc)
        remark_faces(result, report);
    return rc;
}

static int draw_half(lk_engine *engine,
                     struct lk__brief *brief,
                     int i,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err)
{
    double began = lk_seconds();
    int rc = lk__paint(engine, brief, i, watch, &report->picture, err);
    report->seed = lk__sampling_seed(brief->request, i);
    report->variation_seed = lk__sampling_variation_seed(brief->request, i);
    report->keeps_photo = brief->retouch.mask != NULL;
    report->draw_seconds = lk_seconds() - began;
    return rc;
}

/* portrait and draw: `count` pictures from one prompt. */
static int run_drawn(lk_engine *engine,
                     struct lk_result *result,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    const bool refines = lk__refines_faces(request);
    struct lk__people people = {0};
    struct lk__brief brief = {0};
    int rc = lk__uses_people(request) ? lk__people_open(engine, result, watch, &people, err)
                                      : 0; /* people first: they are cheap to refuse */
    rc = rc ? rc : lk__brief_open(engine, result, people.identities, watch, &brief, err);
    for (size_t i = 0; !rc && i < result->count; i++) {
        rc = draw_half(engine, &brief, (int)i, watch, &result->pictures[i], err);
        if (!rc && refines)
            rc = face_half(engine, result, &people, watch, &result->pictures[i], err);
    }
    lk__brief_close(&brief);
    if (!rc && refines)
        remark_people(result, &people);
    lk__people_close(&people);
    return rc;
}

static int enlarge(lk_engine *engine,
                   const struct lk_request *request,
                   const struct lk_watch *watch,
                   struct lk__picture_report *report,
                   struct lk_error *err)
{
    const struct lk_upscale_options options = {.tile = request->tile, .pad = request->tile_pad};
    int rc = lk__engine_upscaler(engine, request, err);
    if (rc)
        return rc;
    const int own = lk_upscaler_factor(engine->upscaler);
    return lk__enlarge(engine, &report->picture, request->upscale ? request->upscale : own,
                       &options, watch, err);
}

/* swap, restore, upscale, redraw: the user's picture instead of a drawn one. */
static int run_changed(lk_engine *engine,
                       struct lk_result *result,
                       const struct lk_watch *watch,
                       struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    struct lk__picture_report *report = &result->pictures[0];
    const bool finds = request->task != LK_TASK_UPSCALE;
    struct lk__people people = {0};
    int rc = finds ? lk__people_open(engine, result, watch, &people, err) : 0;
    rc = rc ? rc : lk_picture_convert(result->picture, LK_PIXEL_F32, &report->picture, err);
    report->from_photo = report->keeps_photo = true;
    if (!rc)
        rc = finds ? face_half(engine, result, &people, watch, report, err)
                   : enlarge(engine, request, watch, report, err);
    if (!rc)
        remark_people(result, &people);
    lk__people_close(&people);
    return rc;
}

static int check(const struct lk_request *request, struct lk_error *err)
{
    const char *prompt = request->prompt ? request->prompt : "";
    int rc = lk__request_check_images(request, err);
    if (rc)
        return rc;
    if (request->n_people && ((lk__changes_picture(request) && request->task != LK_TASK_SWAP) ||
                              (request->refine && !strcmp(request->refine, "restore"))))
        return lk_fail(err, LK_E_INPUT,
                       "--face gives somebody a face, and this does not: use swap or portrait");
    if (lk__changes_picture(request)) {
        if (!request->picture)
            return lk_fail(err, LK_E_INPUT, "no picture is named that shall be changed");
        if (!request->n_people && request->task == LK_TASK_SWAP)
            return lk_fail(err, LK_E_INPUT,
                           "swap: no --face is given: name whose face it shall be");
        if (request->task != LK_TASK_REDRAW)
            return 0;
    }
    if (!prompt[strspn(prompt, " \t\r\n")])
        return lk_fail(err, LK_E_INPUT, "the prompt is empty: say what the picture shall show");
    return lk__request_check_controls(request, err);
}

/* Whether something of what was made may not leave. */
static bool is_refused(const lk_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        if (*result->pictures[i].refused)
            return true;
    }
    return false;
}

/* All that is computed. */
static int make(lk_engine *engine,
                lk_result *result,
                const struct lk_watch *watch,
                struct lk_error *err)
{
    int rc = lk__policy_request(engine, result, err);
    rc = rc ? rc : lk__people_check(engine, result, watch, err);
    if (!rc)
        rc = lk__changes_picture(&result->request) ? run_changed(engine, result, watch, err)
                                                   : run_drawn(engine, result, watch, err);
    rc = rc ? rc : lk__alternatives_show(result, err);
    rc = rc ? rc : lk__people_look_again(engine, result, watch, err);
    lk__parts_turn(engine->parts, LK__PART_JUDGE);
    rc = rc ? rc : lk__policy_pictures(engine, result, watch, err);
    lk__parts_turn(engine->parts, LK__PART_MARK);
    rc = rc ? rc : lk__marks_write(engine, result, watch, err);
    lk__parts_turn(engine->parts, LK__PART_OTHER);
    return rc;
}

/* A watch that remembers when the first step of drawing began; hashing waits for that. */
struct start {
    lk_engine *engine;
    const struct lk_watch *watch; /* of the caller; or NULL */
    double began, first;          /* lk_seconds(); first 0: not yet */
};

/* What fails of the hashes is said when they are asked for. */
static void hear(void *user, const struct lk_watch_event *event)
{
    struct start *start = user;
    if (!start->first && !strcmp(event->stage, "draw")) {
        start->first = lk_seconds();
        lk__engine_hashes_ahead(start->engine, NULL);
    }
    if (start->watch && start->watch->on_event)
        start->watch->on_event(start->watch->user, event);
}

static int make_timed(lk_engine *engine,
                      lk_result *result,
                      const struct lk_watch *watch,
                      struct lk_error *err)
{
    struct start start = {
        .engine = engine, .watch = watch, .began = engine->opened ? engine->opened : lk_seconds()};
    struct lk_watch own = watch ? *watch : (struct lk_watch){0};
    own.on_event = hear;
    own.user = &start;
    engine->opened = 0;
    const int rc = make(engine, result, &own, err);
    result->start_seconds = start.first ? start.first - start.began : 0;
    return rc;
}

/* What is known only now of how networks were opened, and of what they are. */
static int ask_models(lk_engine *engine, lk_result *result, struct lk_error *err)
{
    char complaint[512];
    if (lk_runtime_complaint(engine->runtime, complaint, sizeof complaint))
        lk__result_remark(result, "%s", complaint);
    int rc = lk__engine_hashes(engine, err);
    return rc || !*result->model
               ? rc
               : lk_checkpoint_hash(engine->painter.checkpoint, result->hash, err);
}

int lk_engine_run(lk_engine *engine,
                  const struct lk_request *request,
                  const struct lk_watch *watch,
                  lk_result **out,
                  struct lk_error *err)
{
    lk_result *result = NULL;
    int rc = check(request, err);
    rc = rc ? rc : lk__marks_open(engine, request, err);
    rc = rc ? rc : lk__provenance_try(engine, err);
    rc = rc ? rc : lk__record_try(engine, err);
    rc = rc ? rc
            : lk__result_new(request, lk__changes_picture(request) ? 1 : (size_t)request->count,
                             &result, err);
    if (rc)
        return rc;
    lk__debug_folder_begin(engine->debug_folder);
    lk__parts_begin(engine->parts);
    lk__seen_begin(engine);
    const char *producer = engine->options.producer;
    snprintf(result->producer, sizeof result->producer, "%s", producer ? producer : "likeness");
    lk_memory_watch *memory = lk_memory_begin();
    rc = make_timed(engine, result, watch, err);
    lk__seen_forget(engine);
    result->memory = lk_memory_end(memory);
    rc = rc ? rc : ask_models(engine, result, err);
    if (!rc)
        lk__remark_licences(engine, result);
    rc = rc ? rc : lk__record_begin(engine, result, err);
    rc = rc ? rc : lk__provenance_begin(engine, result, err);
    lk__parts_turn(engine->parts, LK__PART_OTHER);
    result->parts = *engine->parts;
    rc = rc ? rc : lk__result_describe(result, err);
    if (rc == LK_E_REFUSED || (!rc && is_refused(result)))
        lk__debug_folder_take_back(engine->debug_folder);
    if (rc)
        lk_result_free(result);
    else
        *out = result;
    return rc;
}
