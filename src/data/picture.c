// SPDX-License-Identifier: Apache-2.0
/* Memory of pictures, and their change between 8-bit and float. One allocation holds the public
 * struct, the count of references and, behind them on a cache line, the pixels. */
#include "data/picture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "base/size.h"
#include "base/wide.h"

enum { HEADER = 64 };

struct owned {
    struct lk_picture picture; /* first: the public pointer is this one */
    atomic_int references;
};

_Static_assert(sizeof(struct owned) <= HEADER, "the pixels start behind the header");

static size_t pixel_size(enum lk_pixel type)
{
    return type == LK_PIXEL_F32 ? sizeof(float) : sizeof(uint8_t);
}

int lk_picture_room(int width,
                    int height,
                    int channels,
                    enum lk_pixel type,
                    struct lk_picture **out,
                    struct lk_error *err)
{
    if (width < 1 || height < 1 || width > LK_PICTURE_MAX_SIDE || height > LK_PICTURE_MAX_SIDE ||
        (size_t)width * (size_t)height > LK_PICTURE_MAX_PIXELS)
        return lk_fail(err, LK_E_INPUT,
                       "a picture of %dx%d pixels is out of range: 1 to %d on a side, %zu pixels "
                       "at most",
                       width, height, LK_PICTURE_MAX_SIDE, LK_PICTURE_MAX_PIXELS);
    if (channels != 3 && channels != 4)
        return lk_fail(err, LK_E_INPUT, "a picture of %d channels is not supported: use 3 or 4",
                       channels);
    /* Within the limits above no product overflows. */
    size_t size = (size_t)width * (size_t)height * (size_t)channels * pixel_size(type);
    struct owned *owned = lk_memory_for_pixels(HEADER + size);
    if (!owned)
        return lk_fail_memory(err, "a picture", size);
    owned->picture = (struct lk_picture){
        .width = width,
        .height = height,
        .channels = channels,
        .type = type,
        .u8 = (uint8_t *)owned + HEADER,
    };
    atomic_init(&owned->references, 1);
    *out = &owned->picture;
    return 0;
}

static size_t numbers_of(const struct lk_picture *p)
{
    return (size_t)p->width * (size_t)p->height * (size_t)p->channels;
}

int lk_picture_new(int width,
                   int height,
                   int channels,
                   enum lk_pixel type,
                   struct lk_picture **out,
                   struct lk_error *err)
{
    int code = lk_picture_room(width, height, channels, type, out, err);
    if (!code)
        memset((*out)->u8, 0, numbers_of(*out) * pixel_size(type));
    return code;
}

struct lk_picture *lk_picture_ref(struct lk_picture *picture)
{
    struct owned *owned = (struct owned *)picture;
    atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
    return picture;
}

void lk_picture_free(struct lk_picture *picture)
{
    struct owned *owned = (struct owned *)picture;
    if (owned && atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel) == 1)
        free(owned);
}

LK_WIDE static void u8_to_f32(const uint8_t *in, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)in[i] / 255.0f;
}

/* Adding 1.5·2²³ leaves the nearest whole number (ties to even, as numpy rounds) in the low bits of
 * the sum; unlike lrintf this vectorises on every target. A comparison with NaN is false, so that
 * NaN takes the 0. A loop of its own for the bounds, since gcc makes branches of them in one. */
LK_WIDE static void f32_to_u8(const float *in, size_t n, uint8_t *out)
{
    enum { PIECE = 512 };
    float v[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t count = n - first < PIECE ? n - first : PIECE;
        for (size_t i = 0; i < count; i++) {
            v[i] = in[first + i] > 0.0f ? in[first + i] : 0.0f;
            v[i] = v[i] < 1.0f ? v[i] : 1.0f;
        }
        for (size_t i = 0; i < count; i++) {
            const float whole = v[i] * 255.0f + 0x1.8p23f;
            uint32_t bits;
            memcpy(&bits, &whole, sizeof bits);
            out[first + i] = (uint8_t)bits;
        }
    }
}

void lk_pixels_to_u8(const float *in, size_t n, uint8_t *out)
{
    f32_to_u8(in, n, out);
}

struct converting {
    const struct lk_picture *in;
    struct lk_picture *out;
};

enum { PART = 1 << 18 }; /* numbers of a task */

static void convert_part(void *what, size_t i)
{
    const struct converting *c = what;
    const size_t first = i * PART, all = numbers_of(c->in),
                 n = all - first < PART ? all - first : PART, size = pixel_size(c->in->type);
    if (c->in->type == c->out->type)
        memcpy(c->out->u8 + first * size, c->in->u8 + first * size, n * size);
    else if (c->out->type == LK_PIXEL_F32)
        u8_to_f32(c->in->u8 + first, n, c->out->f32 + first);
    else
        lk_pixels_to_u8(c->in->f32 + first, n, c->out->u8 + first);
}

int lk_picture_convert(const struct lk_picture *in,
                       enum lk_pixel type,
                       struct lk_picture **out,
                       struct lk_error *err)
{
    struct lk_picture *picture;
    int code = lk_picture_room(in->width, in->height, in->channels, type, &picture, err);
    if (code)
        return code;
    struct converting converting = {in, picture};
    lk_spread((numbers_of(in) + PART - 1) / PART, convert_part, &converting);
    *out = picture;
    return 0;
}
