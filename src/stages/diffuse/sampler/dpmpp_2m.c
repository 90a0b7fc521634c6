// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2, midpoint form) and its SDE form,
 * as diffusers' DPMSolverMultistepScheduler with algorithm_type dpmsolver++ and sde-dpmsolver++.
 * The first step and the step to σ = 0 are of first order. The SDE's noise is plain noise of the
 * picture's generator, drawn in the last step too, where its weight is 0. diffusers computes the
 * exponentials in float32; so does this file. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/*   D₀ = x₀,  D₁ = (x₀ − x₀₋₁)/r,  r = h₋₁/h,  h = λ′ − λ
 *   x′ = keep·x + pull·(D₀ + ½·D₁)                                                             */
static void multistep(const struct lk__plan *plan,
                      int i,
                      float keep,
                      float pull,
                      const float *epsilon,
                      struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const struct lk__rate now = lk__rate_of(call->from), next = lk__rate_of(call->to);
    const int second = w->taken > 0 && i < plan->calls - 1;
    const float back = second ? now.lambda - lk__rate_of(call[-1].from).lambda : 0;
    const float inverse_r = second ? 1 / (back / (next.lambda - now.lambda)) : 0;
    float *clean = lk__walk_push(w);
    for (size_t k = 0; k < w->n; k++) {
        clean[k] = (w->x[k] - now.s * epsilon[k]) / now.alpha;
        float x = keep * w->x[k] + pull * clean[k];
        if (second)
            x = x + 0.5f * pull * (inverse_r * (clean[k] - w->past[1][k]));
        w->x[k] = x;
    }
}

/*   keep = s′/s,  pull = α′(1−e⁻ʰ)                                                             */
static void dpmpp_2m_step(const struct lk__plan *plan,
                          int i,
                          const float *epsilon,
                          struct lk__walk *w)
{
    const struct lk__rate now = lk__rate_of(plan->call[i].from);
    const struct lk__rate next = lk__rate_of(plan->call[i].to);
    const float h = next.lambda - now.lambda;
    multistep(plan, i, next.s / now.s, -(next.alpha * (expf(-h) - 1)), epsilon, w);
}

/*   keep = s′/s·e⁻ʰ,  pull = α′(1−e⁻²ʰ),  noise × s′·√(1−e⁻²ʰ)                                  */
static void dpmpp_2m_sde_step(const struct lk__plan *plan,
                              int i,
                              const float *epsilon,
                              struct lk__walk *w)
{
    const struct lk__rate now = lk__rate_of(plan->call[i].from);
    const struct lk__rate next = lk__rate_of(plan->call[i].to);
    const float h = next.lambda - now.lambda, gone = 1 - expf(-2 * h);
    multistep(plan, i, next.s / now.s * expf(-h), next.alpha * gone, epsilon, w);
    lk__walk_add_noise(w, next.s * sqrtf(gone));
}

const struct lk_sampler lk__sampler_dpmpp_2m = {
    .name = "dpmpp-2m",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_RATE,
    .range = LK__RANGE_OF_TABLE,
    .times = LK__TIMES_WHOLE,
    .spare = 1,
    .step = dpmpp_2m_step,
};

const struct lk_sampler lk__sampler_dpmpp_2m_sde = {
    .name = "dpmpp-2m-sde",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_RATE,
    .range = LK__RANGE_OF_TABLE,
    .times = LK__TIMES_WHOLE,
    .spare = 1,
    .step = dpmpp_2m_sde_step,
};
