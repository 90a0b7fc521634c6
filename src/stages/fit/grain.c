// SPDX-License-Identifier: Apache-2.0
/* Plastic skin is skin without the two finest bands of its picture: a network paints
 * them smooth, and resampling takes what it left.
 *
 *     band 0 = L − mean₃(L)      band 1 = mean₃(L) − mean₇(L)      L luminance, sRGB
 *
 * Both are measured in cells of 8×8 picture pixels. Grain is everywhere, while wrinkles, freckles,
 * hair and edges only add to it: the lower quartile over the face's cells is deaf to them even
 * where they are most of the face. What lacks in power is added as Gaussian noise of the same band,
 * nowhere more than the place itself lacks, so that skin beside a beard stays smooth:
 *
 *     added_k² = max(0, had_k² − has_k²)      at a place: min(added_k, that of its cells)
 *
 * had is the face's as it was, so that a face which has its texture gets none, and a second pass
 * adds nothing. It is grain, the same in R, G and B, at the picture's own pixels, not at the
 * crop's: a crop's would be resampled away. */
#include "stages/fit/grain.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/rng.h"

enum { CELL = 8, MIN_CELLS = 6, NARROW = 1, WIDE = 3 /* radii of the means */ };

static const float most = 0.012f; /* of noise that is added in a band: photographs have less */
static const uint64_t seed = 0x6c6b6e;

/* The part of the picture that the crop shows. */
struct window {
    int x0, y0, w, h;
    float *weight;                                    /* [h,w] of the mask, at picture pixels */
    float *plane;                                     /* [h,w] working space */
    float *narrow, *wide;                             /* [h,w] its means */
    float *sums;                                      /* of a row or column */
    int columns, rows;                                /* of whole cells */
    float *had[LK_GRAIN_BANDS], *has[LK_GRAIN_BANDS]; /* deviations of the cells; then had is what
                                                         noise they get */
    float *room;                                      /* a number for each cell */
};

static void window_free(struct window *v)
{
    free(v->weight);
}

static bool find_window(const struct lk_affine *from_crop,
                        const struct lk_mask *mask,
                        const struct lk_picture *picture,
                        struct window *v)
{
    float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    const int size[2] = {picture->width, picture->height};
    int from[2], to[2];
    for (int i = 0; i < 4; i++) {
        const float corner[2] = {i & 1 ? (float)mask->width : -1, i & 2 ? (float)mask->height : -1};
        float at[2];
        lk_affine_apply(from_crop, corner, at);
        for (int k = 0; k < 2; k++) {
            low[k] = fminf(low[k], at[k]);
            high[k] = fmaxf(high[k], at[k]);
        }
    }
    for (int k = 0; k < 2; k++) {
        from[k] = (int)fminf(fmaxf(floorf(low[k]), 0), (float)size[k]);
        to[k] = (int)fminf(fmaxf(ceilf(high[k]) + 1, 0), (float)size[k]);
    }
    v->x0 = from[0];
    v->y0 = from[1];
    v->w = to[0] - from[0];
    v->h = to[1] - from[1];
    return v->w >= CELL && v->h >= CELL;
}

static int window_new(const struct lk_mask *mask,
                      const struct lk_affine *to_crop,
                      struct window *v,
                      struct lk_error *err)
{
    const size_t n = (size_t)v->w * (size_t)v->h;
    const size_t cells = (size_t)(v->w / CELL) * (size_t)(v->h / CELL);
    const size_t count = 4 * n + (size_t)v->w + (size_t)v->h + (2 * LK_GRAIN_BANDS + 1) * cells;
    v->weight = malloc(count * sizeof *v->weight);
    if (!v->weight)
        return lk_fail_memory(err, "the grain of a face", count * sizeof *v->weight);
    v->plane = v->weight + n;
    v->narrow = v->plane + n;
    v->wide = v->narrow + n;
    v->sums = v->wide + n;
    v->room = v->sums + v->w + v->h;
    for (int k = 0; k < LK_GRAIN_BANDS; k++) {
        v->had[k] = v->room + (size_t)(2 * k + 1) * cells;
        v->has[k] = v->had[k] + cells;
    }
    v->columns = v->w / CELL;
    v->rows = v->h / CELL;
    for (int y = 0; y < v->h; y++) {
        for (int x = 0; x < v->w; x++) {
            const float at[2] = {(float)(v->x0 + x), (float)(v->y0 + y)};
            float in[2];
            lk_affine_apply(to_crop, at, in);
            v->weight[(size_t)y * (size_t)v->w + (size_t)x] = lk_mask_sample(mask, in[0], in[1]);
        }
    }
    return 0;
}

