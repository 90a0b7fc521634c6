// SPDX-License-Identifier: Apache-2.0
/* Plastic skin is skin without the two finest bands of its picture: a network paints
 * them smooth, and resampling takes what it left.
 *
 *     band 0 = L − mean₃(L)      band 1 = mean₃(L) − mean₇(L)      L luminance, sRGB
 *
 * Both are measured in cells of 8×8 picture pixels whose colour is the face's median colour, give
 * or take: skin. The median over cells is deaf to the few that hold an edge. What lacks in power is
 * added as Gaussian noise of the same band:
 *
 *     added_k² = max(0, had_k² − has_k²)
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

static const float near_colour = 0.1f; /* of a skin cell's mean to the median colour */
static const float most = 0.012f;      /* of noise that is added in a band: photographs have less */
static const uint64_t seed = 0x6c6b6e;

/* The part of the picture that the crop shows. */
struct window {
    int x0, y0, w, h;
    float *weight;        /* [h,w] of the mask, at picture pixels */
    float *plane;         /* [h,w] working space */
    float *narrow, *wide; /* [h,w] its means */
    float *sums;          /* of a row or column */
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
    const size_t count = 4 * n + (size_t)v->w + (size_t)v->h;
    v->weight = malloc(count * sizeof *v->weight);
    if (!v->weight)
        return lk_fail_memory(err, "the grain of a face", count * sizeof *v->weight);
    v->plane = v->weight + n;
    v->narrow = v->plane + n;
    v->wide = v->narrow + n;
    v->sums = v->wide + n;
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

/* ---- cells ---- */

struct cell {
    int x, y;               /* in the window */
    float colour[3], least; /* least: of the mask's weights */
};

static struct cell look_at_cell(const struct window *v, const struct lk_picture *p, int x0, int y0)
{
    struct cell cell = {.x = x0, .y = y0, .least = 1};
    for (int y = y0; y < y0 + CELL; y++) {
        for (int x = x0; x < x0 + CELL; x++) {
            const float w = v->weight[(size_t)y * (size_t)v->w + (size_t)x];
            const float *from = pixel(v, p, x, y);
            cell.least = fminf(cell.least, w);
            for (int c = 0; c < 3; c++)
                cell.colour[c] += from[c] / (CELL * CELL);
        }
    }
    return cell;
}

static bool is_inside(const struct cell *cell)
{
    return cell->least > 0.5f;
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float median(float *values, size_t n)
{
    if (!n)
        return 0;
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}

static void median_colour(const struct cell *cells, size_t n, float *room, float colour[3])
{
    for (int c = 0; c < 3; c++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if (is_inside(&cells[i]))
                room[m++] = cells[i].colour[c];
        colour[c] = median(room, m);
    }
}

static bool is_skin(const struct cell *cell, const float colour[3])
{
    bool near = true;
    for (int c = 0; c < 3; c++)
        near &= fabsf(cell->colour[c] - colour[c]) < near_colour;
    return near;
}

/* Deviation of the band in the cell. */
static float deviation(const struct window *v, int k, const struct cell *cell)
{
    double sum = 0;
    for (int y = cell->y; y < cell->y + CELL; y++) {
        for (int x = cell->x; x < cell->x + CELL; x++) {
            double b = (double)band(v, k, (size_t)y * (size_t)v->w + (size_t)x);
            sum += b * b;
        }
    }
    return (float)sqrt(sum / (CELL * CELL));
}

/* Median deviations of what stands in the planes, over skin cells. */
static void measure(const struct window *v,
                    const struct cell *cells,
                    size_t n,
                    const float colour[3],
                    float *room,
                    float out[LK_GRAIN_BANDS])
{
    for (int k = 0; k < LK_GRAIN_BANDS; k++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if (is_inside(&cells[i]) && is_skin(&cells[i], colour))
                room[m++] = deviation(v, k, &cells[i]);
        out[k] = median(room, m);
    }
}

/* room: [cells] */
static void measure_both(const struct window *v,
                         const struct lk_picture *original,
                         const struct lk_picture *refined,
                         struct cell *cells,
                         float *room,
                         struct lk_grain *grain)
{
    float colour[3];
    size_t n = 0;
    for (int y = 0; y + CELL <= v->h; y += CELL)
        for (int x = 0; x + CELL <= v->w; x += CELL)
            cells[n++] = look_at_cell(v, original, x, y);
    median_colour(cells, n, room, colour);
    take_luminance(v, original);
    measure(v, cells, n, colour, room, grain->had);
    /* The refined face has its own colour, and cells of its own that are skin. */
    for (size_t i = 0; i < n; i++)
        cells[i] = look_at_cell(v, refined, cells[i].x, cells[i].y);
    median_colour(cells, n, room, colour);
    take_luminance(v, refined);
    measure(v, cells, n, colour, room, grain->has);
    for (size_t i = 0; i < n; i++)
        grain->cells += is_inside(&cells[i]) && is_skin(&cells[i], colour);
}

static int measure_grain(const struct window *v,
                         const struct lk_picture *original,
                         const struct lk_picture *refined,
                         struct lk_grain *grain,
                         struct lk_error *err)
{
    const size_t n = (size_t)(v->w / CELL) * (size_t)(v->h / CELL);
    struct cell *cells = calloc(n, sizeof *cells);
    float *room = calloc(n, sizeof *room);
    int code = cells && room ? 0 : lk_fail_memory(err, "the grain of a face", n * sizeof *cells);
    if (!code)
        measure_both(v, original, refined, cells, room, grain);
    free(cells);
    free(room);
    if (code || grain->cells < MIN_CELLS)
        return code;
    for (int k = 0; k < LK_GRAIN_BANDS; k++) {
        float power = grain->had[k] * grain->had[k] - grain->has[k] * grain->has[k];
        grain->added[k] = fminf(sqrtf(fmaxf(power, 0)), most);
    }
    return 0;
}

/* ---- adding ---- */

static float rms_of_band(const struct window *v, int k)
{
    const size_t n = (size_t)v->w * (size_t)v->h;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)band(v, k, i) * (double)band(v, k, i);
    return (float)sqrt(sum / (double)n);
}

static void add(const struct window *v,
                const struct lk_grain *grain,
                float amount,
                struct lk_picture *refined)
{
    float gain[LK_GRAIN_BANDS];
    struct lk_rng rng;
    lk_rng_init(&rng, LK_RNG_PHILOX, seed);
    lk_rng_normal(&rng, v->plane, (size_t)v->w * (size_t)v->h);
    make_means(v);
    for (int k = 0; k < LK_GRAIN_BANDS; k++)
        gain[k] = amount * grain->added[k] / fmaxf(rms_of_band(v, k), 1e-6f);
    for (int y = 0; y < v->h; y++) {
        for (int x = 0; x < v->w; x++) {
            const size_t i = (size_t)y * (size_t)v->w + (size_t)x;
            if (!(v->weight[i] > 0))
                continue;
            const float noise = v->weight[i] * (gain[0] * band(v, 0, i) + gain[1] * band(v, 1, i));
            float *to = (float *)pixel(v, refined, x, y);
            for (int c = 0; c < 3; c++)
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
        code = code ? code : measure_grain(&v, original, refined, &grain, err);
        if (!code && amount > 0 && (grain.added[0] > 0 || grain.added[1] > 0))
            add(&v, &grain, amount, refined);
        window_free(&v);
    }
    if (!code && out)
        *out = grain;
    return code;
}
