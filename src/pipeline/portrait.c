// SPDX-License-Identifier: Apache-2.0
/* The loop of likeness:
 *
 *     sentence ─▶ draw half (paint.c): text ▶ diffusion ▶ decode ▶ enlarge
 *              ─▶ face half (faces.c): find ▶ gate ▶ align ▶ refine ▶ light ▶ mask ▶ blend ▶ verify
 *              ─▶ finish: judge (trust/policy.c) ▶ mark (trust/marks.c) ▶ encode (release.c)
 *              ─▶ result ─▶ release.c: bytes ▶ row in the audit ledger
 *
 * Several pictures go through the halves side by side (base/line.h): while one is drawn, the faces
 * of the one before are refined, and the one before that is finished. What a stage does depends on
 * nothing that another does to another picture, so the pictures are those that one after the other
 * would have given.
 *
 * `draw` runs the first half alone, `swap`, `restore` and `redraw` the second half on a picture of
 * the user's, `upscale` enlarges one. Both halves take and leave float pictures, so that a half can
 * be run again, or on another machine, without loss. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/line.h"
#include "base/parallel.h"
#include "base/size.h"
#include "pipeline/drawing/paint.h"
#include "pipeline/engine.h"
#include "pipeline/faces/alternatives.h"
#include "pipeline/faces/faces.h"
#include "pipeline/faces/manners.h"
#include "pipeline/faces/redraw.h"
#include "pipeline/request_controls.h"
#include "pipeline/request_images.h"
#include "pipeline/trust/licences.h"
#include "pipeline/trust/marks.h"
#include "pipeline/trust/people.h"
#include "pipeline/trust/policy.h"
#include "pipeline/trust/provenance.h"
#include "pipeline/trust/record.h"

/* So many pictures wait for the next stage at most. */
enum { PICTURES_AHEAD = 2 };

/* A face that somebody asked for and that came out badly is there all the same; the user hears of
 * it. */
