// SPDX-License-Identifier: Apache-2.0
/* The `dwtDct` of github.com/ShieldMnt/invisible-watermark (MIT), imwatermark/maxDct.py, written
 * anew. In spite of its name it has no DCT: the U of YUV is halved by a Haar step,
 *
 *     a = (u₀₀ + u₀₁ + u₁₀ + u₁₁) / 2,
 *
 * and in each block of 4×4 the largest |a| but the first carries one bit in what is left of it
 * modulo 36: a quarter of 36 is 0, three quarters are 1. Blocks take the bits in turn; the decoder
 * lets them vote.
 *
 * Where the package lets the carrier sink below another one, so that its decoder looks at the wrong
 * place, the nearest value that stays the largest is taken here. */
#include <math.h>
#include <stdlib.h>

#include "stages/mark/watermark.h"

enum { BLOCK = 4, SIDE = 2 * BLOCK };

static const float SCALE = 36;

/* OpenCV's YUV of a pixel [3] 0…1: U in steps of 255. */
static float chroma(const float *rgb)
{
    float y = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    return roundf(255 * 0.492f * (rgb[2] - y) + 128);
}

/* The value nearest to `has` that says the bit and is above `other`. */
static float with_bit(float has, float other, int bit)
{
    float low = (floorf(has / SCALE) - 1 + 0.25f + 0.5f * (float)bit) * SCALE, best = low;
    for (int i = 0; i < 4; i++) {
        float value = low + (float)i * SCALE;
        if (value > other + 4 && (best <= other + 4 || fabsf(value - has) < fabsf(best - has)))
            best = value;
    }
    return best;
}

/* Moves the four pixels behind a coefficient: U by `step`, Y and V stay. */
static void move(struct lk_picture *picture, int x, int y, float step)
{
    for (int i = 0; i < 4; i++) {
        size_t at = (size_t)(y + i / 2) * (size_t)picture->width + (size_t)(x + i % 2);
        float *rgb = picture->f32 + at * (size_t)picture->channels;
        rgb[1] = fminf(fmaxf(rgb[1] - 0.395f * step / 255, 0), 1);
        rgb[2] = fminf(fmaxf(rgb[2] + 2.032f * step / 255, 0), 1);
    }
}

static float coefficient(const struct lk_picture *picture, int x, int y)
{
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        size_t at = (size_t)(y + i / 2) * (size_t)picture->width + (size_t)(x + i % 2);
        sum += chroma(picture->f32 + at * (size_t)picture->channels);
    }
    return sum / 2;
}

/* U is never below 0, so the largest is the largest in magnitude. */
static void write_bit(struct lk_picture *picture, int x0, int y0, int bit)
{
    float most = 0, second = 0;
    int at = 1;
    for (int i = 1; i < BLOCK * BLOCK; i++) {
        float v = coefficient(picture, x0 + 2 * (i % BLOCK), y0 + 2 * (i / BLOCK));
        if (v > most) {
            second = most;
            most = v;
            at = i;
        } else if (v > second) {
            second = v;
        }
    }
    move(picture, x0 + 2 * (at % BLOCK), y0 + 2 * (at / BLOCK),
         (with_bit(most, second, bit) - most) / 2);
}

int lk_watermark_embed_dwt_dct(const struct lk_picture *in,
                               uint64_t id,
                               struct lk_picture **out,
                               struct lk_error *err)
{
    struct lk_picture *picture = NULL;
    int columns = in->width / SIDE, rows = in->height / SIDE;
    if (columns * rows < 64)
        return lk_fail(err, LK_E_INPUT,
                       "a picture of %dx%d pixels cannot carry 64 bits by dwt-dct: it must have 64 "
                       "squares of %d pixels",
                       in->width, in->height, SIDE);
    int rc = lk_picture_convert(in, LK_PIXEL_F32, &picture, err);
    if (rc)
        return rc;
    for (int i = 0; i < columns * rows; i++)
        write_bit(picture, SIDE * (i % columns), SIDE * (i / columns),
                  (int)(id >> (63 - i % 64) & 1));
    rc = lk_picture_convert(picture, in->type, out, err);
    lk_picture_free(picture);
    return rc;
}
