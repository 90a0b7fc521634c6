// SPDX-License-Identifier: Apache-2.0
/* The UNet of Stable Diffusion 1.x, 2.x and XL (Rombach et al. 2022, arXiv 2112.10752; Podell et
 * al. 2023, arXiv 2307.01952), named as diffusers' UNet2DConditionModel names it.
 *
 *   sample ─ conv_in ─ down 0 ─ down 1 ─ … ─ mid ─ … ─ up n−2 ─ up n−1 ─ norm, silu, conv_out
 *                        │ └──────── skips ────────────┘  │
 *                        └────────────────────────────────┘
 *
 * A down level is so many × (resnet, transformer) and a stride-2 convolution; a level going up is
 * so many × (resnet on [x, skip], transformer) and a nearest ×2 with a convolution. Every output
 * going down is kept and taken back in reverse order. Where the checkpoint has no tensors of a
 * transformer there is none, and a transformer is as deep as there are tensors: SDXL's levels
 * differ, distilled ones lack blocks or the whole middle.
 *
 * Where it is computed in fewer bits, what stands next to its ends stays exact: the embeddings,
 * conv_in, the last layer of the last level, to which conv_in's output comes back, and conv_out.
 * What they lose is found in the result, undiminished (bench/layers.c, docs/performance.md). */
#include "stages/diffuse/adapter/images.h"
#include "stages/diffuse/net.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/unet/trunk.h"

struct builder {
    struct lk__net net;
    const struct lk_unet_config *config;
    lk_value time, context;
    const struct lk_unet_variant *variant; /* or NULL */
    lk_value perturb;                      /* [N,1,1], of a variant */
    struct lk__image_inputs images;        /* of a variant, else none */
    int level;                             /* 0: of the latent's size */
    int in_middle;
    int time_width;
    struct lk__skip *skips;
    int n_skips;
};

/* y + perturb·(v − y): where perturb is 1, a token attends to itself alone (Ahn et al. 2024, arXiv
 * 2403.17377). In the middle block, as diffusers' PAG does by default. */
static lk_value perturbed(lk_graph *g, lk_value perturb, lk_value y, lk_value v)
{
    lk_value change = lk_graph_add(g, v, lk_graph_scale(g, y, -1));
    return lk_graph_add(g, y, lk_graph_mul(g, perturb, change));
}

/* softmax(q·kᵀ/√d)·v with q of x and k, v of `other`: NAME.to_q, to_k, to_v (no bias), to_out.0.
 * x [N,T,width], other [N,S,other_width] */
static lk_value attention(struct builder *b,
                          lk_value x,
                          lk_value other,
                          const char *name,
                          int width,
                          int other_width,
                          int heads)
{
    char part[LK__NAME_SIZE];
    lk__name(part, "%s.to_q", name);
    lk_value q = lk__net_linear(&b->net, x, part, width, width, 1);
    lk__name(part, "%s.to_k", name);
    lk_value k = lk__net_linear(&b->net, other, part, other_width, width, 1);
    lk__name(part, "%s.to_v", name);
    lk_value v = lk__net_linear(&b->net, other, part, other_width, width, 1);
    lk_graph_at(b->net.graph, "%s", name);
    lk_value y = lk_graph_attention(b->net.graph, q, k, v, heads, width / heads, 0);
    if (b->variant && b->variant->perturbed && b->in_middle && x == other)
        y = perturbed(b->net.graph, b->perturb, y, v);
    if (b->images.n && x != other)
        y = lk__image_inputs_attend(b->net.graph, &b->images, name, q, y, heads);
    lk__name(part, "%s.to_out.0", name);
    return lk__net_linear(&b->net, y, part, width, width, 0);
}

/* How many tokens are merged: of every 2×2 one stays. */
static int64_t merged_tokens(const struct lk_unet_variant *v)
{
    const int64_t tokens = (int64_t)v->height * v->width;
    const int64_t most = tokens - (int64_t)(v->height / 2) * (v->width / 2);
    const int64_t asked = (int64_t)((double)tokens * v->merging);
    return asked < most ? asked : most;
}

