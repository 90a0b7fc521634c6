// SPDX-License-Identifier: Apache-2.0
#include "stages/watermark_attacks.h"

#include <math.h>
#include <stdlib.h>

#include <vips/vips.h>

#include "base/size.h"
#include "support/check.h"
#include "support/scratch.h"

/* One row: each step of the way is left out where it is 0. */
struct row {
    struct attack attack;
    double crop;    /* share of each side that is cut away */
    int canvas;     /* pixels of grey screen around it, at odd offsets */
    double resize;  /* to this part of its size, and back */
    double scale;   /* to this part of its size, and not back */
    double bright;  /* factor */
    int blur;       /* side of the box */
    int jpeg, webp; /* quality */
};

// clang-format off
static const struct row rows[] = {
    {{"none", 128}},
    {{"JPEG 80", 256}, .jpeg = 80},
    {{"JPEG 50", 512}, .jpeg = 50},
    {{"WebP 50", 512}, .webp = 50},
    {{"half size and back", 512}, .resize = 0.5},
    {{"20 % of each side cut off", 512}, .crop = 0.2},
    {{"10 % brighter", 256}, .bright = 1.1},
    {{"10 % darker", 256}, .bright = 0.9},
    {{"3×3 blur", 256}, .blur = 3},
    {{"screenshot, JPEG 75", 512}, .canvas = 61, .jpeg = 75},
    {{"blur, cut and JPEG 75", 512}, .crop = 0.1, .blur = 3, .jpeg = 75},
    {{"shown at 125 %, JPEG 75", 512}, .scale = 1.25, .canvas = 61, .jpeg = 75},
    {{"shown at 70 %, JPEG 85", 512}, .scale = 0.7, .jpeg = 85},
};
// clang-format on

const struct attack *attacks(size_t *count)
{
    static struct attack list[LK_ARRAY_LENGTH(rows)];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++)
        list[i] = rows[i].attack;
    *count = LK_ARRAY_LENGTH(rows);
    return list;
}

/* Replaces *image by what a step has made of it. */
static void step(VipsImage **image, VipsImage *made, int failed)
{
    if (failed)
        fail_msg("%s", vips_error_buffer());
    g_object_unref(*image);
    *image = made;
}

static void resize_to(VipsImage **image, int width, int height)
{
    VipsImage *made = NULL;
    int failed = vips_resize(*image, &made, (double)width / (*image)->Xsize, "vscale",
                             (double)height / (*image)->Ysize, NULL);
    step(image, made, failed);
}

static void shape(VipsImage **image, const struct row *row)
{
    VipsImage *made = NULL;
    int w = (*image)->Xsize, h = (*image)->Ysize, failed;
    if (row->crop > 0) {
        double keep = 1 - row->crop;
        failed =
            vips_extract_area(*image, &made, (int)(w * row->crop * 0.37),
                              (int)(h * row->crop * 0.71), (int)(w * keep), (int)(h * keep), NULL);
        step(image, made, failed);
    }
    if (row->resize > 0) {
        resize_to(image, (int)(w * row->resize), (int)(h * row->resize));
        resize_to(image, w, h);
    }
    if (row->scale > 0)
        resize_to(image, (int)(w * row->scale), (int)(h * row->scale));
    if (row->canvas) {
        double grey[] = {225, 226, 228};
        VipsArrayDouble *background = vips_array_double_new(grey, 3);
        failed = vips_embed(*image, &made, row->canvas, row->canvas + 16,
                            (*image)->Xsize + 2 * row->canvas, (*image)->Ysize + 3 * row->canvas,
                            "extend", VIPS_EXTEND_BACKGROUND, "background", background, NULL);
        vips_area_unref(VIPS_AREA(background));
        step(image, made, failed);
    }
}

static void shade(VipsImage **image, const struct row *row)
{
    VipsImage *made = NULL;
    int failed;
    if (row->bright > 0) {
        failed = vips_linear1(*image, &made, row->bright, 0, "uchar", TRUE, NULL);
        step(image, made, failed);
    }
    if (row->blur) {
        VipsImage *box = vips_image_new_matrix(row->blur, row->blur);
        for (int i = 0; i < row->blur * row->blur; i++)
            *VIPS_MATRIX(box, i % row->blur, i / row->blur) = 1;
        vips_image_set_double(box, "scale", row->blur * row->blur);
        failed = vips_conv(*image, &made, box, "precision", VIPS_PRECISION_INTEGER, NULL);
        g_object_unref(box);
        step(image, made, failed);
    }
}

/* Through a file of the format; out is independent of its bytes. */
static struct lk_picture *recompress(VipsImage *image, const struct row *row)
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    void *bytes = NULL;
    size_t size = 0;
    int failed = row->jpeg   ? vips_jpegsave_buffer(image, &bytes, &size, "Q", row->jpeg, NULL)
                 : row->webp ? vips_webpsave_buffer(image, &bytes, &size, "Q", row->webp, NULL)
                             : vips_pngsave_buffer(image, &bytes, &size, "compression", 1, NULL);
    if (failed)
        fail_msg("%s", vips_error_buffer());
    assert_ok(lk_picture_read_bytes(bytes, size, row->attack.name, &out, &err), &err);
    g_free(bytes);
    return out;
}

struct lk_picture *attacked(const struct lk_picture *in, const struct attack *attack)
{
    const struct row *row = rows;
    while (strcmp(row->attack.name, attack->name) != 0)
        row++;
    VipsImage *image = NULL,
              *plain =
                  vips_image_new_from_memory(in->u8, (size_t)in->width * (size_t)in->height * 3,
                                             in->width, in->height, 3, VIPS_FORMAT_UCHAR);
    assert_non_null(plain);
    assert_int_equal(vips_copy(plain, &image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
    g_object_unref(plain);
    shape(&image, row);
    shade(&image, row);
    struct lk_picture *out = recompress(image, row);
    g_object_unref(image);
    return out;
}

struct lk_picture *photo_square(const char *name, int side)
{
    struct lk_error err;
    struct lk_picture *photo = NULL, *square = NULL, *out = NULL;
    char path[512];
    snprintf(path, sizeof path, "photos/%s", name);
    assert_ok(lk_picture_read(shared_path(path), &photo, &err), &err);
    int most = photo->width < photo->height ? photo->width : photo->height;
    int x0 = (photo->width - most) / 2, y0 = (photo->height - most) / 2;
    assert_ok(lk_picture_new(most, most, 3, LK_PIXEL_U8, &square, &err), &err);
    for (int y = 0; y < most; y++)
        memcpy(square->u8 + (size_t)y * (size_t)most * 3,
               photo->u8 + ((size_t)(y0 + y) * (size_t)photo->width + (size_t)x0) * 3,
               (size_t)most * 3);
    assert_ok(lk_picture_resize(square, side, side, &out, &err), &err);
    lk_picture_free(square);
    lk_picture_free(photo);
    return out;
}

double psnr(const struct lk_picture *a, const struct lk_picture *b)
{
    size_t n = (size_t)a->width * (size_t)a->height * 3;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (a->u8[i] - b->u8[i]) * (a->u8[i] - b->u8[i]);
    return 10 * log10(255.0 * 255.0 * (double)n / sum);
}
