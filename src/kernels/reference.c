// SPDX-License-Identifier: Apache-2.0
/* The same operators in plain C: what the others are tested against, written to be read. Sums are
 * f64. A "vector" has one lane, so a panel has three columns. */
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "kernels/layout.h"
#include "kernels/tables.h"

#define PANEL LK_PANEL_VECTORS
#define GROUP 4

/* Number [k][n] of a packed matrix. */
static double number(const struct lk_panels *w, size_t k, size_t n)
{
    const size_t first = n / PANEL * PANEL;
    const size_t width = w->n - first < PANEL ? w->n - first : PANEL;
    return ((const float *)w->data)[first * w->k + k * width + n % PANEL];
}

/* The pixel of image that output pixel (i,j) sees through the tap, or NULL: outside. */
static const float *seen(const struct lk_convolution *c, size_t image, size_t i, size_t j, int tap)
{
    const long y = (long)i * c->stride + tap / c->kernel - c->top;
    const long x = (long)j * c->stride + tap % c->kernel - c->left;
    if (y < 0 || x < 0 || y >= (long)c->seen_height || x >= (long)c->seen_width)
        return NULL;
    const size_t row = (size_t)y / (c->doubled ? 2 : 1), column = (size_t)x / (c->doubled ? 2 : 1);
    return c->x + ((image * c->height + row) * c->width + column) * c->channels;
}

/* The part of a sum that one tap gives, x being the pixel that is seen. */
static double sum_of_tap(
    const struct lk_convolution *c, const struct lk_panels *w, const float *x, int tap, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < c->channels; k++)
        sum += x[k] * number(w, (size_t)tap * c->channels + k, n);
    return sum;
}

/* The same in whole numbers: block after block of channels, each with its own scales. */
static double rounded_sum_of_tap(
    const struct lk_convolution *c, const struct lk_panels *w, const float *x, int tap, size_t n)
{
    const size_t first = n / PANEL * PANEL, width = w->n - first < PANEL ? w->n - first : PANEL;
    const size_t taps = w->k / c->channels;
    const int8_t *block = (const int8_t *)w->data +
                          n / PANEL * taps * lk__tap_bytes(w->numbers, GROUP, c->channels, PANEL) +
                          (size_t)tap * lk__tap_bytes(w->numbers, GROUP, c->channels, width);
    double total = 0;
    for (size_t from = 0; from < c->channels; from += LK_INT8_BLOCK) {
        const size_t rest = c->channels - from, count = rest < LK_INT8_BLOCK ? rest : LK_INT8_BLOCK;
        float largest = 0, weight;
        long sum = 0;
        for (size_t k = from; k < from + count; k++)
            largest = fabsf(x[k]) > largest ? fabsf(x[k]) : largest;
        const float scale = largest / 127, factor = scale > LK_INT8_LEAST ? 1 / scale : 0;
        for (size_t k = 0; k < count; k++)
            sum += lrintf(x[from + k] * factor) *
                   block[(k / GROUP * width + n % PANEL) * GROUP + k % GROUP];
        const size_t behind = lk__rounded_up(count, GROUP) * width;
        memcpy(&weight, block + behind + (width + n % PANEL) * sizeof weight, sizeof weight);
        total += (double)scale * weight * (double)sum;
        block += lk__block_bytes(w->numbers, GROUP, count, width);
    }
    return total;
}

