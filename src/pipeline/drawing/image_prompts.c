// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/image_prompts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "pipeline/engine.h"
#include "pipeline/request_controls.h"
#include "pipeline/result.h"

/* ---- the engine's ---- */

static void close_slot(struct lk__adapter_open *slot)
{
    lk_adapter_free(slot->adapter);
    free(slot->spec);
    *slot = (struct lk__adapter_open){0};
}

static void close_vision(struct lk__vision_open *slot)
{
    lk_vision_free(slot->vision);
    free(slot->path);
    *slot = (struct lk__vision_open){0};
}

void lk__adapters_close(struct lk__adapters_open *open)
{
    for (int i = 0; i < LK_IMAGES_MAX; i++)
        close_slot(&open->slots[i]);
    close_vision(&open->vision);
}

void lk__adapters_begin(struct lk__adapters_open *open)
{
    for (int i = 0; i < LK_IMAGES_MAX; i++)
        open->slots[i].used = false;
    open->vision.used = false;
    open->face = NULL;
}

static void record(json_t *models, enum lk_role role, const char *name, const struct lk_sha256 *sha)
{
    json_array_append_new(models, json_pack("{s:s,s:s,s:s}", "role", lk_role_name(role), "name",
                                            name, "sha256", sha->hex));
}

void lk__adapters_record(const struct lk__adapters_open *open, json_t *models)
{
    for (int i = 0; i < LK_IMAGES_MAX; i++) {
        const struct lk__adapter_open *slot = &open->slots[i];
        if (slot->used)
            record(models, LK_ROLE_ADAPTER, slot->entry->name, &slot->sha256);
    }
    if (open->vision.used)
        record(models, LK_ROLE_VISION, lk_file_name(open->vision.path), &open->vision.sha256);
}

/* A slot of that name, else one that this run has not taken. */
static struct lk__adapter_open *find_slot(struct lk__adapters_open *open, const char *spec)
{
    struct lk__adapter_open *found = NULL;
    for (int i = 0; i < LK_IMAGES_MAX; i++) {
        struct lk__adapter_open *slot = &open->slots[i];
        if (slot->spec && !strcmp(slot->spec, spec))
            return slot;
        if (!slot->used && (!found || (found->spec && !slot->spec)))
            found = slot;
    }
    return found;
}

static int open_slot(lk_engine *engine,
                     struct lk__adapter_open *slot,
                     const char *spec,
                     struct lk_error *err)
{
    close_slot(slot);
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_ADAPTER, spec, &slot->entry, err);
    rc = rc ? rc : lk_adapter_open(slot->entry->path, &slot->adapter, err);
    rc = rc ? rc : lk_model_sha256(slot->entry, &slot->sha256, err);
    if (!rc && !(slot->spec = strdup(spec)))
        rc = lk_fail_memory(err, "a model's name", strlen(spec));
    if (rc)
        close_slot(slot);
    return rc;
}

static int take_slot(lk_engine *engine,
                     const char *spec,
                     const struct lk__adapter_open **out,
                     struct lk_error *err)
{
    struct lk__adapter_open *slot = find_slot(&engine->adapters, spec);
    int rc = slot->adapter && !strcmp(slot->spec, spec) ? 0 : open_slot(engine, slot, spec, err);
    rc = rc ? rc : lk_adapter_check_fit(slot->adapter, engine->painter.checkpoint, err);
    if (rc)
        return rc;
    slot->used = true;
    *out = slot;
    return 0;
}

int lk__face_adapter_read(const char *text,
                          char **name,
                          struct lk_adapter_use *use,
                          struct lk_error *err)
{
    const size_t n = lk__request_cut_numbers(text, &use->weight, &use->start, &use->end);
    *name = strndup(text, n);
    return *name ? 0 : lk_fail_memory(err, "a model's name", n);
}

/* A FaceID knows the vectors of one embedder: where the catalogue says which, it must be the one in
 * use. */
