// SPDX-License-Identifier: Apache-2.0
/* One run of the UNet with all that it is fed: the latent, an inpainting UNet's further channels,
 * what ControlNets add, and image prompts. */
#ifndef LK_STAGES_DIFFUSE_PREDICT_H
#define LK_STAGES_DIFFUSE_PREDICT_H

#include "base/error.h"
#include "base/watch.h"
#include "runtime/session.h"
#include "stages/diffuse/adapter/images.h"
#include "stages/diffuse/control/control.h"
#include "stages/diffuse/unet/deep_cache.h"

struct lk__predictor {
    lk_repeated *unet;
    int channels, height, width;   /* of the latent */
    int more_channels;             /* an inpainting UNet's: mask and latents of the rest; 0: none */
    const float *more;             /* [more_channels, height, width] */
    struct lk__controls *controls; /* NULL: none; else the UNet is a controlled one */
    struct lk__images *images;     /* NULL: none; else the UNet has inputs for as many */
    struct lk__deep_cache *cache;  /* NULL: none; else the UNet is a caching one */
    int at, steps;                 /* the step that is taken: 0 … steps − 1 */
};

/* The rows of one run. */
struct lk__asked {
    int batch;
    int negative; /* of them, the first, for the negative prompt: 0 or 1 */
    float timestep;
    int tokens, width;
    uint64_t stamp;       /* of context and added; see lk_repeated_run */
    const float *context; /* [batch, tokens, width] */
    int added_width;      /* of SDXL; else 0 */
    const float *added;   /* [batch, added_width] */
    const float *perturb; /* [batch], of a perturbed UNet; else NULL */
};

/* x [channels, height, width], the same for all rows → *noise [batch, channels, height, width],
 * malloc'd. */
int lk__predict(const struct lk__predictor *predictor,
                const struct lk__asked *asked,
                const float *x,
                const struct lk_watch *watch,
                float **noise,
                struct lk_error *err);

#endif