static float of_bf16(uint16_t upper)
{
    const uint32_t bits = (uint32_t)upper << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The same in bf16. */
static double short_sum_of_tap(
    const struct lk_convolution *c, const struct lk_panels *w, const float *x, int tap, size_t n)
{
    const size_t first = n / PANEL * PANEL, width = w->n - first < PANEL ? w->n - first : PANEL;
    const size_t taps = w->k / c->channels, pairs = (c->channels + 1) / 2;
    const uint16_t *panel =
        (const uint16_t *)w->data + (first * taps + (size_t)tap * width) * pairs * 2;
    double sum = 0;
    for (size_t k = 0; k < c->channels; k++)
        sum += (double)of_bf16(lk__bf16_of(x[k])) *
               of_bf16(panel[(k / 2 * width + n % PANEL) * 2 + k % 2]);
    return sum;
}

static double sum_of(const struct lk_convolution *c,
                     const struct lk_panels *w,
                     size_t image,
                     size_t i,
                     size_t j,
                     size_t n)
{
    static double (*const sums[LK_NUMBERS_COUNT])(
        const struct lk_convolution *, const struct lk_panels *, const float *, int, size_t) = {
        [LK_NUMBERS_F32] = sum_of_tap,
        [LK_NUMBERS_BF16] = short_sum_of_tap,
        [LK_NUMBERS_INT8] = rounded_sum_of_tap,
    };
    double sum = 0;
    for (int tap = 0; tap < c->kernel * c->kernel; tap++) {
        const float *x = seen(c, image, i, j, tap);
        sum += x ? sums[w->numbers](c, w, x, tap, n) : 0;
    }
    return sum;
}

static double gelu(double x)
{
    return x / 2 * erfc(-x / sqrt(2));
}

static int convolve(const struct lk_convolution *c, const struct lk_workers *workers)
{
    (void)workers;
    const struct lk_epilogue *e = &c->epilogue;
    const size_t width = c->w->n, area = c->out_height * c->out_width;
    for (size_t at = 0; at < c->images * area * width; at++) {
        const size_t n = at % width, row = at / width, image = row / area;
        const size_t i = row % area / c->out_width, j = row % c->out_width;
        double y = sum_of(c, c->w, image, i, j, n);
        y += e->bias ? e->bias[n] : 0;
        y += e->shift ? e->shift[image * width + n] : 0;
        y += e->plus ? e->plus[at] : 0;
        y = e->relu && y < 0 ? 0 : y;
        if (c->gate)
            y *= gelu(sum_of(c, c->gate, image, i, j, n) + (c->gate_bias ? c->gate_bias[n] : 0));
        c->y[at] = (float)y;
    }
    return 0;
}

/* Score of query and key. */
static double score(
    const struct lk_attention *a, const float *q, size_t image, size_t head, size_t key)
{
    const size_t width = a->heads * a->size;
    const float *k = a->k + (image * a->keys + key) * width + head * a->size;
    double sum = 0;
    for (size_t d = 0; d < a->size; d++)
        sum += (double)q[d] * k[d];
    return sum / sqrt((double)a->size);
}

static void attend_one(const struct lk_attention *a, size_t image, size_t query, size_t head)
{
    const size_t width = a->heads * a->size, at = (image * a->queries + query) * width;
    const float *q = a->q + at + head * a->size;
    float *y = a->y + at + head * a->size;
    const size_t keys = a->causal && query + 1 < a->keys ? query + 1 : a->keys;
    double largest = -INFINITY, total = 0;
    for (size_t key = 0; key < keys; key++)
        largest = fmax(largest, score(a, q, image, head, key));
    for (size_t key = 0; key < keys; key++)
        total += exp(score(a, q, image, head, key) - largest);
    for (size_t d = 0; d < a->size; d++) {
        double sum = 0;
        for (size_t key = 0; key < keys; key++)
            sum += exp(score(a, q, image, head, key) - largest) / total *
                   a->v[(image * a->keys + key) * width + head * a->size + d];
        y[d] = (float)sum;
    }
}

static int attend(const struct lk_attention *a, const struct lk_workers *workers)
{
    (void)workers;
    for (size_t i = 0; i < a->images * a->queries * a->heads; i++)
        attend_one(a, i / (a->queries * a->heads), i / a->heads % a->queries, i % a->heads);
    return 0;
}

static void group_one(const struct lk_group_norm *g, size_t image, size_t group)
{
    const size_t size = g->channels / g->groups, first = group * size;
    const float *x = g->x + image * g->pixels * g->channels;
    float *y = g->y + image * g->pixels * g->channels;
    const double n = (double)(g->pixels * size);
    double mean = 0, square = 0;
    for (size_t p = 0; p < g->pixels; p++) {
        for (size_t c = first; c < first + size; c++)
            mean += x[p * g->channels + c] / n;
    }
    for (size_t p = 0; p < g->pixels; p++) {
        for (size_t c = first; c < first + size; c++)
            square += pow(x[p * g->channels + c] - mean, 2) / n;
    }
    for (size_t p = 0; p < g->pixels; p++) {
        for (size_t c = first; c < first + size; c++) {
            double z = (x[p * g->channels + c] - mean) / sqrt(square + (double)g->epsilon);
            z = z * g->gamma[c] + g->beta[c];
            y[p * g->channels + c] = (float)(g->silu ? z / (1 + exp(-z)) : z);
        }
    }
}

static int group_norm(const struct lk_group_norm *g, const struct lk_workers *workers)
{
    (void)workers;
    for (size_t i = 0; i < g->images * g->groups; i++)
        group_one(g, i / g->groups, i % g->groups);
    return 0;
}

/* A row is an image of one pixel with one group. */
static int layer_norm(const struct lk_layer_norm *l, const struct lk_workers *workers)
{
    const struct lk_group_norm g = {
        .x = l->x,
        .images = l->rows,
        .pixels = 1,
        .channels = l->channels,
        .groups = 1,
        .gamma = l->gamma,
        .beta = l->beta,
        .epsilon = l->epsilon,
        .y = l->y,
    };
    return group_norm(&g, workers);
}

const struct lk_kernels lk__kernels_reference = {
    .name = "reference",
    .lanes = 1,
    .int8 = {.group = GROUP},
    .convolve = convolve,
    .attend = attend,
    .group_norm = group_norm,
    .layer_norm = layer_norm,
    .widen = lk_widen_halves,
};
