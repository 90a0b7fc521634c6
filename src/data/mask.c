// SPDX-License-Identifier: Apache-2.0
/* Masks. The Gaussian has OpenCV's size for float pictures, radius = round(4σ), so that masks equal
 * those of engines built on it. Rows are padded once and then summed tap by tap over the whole
 * row, which vectorises. */
#include "data/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/wide.h"
#include "data/picture.h"

int lk_mask_new(int width, int height, struct lk_mask **out, struct lk_error *err)
{
    if (width < 1 || height < 1 || width > LK_PICTURE_MAX_SIDE || height > LK_PICTURE_MAX_SIDE ||
        (size_t)width * (size_t)height > LK_PICTURE_MAX_PIXELS)
        return lk_fail(err, LK_E_INPUT, "a mask of %dx%d pixels is out of range: 1 to %d on a side",
                       width, height, LK_PICTURE_MAX_SIDE);
    size_t n = (size_t)width * (size_t)height;
    struct lk_mask *mask = malloc(sizeof *mask);
    float *value = calloc(n, sizeof *value);
    if (!mask || !value) {
        free(mask);
        free(value);
        return lk_fail_memory(err, "a mask", n * sizeof *value);
    }
    *mask = (struct lk_mask){.width = width, .height = height, .value = value};
    *out = mask;
    return 0;
}

void lk_mask_free(struct lk_mask *mask)
{
    if (!mask)
        return;
    free(mask->value);
    free(mask);
}

void lk_mask_intersect(struct lk_mask *a, const struct lk_mask *b)
{
    size_t n = (size_t)a->width * (size_t)a->height;
    for (size_t i = 0; i < n; i++)
        a->value[i] = b->value[i] < a->value[i] ? b->value[i] : a->value[i];
}

/* weight[2·radius + 1], sum 1 */
static void fill_gaussian(float *weight, int radius, double sigma)
{
    double sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += exp(-0.5 * i * i / (sigma * sigma));
    for (int i = -radius; i <= radius; i++)
        weight[i + radius] = (float)(exp(-0.5 * i * i / (sigma * sigma)) / sum);
}

/* out[n] += w · in[n] */
static void add_scaled(float *restrict out, const float *restrict in, float w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += w * in[i];
}

/* padded [width + 2·radius] is scratch. */
LK_WIDE static void blur_row(float *row, int width, const float *weight, int radius, float *padded)
{
    size_t n = (size_t)width, r = (size_t)radius;
    for (size_t i = 0; i < r; i++) {
        padded[i] = row[0];
        padded[r + n + i] = row[n - 1];
    }
    memcpy(padded + r, row, n * sizeof *row);
    memset(row, 0, n * sizeof *row);
    for (size_t k = 0; k <= 2 * r; k++)
        add_scaled(row, padded + k, weight[k], n);
}

/* from: a copy of the mask's values, blurred along the rows */
LK_WIDE static void blur_down(struct lk_mask *mask,
                              const float *from,
                              const float *weight,
                              int radius)
{
    size_t n = (size_t)mask->width;
    memset(mask->value, 0, n * (size_t)mask->height * sizeof *mask->value);
    for (int y = 0; y < mask->height; y++) {
        for (int k = -radius; k <= radius; k++) {
            int s = y + k < 0 ? 0 : y + k >= mask->height ? mask->height - 1 : y + k;
            add_scaled(mask->value + (size_t)y * n, from + (size_t)s * n, weight[k + radius], n);
        }
    }
}

int lk_mask_blur(struct lk_mask *mask, float sigma, struct lk_error *err)
{
    if (!(sigma <= LK_PICTURE_MAX_SIDE))
        return lk_fail(err, LK_E_INPUT, "a mask cannot be blurred by %g pixels", (double)sigma);
    if (sigma <= 0)
        return 0;
    int radius = (int)lrintf(4 * sigma);
    size_t n = (size_t)mask->width * (size_t)mask->height;
    size_t padded_size = (size_t)mask->width + 2 * (size_t)radius;
    float *weight = calloc(2 * (size_t)radius + 1, sizeof *weight);
    float *padded = malloc(padded_size * sizeof *padded);
    float *across = malloc(n * sizeof *across);
    int code = 0;
    if (!weight || !padded || !across) {
        code = lk_fail_memory(err, "blurring a mask", n * sizeof *across);
        goto fail;
    }
    fill_gaussian(weight, radius, sigma);
    memcpy(across, mask->value, n * sizeof *across);
    for (int y = 0; y < mask->height; y++)
        blur_row(across + (size_t)y * (size_t)mask->width, mask->width, weight, radius, padded);
    blur_down(mask, across, weight, radius);
fail:
    free(weight);
    free(padded);
    free(across);
    return code;
}

int lk_mask_of_picture(const struct lk_picture *picture, struct lk_mask **out, struct lk_error *err)
{
    static const float weight[] = {0.299f, 0.587f, 0.114f};
    struct lk_mask *mask = NULL;
    struct lk_picture *real = NULL;
    int rc = lk_picture_convert(picture, LK_PIXEL_F32, &real, err);
    rc = rc ? rc : lk_mask_new(picture->width, picture->height, &mask, err);
    for (size_t k = 0; !rc && k < (size_t)mask->width * (size_t)mask->height; k++)
        for (size_t c = 0; c < 3; c++)
            mask->value[k] += weight[c] * real->f32[k * (size_t)real->channels + c];
    lk_picture_free(real);
    if (!rc)
        *out = mask;
    return rc;
}

static int picture_of(const struct lk_mask *mask, struct lk_picture **out, struct lk_error *err)
{
    int rc = lk_picture_new(mask->width, mask->height, 3, LK_PIXEL_F32, out, err);
    for (size_t k = 0; !rc && k < 3 * (size_t)mask->width * (size_t)mask->height; k++)
        (*out)->f32[k] = mask->value[k / 3];
    return rc;
}

int lk_mask_region(const struct lk_mask *mask,
                   int x,
                   int y,
                   int width,
                   int height,
                   int to_width,
                   int to_height,
                   struct lk_mask **out,
                   struct lk_error *err)
{
    struct lk_picture *whole = NULL, *part = NULL, *sized = NULL;
    int rc = picture_of(mask, &whole, err);
    rc = rc ? rc : lk_picture_region(whole, x, y, width, height, &part, err);
    rc = rc ? rc : lk_picture_resize(part, to_width, to_height, &sized, err);
    rc = rc ? rc : lk_mask_of_picture(sized, out, err);
    lk_picture_free(whole);
    lk_picture_free(part);
    lk_picture_free(sized);
    return rc;
}