/* attn1 of `name`; h [N,T,width] is x through a norm. At the latent's own size the variant's share
 * of tokens, found by x, is merged before and spread again behind, as tomesd does. */
static lk_value self_attention(
    struct builder *b, lk_value x, lk_value h, const char *name, int width, int heads)
{
    const struct lk_unet_variant *v = b->variant;
    lk_graph *g = b->net.graph;
    const int64_t merged = v && !b->level ? merged_tokens(v) : 0;
    if (!merged)
        return attention(b, h, h, name, width, width, heads);
    lk_graph_at(g, "%s", name);
    lk_value to = lk_graph_match_tokens(g, x, v->height, v->width, merged);
    h = lk_graph_merge_tokens(g, h, to, (int64_t)v->height * v->width - merged);
    return lk_graph_spread_tokens(g, attention(b, h, h, name, width, width, heads), to);
}

/* x += attn1(norm1 x); x += attn2(norm2 x, context); x += ff(norm3 x), ff = linear(a·gelu(b)) of
 * width 4. x [N,T,width] */
static lk_value transformer_block(
    struct builder *b, lk_value x, const char *name, int width, int heads)
{
    lk_graph *g = b->net.graph;
    char part[LK__NAME_SIZE];
    lk__name(part, "%s.norm1", name);
    lk_value h = lk__net_layer_norm(&b->net, x, part, width);
    lk__name(part, "%s.attn1", name);
    x = lk_graph_add(g, self_attention(b, x, h, part, width, heads), x);
    lk__name(part, "%s.norm2", name);
    h = lk__net_layer_norm(&b->net, x, part, width);
    lk__name(part, "%s.attn2", name);
    x = lk_graph_add(g, attention(b, h, b->context, part, width, b->config->context, heads), x);
    lk__name(part, "%s.norm3", name);
    h = lk__net_layer_norm(&b->net, x, part, width);
    lk__name(part, "%s.ff.net.0.proj", name);
    h = lk_graph_geglu(g, lk__net_linear(&b->net, h, part, width, 8 * width, 0));
    lk__name(part, "%s.ff.net.2", name);
    return lk_graph_add(g, lk__net_linear(&b->net, h, part, 4 * width, width, 0), x);
}

static int has(const struct builder *b, const char *name, const char *tail)
{
    char tensor[LK__NAME_SIZE];
    lk__name(tensor, "%s.%s", name, tail);
    return lk_checkpoint_tensor(b->net.checkpoint, b->net.part, tensor) != NULL;
}

/* x + proj_out(blocks(proj_in(norm x))), x itself where the checkpoint has no such transformer; the
 * projections are 1×1 convolutions, or linear on tokens. x [N,width,H,W] */
static lk_value transformer(struct builder *b, lk_value x, const char *name, int width, int heads)
{
    lk_graph *g = b->net.graph;
    const int linear = b->config->linear_projection;
    char part[LK__NAME_SIZE];
    if (!has(b, name, "norm.weight"))
        return x;
    lk__name(part, "%s.norm", name);
    lk_value h = lk__net_group_norm(&b->net, x, part, width, 1e-6f);
    lk__name(part, "%s.proj_in", name);
    if (!linear)
        h = lk__net_conv(&b->net, h, part, width, width, 1, 1);
    h = lk_graph_tokens_of_image(g, h);
    if (linear)
        h = lk__net_linear(&b->net, h, part, width, width, 0);
    lk__name(part, "%s.transformer_blocks.0", name);
    for (int i = 0; i == 0 || has(b, part, "norm1.weight");) {
        h = transformer_block(b, h, part, width, heads);
        lk__name(part, "%s.transformer_blocks.%d", name, ++i);
    }
    lk__name(part, "%s.proj_out", name);
    if (linear)
        h = lk__net_linear(&b->net, h, part, width, width, 0);
    h = lk_graph_image_of_tokens(g, h, x);
    if (!linear)
        h = lk__net_conv(&b->net, h, part, width, width, 1, 1);
    return lk_graph_add(g, h, x);
}

static lk_value resnet(struct builder *b, lk_value x, const char *name, int in, int out)
{
    return lk__net_resnet(&b->net, x, b->time, name, in, out, b->time_width);
}

