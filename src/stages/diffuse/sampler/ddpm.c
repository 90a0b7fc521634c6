// SPDX-License-Identifier: Apache-2.0
/* DDPM (Ho, Jain, Abbeel 2020, arXiv 2006.11239, eq. 7), as diffusers' DDPMScheduler without
 * clipping and with the small fixed variance. */
#include <math.h>

#include "stages/diffuse/sampler/sampler.h"

/*   β = 1 − ᾱ/ᾱ′
 *   x′ = √ᾱ′·β/(1−ᾱ)·x₀ + √(ᾱ/ᾱ′)·(1−ᾱ′)/(1−ᾱ)·x + √((1−ᾱ′)/(1−ᾱ)·β)·noise,  none at t = 0     */
static void ddpm_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float from = plan->call[i].from, to = plan->call[i].to;
    const float alpha = sqrtf(from), beta = sqrtf(1 - from);
    const float ratio = from / to, fresh = 1 - ratio;
    const float of_clean = sqrtf(to) * fresh / (1 - from);
    const float of_x = sqrtf(ratio) * (1 - to) / (1 - from);
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - beta * epsilon[k]) / alpha;
        w->x[k] = of_clean * clean + of_x * w->x[k];
    }
    if (plan->call[i].timestep > 0)
        lk__walk_add_noise(w, sqrtf(fmaxf((1 - to) / (1 - from) * fresh, 1e-20F)));
}

const struct lk_sampler lk__sampler_ddpm = {
    .name = "ddpm",
    .spacing = LK_SPACING_LEADING,
    .latent = LK__LATENT_ALPHA,
    .times = LK__TIMES_WHOLE,
    .after = LK__AFTER_NEXT,
    .step = ddpm_step,
};
