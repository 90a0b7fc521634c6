// SPDX-License-Identifier: Apache-2.0
/* 3×3 convolution by Winograd's minimal filtering F(4×4,3×3) (Lavin and Gray 2015, arXiv
 * 1509.09308): a tile of 6×6 pixels gives 4×4 results by 36 multiplications per channel, not 144.
 *
 *   Y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * over the points 0, ±a, ±b, ∞. With a = 5/8, b = 3/2 the largest error is two to three times
 * smaller than with the usual 1 and 2. Of the polynomial Π(x − p) without one point, Bᵀ holds the
 * coefficients; G divides by its value there.
 *
 * TILES tiles at a time: transformed, V [36][tiles][whole vectors of channels]; then per panel of
 * results, for DEPTH channels after DEPTH, the filters, U [36][channels][PANEL], and 36 products
 * V·U, added up in M [36][tiles][PANEL]; and back. V and M stay in the last-level cache, what is
 * read of U in the one before. Filters are transformed anew each time: that is a 36th of the
 * products for 128 tiles, and transformed weights would take four times the memory, and its
 * bandwidth. */
#ifndef LK_KERNELS_ISA_WINOGRAD_H
#define LK_KERNELS_ISA_WINOGRAD_H

#include <stdatomic.h>

#include "kernels/isa/convolve.h"

#define TILES 128
#define FEW_CHANNELS 320 /* up to so many, twice the tiles stay in the cache */
#define CHUNK 32         /* tiles of a task, at least */
#define POINTS 36
#define A 0.625f
#define B 1.5f
#define A2 (A * A)
#define B2 (B * B)
#define TRANSFORM_TILES 8 /* of a task */
#define APART 16 /* numbers between the 36 parts of V, U and M: else they share cache sets */

struct winograd_job {
    const struct lk_convolution *c;
    size_t tiles_down, tiles_across; /* of an image */
    size_t first, tiles;             /* of this pass */
    size_t chunk, chunks;            /* tiles of a task; tasks of a panel */
    float *v;                        /* [POINTS][tiles][row] */
    size_t row;                      /* channels, rounded up to whole vectors */
    size_t v_step;                   /* from point to point */
    const float *zeros;              /* [channels] */
    struct lk_workspace *workspace;
    atomic_int failed;
};

/* Bᵀ of six vectors */
INLINE void to_points(const vf d[6], vf out[6])
{
    const vf even_a = d[4] - B2 * d[2], odd_a = A * (d[3] - B2 * d[1]);
    const vf even_b = d[4] - A2 * d[2], odd_b = B * (d[3] - A2 * d[1]);
    out[0] = A2 * B2 * d[0] - (A2 + B2) * d[2] + d[4];
    out[1] = even_a + odd_a;
    out[2] = even_a - odd_a;
    out[3] = even_b + odd_b;
    out[4] = even_b - odd_b;
    out[5] = A2 * B2 * d[1] - (A2 + B2) * d[3] + d[5];
}

/* Aᵀ of six vectors */
INLINE void from_points(const vf m[6], vf out[4])
{
    const vf even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const vf even_b = m[3] + m[4], odd_b = m[3] - m[4];
    out[0] = m[0] + even_a + even_b;
    out[1] = A * odd_a + B * odd_b;
    out[2] = A2 * even_a + B2 * even_b;
    out[3] = A * A2 * odd_a + B * B2 * odd_b + m[5];
}

struct tile {
    size_t image;
    long row, column; /* of its first result */
};

INLINE struct tile tile_at(const struct winograd_job *job, size_t t)
{
    const size_t area = job->tiles_down * job->tiles_across, at = t % area;
    return (struct tile){t / area, (long)(at / job->tiles_across) * 4,
                         (long)(at % job->tiles_across) * 4};
}

/* Where the 36 pixels of a tile lie. */
INLINE void tile_pixels(const struct winograd_job *job, struct tile tile, const float *out[POINTS])
{
    const struct lk_convolution *c = job->c;
    for (long i = 0; i < 6; i++) {
        const long y = tile.row + i - c->top;
        for (long j = 0; j < 6; j++) {
            const long x = tile.column + j - c->left;
            const int outside =
                y < 0 || x < 0 || y >= (long)c->seen_height || x >= (long)c->seen_width;
            out[i * 6 + j] =
                outside ? job->zeros
                        : c->x + ((tile.image * c->height + ((size_t)y >> c->doubled)) * c->width +
                                  ((size_t)x >> c->doubled)) *
                                     c->channels;
        }
    }
}

