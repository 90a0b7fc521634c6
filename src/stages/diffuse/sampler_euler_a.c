// SPDX-License-Identifier: Apache-2.0
/* Euler with ancestral noise (k-diffusion's sample_euler_ancestral, η = 1), as diffusers'
 * EulerAncestralDiscreteScheduler: each step goes down to σ_down and adds fresh noise up to σ′. The
 * noise comes from the picture's own generator, one call of C·H·W numbers a step, in the last step
 * too, where its weight is 0. */
#include <math.h>

#include "stages/diffuse/samplers.h"

/*   σ_up = √(σ′²(σ²−σ′²)/σ²),  σ_down = √(σ′²−σ_up²)
 *   x₀ = x − σ·ε;   x′ = x + (x − x₀)/σ · (σ_down − σ) + σ_up·noise                            */
static void ancestral_step(const struct lk__plan *plan,
                           int i,
                           const float *epsilon,
                           struct lk__walk *w)
{
    const float sigma = plan->from[i], to = plan->to[i];
    const float up = sqrtf(to * to * (sigma * sigma - to * to) / (sigma * sigma));
    const float change = sqrtf(to * to - up * up) - sigma;
    lk_rng_normal(w->rng, w->noise, w->n);
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - sigma * epsilon[k];
        float slope = (w->x[k] - clean) / sigma;
        w->x[k] = w->x[k] + slope * change + w->noise[k] * up;
    }
}

static void ancestral_noised(const struct lk__plan *plan, int i, struct lk__walk *w)
{
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = w->x[k] + w->noise[k] * plan->from[i];
}

const struct lk_sampler lk__sampler_euler_a = {
    .name = "euler-a",
    .spacing = LK_SPACING_LINSPACE,
    .karras = LK__KARRAS_NONE,
    .scaled_input = 1,
    .step = ancestral_step,
    .noised = ancestral_noised,
};
