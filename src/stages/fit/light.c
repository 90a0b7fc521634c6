// SPDX-License-Identifier: Apache-2.0
/* Matches light and colour: the face that was there was lit by lamps that the refined face has
 * never seen. What differs because of the lamps is smooth over the face and multiplies linear
 * light; what differs because it is another person is local. So the only thing that is ever changed
 * is a gain per channel c of the lowest order:
 *
 *     refined'(x,y) = refined(x,y)·g_c(x,y),   log g_c = a₀ + a₁x + a₂y + a₃x² + a₄xy + a₅y²
 *
 * fitted to log(original/refined) of 24×24 cell means in linear light: first one field of
 * luminance, then what each channel departs from it, held much stiffer, because lamps change
 * brightness across a face more than they change colour. Six numbers per channel cannot draw a
 * brow, so identity is safe by construction; matching means and variances (Reinhard et al., 2001)
 * would instead stretch contrast, and with it wrinkles and beards, and cannot move a shadow from
 * one cheek to the other.
 *
 * Features still sit in the cells: a beard on one of the two faces must not be lit away. Therefore
 *
 *     robust      iteratively reweighted least squares: Huber's weights first, then Tukey's
 * biweight on the scale of the residuals' median, so that a third of the cells may disagree;
 *     weighted    by the mask and by brightness: what is darker than skin (eyes, brows, hair)
 * hardly counts; restrained  a prior of mean 0 on slopes and curvatures, worth some cells; bounded
 * gains end softly at 1/limit and limit. */
#include "stages/fit/light.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define GRID 24
#define CELLS (GRID * GRID)
#define TERMS LK_LIGHT_TERMS
#define MIN_CELLS 12

static const float dark = 0.004f, bright = 0.98f; /* linear light: noise below, clipped above */
static const int huber_rounds = 4, tukey_rounds = 8;
static const double huber_at = 1.345, tukey_at = 4.685; /* 95 % efficient on normal residuals */
static const double scale_floor = 0.01;
/* Weight of the prior in cells of mean weight: none on the mean, some on slope, more on bend. */
static const double prior_luminance[TERMS] = {0, 0.3, 0.3, 0.6, 0.6, 0.6};
static const double prior_colour[TERMS] = {0, 4, 4, 15, 15, 15};
static const double luminance[3] = {0.2126, 0.7152, 0.0722}; /* BT.709, linear */

void lk_light_options_init(struct lk_light_options *options)
{
    *options = (struct lk_light_options){.limit = 2.5f, .amount = 1};
}

/* IEC 61966-2-1, carried on beyond 1 and to 0 below. */
static float to_linear(float v)
{
    if (v <= 0.04045f)
        return fmaxf(v, 0) / 12.92f;
    return powf((v + 0.055f) / 1.055f, 2.4f);
}

/* v·gain in linear light. On the power segment of the curve a gain of light is a gain of v + 0.055:
 * ((v + 0.055)/1.055)^2.4·g is ((v + 0.055)·g^(1/2.4)/1.055)^2.4, so no power of v is needed. */
static float relight(float v, float log_gain)
{
    float fast = (v + 0.055f) * expf(log_gain / 2.4f) - 0.055f;
    if (v > 0.04045f && fast > 0.04045f)
        return fast;
    float light = to_linear(v) * expf(log_gain);
    return light <= 0.0031308f ? light * 12.92f : 1.055f * powf(light, 1 / 2.4f) - 0.055f;
}

/* Identity up to 3/4 of the limit, then towards it without a kink. */
static float soft_limit(float v, float limit)
{
    float knee = 0.75f * limit, over = fabsf(v) - knee, room = limit - knee;
    if (over <= 0)
        return v;
    return copysignf(knee + room * tanhf(over / room), v);
}

static void basis(double x, double y, double phi[TERMS])
{
    const double values[TERMS] = {1, x, y, x * x, x * y, y * y};
    memcpy(phi, values, sizeof values);
}

/* −1…1 from the first pixel's centre to the last's. */
static double place(double i, int n)
{
    return n > 1 ? 2 * i / (n - 1) - 1 : 0;
}

static float log_gain(const struct lk_light *light, int c, float x, float y)
{
    const float *a = light->a[c];
    float sum = a[0] + x * (a[1] + a[3] * x + a[4] * y) + y * (a[2] + a[5] * y);
    return soft_limit(sum, light->limit);
}

float lk_light_gain(const struct lk_light *light, int c, int x, int y, int width, int height)
{
    return expf(log_gain(light, c, (float)place(x, width), (float)place(y, height)));
}

/* Sums over the pixels of one cell. */
struct cell {
    double weight, x, y;
    double original[3], refined[3];
    double pixels;
};

