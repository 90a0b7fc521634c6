// SPDX-License-Identifier: Apache-2.0
/* The visible mark: a small RGBA picture, of letters or of a logo, laid over a corner. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "data/picture/vips.h"

enum { PARTS = 12, LEAST = 8, RIM = 2 };

static const float opacity = 0.8f;

/* White where there are letters and a dark rim around them: on any ground one of the two shows.
 * in [height, width, 1]: 255 where letters are; out is RIM larger on every side. */
static void fill_letters(const struct lk_picture *out, const uint8_t *in, int width, int height)
{
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t ink = in[(size_t)y * (size_t)width + (size_t)x];
            for (int near = 0; near < (2 * RIM + 1) * (2 * RIM + 1); near++) {
                int row = y + near / (2 * RIM + 1), column = x + near % (2 * RIM + 1);
                uint8_t *to = out->u8 + 4 * ((size_t)row * (size_t)out->width + (size_t)column);
                if (near == 2 * RIM * (RIM + 1))
                    memset(to, ink, 3);
                to[3] = to[3] > ink ? to[3] : ink;
            }
        }
    }
}

/* The letters' grey values, g_malloc'd, with their size; NULL when they cannot be drawn. */
static uint8_t *render_letters(const char *text, int height, int *width, int *rows)
{
    VipsImage *grey = NULL;
    uint8_t *pixels = NULL;
    size_t size;
    char font[32];
    snprintf(font, sizeof font, "sans bold %d", height);
    gchar *plain = g_markup_escape_text(text, -1);
    if (vips_text(&grey, plain, "font", font, "dpi", 72, NULL) == 0) {
        pixels = vips_image_write_to_memory(grey, &size);
        *width = vips_image_get_width(grey);
        *rows = vips_image_get_height(grey);
        g_object_unref(grey);
    }
    g_free(plain);
    return pixels;
}

static int draw_text(const char *text, int height, struct lk_picture **out, struct lk_error *err)
{
    int width, rows, code = lk__vips_start(err);
    if (code)
        return code;
    if (!*text || !g_utf8_validate(text, -1, NULL))
        return lk_fail(err, LK_E_INPUT, "a text to be drawn is empty or not UTF-8");
    uint8_t *pixels = render_letters(text, height, &width, &rows);
    if (!pixels)
        return lk__vips_fail(err, LK_E_INPUT, "the text '%.100s' cannot be drawn", text);
    code = lk_picture_new(width + 2 * RIM, rows + 2 * RIM, 4, LK_PIXEL_U8, out, err);
    if (!code)
        fill_letters(*out, pixels, width, rows);
    g_free(pixels);
    return code;
}

/* As sRGB with alpha, in 8 bit. */
static int read_logo(const char *path, struct lk_picture **out, struct lk_error *err)
{
    struct lk_file file;
    VipsImage *image = NULL, *srgb = NULL, *alpha = NULL, *bytes = NULL;
    int code = lk_file_map(path, &file, err);
    if (code == LK_E_MISSING) /* that is for models: a picture is the user's input */
        return lk_fail(err, LK_E_INPUT, "logo '%s' does not exist: check the path", path);
    if (code)
        return code;
    code = lk__vips_open(file.bytes, file.size, path, &image, err);
    if (!code && (vips_colourspace(image, &srgb, VIPS_INTERPRETATION_sRGB, NULL) ||
                  (vips_image_hasalpha(srgb) ? vips_copy(srgb, &alpha, NULL)
                                             : vips_addalpha(srgb, &alpha, NULL)) ||
                  vips_cast(alpha, &bytes, VIPS_FORMAT_UCHAR, NULL)))
        code = lk__vips_fail(err, LK_E_INPUT, "logo '%s' cannot be read", path);
    code = code ? code : lk__vips_render(bytes, path, out, err);
    g_clear_object(&image);
    g_clear_object(&srgb);
    g_clear_object(&alpha);
    g_clear_object(&bytes);
    lk_file_unmap(&file);
    return code;
}

/* Makes it at most `height` high and `width` wide. */
static int fit(struct lk_picture **stamp, int width, int height, struct lk_error *err)
{
    double scale = (double)height / (*stamp)->height;
    if (scale * (*stamp)->width > width)
        scale = (double)width / (*stamp)->width;
    int w = (int)(scale * (*stamp)->width), h = (int)(scale * (*stamp)->height);
    struct lk_picture *fitted;
    int code = lk_picture_resize(*stamp, w > 0 ? w : 1, h > 0 ? h : 1, &fitted, err);
    if (code)
        return code;
    lk_picture_free(*stamp);
    *stamp = fitted;
    return 0;
}

/* picture: f32; stamp: u8, RGBA; it lies within. */
static void lay_over(struct lk_picture *picture, const struct lk_picture *stamp, int x0, int y0)
{
    for (int y = 0; y < stamp->height; y++) {
        for (int x = 0; x < stamp->width; x++) {
            const uint8_t *from = stamp->u8 + 4 * ((size_t)y * (size_t)stamp->width + (size_t)x);
            float *to =
                picture->f32 + (size_t)picture->channels *
                                   ((size_t)(y0 + y) * (size_t)picture->width + (size_t)(x0 + x));
            float weight = opacity * (float)from[3] / 255;
            for (int c = 0; c < 3; c++)
                to[c] += weight * ((float)from[c] / 255 - to[c]);
        }
    }
}

int lk_picture_stamp(const struct lk_picture *in,
                     const char *text_or_file,
                     struct lk_picture **out,
                     struct lk_error *err)
{
    int side = in->width < in->height ? in->width : in->height, height = side / PARTS;
    const char *dot = strrchr(text_or_file, '.');
    struct lk_picture *stamp = NULL, *picture = NULL;
    if (height < LEAST)
        return lk_fail(err, LK_E_INPUT,
                       "a picture of %dx%d pixels is too small for a visible mark: each side must "
                       "have %d at least",
                       in->width, in->height, LEAST * PARTS);
    int code = dot && strcasecmp(dot, ".png") == 0 ? read_logo(text_or_file, &stamp, err)
                                                   : draw_text(text_or_file, height, &stamp, err);
    if (!stamp)
        return lk_fail_context(err, code, "visible mark");
    code = fit(&stamp, in->width / 2, height, err);
    code = code ? code : lk_picture_convert(in, LK_PIXEL_F32, &picture, err);
    if (!code) {
        lay_over(picture, stamp, picture->width - stamp->width - height / 2,
                 picture->height - stamp->height - height / 2);
        *out = picture;
    }
    lk_picture_free(stamp);
    return code;
}

int lk_picture_write(struct lk_picture *picture,
                     const char *text,
                     int x,
                     int y,
                     int width,
                     int height,
                     struct lk_error *err)
{
    struct lk_picture *stamp = NULL;
    if (x < 0 || y < 0 || width < 1 || height < 1 || width > picture->width - x ||
        height > picture->height - y)
        return lk_fail(err, LK_E_INPUT, "the text '%.100s' is not within the picture", text);
    int code = draw_text(text, height * 3 / 4, &stamp, err);
    if (!stamp)
        return code;
    if (stamp->width > width || stamp->height > height)
        code = fit(&stamp, width, height, err);
    if (!code)
        lay_over(picture, stamp, x, y);
    lk_picture_free(stamp);
    return code;
}
