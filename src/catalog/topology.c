// SPDX-License-Identifier: Apache-2.0
/* The topology of a checkpoint, read from its tensors: a file cannot lie about their shapes, and
 * single files carry nothing else. Nothing is taken for granted of a family: distilled UNets have
 * other numbers of resnets and transformers, or no middle.
 *
 *   UNet   levels and resnets from which blocks are there; width of a level: rows of its first
 *          convolution; attention where a level has transformers; context: columns of attn2.to_k
 *   VAE    the same from the decoder, which counts levels from the inside
 *   CLIP   [vocabulary, width] and [positions, width] of the embeddings, layers by counting
 *
 * LDM numbers blocks through all levels, so there levels and resnets are counted in LDM's own
 * names.
 *
 * The family follows from which text encoders there are and from how the transformers project:
 * SDXL has two encoders, its refiner the second alone; SD 2.x projects tokens (linear), 1.x pixels
 * (1×1 convolutions). */
#include "catalog/topology.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 64, MAX_SIZE = 1 << 20 };

static const char *const FAMILIES[] = {
    [LK_FAMILY_SD1] = "SD 1.x",
    [LK_FAMILY_SD2] = "SD 2.x",
    [LK_FAMILY_SDXL] = "SDXL",
    [LK_FAMILY_REFINER] = "SDXL refiner",
};

const char *lk_family_name(enum lk_family family)
{
    return FAMILIES[family];
}

struct reader {
    const struct lk__part *part;
    struct lk_checkpoint_config *config;
    bool is_control; /* the UNet is a ControlNet */
    struct lk_error *err;
};

static const struct lk_tensor *find(const struct reader *in, const char *format, int i)
{
    char name[LK__NAME_MAX];
    snprintf(name, sizeof name, format, i);
    return lk__find(in->part, in->config, name);
}

/* *out = one dimension of a tensor that must be there. */
static int dimension(const struct reader *in, const char *name, int axis, int *out)
{
    const struct lk_tensor *tensor = lk__find(in->part, in->config, name);
    if (!tensor)
        return lk_fail(in->err, LK_E_INPUT,
                       "'%s' has no tensor '%s': it is no complete checkpoint of Stable Diffusion",
                       in->part->path, name);
    if (axis >= tensor->rank || tensor->shape[axis] < 1 || tensor->shape[axis] > MAX_SIZE)
        return lk_fail(in->err, LK_E_INPUT,
                       "tensor '%s' of '%s' has a shape that no Stable Diffusion checkpoint has",
                       name, in->part->path);
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
                   "the %s of '%s' has %d levels of %d layers: no Stable Diffusion checkpoint has",
                   what, in->part->path, levels, layers);
}

/* Layers of a level are counted up to the downsampler, which begins the next one. */
static void count_unet_ldm(const struct reader *in, struct lk_unet_config *unet)
{
    int level = 0, up = 0;
    for (int i = 1; level < LK_MAX_LEVELS; i++) {
        if (has_raw(in, "input_blocks.%d.0.in_layers.0.weight", i))
            unet->resnets[level]++;
        else if (has_raw(in, "input_blocks.%d.0.op.weight", i))
            level++;
        else
            break;
    }
    unet->levels = level + 1;
    for (int i = 0; up < LK_MAX_LEVELS && has_raw(in, "output_blocks.%d.0.in_layers.0.weight", i);
         i++) {
        unet->up_resnets[up]++;
        if (has_raw(in, "output_blocks.%d.1.conv.weight", i) ||
            has_raw(in, "output_blocks.%d.2.conv.weight", i))
            up++;
    }
}

static int count_within(const struct reader *in, const char *format, int level)
{
    char inner[LK__NAME_MAX];
    snprintf(inner, sizeof inner, format, level); /* leaves "%d" where the format has "%%d" */
    return count(in, inner, MAX_LAYERS);
}

static void count_unet(const struct reader *in, struct lk_unet_config *unet)
{
    unet->levels = count(in, "down_blocks.%d.resnets.0.conv1.weight", LK_MAX_LEVELS);
    for (int i = 0; i < unet->levels && i < LK_MAX_LEVELS; i++) {
        unet->resnets[i] = count_within(in, "down_blocks.%d.resnets.%%d.conv1.weight", i);
        unet->up_resnets[i] = count_within(in, "up_blocks.%d.resnets.%%d.conv1.weight", i);
    }
}

