// SPDX-License-Identifier: Apache-2.0
/* DPM-Solver++(2S) (Lu et al. 2022, arXiv 2211.01095, algorithm 1) with ancestral noise:
 * k-diffusion's sample_dpmpp_2s_ancestral, which diffusers does not have. To the middle, half way
 * to σ_down in log σ, then from where it began to σ_down with the middle's x₀; noise up to σ′. The
 * step to σ = 0 is Euler's. */
#include <math.h>
#include <string.h>

#include "stages/diffuse/sampler/sampler.h"

/*   x′ = (σ_target/σ)·x + (1 − σ_target/σ)·x₀                                                   */
static void dpmpp_2s_a_step(const struct lk__plan *plan,
                            int i,
                            const float *epsilon,
                            struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const struct lk__ancestral to = lk__ancestral_of(call->from, call->to, (float)plan->eta);
    const float keep = (call->ends ? to.down : call[1].level) / call->from;
    if (!call->second)
        memcpy(w->kept, w->x, w->n * sizeof *w->x);
    for (size_t k = 0; k < w->n; k++) {
        float clean = w->x[k] - call->level * epsilon[k];
        w->x[k] = keep * w->kept[k] + (1 - keep) * clean;
    }
    if (call->ends && call->to > 0)
        lk__walk_add_noise(w, to.up);
}

const struct lk_sampler lk__sampler_dpmpp_2s_a = {
    .name = "dpmpp-2s-a",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_TABLE,
    .middle = LK__MIDDLE_DOWN,
    .takes_eta = 1,
    .eta = 1,
    .step = dpmpp_2s_a_step,
};
