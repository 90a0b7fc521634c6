// SPDX-License-Identifier: Apache-2.0
/* PNDM's linear multistep (PLMS; Liu et al. 2022, arXiv 2202.09778, eq. 9 and 12), as diffusers'
 * PNDMScheduler with skip_prk_steps, which SD 1.x sets. The first step is taken twice: Euler, then
 * again from where it began with the mean of both ends' noise. So n steps call the UNet n + 1
 * times, and the second time is told twice. From a picture diffusers begins in the middle of that
 * list, where nothing is told twice; so does this file. */
#include <math.h>
#include <string.h>

#include "stages/diffuse/sampler/sampler.h"

/* Adams–Bashforth, newest first. */
static const float weights[LK__PAST][LK__PAST] = {
    {1},
    {3.0F / 2, -1.0F / 2},
    {23.0F / 12, -16.0F / 12, 5.0F / 12},
    {55.0F / 24, -59.0F / 24, 37.0F / 24, -9.0F / 24},
};

/*   x′ = √(ᾱ′/ᾱ)·x − (ᾱ′−ᾱ)·ε / (ᾱ·√(1−ᾱ′) + √(ᾱ·(1−ᾱ)·ᾱ′))                                  */
static void advance(float from, float to, const float *x, const float *epsilon, struct lk__walk *w)
{
    const float keep = sqrtf(to / from), change = to - from;
    const float divisor = from * sqrtf(1 - to) + sqrtf(from * (1 - from) * to);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = keep * x[k] - change * epsilon[k] / divisor;
}

/* The second call of the list: it corrects the first step, which ended at this call's time. */
static void correct(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const int before = (int)plan->call[i].timestep + LK_TRAIN_STEPS / plan->steps;
    const int last = LK_TRAIN_STEPS - 1;
    for (size_t k = 0; k < w->n; k++)
        w->noise[k] = (epsilon[k] + w->past[0][k]) / 2;
    advance(plan->table.alpha[before < last ? before : last], plan->call[i].from, w->kept, w->noise,
            w);
}

static void pndm_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    if (w->taken == 1) {
        correct(plan, i, epsilon, w);
        return;
    }
    memcpy(lk__walk_push(w), epsilon, w->n * sizeof *epsilon);
    if (w->taken == 0)
        memcpy(w->kept, w->x, w->n * sizeof *w->x);
    const int known = w->taken == 0 ? 1 : w->taken < LK__PAST ? w->taken : LK__PAST;
    const float *weight = weights[known - 1];
    memset(w->noise, 0, w->n * sizeof *w->noise);
    for (int j = 0; j < known; j++) {
        for (size_t k = 0; k < w->n; k++)
            w->noise[k] += weight[j] * w->past[j][k];
    }
    advance(plan->call[i].from, plan->call[i].to, w->x, w->noise, w);
}

const struct lk_sampler lk__sampler_pndm = {
    .name = "pndm",
    .spacing = LK_SPACING_LEADING,
    .latent = LK__LATENT_ALPHA,
    .times = LK__TIMES_WHOLE,
    .after = LK__AFTER_BACK,
    .twice = 1,
    .step = pndm_step,
};
