// SPDX-License-Identifier: Apache-2.0
/* Image prompts: what an adapter's network makes of a picture or a face, and of none. It runs twice
 * and is given up: it is as large as the UNet's cross attention. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stages/diffuse/adapter.h"
#include "stages/diffuse/adapter/graphs.h"

enum { OUTPUTS = 3 };

/* What an adapter reads: [rows, its `reads`] of the picture and of none. */
struct reading {
    const float *seen[2];
    int rows;
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
               int reads,
               const struct lk_watch *watch,
               struct lk_image_prompt *out,
               struct lk_error *err)
{
    static const char *const in_name = "seen", *const out_names[OUTPUTS] = {"token", "k", "v"};
    const struct lk_array input = {
        LK_F32, 3, {1, reading->rows, reads}, (float *)reading->seen[which]}; /* only read */
    struct lk_array outputs[OUTPUTS] = {{0}};
    int rc = lk_session_run(session, 1, &in_name, &input, OUTPUTS, out_names, outputs, watch, err);
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
        rc = run(session, reading, which, info->reads, watch, &made, err);
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
    if (info->kind == LK_ADAPTER_FACE)
        return lk_fail(err, LK_E_INPUT,
                       "ip-adapter '%s' is a FaceID, which reads faces and no pictures: give it by "
                       "--face-adapter, and whose face by --face",
                       lk_adapter_name(adapter));
    const struct lk_vision_config *c = lk_vision_config(vision);
    const int says = info->kind == LK_ADAPTER_PLAIN ? c->projection : c->width;
    if (says == info->reads)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "ip-adapter '%s' reads %d numbers of a %s, the image encoder (%d wide, %d "
                   "layers) gives %d: give the one that it was trained with by --image-encoder",
                   lk_adapter_name(adapter), info->reads,
                   info->kind == LK_ADAPTER_PLAIN ? "picture" : "token", c->width, c->layers, says);
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
    float *zeros = calloc((size_t)info->reads, sizeof *zeros);
    int rc = zeros ? check_encoder(adapter, vision, err)
                   : lk_fail_memory(err, "an image prompt", (size_t)info->reads * sizeof *zeros);
    rc = rc ? rc : lk_vision_see(vision, picture, watch, &seen, err);
    rc = rc || by_vector ? rc : lk_vision_see(vision, NULL, watch, &none, err);
    const struct reading vector = {{seen.vector, zeros}, 1};
    const struct reading states = {{seen.states, none.states}, seen.tokens};
    rc =
        rc ? rc : project(runtime, adapter, by_vector ? &vector : &states, device, watch, out, err);
    lk_vision_seen_free(&seen);
    lk_vision_seen_free(&none);
    free(zeros);
    return rc;
}

int lk_image_prompt_of_face(lk_runtime *runtime,
                            const lk_adapter *adapter,
                            const struct lk_embedding *face,
                            const char *device,
                            const struct lk_watch *watch,
                            struct lk_image_prompt *out,
                            struct lk_error *err)
{
    static const float zeros[LK_EMBEDDING_MAX];
    const struct lk_adapter_info *info = lk_adapter_info(adapter);
    const struct reading reading = {{face->value, zeros}, 1};
    if (info->kind != LK_ADAPTER_FACE)
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter '%s' is an %s, which reads pictures: give it by "
                       "--ip-adapter, and take a FaceID here",
                       lk_adapter_name(adapter), lk_adapter_kind_name(info->kind));
    if (face->size != info->reads)
        return lk_fail(err, LK_E_INPUT,
                       "--face-adapter '%s' reads faces of %d numbers, the embedder gives %d: name "
                       "the one that it was trained with by --embedder (w600k_r50.onnx)",
                       lk_adapter_name(adapter), info->reads, face->size);
    return project(runtime, adapter, &reading, device, watch, out, err);
}
