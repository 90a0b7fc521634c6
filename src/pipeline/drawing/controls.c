// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/controls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "pipeline/engine.h"
#include "stages/diffuse/control/annotate.h"

/* ---- the engine's ---- */

static void close_slot(struct lk__control_open *slot)
{
    lk_control_free(slot->control);
    free(slot->spec);
    *slot = (struct lk__control_open){0};
}

void lk__controls_close(struct lk__controls_open *open)
{
    lk_depth_free(open->depth);
    lk_pose_network_free(open->pose);
    free(open->depth_path);
    free(open->pose_path);
    for (int i = 0; i < LK_CONTROLS_MAX; i++)
        close_slot(&open->slots[i]);
}

void lk__controls_begin(struct lk__controls_open *open)
{
    for (int i = 0; i < LK_CONTROLS_MAX; i++)
        open->slots[i].used = false;
}

void lk__controls_record(const struct lk__controls_open *open, json_t *models)
{
    for (int i = 0; i < LK_CONTROLS_MAX; i++) {
        const struct lk__control_open *slot = &open->slots[i];
        if (slot->used)
            json_array_append_new(models,
                                  json_pack("{s:s,s:s,s:s}", "role", lk_role_name(LK_ROLE_CONTROL),
                                            "name", slot->name, "sha256", slot->sha256.hex));
    }
}

/* A slot of that name, else one that this run has not taken. */
static struct lk__control_open *find_slot(struct lk__controls_open *open, const char *spec)
{
    struct lk__control_open *found = NULL;
    for (int i = 0; i < LK_CONTROLS_MAX; i++) {
        struct lk__control_open *slot = &open->slots[i];
        if (slot->spec && !strcmp(slot->spec, spec))
            return slot;
        if (!slot->used && (!found || (found->spec && !slot->spec)))
            found = slot;
    }
    return found;
}

static int open_slot(lk_engine *engine,
                     struct lk__control_open *slot,
                     const struct lk_request_control *asked,
                     const char *spec,
                     struct lk_error *err)
{
    const struct lk_model_entry *entry;
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_CONTROL, spec, &entry, err);
    if (rc == LK_E_MISSING && !asked->model)
        return lk_fail(err, rc,
                       "--control %s: no ControlNet is called so on this machine: give one for the "
                       "model by --control-model",
                       asked->type);
    if (rc)
        return rc;
    close_slot(slot);
    rc = lk_control_open(engine->runtime, entry->path, lk__engine_draw_device(engine),
                         &slot->control, err);
    if (rc)
        return rc;
    lk_checkpoint *checkpoint = lk_control_checkpoint(slot->control);
    snprintf(slot->name, sizeof slot->name, "%s", lk_checkpoint_name(checkpoint));
    rc = lk_checkpoint_sha256(checkpoint, &slot->sha256, err);
    if (!rc && !(slot->spec = strdup(spec)))
        rc = lk_fail_memory(err, "a model's name", strlen(spec));
    if (rc)
        close_slot(slot);
    return rc;
}

/* ---- what networks see ---- */

/* The network of the role: what is named, else an installed one. *kept is the path of what is open,
 * and becomes that of what is to be opened; *is_open says whether it is the same. */
static int choose_network(lk_engine *engine,
                          enum lk_role role,
                          const char *named,
                          char **kept,
                          bool *is_open,
                          const struct lk_model_entry **entry,
                          struct lk_error *err)
{
    int rc = lk__engine_judge(engine, role, named, entry, err);
    if (!rc && !*entry)
        rc = lk_catalog_find(engine->catalog, role, NULL, entry, err);
    if (rc)
        return rc;
    engine->uses[role].used = true;
    *is_open = *kept && !strcmp(*kept, (*entry)->path);
    if (*is_open)
        return 0;
    free(*kept);
    *kept = strdup((*entry)->path);
    return *kept ? 0 : lk_fail_memory(err, "a model's name", strlen((*entry)->path));
}

/* The picture to follow, at the size of the drawing. */
struct sight {
    lk_engine *engine;
    const struct lk_request *request;
    const struct lk_picture *picture;
    int width, height;
    const struct lk_watch *watch;
};

static int see_depth(const struct sight *s, struct lk_picture **out, struct lk_error *err)
{
    struct lk__controls_open *open = &s->engine->controls;
    const struct lk_model_entry *entry;
    bool is_open = false;
    int rc = choose_network(s->engine, LK_ROLE_DEPTH, s->request->depth_estimator,
                            &open->depth_path, &is_open, &entry, err);
    if (!rc && (!is_open || !open->depth)) {
        lk_depth_free(open->depth);
        open->depth = NULL;
        rc = lk_depth_open(s->engine->runtime, entry->family, entry->path,
                           lk__engine_draw_device(s->engine), &open->depth, err);
    }
    return rc ? rc : lk_depth_see(open->depth, s->picture, s->width, s->height, s->watch, out, err);
}

