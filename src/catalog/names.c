// SPDX-License-Identifier: Apache-2.0
/* Names of tensors: diffusers' and those of LDM single files.
 *
 * Diffusers names a block by level and place, `down_blocks.1.attentions.0.…`. LDM numbers the
 * blocks of a UNet through all levels: with L layers a level, input block (L+1)·i + j + 1 is layer
 * j of level i, its sub-block 0 the resnet, 1 the transformer; every (L+1)-th one is a downsampler.
 * The VAE's decoder counts its levels from the output, diffusers from the input. Each way of
 * counting is one `enum number`, each kind of block one row of BLOCKS; tails are renamed by short
 * tables. The rows follow diffusers' scripts/convert_original_stable_diffusion_to_diffusers.py,
 * read backwards. */
#include "catalog/names.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"

enum number {
    NO_NUMBER,
    FIRST,      /* the first '#' of `from`: i, a level in most rows */
    SECOND,     /* the second: j, a layer */
    FIRST_1,    /* i + 1 */
    FIRST_2X,   /* 2·i */
    FLIPPED,    /* levels − 1 − i */
    DOWN,       /* (L+1)·i + j + 1 */
    DOWNSAMPLE, /* (L+1)·(i+1) */
    UP,         /* (L+1)·i + j */
    UPSAMPLE,   /* (L+1)·i + L */
    SLOT,       /* the upsampler's sub-block: behind the transformer where the level has one */
};

struct renaming {
    const char *from, *to;
};

static const struct renaming UNET_RESNET[] = {
    {"norm1.", "in_layers.0."},
    {"conv1.", "in_layers.2."},
    {"time_emb_proj.", "emb_layers.1."},
    {"norm2.", "out_layers.0."},
    {"conv2.", "out_layers.3."},
    {"conv_shortcut.", "skip_connection."},
    {0},
};
static const struct renaming VAE_RESNET[] = {{"conv_shortcut.", "nin_shortcut."}, {0}};
static const struct renaming VAE_ATTENTION[] = {
    {"group_norm.", "norm."},
    {"to_q.", "q."},
    {"to_k.", "k."},
    {"to_v.", "v."},
    {"to_out.0.", "proj_out."},
    {0},
};
static const struct renaming DOWNSAMPLER[] = {{"conv.", "op."}, {0}};

/* VAE attention in folders written before diffusers 0.17 */
static const struct renaming OLD_ATTENTION[] = {
    {".to_q.", ".query."},
    {".to_k.", ".key."},
    {".to_v.", ".value."},
    {".to_out.0.", ".proj_attn."},
};

/* '#' in `from` stands for i, then j; '#' in `to` for numbers[0], then numbers[1]. What follows
 * `from` is the tail; a name that no row fits stays as it is. */
struct block {
    enum lk_part part;
    const char *from, *to;
    enum number numbers[2];
    const struct renaming *tails;
};

