// SPDX-License-Identifier: Apache-2.0
/* The predicted noise, with classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598):
 *
 *   ε = ε(x, negative) + g·(ε(x, positive) − ε(x, negative))
 *
 * Both predictions are one run of batch 2. Up to g = 1 the negative one is not computed. */
#ifndef LK_STAGES_DIFFUSE_GUIDANCE_H
#define LK_STAGES_DIFFUSE_GUIDANCE_H

#include "base/error.h"
#include "base/watch.h"
#include "runtime/session.h"

/* What the text encoder made of prompt and negative prompt: both [tokens, width] f32; negative may
 * be NULL where guidance ≤ 1. Tokens are a multiple of 77, the same for both. */
struct lk_conditioning {
    int tokens, width;
    const float *positive, *negative;
};

struct lk__guidance {
    lk_session *unet;
    int batch; /* 1 or 2 */
    float scale;
    int channels, height, width; /* of the latent */
    int tokens, context_width;
    float *sample;  /* [batch, channels, height, width] scratch */
    float *context; /* [batch, tokens, context_width], negative first */
};

/* Copies the conditioning; sizes positive. lk__guidance_free is safe after a failure. */
int lk__guidance_init(struct lk__guidance *guidance,
                      lk_session *unet,
                      const int latent_shape[3],
                      const struct lk_conditioning *conditioning,
                      double scale,
                      struct lk_error *err);
void lk__guidance_free(struct lk__guidance *guidance);

/* x [C,h,w] as the UNet is to see it → epsilon [C,h,w]. */
int lk__guidance_noise(const struct lk__guidance *guidance,
                       float timestep,
                       const float *x,
                       float *epsilon,
                       const struct lk_watch *watch,
                       struct lk_error *err);

#endif