static int see_pose(const struct sight *s, struct lk_picture **out, struct lk_error *err)
{
    struct lk__controls_open *open = &s->engine->controls;
    const struct lk_model_entry *entry;
    struct lk_pose pose;
    bool is_open = false;
    int rc = choose_network(s->engine, LK_ROLE_POSE, s->request->pose_estimator, &open->pose_path,
                            &is_open, &entry, err);
    if (!rc && (!is_open || !open->pose)) {
        lk_pose_network_free(open->pose);
        open->pose = NULL;
        rc = lk_pose_network_open(s->engine->runtime, entry->family, entry->path,
                                  lk__engine_draw_device(s->engine), &open->pose, err);
    }
    rc = rc ? rc : lk_pose_network_see(open->pose, s->picture, s->watch, &pose, err);
    return rc ? rc
              : lk_pose_draw(&pose, 1, s->picture->width, s->picture->height, s->width, s->height,
                             out, err);
}

static int see_faces(const struct sight *s, struct lk_picture **out, struct lk_error *err)
{
    struct lk_face *faces = NULL;
    struct lk_pose *poses = NULL;
    size_t n = 0;
    int rc = lk__engine_detector(s->engine, s->request, err);
    rc = rc ? rc : lk__engine_faces(s->engine, s->request, s->picture, s->watch, &faces, &n, err);
    if (!rc && !(poses = calloc(n + 1, sizeof *poses)))
        rc = lk_fail_memory(err, "faces to follow", (n + 1) * sizeof *poses);
    for (size_t i = 0; i < n && poses; i++)
        lk_pose_of_face(&faces[i], &poses[i]);
    rc = rc ? rc
            : lk_pose_draw(poses, n, s->picture->width, s->picture->height, s->width, s->height,
                           out, err);
    free(faces);
    free(poses);
    return rc;
}

static const struct {
    const char *type;
    int (*see)(const struct sight *sight, struct lk_picture **out, struct lk_error *err);
} SEERS[] = {{"face", see_faces}, {"pose", see_pose}, {"depth", see_depth}};

static int annotate(const char *type,
                    const struct sight *s,
                    struct lk_picture **out,
                    struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(SEERS); i++)
        if (!strcmp(SEERS[i].type, type))
            return SEERS[i].see(s, out, err);
    return lk_annotate(type, s->picture, s->width, s->height, out, err);
}

/* ---- a request's ---- */

static int open_guide(lk_engine *engine,
                      const struct lk_request_control *asked,
                      struct lk__guides *guides,
                      int i,
                      struct lk_error *err)
{
    const char *spec = asked->model ? asked->model : asked->type;
    if (!asked->model && !strcmp(asked->type, "none"))
        return lk_fail(err, LK_E_INPUT,
                       "--control none:%s does not say which ControlNet reads it: name it by "
                       "--control-model",
                       asked->picture);
    struct lk__control_open *slot = find_slot(&engine->controls, spec);
    int rc = 0;
    if (!slot->spec || strcmp(slot->spec, spec))
        rc = open_slot(engine, slot, asked, spec, err);
    if (rc)
        return rc;
    slot->used = true;
    guides->uses[i] =
        (struct lk_control_use){slot->control, NULL, asked->weight, asked->start, asked->end};
    return 0;
}

int lk__guides_open(lk_engine *engine,
                    const lk_result *result,
                    struct lk__guides *guides,
                    struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    int rc = 0;
    *guides = (struct lk__guides){.n = request->n_controls, .pictures = result->controls};
    for (int i = 0; i < request->n_controls && !rc; i++)
        rc = open_guide(engine, &request->controls[i], guides, i, err);
    return rc;
}

void lk__guides_free(struct lk__guides *guides)
{
    for (int i = 0; i < guides->n; i++)
        lk_picture_free(guides->hints[i]);
}

enum lk_control_mode lk__guides_mode(const struct lk_request *request)
{
    return !strcmp(request->control_mode, "prompt")    ? LK_CONTROL_PROMPT
           : !strcmp(request->control_mode, "control") ? LK_CONTROL_FIRST
                                                       : LK_CONTROL_BALANCED;
}

int lk__guides_draw(lk_engine *engine,
                    struct lk__guides *guides,
                    const struct lk_request *request,
                    const struct lk__retouch *retouch,
                    int width,
                    int height,
                    const struct lk_watch *watch,
                    struct lk_error *err)
{
    int rc = 0;
    for (int i = 0; i < guides->n && !rc; i++) {
        struct lk_picture *part = NULL;
        if (guides->hints[i] && guides->hints[i]->width == width &&
            guides->hints[i]->height == height)
            continue;
        rc = lk__retouch_part(retouch, guides->pictures[i], &part, err);
        lk_picture_free(guides->hints[i]);
        guides->hints[i] = NULL;
        const struct sight sight = {engine, request, part, width, height, watch};
        rc = rc ? rc : annotate(request->controls[i].type, &sight, &guides->hints[i], err);
        lk_picture_free(part);
        guides->uses[i].hint = guides->hints[i];
        if (!rc)
            lk_debug_picture(&engine->debug, "draw/control", guides->hints[i]);
    }
    return rc;
}
