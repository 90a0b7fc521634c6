// SPDX-License-Identifier: Apache-2.0
/* Names of tensors: diffusers' and those of LDM single files.
 *
 * Diffusers names a block by level and place, `down_blocks.1.attentions.0.…`. LDM numbers the
 * blocks of a UNet through all levels: input block 0 is conv_in, then come the layers of each
 * level, sub-block 0 the resnet, 1 the transformer, and between levels a downsampler. The VAE's
 * decoder counts its levels from the output, diffusers from the input. Each way of counting is one
 * `enum number`, each kind of block one row of BLOCKS; tails are renamed by short tables. The rows
 * follow diffusers' scripts/convert_original_stable_diffusion_to_diffusers.py, read backwards.
 *
 * OpenCLIP, the text encoder of LDM files of SD 2.x and SDXL, names its layers in its own way and
 * fuses q, k and v: [3·width, width], whose thirds are cut out once (lk__cut_fused). */
#include "catalog/names.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

enum number {
    NO_NUMBER,
    FIRST,      /* the first '#' of `from`: i, a level in most rows */
    SECOND,     /* the second: j, a layer */
    FIRST_1,    /* i + 1 */
    FIRST_2X,   /* 2·i */
    FIRST_2X_2, /* 2·i + 2 */
    FLIPPED,    /* levels − 1 − i */
    DOWN,       /* layer j of level i */
    DOWNSAMPLE, /* behind the last layer of level i */
    UP,         /* layer j of block i going up */
    UPSAMPLE,   /* the last layer of block i */
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

static const struct renaming OPENCLIP_LAYER[] = {
    {"layer_norm1.", "ln_1."},
    {"layer_norm2.", "ln_2."},
    {"mlp.fc1.", "mlp.c_fc."},
    {"mlp.fc2.", "mlp.c_proj."},
    {"self_attn.out_proj.", "attn.out_proj."},
    {0},
};

/* Where else a tensor may be that is not at the place of its row. */
static const struct {
    enum lk_part part;
    struct renaming other;
} VARIATIONS[] = {
    {LK_PART_UNET, {".1.conv.", ".2.conv."}}, /* an LDM upsampler behind a transformer */
    {LK_PART_VAE, {".to_q.", ".query."}},     /* attention in folders before diffusers 0.17 */
    {LK_PART_VAE, {".to_k.", ".key."}},           {LK_PART_VAE, {".to_v.", ".value."}},
    {LK_PART_VAE, {".to_out.0.", ".proj_attn."}},
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
    {LK_PART_TEXT, "embeddings.token_embedding.",      "token_embedding.",          {0},               NULL},
    {LK_PART_TEXT, "embeddings.position_embedding.weight", "positional_embedding",  {0},               NULL},
    {LK_PART_TEXT, "encoder.layers.#.",                "transformer.resblocks.#.",  {FIRST},           OPENCLIP_LAYER},
    {LK_PART_TEXT, "final_layer_norm.",                "ln_final.",                 {0},               NULL},
    {LK_PART_TEXT, "text_projection.weight",           "text_projection",           {0},               NULL},
    {LK_PART_UNET, "conv_in.",                         "input_blocks.0.0.",         {0},               NULL},
    {LK_PART_UNET, "time_embedding.linear_1.",         "time_embed.0.",             {0},               NULL},
    {LK_PART_UNET, "time_embedding.linear_2.",         "time_embed.2.",             {0},               NULL},
    {LK_PART_UNET, "add_embedding.linear_1.",          "label_emb.0.0.",            {0},               NULL},
    {LK_PART_UNET, "add_embedding.linear_2.",          "label_emb.0.2.",            {0},               NULL},
    {LK_PART_UNET, "down_blocks.#.resnets.#.",         "input_blocks.#.0.",         {DOWN},            UNET_RESNET},
    {LK_PART_UNET, "down_blocks.#.attentions.#.",      "input_blocks.#.1.",         {DOWN},            NULL},
    {LK_PART_UNET, "down_blocks.#.downsamplers.0.",    "input_blocks.#.0.",         {DOWNSAMPLE},      DOWNSAMPLER},
    {LK_PART_UNET, "mid_block.resnets.#.",             "middle_block.#.",           {FIRST_2X},        UNET_RESNET},
    {LK_PART_UNET, "mid_block.attentions.0.",          "middle_block.1.",           {0},               NULL},
    {LK_PART_UNET, "up_blocks.#.resnets.#.",           "output_blocks.#.0.",        {UP},              UNET_RESNET},
    {LK_PART_UNET, "up_blocks.#.attentions.#.",        "output_blocks.#.1.",        {UP},              NULL},
    {LK_PART_UNET, "up_blocks.#.upsamplers.0.",        "output_blocks.#.1.",        {UPSAMPLE},        NULL},
    {LK_PART_UNET, "conv_norm_out.",                   "out.0.",                    {0},               NULL},
    {LK_PART_UNET, "conv_out.",                        "out.2.",                    {0},               NULL},
    {LK_PART_UNET, "controlnet_cond_embedding.conv_in.",   "input_hint_block.0.",   {0},               NULL},
    {LK_PART_UNET, "controlnet_cond_embedding.blocks.#.",  "input_hint_block.#.",   {FIRST_2X_2},      NULL},
    {LK_PART_UNET, "controlnet_cond_embedding.conv_out.",  "input_hint_block.14.",  {0},               NULL},
    {LK_PART_UNET, "controlnet_down_blocks.#.",        "zero_convs.#.0.",           {FIRST},           NULL},
    {LK_PART_UNET, "controlnet_mid_block.",            "middle_block_out.0.",       {0},               NULL},
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
    {LK_PART_TEXT, "cond_stage_model.model.token_embedding.weight",  "cond_stage_model.model.", "text_model.", 1},
    {LK_PART_TEXT, "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight", "conditioner.embedders.0.transformer.", "", 0},
    {LK_PART_TEXT, "text_model.embeddings.token_embedding.weight",   "", "", 0},
    {LK_PART_TEXT, "embeddings.token_embedding.weight",              "", "text_model.", 0},
    {LK_PART_TEXT_2, "conditioner.embedders.1.model.token_embedding.weight", "conditioner.embedders.1.model.", "text_model.", 1},
    {LK_PART_TEXT_2, "conditioner.embedders.0.model.token_embedding.weight", "conditioner.embedders.0.model.", "text_model.", 1},
    {LK_PART_TEXT_2, "text_model.embeddings.token_embedding.weight", "", "", 0},
    {LK_PART_TEXT_2, "embeddings.token_embedding.weight",            "", "text_model.", 0},
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
    {"scaled_fp8",                                                    "a file of fp8 with scales"},
    {"edm_mean",                                                      "an EDM checkpoint"},
    {"control_model.input_blocks.0.0.weight",                         "a ControlNet"},
    {"controlnet_cond_embedding.conv_in.weight",                      "a ControlNet"},
    {"add_embedding.linear_1.weight",                                 "an SDXL UNet alone"},
    {"model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight", "an SD 3 checkpoint"},
    {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight",     "a FLUX checkpoint"},
    {"double_blocks.0.img_attn.qkv.weight",                           "a FLUX transformer"},
    {"emb_params",                                                    "a textual inversion"},
    {"string_to_param.*",                                             "a textual inversion"},
};
/* clang-format on */

/* A ControlNet is named as the UNet that it is a copy of. */
static const struct lk__naming CONTROLS[] = {
    {LK_PART_UNET, "control_model.input_hint_block.0.weight", "control_model.", "", 1},
    {LK_PART_UNET, "input_hint_block.0.weight", "", "", 1},
    {LK_PART_UNET, "controlnet_cond_embedding.conv_in.weight", "", "", 0},
};

const struct lk__naming *lk__naming_of_control(const lk_tensor_file *file)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(CONTROLS); i++)
        if (lk_tensor_file_find(file, CONTROLS[i].probe))
            return &CONTROLS[i];
    return NULL;
}

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