/* clang-format off */
static const struct block BLOCKS[] = {
    {LK_PART_UNET, "conv_in.",                         "input_blocks.0.0.",         {0},               NULL},
    {LK_PART_UNET, "time_embedding.linear_1.",         "time_embed.0.",             {0},               NULL},
    {LK_PART_UNET, "time_embedding.linear_2.",         "time_embed.2.",             {0},               NULL},
    {LK_PART_UNET, "down_blocks.#.resnets.#.",         "input_blocks.#.0.",         {DOWN},            UNET_RESNET},
    {LK_PART_UNET, "down_blocks.#.attentions.#.",      "input_blocks.#.1.",         {DOWN},            NULL},
    {LK_PART_UNET, "down_blocks.#.downsamplers.0.",    "input_blocks.#.0.",         {DOWNSAMPLE},      DOWNSAMPLER},
    {LK_PART_UNET, "mid_block.resnets.#.",             "middle_block.#.",           {FIRST_2X},        UNET_RESNET},
    {LK_PART_UNET, "mid_block.attentions.0.",          "middle_block.1.",           {0},               NULL},
    {LK_PART_UNET, "up_blocks.#.resnets.#.",           "output_blocks.#.0.",        {UP},              UNET_RESNET},
    {LK_PART_UNET, "up_blocks.#.attentions.#.",        "output_blocks.#.1.",        {UP},              NULL},
    {LK_PART_UNET, "up_blocks.#.upsamplers.0.",        "output_blocks.#.#.",        {UPSAMPLE, SLOT},  NULL},
    {LK_PART_UNET, "conv_norm_out.",                   "out.0.",                    {0},               NULL},
    {LK_PART_UNET, "conv_out.",                        "out.2.",                    {0},               NULL},
    {LK_PART_VAE,  "encoder.down_blocks.#.resnets.#.", "encoder.down.#.block.#.",   {FIRST, SECOND},   VAE_RESNET},
    {LK_PART_VAE,  "encoder.down_blocks.#.downsamplers.0.", "encoder.down.#.downsample.", {FIRST},     NULL},
    {LK_PART_VAE,  "encoder.mid_block.resnets.#.",     "encoder.mid.block_#.",      {FIRST_1},         VAE_RESNET},
    {LK_PART_VAE,  "encoder.mid_block.attentions.0.",  "encoder.mid.attn_1.",       {0},               VAE_ATTENTION},
    {LK_PART_VAE,  "encoder.conv_norm_out.",           "encoder.norm_out.",         {0},               NULL},
    {LK_PART_VAE,  "decoder.up_blocks.#.resnets.#.",   "decoder.up.#.block.#.",     {FLIPPED, SECOND}, VAE_RESNET},
    {LK_PART_VAE,  "decoder.up_blocks.#.upsamplers.0.", "decoder.up.#.upsample.",   {FLIPPED},         NULL},
    {LK_PART_VAE,  "decoder.mid_block.resnets.#.",     "decoder.mid.block_#.",      {FIRST_1},         VAE_RESNET},
    {LK_PART_VAE,  "decoder.mid_block.attentions.0.",  "decoder.mid.attn_1.",       {0},               VAE_ATTENTION},
    {LK_PART_VAE,  "decoder.conv_norm_out.",           "decoder.norm_out.",         {0},               NULL},
};

/* First match wins. Single files of a VAE alone come with and without the prefix. */
static const struct lk__naming NAMINGS[] = {
    {LK_PART_TEXT, "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", "cond_stage_model.transformer.", "", 0},
    {LK_PART_TEXT, "cond_stage_model.transformer.embeddings.token_embedding.weight", "cond_stage_model.transformer.", "text_model.", 0},
    {LK_PART_TEXT, "text_model.embeddings.token_embedding.weight",   "", "", 0},
    {LK_PART_TEXT, "embeddings.token_embedding.weight",              "", "text_model.", 0},
    {LK_PART_UNET, "model.diffusion_model.input_blocks.0.0.weight",  "model.diffusion_model.", "", 1},
    {LK_PART_UNET, "down_blocks.0.resnets.0.conv1.weight",           "", "", 0},
    {LK_PART_VAE,  "first_stage_model.decoder.mid.block_1.norm1.weight", "first_stage_model.", "", 1},
    {LK_PART_VAE,  "decoder.mid.block_1.norm1.weight",               "", "", 1},
    {LK_PART_VAE,  "decoder.mid_block.resnets.0.norm1.weight",       "", "", 0},
};

/* Files that are often given by mistake, or that a later version will take. */
static const struct {
    const char *tensor, *what;
} SIGNATURES[] = {
    {"conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight", "an SDXL checkpoint"},
    {"conditioner.embedders.0.model.transformer.resblocks.0.attn.in_proj_weight", "an SDXL refiner"},
    {"add_embedding.linear_1.weight",                                 "an SDXL UNet"},
    {"cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight", "an SD 2.x checkpoint"},
    {"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", "an SD 3 checkpoint"},
    {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight",     "a FLUX checkpoint"},
    {"double_blocks.0.img_attn.qkv.weight",                           "a FLUX transformer"},
    {"control_model.input_blocks.0.0.weight",                         "a ControlNet"},
    {"controlnet_cond_embedding.conv_in.weight",                      "a ControlNet"},
    {"emb_params",                                                    "a textual inversion"},
};
/* clang-format on */

const struct lk__naming *lk__naming_of(const lk_tensor_file *file, enum lk_part part)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(NAMINGS); i++)
        if (NAMINGS[i].part == part && lk_tensor_file_find(file, NAMINGS[i].probe))
            return &NAMINGS[i];
    return NULL;
}

