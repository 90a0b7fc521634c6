// SPDX-License-Identifier: Apache-2.0
/* The topology of an SD 1.x checkpoint, read from its tensors' shapes: a file cannot lie about
 * them, and single files carry nothing else.
 *
 *   UNet   levels and layers from which blocks are there; width of a level: rows of its first
 *          convolution; attention where a level has transformers; context: columns of attn2.to_k
 *   VAE    the same from the decoder, which counts levels from the inside
 *   CLIP   [vocabulary, width] and [positions, width] of the embeddings, layers by counting
 *
 * LDM numbers blocks through all levels, so there levels and layers are counted in LDM's own names:
 * the first downsampler is block L + 1. */
#include "catalog/topology.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 64, MAX_SIZE = 1 << 20 };

struct reader {
    const struct lk__part *part;
    struct lk_checkpoint_config *config;
    struct lk_error *err;
};

static const struct lk_tensor *find(const struct reader *in, const char *format, int i)
{
    char name[LK__NAME_MAX];
    snprintf(name, sizeof name, format, i);
    return lk__find(in->part->file, in->part->naming, in->config, name);
}

/* *out = one dimension of a tensor that must be there. */
static int dimension(const struct reader *in, const char *name, int axis, int *out)
{
    const struct lk_tensor *tensor = lk__find(in->part->file, in->part->naming, in->config, name);
    if (!tensor)
        return lk_fail(in->err, LK_E_INPUT,
                       "'%s' has no tensor '%s': it is no complete SD 1.x checkpoint",
                       in->part->path, name);
    if (axis >= tensor->rank || tensor->shape[axis] < 1 || tensor->shape[axis] > MAX_SIZE)
        return lk_fail(in->err, LK_E_INPUT,
                       "tensor '%s' of '%s' has a shape that no SD 1.x checkpoint has", name,
                       in->part->path);
    *out = (int)tensor->shape[axis];
    return 0;
}

/* Is there a tensor of that name in the file's own naming? */
static bool has_raw(const struct reader *in, const char *format, int i)
{
    char inner[LK__NAME_MAX], name[2 * LK__NAME_MAX];
    snprintf(inner, sizeof inner, format, i);
    snprintf(name, sizeof name, "%s%s", in->part->naming->prefix, inner);
    return lk_tensor_file_find(in->part->file, name) != NULL;
}

static int count(const struct reader *in, const char *format, int limit)
{
    int n = 0;
    while (n <= limit && find(in, format, n))
        n++;
    return n;
}

static int check_counts(const struct reader *in, const char *what, int levels, int layers)
{
    if (levels >= 1 && levels <= LK_MAX_LEVELS && layers >= 1 && layers <= MAX_LAYERS)
        return 0;
    return lk_fail(in->err, LK_E_INPUT,
                   "the %s of '%s' has %d levels of %d layers: no SD 1.x checkpoint has", what,
                   in->part->path, levels, layers);
}

/* A UNet of `levels` levels has levels·(L+1) input blocks: conv_in, L resnets a level, and a
 * downsampler between levels, the first of which is block L + 1. */
static void count_unet_ldm(const struct reader *in, struct lk_unet_config *unet)
{
    int blocks = 1, first_downsampler = 0;
    for (; blocks < LK_MAX_LEVELS * MAX_LAYERS; blocks++) {
        if (has_raw(in, "input_blocks.%d.0.in_layers.0.weight", blocks))
            continue;
        if (!has_raw(in, "input_blocks.%d.0.op.weight", blocks))
            break;
        if (!first_downsampler)
            first_downsampler = blocks;
    }
    unet->layers = (first_downsampler ? first_downsampler : blocks) - 1;
    unet->levels = blocks / (unet->layers + 1);
}

/* Widths, and which levels have transformers. */
static int read_unet_levels(const struct reader *in, struct lk_unet_config *unet)
{
    for (int i = 0; i < unet->levels; i++) {
        char name[LK__NAME_MAX];
        snprintf(name, sizeof name, "down_blocks.%d.resnets.0.conv1.weight", i);
        int code = dimension(in, name, 0, &unet->width[i]);
        if (code)
            return code;
        unet->attention[i] = find(in, "down_blocks.%d.attentions.0.norm.weight", i) != NULL;
        unet->heads[i] = 8;
    }
    return 0;
}

static int read_unet(const struct reader *in)
{
    struct lk_unet_config *unet = &in->config->unet;
    if (in->part->naming->ldm) {
        count_unet_ldm(in, unet);
    } else {
        unet->levels = count(in, "down_blocks.%d.resnets.0.conv1.weight", LK_MAX_LEVELS);
        unet->layers = count(in, "down_blocks.0.resnets.%d.conv1.weight", MAX_LAYERS);
    }
    const char *cross = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    int code = check_counts(in, "UNet", unet->levels, unet->layers);
    if (!code)
        code = read_unet_levels(in, unet);
    if (!code)
        code = dimension(in, "conv_in.weight", 1, &unet->in_channels);
    if (!code)
        code = dimension(in, "conv_out.weight", 0, &unet->out_channels);
    if (!code)
        code = dimension(in, cross, 1, &unet->context);
    if (code)
        return code;
    unet->groups = 32;
    const struct lk_tensor *proj = find(in, "mid_block.attentions.%d.proj_in.weight", 0);
    unet->linear_projection = proj && proj->rank == 2;
    if (unet->in_channels == 9)
        return lk_fail(
            in->err, LK_E_INPUT,
            "'%s' is an inpainting checkpoint (9 input channels), which is not supported "
            "yet: give a plain SD 1.x one",
            in->part->path);
    if (find(in, "mid_block.attentions.%d.transformer_blocks.1.norm1.weight", 0))
        return lk_fail(in->err, LK_E_INPUT,
                       "'%s' has deeper transformers than SD 1.x: SDXL is not supported yet",
                       in->part->path);
    return 0;
}