/* Every output going down is taken back once going up: those of the resnets, of the downsamplers
 * and of conv_in. A ControlNet only goes down. */
static int check_unet_counts(const struct reader *in, const struct lk_unet_config *unet)
{
    int code = check_counts(in, "UNet", unet->levels, 1), kept = unet->levels, taken = 0;
    for (int i = 0; !code && i < unet->levels; i++) {
        kept += unet->resnets[i];
        taken += unet->up_resnets[i];
        code = check_counts(in, "UNet", unet->levels, unet->resnets[i]);
        if (!code && !in->is_control)
            code = check_counts(in, "UNet", unet->levels, unet->up_resnets[i]);
    }
    if (!code && !in->is_control && kept != taken)
        code = lk_fail(in->err, LK_E_INPUT,
                       "the UNet of '%s' keeps %d outputs going down and takes %d going up: blocks "
                       "are missing",
                       in->part->path, kept, taken);
    return code;
}

/* Notes what a transformer of a level says; a block that has none says nothing. */
static int read_attention(const struct reader *in, const char *block, int level)
{
    struct lk_unet_config *unet = &in->config->unet;
    char name[LK__NAME_MAX];
    snprintf(name, sizeof name, "%s.proj_in.weight", block);
    const struct lk_tensor *proj = lk__find(in->part, in->config, name);
    if (!proj)
        return 0;
    unet->attention[level] = 1;
    unet->linear_projection = proj->rank == 2;
    snprintf(name, sizeof name, "%s.transformer_blocks.0.attn2.to_k.weight", block);
    return dimension(in, name, 1, &unet->context);
}

/* Widths, and which levels have transformers. */
static int read_unet_levels(const struct reader *in, struct lk_unet_config *unet)
{
    int code = read_attention(in, "mid_block.attentions.0", unet->levels - 1);
    for (int i = 0; !code && i < unet->levels; i++) {
        char name[LK__NAME_MAX];
        snprintf(name, sizeof name, "down_blocks.%d.resnets.0.conv1.weight", i);
        code = dimension(in, name, 0, &unet->width[i]);
        for (int j = 0; !code && j < unet->resnets[i]; j++) {
            snprintf(name, sizeof name, "down_blocks.%d.attentions.%d", i, j);
            code = read_attention(in, name, i);
        }
        for (int j = 0; !code && j < unet->up_resnets[i]; j++) {
            snprintf(name, sizeof name, "up_blocks.%d.attentions.%d", i, j);
            code = read_attention(in, name, unet->levels - 1 - i);
        }
    }
    if (!code && !unet->context && !in->is_control)
        code = lk_fail(in->err, LK_E_INPUT,
                       "the UNet of '%s' has no transformer that reads text: no Stable Diffusion "
                       "checkpoint is so",
                       in->part->path);
    return code;
}

static int read_unet(const struct reader *in)
{
    struct lk_unet_config *unet = &in->config->unet;
    if (in->part->naming->ldm)
        count_unet_ldm(in, unet);
    else
        count_unet(in, unet);
    int code = check_unet_counts(in, unet);
    code = code ? code : read_unet_levels(in, unet);
    code = code ? code : dimension(in, "conv_in.weight", 1, &unet->in_channels);
    unet->out_channels = unet->in_channels; /* of a ControlNet, which has no conv_out */
    if (!code && !in->is_control)
        code = dimension(in, "conv_out.weight", 0, &unet->out_channels);
    if (!code && find(in, "time_embedding.cond_proj.weight", 0))
        code =
            lk_fail(in->err, LK_E_INPUT,
                    "the UNet of '%s' is of a latent consistency model that is told its guidance "
                    "(time_cond_proj), which is not supported: take the plain model with an LCM "
                    "LoRA",
                    in->part->path);
    if (!code && find(in, "add_embedding.linear_%d.weight", 1))
        code = dimension(in, "add_embedding.linear_1.weight", 1, &unet->added);
    unet->groups = 32;
    for (int i = 0; !code && i < unet->levels; i++)
        unet->heads[i] = !unet->linear_projection ? 8
                         : unet->width[i] >= 64   ? unet->width[i] / 64
                                                  : 1;
    return code;
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
    return code;
}

