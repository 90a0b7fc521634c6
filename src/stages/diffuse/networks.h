// SPDX-License-Identifier: Apache-2.0
/* The networks of diffusion, written as graphs over a checkpoint's own weights. The checkpoint must
 * outlive the sessions made of them. On failure *out is untouched; LK_E_INPUT names the tensor that
 * is missing or has another shape than the topology asks for. */
#ifndef LK_STAGES_DIFFUSE_NETWORKS_H
#define LK_STAGES_DIFFUSE_NETWORKS_H

#include "base/error.h"
#include "catalog/checkpoint.h"
#include "runtime/graph.h"
#include "stages/diffuse/unet/freeu.h"

/* UNet2DConditionModel.
 * in:  sample [N,in_channels,H,W] f32, timestep [N] f32 (0 … 999), context [N,T,context] f32; of
 *      SDXL also added [N,added]: the pooled prompt, then the sinusoids of the sizes
 * out: noise [N,out_channels,H,W]. Any H and W: a level that does not halve evenly is rounded up
 * going down, and cut to its skip going up. */
int lk_unet_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err);

/* ControlNet of a checkpoint that lk_checkpoint_open_control opened.
 * in:  as lk_unet_graph, and hint [N,3,8·H,8·W] f32 0…1
 * out: residual_0 …, residual_middle */
int lk_control_graph(const lk_checkpoint *control, lk_graph **out, struct lk_error *err);

/* What changes in the UNet. */
struct lk_unet_variant {
    int perturbed;         /* a fourth input, perturb [N,1,1] f32: where it is 1, the self-attention
                              of the middle block is left out */
    int controlled;        /* inputs residual_0, residual_1 … that are added to what is kept going
                              down, in that order, and residual_middle to the middle's output; each
                              of the shape that it is added to */
    int images;            /* inputs image_k_0, image_v_0 … of so many image prompts, at most
                              LK_ADAPTERS: [N,T,Σ width of all cross attentions] */
    int caches;            /* a second output, deep [N,C,H,W]: what the last layer going up reads
                              beside its skip (unet/deep_cache.h) */
    int freed;             /* FreeU, for one size: */
    struct lk_freeu freeu; /* by these factors */
    double merging;    /* 0 … 0.75: this share of the tokens is merged in the self-attentions of
                          the latent's own size, for one size (match tokens of graph.h) */
    int height, width; /* of the latent */
};
int lk_unet_variant_graph(const lk_checkpoint *checkpoint,
                          const struct lk_unet_variant *variant, /* or NULL */
                          lk_graph **out,
                          struct lk_error *err);

/* Its first convolution and its last layer: what a caching UNet of that variant does with `deep`.
 * in:  as lk_unet_graph, and deep
 * out: noise */
int lk_unet_shallow_graph(const lk_checkpoint *checkpoint,
                          const struct lk_unet_variant *variant,
                          lk_graph **out,
                          struct lk_error *err);

/* AutoencoderKL. latent [N,latent_channels,h,w] (not scaled) → picture [N,3,f·h,f·w], −1…1 but not
 * clipped; f = 2^(levels−1). */
int lk_vae_decoder_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err);
/* picture [N,3,H,W] −1…1 → moments [N,2·latent_channels,H/f,W/f]: mean, then log variance. */
int lk_vae_encoder_graph(const lk_checkpoint *checkpoint, lk_graph **out, struct lk_error *err);

#endif