/* The channels k … of a tile, of which `count` exist in the vector: a constant where all do. */
INLINE void transform_vector(
    const float *const pixels[POINTS], size_t k, const size_t count, float *v, size_t step)
{
    vf half[6][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        vf d[6], t[6];
        for (int i = 0; i < 6; i++)
            d[i] = load_first(pixels[i * 6 + j] + k, count);
        to_points(d, t);
        for (int i = 0; i < 6; i++)
            half[i][j] = t[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        vf t[6];
        to_points(half[i], t);
        for (int j = 0; j < 6; j++)
            store(v + (size_t)(i * 6 + j) * step + k, t[j]);
    }
}

NOINLINE void transform_tile(const float *const pixels[POINTS],
                             size_t channels,
                             float *v,
                             size_t step)
{
    size_t k = 0;
    for (; k + LK_LANES <= channels; k += LK_LANES)
        transform_vector(pixels, k, LK_LANES, v, step);
    if (k < channels)
        transform_vector(pixels, k, channels - k, v, step);
}

NOINLINE void transform_task(void *what, size_t i)
{
    const struct winograd_job *job = what;
    const size_t channels = job->c->channels, from = i * TRANSFORM_TILES;
    for (size_t t = from; t < least(from + TRANSFORM_TILES, job->tiles); t++) {
        const float *pixels[POINTS];
        tile_pixels(job, tile_at(job, job->first + t), pixels);
        transform_tile(pixels, channels, job->v + t * job->row, job->v_step);
    }
}

/* G of three vectors */
INLINE void filter_points(const vf g0, const vf g1, const vf g2, vf out[6])
{
    const float at_a = 2 * A2 * (A2 - B2), at_b = 2 * B2 * (B2 - A2);
    const vf even_a = (g0 + A2 * g2) * (1 / at_a), odd_a = g1 * (A / at_a);
    const vf even_b = (g0 + B2 * g2) * (1 / at_b), odd_b = g1 * (B / at_b);
    out[0] = g0 * (1 / (A2 * B2));
    out[1] = even_a + odd_a;
    out[2] = even_a - odd_a;
    out[3] = even_b + odd_b;
    out[4] = even_b - odd_b;
    out[5] = g2;
}

/* Some channels of a panel of 3×3 filters, as layout.h has them. */
struct filters {
    const char *block;  /* of the first tap */
    size_t tap, scales; /* bytes: from tap to tap; of int8, to the columns' scales */
    size_t channels, width;
    enum lk_numbers numbers;
};

/* The vector of columns n … of a tap and a channel, as f32. */
INLINE vf filter_at(const struct filters *f, size_t tap, size_t channel, size_t n)
{
    const char *block = f->block + tap * f->tap;
    const size_t one = channel * f->width + n, pair = 2 * (channel / 2 * f->width + n);
    const int odd = channel % 2;
    if (f->numbers == LK_NUMBERS_F32)
        return load((const float *)(const void *)block + one);
    if (f->numbers == LK_NUMBERS_BF16) {
        const vi both = load_pairs((const uint16_t *)(const void *)block + pair);
        return (vf)(odd ? both & UPPER : both << 16);
    }
    int16_t pairs __attribute__((vector_size(LK_LANES * 2)));
    memcpy(&pairs, block + pair, sizeof pairs);
    const vi both = __builtin_convertvector(pairs, vi);
    return __builtin_convertvector(odd ? both >> 8 : both << 24 >> 24, vf) *
           load((const float *)(const void *)(block + f->scales) + n);
}

/* u [POINTS][channels][width], `step` apart */
NOINLINE void transform_filters(const struct filters *f, float *u, size_t step)
{
    for (size_t i = 0; i < f->channels * f->width; i += LK_LANES) {
        const size_t channel = i / f->width, n = i % f->width;
        vf half[3][6];
#pragma GCC unroll 3
        for (size_t a = 0; a < 3; a++)
            filter_points(filter_at(f, 3 * a, channel, n), filter_at(f, 3 * a + 1, channel, n),
                          filter_at(f, 3 * a + 2, channel, n), half[a]);
#pragma GCC unroll 6
        for (size_t j = 0; j < 6; j++) {
            vf t[6];
            filter_points(half[0][j], half[1][j], half[2][j], t);
            for (size_t a = 0; a < 6; a++)
                store(u + (a * 6 + j) * step + i, t[a]);
        }
    }
}

/* m [POINTS][rows][PANEL] += of the tiles from … and the channels k …; u: room for their filters */
NOINLINE void multiply_points(const struct winograd_job *job,
                              size_t p,
                              size_t from,
                              size_t rows,
                              size_t k,
                              float *u,
                              float *m,
                              size_t m_step)
{
    const size_t channels = job->c->channels, count = least(DEPTH, channels - k);
    const int vectors = panel_vectors(job->c->w, p);
    const enum lk_numbers numbers = job->c->w->numbers;
    const size_t width = (size_t)vectors * LK_LANES, u_step = count * width + APART;
    const struct filters filters = {
        .block = panel_at(job->c, job->c->w, p) + (k ? lk__tap_bytes(numbers, GROUP, k, width) : 0),
        .tap = lk__tap_bytes(numbers, GROUP, channels, width),
        .scales = (lk__rounded_up(count, GROUP) + sizeof(int32_t)) * width,
        .channels = count,
        .width = width,
        .numbers = numbers,
    };
    transform_filters(&filters, u, u_step);
    for (size_t point = 0; point < POINTS; point++) {
        const float *v = job->v + point * job->v_step + from * job->row + k;
        for (size_t r = 0; r < rows; r += LK_ROWS) {
            const void *a[LK_ROWS];
            for (size_t i = 0; i < LK_ROWS; i++)
                a[i] = v + least(r + i, rows - 1) * job->row;
            multiply(vectors, count, a, u + point * u_step, m + point * m_step + r * PANEL, k > 0);
        }
    }
}

/* The results of one tile, of one vector of columns. */
NOINLINE void store_tile(
    const struct winograd_job *job, struct tile tile, const float *m, size_t step, size_t n)
{
    const struct lk_convolution *c = job->c;
    const size_t width = c->w->n, count = least(LK_LANES, width - n);
    const size_t rows = least(4, c->out_height - (size_t)tile.row);
    const size_t columns = least(4, c->out_width - (size_t)tile.column);
    vf half[4][6];
#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        vf points[6], t[4];
        for (int i = 0; i < 6; i++)
            points[i] = load(m + (size_t)(i * 6 + j) * step);
        from_points(points, t);
        for (int i = 0; i < 4; i++)
            half[i][j] = t[i];
    }
    for (size_t i = 0; i < rows; i++) {
        vf y[4];
        from_points(half[i], y);
        const size_t row = (tile.image * c->out_height + (size_t)tile.row + i) * c->out_width +
                           (size_t)tile.column;
        for (size_t j = 0; j < columns; j++)
            store_first(c->y + (row + j) * width + n,
                        finish(&c->epilogue, y[j], tile.image, row + j, width, n, count), count);
    }
}