static void keep(struct builder *b, lk_value value, int channels)
{
    b->skips[b->n_skips++] = (struct lk__skip){value, channels};
}

static lk_value down(struct builder *b, lk_value x)
{
    const struct lk_unet_config *c = b->config;
    char name[LK__NAME_SIZE];
    int channels = c->width[0];
    keep(b, x, channels);
    for (int level = 0; level < c->levels; level++) {
        b->level = level;
        for (int j = 0; j < c->resnets[level]; j++) {
            lk__name(name, "down_blocks.%d.resnets.%d", level, j);
            x = resnet(b, x, name, channels, c->width[level]);
            channels = c->width[level];
            lk__name(name, "down_blocks.%d.attentions.%d", level, j);
            x = transformer(b, x, name, channels, c->heads[level]);
            keep(b, x, channels);
        }
        if (level + 1 < c->levels) {
            lk__name(name, "down_blocks.%d.downsamplers.0.conv", level);
            x = lk__net_conv(&b->net, x, name, channels, channels, 3, 2);
            keep(b, x, channels);
        }
    }
    return x;
}

/* resnet, transformer, resnet; distilled ones have the first alone, or nothing. */
static lk_value middle(struct builder *b, lk_value x)
{
    const struct lk_unet_config *c = b->config;
    const int last = c->levels - 1, width = c->width[last];
    if (has(b, "mid_block.resnets.0", "conv1.weight"))
        x = resnet(b, x, "mid_block.resnets.0", width, width);
    b->in_middle = 1;
    x = transformer(b, x, "mid_block.attentions.0", width, c->heads[last]);
    b->in_middle = 0;
    if (has(b, "mid_block.resnets.1", "conv1.weight"))
        x = resnet(b, x, "mid_block.resnets.1", width, width);
    return x;
}

/* The size of a level: each one below halves it, rounding up. */
static int at_level(int size, int level)
{
    return (size + (1 << level) - 1) >> level;
}

static lk_value join(struct builder *b, lk_value x, lk_value skip, int i, int level, int channels)
{
    const struct lk_unet_variant *v = b->variant;
    if (v && v->freed && i < LK__FREEU_LEVELS)
        lk__freeu_apply(b->net.graph, &v->freeu, i, channels, at_level(v->height, level),
                        at_level(v->width, level), &x, &skip);
    return lk_graph_concat(b->net.graph, x, skip, 1);
}

/* Layer j of block i going up: x [N,in,H,W] with its skip joined → [N,width of its level,H,W] */
static lk_value up_layer(struct builder *b, lk_value x, int i, int j, int in)
{
    const struct lk_unet_config *c = b->config;
    const int level = b->level = c->levels - 1 - i;
    char name[LK__NAME_SIZE];
    lk__name(name, "up_blocks.%d.resnets.%d", i, j);
    x = resnet(b, x, name, in, c->width[level]);
    lk__name(name, "up_blocks.%d.attentions.%d", i, j);
    return transformer(b, x, name, c->width[level], c->heads[level]);
}

static lk_value up(struct builder *b, lk_value x)
{
    const struct lk_unet_config *c = b->config;
    char name[LK__NAME_SIZE];
    int channels = c->width[c->levels - 1];
    for (int i = 0; i < c->levels; i++) {
        const int level = c->levels - 1 - i;
        for (int j = 0; j < c->up_resnets[i]; j++) {
            const struct lk__skip skip = b->skips[--b->n_skips];
            if (b->variant && b->variant->caches && !b->n_skips)
                lk_graph_output(b->net.graph, "deep", x);
            lk_graph_round(b->net.graph, b->n_skips > 0);
            x = join(b, x, skip.value, i, level, channels);
            x = up_layer(b, x, i, j, channels + skip.channels);
            channels = c->width[level];
        }
        if (level > 0) {
            x = lk_graph_upsample2_like(b->net.graph, x, b->skips[b->n_skips - 1].value);
            lk__name(name, "up_blocks.%d.upsamplers.0.conv", i);
            x = lk__net_conv(&b->net, x, name, channels, channels, 3, 1);
        }
    }
    return x;
}