static int check_embedder(const lk_engine *engine, struct lk_error *err)
{
    const struct lk_model_entry *adapter = engine->adapters.face->entry;
    const char *used = engine->embedder_entry->name;
    if (!adapter->embedder || !strcmp(adapter->embedder, used))
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "--face-adapter '%s' belongs to embedder '%s', not to '%s': give that one by "
                   "--embedder",
                   adapter->name, adapter->embedder, used);
}

int lk__adapters_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    struct lk__adapters_open *open = &engine->adapters;
    struct lk_adapter_use use;
    char *name = NULL;
    int rc = 0;
    for (int i = 0; i < request->n_images && !rc; i++)
        rc = take_slot(engine, request->images[i].model, &open->images[i], err);
    if (rc || !request->face_adapter)
        return rc;
    rc = lk__face_adapter_read(request->face_adapter, &name, &use, err);
    rc = rc ? rc : take_slot(engine, name, &open->face, err);
    free(name);
    return rc ? rc : check_embedder(engine, err);
}

/* ---- the image encoder ---- */

/* image_encoder/ beside the adapter's file, or NULL. malloc'd */
static char *beside(const struct lk_model_entry *adapter)
{
    const char *slash = strrchr(adapter->path, '/');
    char *path = NULL;
    if (asprintf(&path, "%.*simage_encoder", slash ? (int)(slash + 1 - adapter->path) : 0,
                 adapter->path) < 0)
        return NULL;
    if (!access(path, F_OK))
        return path;
    free(path);
    return NULL;
}

/* *path malloc'd */
static int find_vision(lk_engine *engine,
                       const struct lk_request *request,
                       const struct lk__adapter_open *slot,
                       char **path,
                       struct lk_error *err)
{
    const struct lk_model_entry *entry;
    if (!request->image_encoder) {
        *path = beside(slot->entry);
        return *path ? 0
                     : lk_fail(err, LK_E_MISSING,
                               "ip-adapter '%s' needs CLIP's image encoder, and no image_encoder/ "
                               "is beside it: give it by --image-encoder",
                               lk_adapter_name(slot->adapter));
    }
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_VISION, request->image_encoder, &entry, err);
    if (!rc && !(*path = strdup(entry->path)))
        rc = lk_fail_memory(err, "a path", strlen(entry->path));
    return rc;
}

static int open_vision(lk_engine *engine,
                       const struct lk_request *request,
                       const struct lk__adapter_open *slot,
                       struct lk_error *err)
{
    struct lk__vision_open *open = &engine->adapters.vision;
    char *path = NULL;
    int rc = find_vision(engine, request, slot, &path, err);
    if (!rc && (!open->path || strcmp(open->path, path))) {
        close_vision(open);
        rc = lk_model_sha256(&(struct lk_model_entry){.path = path}, &open->sha256, err);
        open->path = rc ? NULL : path;
        path = rc ? path : NULL;
    }
    free(path);
    if (!rc && !open->vision)
        rc = lk_vision_open(engine->runtime, open->path, lk__engine_draw_device(engine),
                            &open->vision, err);
    open->used = !rc;
    return rc;
}

/* ---- a request's ---- */

static int add_image(lk_engine *engine,
                     const lk_result *result,
                     int i,
                     const struct lk_watch *watch,
                     struct lk__image_prompts *out,
                     struct lk_error *err)
{
    const struct lk_request_image *image = &result->request.images[i];
    const struct lk__adapter_open *slot = engine->adapters.images[i];
    int rc = 0;
    if (!lk_adapter_reads_face(lk_adapter_info(slot->adapter)->kind))
        rc = open_vision(engine, &result->request, slot, err);
    rc = rc ? rc
            : lk_image_prompt_of_picture(
                  engine->runtime, slot->adapter, engine->adapters.vision.vision, result->images[i],
                  lk__engine_draw_device(engine), watch, &out->prompts[out->n], err);
    if (rc)
        return rc;
    out->uses[out->n] =
        (struct lk_adapter_use){&out->prompts[out->n], image->weight, image->start, image->end};
    out->n++;
    return 0;
}

