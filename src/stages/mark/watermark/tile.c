// SPDX-License-Identifier: Apache-2.0
#include "stages/mark/watermark/tile.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"
#include "stages/mark/watermark/code.h"

enum {
    CELLS = LK__TILE * LK__TILE,
    LEAST = 2,
    SINES =
        LK__RADIUS_MOST + 1, /* waves 0 … SINES − 1 are cosines of that frequency, then −sines */
    WAVES = 2 * SINES
};

/* The half plane's frequencies within the ring, without those beside the axes, where pictures have
 * their upright and level edges and JPEG its blocks. */
static int list_carriers(struct lk__carrier *out)
{
    int n = 0;
    for (int y = LEAST; y <= LK__RADIUS_MOST; y++) {
        for (int x = -LK__RADIUS_MOST; x <= LK__RADIUS_MOST; x++) {
            int square = x * x + y * y;
            if (abs(x) >= LEAST && square >= LK__RADIUS_LEAST * LK__RADIUS_LEAST &&
                square <= LK__RADIUS_MOST * LK__RADIUS_MOST)
                out[n++] = (struct lk__carrier){x, y, (int)sqrt(square), {1, 1}};
        }
    }
    return n;
}

void lk__layout_make(const struct lk_key *key, struct lk__layout *out)
{
    uint8_t noise[LK__CARRIERS_MAX][5];
    lk_key_stream(key, "watermark", noise[0], sizeof noise);
    struct lk__carrier *carriers = out->carriers;
    out->count = list_carriers(carriers);
    out->sync = out->count / 4;
    for (int i = out->count - 1; i >= 0; i--) {
        const uint8_t *at = noise[i];
        uint32_t draw =
            (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        int j = (int)(draw % (uint32_t)(i + 1));
        struct lk__carrier one = carriers[j];
        carriers[j] = carriers[i];
        for (int part = 0; part < 2; part++)
            one.sign[part] = at[4] >> part & 1 ? -1 : 1;
        carriers[i] = one;
    }
}

int lk__layout_sign(const struct lk__layout *layout, int i, int part)
{
    return (2 * (i - layout->sync) + part) % LK__CODE_SIGNS;
}

/* ---- matrices ---- */

static float wave(size_t c, size_t x)
{
    const double angle = 2 * M_PI * (double)(c % SINES * x % LK__TILE) / LK__TILE;
    return (float)(c < SINES ? cos(angle) : -sin(angle));
}

static int wave_along(void *user, size_t c, float *numbers)
{
    (void)user;
    for (size_t x = 0; x < LK__TILE; x++)
        numbers[x] = wave(c, x);
    return 0;
}

static int waves_at(void *user, size_t x, float *numbers)
{
    (void)user;
    for (size_t c = 0; c < WAVES; c++)
        numbers[c] = wave(c, x);
    return 0;
}

int lk__tile_make(struct lk__tile *out)
{
    struct lk__tile tile = {.kernels = lk_kernels_best(), .workspace = lk_workspace_new()};
    if (!tile.workspace ||
        lk_panels_pack(tile.kernels, LK_NUMBERS_F32, WAVES, LK__TILE, 1, wave_along, NULL,
                       &tile.into) ||
        lk_panels_pack(tile.kernels, LK_NUMBERS_F32, LK__TILE, WAVES, 1, waves_at, NULL,
                       &tile.out)) {
        lk__tile_free(&tile);
        return -1;
    }
    *out = tile;
    return 0;
}

void lk__tile_free(struct lk__tile *tile)
{
    lk_panels_free(&tile->into);
    lk_panels_free(&tile->out);
    lk_workspace_free(tile->workspace);
    *tile = (struct lk__tile){0};
}

/* y [rows, w.n] = x [rows, w.k] · w */
static int multiply(
    const struct lk__tile *tile, const float *x, size_t rows, const struct lk_panels *w, float *y)
{
    const struct lk_convolution product = lk_linear(x, rows, w, y);
    struct lk_workers alone;
    lk_workers_alone(&alone);
    alone.workspace = tile->workspace;
    return tile->kernels->convolve(&product, &alone);
}

typedef float four __attribute__((vector_size(16)));

/* out[4 rows, out_step] = in[4 rows, in_step], turned. */
static void transpose_four(const float *in, size_t in_step, float *out, size_t out_step)
{
    four a, b, c, d;
    memcpy(&a, in, sizeof a);
    memcpy(&b, in + in_step, sizeof b);
    memcpy(&c, in + 2 * in_step, sizeof c);
    memcpy(&d, in + 3 * in_step, sizeof d);
    const four ac = __builtin_shufflevector(a, c, 0, 4, 1, 5),
               bd = __builtin_shufflevector(b, d, 0, 4, 1, 5),
               last_ac = __builtin_shufflevector(a, c, 2, 6, 3, 7),
               last_bd = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    const four turned[4] = {__builtin_shufflevector(ac, bd, 0, 4, 1, 5),
                            __builtin_shufflevector(ac, bd, 2, 6, 3, 7),
                            __builtin_shufflevector(last_ac, last_bd, 0, 4, 1, 5),
                            __builtin_shufflevector(last_ac, last_bd, 2, 6, 3, 7)};
    for (size_t i = 0; i < 4; i++)
        memcpy(out + i * out_step, &turned[i], sizeof turned[i]);
}

/* out [columns, rows] = in [rows, columns], by squares whose lines all fit a core's first cache. */
static void transpose(const float *in, size_t rows, size_t columns, float *out)
{
    enum { SQUARE = 16 };
    const size_t whole_rows = rows / 4 * 4, whole_columns = columns / 4 * 4;
    for (size_t y = 0; y < whole_rows; y += SQUARE)
        for (size_t x = 0; x < whole_columns; x += SQUARE)
            for (size_t v = y; v < whole_rows && v < y + SQUARE; v += 4)
                for (size_t u = x; u < whole_columns && u < x + SQUARE; u += 4)
                    transpose_four(in + v * columns + u, columns, out + u * rows + v, rows);
    for (size_t x = 0; x < columns; x++)
        for (size_t y = x < whole_columns ? whole_rows : 0; y < rows; y++)
            out[x * rows + y] = in[y * columns + x];
}

/* ---- from a picture ---- */

/* Where pixel x lies in the tile. */
static int cell_of(int x, double scale)
{
    return (int)((x + 0.5) * scale) % LK__TILE;
}

/* Which of `size` pixels of a side lie in each of the tile's: the first, and the next of each. −1:
 * no more. */
static void list_pixels(int size, double scale, int first[LK__TILE], int *next)
{
    for (int i = 0; i < LK__TILE; i++)
        first[i] = -1;
    for (int x = size - 1; x >= 0; x--) {
        const int cell = cell_of(x, scale);
        next[x] = first[cell];
        first[cell] = x;
    }
}

/* The next row of a list, or zeros behind its end. */
static const float *take_row(
    const float *rows, size_t width, const int *next, const float *zeros, int *y)
{
    const int here = *y;
    if (here < 0)
        return zeros;
    *y = next[here];
    return rows + (size_t)here * width;
}

/* out [LK__TILE, width]: rows [n, width] that lie in the same row of tiles are added up, in their
 * order. first, next: list_pixels of them; zeros [width]. */
LK_WIDE static void fold_rows(const float *rows,
                              size_t width,
                              const int first[LK__TILE],
                              const int *next,
                              const float *zeros,
                              float *out)
{
    for (size_t i = 0; i < LK__TILE; i++, out += width) {
        int y = first[i];
        const float *sum = zeros;
        do {
            const float *a = take_row(rows, width, next, zeros, &y);
            const float *b = take_row(rows, width, next, zeros, &y);
            const float *c = take_row(rows, width, next, zeros, &y);
            const float *d = take_row(rows, width, next, zeros, &y);
            for (size_t x = 0; x < width; x++)
                out[x] = (((sum[x] + a[x]) + b[x]) + c[x]) + d[x];
            sum = out;
        } while (y >= 0);
    }
}

/* cells [LK__TILE, LK__TILE], column after column: tile laid upon tile. Rows are added as they lie,
 * then, turned, the columns. */
static int fold(const struct lk__field *field, double scale, float *cells)
{
    const size_t width = (size_t)field->width;
    const int longest = field->width > field->height ? field->width : field->height;
    const int longer = longest > LK__TILE ? longest : LK__TILE;
    const size_t size = LK__TILE * width;
    float *rows = malloc(2 * size * sizeof *rows), *columns = rows + size;
    float *zeros = calloc((size_t)longer, sizeof *zeros);
    int *next = malloc((size_t)longer * sizeof *next), first[LK__TILE];
    const bool has_memory = rows && zeros && next;
    if (has_memory) {
        list_pixels(field->height, scale, first, next);
        fold_rows(field->detail, width, first, next, zeros, rows);
        transpose(rows, LK__TILE, width, columns);
        list_pixels(field->width, scale, first, next);
        fold_rows(columns, LK__TILE, first, next, zeros, cells);
    }
    free(rows);
    free(zeros);
    free(next);
    return has_memory ? 0 : -1;
}

/* Where the frequency of a carrier is found: the half plane x ≥ 0, to which its conjugate belongs
 * where x < 0. */
struct spot {
    size_t x, y;
    float up; /* 1, or −1 for a frequency below the axis */
    bool conjugate;
};

static struct spot spot_of(const struct lk__carrier *c)
{
    return (struct spot){(size_t)abs(c->x), (size_t)c->y, c->x < 0 ? -1.0f : 1.0f, c->x < 0};
}

/* waves [WAVES, WAVES]: of the columns' waves, along the rows */
static float complex look_up(const float waves[WAVES][WAVES], const struct lk__carrier *carrier)
{
    const struct spot s = spot_of(carrier);
    const float *re = waves[s.y], *im = waves[SINES + s.y];
    const float complex v =
        re[s.x] - s.up * im[SINES + s.x] + (re[SINES + s.x] + s.up * im[s.x]) * I;
    return s.conjugate ? conjf(v) : v;
}

int lk__tile_measure(const struct lk__tile *tile,
                     const struct lk__field *field,
                     double scale,
                     const struct lk__layout *layout,
                     float complex *out)
{
    float cells[CELLS], along[LK__TILE * WAVES], turned[WAVES * LK__TILE], waves[WAVES][WAVES];
    if (fold(field, scale, cells) || multiply(tile, cells, LK__TILE, &tile->into, along))
        return -1;
    transpose(along, LK__TILE, WAVES, turned);
    if (multiply(tile, turned, WAVES, &tile->into, waves[0]))
        return -1;
    const double layers = (double)field->width * field->height / CELLS * field->gain;
    double blur[SINES];
    for (int i = 0; i < SINES; i++)
        blur[i] = lk__field_blur(i * scale / LK__TILE);
    for (int i = 0; i < layout->count; i++) {
        const struct lk__carrier *c = &layout->carriers[i];
        const double coarse = blur[abs(c->x)] * blur[c->y];
        out[i] = (float)(1 / (layers * (1 - coarse * coarse))) *
                 look_up((const float(*)[WAVES])waves, c);
    }
    return 0;
}

/* ---- into a picture ---- */

int lk__tile_sum(const struct lk__tile *tile,
                 const struct lk__layout *layout,
                 int n,
                 const float complex *values,
                 float *plane)
{
    float waves[WAVES][WAVES] = {{0}}, along[WAVES * LK__TILE], turned[LK__TILE * WAVES];
    for (int i = 0; i < n; i++) {
        const struct spot s = spot_of(&layout->carriers[i]);
        const float re = crealf(values[i]), im = cimagf(values[i]) * s.up;
        waves[s.x][s.y] += re;
        waves[s.x][SINES + s.y] -= s.up * im;
        waves[SINES + s.x][s.y] -= im;
        waves[SINES + s.x][SINES + s.y] -= s.up * re;
    }
    if (multiply(tile, waves[0], WAVES, &tile->out, along))
        return -1;
    transpose(along, WAVES, LK__TILE, turned);
    return multiply(tile, turned, LK__TILE, &tile->out, plane);
}
