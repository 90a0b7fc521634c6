// SPDX-License-Identifier: Apache-2.0
/* The autoencoder of Stable Diffusion (Esser et al. 2021, arXiv 2012.09841, with a Gaussian
 * posterior), named as diffusers' AutoencoderKL names it. Both halves are a chain of resnets with
 * one attention of a single head in the middle, at the smallest size; the decoder has one resnet
 * more per level than the encoder. All group norms have ε = 1e-6. */
#include "stages/diffuse/net.h"
#include "stages/diffuse/networks.h"

/* x + to_out.0(softmax(q·kᵀ/√C)·v) of group_norm(x); one head. x [N,C,h,w] */
static lk_value attention(const struct lk__net *net, lk_value x, const char *name, int channels)
{
    lk_graph *g = net->graph;
    char part[LK__NAME_SIZE];
    lk__name(part, "%s.group_norm", name);
    lk_value h = lk__net_group_norm(net, x, part, channels, net->epsilon);
    h = lk_graph_tokens_of_image(g, h);
    lk__name(part, "%s.to_q", name);
    lk_value q = lk__net_linear(net, h, part, channels, channels, 0);
    lk__name(part, "%s.to_k", name);
    lk_value k = lk__net_linear(net, h, part, channels, channels, 0);
    lk__name(part, "%s.to_v", name);
    lk_value v = lk__net_linear(net, h, part, channels, channels, 0);
    lk_graph_at(g, "%s", name);
    h = lk_graph_attention(g, q, k, v, 1, channels, 0);
    lk__name(part, "%s.to_out.0", name);
    h = lk__net_linear(net, h, part, channels, channels, 0);
    return lk_graph_add(g, lk_graph_image_of_tokens(g, h, x), x);
}

/* half: "encoder" or "decoder" */
static lk_value middle(const struct lk__net *net, lk_value x, const char *half, int channels)
{
    char name[LK__NAME_SIZE];
    lk__name(name, "%s.mid_block.resnets.0", half);
    x = lk__net_resnet(net, x, LK_NO_VALUE, name, channels, channels, 0);
    lk__name(name, "%s.mid_block.attentions.0", half);
    x = attention(net, x, name, channels);
    lk__name(name, "%s.mid_block.resnets.1", half);
    return lk__net_resnet(net, x, LK_NO_VALUE, name, channels, channels, 0);
}

/* conv_out(silu(conv_norm_out(x))) */
static lk_value finish(
    const struct lk__net *net, lk_value x, const char *half, int channels, int out)
{
    char name[LK__NAME_SIZE];
    lk__name(name, "%s.conv_norm_out", half);
    x = lk__net_group_norm(net, x, name, channels, net->epsilon);
    x = lk_graph_activation(net->graph, x, LK_SILU);
    lk__name(name, "%s.conv_out", half);
    return lk__net_conv(net, x, name, channels, out, 3, 1);
}

static void decoder(const struct lk__net *net, const struct lk_vae_config *c)
{
    const int64_t dims[] = {LK_DYNAMIC, c->latent_channels, LK_DYNAMIC, LK_DYNAMIC};
    const int deepest = c->width[c->levels - 1];
    char name[LK__NAME_SIZE];
    int channels = deepest;
    lk_value x = lk_graph_input(net->graph, "latent", LK_F32, 4, dims);
    x = lk__net_conv(net, x, "post_quant_conv", c->latent_channels, c->latent_channels, 1, 1);
    x = lk__net_conv(net, x, "decoder.conv_in", c->latent_channels, deepest, 3, 1);
    x = middle(net, x, "decoder", deepest);
    for (int i = 0; i < c->levels; i++) {
        const int width = c->width[c->levels - 1 - i];
        for (int j = 0; j <= c->layers; j++) {
            lk__name(name, "decoder.up_blocks.%d.resnets.%d", i, j);
            x = lk__net_resnet(net, x, LK_NO_VALUE, name, channels, width, 0);
            channels = width;
        }
        if (i + 1 < c->levels) {
            lk__name(name, "decoder.up_blocks.%d.upsamplers.0.conv", i);
            x = lk__net_conv(net, lk_graph_upsample2(net->graph, x), name, width, width, 3, 1);
        }
    }
    lk_graph_output(net->graph, "picture", finish(net, x, "decoder", channels, 3));
}

/* The encoder halves with one row and column of zeros below and to the right only. */
static lk_value halve(const struct lk__net *net, lk_value x, const char *name, int channels)
{
    return lk__net_conv_padded(net, x, name, channels, channels, 3, 2, (const int[]){0, 0, 1, 1});
}

static void encoder(const struct lk__net *net, const struct lk_vae_config *c)
{
    const int64_t dims[] = {LK_DYNAMIC, 3, LK_DYNAMIC, LK_DYNAMIC};
    const int moments = 2 * c->latent_channels;
    char name[LK__NAME_SIZE];
    int channels = c->width[0];
    lk_value x = lk_graph_input(net->graph, "picture", LK_F32, 4, dims);
    x = lk__net_conv(net, x, "encoder.conv_in", 3, channels, 3, 1);
    for (int i = 0; i < c->levels; i++) {
        for (int j = 0; j < c->layers; j++) {
            lk__name(name, "encoder.down_blocks.%d.resnets.%d", i, j);
            x = lk__net_resnet(net, x, LK_NO_VALUE, name, channels, c->width[i], 0);
            channels = c->width[i];
        }
        if (i + 1 < c->levels) {
            lk__name(name, "encoder.down_blocks.%d.downsamplers.0.conv", i);
            x = halve(net, x, name, channels);
        }
    }
    x = middle(net, x, "encoder", channels);
    x = finish(net, x, "encoder", channels, moments);
    x = lk__net_conv(net, x, "quant_conv", moments, moments, 1, 1);
    lk_graph_output(net->graph, "moments", x);
}

static int vae_graph(const lk_checkpoint *checkpoint,
                     const char *name,
                     void (*build)(const struct lk__net *net, const struct lk_vae_config *c),
                     lk_graph **out,
                     struct lk_error *err)
{
    const struct lk_vae_config *config = &lk_checkpoint_config(checkpoint)->vae;
    struct lk__net net = {
        .checkpoint = checkpoint, .part = LK_PART_VAE, .groups = config->groups, .epsilon = 1e-6f};
    int rc = lk_graph_new(name, &net.graph, err);
    if (rc)
        return rc;
    if (lk_checkpoint_config(checkpoint)->family == LK_FAMILY_SDXL)
        lk_graph_widen(net.graph);
    build(&net, config);
    rc = lk_graph_status(net.graph, err);
    if (rc) {
        lk_graph_free(net.graph);
        return lk_fail_context(err, rc, "VAE of checkpoint '%s'", lk_checkpoint_name(checkpoint));
    }
    *out = net.graph;
    return 0;
}

int lk_vae_decoder_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return vae_graph(checkpoint, "vae_decoder", decoder, out, err);
}

int lk_vae_encoder_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err)
{
    return vae_graph(checkpoint, "vae_encoder", encoder, out, err);
}
