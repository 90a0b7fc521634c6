// SPDX-License-Identifier: Apache-2.0
/* Euler with ancestral noise (k-diffusion's sample_euler_ancestral), as diffusers'
 * EulerAncestralDiscreteScheduler: each step goes down to σ_down and adds fresh noise up to σ′. The
 * noise comes from the picture's own generator, one call of C·H·W numbers a step, in the last step
 * too, where its weight is 0. */
#include "stages/diffuse/sampler/sampler.h"

/*   x₀ = x − σ·ε;   x′ = x + (x − x₀)/σ · (σ_down − σ) + σ_up·noise
 *   CFG++: x′ = x₀ + σ_down·ε₋ + σ_up·noise                                                    */
static void euler_a_step(const struct lk__plan *plan,
                         int i,
                         const float *epsilon,
                         struct lk__walk *w)
{
    const float sigma = plan->call[i].from;
    const struct lk__ancestral to = lk__ancestral_of(sigma, plan->call[i].to, (float)plan->eta);
    const float change = to.down - sigma;
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - sigma * epsilon[k];
        float slope = (w->x[k] - clean) / sigma;
        w->x[k] = w->away ? clean + to.down * w->away[k] : w->x[k] + slope * change;
    }
    lk__walk_add_noise(w, to.up);
}

const struct lk_sampler lk__sampler_euler_a = {
    .name = "euler-a",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_TABLE,
    .takes_eta = 1,
    .eta = 1,
    .takes_away = 1,
    .step = euler_a_step,
};
