// SPDX-License-Identifier: Apache-2.0
/* Samplers of consistency models, distilled to few steps: LCM (Luo et al. 2023, arXiv 2310.04378)
 * and TCD (Zheng et al. 2024, arXiv 2402.19159), as diffusers' LCMScheduler and TCDScheduler with
 * original_inference_steps 50. Neither draws noise in its last step. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/*   c_skip = ¼/((10t)²+¼),  c_out = 10t/√((10t)²+¼),  D = c_out·x₀ + c_skip·x
 *   x′ = √ᾱ′·D + √(1−ᾱ′)·noise;  D at last                                                     */
static void lcm_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const float alpha = sqrtf(call->from), beta = sqrtf(1 - call->from);
    const float t = call->timestep * 10, skip = 0.25F / (t * t + 0.25F);
    const float out = t / sqrtf(t * t + 0.25F);
    const int last = i == plan->calls - 1;
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - beta * epsilon[k]) / alpha;
        float denoised = out * clean + skip * w->x[k];
        w->x[k] = last ? denoised : sqrtf(call->to) * denoised;
    }
    if (!last)
        lk__walk_add_noise(w, sqrtf(1 - call->to));
}

/* Down to t_s = ⌊(1−γ)·t′⌋ without noise, then up to t′ with it; γ is --eta.
 *   x_s = √ᾱ_s·x₀ + √(1−ᾱ_s)·ε;  x′ = √(ᾱ′/ᾱ_s)·x_s + √(1−ᾱ′/ᾱ_s)·noise;  x_s at last            */
static void tcd_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const int last = i == plan->calls - 1;
    const float next = last ? 0 : call[1].timestep;
    const float alpha = sqrtf(call->from), beta = sqrtf(1 - call->from);
    const float level = plan->table.alpha[(int)floorf((float)(1 - plan->eta) * next)];
    const float ratio = call->to / level;
    const int fresh = plan->eta > 0 && !last;
    const float keep = fresh ? sqrtf(ratio) : 1;
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - beta * epsilon[k]) / alpha;
        w->x[k] = keep * (sqrtf(level) * clean + sqrtf(1 - level) * epsilon[k]);
    }
    if (fresh)
        lk__walk_add_noise(w, sqrtf(1 - ratio));
}

const struct lk_sampler lk__sampler_lcm = {
    .name = "lcm",
    .latent = LK__LATENT_ALPHA,
    .times = LK__TIMES_WHOLE,
    .after = LK__AFTER_NEXT,
    .distilled = 1,
    .step = lcm_step,
};

const struct lk_sampler lk__sampler_tcd = {
    .name = "tcd",
    .latent = LK__LATENT_ALPHA,
    .times = LK__TIMES_WHOLE,
    .after = LK__AFTER_NEXT,
    .distilled = 1,
    .takes_eta = 1,
    .eta = 0.3,
    .step = tcd_step,
};
