// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver++(3M) SDE: k-diffusion's sample_dpmpp_3m_sde with η = 1 (arXiv 2211.01095), the noise
 * plain noise of the picture's generator. diffusers' DPMSolverMultistepScheduler of order 3 weighs
 * the differences otherwise; WebUI's users mean this one. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/* D₁ and D₂ of the last two or three x₀: how each of them is weighed. */
struct weights {
    float now, last, before;
};

/*   D₁₀ = (x₀ − x₀₋₁)/r₀,  D₁₁ = (x₀₋₁ − x₀₋₂)/r₁,  r₀ = h₋₁/h,  r₁ = h₋₂/h
 *   D₁ = D₁₀ + (D₁₀ − D₁₁)·r₀/(r₀+r₁),  D₂ = (D₁₀ − D₁₁)/(r₀+r₁),  sum = φ₂·D₁ − φ₃·D₂          */
static struct weights weights_of(const struct lk__plan *plan, int i, int known, float h)
{
    const struct lk__call *call = &plan->call[i];
    const float phi2 = expm1f(-2 * h) / (2 * h) + 1, phi3 = phi2 / (2 * h) - 0.5F;
    if (known < 2)
        return (struct weights){0};
    const float r0 = logf(call[-1].from / call->from) / h;
    if (known < 3)
        return (struct weights){phi2 / r0, -phi2 / r0, 0};
    const float r1 = logf(call[-2].from / call[-1].from) / h;
    const float bend = (phi2 * r0 - phi3) / (r0 + r1), of_first = (phi2 + bend) / r0;
    return (struct weights){of_first, -of_first - bend / r1, bend / r1};
}

/*   h = log(σ/σ′);  x′ = e⁻²ʰ·x + (1−e⁻²ʰ)·x₀ + φ₂·D₁ − φ₃·D₂ + σ′·√(1−e⁻²ʰ)·noise;  x₀ at last */
static void dpmpp_3m_sde_step(const struct lk__plan *plan,
                              int i,
                              const float *epsilon,
                              struct lk__walk *w)
{
    const float sigma = plan->call[i].from, to = plan->call[i].to;
    const int last = to == 0;
    const float h = last ? 0 : logf(sigma / to), gone = last ? 1 : -expm1f(-2 * h);
    const struct weights of =
        last ? (struct weights){0} : weights_of(plan, i, w->taken < 3 ? w->taken + 1 : 3, h);
    float *clean = lk__walk_push(w);
    for (size_t k = 0; k < w->n; k++) {
        clean[k] = w->x[k] - sigma * epsilon[k];
        w->x[k] = (1 - gone) * w->x[k] + gone * clean[k] + of.now * clean[k] +
                  of.last * w->past[1][k] + of.before * w->past[2][k];
    }
    if (!last)
        lk__walk_add_noise(w, to * sqrtf(gone));
}

const struct lk_sampler lk__sampler_dpmpp_3m_sde = {
    .name = "dpmpp-3m-sde",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_TABLE,
    .step = dpmpp_3m_sde_step,
};
