// SPDX-License-Identifier: Apache-2.0
/* With B the mean over 9×9 pixels and Δx, Δy the difference of two pixels that are 4 apart:
 *
 *   r      = Y − BBY                                       luma without what is coarse
 *   noise  = 1.5 + B|r|                                    what drowns the mark
 *   busy   = least over both directions and four corners of B|Δr|      what hides it
 *   level  = 0.5 + 0.7·busy / (1 + busy/8)
 *   detail = r·level / noise²                              the matched filter for a mark of `level`
 *
 * Taking the blur away leaves about the same energy in all the frequencies that the mark uses,
 * where a photo has far more in the low ones. Only texture hides a mark: an edge or a fold is busy
 * in one direction alone, and the smooth side of an edge has a corner that is not, as in Kuwahara's
 * filter. Very busy places get less than their share, because there the mark costs most and is
 * read worst. */
#include "stages/mark/watermark/field.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"

enum { RADIUS = 4, BOX = 2 * RADIUS + 1, STEP = 2 };

/* In steps of 255. EVEN is all that an even surface gets: it is about what rounding adds. */
static const float EVEN = 0.5f, SLOPE = 0.7f, BUSY = 8, NOISE = 1.5f;

static int clamp(int x, int size)
{
    return x < 0 ? 0 : x >= size ? size - 1 : x;
}

/* Mean over BOX pixels along a row; beyond the ends the last pixel repeats. wide: RADIUS pixels
 * longer on both sides. */
static void box_row(const float *in, int width, float *wide, float *out)
{
    for (int x = 0; x < RADIUS; x++) {
        wide[x] = in[0];
        wide[RADIUS + width + x] = in[width - 1];
    }
    memcpy(wide + RADIUS, in, (size_t)width * sizeof *wide);
    for (int x = 0; x < width; x++) {
        const float *p = wide + x;
        out[x] = (((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7])) + p[8]) / BOX;
    }
}

/* sum[width] += sign · row[width] */
static void add_row(float *sum, const float *row, int width, float sign)
{
    for (int x = 0; x < width; x++)
        sum[x] += sign * row[x];
}

/* plane [height, width] is replaced by its mean over BOX×BOX pixels; work: as large; sum: a row,
 * RADIUS longer on both sides. */
static void box_blur(float *plane, int width, int height, float *work, float *sum)
{
    size_t w = (size_t)width;
    for (int y = 0; y < height; y++)
        box_row(plane + (size_t)y * w, width, sum, work + (size_t)y * w);
    memset(sum, 0, w * sizeof *sum);
    for (int y = -RADIUS; y <= RADIUS; y++)
        add_row(sum, work + (size_t)clamp(y, height) * w, width, 1);
    for (int y = 0; y < height; y++) {
        for (size_t x = 0; x < w; x++)
            plane[(size_t)y * w + x] = sum[x] / BOX;
        add_row(sum, work + (size_t)clamp(y + RADIUS + 1, height) * w, width, 1);
        add_row(sum, work + (size_t)clamp(y - RADIUS, height) * w, width, -1);
    }
}

/* A row of Rec. 601 luma, 0 … 255, from pixel `first` on; what is no number is black. */
static void luma_row(const struct lk_picture *in, size_t first, int width, float *out)
{
    const size_t channels = (size_t)in->channels;
    if (in->type == LK_PIXEL_U8) {
        const uint8_t *p = in->u8 + first * channels;
        for (int x = 0; x < width; x++, p += channels)
            out[x] = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        return;
    }
    const float *p = in->f32 + first * channels;
    for (int x = 0; x < width; x++, p += channels) {
        float v[3];
        for (int c = 0; c < 3; c++) {
            v[c] = p[c] > 0 ? p[c] : 0;
            v[c] = 255 * (v[c] < 1 ? v[c] : 1);
        }
        out[x] = 0.299f * v[0] + 0.587f * v[1] + 0.114f * v[2];
    }
}

/* out [height, width]: |detail(at + step) − detail(at − step)|, step along x or y. */
static void differences(const float *detail, int width, int height, int dx, int dy, float *out)
{
    const int first = dx < width ? dx : width, last = width - dx > first ? width - dx : first;
    for (int y = 0; y < height; y++, out += width) {
        const float *above = detail + (size_t)clamp(y - dy, height) * (size_t)width;
        const float *below = detail + (size_t)clamp(y + dy, height) * (size_t)width;
        for (int x = 0; x < first; x++)
            out[x] = fabsf(below[clamp(x + dx, width)] - above[0]);
        for (int x = first; x < last; x++)
            out[x] = fabsf(below[x + dx] - above[x - dx]);
        for (int x = last; x < width; x++)
            out[x] = fabsf(below[width - 1] - above[clamp(x - dx, width)]);
    }
}

static float lesser(float a, float b)
{
    return a < b ? a : b;
}

/* least [height, width] becomes the lesser of itself and of what the corners around have; row: as
 * in box_blur. */
static void take_least(const float *mean, int width, int height, float *row, float *least)
{
    for (int y = 0; y < height; y++, least += width) {
        const float *above = mean + (size_t)clamp(y - RADIUS, height) * (size_t)width;
        const float *below = mean + (size_t)clamp(y + RADIUS, height) * (size_t)width;
        for (int x = 0; x < width; x++)
            row[RADIUS + x] = lesser(above[x], below[x]);
        for (int x = 0; x < RADIUS; x++) {
            row[x] = row[RADIUS];
            row[RADIUS + width + x] = row[RADIUS + width - 1];
        }
        for (int x = 0; x < width; x++)
            least[x] = lesser(least[x], lesser(row[x], row[x + 2 * RADIUS]));
    }
}