static void remark_faces(lk_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct lk__picture_report *report = &result->pictures[i];
        for (size_t k = 0; k < report->n_faces; k++) {
            const struct lk__face_report *face = &report->faces[k];
            if (face->fate == LK__FACE_CHANGED && !face->verdict.passed)
                lk__result_remark(result, "face %zu as %s: %s", k, face->identity,
                                  face->verdict.reason);
        }
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

/* Whether the picture may leave, and as what. */
static int finish(lk_engine *engine,
                  lk_result *result,
                  size_t i,
                  const struct lk_watch *watch,
                  struct lk_error *err)
{
    lk__parts_turn(engine->parts, LK__PART_JUDGE);
    int rc = lk__policy_picture(engine, result, i, watch, err);
    lk__parts_turn(engine->parts, LK__PART_MARK);
    rc = rc ? rc : lk__marks_write(engine, &result->request, watch, &result->pictures[i], err);
    lk__parts_turn(engine->parts, LK__PART_OTHER);
    return rc ? rc : lk__release_prepare(engine, result, i, err);
}

/* ---- portrait and draw: `count` pictures from one prompt ---- */

/* What the stages of the line share; see struct lk_engine for what is whose. */
struct drawing {
    lk_engine *engine;
    lk_result *result;
    struct lk__brief brief;   /* of the drawing */
    struct lk__people people; /* of the faces */
};

static int draw_picture(void *user, size_t i, const struct lk_watch *watch, struct lk_error *err)
{
    struct drawing *d = user;
    return draw_half(d->engine, &d->brief, (int)i, watch, &d->result->pictures[i], err);
}

static int refine_picture(void *user, size_t i, const struct lk_watch *watch, struct lk_error *err)
{
    struct drawing *d = user;
    return lk__refines_faces(&d->result->request)
               ? face_half(d->engine, d->result, &d->people, watch, &d->result->pictures[i], err)
               : 0;
}

static int finish_picture(void *user, size_t i, const struct lk_watch *watch, struct lk_error *err)
{
    struct drawing *d = user;
    return finish(d->engine, d->result, i, watch, err);
}

static int do_all(void *user, size_t i, const struct lk_watch *watch, struct lk_error *err)
{
    int rc = draw_picture(user, i, watch, err);
    rc = rc ? rc : refine_picture(user, i, watch, err);
    return rc ? rc : finish_picture(user, i, watch, err);
}

/* Whether the stages can work side by side: faces are not drawn again, which the drawing's networks
 * would have to be shared for; there is a second thread, or another device, to do so; the budget
 * has room for the networks of all; and nobody wants to see the steps in their order. */
static bool overlaps(const lk_engine *engine, const lk_result *result)
{
    const struct lk_request *request = &result->request;
    const double larger = request->hires > 1 ? request->hires : 1;
    const bool redraws =
        lk__refines_faces(request) &&
        (!strcmp(request->refine, "redraw") ||
         lk__manners_redraw(request->manner, request->retries + request->alternatives));
    const bool one_thread = lk_hands_count(lk_runtime_hands(engine->runtime)) == 1 &&
                            lk_runtime_on_cpu(engine->runtime, lk__engine_draw_device(engine)) &&
                            lk_runtime_on_cpu(engine->runtime, lk__engine_face_device(engine));
    return result->count > 1 && !redraws && !one_thread && !engine->debug_folder &&
           lk_drawer_has_room(engine->painter.drawer, (int)(request->width * larger),
                              (int)(request->height * larger));
}

static int run_line(struct drawing *d, const struct lk_watch *watch, struct lk_error *err)
{
    const lk_engine *engine = d->engine;
    const bool drawn_here = lk_runtime_on_cpu(engine->runtime, lk__engine_draw_device(engine));
    const struct lk_line_stage apart[] = {
        {draw_picture, drawn_here}, {refine_picture, true}, {finish_picture, true}};
    const struct lk_line_stage one[] = {{do_all, false}};
    const bool side_by_side = overlaps(engine, d->result);
    if (side_by_side)
        lk__parts_stop(engine->parts);
    const struct lk_line line = {
        .stages = side_by_side ? apart : one,
        .n_stages = side_by_side ? LK_ARRAY_LENGTH(apart) : 1,
        .n_items = d->result->count,
        .ahead = PICTURES_AHEAD,
        .hands = lk_runtime_hands(engine->runtime),
        .user = d,
    };
    return lk_line_run(&line, watch, err);
}

static int run_drawn(lk_engine *engine,
                     struct lk_result *result,
                     const struct lk_watch *watch,
                     struct lk_error *err)
{
    struct drawing d = {.engine = engine, .result = result};
    int rc = lk__uses_people(&result->request)
                 ? lk__people_open(engine, result, watch, &d.people, err)
                 : 0; /* people first: they are cheap to refuse */
    rc = rc ? rc : lk__brief_open(engine, result, d.people.identities, watch, &d.brief, err);
    rc = rc ? rc : run_line(&d, watch, err);
    lk__brief_close(&d.brief);
    if (!rc && lk__refines_faces(&result->request)) {
        remark_faces(result);
        remark_people(result, &d.people);
    }
    lk__people_close(&d.people);
    return rc;
}

static int enlarge(lk_engine *engine,
                   const struct lk_request *request,
                   const struct lk_watch *watch,
                   struct lk__picture_report *report,
                   struct lk_error *err)
{
    const struct lk_upscale_options options = {.tile = request->tile, .pad = request->tile_pad};
    int rc = lk__engine_upscaler(engine, LK__ENLARGES_PICTURES, request->upscaler, err);
    if (rc)
        return rc;
    const int own = lk_upscaler_factor(engine->upscalers[LK__ENLARGES_PICTURES].upscaler);
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
    report->picture = rc ? NULL : lk_picture_ref(result->picture);
    report->from_photo = report->keeps_photo = true;
    if (!rc)
        rc = finds ? face_half(engine, result, &people, watch, report, err)
                   : enlarge(engine, request, watch, report, err);
    if (!rc) {
        remark_faces(result);
        remark_people(result, &people);
    }
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
    for (size_t i = 0; i < result->count && !rc; i++) {
        if (!result->pictures[i].marked) /* a sheet, or what was not drawn */
            rc = finish(engine, result, i, watch, err);
    }
    if (!rc) {
        lk__policy_remark(engine, result);
        lk__marks_remark(result);
    }
    return rc;
}

/* A watch that tells the caller one event at a time, whichever stage it comes from, and remembers
 * when the first step of drawing began; hashing waits for that. */
struct start {
    lk_engine *engine;
    const struct lk_watch *watch; /* of the caller; or NULL */
    pthread_mutex_t telling;
    double began, first; /* lk_seconds(); first 0: not yet */
};

/* What fails of the hashes is said when they are asked for. */
static void hear(void *user, const struct lk_watch_event *event)
{
    struct start *start = user;
    pthread_mutex_lock(&start->telling);
    if (!start->first && !strcmp(event->stage, "draw")) {
        start->first = lk_seconds();
        lk__engine_hashes_ahead(start->engine, NULL);
    }
    if (start->watch && start->watch->on_event)
        start->watch->on_event(start->watch->user, event);
    pthread_mutex_unlock(&start->telling);
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
    pthread_mutex_init(&start.telling, NULL);
    const int rc = make(engine, result, &own, err);
    pthread_mutex_destroy(&start.telling);
    result->start_seconds = start.first ? start.first - start.began : 0;
    return rc;
}

/* What is known only now of how networks were opened, and of what they are. */
static int ask_models(lk_engine *engine, lk_result *result, struct lk_error *err)
{
    char complaint[512];
    if (lk_runtime_complaint(engine->runtime, complaint, sizeof complaint))
        lk__result_remark(result, "%s", complaint);
    return lk__engine_label(engine, result, err);
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
    lk_hands *own = lk_spread_by(lk_runtime_hands(engine->runtime));
    rc = make_timed(engine, result, watch, err);
    lk_spread_by(own);
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
