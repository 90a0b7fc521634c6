// SPDX-License-Identifier: Apache-2.0
/* Linear multistep of order 4 in σ (k-diffusion's sample_lms), as diffusers' LMSDiscreteScheduler:
 * the polynomial through the last slopes is integrated over the step. From a picture diffusers
 * takes the weights of order 4 at once although it remembers fewer slopes; so does this file. */
#include "stages/diffuse/sampler/sampler.h"

/* ∫ from σ_i to σ_{i+1} of Lagrange's polynomial that is 1 at σ_{i−j} and 0 at the others. Two
 * points of Gauss are exact up to degree 3. */
static double weight(const struct lk__plan *plan, int i, int order, int j)
{
    const double half = ((double)plan->call[i].to - plan->call[i].from) / 2;
    const double centre = ((double)plan->call[i].to + plan->call[i].from) / 2;
    double sum = 0;
    for (int point = -1; point <= 1; point += 2) {
        const double at = centre + point * half * 0.57735026918962576;
        double product = 1;
        for (int k = 0; k < order; k++) {
            const double node = plan->call[i - k].from;
            if (k != j)
                product *= (at - node) / ((double)plan->call[i - j].from - node);
        }
        sum += product;
    }
    return sum * half;
}

static void lms_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const float sigma = plan->call[i].from;
    const int order = i + 1 < LK__PAST ? i + 1 : LK__PAST;
    float *slope = lk__walk_push(w);
    for (size_t k = 0; k < w->n; k++)
        slope[k] = (w->x[k] - (w->x[k] - sigma * epsilon[k])) / sigma;
    for (int j = 0; j < order && j <= w->taken; j++) {
        const float scale = (float)weight(plan, i, order, j);
        for (size_t k = 0; k < w->n; k++)
            w->x[k] += scale * w->past[j][k];
    }
}

const struct lk_sampler lk__sampler_lms = {
    .name = "lms",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_SIGMA,
    .range = LK__RANGE_OF_STEPS,
    .step = lms_step,
};
