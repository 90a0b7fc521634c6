// SPDX-License-Identifier: Apache-2.0
/* A Stable Diffusion checkpoint as its owner keeps it: a diffusers folder or a single LDM file,
 * never converted. SD 1.x, 2.x, SDXL and its refiner, inpainting and distilled UNets of them.
 *
 * Tensors are asked for by their diffusers name within a part
 * ("down_blocks.0.resnets.0.conv1.weight" of LK_PART_UNET); for a single file the name is
 * translated to the LDM one by rules. The topology is read from the tensors; a folder's config.json
 * (of a single file the sidecar's) adds what they cannot tell: heads, groups, scaling factor,
 * prediction. Where neither does, the family's values stand. */
#ifndef LK_CATALOG_CHECKPOINT_H
#define LK_CATALOG_CHECKPOINT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/tensor_file.h"

#define LK_MAX_LEVELS 8

/* TEXT: CLIP-L, or SD 2.x's OpenCLIP-H; TEXT_2: SDXL's OpenCLIP-bigG. */
enum lk_part { LK_PART_TEXT, LK_PART_UNET, LK_PART_VAE, LK_PART_TEXT_2, LK_PART_COUNT };

enum lk_family { LK_FAMILY_SD1, LK_FAMILY_SD2, LK_FAMILY_SDXL, LK_FAMILY_REFINER };

struct lk_text_config {
    int vocabulary, width, layers, heads, intermediate,
        positions;             /* 49408, 768, 12, 12, 3072, 77; layers 0: the part is not there */
    int quick_gelu;            /* else erf gelu */
    int penultimate;           /* SDXL: the states before the last layer, without the final norm */
    int projection;            /* SDXL's second: width of the pooled vector; else 0 */
    int projection_transposed; /* its text_projection.weight is [width, projection] (OpenCLIP's) */
    int pad_zero;              /* pads with token 0 where no tokenizer of its own says */
};

struct lk_unet_config {
    int in_channels, out_channels;    /* 4, 4; inpainting 9, 4 */
    int levels, width[LK_MAX_LEVELS]; /* 320, 640, 1280, 1280 */
    int resnets[LK_MAX_LEVELS];       /* of each level going down: 2, 2, 2, 2 */
    int up_resnets[LK_MAX_LEVELS];    /* of each block going up, the smallest first: 3, 3, 3, 3 */
    int attention[LK_MAX_LEVELS]; /* 1 where the level has transformers, the last one also in the
                                     middle: 1, 1, 1, 1 */
    int heads[LK_MAX_LEVELS];     /* number of heads per level: 8 */
    int groups, context;          /* 32, 768; a ControlNet that reads no text has 0 */
    int linear_projection;        /* proj_in/proj_out are linear */
    int sample_size;              /* side of the latents it was trained on; 0: not said */
    int added;                    /* SDXL: numbers of the added embedding, 2816; else 0 */
    int sizes;                    /* how many of them are about sizes: 6, refiner 5; else 0 */
};

struct lk_vae_config {
    int levels, width[LK_MAX_LEVELS];    /* 128, 256, 512, 512 */
    int layers, groups, latent_channels; /* 2, 32, 4 */
    float scale;                         /* 0.18215; SDXL 0.13025 */
};

/* What the UNet answers: the noise ε, or v = √ᾱ·ε − √(1−ᾱ)·x₀. AUTO (of a request): as the
 * checkpoint says. */
enum lk_prediction { LK_PREDICTION_AUTO, LK_PREDICTION_EPSILON, LK_PREDICTION_V };

/* Which of the 1000 training times a sampler visits: timestep_spacing of a folder's
 * scheduler_config.json; LK_SPACING_OWN where it says nothing, as SD 1.5's does not: then each of
 * diffusers' schedulers has its own. */
enum lk_spacing { LK_SPACING_OWN, LK_SPACING_LINSPACE, LK_SPACING_LEADING, LK_SPACING_TRAILING };

