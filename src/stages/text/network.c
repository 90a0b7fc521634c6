// SPDX-License-Identifier: Apache-2.0
/* CLIP's text transformer (Radford et al. 2021, arXiv 2103.00020), as Stable Diffusion conditions
 * on it:
 *
 *   x = token_embedding[ids] (encoder.c looks them up) + position_embedding
 *   each layer:  x += out(attention(q(n), k(n), v(n))),  n = layer_norm1(x), causal
 *                x += fc2(act(fc1(layer_norm2(x)))),     act: quick_gelu, or gelu (erf)
 *   → final_layer_norm(x)
 *
 * clip_skip k leaves the last k layers out before the final norm, as diffusers does. SDXL takes the
 * states before the last layer, without the norm, and the normed last ones for the pooled vector.
 */
#include <stdio.h>

#include "stages/text/text.h"

enum { NAME_SIZE = 128 }; /* the longest of CLIP has 59 bytes; a longer one is cut and not found */

struct net {
    lk_graph *graph;
    const lk_checkpoint *checkpoint;
    enum lk_part part;
    const struct lk_text_config *config;
    int layer; /* whose names `weight` asks for; −1: outside of the layers */
};

/* text_model.[encoder.layers.N.]NAME.TAIL, of the shape that the topology asks for */
static lk_value weight(
    const struct net *net, const char *name, const char *tail, int rank, const int64_t *shape)
{
    char full[NAME_SIZE];
    if (net->layer < 0)
        snprintf(full, sizeof full, "text_model.%s.%s", name, tail);
    else
        snprintf(full, sizeof full, "text_model.encoder.layers.%d.%s.%s", net->layer, name, tail);
    lk_graph_at(net->graph, "%s", full);
    return lk_graph_weight(net->graph, lk_checkpoint_tensor(net->checkpoint, net->part, full), rank,
                           shape);
}

/* x [1,T,in] → [1,T,out] */
static lk_value linear(const struct net *net, lk_value x, const char *name, int in, int out)
{
    lk_value w = weight(net, name, "weight", 2, (const int64_t[]){out, in});
    lk_value b = weight(net, name, "bias", 1, (const int64_t[]){out});
    return lk_graph_linear(net->graph, x, w, b);
}

/* x [1,T,width] → same */
static lk_value norm(const struct net *net, lk_value x, const char *name)
{
    const int64_t shape[] = {net->config->width};
    lk_value gamma = weight(net, name, "weight", 1, shape);
    lk_value beta = weight(net, name, "bias", 1, shape);
    return lk_graph_layer_norm(net->graph, x, gamma, beta, 1e-5f);
}

/* x [1,T,width] → same */
static lk_value layer(const struct net *net, lk_value x)
{
    const struct lk_text_config *c = net->config;
    const int width = c->width;
    lk_value n = norm(net, x, "layer_norm1");
    lk_value q = linear(net, n, "self_attn.q_proj", width, width);
    lk_value k = linear(net, n, "self_attn.k_proj", width, width);
    lk_value v = linear(net, n, "self_attn.v_proj", width, width);
    lk_value seen = lk_graph_attention(net->graph, q, k, v, c->heads, width / c->heads, 1);
    x = lk_graph_add(net->graph, x, linear(net, seen, "self_attn.out_proj", width, width));

    n = norm(net, x, "layer_norm2");
    lk_value h = linear(net, n, "mlp.fc1", width, c->intermediate);
    h = lk_graph_activation(net->graph, h, c->quick_gelu ? LK_QUICK_GELU : LK_GELU);
    return lk_graph_add(net->graph, x, linear(net, h, "mlp.fc2", c->intermediate, width));
}

const struct lk_text_config *lk_text_config(const lk_checkpoint *checkpoint, enum lk_part part)
{
    const struct lk_checkpoint_config *config = lk_checkpoint_config(checkpoint);
    return part == LK_PART_TEXT_2 ? &config->text_2 : &config->text;
}

static void build(struct net *net, int clip_skip)
{
    const struct lk_text_config *c = net->config;
    lk_graph *graph = net->graph;
    const int wanted = c->layers - c->penultimate - clip_skip;
    lk_value embedded = lk_graph_input(graph, "embedded", LK_F32, 3,
                                       (const int64_t[]){LK_DYNAMIC, c->positions, c->width});
    lk_value places = weight(net, "embeddings.position_embedding", "weight", 3,
                             (const int64_t[]){1, c->positions, c->width});
    lk_value x = lk_graph_add(graph, embedded, places);
    for (net->layer = 0; net->layer < wanted; net->layer++)
        x = layer(net, x);
    lk_value states = x;
    for (; c->projection && net->layer < c->layers; net->layer++)
        x = layer(net, x);
    net->layer = -1;
    lk_graph_output(graph, "states",
                    c->penultimate ? states : norm(net, states, "final_layer_norm"));
    if (c->projection)
        lk_graph_output(graph, "last", norm(net, x, "final_layer_norm"));
}

int lk_text_graph(const lk_checkpoint *checkpoint,
                  enum lk_part part,
                  int clip_skip,
                  lk_graph **out,
                  struct lk_error *err)
{
    struct net net = {.checkpoint = checkpoint,
                      .part = part,
                      .config = lk_text_config(checkpoint, part),
                      .layer = -1};
    if (!net.config->layers)
        return lk_fail(err, LK_E_INPUT, "checkpoint '%s' has no such text encoder",
                       lk_checkpoint_name(checkpoint));
    int rc = lk_graph_new(part == LK_PART_TEXT_2 ? "text_2" : "text", &net.graph, err);
    if (rc)
        return rc;
    build(&net, clip_skip);
    rc = lk_graph_status(net.graph, err);
    if (rc) {
        lk_graph_free(net.graph);
        return lk_fail_context(err, rc, "the text encoder of checkpoint '%s'",
                               lk_checkpoint_name(checkpoint));
    }
    *out = net.graph;
    return 0;
}
