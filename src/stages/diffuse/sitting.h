// SPDX-License-Identifier: Apache-2.0
/* One drawing under way: what draw.c's loop, the networks it runs (drawer.c), what is refused
 * before anything is computed (checks.c), and where it starts from (begin.c) share. */
#ifndef LK_STAGES_DIFFUSE_SITTING_H
#define LK_STAGES_DIFFUSE_SITTING_H

#include "stages/diffuse/budget.h"
#include "stages/diffuse/draw.h"
#include "stages/diffuse/networks.h"
#include "stages/diffuse/vae/preview.h"

struct lk_drawer {
    lk_runtime *runtime;
    const lk_checkpoint *checkpoint;
    char *device; /* NULL: auto */
    struct lk__network unet, shallow, decoder, encoder;
    struct lk_unet_variant variant; /* of the UNet */
    struct lk__preview_map preview;
};

/* One checkpoint's share of a drawing. */
struct lk__half {
    struct lk__predictor predictor;
    struct lk__guidance guidance;
};

/* One picture being drawn. */
struct lk__sitting {
    lk_drawer *drawer;
    const struct lk_draw_options *options;
    const struct lk_watch *watch;
    const struct lk_sampler *sampler;
    struct lk__plan plan;
    int start; /* first call taken: 0, later with init */
    int shape[3];
    struct lk_rng rng;
    struct lk__walk walk;
    float *input, *epsilon; /* [C,h,w] each */
    bool sees_mask;         /* an inpainting UNet */
    struct lk__inpaint inpaint;
    struct lk__controls controls;
    struct lk__images images;
    struct lk__deep_cache cache;
    struct lk__half own, refiner; /* the latter takes the last steps, if there is one */
};

/* Whether there is a picture, or its latents, to start from. */
bool lk__has_picture(const struct lk_draw_options *options);
bool lk__all_finite(const float *values, size_t n);

/* ---- checks.c: LK_E_INPUT names the option or the checkpoint, and the remedy ---- */

/* What options and checkpoints say of themselves. factor: the autoencoder's. */
int lk__check_options(const struct lk__sitting *s, int factor, struct lk_error *err);
/* Once the sampler is known. */
int lk__check_guidance(const struct lk__sitting *s, struct lk_error *err);
/* Whether these numbers belong to that checkpoint's UNet, and are numbers. */
int lk__check_conditioning(const lk_drawer *drawer,
                           const struct lk_conditioning *conditioning,
                           struct lk_error *err);
/* Whether all tensors of a network are there. */
int lk__check_network(int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                      const lk_checkpoint *checkpoint,
                      struct lk_error *err);

/* ---- drawer.c ---- */

/* Half of the VAE for a latent of s->shape; without room for both, the UNets go. */
int lk__drawer_open_vae(struct lk__sitting *s,
                        int (*build)(const lk_checkpoint *, lk_graph **, struct lk_error *),
                        struct lk__network *network,
                        struct lk_error *err);
/* The UNets that the options ask for, into s's predictors. The first checkpoint's takes ControlNets
 * and image prompts, the refiner's neither. */
int lk__drawer_open_unets(struct lk__sitting *s, struct lk_error *err);

/* ---- begin.c ---- */

/* The latent before the first call, in s->walk.x, and what the mask keeps. */
int lk__begin(struct lk__sitting *s, struct lk_error *err);

#endif
