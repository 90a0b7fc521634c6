// SPDX-License-Identifier: Apache-2.0
/* What pixels say about a refined face. Every measure compares after with before on the same
 * pixels, so that a dark, noisy or blurred picture is not blamed on the face stage.
 *
 *   seam       along the mask's edges (value 0 | above 0, and below ½ | above ½): the step across
 * the edge less the mean of the steps two and three pixels to both sides in the same direction;
 * mean over the edge, after minus before, the worse edge. A contour that was there before cancels
 * out. sharpness  mean square of the 4-neighbour Laplacian where mask > ½, after ÷ before. texture
 * 16×16 cells of the face: deviation of (3×3 mean − 7×7 mean) relative to the cell's brightness;
 * median over the cells, after ÷ before. Eyes and mouth fill few cells, so the median is skin; the
 * finest noise is averaged away, so it is pores and wrinkles. light      the same cells' mean
 * linear R, G, B: root mean square of log2(after ÷ before). */
#include "stages/judge/measure.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define GRID 16
#define CELLS (GRID * GRID)
#define MIN_PIXELS 64

static float luma(const struct lk_picture *p, int x, int y)
{
    const float *v = p->f32 + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
    return 0.299f * v[0] + 0.587f * v[1] + 0.114f * v[2];
}

static float mask_at(const struct lk_mask *mask, int x, int y)
{
    return mask->value[(size_t)y * (size_t)mask->width + (size_t)x];
}

/* |step| between pixel i and i + 1 of a line through (x, y) in direction (dx, dy), i counted from
 * there. */
static float step_at(const struct lk_picture *p, int x, int y, int dx, int dy, int i)
{
    return fabsf(luma(p, x + (i + 1) * dx, y + (i + 1) * dy) - luma(p, x + i * dx, y + i * dy));
}

static float excess(const struct lk_picture *p, int x, int y, int dx, int dy)
{
    float around = 0;
    static const int offsets[4] = {-3, -2, 2, 3};
    for (int k = 0; k < 4; k++)
        around += step_at(p, x, y, dx, dy, offsets[k]) / 4;
    return step_at(p, x, y, dx, dy, 0) - around;
}

static float seam_at_level(const struct lk_picture *before,
                           const struct lk_picture *after,
                           const struct lk_mask *mask,
                           float level)
{
    double sum = 0;
    size_t n = 0;
    for (int y = 4; y < mask->height - 5; y++) {
        for (int x = 4; x < mask->width - 5; x++) {
            for (int k = 0; k < 2; k++) {
                int dx = 1 - k, dy = k;
                if ((mask_at(mask, x, y) > level) == (mask_at(mask, x + dx, y + dy) > level))
                    continue;
                sum += excess(after, x, y, dx, dy) - excess(before, x, y, dx, dy);
                n++;
            }
        }
    }
    return n ? (float)fmax(sum / (double)n, 0) : NAN;
}

float lk__measure_seam(const struct lk_picture *before,
                       const struct lk_picture *after,
                       const struct lk_mask *mask)
{
    return fmaxf(seam_at_level(before, after, mask, 0), seam_at_level(before, after, mask, 0.5f));
}

/* Mean square of the Laplacian; 0 pixels: NAN. */
static double laplacian_energy(const struct lk_picture *p, const struct lk_mask *mask)
{
    double sum = 0;
    size_t n = 0;
    for (int y = 1; y < p->height - 1; y++) {
        for (int x = 1; x < p->width - 1; x++) {
            if (mask_at(mask, x, y) <= 0.5f)
                continue;
            float l = 4 * luma(p, x, y) - luma(p, x - 1, y) - luma(p, x + 1, y) -
                      luma(p, x, y - 1) - luma(p, x, y + 1);
            sum += (double)l * l;
            n++;
        }
    }
    return n < MIN_PIXELS ? NAN : sum / (double)n;
}

/* Detail below this is rounding of an 8-bit picture: nothing is compared with it. */
static float ratio(double after, double before, double floor)
{
    return (float)((after + floor) / (before + floor));
}

float lk__measure_sharpness(const struct lk_picture *before,
                            const struct lk_picture *after,
                            const struct lk_mask *mask)
{
    return ratio(laplacian_energy(after, mask), laplacian_energy(before, mask), 1e-6);
}

