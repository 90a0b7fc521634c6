// SPDX-License-Identifier: Apache-2.0
/* DDIM with η = 0 (Song, Meng, Ermon 2021, arXiv 2010.02502, eq. 12), as diffusers' DDIMScheduler
 * with the settings of SD 1.x: ε-prediction, no clipping, the last ᾱ is ᾱ₀. */
#include <math.h>

#include "stages/diffuse/samplers.h"

/*   x₀ = (x − √(1−ᾱ)·ε) / √ᾱ
 *   x′ = √ᾱ′·x₀ + √(1−ᾱ′)·ε                                                                   */
static void ddim_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float alpha = sqrtf(plan->from[i]), beta = sqrtf(1 - plan->from[i]);
    const float alpha_to = sqrtf(plan->to[i]), beta_to = sqrtf(1 - plan->to[i]);
    for (size_t k = 0; k < w->n; k++) {
        float clean = (w->x[k] - beta * epsilon[k]) / alpha;
        w->x[k] = alpha_to * clean + beta_to * epsilon[k];
    }
}

static void ddim_noised(const struct lk__plan *plan, int i, struct lk__walk *w)
{
    const float alpha = sqrtf(plan->from[i]), beta = sqrtf(1 - plan->from[i]);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = alpha * w->x[k] + beta * w->noise[k];
}

const struct lk_sampler lk__sampler_ddim = {
    .name = "ddim",
    .spacing = LK_SPACING_LEADING,
    .karras = LK__KARRAS_NONE,
    .whole = 1,
    .alpha_levels = 1,
    .step = ddim_step,
    .noised = ddim_noised,
};
