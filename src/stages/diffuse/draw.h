// SPDX-License-Identifier: Apache-2.0
/* Drawing: conditioning in, picture out, as diffusers' StableDiffusionPipeline (or, from a picture,
 * its Img2Img, Inpaint or ControlNet pipeline) does with the same checkpoint, scheduler and seed.
 */
#ifndef LK_STAGES_DIFFUSE_DRAW_H
#define LK_STAGES_DIFFUSE_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rng.h"
#include "base/watch.h"
#include "catalog/checkpoint.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/diffuse/adapter.h"
#include "stages/diffuse/control/control.h"
#include "stages/diffuse/guidance.h"
#include "stages/diffuse/inpaint.h"
#include "stages/diffuse/noise.h"
#include "stages/diffuse/samplers.h"
#include "stages/diffuse/unet/freeu.h"
#include "stages/diffuse/vae/tiny_decoder.h"

#define LK_DRAW_MIN_SIDE 64
#define LK_DRAW_MAX_SIDE 2048

typedef struct lk_drawer lk_drawer;

/* Another checkpoint that takes the latent over for its last steps, as diffusers' denoising_end and
 * denoising_start do: those of a time below (1 − from)·1000. Its VAE is not used, and
 * ControlNets and image prompts, which are made for the first one, do not go with it. */
struct lk_draw_refiner {
    lk_drawer *drawer;
    const struct lk_conditioning *conditioning; /* by its own text encoder */
    double from;                                /* 0 … 1 */
};

/* Somebody watches the picture come about. */
struct lk_draw_preview {
    int every; /* calls of the UNet; 1 or more */
    /* picture: f32 RGB of the latent's size, or as the decoder makes it, of what the UNet takes for
     * the finished latent; lives during the call. step: 1 … steps. */
    void (*show)(void *user, int step, int steps, const struct lk_picture *picture);
    void *user;
    const lk_tiny_decoder *decoder; /* NULL: by a linear map, of the latent's size */
};

struct lk_draw_options {
    int width, height; /* pixels, multiples of 8, LK_DRAW_MIN_SIDE … LK_DRAW_MAX_SIDE */
    int steps;         /* 1 … LK_MAX_STEPS */
    double guidance;   /* up to 1: the negative prompt is not used */
    struct lk_guidance_options guidance_options;
    const struct lk_freeu *freeu;  /* or NULL */
    const char *sampler;           /* a row of samplers.c: "ddim", "euler" … */
    const char *schedule;          /* a name of samplers.c: "normal", "karras" … */
    const float *sigmas;           /* noise levels instead of a schedule [steps + 1]; or NULL */
    double eta;                    /* share of fresh noise; < 0: the sampler's own */
    enum lk_prediction prediction; /* LK_PREDICTION_AUTO: as the checkpoint says */
    enum lk_spacing spacing;       /* LK_SPACING_OWN: the checkpoint's, else the sampler's */
    struct lk_sizes sizes, sizes_negative; /* told to SDXL; refused where a UNet is not told any */
    uint64_t seed;
    struct lk_variation variation;
    enum lk_rng_kind rng;
    const struct lk_picture
        *init;                  /* start from this picture (resized to width × height), or NULL */
    const float *init_latents;  /* instead of init: [4, height/8, width/8] as lk_draw gives them */
    double strength;            /* with init: int(steps·strength) last steps are taken, 0 … 1 */
    const struct lk_mask *mask; /* with init: where it is painted, of the drawing's size; or NULL */
    enum lk_inpaint_fill fill;
    const struct lk_control_use *controls; /* [n_controls] */
    int n_controls;
    enum lk_control_mode control_mode;
    const struct lk_adapter_use *adapters; /* [n_adapters] */
    int n_adapters;
    const struct lk_draw_refiner *refiner; /* or NULL */
    int deep_cache; /* the whole UNet runs in every so manieth call only (unet/deep_cache.h); up to
                       1: in all. Not with controls; the refiner runs as a whole */
    double token_merging; /* share of tokens merged in the self-attentions of the latent's own size:
                             0 none, at most 0.75 */
    const struct lk_draw_preview *preview; /* or NULL */
    int tile; /* 0: large latents are decoded in tiles (docs/diffuse.md); else of this side */
};
/* 512×512, 20 steps, guidance 7.5, dpmpp-2m, normal, seed 0, torch's noise, strength 0.8, the
 * sampler's eta, no variation, sizes of the drawing, aesthetic scores 6 and 2.5. */
void lk_draw_options_init(struct lk_draw_options *options);

/* How many steps are taken: with init int(steps·strength). */
int lk_draw_steps(const struct lk_draw_options *options);

/* The networks of one checkpoint on one device. Use from one thread at a time. Each network is
 * opened when a draw needs it, and stays as long as the runtime's budget has room (budget.h).
 * runtime and checkpoint must outlive the drawer. device: as in lk_session_of_graph. LK_E_INPUT
 * names a tensor that is missing or misshapen. */
int lk_drawer_open(lk_runtime *runtime,
                   const lk_checkpoint *checkpoint,
                   const char *device,
                   lk_drawer **out,
                   struct lk_error *err);
void lk_drawer_free(lk_drawer *drawer);

/* Later draws use the weights that the UNet has now (catalog/lora.h); the VAE stays. */
int lk_drawer_rebind(lk_drawer *drawer, struct lk_error *err);

/* Whether the UNet and what it takes for a picture of that size fit into the budget beside all that
 * is open now: if not, who can do without a network should release it. */
bool lk_drawer_has_room(const lk_drawer *drawer, int width, int height);

/* *picture: f32 RGB 0…1 (rounding it gives diffusers' 8 bits). *latents, when asked for (not NULL):
 * the final latents [4, height/8, width/8], malloc'd. Tells watch "draw" step by step, then
 * "decode". Outputs are untouched on failure: LK_E_INPUT for options, and for a checkpoint whose
 * weights give NaN, which it names. */
int lk_draw(lk_drawer *drawer,
            const struct lk_draw_options *options,
            const struct lk_conditioning *conditioning,
            const struct lk_watch *watch,
            struct lk_picture **picture,
            float **latents,
            struct lk_error *err);

#endif
