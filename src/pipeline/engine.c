// SPDX-License-Identifier: Apache-2.0
/* Opening what a request needs, and keeping it for the next one. */
#include "pipeline/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/size.h"
#include "catalog/places.h"
#include "pipeline/debug_folder.h"
#include "pipeline/result.h"
#include "pipeline/slots.h"

static void close_painter(struct lk__painter *painter)
{
    lk_drawer_free(painter->drawer);
    lk_text_free(painter->text);
    lk_checkpoint_free(painter->checkpoint);
    free(painter->lora_key);
    json_decref(painter->loras);
    *painter = (struct lk__painter){0};
}

static int copy_text(const char *from, char **to, struct lk_error *err)
{
    *to = from ? strdup(from) : NULL;
    return from && !*to ? lk_fail_memory(err, "engine options", strlen(from)) : 0;
}

/* A budget is about the whole process: what is no network takes about this. */
enum { PROGRAM_BYTES = 96 << 20 };

static size_t memory_of_networks(size_t budget)
{
    return budget > 2 * (size_t)PROGRAM_BYTES ? budget - PROGRAM_BYTES : budget / 2;
}

/* NULL for off; malloc'd. A folder that cannot be made is complained of when it is written to. */
static int choose_pack_cache(const char *asked, char **out, struct lk_error *err)
{
    if (!asked || !strcmp(asked, "off"))
        return 0;
    if (!*asked)
        return lk_fail(err, LK_E_INPUT, "--pack-cache: '' is no folder: give one, auto or off");
    const int rc = strcmp(asked, "auto") ? copy_text(asked, out, err) : lk_places_cache(out, err);
    if (!rc)
        lk_folder_make(*out);
    return rc;
}

/* Without a folder for it nothing is kept. */
static void choose_device_cache(char **out)
{
    char *cache = NULL;
    if (!lk_places_cache(&cache, NULL) && asprintf(out, "%s/tensorrt", cache) < 0)
        *out = NULL;
    free(cache);
}

int lk_engine_open(const struct lk_engine_options *options, lk_engine **out, struct lk_error *err)
{
    lk_engine *engine = calloc(1, sizeof *engine);
    if (!engine || !(engine->parts = calloc(1, sizeof *engine->parts)) ||
        !(engine->seen = calloc(1, sizeof *engine->seen))) {
        lk_engine_free(engine);
        return lk_fail_memory(err, "an engine", sizeof *engine);
    }
    pthread_mutex_init(&engine->seen->lock, NULL);
    struct lk_runtime_options runtime;
    lk_runtime_options_init(&runtime);
    engine->opened = lk_seconds();
    char *pack_cache = NULL, *device_cache = NULL;
    int rc = 0;
    choose_device_cache(&device_cache);
    runtime.device_cache = device_cache;
    if (options) {
        rc = choose_pack_cache(options->pack_cache, &pack_cache, err);
        runtime.pack_cache = pack_cache;
        runtime.pack_cache_size = (size_t)options->pack_cache_size;
        engine->options.threads = runtime.threads = options->threads;
        engine->options.memory = options->memory;
        runtime.memory = memory_of_networks((size_t)options->memory);
        runtime.plain = options->kernels && !strcmp(options->kernels, "reference");
        runtime.precision = options->precision;
        runtime.captures = engine->options.cuda_graphs = options->cuda_graphs;
        rc = rc ? rc : copy_text(options->device, &engine->options.device, err);
        rc = rc ? rc : copy_text(options->kernels, &engine->options.kernels, err);
        rc = rc ? rc : copy_text(options->precision, &engine->options.precision, err);
        rc = rc ? rc : copy_text(options->pack_cache, &engine->options.pack_cache, err);
        rc = rc ? rc : copy_text(options->draw_device, &engine->options.draw_device, err);
        rc = rc ? rc : copy_text(options->face_device, &engine->options.face_device, err);
        rc = rc ? rc : copy_text(options->producer, &engine->options.producer, err);
        rc = rc ? rc : copy_text(options->audit, &engine->options.audit, err);
        rc = rc ? rc : copy_text(options->audit_mirror, &engine->options.audit_mirror, err);
        rc = rc ? rc : copy_text(options->cast_file, &engine->options.cast_file, err);
        rc = rc ? rc : copy_text(options->passphrase_file, &engine->options.passphrase_file, err);
        rc = rc ? rc : copy_text(options->watermark_key, &engine->options.watermark_key, err);
        rc = rc ? rc : copy_text(options->c2pa_key, &engine->options.c2pa_key, err);
        rc = rc ? rc : copy_text(options->c2pa_certificate, &engine->options.c2pa_certificate, err);
        rc = rc ? rc : copy_text(options->c2pa_trust, &engine->options.c2pa_trust, err);
        rc = rc ? rc : copy_text(options->policy, &engine->options.policy, err);
        rc = rc ? rc : copy_text(options->policy_levels, &engine->options.policy_levels, err);
        rc = rc ? rc : copy_text(options->preview_decoder, &engine->options.preview_decoder, err);
        rc = rc ? rc : copy_text(options->forensics, &engine->options.forensics, err);
        rc = rc ? rc : copy_text(options->nsfw, &engine->options.nsfw, err);
        rc = rc ? rc : copy_text(options->agegender, &engine->options.agegender, err);
        rc = rc ? rc : copy_text(options->expression, &engine->options.expression, err);
    }
    rc = rc ? rc : lk_catalog_open(NULL, &engine->catalog, err);
    if (!rc && options && options->names_only)
        lk_catalog_take_names_only(engine->catalog);
    rc = rc ? rc : lk_runtime_open(&runtime, &engine->runtime, err);
    free(pack_cache);
    free(device_cache);
    if (rc)
        lk_engine_free(engine);
    else
        *out = engine;
    return rc;
}

