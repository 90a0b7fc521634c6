// SPDX-License-Identifier: Apache-2.0
/* Image prompts: what an adapter's network makes of a picture or a face, and of none. It runs twice
 * and is given up: it is as large as the UNet's cross attention. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/align.h"
#include "stages/diffuse/adapter.h"
#include "stages/diffuse/adapter/graphs.h"

enum { OUTPUTS = 3, FACE_SIDE = 224 };

/* What an adapter reads, of the picture or face and of none. */
struct reading {
    const float *seen[2]; /* [rows, its `reads`] */
    int rows;
    const float *states[2]; /* [tokens, its `sees`], of a FaceID Plus */
    int tokens;
};

void lk_image_prompt_free(struct lk_image_prompt *prompt)
{
    for (int i = 0; i < 2; i++) {
        free(prompt->token[i]);
        free(prompt->k[i]);
        free(prompt->v[i]);
    }
    *prompt = (struct lk_image_prompt){.tokens = 0};
}

static bool is_finite(const struct lk_array *array)
{
    const float *values = array->data;
    for (int64_t k = 0; k < array->shape[1] * array->shape[2]; k++)
        if (!isfinite(values[k]))
            return false;
    return true;
}

static int run(lk_session *session,
               const struct reading *reading,
               int which,
               const struct lk_watch *watch,
               struct lk_image_prompt *out,
               struct lk_error *err)
{
    static const char *const in_names[] = {"seen", "states"};
    static const char *const out_names[OUTPUTS] = {"token", "k", "v"};
    const struct lk_adapter_info *info = &out->adapter;
    const struct lk_array inputs[] = {
        {LK_F32, 3, {1, reading->rows, info->reads}, (float *)reading->seen[which]}, /* only read */
        {LK_F32, 3, {1, reading->tokens, info->sees}, (float *)reading->states[which]},
    };
    struct lk_array outputs[OUTPUTS] = {{0}};
    int rc = lk_session_run(session, info->sees ? 2 : 1, in_names, inputs, OUTPUTS, out_names,
                            outputs, watch, err);
    if (rc)
        return rc;
    out->token[which] = outputs[0].data;
    out->k[which] = outputs[1].data;
    out->v[which] = outputs[2].data;
    out->tokens = (int)outputs[0].shape[1];
    out->width = (int)outputs[1].shape[2];
    for (int i = 0; i < OUTPUTS; i++)
        if (!is_finite(&outputs[i]))
            return lk_fail(err, LK_E_INPUT,
                           "ip-adapter '%s' gives no numbers (NaN or infinity): its weights, or "
                           "those of the network before it, are damaged",
                           out->name);
    return 0;
}

static int project(lk_runtime *runtime,
                   const lk_adapter *adapter,
                   const struct reading *reading,
                   const char *device,
                   const struct lk_watch *watch,
                   struct lk_image_prompt *out,
                   struct lk_error *err)
{
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    struct lk_image_prompt made = {.adapter = *info};
    lk_graph *graph = NULL;
    lk_session *session = NULL;
    snprintf(made.name, sizeof made.name, "%s", lk_adapter_name(adapter));
    int rc = lk__adapter_graph(adapter, &graph, err);
    rc = rc ? rc : lk_session_of_graph(runtime, graph, NULL, device, &session, err);
    for (int which = 0; which < 2 && !rc; which++)
        rc = run(session, reading, which, watch, &made, err);
    lk_session_release(session);
    lk_graph_free(graph);
    if (rc)
        lk_image_prompt_free(&made);
    else
        *out = made;
    return rc;
}

/* The encoder must speak as many numbers as the adapter reads. */
static int check_encoder(const lk_adapter *adapter, const lk_vision *vision, struct lk_error *err)
{
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    const struct lk_vision_config *c = lk_vision_config(vision);
    const bool by_vector = info->kind == LK_ADAPTER_PLAIN;
    const int says = by_vector ? c->projection : c->width;
    const int reads = info->sees ? info->sees : info->reads;
    if (says == reads)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "ip-adapter '%s' reads %d numbers of a %s, the image encoder (%d wide, %d "
                   "layers) gives %d: give the one that it was trained with by --image-encoder",
                   lk_adapter_name(adapter), reads, by_vector ? "picture" : "token", c->width,
                   c->layers, says);
}

