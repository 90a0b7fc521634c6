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
#include <stdlib.h>
#include <string.h>

enum { RADIUS = 4, BOX = 2 * RADIUS + 1, STEP = 2 };

/* In steps of 255. EVEN is all that an even surface gets: it is about what rounding adds. */
static const float EVEN = 0.5f, SLOPE = 0.7f, BUSY = 8, NOISE = 1.5f;

static int clamp(int x, int size)
{
    return x < 0 ? 0 : x >= size ? size - 1 : x;
}

/* Mean over BOX pixels along a row; beyond the ends the last pixel repeats. */
static void box_row(const float *in, int width, float *out)
{
    float sum = 0;
    for (int x = -RADIUS; x <= RADIUS; x++)
        sum += in[clamp(x, width)];
    for (int x = 0; x < width; x++) {
        out[x] = sum / BOX;
        sum += in[clamp(x + RADIUS + 1, width)] - in[clamp(x - RADIUS, width)];
    }
}

/* sum[width] += sign · row[width] */
static void add_row(float *sum, const float *row, int width, float sign)
{
    for (int x = 0; x < width; x++)
        sum[x] += sign * row[x];
}

/* plane [height, width] is replaced by its mean over BOX×BOX pixels; work: as large, sum[width]. */
static void box_blur(float *plane, int width, int height, float *work, float *sum)
{
    size_t w = (size_t)width;
    for (int y = 0; y < height; y++)
        box_row(plane + (size_t)y * w, width, work + (size_t)y * w);
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

/* out[n] Rec. 601 luma, 0 … 255; what is no number is black. */
static void luma(const struct lk_picture *in, size_t n, float *out)
{
    static const float weights[] = {0.299f, 0.587f, 0.114f};
    size_t channels = (size_t)in->channels;
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t c = i * channels; c < i * channels + 3; c++) {
            float v =
                in->type == LK_PIXEL_U8 ? (float)in->u8[c] : 255 * fminf(fmaxf(in->f32[c], 0), 1);
            out[i] += weights[c - i * channels] * v;
        }
    }
}

/* out [height, width]: |detail(at + step) − detail(at − step)|, step along x or y. */
static void differences(const float *detail, int width, int height, int dx, int dy, float *out)
{
    for (int y = 0; y < height; y++) {
        const float *above = detail + (size_t)clamp(y - dy, height) * (size_t)width;
        const float *below = detail + (size_t)clamp(y + dy, height) * (size_t)width;
        for (int x = 0; x < width; x++)
            out[(size_t)y * (size_t)width + (size_t)x] =
                fabsf(below[clamp(x + dx, width)] - above[clamp(x - dx, width)]);
    }
}

/* least [height, width] becomes the lesser of itself and of what the corners around have. */
static void take_least(const float *mean, int width, int height, float *least)
{
    for (int y = 0; y < height; y++) {
        const float *above = mean + (size_t)clamp(y - RADIUS, height) * (size_t)width;
        const float *below = mean + (size_t)clamp(y + RADIUS, height) * (size_t)width;
        float *to = least + (size_t)y * (size_t)width;
        for (int x = 0; x < width; x++) {
            int l = clamp(x - RADIUS, width), r = clamp(x + RADIUS, width);
            float corners = fminf(fminf(above[l], above[r]), fminf(below[l], below[r]));
            to[x] = fminf(to[x], corners);
        }
    }
}

/* detail: r, level: busy become what they are in the end. noise [height, width]: B|r| */
static void weigh(struct lk__field *field, const float *noise)
{
    size_t n = (size_t)field->width * (size_t)field->height;
    double gain = 0;
    for (size_t i = 0; i < n; i++) {
        float busy = field->level[i], drowns = NOISE + noise[i];
        float level = EVEN + SLOPE * busy / (1 + busy / BUSY);
        float weight = level / (drowns * drowns);
        field->level[i] = level;
        field->detail[i] *= weight;
        gain += level * weight;
    }
    field->gain = gain / (double)n;
}

/* detail: luma becomes what it is in the end. work[3]: planes; row: one row. */
static void fill(struct lk__field *field, float *const work[3], float *row)
{
    int w = field->width, h = field->height;
    size_t n = (size_t)w * (size_t)h;
    memcpy(work[0], field->detail, n * sizeof(float));
    for (int i = 0; i < 2; i++)
        box_blur(work[0], w, h, work[2], row);
    for (size_t i = 0; i < n; i++) {
        field->detail[i] -= work[0][i];
        field->level[i] = INFINITY;
        work[0][i] = fabsf(field->detail[i]);
    }
    box_blur(work[0], w, h, work[2], row);
    for (int along = 0; along < 2; along++) {
        differences(field->detail, w, h, along ? 0 : STEP, along ? STEP : 0, work[1]);
        box_blur(work[1], w, h, work[2], row);
        take_least(work[1], w, h, field->level);
    }
    weigh(field, work[0]);
}

int lk__field_make(const struct lk_picture *picture, struct lk__field *out, struct lk_error *err)
{
    int w = picture->width, h = picture->height;
    size_t n = (size_t)w * (size_t)h; /* lk_picture_new bounds it */
    struct lk__field field = {w, h, calloc(n, sizeof(float)), calloc(n, sizeof(float)), 0};
    float *work = calloc(3 * n, sizeof(float)), *row = calloc((size_t)w, sizeof(float));
    if (!field.level || !field.detail || !work || !row) {
        lk__field_free(&field);
        free(work), free(row);
        return lk_fail_memory(err, "the watermark", 5 * n * sizeof(float));
    }
    luma(picture, n, field.detail);
    fill(&field, (float *[]){work, work + n, work + 2 * n}, row);
    free(work), free(row);
    *out = field;
    return 0;
}

void lk__field_free(struct lk__field *field)
{
    free(field->level);
    free(field->detail);
    *field = (struct lk__field){0};
}

/* Of one mean over BOX pixels. */
static double box_response(double f)
{
    double a = M_PI * f;
    return a == 0 ? 1 : sin(BOX * a) / (BOX * sin(a));
}

double lk__field_response(double fx, double fy)
{
    double one = box_response(fx) * box_response(fy);
    return 1 - one * one;
}