static void close_judges(struct lk__judges *judges)
{
    lk_classifier_free(judges->forensics);
    lk_classifier_free(judges->nsfw);
    lk_expression_free(judges->expression);
    lk_agegender_free(judges->agegender);
    lk_policy_free(judges->policy);
}

void lk_engine_free(lk_engine *engine)
{
    if (!engine)
        return;
    if (engine->seen) {
        lk__seen_forget(engine);
        pthread_mutex_destroy(&engine->seen->lock);
    }
    free(engine->seen);
    free(engine->parts);
    close_painter(&engine->painter);
    close_painter(&engine->refiner);
    lk_detector_free(engine->detector);
    lk_landmarker_free(engine->landmarker);
    lk_embedder_free(engine->embedder);
    lk_swapper_free(engine->swapper);
    for (size_t i = 0; i < LK__ENLARGES_COUNT; i++) {
        lk_upscaler_free(engine->upscalers[i].upscaler);
        free(engine->upscalers[i].name);
    }
    lk_restorer_free(engine->restorer);
    lk_segmenter_free(engine->parser);
    lk_segmenter_free(engine->occluder);
    lk_rivagan_free(engine->rivagan);
    lk_tiny_decoder_free(engine->preview);
    lk__controls_close(&engine->controls);
    lk__adapters_close(&engine->adapters);
    close_judges(&engine->judges);
    char *names[] = {engine->painter_name,    engine->refiner_name,  engine->detector_name,
                     engine->landmarker_name, engine->embedder_name, engine->swapper_name,
                     engine->restorer_name,   engine->parser_name,   engine->occluder_name};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        free(names[i]);
    lk_runtime_free(engine->runtime);
    lk_catalog_free(engine->catalog);
    lk__debug_folder_free(engine->debug_folder);
    lk_engine_options_free(&engine->options);
    free(engine);
}

int lk_engine_debug(lk_engine *engine, const char *folder, struct lk_error *err)
{
    lk__debug_folder *opened;
    int rc = lk__engine_key(engine, err);
    rc = rc ? rc : lk__debug_folder_new(folder, &engine->key, &opened, err);
    if (rc)
        return rc;
    lk__debug_folder_free(engine->debug_folder);
    engine->debug_folder = opened;
    engine->debug = lk__debug_folder_sink(opened);
    return 0;
}

const char *lk__engine_draw_device(const lk_engine *engine)
{
    return engine->options.draw_device ? engine->options.draw_device : engine->options.device;
}

const char *lk__engine_face_device(const lk_engine *engine)
{
    return engine->options.face_device ? engine->options.face_device : engine->options.device;
}

int lk__engine_judge(lk_engine *engine,
                     enum lk_role role,
                     const char *named,
                     const struct lk_model_entry **out,
                     struct lk_error *err)
{
    *out = named ? NULL : lk__first_there(engine->catalog, role);
    int rc = named ? lk_catalog_find(engine->catalog, role, named, out, err) : 0;
    return rc || !*out ? rc : lk__engine_note(engine, *out, err);
}

