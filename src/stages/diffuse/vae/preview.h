// SPDX-License-Identifier: Apache-2.0
/* A latent seen without its decoder: each of its pixels becomes one of a picture by a linear map,
 *
 *   rgb = ½ + ½·(Σ_c factor_c·z_c + bias)
 *
 * The maps of SD 1.x, 2.x and SDXL are the field's (ComfyUI's latent_formats.py). For a VAE of
 * other widths the map is the least-squares fit to its own decoder, on smooth random latents. */
#ifndef LK_STAGES_DIFFUSE_PREVIEW_H
#define LK_STAGES_DIFFUSE_PREVIEW_H

#include <stdbool.h>

#include "stages/diffuse/vae/autoencoder.h"

#define LK__PREVIEW_CHANNELS 16

struct lk__preview_map {
    int channels;                               /* 0: there is none yet */
    float factors[LK__PREVIEW_CHANNELS + 1][3]; /* of channel c; the last one used is the bias */
};

/* Side of the latents that a map is fitted on. */
#define LK__PREVIEW_SIDE 32

/* The map of the checkpoint's VAE, where it is a known one. */
bool lk__preview_known(const lk_checkpoint *checkpoint, struct lk__preview_map *out);
/* Decodes one latent [C,32,32] with the VAE's decoder. */
int lk__preview_fit(const struct lk__autoencoder *vae,
                    const struct lk_watch *watch,
                    struct lk__preview_map *out,
                    struct lk_error *err);
/* z [C,h,w] → f32 RGB w×h, 0…1 */
int lk__preview_picture(const struct lk__preview_map *map,
                        const float *z,
                        int height,
                        int width,
                        struct lk_picture **out,
                        struct lk_error *err);

#endif
