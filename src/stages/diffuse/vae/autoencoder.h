// SPDX-License-Identifier: Apache-2.0
/* The VAE at work: latents to pictures and back, in tiles where they are large. */
#ifndef LK_STAGES_DIFFUSE_AUTOENCODER_H
#define LK_STAGES_DIFFUSE_AUTOENCODER_H

#include "base/error.h"
#include "base/rng.h"
#include "base/watch.h"
#include "catalog/checkpoint.h"
#include "data/picture.h"
#include "runtime/session.h"

/* A latent of up to 96×96 (768×768 pixels; about 2 GB in SD 1.5's decoder) is decoded as a whole;
 * larger ones in tiles of 96 with an overlap of 24. diffusers decodes any size as a whole unless
 * told otherwise: above the threshold pictures differ slightly from its own, because group norms
 * and attention see one tile. */
#define LK__VAE_WHOLE (96 * 96)
#define LK__VAE_TILE 96

struct lk__autoencoder {
    const lk_checkpoint *checkpoint; /* for scale, channels and error texts */
    lk_session *decoder, *encoder;   /* encoder may be NULL where nothing is encoded */
    int tile; /* 0: as above; else every latent larger than tile×tile is cut, overlap tile/4 */
};

/* Pixels per latent pixel: 8 in SD. */
int lk__autoencoder_factor(const lk_checkpoint *checkpoint);

/* latent [C,h,w] as the UNet leaves it → *out f32 RGB 0…1, clipped. LK_E_INPUT when the decoder
 * gives no numbers. */
int lk__decode(const struct lk__autoencoder *vae,
               const float *latent,
               int height,
               int width,
               const struct lk_watch *watch,
               struct lk_picture **out,
               struct lk_error *err);

/* picture of any type, sides multiples of the factor → latent [C,h,w] as the UNet takes it: drawn
 * from the posterior with rng (one call of C·h·w numbers), or its mean when rng is NULL. */
int lk__encode(const struct lk__autoencoder *vae,
               const struct lk_picture *picture,
               struct lk_rng *rng,
               const struct lk_watch *watch,
               float *latent,
               struct lk_error *err);

#endif
