// SPDX-License-Identifier: Apache-2.0
/* What can be done with guidance beside its scale. */
#ifndef LK_STAGES_DIFFUSE_MIX_H
#define LK_STAGES_DIFFUSE_MIX_H

#include <stdbool.h>
#include <stddef.h>

struct lk_guidance_options {
    double rescale;    /* 0 … 1: how far lk__mix_rescale goes */
    double start, end; /* guidance holds in the steps int(start·n) ≤ i < int(end·n), elsewhere the
                          negative prompt is not used (Kynkäänniemi et al. 2024, arXiv 2404.07724;
                          diffusers' guiders) */
    double perturbed; /* perturbed-attention guidance (Ahn et al. 2024, arXiv 2403.17377): how far
                         to go away from what the UNet says without self-attention in its middle; 0:
                         not at all */
    bool plus_plus;   /* CFG++ (Chung et al. 2024, arXiv 2406.08070): the sampler puts the noise of
                         the negative prompt back, and the scale counts 1/12.5, as in the WebUI */
};
/* No rescaling, all steps, plain. */
void lk_guidance_options_init(struct lk_guidance_options *options);

bool lk__mix_holds(const struct lk_guidance_options *options, int step, int steps);

/* Guidance over-exposes: epsilon [n] gets the standard deviation of positive [n], by share
 * (Lin et al. 2023, arXiv 2305.08891, eq. 15 and 16):  ε·(share·std(positive)/std(ε) + 1 − share)
 */
void lk__mix_rescale(float *epsilon, const float *positive, size_t n, double share);

#endif
