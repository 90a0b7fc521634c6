// SPDX-License-Identifier: Apache-2.0
/* A Stable Diffusion checkpoint as its owner keeps it: a diffusers folder or a single LDM file,
 * never converted.
 *
 * Tensors are asked for by their diffusers name within a part
 * ("down_blocks.0.resnets.0.conv1.weight" of LK_PART_UNET); for a single file the name is
 * translated to the LDM one by rules. The topology is read from the tensors' shapes; a folder's
 * config.json adds what shapes cannot tell (heads, groups, scaling factor, prediction) and the
 * SD 1.x values stand where neither does. */
#ifndef LK_CATALOG_CHECKPOINT_H
#define LK_CATALOG_CHECKPOINT_H

#include "base/error.h"
#include "base/hash.h"
#include "data/tensor_file.h"

#define LK_MAX_LEVELS 8

enum lk_part { LK_PART_TEXT, LK_PART_UNET, LK_PART_VAE };

struct lk_text_config {
    int vocabulary, width, layers, heads, intermediate,
        positions;  /* 49408, 768, 12, 12, 3072, 77 */
    int quick_gelu; /* else erf gelu */
};

struct lk_unet_config {
    int in_channels, out_channels;    /* 4, 4 */
    int levels, width[LK_MAX_LEVELS]; /* 320, 640, 1280, 1280 */
    int layers;                       /* resnets per level going down; up has one more */
    int attention[LK_MAX_LEVELS];     /* 1 where the level has transformers: 1, 1, 1, 0 */
    int heads[LK_MAX_LEVELS];         /* number of heads per level: 8 */
    int groups, context;              /* 32, 768 */
    int linear_projection;            /* proj_in/proj_out are linear */
};

struct lk_vae_config {
    int levels, width[LK_MAX_LEVELS];    /* 128, 256, 512, 512 */
    int layers, groups, latent_channels; /* 2, 32, 4 */
    float scale;                         /* 0.18215 */
};

/* Which of the 1000 training times a sampler visits: timestep_spacing of a folder's
 * scheduler_config.json; LK_SPACING_OWN where it says nothing, as SD 1.5's does not: then each of
 * diffusers' schedulers has its own. */
enum lk_spacing { LK_SPACING_OWN, LK_SPACING_LINSPACE, LK_SPACING_LEADING, LK_SPACING_TRAILING };

struct lk_checkpoint_config {
    struct lk_text_config text;
    struct lk_unet_config unet;
    struct lk_vae_config vae;
    enum lk_spacing spacing;
};

typedef struct lk_checkpoint lk_checkpoint;

/* path: folder or file. vae: NULL, or a VAE file or folder that replaces the checkpoint's own.
 * LK_E_MISSING when the path does not exist; LK_E_INPUT when it is no SD 1.x checkpoint (names what
 * is missing, or what it seems to be). */
int lk_checkpoint_open(const char *path,
                       const char *vae,
                       lk_checkpoint **out,
                       struct lk_error *err);
void lk_checkpoint_free(lk_checkpoint *checkpoint);

const struct lk_checkpoint_config *lk_checkpoint_config(const lk_checkpoint *checkpoint);
/* NULL when absent: the graph builder reports it by name. */
const struct lk_tensor *lk_checkpoint_tensor(const lk_checkpoint *checkpoint,
                                             enum lk_part part,
                                             const char *diffusers_name);
/* What pictures are labelled with: file or folder name without ending, and the WebUI's short hash
 * (first 10 digits of the sha256 of the file; of a folder, of its UNet file, or as lk_model_sha256
 * of its unet/ where that is in shards). Computed on the first call. */
const char *lk_checkpoint_name(const lk_checkpoint *checkpoint);
int lk_checkpoint_hash(lk_checkpoint *checkpoint, char out[11], struct lk_error *err);
/* All digits of that sha256. */
int lk_checkpoint_sha256(lk_checkpoint *checkpoint, struct lk_sha256 *out, struct lk_error *err);
/* Folder that holds vocab.json and merges.txt: the checkpoint's own `tokenizer/`, else a
 * `tokenizer/` beside the single file, else NULL: CLIP's own merges. */
const char *lk_checkpoint_tokenizer(const lk_checkpoint *checkpoint);

#endif
