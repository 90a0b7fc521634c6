// SPDX-License-Identifier: Apache-2.0
/* The table of samplers. To add one: sampler/NAME.c with its row, its name in sampler/sampler.h and
 * here, a line in tools/golden/sampler.py. */
#include "stages/diffuse/samplers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "stages/diffuse/sampler/sampler.h"

static const struct lk_sampler *const samplers[] = {
    &lk__sampler_ddim,       &lk__sampler_ddpm,         &lk__sampler_pndm,
    &lk__sampler_lms,        &lk__sampler_heun,         &lk__sampler_euler,
    &lk__sampler_euler_a,    &lk__sampler_dpm2,         &lk__sampler_dpm2_a,
    &lk__sampler_dpmpp_2s_a, &lk__sampler_dpmpp_2m,     &lk__sampler_dpmpp_2m_sde,
    &lk__sampler_dpmpp_sde,  &lk__sampler_dpmpp_3m_sde, &lk__sampler_unipc,
    &lk__sampler_deis,       &lk__sampler_lcm,          &lk__sampler_tcd,
};

/* LK_SCHEDULE_GIVEN has no name: --sigmas asks for it. */
static const char *const schedules[] = {
    [LK_SCHEDULE_NORMAL] = "normal",
    [LK_SCHEDULE_KARRAS] = "karras",
    [LK_SCHEDULE_EXPONENTIAL] = "exponential",
    [LK_SCHEDULE_BETA] = "beta",
    [LK_SCHEDULE_SGM_UNIFORM] = "sgm-uniform",
    [LK_SCHEDULE_SIMPLE] = "simple",
    [LK_SCHEDULE_ALIGN_YOUR_STEPS] = "align-your-steps",
};

static void add_name(char *out, size_t size, const char *name)
{
    size_t at = strlen(out);
    snprintf(out + at, size - at, "%s%s", at ? ", " : "", name);
}

int lk_sampler_find(const char *name, const struct lk_sampler **out, struct lk_error *err)
{
    char names[256] = "";
    for (size_t i = 0; i < LK_ARRAY_LENGTH(samplers); i++) {
        if (!strcmp(samplers[i]->name, name)) {
            *out = samplers[i];
            return 0;
        }
        add_name(names, sizeof names, samplers[i]->name);
    }
    return lk_fail(err, LK_E_INPUT, "--sampler: there is no '%s', only %s", name, names);
}

int lk_sampler_has_own_times(const struct lk_sampler *sampler)
{
    return sampler->latent == LK__LATENT_ALPHA;
}

int lk_schedule_find(const struct lk_sampler *sampler,
                     const char *name,
                     enum lk_schedule *out,
                     struct lk_error *err)
{
    char names[256] = "";
    size_t found = 0;
    for (; found < LK_ARRAY_LENGTH(schedules) && strcmp(schedules[found], name); found++)
        add_name(names, sizeof names, schedules[found]);
    if (found == LK_ARRAY_LENGTH(schedules))
        return lk_fail(err, LK_E_INPUT, "--schedule: there is no '%s', only %s", name, names);
    if (found != LK_SCHEDULE_NORMAL && lk_sampler_has_own_times(sampler))
        return lk_fail(err, LK_E_INPUT,
                       "--schedule %s does not go with --sampler %s, which has its own times: take "
                       "normal, or another sampler",
                       name, sampler->name);
    *out = (enum lk_schedule)found;
    return 0;
}

struct lk__rate lk__rate_of(float sigma)
{
    struct lk__rate r = {.alpha = 1 / sqrtf(sigma * sigma + 1)};
    r.s = sigma * r.alpha;
    r.lambda = logf(r.alpha) - logf(r.s);
    return r;
}

struct lk__ancestral lk__ancestral_of(float sigma, float to, float eta)
{
    struct lk__ancestral a;
    a.up = fminf(to, eta * sqrtf(to * to * (sigma * sigma - to * to) / (sigma * sigma)));
    a.down = sqrtf(to * to - a.up * a.up);
    return a;
}

float *lk__walk_push(struct lk__walk *w)
{
    float *oldest = w->past[LK__PAST - 1];
    memmove(w->past + 1, w->past, (LK__PAST - 1) * sizeof *w->past);
    return w->past[0] = oldest;
}

void lk__walk_add_noise(struct lk__walk *w, float scale)
{
    lk_rng_normal(w->rng, w->noise, w->n);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] += w->noise[k] * scale;
}

void lk__sampler_input(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       size_t n,
                       float *out)
{
    const float sigma = plan->call[i].level;
    const float divisor = sampler->latent == LK__LATENT_SIGMA ? sqrtf(sigma * sigma + 1) : 1;
    for (size_t k = 0; k < n; k++)
        out[k] = x[k] / divisor;
}

/* Shares of latent and noise at call i. */
static void shares_at(
    const struct lk_sampler *sampler, const struct lk__plan *plan, int i, float *keep, float *noise)
{
    const float level = plan->call[i].level;
    const struct lk__rate r = lk__rate_of(level);
    *keep = 1;
    *noise = level;
    if (sampler->latent == LK__LATENT_RATE) {
        *keep = r.alpha;
        *noise = r.s;
    } else if (sampler->latent == LK__LATENT_ALPHA) {
        *keep = sqrtf(level);
        *noise = sqrtf(1 - level);
    }
}

void lk__sampler_clean(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       const float *epsilon,
                       size_t n,
                       float *out)
{
    float keep, noise;
    shares_at(sampler, plan, i, &keep, &noise);
    for (size_t k = 0; k < n; k++)
        out[k] = (x[k] - noise * epsilon[k]) / keep;
}

void lk__sampler_noised(const struct lk_sampler *sampler,
                        const struct lk__plan *plan,
                        int i,
                        struct lk__walk *w)
{
    float keep, noise;
    shares_at(sampler, plan, i, &keep, &noise);
    for (size_t k = 0; k < w->n; k++)
        w->x[k] = keep * w->x[k] + noise * w->noise[k];
}