/* linear_2(silu(linear_1 x)): NAME.linear_1, NAME.linear_2. x [N,in] → [N,time_width] */
static lk_value embedding(struct builder *b, lk_value x, const char *name, int in)
{
    char part[LK__NAME_SIZE];
    lk__name(part, "%s.linear_1", name);
    x = lk__net_linear(&b->net, x, part, in, b->time_width, 0);
    x = lk_graph_activation(b->net.graph, x, LK_SILU);
    lk__name(part, "%s.linear_2", name);
    return lk__net_linear(&b->net, x, part, b->time_width, b->time_width, 0);
}

/* silu(time_embedding(sinusoids of the timestep) + add_embedding(added)): every resnet takes it
 * through silu. */
static lk_value time_embedding(struct builder *b, lk_value timestep)
{
    lk_graph *g = b->net.graph;
    const struct lk_unet_config *c = b->config;
    lk_graph_at(g, "time_proj");
    lk_value t = lk_graph_time_embedding(g, timestep, c->width[0]);
    t = embedding(b, t, "time_embedding", c->width[0]);
    if (c->added) {
        const int64_t dims[] = {LK_DYNAMIC, c->added};
        lk_value added = lk_graph_input(g, "added", LK_F32, 2, dims);
        t = lk_graph_add(g, t, embedding(b, added, "add_embedding", c->added));
    }
    return lk_graph_activation(g, t, LK_SILU);
}

/* What goes in, as far as conv_in. */
static lk_value enter(struct builder *b)
{
    const struct lk_unet_config *c = b->config;
    lk_graph *g = b->net.graph;
    const int64_t sample_dims[] = {LK_DYNAMIC, c->in_channels, LK_DYNAMIC, LK_DYNAMIC};
    const int64_t context_dims[] = {LK_DYNAMIC, LK_DYNAMIC, c->context ? c->context : LK_DYNAMIC};
    const int64_t perturb_dims[] = {LK_DYNAMIC, 1, 1};
    lk_value sample = lk_graph_input(g, "sample", LK_F32, 4, sample_dims);
    lk_value timestep = lk_graph_input(g, "timestep", LK_F32, 1, (const int64_t[]){LK_DYNAMIC});
    b->context = lk_graph_input(g, "context", LK_F32, 3, context_dims);
    if (b->variant && b->variant->perturbed)
        b->perturb = lk_graph_input(g, "perturb", LK_F32, 3, perturb_dims);
    if (b->variant && b->variant->images)
        lk__image_inputs_add(g, b->net.checkpoint, b->variant->images, &b->images);
    b->time = time_embedding(b, timestep);
    return lk__net_conv(&b->net, sample, "conv_in", c->in_channels, c->width[0], 3, 1);
}

/* All that is read of it on the way down: leaves the skips in b, returns the middle's output. hint
 * [N,width 0,H,W] is added behind conv_in; or LK_NO_VALUE. */
static lk_value trunk(struct builder *b, lk_value hint)
{
    lk_value x = enter(b);
    lk_graph_round(b->net.graph, true);
    if (hint != LK_NO_VALUE)
        x = lk_graph_add(b->net.graph, x, hint);
    return middle(b, down(b, x));
}

static void leave(struct builder *b, lk_value x)
{
    const struct lk_unet_config *c = b->config;
    x = lk__net_group_norm(&b->net, x, "conv_norm_out", c->width[0], b->net.epsilon);
    x = lk_graph_activation(b->net.graph, x, LK_SILU);
    x = lk__net_conv(&b->net, x, "conv_out", c->width[0], c->out_channels, 3, 1);
    lk_graph_output(b->net.graph, "noise", x);
}

static int begin(struct builder *b,
                 lk_graph *graph,
                 const lk_checkpoint *checkpoint,
                 struct lk_error *err)
{
    const struct lk_unet_config *config = &lk_checkpoint_config(checkpoint)->unet;
    b->net = (struct lk__net){.graph = graph,
                              .checkpoint = checkpoint,
                              .part = LK_PART_UNET,
                              .groups = config->groups,
                              .epsilon = 1e-5f};
    b->config = config;
    b->time_width = 4 * config->width[0];
    int kept = config->levels;
    for (int i = 0; i < config->levels; i++)
        kept += config->resnets[i];
    if (kept > LK__SKIPS_MAX)
        return lk_fail(err, LK_E_INPUT,
                       "checkpoint '%s': a UNet of %d levels that keeps %d outputs is too large to "
                       "be Stable Diffusion",
                       lk_checkpoint_name(checkpoint), config->levels, kept);
    return 0;
}

