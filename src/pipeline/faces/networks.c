// SPDX-License-Identifier: Apache-2.0
/* The networks that look at faces and change them, opened as a request names them. Declared in
 * engine.h. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/engine.h"
#include "pipeline/slots.h"

static int open_detector(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    lk_detector *opened;
    int rc = lk__slot_ask(engine, LK_ROLE_DETECTOR, request->detector, &engine->detector_name,
                          &entry, err);
    if (rc || !entry)
        return rc;
    rc = lk_detector_open(engine->runtime, entry->family, entry->path,
                          lk__engine_face_device(engine), &opened, err);
    if (rc)
        return rc;
    lk_detector_free(engine->detector);
    engine->detector = opened;
    return lk__slot_remember(&engine->detector_name, request->detector, err);
}

static void close_landmarker(lk_engine *engine)
{
    lk_landmarker_free(engine->landmarker);
    engine->landmarker = NULL;
    engine->landmark_score = 0;
    free(engine->landmarker_name);
    engine->landmarker_name = NULL;
}

/* The starter's landmarker knows the faces that the starter's detector finds; beside another
 * detector it serves only when it is asked for. */
static const char *landmarker_wanted(const lk_engine *engine, const struct lk_request *request)
{
    const bool has_starter = lk__starter_of(engine->catalog, LK_ROLE_LANDMARKER) != NULL;
    return request->landmarker || request->detector || !has_starter ? request->landmarker
                                                                    : "starter";
}

static int open_landmarker(lk_engine *engine,
                           const struct lk_request *request,
                           struct lk_error *err)
{
    const char *wanted = landmarker_wanted(engine, request);
    const struct lk_model_entry *entry;
    engine->uses[LK_ROLE_LANDMARKER].used = wanted != NULL;
    if (wanted && lk__slot_holds(engine->landmarker_name, wanted))
        return 0;
    close_landmarker(engine);
    if (!wanted)
        return 0;
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_LANDMARKER, wanted, &entry, err);
    rc = rc ? rc : lk__engine_note(engine, entry, err);
    rc = rc ? rc
            : lk_landmarker_open(engine->runtime, entry->family, entry->path,
                                 lk__engine_face_device(engine), &engine->landmarker, err);
    if (rc)
        return rc;
    engine->landmark_score = entry->defaults.face_score;
    return lk__slot_remember(&engine->landmarker_name, wanted, err);
}

int lk__engine_detector(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    int rc = open_detector(engine, request, err);
    return rc ? rc : open_landmarker(engine, request, err);
}

int lk__engine_embedder(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    lk_embedder *opened;
    int rc = lk__slot_ask(engine, LK_ROLE_EMBEDDER, request->embedder, &engine->embedder_name,
                          &entry, err);
    if (rc || !entry)
        return rc;
    rc = lk_embedder_open(engine->runtime, entry->family, entry->path,
                          lk__engine_face_device(engine), &opened, err);
    if (rc)
        return rc;
    lk_embedder_free(engine->embedder);
    engine->embedder = opened;
    engine->embedder_entry = entry;
    engine->same_person = entry->defaults.same_person > 0 ? entry->defaults.same_person
                                                          : lk_embedder_same_person(opened);
    return lk__slot_remember(&engine->embedder_name, request->embedder, err);
}

/* A swapper knows the vectors of one embedder: where the catalogue says which, it must be the one
 * in use. */
static int check_embedder(const lk_engine *engine,
                          const struct lk_model_entry *swapper,
                          struct lk_error *err)
{
    const char *used = engine->embedder_entry->name;
    if (!swapper->embedder || !strcmp(swapper->embedder, used))
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "swapper '%s' belongs to embedder '%s', not to '%s': give both of one kind by "
                   "--swapper and --embedder",
                   swapper->name, swapper->embedder, used);
}

/* The network between the embedder and a swapper of another one; *out NULL: there is none. */
static int find_converter(lk_engine *engine,
                          const struct lk_request *request,
                          const char *family,
                          const struct lk_model_entry **out,
                          struct lk_error *err)
{
    const char *usual = lk_swapper_converter(family);
    *out = NULL;
    engine->uses[LK_ROLE_CONVERTER].used = usual != NULL;
    if (!usual)
        return 0;
    int rc = lk_catalog_find(engine->catalog, LK_ROLE_CONVERTER,
                             request->converter ? request->converter : usual, out, err);
    return rc ? rc : lk__engine_note(engine, *out, err);
}

static int open_swapper(lk_engine *engine,
                        const struct lk_request *request,
                        const struct lk_model_entry *entry,
                        struct lk_error *err)
{
    const struct lk_model_entry *converter;
    lk_swapper *opened;
    int rc = check_embedder(engine, entry, err);
    rc = rc ? rc : lk__engine_note(engine, entry, err);
    rc = rc ? rc : find_converter(engine, request, entry->family, &converter, err);
    rc = rc ? rc
            : lk_swapper_open(engine->runtime, entry->family, entry->path,
                              converter ? converter->path : NULL, lk__engine_face_device(engine),
                              &opened, err);
    if (rc)
        return rc;
    lk_swapper_free(engine->swapper);
    engine->swapper = opened;
    engine->swapper_converts = converter != NULL;
    engine->swap_passes = entry->defaults.passes ? entry->defaults.passes : 1;
    return 0;
}

