// SPDX-License-Identifier: Apache-2.0
/* From what an adapter reads to tokens, and from these to the keys and values of every layer.
 *
 *   plain    norm(proj(vector)) in `tokens` parts
 *   FaceID   norm(proj.2(gelu(proj.0(face)))) in `tokens` parts
 *   FaceID Plus   z = that of FaceID; resampled z, of PlusV2 z + resampled z
 *   Full     norm(proj.2(gelu(proj.0(states)))), norm being proj.3
 *   Plus     a resampler (Alayrac et al. 2022, arXiv 2204.14198): learned latents z look at
 *            x = proj_in(states), each block
 *                z += to_out(attention(to_q(n), to_kv([norm1(x), n]))),  n = norm2(z)
 *                z += ff.3(gelu(ff.1(ff.0(z))))
 *            then norm_out(proj_out(z)) */
#include <stdio.h>

#include "stages/diffuse/adapter/graphs.h"
#include "stages/diffuse/adapter/layers.h"

enum { HEAD = 64, NAME_SIZE = 96 }; /* numbers of a resampler's head, in all that are published */

struct net {
    struct lk__layers layers;
    const lk_adapter *adapter;
    const struct lk_adapter_info *info;
    lk_value states; /* [1,S,sees] of a FaceID Plus */
};

static const struct lk_tensor *find(const void *of, const char *name)
{
    return lk_adapter_tensor(of, name);
}

/* The first side of a matrix, 1 where it is not there: the layer made of it will say so. */
static int rows_of(const struct net *net, const char *name)
{
    char full_name[NAME_SIZE];
    snprintf(full_name, sizeof full_name, "%s.weight", name);
    const struct lk_tensor *t = lk_adapter_tensor(net->adapter, full_name);
    return t && t->rank == 2 && t->shape[0] > 0 && t->shape[0] < 1 << 20 ? (int)t->shape[0] : 1;
}

/* x [1,1,tokens·width] → [1,tokens,width] */
static lk_value part(const struct net *net, lk_value x, int width)
{
    lk_graph *g = net->layers.graph;
    lk_value tokens = lk_graph_slice(g, x, 2, 0, width);
    for (int i = 1; i < net->info->tokens; i++) {
        lk_value next = lk_graph_slice(g, x, 2, (int64_t)i * width, (int64_t)(i + 1) * width);
        tokens = lk_graph_concat(g, tokens, next, 1);
    }
    return tokens;
}

static lk_value plain(const struct net *net, lk_value x)
{
    const struct lk_adapter_info *i = net->info;
    x = lk__layers_linear(&net->layers, x, "image_proj.proj", i->reads, i->tokens * i->context, 1);
    return lk__layers_norm(&net->layers, part(net, x, i->context), "image_proj.norm", i->context);
}

/* proj.2(gelu(proj.0(x))) */
static lk_value two_layers(const struct net *net, lk_value x, int out)
{
    const int inner = rows_of(net, "image_proj.proj.0");
    x = lk__layers_linear(&net->layers, x, "image_proj.proj.0", net->info->reads, inner, 1);
    x = lk_graph_activation(net->layers.graph, x, LK_GELU);
    return lk__layers_linear(&net->layers, x, "image_proj.proj.2", inner, out, 1);
}

/* [1,tokens,width] of a face */
static lk_value face_tokens(const struct net *net, lk_value x, int width)
{
    x = part(net, two_layers(net, x, net->info->tokens * width), width);
    return lk__layers_norm(&net->layers, x, "image_proj.norm", width);
}

static lk_value face(const struct net *net, lk_value x)
{
    return face_tokens(net, x, net->info->context);
}

static lk_value full(const struct net *net, lk_value x)
{
    const int context = net->info->context;
    return lk__layers_norm(&net->layers, two_layers(net, x, context), "image_proj.proj.3", context);
}

/* k, or v, of x by the matrix NAME, whose upper half makes the one and whose lower the other. */
static lk_value half(
    const struct net *net, lk_value x, const char *name, int inner, int width, int v)
{
    char full_name[NAME_SIZE];
    snprintf(full_name, sizeof full_name, "%s.weight", name);
    const struct lk_tensor *both = lk_adapter_tensor(net->adapter, full_name);
    lk_graph_at(net->layers.graph, "%s", full_name);
    if (!both || both->rank != 2 || both->shape[0] != 2 * inner)
        return lk_graph_weight(net->layers.graph, NULL, 0, NULL);
    struct lk_tensor one = *both;
    one.shape[0] = inner;
    one.size = both->size / 2;
    one.data = (const char *)both->data + (v ? one.size : 0);
    one.offset += v ? one.size : 0;
    lk_value w = lk_graph_weight(net->layers.graph, &one, 2, (const int64_t[]){inner, width});
    return lk_graph_linear(net->layers.graph, x, w, LK_NO_VALUE);
}