struct lk_checkpoint_config {
    enum lk_family family;
    struct lk_text_config text, text_2; /* SDXL has both, its refiner only the second */
    struct lk_unet_config unet;
    struct lk_vae_config vae;
    enum lk_prediction prediction; /* EPSILON or V */
    enum lk_spacing spacing;
    int zero_snr; /* trained with ᾱ = 0 at the last time (Lin et al. 2023, arXiv 2305.08891) */
    int empty_is_zero; /* SDXL: without a negative prompt its conditioning is zeros */
};

typedef struct lk_checkpoint lk_checkpoint;

/* path: folder or file. vae: NULL, or a VAE file or folder that replaces the checkpoint's own.
 * LK_E_MISSING when the path does not exist; LK_E_INPUT when it is no checkpoint of these families
 * (names what is missing, or what it seems to be). */
int lk_checkpoint_open(const char *path,
                       const char *vae,
                       lk_checkpoint **out,
                       struct lk_error *err);
/* The same with another UNet, of a file or folder; NULL: its own. It gives the checkpoint its name
 * and hash. */
int lk_checkpoint_open_unet(
    const char *path, const char *vae, const char *unet, lk_checkpoint **out, struct lk_error *err);
/* A ControlNet: a diffusers folder, or a file of diffusers' or of LDM's names (`control_model.…`).
 * It is a checkpoint of which only the UNet's part is there. LK_E_INPUT when it is none. */
int lk_checkpoint_open_control(const char *path, lk_checkpoint **out, struct lk_error *err);
/* What a file or folder is that may lack its VAE ("noVAE"), or be a VAE alone: then *has_unet is
 * false, and its family is not told. LK_E_INPUT when it is neither. */
int lk_checkpoint_peek(const char *path,
                       enum lk_family *family,
                       bool *has_unet,
                       struct lk_error *err);
void lk_checkpoint_free(lk_checkpoint *checkpoint);

const struct lk_checkpoint_config *lk_checkpoint_config(const lk_checkpoint *checkpoint);
const char *lk_family_name(enum lk_family family); /* "SD 1.x" */
/* NULL when absent: the graph builder reports it by name. What the file holds fused (OpenCLIP's q,
 * k and v) is a tensor of its own here, a part of the fused one's rows. */
const struct lk_tensor *lk_checkpoint_tensor(const lk_checkpoint *checkpoint,
                                             enum lk_part part,
                                             const char *diffusers_name);
/* Side of the pictures that it draws best: as its configuration says, else its family's 512, 768
 * (SD 2.x with v) or 1024 (SDXL). */
int lk_checkpoint_side(const lk_checkpoint *checkpoint);
/* The file that holds the part, NULL when it is not there; and whether it is of LDM's layout. */
const lk_tensor_file *lk_checkpoint_file(const lk_checkpoint *checkpoint, enum lk_part part);
int lk_checkpoint_is_ldm(const lk_checkpoint *checkpoint);
/* What pictures are labelled with: file or folder name without ending, and the WebUI's short hash
 * (first 10 digits of the sha256 of the file; of a folder, of its UNet file, or as lk_model_sha256
 * of its unet/ where that is in shards). Computed on the first call, unless
 * lk_checkpoint_hash_ahead has begun to. */
const char *lk_checkpoint_name(const lk_checkpoint *checkpoint);
int lk_checkpoint_hash(lk_checkpoint *checkpoint, char out[11], struct lk_error *err);
/* All digits of that sha256. */
int lk_checkpoint_sha256(lk_checkpoint *checkpoint, struct lk_sha256 *out, struct lk_error *err);
/* Computes it beside what is done now. folder: NULL, or where it is kept for other processes
 * (hashing.h). */
int lk_checkpoint_hash_ahead(lk_checkpoint *checkpoint, const char *folder, struct lk_error *err);
/* Folder that holds vocab.json and merges.txt for that text encoder: the checkpoint's own
 * `tokenizer/` (`tokenizer_2/`), else one beside the single file, else NULL: CLIP's own merges. */
const char *lk_checkpoint_tokenizer(const lk_checkpoint *checkpoint, enum lk_part text);

#endif