static int read_vae(const struct reader *in)
{
    struct lk_vae_config *vae = &in->config->vae;
    const char *format = in->part->naming->ldm ? "decoder.up.%d.block.0.conv1.weight"
                                               : "decoder.up_blocks.%d.resnets.0.conv1.weight";
    while (vae->levels <= LK_MAX_LEVELS && has_raw(in, format, vae->levels))
        vae->levels++;
    /* FLIPPED counts from vae->levels, so this comes second */
    vae->layers = count(in, "decoder.up_blocks.0.resnets.%d.conv1.weight", MAX_LAYERS) - 1;
    int code = check_counts(in, "VAE", vae->levels, vae->layers);
    for (int i = 0; !code && i < vae->levels; i++) {
        char name[LK__NAME_MAX];
        snprintf(name, sizeof name, "decoder.up_blocks.%d.resnets.0.conv1.weight", i);
        code = dimension(in, name, 0, &vae->width[vae->levels - 1 - i]);
    }
    if (!code)
        code = dimension(in, "decoder.conv_in.weight", 1, &vae->latent_channels);
    vae->groups = 32;
    vae->scale = 0.18215f;
    return code;
}

static int read_text(const struct reader *in)
{
    struct lk_text_config *text = &in->config->text;
    const char *tokens = "text_model.embeddings.token_embedding.weight";
    const char *positions = "text_model.embeddings.position_embedding.weight";
    text->layers = count(in, "text_model.encoder.layers.%d.layer_norm1.weight", MAX_LAYERS);
    int code = check_counts(in, "text encoder", 1, text->layers);
    if (!code)
        code = dimension(in, tokens, 0, &text->vocabulary);
    if (!code)
        code = dimension(in, tokens, 1, &text->width);
    if (!code)
        code = dimension(in, positions, 0, &text->positions);
    if (!code)
        code = dimension(in, "text_model.encoder.layers.0.mlp.fc1.weight", 0, &text->intermediate);
    text->heads = text->width >= 64 ? text->width / 64 : 1;
    text->quick_gelu = 1;
    return code;
}

int lk__topology_read(const struct lk__part parts[3],
                      struct lk_checkpoint_config *config,
                      struct lk_error *err)
{
    static int (*const readers[3])(const struct reader *) = {
        [LK_PART_TEXT] = read_text, [LK_PART_UNET] = read_unet, [LK_PART_VAE] = read_vae};
    memset(config, 0, sizeof *config);
    int code = 0;
    for (int part = 0; !code && part < 3; part++)
        code = readers[part](&(struct reader){&parts[part], config, err});
    if (code)
        return code;
    if (config->text.width != config->unet.context)
        return lk_fail(
            err, LK_E_INPUT,
            "the UNet of '%s' reads %d channels of text, the text encoder of '%s' writes "
            "%d: they do not belong together",
            parts[LK_PART_UNET].path, config->unet.context, parts[LK_PART_TEXT].path,
            config->text.width);
    if (config->unet.in_channels != config->vae.latent_channels ||
        config->unet.out_channels != config->vae.latent_channels)
        return lk_fail(
            err, LK_E_INPUT,
            "the UNet of '%s' works on %d latent channels, the VAE of '%s' on %d: they do "
            "not belong together",
            parts[LK_PART_UNET].path, config->unet.in_channels, parts[LK_PART_VAE].path,
            config->vae.latent_channels);
    return 0;
}

static int check_divides(
    const char *what, int number, int width, const char *path, struct lk_error *err)
{
    if (number >= 1 && width % number == 0)
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "%d %s do not divide %d channels of '%s': set them in config.json (of a single "
                   "file: in NAME.json beside it)",
                   number, what, width, path);
}

int lk__topology_check(const struct lk__part parts[3],
                       const struct lk_checkpoint_config *config,
                       struct lk_error *err)
{
    const struct lk_unet_config *unet = &config->unet;
    const struct lk_vae_config *vae = &config->vae;
    int code = check_divides("heads", config->text.heads, config->text.width,
                             parts[LK_PART_TEXT].path, err);
    for (int i = 0; !code && i < unet->levels; i++) {
        code = check_divides("groups", unet->groups, unet->width[i], parts[LK_PART_UNET].path, err);
        if (!code && (unet->attention[i] || i == unet->levels - 1)) /* the last: the middle's */
            code = check_divides("heads", unet->heads[i], unet->width[i], parts[LK_PART_UNET].path,
                                 err);
    }
    for (int i = 0; !code && i < vae->levels; i++)
        code = check_divides("groups", vae->groups, vae->width[i], parts[LK_PART_VAE].path, err);
    return code;
}
