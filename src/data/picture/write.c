// SPDX-License-Identifier: Apache-2.0
/* Writing: libvips encodes the bare pixels; the texts are put into the finished file by
 * text.c, because libvips rewrites EXIF and writes PNG text as Latin-1 only. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/size.h"
#include "data/picture/text.h"
#include "data/picture/vips.h"

enum { QUALITY = 95 };

static int save_png(VipsImage *in, void **bytes, size_t *size)
{
    return vips_pngsave_buffer(in, bytes, size, "strip", TRUE, "filter",
                               VIPS_FOREIGN_PNG_FILTER_SUB, NULL);
}

/* JPEG has no alpha: on white, as pictures are read. Huffman tables of its own would make a file a
 * fiftieth smaller, and double the time that it takes. */
static int save_jpeg(VipsImage *in, void **bytes, size_t *size)
{
    double white[] = {255, 255, 255};
    VipsArrayDouble *background = vips_array_double_new(white, 3);
    int failed = vips_jpegsave_buffer(in, bytes, size, "Q", QUALITY, "strip", TRUE, "background",
                                      background, NULL);
    vips_area_unref(VIPS_AREA(background));
    return failed;
}

static int save_webp(VipsImage *in, void **bytes, size_t *size)
{
    return vips_webpsave_buffer(in, bytes, size, "Q", QUALITY, "strip", TRUE, NULL);
}

static int save_tiff(VipsImage *in, void **bytes, size_t *size)
{
    return vips_tiffsave_buffer(in, bytes, size, "compression",
                                VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, NULL);
}

static const struct format {
    const char *name, *title;
    const char *endings[3];
    int (*save)(VipsImage *in, void **bytes, size_t *size);
    /* Exchanges *bytes for a copy with the texts in it. */
    int (*add_text)(const struct lk_picture_text *text,
                    void **bytes,
                    size_t *size,
                    struct lk_error *err);
} formats[] = {
    [LK_FORMAT_PNG] = {"png", "PNG", {".png"}, save_png, lk__png_add_text},
    [LK_FORMAT_JPEG] = {"jpeg", "JPEG", {".jpg", ".jpeg"}, save_jpeg, lk__jpeg_add_text},
    [LK_FORMAT_WEBP] = {"webp", "WebP", {".webp"}, save_webp, lk__webp_add_text},
    [LK_FORMAT_TIFF] = {"tiff", "TIFF", {".tif", ".tiff"}, save_tiff, NULL},
};

const char *lk_format_name(enum lk_format format)
{
    return formats[format].name;
}

int lk_format_of_path(const char *path, enum lk_format *out, struct lk_error *err)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < LK_ARRAY_LENGTH(formats); i++) {
        for (size_t j = 0; formats[i].endings[j]; j++) {
            if (strcasecmp(dot, formats[i].endings[j]) == 0) {
                *out = (enum lk_format)i;
                return 0;
            }
        }
    }
    return lk_fail(err, LK_E_INPUT,
                   "'%s' has no known picture ending: use .png, .jpg, .jpeg, .webp, .tif or .tiff",
                   path);
}

/* TIFF keeps texts in tags that libvips writes itself. */
static void set_tiff_text(VipsImage *image, const struct lk_picture_text *text)
{
    if (text->parameters)
        vips_image_set_string(image, VIPS_META_IMAGEDESCRIPTION, text->parameters);
    if (text->xmp)
        vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, text->xmp, strlen(text->xmp));
}

static int encode_u8(const struct lk_picture *picture,
                     enum lk_format format,
                     const struct lk_picture_text *text,
                     void **bytes,
                     size_t *size,
                     struct lk_error *err)
{
    const struct format *f = &formats[format];
    VipsImage *image;
    int code = lk__vips_wrap(picture, &image, err);
    if (code)
        return code;
    if (format == LK_FORMAT_TIFF)
        set_tiff_text(image, text);
    void *encoded = NULL;
    size_t n = 0;
    if (f->save(image, &encoded, &n))
        code = lk__vips_fail(err, LK_E_FAILED,
                             "a picture of %dx%d pixels cannot be written as %s: use PNG",
                             picture->width, picture->height, f->title);
    g_object_unref(image);
    if (!code && f->add_text)
        code = f->add_text(text, &encoded, &n, err);
    if (code) {
        free(encoded);
        return code;
    }
    *bytes = encoded;
    *size = n;
    return 0;
}

int lk_picture_encode(const struct lk_picture *picture,
                      enum lk_format format,
                      const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err)
{
    static const struct lk_picture_text none;
    if ((size_t)format >= LK_ARRAY_LENGTH(formats))
        return lk_fail(err, LK_E_INPUT, "picture format %d does not exist", (int)format);
    if (!text)
        text = &none;
    if ((text->parameters && !g_utf8_validate(text->parameters, -1, NULL)) ||
        (text->xmp && !g_utf8_validate(text->xmp, -1, NULL)))
        return lk_fail(err, LK_E_INPUT, "a text to write into a picture is not UTF-8");
    if (picture->type == LK_PIXEL_U8)
        return encode_u8(picture, format, text, bytes, size, err);
    struct lk_picture *rounded;
    int code = lk_picture_convert(picture, LK_PIXEL_U8, &rounded, err);
    if (code)
        return code;
    code = encode_u8(rounded, format, text, bytes, size, err);
    lk_picture_free(rounded);
    return code;
}
