// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/vae/tiny_decoder.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { DOUBLINGS = 3, FACTOR = 1 << DOUBLINGS };

struct lk_tiny_decoder {
    lk_tensor_file *file;
    lk_session *session;
    int channels;
};

/* How the file numbers the layers of its sequence: TAESD counts the tanh, diffusers does not. */
struct form {
    const char *prefix;
    int first; /* number of the first convolution */
};
static const struct form forms[] = {{"", 1}, {"decoder.", 1}, {"decoder.layers.", 0}};

struct builder {
    lk_graph *graph;
    const lk_tensor_file *file;
    const struct form *form;
    int layer; /* the next one's number */
    int width;
};

static const struct lk_tensor *find(const struct builder *b, const char *tail)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d.%s", b->form->prefix, b->layer, tail);
    lk_graph_at(b->graph, "%s", name);
    return lk_tensor_file_find(b->file, name);
}

/* 3×3; inside: which convolution of a block, as "conv.0.", or "". */
static lk_value conv(
    struct builder *b, lk_value x, const char *inside, int in, int out, bool with_bias)
{
    static const int pad[] = {1, 1, 1, 1};
    char tail[32];
    snprintf(tail, sizeof tail, "%sweight", inside);
    lk_value w = lk_graph_weight(b->graph, find(b, tail), 4, (const int64_t[]){out, in, 3, 3});
    lk_value bias = LK_NO_VALUE;
    snprintf(tail, sizeof tail, "%sbias", inside);
    if (with_bias)
        bias = lk_graph_weight(b->graph, find(b, tail), 1, (const int64_t[]){out});
    return lk_graph_conv(b->graph, x, w, bias, 3, 1, pad);
}

static lk_value relu(const struct builder *b, lk_value x)
{
    return lk_graph_clip(b->graph, x, 0, FLT_MAX);
}

static lk_value block(struct builder *b, lk_value x)
{
    const int n = b->width;
    lk_value h = relu(b, conv(b, x, "conv.0.", n, n, true));
    h = relu(b, conv(b, h, "conv.2.", n, n, true));
    h = conv(b, h, "conv.4.", n, n, true);
    b->layer++;
    return relu(b, lk_graph_add(b->graph, h, x));
}

static void build(struct builder *b, int channels)
{
    lk_graph *g = b->graph;
    const int64_t dims[] = {LK_DYNAMIC, channels, LK_DYNAMIC, LK_DYNAMIC};
    lk_value x = lk_graph_input(g, "latent", LK_F32, 4, dims);
    x = lk_graph_activation(g, lk_graph_scale(g, x, 1 / 3.0f), LK_TANH);
    x = relu(b, conv(b, lk_graph_scale(g, x, 3), "", channels, b->width, true));
    b->layer += 2; /* the convolution, its relu */
    for (int i = 0; i < DOUBLINGS; i++) {
        for (int k = 0; k < 3; k++)
            x = block(b, x);
        b->layer++; /* the doubling */
        x = conv(b, lk_graph_upsample2(g, x), "", b->width, b->width, false);
        b->layer++;
    }
    x = block(b, x);
    lk_graph_output(g, "picture", conv(b, x, "", b->width, 3, true));
}

/* The form whose first convolution is there, with its shape [width, channels, 3, 3]. */
static int recognise(struct builder *b, const char *path, int *channels, struct lk_error *err)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(forms); i++) {
        b->form = &forms[i];
        b->layer = forms[i].first;
        const struct lk_tensor *first = find(b, "weight");
        if (first && first->rank == 4 && first->shape[0] > 0 && first->shape[0] <= 1024 &&
            first->shape[1] > 0 && first->shape[1] <= 64) {
            b->width = (int)first->shape[0];
            *channels = (int)first->shape[1];
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is no preview decoder: it has no first convolution ('1.weight', or "
                   "'decoder.layers.0.weight'): take a TAESD decoder",
                   path);
}

int lk_tiny_decoder_open(lk_runtime *runtime,
                         const char *path,
                         const char *device,
                         lk_tiny_decoder **out,
                         struct lk_error *err)
{
    lk_tiny_decoder *decoder = calloc(1, sizeof *decoder);
    struct builder b = {0};
    if (!decoder)
        return lk_fail_memory(err, "a preview decoder", sizeof *decoder);
    int rc = lk_tensor_file_open(path, &decoder->file, err);
    rc = rc ? rc : lk_graph_new("preview decoder", &b.graph, err);
    b.file = decoder->file;
    rc = rc ? rc : recognise(&b, path, &decoder->channels, err);
    if (!rc) {
        build(&b, decoder->channels);
        rc = lk_graph_status(b.graph, err);
        if (rc)
            lk_fail_context(err, rc, "preview decoder '%s'", path);
    }
    rc = rc ? rc : lk_session_of_graph(runtime, b.graph, NULL, device, &decoder->session, err);
    lk_graph_free(b.graph);
    if (rc)
        lk_tiny_decoder_free(decoder);
    else
        *out = decoder;
    return rc;
}

void lk_tiny_decoder_free(lk_tiny_decoder *decoder)
{
    if (!decoder)
        return;
    lk_session_release(decoder->session);
    lk_tensor_file_free(decoder->file);
    free(decoder);
}

int lk_tiny_decoder_channels(const lk_tiny_decoder *decoder)
{
    return decoder->channels;
}

int lk_tiny_decode(const lk_tiny_decoder *decoder,
                   const float *z,
                   int height,
                   int width,
                   const struct lk_watch *watch,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    static const char *const in_name = "latent", *const out_name = "picture";
    const size_t n = (size_t)height * FACTOR * width * FACTOR;
    const struct lk_array input = {
        LK_F32, 4, {1, decoder->channels, height, width}, (float *)z}; /* only read */
    struct lk_array planes;
    struct lk_picture *picture;
    int rc =
        lk_session_run(decoder->session, 1, &in_name, &input, 1, &out_name, &planes, watch, err);
    if (rc)
        return rc;
    rc = lk_picture_new(width * FACTOR, height * FACTOR, 3, LK_PIXEL_F32, &picture, err);
    for (size_t k = 0; !rc && k < 3 * n; k++) {
        const float v = ((const float *)planes.data)[k % 3 * n + k / 3];
        picture->f32[k] = v > 0 ? v < 1 ? v : 1 : 0; /* NaN becomes 0 */
    }
    free(planes.data);
    if (!rc)
        *out = picture;
    return rc;
}
