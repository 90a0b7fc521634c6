// SPDX-License-Identifier: Apache-2.0
/* Lanczos3, or bicubic, in both directions.
 *
 *   out(x) = Σ w((s + ½ − c)/f)·in(s) / Σ w,   c = (x + ½)·in/out,   f = max(in/out, 1)
 *   Lanczos3  w(t) = sinc(t)·sinc(t/3) for |t| < 3
 *   bicubic   Keys' (1981) with a = −½, |t| < 2
 *
 * The support widens by f when scaling down, so that nothing aliases. It is what PIL's LANCZOS
 * computes, and with it the tools of the field; libvips resizes up by bicubic whatever kernel is
 * asked for, which is why this is not its function. Rows pass through the horizontal filter once
 * and wait in a ring of as many rows as the vertical filter reads. Colours are weighted by alpha.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/wide.h"
#include "data/picture.h"

struct kernel {
    double (*weight)(double t);
    int support;
    int rounds; /* to 8 bits after each direction, as PIL does */
};

/* For each of `out` positions: the first input position and `taps` weights, zero-padded. */
struct filter {
    int taps;
    int *first;    /* [out] */
    float *weight; /* [out, taps] */
};

static double lanczos(double t)
{
    if (t == 0.0)
        return 1.0;
    if (t <= -3 || t >= 3)
        return 0.0;
    double a = M_PI * t, b = a / 3;
    return sin(a) / a * sin(b) / b;
}

