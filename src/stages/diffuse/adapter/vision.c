// SPDX-License-Identifier: Apache-2.0
/* CLIP's vision transformer (Radford et al. 2021, arXiv 2103.00020), named as transformers'
 * CLIPVisionModelWithProjection names it:
 *
 *   x = pre_layrnorm([class, patches] + position)       patches: a convolution of stride `patch`
 *   each layer:  x += out(attention(q(n), k(n), v(n))),  n = layer_norm1(x)
 *                x += fc2(act(fc1(layer_norm2(x))))      act: gelu (erf), or quick_gelu
 *   vector = visual_projection(post_layernorm(x[class])) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/adapter.h"
#include "stages/diffuse/adapter/graphs.h"
#include "stages/diffuse/adapter/layers.h"

struct lk_vision {
    lk_vision_file *file;
    lk_session *session;
};

/* ---- the graph ---- */

static const struct lk_tensor *find(const void *of, const char *name)
{
    return lk_vision_file_tensor(of, name);
}

/* → [1,1 + patches,width] */
static lk_value embed(const struct lk__layers *l, const struct lk_vision_config *c)
{
    static const int no_pad[4] = {0};
    const int across = c->side / c->patch;
    const int64_t pixels[] = {1, 3, c->side, c->side};
    const int64_t kernel[] = {c->width, 3, c->patch, c->patch};
    lk_value x = lk_graph_input(l->graph, "pixels", LK_F32, 4, pixels);
    lk_value w = lk__layers_weight(l, "vision_model.embeddings.patch_embedding.weight", 4, kernel);
    x = lk_graph_conv(l->graph, x, w, LK_NO_VALUE, c->patch, c->patch, no_pad);
    lk_value class = lk__layers_weight(l, "vision_model.embeddings.class_embedding", 3,
                                       (const int64_t[]){1, 1, c->width});
    lk_value places = lk__layers_weight(l, "vision_model.embeddings.position_embedding.weight", 3,
                                        (const int64_t[]){1, 1 + across * across, c->width});
    x = lk_graph_concat(l->graph, class, lk_graph_tokens_of_image(l->graph, x), 1);
    return lk__layers_norm(l, lk_graph_add(l->graph, x, places), "vision_model.pre_layrnorm",
                           c->width);
}

static lk_value layer(const struct lk__layers *l,
                      const struct lk_vision_config *c,
                      lk_value x,
                      int number)
{
    static const char *const parts[] = {
        "layer_norm1",        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "self_attn.out_proj", "layer_norm2",      "mlp.fc1",          "mlp.fc2"};
    char name[8][96];
    for (int i = 0; i < 8; i++)
        snprintf(name[i], sizeof name[i], "vision_model.encoder.layers.%d.%s", number, parts[i]);
    const int width = c->width;
    lk_value n = lk__layers_norm(l, x, name[0], width);
    lk_value q = lk__layers_linear(l, n, name[1], width, width, 1);
    lk_value k = lk__layers_linear(l, n, name[2], width, width, 1);
    lk_value v = lk__layers_linear(l, n, name[3], width, width, 1);
    lk_value seen = lk_graph_attention(l->graph, q, k, v, c->heads, width / c->heads, 0);
    x = lk_graph_add(l->graph, x, lk__layers_linear(l, seen, name[4], width, width, 1));
    n = lk__layers_norm(l, x, name[5], width);
    n = lk__layers_linear(l, n, name[6], width, c->intermediate, 1);
    n = lk_graph_activation(l->graph, n, c->quick_gelu ? LK_QUICK_GELU : LK_GELU);
    return lk_graph_add(l->graph, x, lk__layers_linear(l, n, name[7], c->intermediate, width, 1));
}

int lk__vision_graph(const lk_vision_file *file, lk_graph **out, struct lk_error *err)
{
    const struct lk_vision_config *c = lk_vision_file_config(file);
    struct lk__layers l = {.find = find, .of = file};
    int rc = lk_graph_new("vision", &l.graph, err);
    if (rc)
        return rc;
    lk_value x = embed(&l, c), states = x;
    for (int i = 0; i < c->layers; i++) {
        states = x;
        x = layer(&l, c, x, i);
    }
    lk_graph_output(l.graph, "states", states);
    x = lk__layers_norm(&l, lk_graph_slice(l.graph, x, 1, 0, 1), "vision_model.post_layernorm",
                        c->width);
    lk_graph_output(l.graph, "vector",
                    lk__layers_linear(&l, x, "visual_projection", c->width, c->projection, 0));
    rc = lk_graph_status(l.graph, err);
    if (rc) {
        lk_graph_free(l.graph);
        return lk_fail_context(err, rc, "image encoder '%s'", lk_vision_file_path(file));
    }
    *out = l.graph;
    return 0;
}