static void gather(const struct lk_picture *original,
                   const struct lk_picture *refined,
                   const struct lk_mask *mask,
                   struct cell *cells)
{
    int w = original->width, h = original->height;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            size_t at = (size_t)y * (size_t)w + (size_t)x;
            float m = mask->value[at];
            struct cell *cell = &cells[(y * GRID / h) * GRID + x * GRID / w];
            cell->pixels++;
            if (!(m > 0))
                continue;
            cell->weight += m;
            cell->x += m * x;
            cell->y += m * y;
            for (int c = 0; c < 3; c++) {
                cell->original[c] += m * to_linear(original->f32[at * 3 + (size_t)c]);
                cell->refined[c] += m * to_linear(refined->f32[at * 3 + (size_t)c]);
            }
        }
    }
}

struct weighted {
    double value, weight;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct weighted *)a)->value, y = ((const struct weighted *)b)->value;
    return (x > y) - (x < y);
}

static double weighted_median(struct weighted *v, int n)
{
    double total = 0, sum = 0;
    qsort(v, (size_t)n, sizeof *v, by_value);
    for (int i = 0; i < n; i++)
        total += v[i].weight;
    for (int i = 0; i < n; i++) {
        sum += v[i].weight;
        if (sum >= total / 2)
            return v[i].value;
    }
    return 0;
}

struct sample {
    double phi[TERMS];
    double ratio[4];      /* log(original / refined) of R, G, B and luminance */
    double brightness[2]; /* luminance of original and refined */
    double weight;        /* mask × how much it looks like skin */
};

static bool lit(double value)
{
    return value >= (double)dark && value <= (double)bright;
}

/* Most of a face is skin, so its median brightness is the skin's: darker cells are hair, brows,
 * eyes, shadow of a nostril, and say little about light. The square makes a hairline's cell count
 * 1/25. */
static void weigh_samples(struct sample *samples, int n)
{
    struct weighted order[CELLS];
    double skin[2];
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < n; i++)
            order[i] = (struct weighted){samples[i].brightness[k], samples[i].weight};
        skin[k] = weighted_median(order, n);
    }
    for (int i = 0; i < n; i++) {
        double darkest =
            fmin(samples[i].brightness[0] / skin[0], samples[i].brightness[1] / skin[1]);
        samples[i].weight *= fmin(1, darkest * darkest);
    }
}

/* Returns how many cells are good for comparing: mostly face, neither black nor clipped. */
static int sample_cells(const struct cell *cells, int width, int height, struct sample *samples)
{
    int n = 0;
    for (int i = 0; i < CELLS; i++) {
        const struct cell *cell = &cells[i];
        double o = 0, r = 0;
        bool good = cell->pixels > 0 && cell->weight >= 0.25 * cell->pixels;
        struct sample *s = &samples[n];
        for (int c = 0; c < 3 && good; c++) {
            double value_o = cell->original[c] / cell->weight;
            double value_r = cell->refined[c] / cell->weight;
            good = lit(value_o) && lit(value_r);
            s->ratio[c] = good ? log(value_o / value_r) : 0;
            o += luminance[c] * value_o;
            r += luminance[c] * value_r;
        }
        if (!good)
            continue;
        basis(place(cell->x / cell->weight, width), place(cell->y / cell->weight, height), s->phi);
        s->ratio[3] = log(o / r);
        s->brightness[0] = o;
        s->brightness[1] = r;
        s->weight = cell->weight / cell->pixels;
        n++;
    }
    weigh_samples(samples, n);
    return n;
}

