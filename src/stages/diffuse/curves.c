// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/curves.h"

#include <math.h>

#include "base/size.h"

double lk__linspace(double from, double to, int n, int i)
{
    if (n == 1)
        return from;
    return i == n - 1 ? to : from + i * ((to - from) / (n - 1));
}

double lk__linspace_open(double from, double to, int n, int i)
{
    return from + i * ((to - from) / n);
}

static double karras(const struct lk__curve *c, int i)
{
    const double rho = 7;
    double a = pow(c->high, 1 / rho), b = pow(c->low, 1 / rho);
    return pow(a + lk__linspace(0, 1, c->n, i) * (b - a), rho);
}

static double exponential(const struct lk__curve *c, int i)
{
    return exp(lk__linspace(log(c->high), log(c->low), c->n, i));
}

#define BETA 0.6

/* The share of Beta(a, a) below x ≤ ½: I_x(a, a), as Lentz's continued fraction (Numerical Recipes
 * 6.4; DLMF 8.17.22). */
static double beta_share(double x)
{
    const double a = BETA, tiny = 1e-300;
    double c = 1, d = 1 / (1 - 2 * a * x / (a + 1)), fraction = d;
    for (int m = 1; m < 200; m++) {
        const double even = m * (a - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (2 * a + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / fmax(1 + even * d, tiny);
        c = 1 + even / c;
        fraction *= d * c;
        d = 1 / fmax(1 + odd * d, tiny);
        c = 1 + odd / c;
        fraction *= d * c;
        if (fabs(d * c - 1) < 1e-16)
            break;
    }
    const double front = exp(lgamma(2 * a) - 2 * lgamma(a) + a * (log(x) + log1p(-x)));
    return front * fraction / a;
}

/* The p-quantile of Beta(a, a), by halving. */
static double beta_quantile(double p)
{
    if (p > 0.5)
        return 1 - beta_quantile(1 - p);
    double low = 0, high = 0.5;
    for (int i = 0; i < 80 && p > 0; i++) {
        double middle = (low + high) / 2;
        if (beta_share(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return p > 0 ? (low + high) / 2 : 0;
}

static double beta(const struct lk__curve *c, int i)
{
    return c->low + beta_quantile(1 - lk__linspace(0, 1, c->n, i)) * (c->high - c->low);
}

static double sgm_uniform(const struct lk__curve *c, int i)
{
    const float *logs = c->table->log_sigma;
    const double time = lk__linspace(LK_TRAIN_STEPS - 1, 0, c->n + 1, i), part = time - floor(time);
    const int low = (int)time, high = (int)ceil(time);
    return exp((1 - part) * logs[low] + part * logs[high]);
}

static double simple(const struct lk__curve *c, int i)
{
    return c->table->sigma[LK_TRAIN_STEPS - 1 - (int)(i * ((double)LK_TRAIN_STEPS / c->n))];
}

static double align_your_steps(const struct lk__curve *c, int i)
{
    static const double knots_of[][11] = {
        {14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029},
        {14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029}, /* SDXL */
    };
    const double *knots = knots_of[c->sdxl != 0];
    const int last = LK_ARRAY_LENGTH(knots_of[0]) - 1;
    const double at = lk__linspace(0, last, c->n, i);
    const int low = at < last ? (int)at : last - 1;
    return exp(log(knots[low]) + (at - low) * (log(knots[low + 1]) - log(knots[low])));
}

double lk__curve_at(enum lk_schedule schedule, const struct lk__curve *curve, int i)
{
    static double (*const curves[])(const struct lk__curve *, int) = {
        [LK_SCHEDULE_KARRAS] = karras, [LK_SCHEDULE_EXPONENTIAL] = exponential,
        [LK_SCHEDULE_BETA] = beta,     [LK_SCHEDULE_SGM_UNIFORM] = sgm_uniform,
        [LK_SCHEDULE_SIMPLE] = simple, [LK_SCHEDULE_ALIGN_YOUR_STEPS] = align_your_steps,
    };
    return curves[schedule](curve, i);
}
