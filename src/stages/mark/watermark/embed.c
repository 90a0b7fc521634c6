// SPDX-License-Identifier: Apache-2.0
/* Writing. marked = picture + level · p(x mod 128, y mod 128), p the tile whose frequencies carry
 * the signs.
 *
 * The picture itself already says something at every carrier, which a reader cannot tell from the
 * mark, but which is known here. So each part of each carrier is pushed only as far as it takes for
 * the sum to have the wanted sign and at least the amplitude τ: carriers that agree by chance cost
 * nothing, those that contradict are paid for (informed embedding: Miller, Doërr and Cox, 2004).
 * τ is then the largest that the budget allows, see below. */
#include <math.h>

#include "base/parallel.h"
#include "base/wide.h"
#include "stages/mark/watermark.h"
#include "stages/mark/watermark/code.h"
#include "stages/mark/watermark/tile.h"

/* A mark has √MOST of the level's amplitude at most (pictures that are almost all even come to it),
 * and leaves PSNR dB. Small pictures repeat the tile less often: for each halving of the side PSNR
 * may be less by SMALLER from 512 pixels on. */
static const double MOST = 2, PSNR = 40.4, SMALLER = 2.5;

/* Which signs the two parts of carrier i shall have. */
static void wanted_signs(const struct lk__layout *layout,
                         const int8_t code[LK__CODE_SIGNS],
                         int i,
                         float out[2])
{
    for (int part = 0; part < 2; part++) {
        int sign = i < layout->sync ? 1 : code[lk__layout_sign(layout, i, part)];
        out[part] = (float)(sign * layout->carriers[i].sign[part]);
    }
}

/* What has to be added to `has` so that it has the sign and the amplitude: at most twice that. */
static float push(float has, float sign, float amplitude)
{
    float lacks = amplitude - sign * has;
    return sign * (lacks < 0 ? 0 : fminf(lacks, 2 * amplitude));
}

/* values[layout->count]: what the mark adds to what the picture has; returns the mean square of the
 * tile's pixels. */
static double push_all(const struct lk__layout *layout,
                       const int8_t code[LK__CODE_SIGNS],
                       const float complex *has,
                       float amplitude,
                       float complex *values)
{
    double energy = 0;
    for (int i = 0; i < layout->count; i++) {
        float want[2];
        wanted_signs(layout, code, i, want);
        float re = push(crealf(has[i]), want[0], amplitude);
        float im = push(cimagf(has[i]), want[1], amplitude);
        values[i] = re + im * I;
        energy += 2 * (re * re + im * im);
    }
    return energy / ((double)LK__TILE * LK__TILE * LK__TILE * LK__TILE);
}

/* The mean square that the tile may have. */
static double budget(const struct lk__field *field)
{
    const double n = (double)field->width * field->height;
    double halvings = fmax(0, log2(512 / sqrt(n)));
    double error = 255 * 255 / pow(10, (PSNR - SMALLER * halvings) / 10);
    return fmin(MOST, error / field->square);
}

/* The strongest mark within the budget, by bisection: energy grows with the amplitude. */
static void choose_values(const struct lk__layout *layout,
                          const int8_t code[LK__CODE_SIGNS],
                          const float complex *has,
                          double most,
                          float complex *values)
{
    float low = 0, high = LK__TILE * LK__TILE;
    for (int i = 0; i < 40; i++) {
        float middle = (low + high) / 2;
        if (push_all(layout, code, has, middle, values) > most)
            high = middle;
        else
            low = middle;
    }
    push_all(layout, code, has, low, values);
}

/* The same step for all channels: luma changes, colour does not, nor alpha. */
struct adding {
    const struct lk__field *field;
    const float *tile; /* [LK__TILE, LK__TILE] */
    const struct lk_picture *in;
    struct lk_picture *out; /* u8 */
};

/* n pixels of so many channels, from number `first` on; level, tile [n], n ≤ LK__TILE. Inlined once
 * for each number of channels. */
static inline __attribute__((always_inline)) void add_pixels(const struct adding *a,
                                                             size_t channels,
                                                             size_t first,
                                                             size_t n,
                                                             const float *level,
                                                             const float *tile)
{
    const size_t count = n * channels, at = first * channels;
    float step[LK__TILE], marked[LK__TILE * 4];
    for (size_t x = 0; x < n; x++)
        step[x] = level[x] * tile[x] / 255;
    for (size_t x = 0; x < n; x++)
        for (size_t c = 0; c < channels; c++)
            marked[x * channels + c] = c < 3 ? step[x] : 0;
    if (a->in->type == LK_PIXEL_F32) {
        for (size_t i = 0; i < count; i++)
            marked[i] += a->in->f32[at + i];
    } else {
        for (size_t i = 0; i < count; i++)
            marked[i] += (float)a->in->u8[at + i] / 255.0f;
    }
    lk_pixels_to_u8(marked, count, a->out->u8 + at);
}

LK_WIDE static void add_row(void *what, size_t y)
{
    const struct adding *a = what;
    const size_t width = (size_t)a->field->width;
    const float *tile = a->tile + y % LK__TILE * LK__TILE;
    for (size_t x = 0; x < width; x += LK__TILE) {
        const size_t first = y * width + x, n = width - x < LK__TILE ? width - x : LK__TILE;
        if (a->in->channels == 3)
            add_pixels(a, 3, first, n, a->field->level + first, tile);
        else
            add_pixels(a, 4, first, n, a->field->level + first, tile);
    }
}

/* plane [LK__TILE, LK__TILE]: what is to be added, in steps of 255, at a level of 1. */
static int make_plane(const struct lk__field *field,
                      const struct lk_key *key,
                      uint64_t id,
                      float *plane)
{
    struct lk__layout layout;
    struct lk__tile tile;
    int8_t code[LK__CODE_SIGNS];
    float complex has[LK__CARRIERS_MAX], values[LK__CARRIERS_MAX];
    int rc = lk__tile_make(&tile);
    lk__layout_make(key, &layout);
    lk__code_write(key, id, code);
    rc = rc ? rc : lk__tile_measure(&tile, field, 1, &layout, has);
    if (!rc) {
        choose_values(&layout, code, has, budget(field), values);
        for (int i = 0; i < layout.count; i++) /* a wave and its conjugate; the sum is of e^−iθ */
            values[i] = conjf(values[i]) * 2 / (LK__TILE * LK__TILE);
        rc = lk__tile_sum(&tile, &layout, layout.count, values, plane);
    }
    lk__tile_free(&tile);
    return rc;
}

int lk_watermark_embed(const struct lk_picture *in,
                       const lk_watermark_ground *ground,
                       const struct lk_key *key,
                       uint64_t id,
                       int threads,
                       struct lk_picture **out,
                       struct lk_error *err)
{
    float plane[LK__TILE * LK__TILE];
    if (in->width < LK_WATERMARK_SIDE || in->height < LK_WATERMARK_SIDE)
        return lk_fail(err, LK_E_INPUT,
                       "a picture of %dx%d pixels cannot carry a hidden mark: each side must have "
                       "%d at least",
                       in->width, in->height, LK_WATERMARK_SIDE);
    if (make_plane(&ground->field, key, id, plane))
        return lk_fail_memory(err, "the watermark", sizeof plane);
    struct lk_picture *marked;
    const int rc = lk_picture_room(in->width, in->height, in->channels, LK_PIXEL_U8, &marked, err);
    if (rc)
        return rc;
    struct adding adding = {&ground->field, plane, in, marked};
    lk_parallel(threads, (size_t)in->height, add_row, &adding);
    *out = marked;
    return 0;
}
