// SPDX-License-Identifier: Apache-2.0
/* Which faces a picture shows, and what networks tell of them. Declared in engine.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "pipeline/engine.h"

int lk__engine_ages(lk_engine *engine,
                    const struct lk_picture *picture,
                    struct lk_face *faces,
                    size_t n,
                    const struct lk_watch *watch,
                    struct lk_error *err)
{
    int rc = lk__engine_agegender(engine, err);
    const lk_agegender *network = engine->judges.agegender;
    engine->uses[LK_ROLE_AGEGENDER].used |= network != NULL;
    for (size_t i = 0; i < n && !rc && network; i++) {
        bool is_male = false;
        rc = lk_face_age(network, picture, &faces[i], watch, &faces[i].age, &is_male, err);
        faces[i].gender = is_male ? 'm' : 'f';
    }
    return rc;
}

/* Fills the expressions of faces, where such a network is installed. */
static int tell_expressions(lk_engine *engine,
                            const struct lk_picture *picture,
                            const struct lk_watch *watch,
                            struct lk_face *faces,
                            size_t n,
                            struct lk_error *err)
{
    lk_expression **network = &engine->judges.expression;
    const struct lk_model_entry *entry;
    int rc = *network ? 0
                      : lk__engine_judge(engine, LK_ROLE_EXPRESSION, engine->options.expression,
                                         &entry, err);
    if (!rc && !*network && entry)
        rc = lk_expression_open(engine->runtime, entry->family, entry->path,
                                lk__engine_face_device(engine), network, err);
    for (size_t i = 0; i < n && !rc && *network; i++)
        rc = lk_face_expression(*network, picture, &faces[i], watch, &faces[i].expression,
                                &faces[i].expression_score, err);
    return rc;
}

static struct lk_find_options finding_of(const lk_engine *engine, const struct lk_request *request)
{
    static const char *const efforts[] = {
        [LK_FIND_AUTO] = "auto", [LK_FIND_QUICK] = "quick", [LK_FIND_THOROUGH] = "thorough"};
    struct lk_find_options options;
    lk_find_options_init(&options);
    options.threshold = (float)request->face_score;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(efforts) && request->find; i++) {
        if (!strcmp(request->find, efforts[i]))
            options.effort = (enum lk_find_effort)i;
    }
    /* The starter's detector sees faces in clouds when it looks harder. */
    if (options.effort == LK_FIND_AUTO && !request->detector)
        options.effort = LK_FIND_QUICK;
    options.landmarker = engine->landmarker;
    if (engine->landmark_score > 0)
        options.landmark_score = engine->landmark_score;
    return options;
}

/* ---- what was seen ---- */

void lk__seen_begin(lk_engine *engine)
{
    engine->seen->keeps = true;
}

void lk__seen_forget(lk_engine *engine)
{
    for (size_t i = 0; i < engine->seen->n; i++) {
        lk_picture_free(engine->seen->list[i].picture);
        free(engine->seen->list[i].faces);
    }
    engine->seen->n = 0;
    engine->seen->keeps = false;
}

/* With the lock held. */
static const struct lk__seen *seen(const lk_engine *engine,
                                   const struct lk_picture *picture,
                                   const struct lk_find_options *options)
{
    for (size_t i = 0; i < engine->seen->n; i++) {
        const struct lk__seen *s = &engine->seen->list[i];
        if (s->picture == picture && s->threshold == options->threshold &&
            s->effort == options->effort)
            return s;
    }
    return NULL;
}

static int copy_faces(const struct lk_face *from,
                      size_t n,
                      struct lk_face **to,
                      struct lk_error *err)
{
    *to = n ? malloc(n * sizeof **to) : NULL;
    if (n && !*to)
        return lk_fail_memory(err, "faces", n * sizeof **to);
    if (n)
        memcpy(*to, from, n * sizeof **to);
    return 0;
}

