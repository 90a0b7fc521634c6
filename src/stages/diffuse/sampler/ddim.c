// SPDX-License-Identifier: Apache-2.0
/* DDIM (Song, Meng, Ermon 2021, arXiv 2010.02502, eq. 12 and 16), as diffusers' DDIMScheduler with
 * the settings of SD 1.x: no clipping, the last ᾱ is ᾱ₀. η = 0 is deterministic, 1 is as noisy as
 * DDPM. With CFG++ (arXiv 2406.08070) the noise that is put back is the unguided one. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/*   x₀ = (x − √(1−ᾱ)·ε) / √ᾱ,  σ² = η²·(1−ᾱ′)/(1−ᾱ)·(1−ᾱ/ᾱ′)
 *   x′ = √ᾱ′·x₀ + √(1−ᾱ′−σ²)·ε + σ·noise                                                      */
static void ddim_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float from = plan->call[i].from, to = plan->call[i].to;
    const float alpha = sqrtf(from), beta = sqrtf(1 - from), alpha_to = sqrtf(to);
    const float deviation = (float)plan->eta * sqrtf((1 - to) / (1 - from) * (1 - from / to));
    const float beta_to = sqrtf(fmaxf(1 - to - deviation * deviation, 0));
    const float *direction = w->away ? w->away : epsilon;
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - beta * epsilon[k]) / alpha;
        w->x[k] = alpha_to * clean + beta_to * direction[k];
    }
    if (plan->eta > 0)
        lk__walk_add_noise(w, deviation);
}

const struct lk_sampler lk__sampler_ddim = {
    .name = "ddim",
    .spacing = LK_SPACING_LEADING,
    .latent = LK__LATENT_ALPHA,
    .times = LK__TIMES_WHOLE,
    .after = LK__AFTER_BACK,
    .takes_eta = 1,
    .takes_away = 1,
    .step = ddim_step,
};
