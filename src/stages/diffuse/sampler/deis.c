// SPDX-License-Identifier: Apache-2.0
/* DEIS (Zhang and Chen 2023, arXiv 2204.13902) of order 2 in log ρ, as diffusers'
 * DEISMultistepScheduler: the line through the last two predicted noises is integrated exactly. It
 * ends at the smallest σ, not at 0. The first step is of first order, and the last one below 15
 * steps. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/* ∫ of the weight of the noise at log b, up to log t; c is the other node. */
static float weight_to(float t, float b, float c)
{
    return t * (-logf(c) + logf(t) - 1) / (logf(b) - logf(c));
}

/*   first:   x′ = (α′/α)·x − s′(eʰ−1)·ε
 *   second:  x′ = α′·(x/α + c₁·ε + c₂·ε₋₁),  cⱼ = ∫ from ρ to ρ′,  ρ = s/α                       */
static void deis_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const struct lk__rate now = lk__rate_of(call->from), next = lk__rate_of(call->to);
    const int second = w->taken > 0 && !(i == plan->calls - 1 && plan->calls < 15);
    const float change = next.s * (expf(next.lambda - now.lambda) - 1);
    const float rho = now.s / now.alpha, rho_to = next.s / next.alpha;
    const struct lk__rate before = lk__rate_of(second ? call[-1].from : call->from);
    const float rho_before = before.s / before.alpha;
    const float c1 = weight_to(rho_to, rho, rho_before) - weight_to(rho, rho, rho_before);
    const float c2 = weight_to(rho_to, rho_before, rho) - weight_to(rho, rho_before, rho);
    float *noise = lk__walk_push(w);
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - now.s * epsilon[k]) / now.alpha;
        noise[k] = (w->x[k] - now.alpha * clean) / now.s;
        w->x[k] = second ? next.alpha * (w->x[k] / now.alpha + c1 * noise[k] + c2 * w->past[1][k])
                         : next.alpha / now.alpha * w->x[k] - change * noise[k];
    }
}

const struct lk_sampler lk__sampler_deis = {
    .name = "deis",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_RATE,
    .range = LK__RANGE_OF_TABLE,
    .times = LK__TIMES_WHOLE,
    .spare = 1,
    .keeps_noise = 1,
    .step = deis_step,
};