static int add_face(lk_engine *engine,
                    const struct lk_request *request,
                    const struct lk_identity *face,
                    const struct lk_watch *watch,
                    struct lk__image_prompts *out,
                    struct lk_error *err)
{
    struct lk_adapter_use *use = &out->uses[out->n];
    const struct lk__adapter_open *slot = engine->adapters.face;
    char *name = NULL;
    int rc = lk_adapter_info(slot->adapter)->sees ? open_vision(engine, request, slot, err) : 0;
    rc = rc ? rc
            : lk_image_prompt_of_face(
                  engine->runtime, slot->adapter, engine->adapters.vision.vision, face,
                  lk__engine_draw_device(engine), watch, &out->prompts[out->n], err);
    if (rc)
        return rc;
    use->prompt = &out->prompts[out->n++];
    rc = lk__face_adapter_read(request->face_adapter, &name, use, err);
    free(name);
    return rc;
}

int lk__image_prompts_make(lk_engine *engine,
                           const lk_result *result,
                           const struct lk_identity *face,
                           const struct lk_watch *watch,
                           struct lk__image_prompts *out,
                           struct lk_error *err)
{
    const struct lk_request *request = &result->request;
    int rc = 0;
    for (int i = 0; i < request->n_images && !rc; i++)
        rc = add_image(engine, result, i, watch, out, err);
    if (!rc && request->face_adapter)
        rc = add_face(engine, request, face, watch, out, err);
    if (!lk_drawer_has_room(engine->painter.drawer, request->width, request->height)) {
        lk_vision_free(engine->adapters.vision.vision);
        engine->adapters.vision.vision = NULL;
    }
    return rc;
}

void lk__image_prompts_free(struct lk__image_prompts *prompts)
{
    for (int i = 0; i < prompts->n; i++)
        lk_image_prompt_free(&prompts->prompts[i]);
    prompts->n = 0;
}

/* ---- --explain ---- */

static int explain(lk_catalog *catalog,
                   const char *spec,
                   const char *what,
                   const struct lk_adapter_use *use,
                   int steps,
                   json_t *list,
                   struct lk_error *err)
{
    const struct lk_model_entry *entry;
    lk_adapter *adapter = NULL;
    int from = 0, until = steps;
    int rc = lk_catalog_find(catalog, LK_ROLE_ADAPTER, spec, &entry, err);
    rc = rc ? rc : lk_adapter_open(entry->path, &adapter, err);
    if (rc)
        return rc;
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    while (from < steps && (double)from / steps < use->start)
        from++;
    while (until > from && (double)until / steps > use->end)
        until--;
    json_array_append_new(
        list,
        json_pack("{s:s,s:s,s:s,s:i,s:s,s:f,s:i,s:i}", "adapter", lk_adapter_name(adapter), "kind",
                  lk_adapter_kind_name(info->kind), "family", lk_adapter_family(info), "tokens",
                  info->tokens, "of", what, "weight", use->weight, "from", from + 1, "to", until));
    lk_adapter_free(adapter);
    return 0;
}

int lk__image_prompts_explain(lk_catalog *catalog,
                              const struct lk_request *request,
                              int steps,
                              json_t *list,
                              struct lk_error *err)
{
    struct lk_adapter_use use;
    char *name = NULL;
    int rc = 0;
    for (int i = 0; i < request->n_images && !rc; i++) {
        const struct lk_request_image *image = &request->images[i];
        use = (struct lk_adapter_use){NULL, image->weight, image->start, image->end};
        rc = explain(catalog, image->model, image->picture, &use, steps, list, err);
    }
    if (rc || !request->face_adapter)
        return rc;
    rc = lk__face_adapter_read(request->face_adapter, &name, &use, err);
    rc = rc ? rc : explain(catalog, name, "a face", &use, steps, list, err);
    free(name);
    return rc;
}
