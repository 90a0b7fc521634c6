// SPDX-License-Identifier: Apache-2.0
/* Parts of pictures: cut out, surrounded by their edges, and closed where something is missing. */
#include <stdlib.h>
#include <string.h>

#include "data/mask.h"
#include "data/picture.h"

static size_t pixel_size(const struct lk_picture *p)
{
    return (size_t)p->channels * (p->type == LK_PIXEL_F32 ? sizeof(float) : 1);
}

static int clamp(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

int lk_picture_region(const struct lk_picture *in,
                      int x,
                      int y,
                      int width,
                      int height,
                      struct lk_picture **out,
                      struct lk_error *err)
{
    struct lk_picture *region;
    int rc = lk_picture_room(width, height, in->channels, in->type, &region, err);
    if (rc)
        return rc;
    const size_t size = pixel_size(in);
    for (int v = 0; v < height; v++) {
        const uint8_t *from = in->u8 + (size_t)clamp(y + v, in->height - 1) * in->width * size;
        uint8_t *to = region->u8 + (size_t)v * width * size;
        for (int u = 0; u < width; u++)
            memcpy(to + (size_t)u * size, from + (size_t)clamp(x + u, in->width - 1) * size, size);
    }
    *out = region;
    return 0;
}

/* One level of the pyramid: colours times weight, and weight [h,w,4]. */
struct level {
    int width, height;
    float *sums;
};

/* Half as large: what is known of the four pixels, at most of weight 1. */
static int halve(const struct level *in, struct level *out, struct lk_error *err)
{
    out->width = (in->width + 1) / 2;
    out->height = (in->height + 1) / 2;
    const size_t n = (size_t)out->width * out->height * 4;
    out->sums = calloc(n, sizeof *out->sums);
    if (!out->sums)
        return lk_fail_memory(err, "filling a picture", n * sizeof *out->sums);
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++)
            for (size_t c = 0; c < 4; c++)
                out->sums[((size_t)(y / 2) * out->width + (size_t)x / 2) * 4 + c] +=
                    in->sums[((size_t)y * in->width + x) * 4 + c];
    for (size_t k = 0; k < n; k += 4) {
        const float weight = out->sums[k + 3];
        for (size_t c = 0; c < 4 && weight > 1; c++)
            out->sums[k + c] /= weight;
    }
    return 0;
}

/* The colour of a coarser level at a place of a finer one, between its four nearest. */
static float between(const struct level *l, float x, float y, size_t c)
{
    const int left = (int)x, top = (int)y;
    const int right = clamp(left + 1, l->width - 1), below = clamp(top + 1, l->height - 1);
    const float u = x - (float)left, v = y - (float)top;
    const float *s = l->sums;
    float a = s[((size_t)top * l->width + left) * 4 + c] * (1 - u) +
              s[((size_t)top * l->width + right) * 4 + c] * u;
    float b = s[((size_t)below * l->width + left) * 4 + c] * (1 - u) +
              s[((size_t)below * l->width + right) * 4 + c] * u;
    return a * (1 - v) + b * v;
}

/* What is missing comes from the coarser level, which is complete. */
static void complete(struct level *fine, const struct level *coarse)
{
    for (int y = 0; y < fine->height; y++) {
        for (int x = 0; x < fine->width; x++) {
            float *s = fine->sums + ((size_t)y * fine->width + x) * 4;
            const float left = 1 - s[3];
            float u = (float)x / 2 - 0.25f, v = (float)y / 2 - 0.25f;
            for (size_t c = 0; c < 3; c++)
                s[c] += left * between(coarse, u < 0 ? 0 : u, v < 0 ? 0 : v, c);
            s[3] = 1;
        }
    }
}

static int fill_level(struct level *fine, struct lk_error *err)
{
    struct level coarse = {0};
    float *last = fine->sums;
    if (fine->width == 1 && fine->height == 1) {
        for (size_t c = 0; c < 3 && last[3] > 0; c++)
            last[c] /= last[3];
        return 0;
    }
    int rc = halve(fine, &coarse, err);
    rc = rc ? rc : fill_level(&coarse, err);
    if (!rc)
        complete(fine, &coarse);
    free(coarse.sums);
    return rc;
}

int lk_picture_fill(struct lk_picture *picture, const struct lk_mask *mask, struct lk_error *err)
{
    const size_t n = (size_t)picture->width * picture->height, step = picture->channels;
    struct level whole = {picture->width, picture->height, malloc(n * 4 * sizeof(float))};
    if (!whole.sums)
        return lk_fail_memory(err, "filling a picture", n * 4 * sizeof(float));
    for (size_t k = 0; k < n; k++) {
        const float known = 1 - mask->value[k];
        for (size_t c = 0; c < 3; c++)
            whole.sums[4 * k + c] = known * picture->f32[k * step + c];
        whole.sums[4 * k + 3] = known;
    }
    int rc = fill_level(&whole, err);
    for (size_t k = 0; k < n && !rc; k++)
        for (size_t c = 0; c < 3 && mask->value[k] > 0; c++)
            picture->f32[k * step + c] = whole.sums[4 * k + c];
    free(whole.sums);
    return rc;
}