/* With the lock held. Where there is no room or no memory it is looked at again. */
static void keep(const lk_engine *engine,
                 const struct lk_picture *picture,
                 const struct lk_find_options *options,
                 const struct lk_face *faces,
                 size_t n)
{
    struct lk__all_seen *all = engine->seen;
    struct lk__seen sight = {NULL, options->threshold, options->effort, NULL, n};
    if (!all->keeps || picture->type != LK_PIXEL_U8 || all->n == LK_ARRAY_LENGTH(all->list) ||
        copy_faces(faces, n, &sight.faces, NULL))
        return;
    sight.picture = lk_picture_ref((struct lk_picture *)picture);
    all->list[all->n++] = sight;
}

static int find(const lk_engine *engine,
                const struct lk_picture *picture,
                const struct lk_find_options *options,
                const struct lk_watch *watch,
                struct lk_face **faces,
                size_t *n,
                struct lk_error *err)
{
    pthread_mutex_lock(&engine->seen->lock);
    const struct lk__seen *before = seen(engine, picture, options);
    int rc = before ? copy_faces(before->faces, *n = before->n, faces, err) : 0;
    pthread_mutex_unlock(&engine->seen->lock);
    if (before)
        return rc;
    const enum lk__part was = lk__parts_turn(engine->parts, LK__PART_FIND);
    rc = lk_find(engine->detector, picture, options, watch, faces, n, err);
    lk__parts_turn(engine->parts, was);
    pthread_mutex_lock(&engine->seen->lock);
    if (!rc)
        keep(engine, picture, options, *faces, *n);
    pthread_mutex_unlock(&engine->seen->lock);
    return rc;
}

int lk__engine_faces(const lk_engine *engine,
                     const struct lk_request *request,
                     const struct lk_picture *picture,
                     const struct lk_watch *watch,
                     struct lk_face **faces,
                     size_t *n,
                     struct lk_error *err)
{
    const struct lk_find_options options = finding_of(engine, request);
    return find(engine, picture, &options, watch, faces, n, err);
}

int lk__engine_face_again(const lk_engine *engine,
                          const struct lk_request *request,
                          const struct lk_picture *picture,
                          const struct lk_face *face,
                          const struct lk_watch *watch,
                          struct lk_face *out,
                          bool *found,
                          struct lk_error *err)
{
    const struct lk_find_options options = finding_of(engine, request);
    const enum lk__part was = lk__parts_turn(engine->parts, LK__PART_FIND);
    const int rc = lk_find_again(engine->detector, picture, face, &options, watch, out, found, err);
    lk__parts_turn(engine->parts, was);
    return rc;
}

int lk__engine_shown(const lk_engine *engine,
                     const struct lk_request *request,
                     const struct lk_picture *picture,
                     const struct lk_watch *watch,
                     struct lk_face **faces,
                     size_t *n,
                     struct lk_error *err)
{
    struct lk_find_options options = finding_of(engine, request), usual;
    lk_find_options_init(&usual);
    options.threshold = fminf(options.threshold, usual.threshold);
    if (request->detector && options.effort == LK_FIND_QUICK)
        options.effort = usual.effort;
    return find(engine, picture, &options, watch, faces, n, err);
}

int lk_engine_find(lk_engine *engine,
                   const struct lk_request *request,
                   const char *path,
                   unsigned known,
                   const struct lk_watch *watch,
                   struct lk_face **out,
                   size_t *n,
                   struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    struct lk_face *faces = NULL;
    int rc = lk_picture_read(path, &picture, err);
    rc = rc ? rc : lk__engine_detector(engine, request, err);
    if (!rc && (known & LK_KNOW_EMBEDDING))
        rc = lk__engine_embedder(engine, request, err);
    rc = rc ? rc : lk__engine_faces(engine, request, picture, watch, &faces, n, err);
    if (!rc && (known & LK_KNOW_EMBEDDING))
        rc = lk_embed_faces(engine->embedder, picture, faces, *n, watch, err);
    if (!rc && (known & LK_KNOW_AGE))
        rc = lk__engine_ages(engine, picture, faces, *n, watch, err);
    if (!rc && (known & LK_KNOW_EXPRESSION))
        rc = tell_expressions(engine, picture, watch, faces, *n, err);
    lk_picture_free(picture);
    if (rc)
        free(faces);
    else
        *out = faces;
    return rc;
}