int lk__engine_swapper(lk_engine *engine, const struct lk_request *request, struct lk_error *err)
{
    const struct lk_model_entry *entry;
    char *key;
    engine->uses[LK_ROLE_SWAPPER].used = true;
    if (asprintf(&key, "%s\n%s", request->swapper ? request->swapper : "",
                 request->converter ? request->converter : "") < 0)
        return lk_fail_memory(err, "a model's name", 0);
    int rc = 0;
    if (lk__slot_holds(engine->swapper_name, key)) {
        engine->uses[LK_ROLE_CONVERTER].used = engine->swapper_converts;
    } else {
        rc = lk__slot_choose(engine, LK_ROLE_SWAPPER, request->swapper, &engine->swapper_name,
                             &entry, err);
        rc = rc ? rc : open_swapper(engine, request, entry, err);
        rc = rc ? rc : lk__slot_remember(&engine->swapper_name, key, err);
    }
    free(key);
    return rc;
}

int lk__engine_upscaler(lk_engine *engine,
                        enum lk__enlarges what,
                        const char *named,
                        struct lk_error *err)
{
    struct lk__upscaler_open *open = &engine->upscalers[what];
    struct lk__model_use *use = &engine->uses[LK_ROLE_UPSCALER];
    const struct lk_model_entry *entry;
    lk_upscaler *opened;
    int rc = lk__slot_ask(engine, LK_ROLE_UPSCALER, named, &open->name, &entry, err);
    if (!rc && !entry)
        *use = open->use;
    if (rc || !entry)
        return rc;
    rc = lk_upscaler_open(engine->runtime, entry->family, entry->path,
                          lk__engine_face_device(engine), &opened, err);
    if (rc)
        return rc;
    lk_upscaler_free(open->upscaler);
    open->upscaler = opened;
    open->use = *use;
    return lk__slot_remember(&open->name, named, err);
}

/* What a role without which a face can do is to be: the model named, else what is installed, of
 * the starter alone or of anybody. *entry NULL: none. */
static int find_optional(lk_engine *engine,
                         enum lk_role role,
                         const char *named,
                         bool of_anybody,
                         const struct lk_model_entry **entry,
                         struct lk_error *err)
{
    const struct lk_model_entry *there = lk__first_there(engine->catalog, role);
    *entry = there && (of_anybody || !strcmp(there->name, "starter")) ? there : NULL;
    int rc = named ? lk_catalog_find(engine->catalog, role, named, entry, err) : 0;
    if (!rc && *entry && !(rc = lk__engine_note(engine, *entry, err)))
        engine->uses[role].used = true;
    return rc;
}

int lk__engine_restorer(lk_engine *engine,
                        const struct lk_request *request,
                        bool needed,
                        struct lk_error *err)
{
    const struct lk_model_entry *entry;
    lk_restorer *opened = NULL;
    /* Whose faces may be tried in other manners lets any restorer try. */
    const bool of_anybody =
        request->retries || request->alternatives || strcmp(request->manner, "as-asked") != 0;
    int rc = find_optional(engine, LK_ROLE_RESTORER, request->restorer, of_anybody, &entry, err);
    if (!rc && !entry && needed)
        rc = lk_catalog_find(engine->catalog, LK_ROLE_RESTORER, NULL, &entry, err);
    if (rc || (entry && engine->restorer && lk__slot_holds(engine->restorer_name, entry->path)))
        return rc;
    if (entry)
        rc = lk_restorer_open(engine->runtime, entry->family, entry->path,
                              lk__engine_face_device(engine), &opened, err);
    if (rc)
        return rc;
    lk_restorer_free(engine->restorer);
    engine->restorer = opened;
    free(engine->restorer_name);
    engine->restorer_name = NULL;
    return entry ? lk__slot_remember(&engine->restorer_name, entry->path, err) : 0;
}

static int open_segmenter(lk_engine *engine,
                          enum lk_role role,
                          const char *named,
                          bool wanted,
                          lk_segmenter **segmenter,
                          char **slot,
                          struct lk_error *err)
{
    const struct lk_model_entry *entry = NULL;
    lk_segmenter *opened = NULL;
    int rc = wanted || named ? find_optional(engine, role, named, true, &entry, err) : 0;
    if (rc || (entry && *segmenter && lk__slot_holds(*slot, entry->path)))
        return rc;
    if (entry)
        rc = lk_segmenter_open(engine->runtime, entry->family, entry->path,
                               lk__engine_face_device(engine), &opened, err);
    if (rc)
        return rc;
    lk_segmenter_free(*segmenter);
    *segmenter = opened;
    free(*slot);
    *slot = NULL;
    return entry ? lk__slot_remember(slot, entry->path, err) : 0;
}

int lk__engine_parser(lk_engine *engine,
                      const struct lk_request *request,
                      bool wanted,
                      struct lk_error *err)
{
    return open_segmenter(engine, LK_ROLE_PARSER, request->parser, wanted, &engine->parser,
                          &engine->parser_name, err);
}

int lk__engine_occluder(lk_engine *engine,
                        const struct lk_request *request,
                        bool wanted,
                        struct lk_error *err)
{
    return open_segmenter(engine, LK_ROLE_OCCLUDER, request->occluder, wanted, &engine->occluder,
                          &engine->occluder_name, err);
}

int lk__engine_agegender(lk_engine *engine, struct lk_error *err)
{
    struct lk__judges *judges = &engine->judges;
    const struct lk_model_entry *entry;
    if (judges->agegender)
        return 0;
    int rc = lk__engine_judge(engine, LK_ROLE_AGEGENDER, engine->options.agegender, &entry, err);
    if (rc || !entry)
        return rc;
    return lk_agegender_open(engine->runtime, entry->family, entry->path,
                             lk__engine_face_device(engine), &judges->agegender, err);
}
