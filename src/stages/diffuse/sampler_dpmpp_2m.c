// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, algorithm 2, midpoint form), as diffusers'
 * DPMSolverMultistepScheduler with its defaults: the latent is α·x₀ + s·noise with α² + s² = 1, the
 * first step and the step to σ = 0 are of first order. diffusers computes the exponentials in
 * float32; so does this file. */
#include <math.h>

#include "stages/diffuse/samplers.h"

struct rate {
    float alpha, s; /* x = α·x₀ + s·noise */
    float lambda;   /* log(α/s) */
};

static struct rate rate_of(float sigma)
{
    struct rate r = {.alpha = 1 / sqrtf(sigma * sigma + 1)};
    r.s = sigma * r.alpha;
    r.lambda = logf(r.alpha) - logf(r.s); /* +∞ at σ = 0 */
    return r;
}

/*   D₀ = x₀,  D₁ = (x₀ − x₀₋₁)/r,  r = h₋₁/h,  h = λ′ − λ
 *   x′ = (s′/s)·x − α′(e⁻ʰ−1)·D₀ − ½·α′(e⁻ʰ−1)·D₁                                            */
static void dpmpp_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct rate now = rate_of(plan->from[i]), next = rate_of(plan->to[i]);
    const float h = next.lambda - now.lambda;
    const float keep = next.s / now.s, pull = next.alpha * (expf(-h) - 1);
    const int second = w->taken > 0 && i < plan->steps - 1;
    const float back = second ? now.lambda - rate_of(plan->from[i - 1]).lambda : 0;
    const float inverse_r = second ? 1 / (back / h) : 0;
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - now.s * epsilon[k]) / now.alpha;
        float x = keep * w->x[k] - pull * clean;
        if (second)
            x = x - 0.5f * pull * (inverse_r * (clean - w->last[k]));
        w->x[k] = x;
        w->last[k] = clean;
    }
}

static void dpmpp_noised(const struct lk__plan *plan, int i, struct lk__walk *w)
{
    const struct rate r = rate_of(plan->from[i]);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = r.alpha * w->x[k] + r.s * w->noise[k];
}

const struct lk_sampler lk__sampler_dpmpp_2m = {
    .name = "dpmpp-2m",
    .spacing = LK_SPACING_LINSPACE,
    .karras = LK__KARRAS_OF_TABLE,
    .spare = 1,
    .whole = 1,
    .step = dpmpp_step,
    .noised = dpmpp_noised,
};
