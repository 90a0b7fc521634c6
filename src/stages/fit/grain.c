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
#include <string.h>

#include "base/rng.h"
#include "base/wide.h"

enum { CELL = 8, MIN_CELLS = 6, NARROW = 1, WIDE = 3 /* radii of the means */ };

static const float most = 0.012f; /* of noise that is added in a band: photographs have less */
static const uint64_t seed = 0x6c6b6e;

/* The part of the picture that the crop shows. */
struct window {
    int x0, y0, w, h;
    float *weight;                                    /* [h,w] of the mask, at picture pixels */
    float *plane;                                     /* [h,w] working space */
    float *narrow, *wide;                             /* [h,w] its means */
    float *across;                                    /* [h,w] and a row that is longer: work */
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
    const size_t longer = (size_t)v->w + 2 * WIDE;
    const size_t count = 5 * n + longer + (2 * LK_GRAIN_BANDS + 1) * cells;
    v->weight = malloc(count * sizeof *v->weight);
    if (!v->weight)
        return lk_fail_memory(err, "the grain of a face", count * sizeof *v->weight);
    v->plane = v->weight + n;
    v->narrow = v->plane + n;
    v->wide = v->narrow + n;
    v->across = v->wide + n;
    v->room = v->across + n + longer;
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

/* to[n] = Σ from[i … i + 2r] */
static void sum_line(const float *from, size_t n, size_t r, float *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] + from[i + 1] + from[i + 2];
    for (size_t k = 3; k <= 2 * r; k++)
        for (size_t i = 0; i < n; i++)
            to[i] += from[i + k];
}

/* How many of the 2r + 1 places around i are among n. */
static size_t places(size_t i, size_t n, size_t r)
{
    const size_t before = i < r ? i : r, behind = n - 1 - i < r ? n - 1 - i : r;
    return before + 1 + behind;
}

/* The means over squares of 2r + 1 pixels, fewer at the ends. */
LK_WIDE static void mean_plane(const struct window *v, size_t r, float *out)
{
    const size_t w = (size_t)v->w, h = (size_t)v->h;
    float *line = v->across + w * h; /* zeros, row, zeros */
    memset(line, 0, (w + 2 * r) * sizeof *line);
    for (size_t y = 0; y < h; y++) {
        float *across = v->across + y * w;
        memcpy(line + r, v->plane + y * w, w * sizeof *line);
        sum_line(line, w, r, across);
        for (size_t x = 0; x < w; x++)
            across[x] /= (float)(2 * r + 1);
        for (size_t i = 0; i < r; i++) {
            across[i] *= (float)(2 * r + 1) / (float)places(i, w, r);
            across[w - 1 - i] *= (float)(2 * r + 1) / (float)places(i, w, r);
        }
    }
    for (size_t y = 0; y < h; y++) {
        const size_t from = y < r ? 0 : y - r, n = places(y, h, r);
        float *to = out + y * w;
        memcpy(to, v->across + from * w, w * sizeof *to);
        for (size_t k = 1; k < n; k++)
            for (size_t x = 0; x < w; x++)
                to[x] += v->across[(from + k) * w + x];
        for (size_t x = 0; x < w; x++)
            to[x] /= (float)n;
    }
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

/* Where the number of pixel (x, y) of the window is. */
static size_t place_of(const struct window *v, const struct lk_picture *p, int x, int y)
{
    return ((size_t)(v->y0 + y) * (size_t)p->width + (size_t)(v->x0 + x)) * (size_t)p->channels;
}

static void take_luminance(const struct window *v, const struct lk_picture *picture)
{
    const size_t channels = (size_t)picture->channels;
    for (int y = 0; y < v->h; y++) {
        float *row = v->plane + (size_t)y * (size_t)v->w;
        const size_t first = place_of(v, picture, 0, y);
        if (picture->type == LK_PIXEL_F32) {
            const float *p = picture->f32 + first;
            for (int x = 0; x < v->w; x++, p += channels)
                row[x] = 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2];
        } else {
            const uint8_t *p = picture->u8 + first;
            for (int x = 0; x < v->w; x++, p += channels)
                row[x] = (0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]) / 255;
        }
    }
    make_means(v);
}

