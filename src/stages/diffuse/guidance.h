// SPDX-License-Identifier: Apache-2.0
/* The predicted noise, with classifier-free guidance (Ho and Salimans 2022, arXiv 2207.12598), over
 * any number of weighted conditions (Liu et al. 2022, arXiv 2206.01714):
 *
 *   ε = ε(x, negative) + Σ g·wᵢ·(ε(x, positiveᵢ) − ε(x, negative))
 *
 * All predictions of a step are one run. With one positive condition of weight 1 and g up to 1, ε
 * is ε(x, positive), and the negative one is not computed. With perturbed attention s·(ε(x,
 * positive₁) − ε(x, positive₁, perturbed)) is added. */
#ifndef LK_STAGES_DIFFUSE_GUIDANCE_H
#define LK_STAGES_DIFFUSE_GUIDANCE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/watch.h"
#include "stages/diffuse/mix.h"
#include "stages/diffuse/predict.h"
#include "stages/diffuse/sizes.h"

/* What one text became, and for which steps it holds. */
struct lk_condition {
    const float *states; /* [tokens, width] f32 */
    float weight;        /* of a positive one: 1, or its share beside others */
    int from, to;        /* steps from ≤ i < to, counted from the first that is taken */
    const float *pooled; /* [pooled_width]; of SDXL, else NULL */
};

/* In each step one negative condition and one or more positive ones hold; negative ones may be
 * missing where they are not needed. Tokens are a multiple of 77, the same for all. */
struct lk_conditioning {
    int tokens, width;
    const struct lk_condition *positive, *negative;
    size_t n_positive, n_negative;

    int pooled_width; /* SDXL, else 0 */
};

#define LK_GUIDANCE_MAX_ROWS 32

struct lk__guidance {
    const struct lk__predictor
        *predictor; /* of a perturbed UNet where options->perturbed is not 0 */
    const struct lk_conditioning *conditioning;
    const struct lk_guidance_options *options;
    float scale;
    int added_width; /* of the UNet's added embedding; 0: it has none */
    int n_sizes;     /* numbers about sizes in it, for the prompt and for the negative one: */
    float sizes[LK_SIZES_MAX], sizes_negative[LK_SIZES_MAX];

    /* Of the step: */
    const struct lk_condition *rows[LK_GUIDANCE_MAX_ROWS]; /* the negative first, if it is needed;
                                                              the perturbed one last */
    int batch;                                             /* rows */
    int positive, perturbed; /* the first positive row; the perturbed one, or batch */
    uint64_t stamp;          /* of the two below; see lk_repeated_run */
    int room;                /* rows that fit into: */
    float *context;          /* [room, tokens, width] */
    float *added;            /* [room, added_width] */
    float *away;             /* [channels, height, width] what was predicted for the negative
                                prompt, or for the prompt where that is not asked for */
};

/* Predictor, conditioning and options must outlive it; the caller fills the sizes in.
 * lk__guidance_free is safe after a failure. */
void lk__guidance_init(struct lk__guidance *guidance,
                       const struct lk__predictor *predictor,
                       const struct lk_conditioning *conditioning,
                       int added_width,
                       double scale,
                       const struct lk_guidance_options *options);
void lk__guidance_free(struct lk__guidance *guidance);

/* x [C,h,w] as the UNet is to see it → epsilon [C,h,w], and away; v where the UNet predicts that.
 * step: counted from the first taken; holds: whether guidance does (lk__mix_holds); if not, its
 * scale is 1. */
int lk__guidance_noise(struct lk__guidance *guidance,
                       int step,
                       bool holds,
                       float timestep,
                       const float *x,
                       float *epsilon,
                       const struct lk_watch *watch,
                       struct lk_error *err);

#endif