static bool is_text(enum lk_part part)
{
    return part == LK_PART_TEXT || part == LK_PART_TEXT_2;
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

static int sum(const int *counts, int n)
{
    int total = 0;
    for (int i = 0; i < n && i < LK_MAX_LEVELS; i++)
        total += counts[i];
    return total;
}

static int number_of(enum number kind, int i, int j, const struct lk_checkpoint_config *config)
{
    const struct lk_unet_config *unet = &config->unet;
    switch (kind) {
    case FIRST:
        return i;
    case SECOND:
        return j;
    case FIRST_1:
        return i + 1;
    case FIRST_2X:
        return 2 * i;
    case FIRST_2X_2:
        return 2 * i + 2;
    case FLIPPED:
        return config->vae.levels - 1 - i;
    case DOWN:
        return 1 + i + sum(unet->resnets, i) + j;
    case DOWNSAMPLE:
        return 1 + i + sum(unet->resnets, i + 1);
    case UP:
        return sum(unet->up_resnets, i) + j;
    case UPSAMPLE:
        return sum(unet->up_resnets, i + 1) - 1;
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
        const bool fits = block->part == part || (block->part == LK_PART_TEXT && is_text(part));
        const char *tail = fits ? match(block->from, name, ij) : NULL;
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
static int replace(const struct renaming *row, const char *name, char out[2 * LK__NAME_MAX])
{
    const char *at = strstr(name, row->from);
    if (!at)
        return 0;
    snprintf(out, (size_t)2 * LK__NAME_MAX, "%.*s%s%s", (int)(at - name), name, row->to,
             at + strlen(row->from));
    return 1;
}

static const struct lk_tensor *find_variation(const struct lk__part *part, const char *full)
{
    char other[2 * LK__NAME_MAX];
    const struct lk_tensor *found = NULL;
    for (size_t i = 0; !found && i < LK_ARRAY_LENGTH(VARIATIONS); i++)
        if (VARIATIONS[i].part == part->naming->part && replace(&VARIATIONS[i].other, full, other))
            found = lk_tensor_file_find(part->file, other);
    return found;
}

const struct lk_tensor *lk__find(const struct lk__part *part,
                                 const struct lk_checkpoint_config *config,
                                 const char *name)
{
    char inner[LK__NAME_MAX], full[2 * LK__NAME_MAX];
    const struct lk__naming *naming = part->naming;
    for (size_t i = 0; i < part->n_cuts; i++)
        if (!strcmp(part->cuts[i].name, name))
            return &part->cuts[i];
    size_t strip = strlen(naming->strip);
    if (!strncmp(name, naming->strip, strip))
        name += strip;
    snprintf(inner, sizeof inner, "%s", name);
    if (naming->ldm)
        lk__ldm_name(naming->part, config, name, inner);
    snprintf(full, sizeof full, "%s%s", naming->prefix, inner);
    const struct lk_tensor *found = lk_tensor_file_find(part->file, full);
    return found ? found : find_variation(part, full);
}

/* The rows of q, k or v in a tensor [3·width, …]. */
static int cut(struct lk__part *part,
               lk_arena *arena,
               const struct lk_tensor *fused,
               const char *tail,
               int layer,
               struct lk_error *err)
{
    static const char LETTERS[] = "qkv";
    if (fused->rank < 1 || fused->shape[0] % 3)
        return lk_fail(err, LK_E_INPUT, "tensor '%s' of '%s' is no q, k and v in one", fused->name,
                       fused->path);
    for (size_t k = 0; k < 3; k++) {
        char name[LK__NAME_MAX];
        struct lk_tensor *out = &part->cuts[part->n_cuts];
        snprintf(name, sizeof name, "text_model.encoder.layers.%d.self_attn.%c_proj.%s", layer,
                 LETTERS[k], tail);
        *out = *fused;
        out->name = lk_arena_strdup(arena, name);
        if (!out->name)
            return lk_fail_memory(err, "a list of tensors", sizeof name);
        out->shape[0] /= 3;
        out->size /= 3;
        out->data = (const char *)fused->data + k * out->size;
        out->offset += k * out->size;
        part->n_cuts++;
    }
    return 0;
}

int lk__cut_fused(struct lk__part *part, lk_arena *arena, struct lk_error *err)
{
    static const char *const TAILS[] = {"weight", "bias"};
    enum { MOST_LAYERS = 256 };
    if (!part->naming->ldm || !is_text(part->naming->part))
        return 0;
    part->cuts = lk_arena_alloc(arena, (size_t)6 * MOST_LAYERS, sizeof *part->cuts);
    if (!part->cuts)
        return lk_fail_memory(err, "a list of tensors", 6 * MOST_LAYERS * sizeof *part->cuts);
    int code = 0;
    for (int layer = 0; !code && layer < MOST_LAYERS; layer++)
        for (size_t t = 0; !code && t < 2; t++) {
            char name[LK__NAME_MAX];
            snprintf(name, sizeof name, "%stransformer.resblocks.%d.attn.in_proj_%s",
                     part->naming->prefix, layer, TAILS[t]);
            const struct lk_tensor *fused = lk_tensor_file_find(part->file, name);
            if (fused)
                code = cut(part, arena, fused, TAILS[t], layer, err);
        }
    return code;
}
