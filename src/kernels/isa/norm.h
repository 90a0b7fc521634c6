// SPDX-License-Identifier: Apache-2.0
/* Group norm with SiLU, and layer norm. Both read x twice and write once.
 *
 * Sums are taken of x − x₀, x₀ being the first pixel (or number): where the mean is large beside
 * the deviation, Σx² − (Σx)²/n would cancel. Partial sums are added in f64. */
#ifndef LK_KERNELS_ISA_NORM_H
#define LK_KERNELS_ISA_NORM_H

#include <math.h>

#include "kernels/isa/vector.h"
#include "kernels/kernels.h"

#define PIXELS 256 /* of a task */

struct group_job {
    const struct lk_group_norm *g;
    size_t parts;  /* tasks of an image */
    float *sums;   /* [images][parts][2][channels] of a part */
    float *factor; /* [images][2][channels]: y = x·factor + term */
};

NOINLINE void group_sum_task(void *what, size_t i)
{
    const struct group_job *job = what;
    const struct lk_group_norm *g = job->g;
    const size_t channels = g->channels, from = i % job->parts * PIXELS;
    const float *x = g->x + i / job->parts * g->pixels * channels;
    float *sum = job->sums + i * 2 * channels, *square = sum + channels;
    const size_t to = least(from + PIXELS, g->pixels);
    for (size_t c = 0; c < channels; c += LK_LANES) {
        const size_t count = least(LK_LANES, channels - c);
        const vf origin = load_first(x + c, count);
        vf s[2] = {{0}}, q[2] = {{0}};
        for (size_t p = from; p < to; p++) {
            const vf d = load_first(x + p * channels + c, count) - origin;
            s[p & 1] += d;
            q[p & 1] += d * d;
        }
        store_first(sum + c, s[0] + s[1], count);
        store_first(square + c, q[0] + q[1], count);
    }
}

/* Factors of one group: the channels' sums, each about its own origin, brought to one mean. */
static void group_factors(const struct group_job *job, size_t image, size_t group)
{
    const struct lk_group_norm *g = job->g;
    const size_t channels = g->channels, size = channels / g->groups;
    const float *origin = g->x + image * g->pixels * channels;
    float *factor = job->factor + image * 2 * channels, *term = factor + channels;
    double mean = 0, square = 0;
    const double n = (double)g->pixels;
    for (int pass = 0; pass < 2; pass++) {
        double total = 0;
        for (size_t c = group * size; c < (group + 1) * size; c++) {
            double s = 0, q = 0;
            for (size_t part = 0; part < job->parts; part++) {
                const float *sums = job->sums + (image * job->parts + part) * 2 * channels;
                s += sums[c];
                q += sums[channels + c];
            }
            const double own = origin[c] + s / n;
            total += pass ? q - s * s / n + n * (own - mean) * (own - mean) : n * own;
        }
        *(pass ? &square : &mean) = total / (n * (double)size);
    }
    const double scale = 1 / sqrt(square + (double)g->epsilon);
    for (size_t c = group * size; c < (group + 1) * size; c++) {
        factor[c] = (float)(g->gamma[c] * scale);
        term[c] = (float)(g->beta[c] - mean * g->gamma[c] * scale);
    }
}

NOINLINE void group_apply_task(void *what, size_t i)
{
    const struct group_job *job = what;
    const struct lk_group_norm *g = job->g;
    const size_t channels = g->channels, image = i / job->parts, from = i % job->parts * PIXELS;
    const float *factor = job->factor + image * 2 * channels, *term = factor + channels;
    for (size_t p = from; p < least(from + PIXELS, g->pixels); p++) {
        const float *x = g->x + (image * g->pixels + p) * channels;
        float *y = g->y + (image * g->pixels + p) * channels;
        for (size_t c = 0; c < channels; c += LK_LANES) {
            const size_t count = least(LK_LANES, channels - c);
            const vf z = load_first(x + c, count) * load_first(factor + c, count) +
                         load_first(term + c, count);
            store_first(y + c, g->silu ? silu_of(z) : z, count);
        }
    }
}

static int group_norm(const struct lk_group_norm *g, const struct lk_workers *workers)
{
    struct group_job job = {.g = g, .parts = over(g->pixels, PIXELS)};
    const size_t factors = g->images * 2 * g->channels;
    job.factor =
        lk_workspace_take(workers->workspace, factors * (1 + job.parts) * sizeof *job.factor);
    if (!job.factor)
        return -1;
    job.sums = job.factor + factors;
    workers->run(workers->user, g->images * job.parts, group_sum_task, &job);
    for (size_t i = 0; i < g->images * g->groups; i++)
        group_factors(&job, i / g->groups, i % g->groups);
    workers->run(workers->user, g->images * job.parts, group_apply_task, &job);
    lk_workspace_give(workers->workspace, job.factor);
    return 0;
}

#define NORM_ROWS 64 /* of a task */

NOINLINE void layer_row(const struct lk_layer_norm *l, const float *x, float *y)
{
    const size_t n = l->channels;
    const float origin = x[0];
    vf sum = {0}, square = {0};
    size_t c = 0;
    for (; c + LK_LANES <= n; c += LK_LANES) {
        const vf d = load(x + c) - origin;
        sum += d;
        square += d * d;
    }
    double s = 0, q = 0;
    for (int i = 0; i < LK_LANES; i++) {
        s += sum[i];
        q += square[i];
    }
    for (; c < n; c++) {
        const double d = (double)x[c] - origin;
        s += d;
        q += d * d;
    }
    const double mean = s / (double)n, scale = 1 / sqrt(q / (double)n - mean * mean + l->epsilon);
    const float factor = (float)scale;
    const float middle =
        (float)mean; /* from the origin on: its rounding is small where x is alike */
    for (c = 0; c < n; c += LK_LANES) {
        const size_t count = least(LK_LANES, n - c);
        const vf z = (load_first(x + c, count) - origin - middle) * factor;
        store_first(y + c, z * load_first(l->gamma + c, count) + load_first(l->beta + c, count),
                    count);
    }
}

NOINLINE void layer_task(void *what, size_t i)
{
    const struct lk_layer_norm *l = what;
    for (size_t r = i * NORM_ROWS; r < least((i + 1) * NORM_ROWS, l->rows); r++)
        layer_row(l, l->x + r * l->channels, l->y + r * l->channels);
}

static int layer_norm(const struct lk_layer_norm *l, const struct lk_workers *workers)
{
    workers->run(workers->user, over(l->rows, NORM_ROWS), layer_task, (void *)l);
    return 0;
}

#endif