/* Mean over 2r + 1 numbers of a line, fewer at its ends, in place. */
static void mean_line(float *line, int n, int stride, int r, float *copy)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        copy[i] = line[(ptrdiff_t)i * stride];
    for (int i = -r; i < n; i++) {
        sum += i + r < n ? (double)copy[i + r] : 0;
        sum -= i - r - 1 >= 0 ? (double)copy[i - r - 1] : 0;
        int first = i - r < 0 ? 0 : i - r, last = i + r >= n ? n - 1 : i + r;
        if (i >= 0)
            line[(ptrdiff_t)i * stride] = (float)(sum / (last - first + 1));
    }
}

static void mean_plane(const struct window *v, int r, float *out)
{
    const size_t n = (size_t)v->w * (size_t)v->h;
    for (size_t i = 0; i < n; i++)
        out[i] = v->plane[i];
    for (int y = 0; y < v->h; y++)
        mean_line(out + (size_t)y * (size_t)v->w, v->w, 1, r, v->sums);
    for (int x = 0; x < v->w; x++)
        mean_line(out + x, v->h, v->w, r, v->sums);
}

/* Of what stands in v->plane. */
static void make_means(const struct window *v)
{
    mean_plane(v, NARROW, v->narrow);
    mean_plane(v, WIDE, v->wide);
}

static float band(const struct window *v, int k, size_t i)
{
    return k ? v->narrow[i] - v->wide[i] : v->plane[i] - v->narrow[i];
}

static const float *pixel(const struct window *v, const struct lk_picture *p, int x, int y)
{
    return p->f32 +
           ((size_t)(v->y0 + y) * (size_t)p->width + (size_t)(v->x0 + x)) * (size_t)p->channels;
}

static void take_luminance(const struct window *v, const struct lk_picture *picture)
{
    for (int y = 0; y < v->h; y++) {
        for (int x = 0; x < v->w; x++) {
            const float *p = pixel(v, picture, x, y);
            v->plane[(size_t)y * (size_t)v->w + (size_t)x] =
                0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        }
    }
    make_means(v);
}

/* ---- measuring ---- */

static bool is_inside(const struct window *v, int x0, int y0)
{
    float least = 1;
    for (int y = y0; y < y0 + CELL; y++)
        for (int x = x0; x < x0 + CELL; x++)
            least = fminf(least, v->weight[(size_t)y * (size_t)v->w + (size_t)x]);
    return least > 0.5f;
}