/* A part of the picture that one task computes, with what around it has a say. Planes of SIDE +
 * 2·HALO pixels stay in a core's own cache. */
enum { SIDE = 192, HALO = 2 * RADIUS + STEP + 2 * RADIUS, WHOLE = SIDE + 2 * HALO };

struct part {
    int x, y, width, height; /* in the picture, with what is around */
    float luma[WHOLE * WHOLE], least[WHOLE * WHOLE], work[3][WHOLE * WHOLE];
    float row[WHOLE + 2 * RADIUS];
};

/* luma becomes r, least: busy, work[0]: B|r| */
static void measure(struct part *p)
{
    const int w = p->width, h = p->height;
    const size_t n = (size_t)w * (size_t)h;
    memcpy(p->work[0], p->luma, n * sizeof(float));
    for (int i = 0; i < 2; i++)
        box_blur(p->work[0], w, h, p->work[2], p->row);
    for (size_t i = 0; i < n; i++) {
        p->luma[i] -= p->work[0][i];
        p->least[i] = INFINITY;
        p->work[0][i] = fabsf(p->luma[i]);
    }
    box_blur(p->work[0], w, h, p->work[2], p->row);
    for (int along = 0; along < 2; along++) {
        differences(p->luma, w, h, along ? 0 : STEP, along ? STEP : 0, p->work[1]);
        box_blur(p->work[1], w, h, p->work[2], p->row);
        take_least(p->work[1], w, h, p->row, p->least);
    }
}

/* A row of level and detail, from what is measured; returns what a level leaves in it. */
static double weigh(
    const float *r, const float *busy, const float *noise, int width, float *level, float *detail)
{
    double gain = 0;
    for (int x = 0; x < width; x++) {
        const float drowns = NOISE + noise[x];
        level[x] = EVEN + SLOPE * busy[x] / (1 + busy[x] / BUSY);
        const float weight = level[x] / (drowns * drowns);
        detail[x] = r[x] * weight;
        gain += level[x] * weight;
    }
    return gain;
}

struct making {
    const struct lk_picture *picture;
    struct lk__field *field;
    size_t columns; /* parts along a row */
    double *gains;  /* of the parts; NAN: no memory */
};

static void make_part(void *what, size_t i)
{
    const struct making *m = what;
    const struct lk__field *f = m->field;
    const int x0 = (int)(i % m->columns) * SIDE, y0 = (int)(i / m->columns) * SIDE;
    const int x1 = x0 + SIDE < f->width ? x0 + SIDE : f->width,
              y1 = y0 + SIDE < f->height ? y0 + SIDE : f->height;
    struct part *p = malloc(sizeof *p);
    m->gains[i] = p ? 0 : (double)NAN;
    if (!p)
        return;
    p->x = x0 > HALO ? x0 - HALO : 0;
    p->y = y0 > HALO ? y0 - HALO : 0;
    p->width = (x1 + HALO < f->width ? x1 + HALO : f->width) - p->x;
    p->height = (y1 + HALO < f->height ? y1 + HALO : f->height) - p->y;
    for (int y = 0; y < p->height; y++)
        luma_row(m->picture, (size_t)(p->y + y) * (size_t)f->width + (size_t)p->x, p->width,
                 p->luma + (size_t)y * (size_t)p->width);
    measure(p);
    for (int y = y0; y < y1; y++) {
        const size_t from = (size_t)(y - p->y) * (size_t)p->width + (size_t)(x0 - p->x);
        const size_t to = (size_t)y * (size_t)f->width + (size_t)x0;
        m->gains[i] += weigh(p->luma + from, p->least + from, p->work[0] + from, x1 - x0,
                             f->level + to, f->detail + to);
    }
    free(p);
}

int lk_watermark_ground_new(const struct lk_picture *picture,
                            int threads,
                            lk_watermark_ground **out,
                            struct lk_error *err)
{
    const int w = picture->width, h = picture->height;
    const size_t n = (size_t)w * (size_t)h; /* lk_picture_new bounds it */
    const size_t columns = (size_t)(w + SIDE - 1) / SIDE, rows = (size_t)(h + SIDE - 1) / SIDE;
    lk_watermark_ground *ground = calloc(1, sizeof *ground);
    struct lk__field field = {w, h, lk_memory_for_pixels(n * sizeof(float)),
                              lk_memory_for_pixels(n * sizeof(float)), 0};
    struct making making = {picture, &field, columns, calloc(columns * rows, sizeof(double))};
    const bool has_memory = ground && field.level && field.detail && making.gains;
    if (has_memory)
        lk_parallel(threads, columns * rows, make_part, &making);
    for (size_t i = 0; has_memory && i < columns * rows; i++)
        field.gain += making.gains[i] / (double)n;
    free(making.gains);
    if (ground)
        ground->field = field;
    if (!has_memory || isnan(field.gain)) {
        lk_watermark_ground_free(ground);
        return lk_fail_memory(err, "the watermark", 2 * n * sizeof(float));
    }
    *out = ground;
    return 0;
}

void lk_watermark_ground_free(lk_watermark_ground *ground)
{
    if (!ground)
        return;
    free(ground->field.level);
    free(ground->field.detail);
    free(ground);
}

double lk__field_blur(double f)
{
    double a = M_PI * f;
    return a == 0 ? 1 : sin(BOX * a) / (BOX * sin(a));
}