int lk_image_prompt_of_picture(lk_runtime *runtime,
                               const lk_adapter *adapter,
                               const lk_vision *vision,
                               const struct lk_picture *picture,
                               const char *device,
                               const struct lk_watch *watch,
                               struct lk_image_prompt *out,
                               struct lk_error *err)
{
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    const bool by_vector = info->kind == LK_ADAPTER_PLAIN;
    struct lk_vision_seen seen = {NULL}, none = {NULL};
    if (lk_adapter_reads_face(info->kind))
        return lk_fail(err, LK_E_INPUT,
                       "ip-adapter '%s' is a FaceID, which reads faces and no pictures: give it by "
                       "--face-adapter, and whose face by --face",
                       lk_adapter_name(adapter));
    float *zeros = calloc((size_t)info->reads, sizeof *zeros);
    int rc = zeros ? check_encoder(adapter, vision, err)
                   : lk_fail_memory(err, "an image prompt", (size_t)info->reads * sizeof *zeros);
    rc = rc ? rc : lk_vision_see(vision, picture, watch, &seen, err);
    rc = rc || by_vector ? rc : lk_vision_see(vision, NULL, watch, &none, err);
    const struct reading vector = {.seen = {seen.vector, zeros}, .rows = 1};
    const struct reading states = {.seen = {seen.states, none.states}, .rows = seen.tokens};
    rc =
        rc ? rc : project(runtime, adapter, by_vector ? &vector : &states, device, watch, out, err);
    lk_vision_seen_free(&seen);
    lk_vision_seen_free(&none);
    free(zeros);
    return rc;
}

/* What the encoder sees of a face, as insightface's norm_crop shows it; and of none. */
static int see_face(const lk_adapter *adapter,
                    const lk_vision *vision,
                    const struct lk_identity *face,
                    const struct lk_watch *watch,
                    struct lk_vision_seen *seen,
                    struct lk_vision_seen *none,
                    struct lk_error *err)
{
    struct lk_affine to_crop;
    struct lk_picture *crop = NULL;
    if (!face->photo)
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter '%s' is a FaceID Plus, which looks at the face, and of '%s' "
                       "no picture is kept: give a photo by --face, or take a FaceID without Plus",
                       lk_adapter_name(adapter), face->name);
    int rc = check_encoder(adapter, vision, err);
    rc = rc ? rc : lk_align_face(face->points, LK_ALIGN_ARCFACE_112_V2, FACE_SIDE, &to_crop, err);
    rc = rc ? rc : lk_affine_crop(face->photo, &to_crop, FACE_SIDE, FACE_SIDE, &crop, err);
    rc = rc ? rc : lk_vision_see(vision, crop, watch, seen, err);
    rc = rc ? rc : lk_vision_see(vision, NULL, watch, none, err);
    lk_picture_free(crop);
    return rc;
}

int lk_image_prompt_of_face(lk_runtime *runtime,
                            const lk_adapter *adapter,
                            const lk_vision *vision,
                            const struct lk_identity *face,
                            const char *device,
                            const struct lk_watch *watch,
                            struct lk_image_prompt *out,
                            struct lk_error *err)
{
    static const float zeros[LK_EMBEDDING_MAX];
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    struct lk_vision_seen seen = {NULL}, none = {NULL};
    if (!lk_adapter_reads_face(info->kind))
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter '%s' is an %s, which reads pictures: give it by "
                       "--ip-adapter, and take a FaceID here",
                       lk_adapter_name(adapter), lk_adapter_kind_name(info->kind));
    if (face->embedding.size != info->reads)
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter '%s' reads faces of %d numbers, the embedder gives %d: name "
                       "the one that it was trained with by --embedder (w600k_r50.onnx)",
                       lk_adapter_name(adapter), info->reads, face->embedding.size);
    int rc = info->sees ? see_face(adapter, vision, face, watch, &seen, &none, err) : 0;
    const struct reading reading = {.seen = {face->embedding.value, zeros},
                                    .rows = 1,
                                    .states = {seen.states, none.states},
                                    .tokens = seen.tokens};
    rc = rc ? rc : project(runtime, adapter, &reading, device, watch, out, err);
    lk_vision_seen_free(&seen);
    lk_vision_seen_free(&none);
    return rc;
}