/* Solves the symmetric positive definite a·x = b by Cholesky, in place; false when it is not. */
static bool solve(double a[TERMS][TERMS], double b[TERMS])
{
    for (int i = 0; i < TERMS; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (int k = 0; k < j; k++)
                sum -= a[i][k] * a[j][k];
            if (i == j && sum <= 1e-12)
                return false;
            a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
        }
    }
    for (int i = 0; i < TERMS; i++) {
        for (int k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = TERMS - 1; i >= 0; i--) {
        for (int k = i + 1; k < TERMS; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    return true;
}

/* What one fit works on. */
struct problem {
    const struct sample *samples;
    int n;
    double target[CELLS], trust[CELLS]; /* [n] */
    const double *prior;
};

static double residual(const struct problem *p, int i, const double fit[TERMS])
{
    double sum = p->target[i];
    for (int k = 0; k < TERMS; k++)
        sum -= fit[k] * p->samples[i].phi[k];
    return sum;
}

/* One weighted least-squares step. */
static bool fit_step(const struct problem *p, double fit[TERMS])
{
    double a[TERMS][TERMS] = {{0}}, b[TERMS] = {0}, mean = 0;
    for (int i = 0; i < p->n; i++)
        mean += p->samples[i].weight / p->n;
    for (int k = 0; k < TERMS; k++)
        a[k][k] = p->prior[k] * mean;
    for (int i = 0; i < p->n; i++) {
        const struct sample *s = &p->samples[i];
        double w = s->weight * p->trust[i];
        for (int k = 0; k < TERMS; k++) {
            b[k] += w * s->phi[k] * p->target[i];
            for (int l = 0; l <= k; l++)
                a[k][l] += w * s->phi[k] * s->phi[l];
        }
    }
    if (!solve(a, b))
        return false;
    memcpy(fit, b, sizeof b);
    return true;
}

static double trust_of(double e, bool tukey)
{
    if (!tukey)
        return fabs(e) <= huber_at ? 1 : huber_at / fabs(e);
    double t = e / tukey_at;
    return fabs(t) < 1 ? (1 - t * t) * (1 - t * t) : 0;
}

/* fit: the robust field through the problem's targets. */
static void fit_field(struct problem *p, double fit[TERMS])
{
    struct weighted order[CELLS];
    for (int i = 0; i < p->n; i++)
        order[i] = (struct weighted){p->target[i], p->samples[i].weight};
    memset(fit, 0, TERMS * sizeof *fit);
    fit[0] = weighted_median(order, p->n);
    for (int round = 0; round < huber_rounds + tukey_rounds; round++) {
        for (int i = 0; i < p->n; i++)
            order[i] = (struct weighted){fabs(residual(p, i, fit)), p->samples[i].weight};
        double scale = fmax(1.4826 * weighted_median(order, p->n), scale_floor);
        for (int i = 0; i < p->n; i++)
            p->trust[i] = trust_of(residual(p, i, fit) / scale, round >= huber_rounds);
        if (!fit_step(p, fit))
            return;
    }
}

static void fit_fields(const struct sample *samples,
                       int n,
                       const struct lk_light_options *options,
                       struct lk_light *light)
{
    struct problem p = {.samples = samples, .n = n, .prior = prior_luminance};
    double shared[TERMS], own[TERMS];
    for (int i = 0; i < n; i++)
        p.target[i] = samples[i].ratio[3];
    fit_field(&p, shared);
    p.prior = prior_colour;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < n; i++)
            p.target[i] = samples[i].ratio[c] - samples[i].ratio[3];
        fit_field(&p, own);
        for (int k = 0; k < TERMS; k++)
            light->a[c][k] = (float)(shared[k] + own[k]) * options->amount;
    }
}

static void mean_gain(const struct lk_mask *mask, struct lk_light *light)
{
    int w = mask->width, h = mask->height;
    double total = 0, sum[3] = {0};
    for (int y = 0; y < h; y += 4) {
        for (int x = 0; x < w; x += 4) {
            float m = mask->value[(size_t)y * (size_t)w + (size_t)x];
            total += m;
            for (int c = 0; c < 3 && m > 0; c++)
                sum[c] += m * lk_light_gain(light, c, x, y, w, h);
        }
    }
    for (int c = 0; c < 3; c++)
        light->mean[c] = total > 0 ? (float)(sum[c] / total) : 1;
}

int lk_light_fit(const struct lk_picture *original,
                 const struct lk_picture *refined,
                 const struct lk_mask *mask,
                 const struct lk_light_options *options,
                 struct lk_light *out,
                 struct lk_error *err)
{
    struct lk_light light = {.limit = logf(fmaxf(options->limit, 1))};
    size_t bytes = CELLS * (sizeof(struct cell) + sizeof(struct sample));
    struct cell *cells = calloc(1, bytes);
    if (!cells)
        return lk_fail_memory(err, "matching light", bytes);
    struct sample *samples = (struct sample *)(cells + CELLS);
    gather(original, refined, mask, cells);
    int n = sample_cells(cells, original->width, original->height, samples);
    if (n >= MIN_CELLS)
        fit_fields(samples, n, options, &light);
    free(cells);
    mean_gain(mask, &light);
    *out = light;
    return 0;
}

int lk_light_apply(const struct lk_light *light,
                   const struct lk_picture *in,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    struct lk_picture *relit;
    int w = in->width, h = in->height;
    int code = lk_picture_new(w, h, 3, LK_PIXEL_F32, &relit, err);
    if (code)
        return code;
    for (int y = 0; y < h; y++) {
        float v = (float)place(y, h);
        for (int x = 0; x < w; x++) {
            size_t at = ((size_t)y * (size_t)w + (size_t)x) * 3;
            float u = (float)place(x, w);
            for (int c = 0; c < 3; c++) {
                float gain = log_gain(light, c, u, v);
                relit->f32[at + (size_t)c] = relight(in->f32[at + (size_t)c], gain);
            }
        }
    }
    *out = relit;
    return 0;
}
