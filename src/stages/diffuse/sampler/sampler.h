// SPDX-License-Identifier: Apache-2.0
/* What the files of the samplers share, and their rows. */
#ifndef LK_STAGES_DIFFUSE_SAMPLER_SAMPLER_H
#define LK_STAGES_DIFFUSE_SAMPLER_SAMPLER_H

#include "stages/diffuse/samplers.h"

extern const struct lk_sampler lk__sampler_ddim, lk__sampler_ddpm, lk__sampler_pndm,
    lk__sampler_lms, lk__sampler_heun, lk__sampler_euler, lk__sampler_euler_a, lk__sampler_dpm2,
    lk__sampler_dpm2_a, lk__sampler_dpmpp_2s_a, lk__sampler_dpmpp_2m, lk__sampler_dpmpp_2m_sde,
    lk__sampler_dpmpp_sde, lk__sampler_dpmpp_3m_sde, lk__sampler_unipc, lk__sampler_deis,
    lk__sampler_lcm, lk__sampler_tcd;

struct lk__rate {
    float alpha, s; /* x = α·x₀ + s·noise */
    float lambda;   /* log(α/s), +∞ at σ = 0 */
};
struct lk__rate lk__rate_of(float sigma);

/* Ancestral step (k-diffusion's get_ancestral_step): go down to σ_down, add noise up to σ′.
 *   σ_up = min(σ′, η·√(σ′²(σ²−σ′²)/σ²)),  σ_down = √(σ′²−σ_up²)                                  */
struct lk__ancestral {
    float up, down;
};
struct lk__ancestral lk__ancestral_of(float sigma, float to, float eta);

/* Makes room for what this call is to remember: returns walk->past[0], whose content is free; what
 * was there is now past[1]. */
float *lk__walk_push(struct lk__walk *walk);

/* walk->x += scale·(fresh noise of the picture's own generator, drawn even when scale is 0). */
void lk__walk_add_noise(struct lk__walk *walk, float scale);

#endif