const char *lk__recognise(const lk_tensor_file *file)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(SIGNATURES); i++)
        if (lk_tensor_file_find(file, SIGNATURES[i].tensor))
            return SIGNATURES[i].what;
    for (size_t i = 0; i < lk_tensor_file_count(file); i++)
        if (strstr(lk_tensor_file_at(file, i)->name, "lora_"))
            return "a LoRA";
    return NULL;
}

/* Matches `from` at the start of name; returns its tail and the numbers, or NULL. */
static const char *match(const char *from, const char *name, int numbers[2])
{
    for (int n = 0; *from; from++) {
        if (*from != '#') {
            if (*name++ != *from)
                return NULL;
            continue;
        }
        if (*name < '0' || *name > '9' || n == 2)
            return NULL;
        int value = 0;
        while (*name >= '0' && *name <= '9' && value < 1000)
            value = value * 10 + (*name++ - '0');
        numbers[n++] = value;
    }
    return name;
}

static int number_of(enum number kind, int i, int j, const struct lk_checkpoint_config *config)
{
    const struct lk_unet_config *unet = &config->unet;
    int per = unet->layers + 1, flipped = unet->levels - 1 - i;
    switch (kind) {
    case FIRST:
        return i;
    case SECOND:
        return j;
    case FIRST_1:
        return i + 1;
    case FIRST_2X:
        return 2 * i;
    case FLIPPED:
        return config->vae.levels - 1 - i;
    case DOWN:
        return per * i + j + 1;
    case DOWNSAMPLE:
        return per * (i + 1);
    case UP:
        return per * i + j;
    case UPSAMPLE:
        return per * i + unet->layers;
    case SLOT:
        return flipped >= 0 && flipped < LK_MAX_LEVELS && unet->attention[flipped] ? 2 : 1;
    case NO_NUMBER:
        break;
    }
    return 0;
}

static const char *rename_tail(const struct renaming *tails, const char **tail)
{
    for (; tails && tails->from; tails++) {
        size_t length = strlen(tails->from);
        if (!strncmp(*tail, tails->from, length)) {
            *tail += length;
            return tails->to;
        }
    }
    return "";
}

void lk__ldm_name(enum lk_part part,
                  const struct lk_checkpoint_config *config,
                  const char *name,
                  char out[LK__NAME_MAX])
{
    snprintf(out, LK__NAME_MAX, "%s", name);
    for (size_t row = 0; row < LK_ARRAY_LENGTH(BLOCKS); row++) {
        const struct block *block = &BLOCKS[row];
        int ij[2] = {0, 0}, n = 0;
        const char *tail = block->part == part ? match(block->from, name, ij) : NULL;
        if (!tail)
            continue;
        size_t at = 0;
        for (const char *to = block->to; *to && at + 12 < LK__NAME_MAX; to++) {
            if (*to != '#')
                out[at++] = *to;
            else
                at += (size_t)snprintf(out + at, LK__NAME_MAX - at, "%d",
                                       number_of(block->numbers[n++], ij[0], ij[1], config));
        }
        const char *renamed = rename_tail(block->tails, &tail);
        snprintf(out + at, LK__NAME_MAX - at, "%s%s", renamed, tail);
        return;
    }
}

/* The name with the first `from` replaced; 0 when it has none. */
static int replace(const struct renaming *row, const char *name, char out[LK__NAME_MAX])
{
    const char *at = strstr(name, row->from);
    if (!at)
        return 0;
    snprintf(out, LK__NAME_MAX, "%.*s%s%s", (int)(at - name), name, row->to,
             at + strlen(row->from));
    return 1;
}

const struct lk_tensor *lk__find(const lk_tensor_file *file,
                                 const struct lk__naming *naming,
                                 const struct lk_checkpoint_config *config,
                                 const char *name)
{
    char inner[LK__NAME_MAX], full[2 * LK__NAME_MAX];
    size_t strip = strlen(naming->strip);
    if (!strncmp(name, naming->strip, strip))
        name += strip;
    snprintf(inner, sizeof inner, "%s", name);
    if (naming->ldm)
        lk__ldm_name(naming->part, config, name, inner);
    snprintf(full, sizeof full, "%s%s", naming->prefix, inner);
    const struct lk_tensor *found = lk_tensor_file_find(file, full);
    for (size_t i = 0; !found && naming->part == LK_PART_VAE && i < LK_ARRAY_LENGTH(OLD_ATTENTION);
         i++)
        if (replace(&OLD_ATTENTION[i], full, inner))
            found = lk_tensor_file_find(file, inner);
    return found;
}
