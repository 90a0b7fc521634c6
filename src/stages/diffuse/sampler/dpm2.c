// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver-2 (Lu et al. 2022, arXiv 2206.00927) as the midpoint method in log σ (k-diffusion's
 * sample_dpm_2 and sample_dpm_2_ancestral), as diffusers' KDPM2DiscreteScheduler and
 * KDPM2AncestralDiscreteScheduler: Euler to the middle, then from where it began with the middle's
 * slope. The ancestral one goes to σ_down and adds noise up to σ′; its middle lies half way to
 * σ_down. The step to σ = 0 is Euler's. */
#include <string.h>

#include "stages/diffuse/sampler/sampler.h"

/* x′ = x + (slope at the level where the UNet was asked)·(σ_target − σ) */
static void midpoint(const struct lk__call *call,
                     float target,
                     const float *epsilon,
                     struct lk__walk *w)
{
    const float change = target - call->from, level = call->level;
    if (!call->second)
        memcpy(w->kept, w->x, w->n * sizeof *w->x);
    for (size_t k = 0; k < w->n; k++) {
        float slope = (w->x[k] - (w->x[k] - level * epsilon[k])) / level;
        w->x[k] = w->kept[k] + slope * change;
    }
}

static void dpm2_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    midpoint(call, call->ends ? call->to : call[1].level, epsilon, w);
}

static void dpm2_a_step(const struct lk__plan *plan,
                        int i,
                        const float *epsilon,
                        struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const struct lk__ancestral to = lk__ancestral_of(call->from, call->to, (float)plan->eta);
    midpoint(call, call->ends ? to.down : call[1].level, epsilon, w);
    if (call->ends && call->to > 0)
        lk__walk_add_noise(w, to.up);
}

const struct lk_sampler lk__sampler_dpm2 = {
    .name = "dpm2",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .middle = LK__MIDDLE_HALF,
    .times = LK__TIMES_WHOLE_KARRAS,
    .step = dpm2_step,
};

const struct lk_sampler lk__sampler_dpm2_a = {
    .name = "dpm2-a",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .middle = LK__MIDDLE_DOWN,
    .times = LK__TIMES_WHOLE_KARRAS,
    .takes_eta = 1,
    .eta = 1,
    .step = dpm2_a_step,
};