/* Sums of the 3 and the 7 pixels of a column around row y. */
struct column {
    float three, seven;
};

static struct column column_at(const struct lk_picture *p, int x, int y)
{
    struct column c = {luma(p, x, y - 1) + luma(p, x, y) + luma(p, x, y + 1), 0};
    c.seven =
        c.three + luma(p, x, y - 3) + luma(p, x, y - 2) + luma(p, x, y + 2) + luma(p, x, y + 3);
    return c;
}

/* The band at the fourth of seven columns: 3×3 mean − 7×7 mean. */
static float band_of(const struct column c[7])
{
    float seven = 0;
    for (int i = 0; i < 7; i++)
        seven += c[i].seven;
    return (c[2].three + c[3].three + c[4].three) / 9 - seven / 49;
}

struct cell {
    double pixels, band, brightness, linear[3];
};

static float to_linear(float v)
{
    return v <= 0.04045f ? fmaxf(v, 0) / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
}

static struct cell *cell_at(const struct lk_picture *p, int x, int y, struct cell *cells)
{
    return &cells[y * GRID / p->height * GRID + x * GRID / p->width];
}

/* cells [GRID, GRID], zeroed: sums over the face's pixels, of their brightness and bands. */
static void gather_bands(const struct lk_picture *p, const struct lk_mask *mask, struct cell *cells)
{
    for (int y = 3; y < p->height - 3; y++) {
        struct column around[7] = {{0, 0}};
        for (int x = 0; x < p->width; x++) {
            memmove(around, around + 1, 6 * sizeof *around);
            around[6] = column_at(p, x, y);
            if (x < 6 || mask_at(mask, x - 3, y) <= 0.5f)
                continue;
            struct cell *cell = cell_at(p, x - 3, y, cells);
            const double band = (double)band_of(around);
            cell->pixels++;
            cell->brightness += (double)luma(p, x - 3, y);
            cell->band += band * band;
        }
    }
}

/* The same of their light. */
static void gather_light(const struct lk_picture *p, const struct lk_mask *mask, struct cell *cells)
{
    for (int y = 3; y < p->height - 3; y++) {
        for (int x = 3; x < p->width - 3; x++) {
            struct cell *cell = cell_at(p, x, y, cells);
            if (mask_at(mask, x, y) <= 0.5f)
                continue;
            cell->pixels++;
            const float *v = p->f32 + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            for (int c = 0; c < 3; c++)
                cell->linear[c] += to_linear(v[c]);
        }
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof *values, ascending);
    return values[n / 2];
}

/* Median over the cells of the band's relative deviation. */
static double texture_of(const struct lk_picture *p, const struct lk_mask *mask)
{
    struct cell cells[CELLS] = {0};
    double values[CELLS];
    size_t n = 0;
    gather_bands(p, mask, cells);
    for (int i = 0; i < CELLS; i++) {
        if (cells[i].pixels >= 16)
            values[n++] = sqrt(cells[i].band / cells[i].pixels) /
                          (cells[i].brightness / cells[i].pixels + 0.05);
    }
    return median(values, n);
}

float lk__measure_texture(const struct lk_picture *before,
                          const struct lk_picture *after,
                          const struct lk_mask *mask)
{
    return ratio(texture_of(after, mask), texture_of(before, mask), 1e-3);
}

float lk__measure_detail(const struct lk_picture *crop, const struct lk_mask *mask)
{
    return (float)(laplacian_energy(crop, mask) * 255 * 255);
}

float lk__measure_skin(const struct lk_picture *crop, const struct lk_mask *mask)
{
    return (float)texture_of(crop, mask);
}

float lk__measure_light(const struct lk_picture *before,
                        const struct lk_picture *after,
                        const struct lk_mask *mask)
{
    struct cell was[CELLS] = {0}, is[CELLS] = {0};
    double stops[CELLS * 3];
    size_t n = 0;
    gather_light(before, mask, was);
    gather_light(after, mask, is);
    for (int i = 0; i < CELLS; i++) {
        for (int c = 0; c < 3 && was[i].pixels >= 16; c++)
            stops[n++] = fabs(log2((is[i].linear[c] / is[i].pixels + 0.005) /
                                   (was[i].linear[c] / was[i].pixels + 0.005)));
    }
    return (float)median(stops, n);
}