static lk_value block(
    const struct net *net, lk_value x, lk_value z, const char *at, int number, int width)
{
    static const char *const parts[] = {"0.norm1",  "0.norm2", "0.to_q", "0.to_kv",
                                        "0.to_out", "1.0",     "1.1",    "1.3"};
    const struct lk__layers *l = &net->layers;
    char name[8][NAME_SIZE];
    for (int i = 0; i < 8; i++)
        snprintf(name[i], sizeof name[i], "%s.layers.%d.%s", at, number, parts[i]);
    const int inner = rows_of(net, name[2]), wide = rows_of(net, name[6]);
    lk_value n = lk__layers_norm(l, z, name[1], width);
    lk_value all = lk_graph_concat(l->graph, lk__layers_norm(l, x, name[0], width), n, 1);
    lk_value q = lk__layers_linear(l, n, name[2], width, inner, 0);
    lk_value k = half(net, all, name[3], inner, width, 0),
             v = half(net, all, name[3], inner, width, 1);
    lk_value y = lk_graph_attention(l->graph, q, k, v, inner / HEAD, HEAD, 0);
    z = lk_graph_add(l->graph, z, lk__layers_linear(l, y, name[4], inner, width, 0));
    n = lk__layers_norm(l, z, name[5], width);
    n = lk_graph_activation(l->graph, lk__layers_linear(l, n, name[6], width, wide, 0), LK_GELU);
    return lk_graph_add(l->graph, z, lk__layers_linear(l, n, name[7], wide, width, 0));
}

/* What the latents z [1,tokens,width] make of x [1,S,reads], by the resampler AT:
 * [1,tokens,context]
 */
static lk_value resampled(
    const struct net *net, lk_value x, int reads, lk_value z, const char *at, int width)
{
    static const char *const parts[] = {"proj_in", "proj_out", "norm_out"};
    const struct lk__layers *l = &net->layers;
    char name[3][NAME_SIZE];
    for (int i = 0; i < 3; i++)
        snprintf(name[i], sizeof name[i], "%s.%s", at, parts[i]);
    x = lk__layers_linear(l, x, name[0], reads, width, 1);
    for (int i = 0; i < net->info->blocks; i++)
        z = block(net, x, z, at, i, width);
    z = lk__layers_linear(l, z, name[1], width, net->info->context, 1);
    return lk__layers_norm(l, z, name[2], net->info->context);
}

static lk_value plus(const struct net *net, lk_value x)
{
    const struct lk_adapter_info *info = net->info;
    const int width = rows_of(net, "image_proj.proj_in");
    lk_value z = lk__layers_weight(&net->layers, "image_proj.latents", 3,
                                   (const int64_t[]){1, info->tokens, width});
    return resampled(net, x, info->reads, z, "image_proj", width);
}

static lk_value face_plus(const struct net *net, lk_value x)
{
    const struct lk_adapter_info *info = net->info;
    const char *at = "image_proj.perceiver_resampler";
    const int width = rows_of(net, "image_proj.perceiver_resampler.proj_in");
    lk_value z = face_tokens(net, x, width);
    lk_value y = resampled(net, net->states, info->sees, z, at, width);
    return info->kind == LK_ADAPTER_FACE_PLUS_V2 ? lk_graph_add(net->layers.graph, z, y) : y;
}

static lk_value (*const PROJECTIONS[LK_ADAPTER_KINDS])(const struct net *, lk_value) = {
    [LK_ADAPTER_PLAIN] = plain,
    [LK_ADAPTER_PLUS] = plus,
    [LK_ADAPTER_FULL] = full,
    [LK_ADAPTER_FACE_PLUS] = face_plus,
    [LK_ADAPTER_FACE_PLUS_V2] = face_plus,
    [LK_ADAPTER_FACE] = face,
};

/* to_k_ip (to_v_ip) of all layers, one behind the other. */
static lk_value all_layers(const struct net *net, lk_value tokens, const char *which)
{
    lk_value all = LK_NO_VALUE;
    for (int i = 0; i < net->info->layers; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "ip_adapter.%d.%s", 2 * i + 1, which);
        lk_value one = lk__layers_linear(&net->layers, tokens, name, net->info->context,
                                         net->info->width[i], 0);
        all = i ? lk_graph_concat(net->layers.graph, all, one, 2) : one;
    }
    return all;
}

int lk__adapter_graph(const lk_adapter *adapter, lk_graph **out, struct lk_error *err)
{
    struct net net = {
        {.find = find, .of = adapter}, adapter, lk_adapter_info(adapter), LK_NO_VALUE};
    const int64_t dims[] = {1, LK_DYNAMIC, net.info->reads};
    const int64_t states_dims[] = {1, LK_DYNAMIC, net.info->sees};
    int rc = lk_graph_new("adapter", &net.layers.graph, err);
    if (rc)
        return rc;
    lk_graph *g = net.layers.graph;
    lk_value seen = lk_graph_input(g, "seen", LK_F32, 3, dims);
    if (net.info->sees)
        net.states = lk_graph_input(g, "states", LK_F32, 3, states_dims);
    lk_value tokens = PROJECTIONS[net.info->kind](&net, seen);
    lk_graph_output(g, "token", tokens);
    lk_graph_output(g, "k", all_layers(&net, tokens, "to_k_ip"));
    lk_graph_output(g, "v", all_layers(&net, tokens, "to_v_ip"));
    rc = lk_graph_status(g, err);
    if (rc) {
        lk_graph_free(g);
        return lk_fail_context(err, rc, "ip-adapter '%s'", lk_adapter_path(adapter));
    }
    *out = g;
    return 0;
}