static int read_projection(const struct reader *in, struct lk_text_config *text)
{
    const char *name = "text_projection.weight";
    const int turned = text->projection_transposed;
    int width = 0;
    int code = dimension(in, name, turned ? 1 : 0, &text->projection);
    code = code ? code : dimension(in, name, turned ? 0 : 1, &width);
    if (!code && width != text->width)
        code = lk_fail(in->err, LK_E_INPUT,
                       "tensor '%s' of '%s' reads %d numbers, the text encoder writes %d: they do "
                       "not belong together",
                       name, in->part->path, width, text->width);
    return code;
}

static int read_text(const struct reader *in)
{
    const bool second = in->part->naming->part == LK_PART_TEXT_2;
    struct lk_text_config *text = second ? &in->config->text_2 : &in->config->text;
    const char *tokens = "text_model.embeddings.token_embedding.weight";
    const char *positions = "text_model.embeddings.position_embedding.weight";
    text->layers = count(in, "text_model.encoder.layers.%d.layer_norm1.weight", MAX_LAYERS);
    int code = check_counts(in, "text encoder", 1, text->layers);
    code = code ? code : dimension(in, tokens, 0, &text->vocabulary);
    code = code ? code : dimension(in, tokens, 1, &text->width);
    code = code ? code : dimension(in, positions, 0, &text->positions);
    code =
        code ? code
             : dimension(in, "text_model.encoder.layers.0.mlp.fc1.weight", 0, &text->intermediate);
    text->heads = text->width >= 64 ? text->width / 64 : 1;
    text->projection_transposed = in->part->naming->ldm;
    return code || !second ? code : read_projection(in, text);
}

/* SD 2.x reads OpenCLIP-H before its last layer: diffusers' folders leave that out, LDM's files
 * have it. */
enum { SD2_LAYERS = 23 };

static void settle_family(const struct lk__part *parts, struct lk_checkpoint_config *config)
{
    const bool second = parts[LK_PART_TEXT_2].naming, first = parts[LK_PART_TEXT].naming;
    const bool linear = config->unet.linear_projection;
    config->family = second && !first ? LK_FAMILY_REFINER
                     : second         ? LK_FAMILY_SDXL
                     : linear         ? LK_FAMILY_SD2
                                      : LK_FAMILY_SD1;
    struct lk_text_config *text = &config->text, *text_2 = &config->text_2;
    const bool sd2 = config->family == LK_FAMILY_SD2;
    if (sd2 && text->layers > SD2_LAYERS && parts[LK_PART_TEXT].naming->ldm)
        text->layers = SD2_LAYERS;
    text->quick_gelu = first && !sd2;
    text->pad_zero = sd2;
    text->penultimate = first && second;
    text_2->penultimate = text_2->pad_zero = second;
    config->vae.scale = second ? 0.13025f : 0.18215f;
    config->unet.sizes = config->unet.added ? 5 + first : 0;
    config->empty_is_zero = config->family == LK_FAMILY_SDXL;
}

/* Without a word about it: ComfyUI's rule for SD 2.x, whose two kinds no shape tells apart: where
 * the biases of this norm scatter widely, v was learned. Untrained weights, all zero, count as v,
 * as SD 2.1's. */
static int guess_prediction(const struct reader *in)
{
    const char *name = "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias";
    const struct lk_tensor *bias = lk__find(in->part, in->config, name);
    enum { MOST = 4096 };
    float value[MOST];
    double sum = 0, square = 0;
    in->config->prediction = LK_PREDICTION_V;
    const size_t n = bias ? bias->size / lk_dtype_size(bias->dtype) : 0;
    if (n < 2 || n > MOST)
        return 0;
    int code = lk_tensor_to_f32(bias, 0, n, value, in->err);
    for (size_t i = 0; !code && i < n; i++) {
        sum += value[i];
        square += (double)value[i] * value[i];
    }
    const double scatter = sqrt(fmax(0, square / (double)n - sum / (double)n * (sum / (double)n)));
    if (scatter > 0 && scatter <= 0.09)
        in->config->prediction = LK_PREDICTION_EPSILON;
    return code;
}