static void note_checkpoint(lk_engine *engine, const struct lk__painter *painter)
{
    struct lk__model_use *use = &engine->uses[painter->entry->role];
    snprintf(use->name, sizeof use->name, "%s", lk_checkpoint_name(painter->checkpoint));
    use->entry = painter->entry;
}

/* What the run uses of the painter; NULL: nothing. */
static struct lk__model_use *use_of(lk_engine *engine, const struct lk__painter *painter)
{
    struct lk__model_use *use = painter->checkpoint ? &engine->uses[painter->entry->role] : NULL;
    return use && use->used ? use : NULL;
}

/* Hashes are kept where the audit ledger is by default: they are what it answers for. */
static int hash_ahead(lk_checkpoint *checkpoint, struct lk_error *err)
{
    char *folder = NULL; /* without one every process computes it */
    if (!lk_places_state("hashes", true, &folder, NULL))
        lk_folder_make(folder);
    const int rc = lk_checkpoint_hash_ahead(checkpoint, folder, err);
    free(folder);
    return rc;
}

int lk__engine_hashes_ahead(lk_engine *engine, struct lk_error *err)
{
    const struct lk__painter *painters[] = {&engine->painter, &engine->refiner};
    int rc = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(painters) && !rc; i++)
        rc = use_of(engine, painters[i]) ? hash_ahead(painters[i]->checkpoint, err) : 0;
    return rc;
}

/* What the audit names the checkpoints by. */
static int take_hashes(lk_engine *engine, struct lk_error *err)
{
    const struct lk__painter *painters[] = {&engine->painter, &engine->refiner};
    int rc = lk__engine_hashes_ahead(engine, err);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(painters) && !rc; i++) {
        struct lk__model_use *use = use_of(engine, painters[i]);
        rc = use ? lk_checkpoint_sha256(painters[i]->checkpoint, &use->sha256, err) : 0;
    }
    if (rc) /* what is at its path now is opened anew */
        lk__engine_forget_painters(engine);
    return rc;
}

int lk__engine_label(lk_engine *engine, lk_result *result, struct lk_error *err)
{
    if (*result->hash)
        return 0;
    const int held = lk_hands_hold(lk_runtime_hands(engine->runtime), 0);
    int rc = take_hashes(engine, err);
    if (!rc && *result->model)
        rc = lk_checkpoint_hash(engine->painter.checkpoint, result->hash, err);
    lk_hands_hold(lk_runtime_hands(engine->runtime), held);
    return rc;
}

/* The inpainting UNet that serves a mask when no model is asked for; NULL: none does. ControlNets,
 * LoRAs and IP-Adapters are made for the plain one. */
static const struct lk_model_entry *inpainting(const lk_engine *engine,
                                               const struct lk_request *request)
{
    const bool masked = request->mask || request->extend;
    const bool plain = request->n_controls || request->n_images || request->face_adapter ||
                       request->lora[0] || (request->prompt && strstr(request->prompt, "<lora:"));
    const struct lk_model_entry *found = NULL;
    if (masked && !plain && !request->model)
        found = lk__first_there(engine->catalog, LK_ROLE_INPAINT);
    return found && found->base ? found : NULL;
}

/* p->entry is what was asked for; vae, unet: NULL, or instead of its own. */
static int open_painter(lk_engine *engine,
                        struct lk__painter *p,
                        const struct lk_model_entry *vae,
                        const struct lk_model_entry *unet,
                        struct lk_error *err)
{
    const char *device = lk__engine_draw_device(engine);
    int rc = lk_checkpoint_open_unet(p->entry->path, vae ? vae->path : NULL,
                                     unet ? unet->path : NULL, &p->checkpoint, err);
    if (rc)
        return rc;
    note_checkpoint(engine, p);
    rc = lk_text_open(engine->runtime, p->checkpoint, device, &p->text, err);
    return rc ? rc : lk_drawer_open(engine->runtime, p->checkpoint, device, &p->drawer, err);
}