/* Deviation of the band in a cell. */
static float deviation(const struct window *v, int k, int x0, int y0)
{
    double sum = 0;
    for (int y = y0; y < y0 + CELL; y++) {
        for (int x = x0; x < x0 + CELL; x++) {
            double b = (double)band(v, k, (size_t)y * (size_t)v->w + (size_t)x);
            sum += b * b;
        }
    }
    return (float)sqrt(sum / (CELL * CELL));
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Deviations of what stands in the planes, of all cells; out: lower quartiles over those under the
 * mask, of which it returns the number. */
static int measure(const struct window *v, float *const cells[], float out[LK_GRAIN_BANDS])
{
    int inside = 0;
    for (int k = 0; k < LK_GRAIN_BANDS; k++) {
        inside = 0;
        for (int i = 0; i < v->columns * v->rows; i++) {
            const int x = i % v->columns * CELL, y = i / v->columns * CELL;
            cells[k][i] = deviation(v, k, x, y);
            if (is_inside(v, x, y))
                v->room[inside++] = cells[k][i];
        }
        qsort(v->room, (size_t)inside, sizeof *v->room, by_size);
        out[k] = inside ? v->room[inside / 4] : 0;
    }
    return inside;
}

static float lacking(float had, float has)
{
    return sqrtf(fmaxf(had * had - has * has, 0));
}

static void measure_grain(const struct window *v,
                          const struct lk_picture *original,
                          const struct lk_picture *refined,
                          struct lk_grain *grain)
{
    take_luminance(v, original);
    grain->cells = measure(v, v->had, grain->had);
    take_luminance(v, refined);
    measure(v, v->has, grain->has);
    for (int k = 0; k < LK_GRAIN_BANDS && grain->cells >= MIN_CELLS; k++) {
        grain->added[k] = fminf(lacking(grain->had[k], grain->has[k]), most);
        for (int i = 0; i < v->columns * v->rows; i++)
            v->had[k][i] = fminf(lacking(v->had[k][i], v->has[k][i]), grain->added[k]);
    }
}

/* ---- adding ---- */

/* Bilinear between the middles of cells. */
static float between_cells(const struct window *v, const float *cells, int x, int y)
{
    const int most_u = v->columns - 1, most_v = v->rows - 1;
    const float u = fminf(fmaxf(((float)x + 0.5f) / CELL - 0.5f, 0), (float)most_u);
    const float w = fminf(fmaxf(((float)y + 0.5f) / CELL - 0.5f, 0), (float)most_v);
    const int i = (int)u, j = (int)w, right = i < most_u, down = j < most_v ? v->columns : 0;
    const float *at = cells + (ptrdiff_t)j * v->columns + i, s = u - (float)i, t = w - (float)j;
    return (1 - t) * ((1 - s) * at[0] + s * at[right]) +
           t * ((1 - s) * at[down] + s * at[down + right]);
}

/* v->had: how much noise cells get. */
static void add(const struct window *v, float amount, struct lk_picture *refined)
{
    float unit[LK_GRAIN_BANDS]; /* of the noise, measured as the face is */
    struct lk_rng rng;
    lk_rng_init(&rng, LK_RNG_PHILOX, seed);
    lk_rng_normal(&rng, v->plane, (size_t)v->w * (size_t)v->h);
    make_means(v);
    measure(v, v->has, unit);
    for (int y = 0; y < v->h; y++) {
        for (int x = 0; x < v->w; x++) {
            const size_t i = (size_t)y * (size_t)v->w + (size_t)x;
            float noise = 0;
            for (int k = 0; k < LK_GRAIN_BANDS && v->weight[i] > 0; k++)
                noise += between_cells(v, v->had[k], x, y) * band(v, k, i) / fmaxf(unit[k], 1e-6f);
            noise *= amount * v->weight[i];
            float *to = (float *)pixel(v, refined, x, y);
            for (int c = 0; c < 3 && v->weight[i] > 0; c++)
                to[c] = fminf(fmaxf(to[c] + noise, 0), 1);
        }
    }
}

int lk_grain_match(const struct lk_picture *original,
                   const struct lk_mask *mask,
                   const struct lk_affine *to_crop,
                   float amount,
                   struct lk_picture *refined,
                   struct lk_grain *out,
                   struct lk_error *err)
{
    struct window v = {0};
    struct lk_grain grain = {0};
    struct lk_affine from_crop;
    int code = lk_affine_invert(to_crop, &from_crop, err);
    if (!code && find_window(&from_crop, mask, refined, &v)) {
        code = window_new(mask, to_crop, &v, err);
        if (!code)
            measure_grain(&v, original, refined, &grain);
        if (!code && amount > 0 && (grain.added[0] > 0 || grain.added[1] > 0))
            add(&v, amount, refined);
        window_free(&v);
    }
    if (!code && out)
        *out = grain;
    return code;
}
