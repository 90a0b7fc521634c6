// SPDX-License-Identifier: Apache-2.0
#include "stages/mark/watermark/tile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/mark/watermark/code.h"

enum { CELLS = LK__TILE * LK__TILE, LEAST = 2 };

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

int lk__tile_make(struct lk__tile *out, struct lk_error *err)
{
    static const int sides[] = {LK__TILE, LK__TILE};
    struct lk__tile tile = {
        kiss_fftnd_alloc(sides, 2, 0, NULL, NULL),
        kiss_fftnd_alloc(sides, 2, 1, NULL, NULL),
        malloc(CELLS * sizeof *tile.cells),
        malloc(CELLS * sizeof *tile.frequencies),
    };
    if (!tile.forward || !tile.backward || !tile.cells || !tile.frequencies) {
        lk__tile_free(&tile);
        return lk_fail_memory(err, "the watermark", 4 * CELLS * sizeof *tile.cells);
    }
    *out = tile;
    return 0;
}

void lk__tile_free(struct lk__tile *tile)
{
    kiss_fft_free(tile->forward);
    kiss_fft_free(tile->backward);
    free(tile->cells);
    free(tile->frequencies);
    *tile = (struct lk__tile){0};
}

/* Where pixel x lies in the tile. */
static int cell_of(int x, double scale)
{
    return (int)((x + 0.5) * scale) % LK__TILE;
}

static int fold(struct lk__tile *tile,
                const struct lk__field *field,
                double scale,
                struct lk_error *err)
{
    int *columns = malloc((size_t)field->width * sizeof *columns);
    if (!columns)
        return lk_fail_memory(err, "the watermark", (size_t)field->width * sizeof *columns);
    for (int x = 0; x < field->width; x++)
        columns[x] = cell_of(x, scale);
    memset(tile->cells, 0, CELLS * sizeof *tile->cells);
    for (int y = 0; y < field->height; y++) {
        kiss_fft_cpx *row = tile->cells + (size_t)cell_of(y, scale) * LK__TILE;
        const float *detail = field->detail + (size_t)y * (size_t)field->width;
        for (int x = 0; x < field->width; x++)
            row[columns[x]].r += detail[x];
    }
    free(columns);
    return 0;
}

size_t lk__tile_index(int x, int y)
{
    return (size_t)((y + LK__TILE) % LK__TILE) * LK__TILE + (size_t)((x + LK__TILE) % LK__TILE);
}

int lk__tile_measure(struct lk__tile *tile,
                     const struct lk__field *field,
                     double scale,
                     const struct lk__layout *layout,
                     float complex *out,
                     struct lk_error *err)
{
    int rc = fold(tile, field, scale, err);
    if (rc)
        return rc;
    kiss_fftnd(tile->forward, tile->cells, tile->frequencies);
    double layers = (double)field->width * field->height / CELLS * field->gain,
           step = scale / LK__TILE;
    for (int i = 0; i < layout->count; i++) {
        const struct lk__carrier *c = &layout->carriers[i];
        kiss_fft_cpx v = tile->frequencies[lk__tile_index(c->x, c->y)];
        float per = (float)(1 / (layers * lk__field_response(c->x * step, c->y * step)));
        out[i] = per * (v.r + v.i * I);
    }
    return 0;
}

void lk__tile_draw(struct lk__tile *tile,
                   const struct lk__layout *layout,
                   const float complex *values)
{
    memset(tile->frequencies, 0, CELLS * sizeof *tile->frequencies);
    for (int i = 0; i < layout->count; i++) {
        const struct lk__carrier *c = &layout->carriers[i];
        float re = crealf(values[i]) / CELLS, im = cimagf(values[i]) / CELLS;
        tile->frequencies[lk__tile_index(c->x, c->y)] = (kiss_fft_cpx){re, im};
        tile->frequencies[lk__tile_index(-c->x, -c->y)] = (kiss_fft_cpx){re, -im};
    }
    kiss_fftnd(tile->backward, tile->frequencies, tile->cells);
}