/* ---- opening ---- */

int lk_vision_open(lk_runtime *runtime,
                   const char *path,
                   const char *device,
                   lk_vision **out,
                   struct lk_error *err)
{
    lk_graph *graph = NULL;
    lk_vision *vision = calloc(1, sizeof *vision);
    if (!vision)
        return lk_fail_memory(err, "an image encoder", sizeof *vision);
    int rc = lk_vision_file_open(path, &vision->file, err);
    rc = rc ? rc : lk__vision_graph(vision->file, &graph, err);
    rc = rc ? rc : lk_session_of_graph(runtime, graph, NULL, device, &vision->session, err);
    lk_graph_free(graph);
    if (rc)
        lk_vision_free(vision);
    else
        *out = vision;
    return rc;
}

void lk_vision_free(lk_vision *vision)
{
    if (!vision)
        return;
    lk_session_release(vision->session);
    lk_vision_file_free(vision->file);
    free(vision);
}

const struct lk_vision_config *lk_vision_config(const lk_vision *vision)
{
    return lk_vision_file_config(vision->file);
}

/* ---- looking ---- */

/* The shorter side becomes `side`, the longer one is cut to whole pixels, as transformers does. */
static int scale(const struct lk_picture *in,
                 int side,
                 struct lk_picture **out,
                 struct lk_error *err)
{
    const int shorter = in->width < in->height ? in->width : in->height;
    const int width = (int)((int64_t)side * in->width / shorter);
    const int height = (int)((int64_t)side * in->height / shorter);
    if (width > LK_PICTURE_MAX_SIDE || height > LK_PICTURE_MAX_SIDE)
        return lk_fail(err, LK_E_INPUT, "a picture of %dx%d is too narrow to be looked at",
                       in->width, in->height);
    return lk_picture_resize_bicubic(in, width, height, out, err);
}

int lk_vision_pixels(const struct lk_picture *picture, int side, float **out, struct lk_error *err)
{
    static const float mean[] = {0.48145466f, 0.4578275f, 0.40821073f};
    static const float deviation[] = {0.26862954f, 0.26130258f, 0.27577711f};
    struct lk_picture *bytes = NULL, *scaled = NULL;
    const size_t n = (size_t)side * (size_t)side;
    float *planes = malloc(3 * n * sizeof *planes);
    int rc = planes ? lk_picture_convert(picture, LK_PIXEL_U8, &bytes, err)
                    : lk_fail_memory(err, "an image encoder's picture", 3 * n * sizeof *planes);
    rc = rc ? rc : scale(bytes, side, &scaled, err);
    lk_picture_free(bytes);
    if (rc) {
        free(planes);
        return rc;
    }
    const size_t left = (size_t)(scaled->width - side) / 2,
                 top = (size_t)(scaled->height - side) / 2;
    for (size_t y = 0; y < (size_t)side; y++) {
        for (size_t x = 0; x < (size_t)side; x++) {
            const size_t at = (y + top) * (size_t)scaled->width + x + left;
            const uint8_t *pixel = scaled->u8 + at * (size_t)scaled->channels;
            for (size_t c = 0; c < 3; c++)
                planes[c * n + y * (size_t)side + x] =
                    ((float)pixel[c] / 255 - mean[c]) / deviation[c];
        }
    }
    lk_picture_free(scaled);
    *out = planes;
    return 0;
}

void lk_vision_seen_free(struct lk_vision_seen *seen)
{
    free(seen->vector);
    free(seen->states);
    *seen = (struct lk_vision_seen){0};
}

int lk_vision_see(const lk_vision *vision,
                  const struct lk_picture *picture,
                  const struct lk_watch *watch,
                  struct lk_vision_seen *out,
                  struct lk_error *err)
{
    static const char *const in_name = "pixels", *const out_names[] = {"vector", "states"};
    const struct lk_vision_config *c = lk_vision_config(vision);
    const size_t n = 3 * (size_t)c->side * (size_t)c->side;
    float *pixels = NULL;
    int rc = 0;
    if (picture)
        rc = lk_vision_pixels(picture, c->side, &pixels, err);
    else if (!(pixels = calloc(n, sizeof *pixels)))
        rc = lk_fail_memory(err, "an image encoder's picture", n * sizeof *pixels);
    const struct lk_array input = {LK_F32, 4, {1, 3, c->side, c->side}, pixels};
    struct lk_array outputs[2] = {{0}};
    rc = rc ? rc
            : lk_session_run(vision->session, 1, &in_name, &input, 2, out_names, outputs, watch,
                             err);
    free(pixels);
    if (rc)
        return rc;
    *out = (struct lk_vision_seen){outputs[0].data, outputs[1].data, (int)outputs[1].shape[1]};
    return 0;
}
