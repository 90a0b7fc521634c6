// SPDX-License-Identifier: Apache-2.0
/* Which times are visited, and how noisy it is there.
 *
 *   β_t = (linspace(√0.00085, √0.012, 1000)_t)²,  ᾱ_t = Π(1−β),  σ_t = √((1−ᾱ_t)/ᾱ_t)
 *
 *   linspace   0 … 999 in equal parts, both ends
 *   leading    multiples of ⌊1000/n⌋, plus 1 (steps_offset of SD 1.x)
 *   trailing   1000 − i·1000/n, minus 1
 *
 * Karras (arXiv 2206.00364, eq. 5), ρ = 7: σ_i = (σmax^⅐ + i/(n−1)·(σmin^⅐ − σmax^⅐))⁷; the
 * timestep is then where log σ lies in the table.
 *
 * ᾱ must be torch's float32 bit for bit: at t = 0 the last bit of ᾱ is 1e-4 of 1−ᾱ. torch's
 * linspace rounds once (fused multiply-add), its cumprod multiplies in double. The rest follows
 * numpy, in double with a float32 table. */
#include <math.h>

#include "stages/diffuse/samplers.h"

struct table {
    float alpha[LK_TRAIN_STEPS]; /* ᾱ */
    float sigma[LK_TRAIN_STEPS], log_sigma[LK_TRAIN_STEPS];
};

static void table_fill(struct table *t)
{
    const int n = LK_TRAIN_STEPS;
    const float first = (float)sqrt(0.00085), last = (float)sqrt(0.012);
    const float step = (last - first) / (float)(n - 1);
    double product = 1;
    for (int i = 0; i < n; i++) {
        float root = i < n / 2 ? (float)(first + (double)step * i)
                               : (float)(last - (double)step * (n - 1 - i));
        float beta = root * root;
        product *= 1 - beta;
        t->alpha[i] = (float)product;
        t->sigma[i] = sqrtf((1 - t->alpha[i]) / t->alpha[i]);
        t->log_sigma[i] = (float)log(t->sigma[i]);
    }
}

/* numpy.linspace(0, end, n)[k] */
static double linspace(double end, int n, int k)
{
    if (n == 1)
        return 0;
    return k == n - 1 ? end : k * (end / (n - 1));
}

/* The i-th of n times, from noisy to clean. */
static double spaced(enum lk_spacing spacing, int n, int spare, int i)
{
    int all = n + spare, k = all - 1 - i;
    switch (spacing) {
    case LK_SPACING_LEADING:
        return k * (LK_TRAIN_STEPS / all) + 1;
    case LK_SPACING_TRAILING:
        return rint(LK_TRAIN_STEPS - i * ((double)LK_TRAIN_STEPS / n)) - 1;
    default:
        return linspace(LK_TRAIN_STEPS - 1, all, k);
    }
}

static double sigma_at(const struct table *t, double time)
{
    if (time >= LK_TRAIN_STEPS - 1)
        return t->sigma[LK_TRAIN_STEPS - 1];
    int k = (int)time;
    double slope = (double)t->sigma[k + 1] - t->sigma[k];
    return slope * (time - k) + t->sigma[k];
}

static double time_of(const struct table *t, double sigma)
{
    double log_sigma = log(sigma > 1e-10 ? sigma : 1e-10);
    int low = 0;
    while (low < LK_TRAIN_STEPS - 2 && t->log_sigma[low + 1] <= log_sigma)
        low++;
    double w = (t->log_sigma[low] - log_sigma) / (t->log_sigma[low] - t->log_sigma[low + 1]);
    w = fmin(fmax(w, 0), 1);
    return (1 - w) * low + w * (low + 1);
}

static double karras(double low, double high, int n, int i)
{
    const double rho = 7;
    double a = pow(high, 1 / rho), b = pow(low, 1 / rho);
    return pow(a + linspace(1, n, i) * (b - a), rho);
}

static void fill_sigmas(const struct lk_sampler *sampler,
                        enum lk_schedule schedule,
                        const struct table *t,
                        const double *times,
                        struct lk__plan *plan)
{
    const int n = plan->steps;
    int of_table = sampler->karras == LK__KARRAS_OF_TABLE;
    double high = of_table ? t->sigma[LK_TRAIN_STEPS - 1] : sigma_at(t, times[0]);
    double low = of_table ? t->sigma[0] : sigma_at(t, times[n - 1]);
    for (int i = 0; i < n; i++) {
        double sigma = sigma_at(t, times[i]), time = times[i];
        if (schedule == LK_SCHEDULE_KARRAS) {
            sigma = karras(low, high, n, i);
            time = time_of(t, sigma);
        }
        plan->timestep[i] = (float)(sampler->whole ? rint(time) : time);
        plan->from[i] = (float)sigma;
    }
    for (int i = 0; i < n; i++)
        plan->to[i] = i + 1 < n ? plan->from[i + 1] : 0;
}

/* DDIM looks back by 1000/n, whatever the spacing, and ends at ᾱ₀ (set_alpha_to_one is false). */
static void fill_alphas(const struct table *t, const double *times, struct lk__plan *plan)
{
    for (int i = 0; i < plan->steps; i++) {
        int time = (int)times[i], before = time - LK_TRAIN_STEPS / plan->steps;
        plan->timestep[i] = (float)time;
        plan->from[i] = t->alpha[time];
        plan->to[i] = t->alpha[before > 0 ? before : 0];
    }
}

int lk__plan_make(const struct lk_sampler *sampler,
                  enum lk_schedule schedule,
                  enum lk_spacing spacing,
                  int steps,
                  struct lk__plan *out,
                  struct lk_error *err)
{
    struct table table;
    double times[LK_MAX_STEPS];
    if (steps < 1 || steps > LK_MAX_STEPS)
        return lk_fail(err, LK_E_INPUT, "--steps: %d is not a number from 1 to %d", steps,
                       LK_MAX_STEPS);
    if (spacing == LK_SPACING_OWN)
        spacing = sampler->spacing;
    table_fill(&table);
    for (int i = 0; i < steps; i++) {
        double time = spaced(spacing, steps, sampler->spare, i);
        times[i] = sampler->whole ? rint(time) : (float)time;
    }
    out->steps = steps;
    out->noise_scale = 1;
    if (sampler->alpha_levels) {
        fill_alphas(&table, times, out);
        return 0;
    }
    fill_sigmas(sampler, schedule, &table, times, out);
    if (sampler->scaled_input) {
        float most = out->from[0];
        out->noise_scale = spacing == LK_SPACING_LEADING ? sqrtf(most * most + 1) : most;
    }
    return 0;
}
