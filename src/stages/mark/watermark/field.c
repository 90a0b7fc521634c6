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
#include "base/wide.h"

enum { RADIUS = 4, BOX = 2 * RADIUS + 1, STEP = 2 };

/* In steps of 255. EVEN is all that an even surface gets: it is about what rounding adds. */
static const float EVEN = 0.5f, SLOPE = 0.7f, BUSY = 8, NOISE = 1.5f;

/* A part of the picture that one task computes, with what around it has a say. Planes of SIDE +
 * 2·HALO pixels stay in a core's own cache. */
enum { SIDE = 192, HALO = 2 * RADIUS + STEP + 2 * RADIUS, WHOLE = SIDE + 2 * HALO };

/* A row with what its ends repeat, and sums of it. */
struct rows {
    float wide[WHOLE + BOX], pairs[WHOLE + BOX], fours[WHOLE + BOX], colours[WHOLE * 4];
};

struct part {
    int x, y, width, height; /* in the picture, with what is around */
    float luma[WHOLE * WHOLE], least[WHOLE * WHOLE], work[3][WHOLE * WHOLE];
    struct rows rows;
};

static int clamp(int x, int size)
{
    return x < 0 ? 0 : x >= size ? size - 1 : x;
}

/* out[x] = Σ in[x … x + BOX − 1]; in: BOX − 1 longer than width; pairs, fours: rows as long. */
static void sum_row(const float *in, int width, float *pairs, float *fours, float *out)
{
    for (int x = 0; x < width + 7; x++)
        pairs[x] = in[x] + in[x + 1];
    for (int x = 0; x < width + 4; x++)
        fours[x] = pairs[x] + pairs[x + 2];
    for (int x = 0; x < width; x++)
        out[x] = fours[x] + fours[x + 4] + in[x + 8];
}

/* The sums over BOX×BOX pixels of plane [height, width]; beyond its edges the last pixel repeats.
 * rows: work. */
static void sum_boxes(const float *plane, int width, int height, struct rows *rows, float *out)
{
    const size_t w = (size_t)width;
    float *down = rows->wide + RADIUS; /* sums along the column, of this row */
    memset(down, 0, w * sizeof *down);
    for (int y = -RADIUS; y < RADIUS; y++) {
        const float *row = plane + (size_t)clamp(y, height) * w;
        for (int x = 0; x < width; x++)
            down[x] += row[x];
    }
    for (int y = 0; y < height; y++, out += w) {
        const float *below = plane + (size_t)clamp(y + RADIUS, height) * w,
                    *above = plane + (size_t)clamp(y - RADIUS, height) * w;
        for (int x = 0; x < width; x++)
            down[x] += below[x];
        for (int x = 0; x < RADIUS; x++) {
            rows->wide[x] = down[0];
            down[width + x] = down[width - 1];
        }
        sum_row(rows->wide, width, rows->pairs, rows->fours, out);
        for (int x = 0; x < width; x++)
            down[x] -= above[x];
    }
}

/* 0 … 1; what is no number is black. */
static float bounded(float v)
{
    const float least = v > 0 ? v : 0;
    return least < 1 ? least : 1;
}