int lk__engine_painter(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_model_entry *inpaint = inpainting(engine, request);
    char *key;
    if (asprintf(&key, "%s\n%s\n%s", request->model ? request->model : "",
                 request->vae ? request->vae : "", inpaint ? inpaint->name : "") < 0)
        return lk_fail_memory(err, "a model's name", 0);
    int rc = 0;
    engine->uses[LK_ROLE_CHECKPOINT].used = true;
    engine->uses[LK_ROLE_VAE].used = request->vae != NULL;
    if (!lk__slot_holds(engine->painter_name, key)) {
        const struct lk_model_entry *entry, *vae = NULL;
        rc = lk__slot_choose(engine, LK_ROLE_CHECKPOINT, inpaint ? inpaint->base : request->model,
                             &engine->painter_name, &entry, err);
        if (!rc && request->vae)
            rc = lk_catalog_find(engine->catalog, LK_ROLE_VAE, request->vae, &vae, err);
        rc = rc || !vae ? rc : lk__engine_note(engine, vae, err);
        if (!rc) {
            close_painter(&engine->painter);
            engine->painter.entry = entry;
            rc = open_painter(engine, &engine->painter, vae, inpaint, err);
        }
        rc = rc ? rc : lk__slot_remember(&engine->painter_name, key, err);
    }
    free(key);
    return rc;
}

void lk__engine_forget_painters(lk_engine *engine)
{
    free(engine->painter_name);
    free(engine->refiner_name);
    engine->painter_name = engine->refiner_name = NULL;
}

int lk__engine_refiner(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    engine->uses[LK_ROLE_REFINER].used = true;
    if (lk__slot_holds(engine->refiner_name, request->refiner))
        return 0;
    const struct lk_model_entry *entry;
    int rc = lk__slot_choose(engine, LK_ROLE_REFINER, request->refiner, &engine->refiner_name,
                             &entry, err);
    if (!rc) {
        close_painter(&engine->refiner);
        engine->refiner.entry = entry;
        rc = open_painter(engine, &engine->refiner, NULL, NULL, err);
    }
    return rc ? rc : lk__slot_remember(&engine->refiner_name, request->refiner, err);
}

int lk__engine_preview(lk_engine *engine, struct lk_error *err)
{
    const char *path = engine->options.preview_decoder;
    return !path || engine->preview
               ? 0
               : lk_tiny_decoder_open(engine->runtime, path, lk__engine_draw_device(engine),
                                      &engine->preview, err);
}

int lk__engine_rivagan(lk_engine *engine, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    engine->uses[LK_ROLE_WATERMARK].used = true;
    if (engine->rivagan)
        return 0;
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_WATERMARK, "rivagan", &entry, err);
    rc = rc ? rc : lk__engine_note(engine, entry, err);
    return rc ? rc
              : lk_rivagan_open(engine->runtime, entry->path, lk__engine_draw_device(engine),
                                &engine->rivagan, err);
}

/* may_make: the user's own is made when it is not there; else LK_E_MISSING. */
static int open_key(lk_engine *engine, bool may_make, struct lk_error *err)
{
    const char *own = engine->options.watermark_key;
    char *path = NULL;
    if (engine->has_key)
        return 0;
    int rc = own ? 0 : lk_places_state("watermark.key", may_make, &path, err);
    if (!rc)
        rc = may_make && !own ? lk_key_keep(path, &engine->key, err)
                              : lk_key_read(own ? own : path, &engine->key, err);
    free(path);
    engine->has_key = !rc;
    return rc;
}

int lk__engine_key(lk_engine *engine, struct lk_error *err)
{
    return open_key(engine, true, err);
}

/* Who has no key yet has marked no picture. */
int lk_engine_read_mark(lk_engine *engine,
                        const char *path,
                        struct lk_watermark *out,
                        struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    lk_watermark_ground *ground = NULL;
    int rc = open_key(engine, false, err);
    if (rc == LK_E_MISSING && !engine->options.watermark_key) {
        *out = (struct lk_watermark){.found = false};
        return 0;
    }
    rc = rc ? rc : lk_picture_read(path, &picture, err);
    const int threads = lk_runtime_threads(engine->runtime);
    rc = rc ? rc : lk_watermark_ground_new(picture, threads, &ground, err);
    rc = rc ? rc : lk_watermark_read(ground, &engine->key, LK_WATERMARK_RESIZED, threads, out, err);
    lk_watermark_ground_free(ground);
    lk_picture_free(picture);
    return rc;
}