int lk__trunk_build(lk_graph *graph,
                    const lk_checkpoint *checkpoint,
                    lk_value hint,
                    struct lk__trunk *out,
                    struct lk_error *err)
{
    struct builder b = {.skips = out->skips};
    int rc = begin(&b, graph, checkpoint, err);
    if (rc)
        return rc;
    out->middle = trunk(&b, hint);
    out->n_skips = b.n_skips;
    return 0;
}

/* + the input `name` [N,channels,h,w] */
static lk_value plus_input(struct builder *b, lk_value x, const char *name, int channels)
{
    const int64_t dims[] = {LK_DYNAMIC, channels, LK_DYNAMIC, LK_DYNAMIC};
    lk_graph *g = b->net.graph;
    return lk_graph_add(g, x, lk_graph_input(g, name, LK_F32, 4, dims));
}

static void build(struct builder *b)
{
    const int controlled = b->variant && b->variant->controlled;
    const struct lk_unet_config *c = b->config;
    lk_value x = trunk(b, LK_NO_VALUE);
    for (int i = 0; controlled && i < b->n_skips; i++) {
        char name[LK__NAME_SIZE];
        lk__name(name, "residual_%d", i);
        b->skips[i].value = plus_input(b, b->skips[i].value, name, b->skips[i].channels);
    }
    if (controlled)
        x = plus_input(b, x, "residual_middle", c->width[c->levels - 1]);
    leave(b, up(b, x));
}

/* conv_in, joined with what the layers between have made, and the last layer. */
static void build_shallow(struct builder *b)
{
    const struct lk_unet_config *c = b->config;
    const int last = c->levels - 1, layers = c->up_resnets[last];
    const int channels = c->width[layers > 1 || last == 0 ? 0 : 1];
    const int64_t dims[] = {LK_DYNAMIC, channels, LK_DYNAMIC, LK_DYNAMIC};
    lk_graph *g = b->net.graph;
    lk_value skip = enter(b);
    lk_value x = lk_graph_concat(g, lk_graph_input(g, "deep", LK_F32, 4, dims), skip, 1);
    leave(b, up_layer(b, x, last, layers - 1, channels + c->width[0]));
}

static int write_graph(const lk_checkpoint *checkpoint,
                       const struct lk_unet_variant *variant,
                       void (*build_it)(struct builder *),
                       lk_graph **out,
                       struct lk_error *err)
{
    struct lk__skip skips[LK__SKIPS_MAX];
    struct builder b = {.skips = skips, .variant = variant};
    lk_graph *graph;
    int rc = lk_graph_new("unet", &graph, err);
    if (rc)
        return rc;
    lk_graph_repeat(graph);
    rc = begin(&b, graph, checkpoint, err);
    if (!rc) {
        build_it(&b);
        rc = lk_graph_status(graph, err);
        if (rc)
            lk_fail_context(err, rc, "checkpoint '%s'", lk_checkpoint_name(checkpoint));
    }
    if (rc)
        lk_graph_free(graph);
    else
        *out = graph;
    return rc;
}

int lk_unet_variant_graph(const lk_checkpoint *checkpoint,
                          const struct lk_unet_variant *variant,
                          lk_graph **out,
                          struct lk_error *err)
{
    return write_graph(checkpoint, variant, build, out, err);
}

int lk_unet_shallow_graph(const lk_checkpoint *checkpoint,
                          const struct lk_unet_variant *variant,
                          lk_graph **out,
                          struct lk_error *err)
{
    const struct lk_unet_variant own = {
        .merging = variant->merging, .height = variant->height, .width = variant->width};
    return write_graph(checkpoint, &own, build_shallow, out, err);
}

int lk_unet_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return lk_unet_variant_graph(checkpoint, NULL, out, err);
}
