// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver++ SDE (k-diffusion's sample_dpmpp_sde, η = 1, r = ½), as diffusers'
 * DPMSolverSDEScheduler with noise_sampler_seed = the picture's seed: to the middle in log σ, then
 * from where it began to the end with the middle's x₀, both with fresh noise. The noise is that of
 * one Brownian path over σ, so that other steps meet the same path: brownian.h. The step to σ = 0
 * is Euler's. */
#include <math.h>
#include <string.h>

#include "stages/diffuse/sampler/brownian.h"
#include "stages/diffuse/sampler/sampler.h"

/* walk->noise = the path's increment from σ to σ′, as standard normal noise. What the walk
 * remembers is free here: the path needs it. */
static void path_noise(const struct lk__plan *plan, float sigma, float to, struct lk__walk *w)
{
    const struct lk__brownian path = {
        .kind = w->rng->kind,
        .seed = w->rng->seed,
        .low = plan->call[plan->calls - 1].from,
        .high = plan->call[0].from,
        .n = w->n,
    };
    float *begin = w->past[0], *end = w->past[1];
    lk__brownian_at(&path, sigma, begin, w->past[2], w->noise);
    lk__brownian_at(&path, to, end, w->past[2], w->noise);
    const float scale = -1 / sqrtf(sigma - to);
    for (size_t k = 0; k < w->n; k++)
        w->noise[k] = (begin[k] - end[k]) * scale;
}

/*   x′ = (σ_down/σ)·x + (1 − σ_down/σ)·x₀ + σ_up·noise                                          */
static void dpmpp_sde_step(const struct lk__plan *plan,
                           int i,
                           const float *epsilon,
                           struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const float target = call->ends ? call->to : call[1].level;
    const float sigma = expf(logf(call->from)); /* the path sees the reference's rounding */
    const struct lk__ancestral to = lk__ancestral_of(sigma, target, 1);
    const float keep = to.down / sigma;
    if (!call->second)
        memcpy(w->kept, w->x, w->n * sizeof *w->x);
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - call->level * epsilon[k];
        w->x[k] = keep * w->kept[k] + (1 - keep) * clean;
    }
    if (target == 0)
        return;
    path_noise(plan, sigma, call->ends ? expf(logf(target)) : target, w);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] += w->noise[k] * to.up;
}

const struct lk_sampler lk__sampler_dpmpp_sde = {
    .name = "dpmpp-sde",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .middle = LK__MIDDLE_HALF,
    .step = dpmpp_sde_step,
};
