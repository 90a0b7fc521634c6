// SPDX-License-Identifier: Apache-2.0
/* Euler's method on the probability-flow ODE in σ (Karras et al. 2022, arXiv 2206.00364, algorithm
 * 2 without churn), as diffusers' EulerDiscreteScheduler. The latent is x₀ + σ·noise. */
#include "stages/diffuse/samplers.h"

/*   x₀ = x − σ·ε;   x′ = x + (x − x₀)/σ · (σ′ − σ)
 * x₀ is formed although it cancels: the reference rounds there. */
static void euler_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float sigma = plan->from[i], change = plan->to[i] - sigma;
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - sigma * epsilon[k];
        float slope = (w->x[k] - clean) / sigma;
        w->x[k] = w->x[k] + slope * change;
    }
}

static void euler_noised(const struct lk__plan *plan, int i, struct lk__walk *w)
{
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = w->x[k] + w->noise[k] * plan->from[i];
}

const struct lk_sampler lk__sampler_euler = {
    .name = "euler",
    .spacing = LK_SPACING_LINSPACE,
    .karras = LK__KARRAS_OF_STEPS,
    .scaled_input = 1,
    .step = euler_step,
    .noised = euler_noised,
};