/* ---- measuring ---- */

static inline float lesser(float a, float b)
{
    return a < b ? a : b;
}

static bool is_inside(const struct window *v, int x0, int y0)
{
    float least = 1;
    for (int y = y0; y < y0 + CELL; y++)
        for (int x = x0; x < x0 + CELL; x++)
            least = lesser(least, v->weight[(size_t)y * (size_t)v->w + (size_t)x]);
    return least > 0.5f;
}

/* Deviation of the band in a cell. */
static float deviation(const struct window *v, int k, int x0, int y0)
{
    const float *fine = k ? v->narrow : v->plane, *coarse = k ? v->wide : v->narrow;
    float sums[CELL] = {0}, sum = 0;
    for (int y = y0; y < y0 + CELL; y++) {
        const size_t at = (size_t)y * (size_t)v->w + (size_t)x0;
        for (size_t i = 0; i < CELL; i++) {
            const float b = fine[at + i] - coarse[at + i];
            sums[i] += b * b;
        }
    }
    for (int i = 0; i < CELL; i++)
        sum += sums[i];
    return sqrtf(sum / (CELL * CELL));
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Deviations of what stands in the planes, of all cells; out: lower quartiles over those under the
 * mask, of which it returns the number. */
LK_WIDE static int measure(const struct window *v, float *const cells[], float out[LK_GRAIN_BANDS])
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

/* Between the middles of which cells pixel i of a side lies, and how near to the second. */
struct between {
    ptrdiff_t first, step; /* step: 0 at the ends, else 1 */
    float weight;
};

static inline struct between between_cells(int i, int cells)
{
    const float at = ((float)i + 0.5f) / CELL - 0.5f, last = (float)(cells - 1);
    const float inside = at < 0 ? 0 : at > last ? last : at;
    const int first = (int)inside;
    return (struct between){first, first < cells - 1, inside - (float)first};
}

static inline float mixed(const float *at, struct between x, ptrdiff_t down, float t)
{
    const float s = x.weight;
    return (1 - t) * ((1 - s) * at[0] + s * at[x.step]) +
           t * ((1 - s) * at[down] + s * at[down + x.step]);
}

/* A row; v->had: how much noise cells get; unit: of the noise, measured as the face is. */
static void add_row(const struct window *v,
                    int y,
                    const float unit[LK_GRAIN_BANDS],
                    float amount,
                    struct lk_picture *refined)
{
    const struct between down = between_cells(y, v->rows);
    const ptrdiff_t below = down.step * v->columns, row = down.first * v->columns;
    float *to = refined->f32 + place_of(v, refined, 0, y);
    for (int x = 0; x < v->w; x++, to += refined->channels) {
        const size_t i = (size_t)y * (size_t)v->w + (size_t)x;
        const struct between across = between_cells(x, v->columns);
        float noise = 0;
        if (!(v->weight[i] > 0))
            continue;
        for (int k = 0; k < LK_GRAIN_BANDS; k++)
            noise += mixed(v->had[k] + row + across.first, across, below, down.weight) *
                     band(v, k, i) / unit[k];
        noise *= amount * v->weight[i];
        for (int c = 0; c < 3; c++) {
            const float grained = to[c] + noise > 0 ? to[c] + noise : 0;
            to[c] = lesser(grained, 1);
        }
    }
}

static void add(const struct window *v, float amount, struct lk_picture *refined)
{
    float unit[LK_GRAIN_BANDS];
    struct lk_rng rng;
    lk_rng_init(&rng, LK_RNG_PHILOX, seed);
    lk_rng_normal(&rng, v->plane, (size_t)v->w * (size_t)v->h);
    make_means(v);
    measure(v, v->has, unit);
    for (int k = 0; k < LK_GRAIN_BANDS; k++)
        unit[k] = fmaxf(unit[k], 1e-6f);
    for (int y = 0; y < v->h; y++)
        add_row(v, y, unit, amount, refined);
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
