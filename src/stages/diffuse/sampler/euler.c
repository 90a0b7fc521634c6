// SPDX-License-Identifier: Apache-2.0
/* Euler's method on the probability-flow ODE in σ (Karras et al. 2022, arXiv 2206.00364, algorithm
 * 2 without churn), as diffusers' EulerDiscreteScheduler. With CFG++ (arXiv 2406.08070) the noise
 * that is left is the unguided one. */
#include "stages/diffuse/sampler/sampler.h"

/*   x₀ = x − σ·ε;   x′ = x + (x − x₀)/σ · (σ′ − σ);   CFG++: x′ = x₀ + σ′·ε₋
 * x₀ is formed although it cancels: the reference rounds there. */
static void euler_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float sigma = plan->call[i].from, to = plan->call[i].to, change = to - sigma;
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - sigma * epsilon[k];
        float slope = (w->x[k] - clean) / sigma;
        w->x[k] = w->away ? clean + to * w->away[k] : w->x[k] + slope * change;
    }
}

const struct lk_sampler lk__sampler_euler = {
    .name = "euler",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .takes_away = 1,
    .step = euler_step,
};
