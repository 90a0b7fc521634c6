// SPDX-License-Identifier: Apache-2.0
/* Heun's method in σ (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without churn), as
 * diffusers' HeunDiscreteScheduler: Euler to σ′, then again from where it began with the mean of
 * both slopes. The step to σ = 0 is Euler's. */
#include <string.h>

#include "stages/diffuse/sampler/sampler.h"

static void heun_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const float change = call->to - call->from, level = call->level;
    const float *first = w->past[0];
    float *slope = lk__walk_push(w);
    for (size_t k = 0; k < w->n; k++)
        slope[k] = (w->x[k] - (w->x[k] - level * epsilon[k])) / level;
    if (!call->second)
        memcpy(w->kept, w->x, w->n * sizeof *w->x);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = w->kept[k] + (call->second ? (first[k] + slope[k]) / 2 : slope[k]) * change;
}

const struct lk_sampler lk__sampler_heun = {
    .name = "heun",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .middle = LK__MIDDLE_END,
    .step = heun_step,
};