static double cubic(double t)
{
    t = fabs(t);
    if (t < 1)
        return (1.5 * t - 2.5) * t * t + 1;
    return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

static const struct kernel LANCZOS = {lanczos, 3, 0}, BICUBIC = {cubic, 2, 1};

static void filter_free(struct filter *f)
{
    free(f->first);
    free(f->weight);
}

static void filter_fill(
    struct filter *f, const struct kernel *kernel, int x, int in, double scale, double stretch)
{
    double support = kernel->support * stretch, centre = (x + 0.5) * scale, sum = 0;
    int lo = (int)(centre - support + 0.5), hi = (int)(centre + support + 0.5);
    lo = lo < 0 ? 0 : lo;
    hi = hi > in ? in : hi;
    float *weight = f->weight + (size_t)x * (size_t)f->taps;
    for (int s = lo; s < hi; s++)
        sum += kernel->weight((s + 0.5 - centre) / stretch);
    for (int s = lo; s < hi; s++)
        weight[s - lo] = (float)(kernel->weight((s + 0.5 - centre) / stretch) / sum);
    f->first[x] = lo;
}

static int filter_make(
    struct filter *f, const struct kernel *kernel, int in, int out, struct lk_error *err)
{
    double scale = (double)in / out, stretch = scale > 1 ? scale : 1;
    int taps = (int)ceil(kernel->support * stretch) * 2 + 1;
    f->taps = taps < in ? taps : in;
    size_t n = (size_t)out * (size_t)f->taps;
    f->first = calloc((size_t)out, sizeof *f->first);
    f->weight = calloc(n, sizeof *f->weight);
    if (!f->first || !f->weight)
        return lk_fail_memory(err, "a resize filter", n * sizeof *f->weight);
    for (int x = 0; x < out; x++)
        filter_fill(f, kernel, x, in, scale, stretch);
    return 0;
}

/* One row as float 0…1, colours multiplied by alpha. row [width, channels] */
static void load_row(const struct lk_picture *in, int y, float *row)
{
    size_t n = (size_t)in->width * (size_t)in->channels, at = (size_t)y * n;
    if (in->type == LK_PIXEL_F32) {
        memcpy(row, in->f32 + at, n * sizeof *row);
    } else {
        for (size_t i = 0; i < n; i++)
            row[i] = (float)in->u8[at + i] / 255.0f;
    }
    for (size_t i = 0; in->channels == 4 && i < n; i += 4) {
        for (size_t c = 0; c < 3; c++)
            row[i + c] *= row[i + 3];
    }
}

static void store_row(const float *row, struct lk_picture *out, int y)
{
    size_t n = (size_t)out->width * (size_t)out->channels;
    float *to = out->f32 + (size_t)y * n;
    for (size_t i = 0; i < n; i++)
        to[i] = row[i] < 0.0f ? 0.0f : row[i] > 1.0f ? 1.0f : row[i];
    for (size_t i = 0; out->channels == 4 && i < n; i += 4) {
        for (size_t c = 0; c < 3; c++)
            to[i + c] = to[i + 3] > 0.0f ? fminf(to[i + c] / to[i + 3], 1.0f) : 0.0f;
    }
}

/* A pixel and the number behind it: arrays of RGB are as long as that. */
typedef float four __attribute__((vector_size(16)));

/* RGB, four pixels of out side by side: a sum of one waits for its last addition. */
static size_t filter_rgb(const struct filter *f, const float *in, size_t width, float *out)
{
    const size_t taps = (size_t)f->taps;
    size_t x = 0;
    for (; x + 4 <= width; x += 4) {
        const float *weight = f->weight + x * taps, *from[4];
        four sum[4] = {{0}};
        for (size_t i = 0; i < 4; i++)
            from[i] = in + (size_t)f->first[x + i] * 3;
        for (size_t k = 0; k < taps; k++) {
            for (size_t i = 0; i < 4; i++) {
                four pixel;
                memcpy(&pixel, from[i] + 3 * k, sizeof pixel);
                sum[i] += weight[i * taps + k] * pixel;
            }
        }
        for (size_t i = 0; i < 4; i++)
            memcpy(out + (x + i) * 3, &sum[i], 3 * sizeof *out);
    }
    return x;
}

/* Σ weight·in over so many taps, by lanes: where many pixels become one. */
static float dot(const float *weight, const float *in, size_t taps)
{
    float lane[8] = {0};
    size_t k = 0;
    for (; k + 8 <= taps; k += 8)
        for (size_t i = 0; i < 8; i++)
            lane[i] += weight[k + i] * in[k + i];
    for (; k < taps; k++)
        lane[0] += weight[k] * in[k];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
           ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

/* RGB whose filter has many taps: colour after colour. planes [3, length] is work. */
static void filter_planes(
    const struct filter *f, const float *in, size_t length, size_t width, float *planes, float *out)
{
    for (size_t c = 0; c < 3; c++) {
        float *plane = planes + c * length;
        for (size_t x = 0; x < length; x++)
            plane[x] = in[3 * x + c];
        for (size_t x = 0; x < width; x++)
            out[3 * x + c] =
                dot(f->weight + x * (size_t)f->taps, plane + f->first[x], (size_t)f->taps);
    }
}

/* in [?, channels] → out [width, channels] */
static void filter_row(
    const struct filter *f, const float *in, size_t channels, int width, float *out)
{
    const size_t done = channels == 3 ? filter_rgb(f, in, (size_t)width, out) : 0;
    for (size_t x = done; x < (size_t)width; x++) {
        const float *weight = f->weight + x * (size_t)f->taps;
        const float *from = in + (size_t)f->first[x] * channels;
        float sum[4] = {0};
        for (size_t k = 0; k < (size_t)f->taps; k++) {
            for (size_t c = 0; c < channels; c++)
                sum[c] += weight[k] * from[k * channels + c];
        }
        memcpy(out + x * channels, sum, channels * sizeof *sum);
    }
}

enum { MANY_TAPS = 32 };

struct work {
    const struct kernel *kernel;
    struct filter across, down;
    float *row;    /* [in width + padding, channels] */
    float *planes; /* the same, channel by channel; NULL where there are few taps */
    size_t length; /* in width + padding */
    float *ring;   /* [down.taps, out width, channels] */
    float *sum;    /* [out width, channels] */
};

static void work_free(struct work *w)
{
    filter_free(&w->across);
    filter_free(&w->down);
    free(w->row);
    free(w->planes);
    free(w->ring);
    free(w->sum);
}

static int work_make(
    struct work *w, const struct lk_picture *in, int width, int height, struct lk_error *err)
{
    int code = filter_make(&w->across, w->kernel, in->width, width, err);
    if (!code)
        code = filter_make(&w->down, w->kernel, in->height, height, err);
    if (code)
        return code;
    size_t channels = (size_t)in->channels, out_row = (size_t)width * channels;
    /* weights behind the last pixel are zero, but what they multiply must exist and be finite */
    w->length = (size_t)in->width + (size_t)w->across.taps;
    w->row = calloc(w->length * channels + 1, sizeof(float));
    const bool planes = channels == 3 && w->across.taps >= MANY_TAPS;
    w->planes = planes ? calloc(w->length * channels, sizeof(float)) : NULL;
    w->ring = calloc((size_t)w->down.taps * out_row, sizeof(float));
    w->sum = calloc(out_row, sizeof(float));
    if (!w->row || !w->ring || !w->sum || (planes && !w->planes))
        return lk_fail_memory(err, "resizing",
                              ((size_t)w->down.taps + 1) * out_row * sizeof(float));
    return 0;
}

/* To the nearest of 256 levels. */
static void round_row(float *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = floorf(fminf(fmaxf(row[i], 0), 1) * 255 + 0.5f) / 255;
}

LK_WIDE static void run(struct work *w, const struct lk_picture *in, struct lk_picture *out)
{
    size_t channels = (size_t)in->channels, n = (size_t)out->width * channels;
    int taps = w->down.taps, ready = 0;
    for (int y = 0; y < out->height; y++) {
        int first = w->down.first[y], last = first + taps;
        last = last > in->height ? in->height : last;
        for (; ready < last; ready++) {
            load_row(in, ready, w->row);
            float *filtered = w->ring + (size_t)(ready % taps) * n;
            if (w->planes)
                filter_planes(&w->across, w->row, w->length, (size_t)out->width, w->planes,
                              filtered);
            else
                filter_row(&w->across, w->row, channels, out->width, filtered);
            if (w->kernel->rounds)
                round_row(filtered, n);
        }
        memset(w->sum, 0, n * sizeof *w->sum);
        for (int s = first; s < last; s++) {
            float weight = w->down.weight[(size_t)y * (size_t)taps + (size_t)(s - first)];
            const float *from = w->ring + (size_t)(s % taps) * n;
            for (size_t i = 0; i < n; i++)
                w->sum[i] += weight * from[i];
        }
        store_row(w->sum, out, y);
    }
}

static int resize(const struct kernel *kernel,
                  const struct lk_picture *in,
                  int width,
                  int height,
                  struct lk_picture **out,
                  struct lk_error *err)
{
    struct lk_picture *floats = NULL, *result = NULL;
    struct work work = {.kernel = kernel};
    int code = lk_picture_room(width, height, in->channels, LK_PIXEL_F32, &floats, err);
    if (!code)
        code = work_make(&work, in, width, height, err);
    if (code)
        goto fail;
    run(&work, in, floats);
    if (in->type == LK_PIXEL_F32) {
        result = lk_picture_ref(floats);
    } else {
        code = lk_picture_convert(floats, LK_PIXEL_U8, &result, err);
        if (code)
            goto fail;
    }
    *out = result;
fail:
    work_free(&work);
    lk_picture_free(floats);
    return code;
}

int lk_picture_resize(const struct lk_picture *in,
                      int width,
                      int height,
                      struct lk_picture **out,
                      struct lk_error *err)
{
    return resize(&LANCZOS, in, width, height, out, err);
}

int lk_picture_resize_bicubic(const struct lk_picture *in,
                              int width,
                              int height,
                              struct lk_picture **out,
                              struct lk_error *err)
{
    return resize(&BICUBIC, in, width, height, out, err);
}
