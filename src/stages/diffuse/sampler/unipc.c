// SPDX-License-Identifier: Apache-2.0
/* UniPC (Zhao et al. 2023, arXiv 2302.04867) of order 2 with B(h) = e⁻ʰ − 1 ("bh2"), as diffusers'
 * UniPCMultistepScheduler. Each call first corrects the step that led to it by what the UNet now
 * says (UniC), then predicts the next one (UniP). The first step and the step to σ = 0 are of first
 * order. */
#include <math.h>
#include <string.h>

#include "stages/diffuse/sampler/sampler.h"

static float step_length(const struct lk__call *call)
{
    return lk__rate_of(call->to).lambda - lk__rate_of(call->from).lambda;
}

/* The order of step i: 2 where an earlier x₀ is known and the step does not end at 0. */
static int order_of(const struct lk__plan *plan, int i, int taken)
{
    return taken > 0 && i < plan->calls - 1 ? 2 : 1;
}

/*   x = (s′/s)·x₋₁ − α′·(e⁻ʰ−1)·(m₀ + ρ₁·D₁ + ρ₂·(m − m₀)),  D₁ = (m₋₁ − m₀)/r,  r = −h₋₁/h
 * where m₀ was predicted at the begin of step i−1, m at its end, and ρ solves
 *   ρ₁ + ρ₂ = b₁,  r·ρ₁ + ρ₂ = b₂.                                                              */
static void correct(const struct lk__plan *plan, int i, const float *m, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i - 1];
    const struct lk__rate from = lk__rate_of(call->from), to = lk__rate_of(call->to);
    const int order = order_of(plan, i - 1, w->taken - 1);
    const float h = -step_length(call), b = expm1f(h);
    const float phi1 = b / h - 1, phi2 = phi1 / h - 0.5F;
    const float r = order == 2 ? step_length(call - 1) / h : 1;
    const float b1 = phi1 / b, b2 = phi2 * 2 / b;
    const float rho1 = order == 2 ? (b1 - b2) / (1 - r) : 0;
    const float rho2 = order == 2 ? b1 - rho1 : 0.5F;
    const float keep = to.s / from.s, pull = to.alpha * b;
    const float *m0 = w->past[0], *before = w->past[1];
    for (size_t k = 0; k < w->n; k++) {
        float more = order == 2 ? rho1 * ((before[k] - m0[k]) / r) : 0;
        w->x[k] = keep * w->kept[k] - pull * m0[k] - pull * (more + rho2 * (m[k] - m0[k]));
    }
}

/*   x′ = (s′/s)·x − α′·(e⁻ʰ−1)·(m₀ + ½·D₁)                                                      */
static void predict(const struct lk__plan *plan, int i, struct lk__walk *w)
{
    const struct lk__call *call = &plan->call[i];
    const struct lk__rate from = lk__rate_of(call->from), to = lk__rate_of(call->to);
    const int order = order_of(plan, i, w->taken);
    const float h = -step_length(call);
    const float r = order == 2 ? step_length(call - 1) / h : 1;
    const float keep = to.s / from.s, pull = to.alpha * expm1f(h);
    const float *m0 = w->past[0], *before = w->past[1];
    memcpy(w->kept, w->x, w->n * sizeof *w->x);
    for (size_t k = 0; k < w->n; k++) {
        float more = order == 2 ? 0.5F * ((before[k] - m0[k]) / r) : 0;
        w->x[k] = keep * w->x[k] - pull * m0[k] - pull * more;
    }
}

static void unipc_step(const struct lk__plan *plan, int i, const float *epsilon, struct lk__walk *w)
{
    const struct lk__rate now = lk__rate_of(plan->call[i].from);
    for (size_t k = 0; k < w->n; k++)
        w->noise[k] = (w->x[k] - now.s * epsilon[k]) / now.alpha;
    if (w->taken > 0)
        correct(plan, i, w->noise, w);
    memcpy(lk__walk_push(w), w->noise, w->n * sizeof *w->noise);
    predict(plan, i, w);
}

const struct lk_sampler lk__sampler_unipc = {
    .name = "unipc",
    .spacing = LK_SPACING_LINSPACE,
    .latent = LK__LATENT_RATE,
    .range = LK__RANGE_OF_TABLE,
    .times = LK__TIMES_WHOLE,
    .spare = 1,
    .step = unipc_step,
};
