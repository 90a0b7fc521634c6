// SPDX-License-Identifier: Apache-2.0
/* Painting a part of a picture, as diffusers' StableDiffusionInpaintPipeline does.
 *
 * A plain UNet (4 channels) paints everything; after each step what lies outside the mask is put
 * back: the picture's own latents, noised to the level that the step went to. An inpainting UNet
 * (9 channels) sees besides the latent [4] the mask [1] and the latents [4] of the picture with
 * grey under the mask, and needs nothing put back. */
#ifndef LK_STAGES_DIFFUSE_INPAINT_H
#define LK_STAGES_DIFFUSE_INPAINT_H

#include "data/mask.h"
#include "stages/diffuse/samplers.h"
#include "stages/diffuse/vae/autoencoder.h"

/* What of the picture under the mask the drawing starts from. */
enum lk_inpaint_fill {
    LK_FILL_ORIGINAL, /* what is there */
    LK_FILL_NOISE,    /* noise instead of its latents */
};

/* All of one allocation; sizes in latent pixels. */
struct lk__inpaint {
    int channels, height, width;
    float *mask;                   /* [h,w] 1 where it is painted */
    float *known, *noise, *noised; /* [C,h,w] the picture, the first noise, scratch */
    float *more;                   /* [1+C,h,w] mask and latents of the rest */
};

/* mask NULL: everything is painted. Of each latent pixel the mask's upper left pixel counts, from ½
 * on. */
int lk__inpaint_init(struct lk__inpaint *inpaint,
                     const struct lk_mask *mask,
                     const int latent_shape[3],
                     struct lk_error *err);
void lk__inpaint_free(struct lk__inpaint *inpaint);

/* Fills `more`. picture: f32 or u8 of the mask's size; NULL: there is none. Draws the posterior's
 * noise from rng. */
int lk__inpaint_look(struct lk__inpaint *inpaint,
                     const struct lk__autoencoder *vae,
                     const struct lk_picture *picture,
                     const struct lk_mask *mask,
                     struct lk_rng *rng,
                     const struct lk_watch *watch,
                     struct lk_error *err);

/* After the call before call `next` (plan->calls: after the last): x [C,h,w] outside the mask
 * becomes `known` at the level of that call, at last without noise. */
void lk__inpaint_keep(const struct lk__inpaint *inpaint,
                      const struct lk_sampler *sampler,
                      const struct lk__plan *plan,
                      int next,
                      float *x);

#endif