static int check_family(const struct lk__part *parts,
                        const struct lk_checkpoint_config *config,
                        struct lk_error *err)
{
    const struct lk_unet_config *unet = &config->unet;
    const char *path = parts[LK_PART_UNET].path;
    const int width = config->text.width + config->text_2.width;
    const int latent = /* of one that has no VAE yet, the UNet's own */
        parts[LK_PART_VAE].naming ? config->vae.latent_channels : unet->out_channels;
    if (width != unet->context)
        return lk_fail(err, LK_E_INPUT,
                       "the UNet of '%s' reads %d channels of text, the text encoder of '%s' "
                       "writes %d: they do not belong together",
                       path, unet->context,
                       parts[config->text.layers ? LK_PART_TEXT : LK_PART_TEXT_2].path, width);
    const int numbers = unet->added - config->text_2.projection;
    if (!unet->added != !config->text_2.layers ||
        (unet->added && (numbers <= 0 || numbers % (2 * unet->sizes))))
        return lk_fail(err, LK_E_INPUT,
                       "the UNet of '%s' takes %d added numbers, the text encoders give %d: they "
                       "do not belong together",
                       path, unet->added, config->text_2.projection);
    if (unet->out_channels != latent ||
        (unet->in_channels != latent && unet->in_channels != 2 * latent + 1))
        return lk_fail(err, LK_E_INPUT,
                       "the UNet of '%s' takes %d channels and gives %d, the VAE of '%s' has "
                       "latents of %d: they do not belong together, or it is of a kind that is "
                       "not supported (instruct-pix2pix, depth)",
                       path, unet->in_channels, unet->out_channels, parts[LK_PART_VAE].path,
                       latent);
    return 0;
}

int lk__topology_read(const struct lk__part *parts,
                      struct lk_checkpoint_config *config,
                      struct lk_error *err)
{
    static int (*const readers[LK_PART_COUNT])(const struct reader *) = {[LK_PART_TEXT] = read_text,
                                                                         [LK_PART_UNET] = read_unet,
                                                                         [LK_PART_VAE] = read_vae,
                                                                         [LK_PART_TEXT_2] =
                                                                             read_text};
    memset(config, 0, sizeof *config);
    config->prediction = LK_PREDICTION_EPSILON;
    int code = 0;
    for (int part = 0; !code && part < LK_PART_COUNT; part++)
        if (parts[part].naming)
            code = readers[part](&(struct reader){&parts[part], config, false, err});
    if (code)
        return code;
    settle_family(parts, config);
    if (config->family == LK_FAMILY_SD2)
        code = guess_prediction(&(struct reader){&parts[LK_PART_UNET], config, false, err});
    return code ? code : check_family(parts, config, err);
}

int lk__topology_read_control(const struct lk__part *part,
                              struct lk_checkpoint_config *config,
                              struct lk_error *err)
{
    memset(config, 0, sizeof *config);
    return read_unet(&(struct reader){part, config, true, err});
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

int lk__topology_check_unet(const struct lk__part *part,
                            const struct lk_unet_config *unet,
                            struct lk_error *err)
{
    int code = 0;
    for (int i = 0; !code && i < unet->levels; i++) {
        code = check_divides("groups", unet->groups, unet->width[i], part->path, err);
        if (!code && unet->attention[i])
            code = check_divides("heads", unet->heads[i], unet->width[i], part->path, err);
    }
    return code;
}

int lk__topology_check(const struct lk__part *parts,
                       const struct lk_checkpoint_config *config,
                       struct lk_error *err)
{
    const struct lk_vae_config *vae = &config->vae;
    int code = 0;
    if (config->text.layers)
        code = check_divides("heads", config->text.heads, config->text.width,
                             parts[LK_PART_TEXT].path, err);
    if (!code && config->text_2.layers)
        code = check_divides("heads", config->text_2.heads, config->text_2.width,
                             parts[LK_PART_TEXT_2].path, err);
    if (!code)
        code = lk__topology_check_unet(&parts[LK_PART_UNET], &config->unet, err);
    for (int i = 0; !code && i < vae->levels; i++)
        code = check_divides("groups", vae->groups, vae->width[i], parts[LK_PART_VAE].path, err);
    return code;
}