/* A row of Rec. 601 luma, 0 … 255, from pixel `first` on. colours: work. */
static void luma_row(
    const struct lk_picture *in, size_t first, int width, float *colours, float *out)
{
    const size_t channels = (size_t)in->channels, n = (size_t)width * channels;
    if (in->type == LK_PIXEL_U8) {
        for (size_t i = 0; i < n; i++)
            colours[i] = in->u8[first * channels + i];
    } else {
        for (size_t i = 0; i < n; i++)
            colours[i] = bounded(in->f32[first * channels + i]);
    }
    const float *p = colours, unit = in->type == LK_PIXEL_U8 ? 1 : 255;
    for (int x = 0; x < width; x++, p += channels)
        out[x] = unit * (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
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

/* least [height, width] becomes the lesser of itself and of what the corners around have of sums.
 */
static void take_least(const float *sums, int width, int height, struct rows *rows, float *least)
{
    float *row = rows->wide;
    for (int y = 0; y < height; y++, least += width) {
        const float *above = sums + (size_t)clamp(y - RADIUS, height) * (size_t)width;
        const float *below = sums + (size_t)clamp(y + RADIUS, height) * (size_t)width;
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

static const float ONE = 1.0f / (BOX * BOX); /* of a sum: its mean */

/* luma becomes r, least: busy, work[0]: B|r|, both as sums. */
static void measure(struct part *p)
{
    const int w = p->width, h = p->height;
    const size_t n = (size_t)w * (size_t)h;
    sum_boxes(p->luma, w, h, &p->rows, p->work[1]);
    sum_boxes(p->work[1], w, h, &p->rows, p->work[0]);
    for (size_t i = 0; i < n; i++) {
        p->luma[i] -= p->work[0][i] * (ONE * ONE);
        p->work[1][i] = fabsf(p->luma[i]);
        p->least[i] = INFINITY;
    }
    sum_boxes(p->work[1], w, h, &p->rows, p->work[0]);
    for (int along = 0; along < 2; along++) {
        differences(p->luma, w, h, along ? 0 : STEP, along ? STEP : 0, p->work[1]);
        sum_boxes(p->work[1], w, h, &p->rows, p->work[2]);
        take_least(p->work[2], w, h, &p->rows, p->least);
    }
}

/* Sums of a part, or means of the picture; NAN: no memory. */
struct sums {
    double gain, square; /* as in struct lk__field */
};

/* Σ a·b of a row, in the same order whatever the processor. */
static double dot(const float *a, const float *b, int n)
{
    float lane[8] = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            lane[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        lane[0] += a[i] * b[i];
    return (double)(((lane[0] + lane[1]) + (lane[2] + lane[3])) +
                    ((lane[4] + lane[5]) + (lane[6] + lane[7])));
}

/* A row of level and detail, from what is measured. weight: work. */
static void weigh(const float *r,
                  const float *busy,
                  const float *noise,
                  int width,
                  float *weight,
                  float *level,
                  float *detail,
                  struct sums *sums)
{
    for (int x = 0; x < width; x++) {
        const float drowns = NOISE + noise[x] * ONE, hides = busy[x] * ONE;
        level[x] = EVEN + SLOPE * hides / (1 + hides / BUSY);
        weight[x] = level[x] / (drowns * drowns);
        detail[x] = r[x] * weight[x];
    }
    sums->gain += dot(level, weight, width);
    sums->square += dot(level, level, width);
}

struct making {
    const struct lk_picture *picture;
    struct lk__field *field;
    size_t columns;    /* parts along a row */
    struct sums *sums; /* of the parts */
};

/* Level and detail of the picture's pixels from (x0, y0) to before (x1, y1), around which p lies.
 */
LK_WIDE static void fill_part(
    struct part *p, const struct making *m, int x0, int y0, int x1, int y1, struct sums *sums)
{
    const struct lk__field *f = m->field;
    for (int y = 0; y < p->height; y++)
        luma_row(m->picture, (size_t)(p->y + y) * (size_t)f->width + (size_t)p->x, p->width,
                 p->rows.colours, p->luma + (size_t)y * (size_t)p->width);
    measure(p);
    for (int y = y0; y < y1; y++) {
        const size_t from = (size_t)(y - p->y) * (size_t)p->width + (size_t)(x0 - p->x);
        const size_t to = (size_t)y * (size_t)f->width + (size_t)x0;
        weigh(p->luma + from, p->least + from, p->work[0] + from, x1 - x0, p->rows.wide,
              f->level + to, f->detail + to, sums);
    }
}

static void make_part(void *what, size_t i)
{
    const struct making *m = what;
    const struct lk__field *f = m->field;
    const int x0 = (int)(i % m->columns) * SIDE, y0 = (int)(i / m->columns) * SIDE;
    const int x1 = x0 + SIDE < f->width ? x0 + SIDE : f->width,
              y1 = y0 + SIDE < f->height ? y0 + SIDE : f->height;
    struct part *p = lk_memory_for_pixels(sizeof *p);
    m->sums[i].gain = (double)NAN;
    if (!p)
        return;
    p->x = x0 > HALO ? x0 - HALO : 0;
    p->y = y0 > HALO ? y0 - HALO : 0;
    p->width = (x1 + HALO < f->width ? x1 + HALO : f->width) - p->x;
    p->height = (y1 + HALO < f->height ? y1 + HALO : f->height) - p->y;
    m->sums[i].gain = 0;
    fill_part(p, m, x0, y0, x1, y1, &m->sums[i]);
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
    struct lk__field field = {
        w, h, lk_memory_for_pixels(n * sizeof(float)), lk_memory_for_pixels(n * sizeof(float)),
        0, 0};
    struct making making = {picture, &field, columns, calloc(columns * rows, sizeof(struct sums))};
    const bool has_memory = ground && field.level && field.detail && making.sums;
    if (has_memory)
        lk_parallel(threads, columns * rows, make_part, &making);
    for (size_t i = 0; has_memory && i < columns * rows; i++) {
        field.gain += making.sums[i].gain / (double)n;
        field.square += making.sums[i].square / (double)n;
    }
    free(making.sums);
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
