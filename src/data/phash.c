// SPDX-License-Identifier: Apache-2.0
/* The perceptual hash of Zauner's "Implementation and Benchmarking of Perceptual Image Hash
 * Functions" (2010): the picture's luma at 32×32, its cosine transform
 *
 *     D[v][u] = Σy Σx L[y][x] · cos((2x+1)uπ/64) · cos((2y+1)vπ/64)
 *
 * and of the coefficients with 1 ≤ u, v ≤ 8 one bit each, whether it is above their median: bit
 * 8(v−1)+(u−1). Without row and column 0 neither brightness nor plain gradients have a say. */
#include "data/phash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, LOW = 8, BITS = LOW * LOW };

/* Rec. 601 luma of a 32×32 f32 picture. */
static void luma(const struct lk_picture *small, float out[SIDE][SIDE])
{
    const float *pixel = small->f32;
    for (int i = 0; i < SIDE * SIDE; i++, pixel += small->channels)
        out[i / SIDE][i % SIDE] = 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
}

/* Rows, then columns. */
static void transform(float in[SIDE][SIDE], float out[BITS])
{
    float wave[LOW][SIDE], rows[SIDE][LOW] = {{0}};
    for (int u = 0; u < LOW; u++)
        for (int x = 0; x < SIDE; x++)
            wave[u][x] = cosf((float)((2 * x + 1) * (u + 1)) * (float)M_PI / (2 * SIDE));
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < LOW; u++)
            for (int x = 0; x < SIDE; x++)
                rows[y][u] += in[y][x] * wave[u][x];
    memset(out, 0, BITS * sizeof *out);
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u++)
            for (int y = 0; y < SIDE; y++)
                out[LOW * v + u] += rows[y][u] * wave[v][y];
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static uint64_t above_median(const float values[BITS])
{
    float sorted[BITS];
    uint64_t bits = 0;
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, BITS, sizeof *sorted, by_value);
    float median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2;
    for (int i = 0; i < BITS; i++)
        bits |= (uint64_t)(values[i] > median) << i;
    return bits;
}

int lk_phash(const struct lk_picture *picture, uint64_t *out, struct lk_error *err)
{
    struct lk_picture *resized, *small;
    float pixels[SIDE][SIDE], values[BITS];
    int rc = lk_picture_resize(picture, SIDE, SIDE, &resized, err);
    if (rc)
        return rc;
    rc = lk_picture_convert(resized, LK_PIXEL_F32, &small, err);
    lk_picture_free(resized);
    if (rc)
        return rc;
    luma(small, pixels);
    lk_picture_free(small);
    transform(pixels, values);
    *out = above_median(values);
    return 0;
}

int lk_phash_distance(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}