NOINLINE void product_task(void *what, size_t i)
{
    struct winograd_job *job = what;
    const size_t p = i / job->chunks, from = i % job->chunks * job->chunk;
    const size_t rows = least(job->chunk, job->tiles - from), channels = job->c->channels;
    const size_t m_step = over(rows, LK_ROWS) * LK_ROWS * PANEL + APART;
    const size_t u_step = least(DEPTH, channels) * PANEL + APART;
    float *m = lk_workspace_take(job->workspace, POINTS * (m_step + u_step) * sizeof *m);
    if (!m) {
        job->failed = 1;
        return;
    }
    for (size_t k = 0; k < channels; k += DEPTH)
        multiply_points(job, p, from, rows, k, m + POINTS * m_step, m, m_step);
    for (size_t r = 0; r < rows; r++) {
        const struct tile tile = tile_at(job, job->first + from + r);
        for (size_t v = 0; v < panel_columns(job->c->w, p); v += LK_LANES)
            store_tile(job, tile, m + r * PANEL + v, m_step, p * PANEL + v);
    }
    lk_workspace_give(job->workspace, m);
}

/* Whether this is the quicker way: vectors of channels (whole ones where weights are rounded), and
 * enough tiles for the rows of the micro-kernel. Of whole numbers it is where nothing multiplies
 * four at a time; then the weights alone are rounded. */
static int suits_winograd(const struct lk_convolution *c)
{
    const size_t tiles = c->images * over(c->out_height, 4) * over(c->out_width, 4);
    const int ragged = c->channels % LK_LANES != 0;
    return c->kernel == 3 && c->stride == 1 && c->channels >= LK_LANES && c->w->n >= LK_LANES &&
           tiles >= LK_ROWS && !c->gate && (!ragged || c->w->numbers == LK_NUMBERS_F32) &&
           (c->w->numbers != LK_NUMBERS_INT8 || GROUP == 2);
}

static int winograd(const struct lk_convolution *c, const struct lk_workers *workers)
{
    struct winograd_job job = {
        .c = c,
        .tiles_down = over(c->out_height, 4),
        .tiles_across = over(c->out_width, 4),
        .row = over(c->channels, LK_LANES) * LK_LANES,
        .workspace = workers->workspace,
    };
    const size_t all_tiles = c->images * job.tiles_down * job.tiles_across;
    const size_t most = least(c->channels <= FEW_CHANNELS ? 2 * TILES : TILES, all_tiles);
    const size_t panels = over(c->w->n, PANEL);
    job.v_step = most * job.row + APART;
    float *zeros =
        lk_workspace_take(workers->workspace, (POINTS * job.v_step + c->channels) * sizeof *zeros);
    if (!zeros)
        return -1;
    memset(zeros, 0, c->channels * sizeof *zeros);
    job.zeros = zeros;
    job.v = zeros + c->channels;
    for (job.first = 0; job.first < all_tiles && !job.failed; job.first += most) {
        job.tiles = least(most, all_tiles - job.first);
        workers->run(workers->user, over(job.tiles, TRANSFORM_TILES), transform_task, &job);
        job.chunks = over(4 * (size_t)workers->threads, panels);
        job.chunk = over(over(job.tiles, job.chunks), LK_ROWS) * LK_ROWS;
        job.chunk = job.chunk < CHUNK ? CHUNK : job.chunk;
        job.chunks = over(job.tiles, job.chunk);
        workers->run(workers->user, panels * job.chunks, product_task, &job);
    }
    lk_workspace_give(workers->workspace, zeros);
    return job.failed ? -1 : 0;
}

#undef A
#undef B
#endif
