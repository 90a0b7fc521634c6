// SPDX-License-Identifier: Apache-2.0
/* Reading: file → header (limits) → sRGB, 8 bit → alpha on white → upright.
 *
 * Rows stream through the colour steps once; only the upright turn of a picture that a camera
 * stored sideways needs the whole of it, so it comes last, on 8-bit pixels. */
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "data/picture/vips.h"

/* Replaces *image by *next, which the step that `failed` tells of has made. */
static int advance(VipsImage **image, VipsImage **next, int failed)
{
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = *next;
    return 0;
}

/* Engines of the field ignore profiles; sRGB pictures must therefore keep their exact values, and a
 * transform from one spelling of sRGB to another would move some by one. */
static bool is_srgb(const void *profile, size_t size)
{
    static const char utf16[] = "\0s\0R\0G\0B";
    return memmem(profile, size, "sRGB", 4) || memmem(profile, size, utf16, sizeof utf16 - 1);
}

/* Through the embedded profile where there is a usable one; a broken profile is no reason to refuse
 * a picture. */
static int to_srgb(VipsImage **image)
{
    const void *profile;
    size_t size;
    VipsImage *next = NULL;
    if (vips_image_get_typeof(*image, VIPS_META_ICC_NAME) &&
        vips_image_get_blob(*image, VIPS_META_ICC_NAME, &profile, &size) == 0 &&
        !is_srgb(profile, size)) {
        if (vips_icc_transform(*image, &next, "srgb", "embedded", TRUE, "depth", 8, NULL) == 0)
            return advance(image, &next, 0);
        vips_error_clear();
    }
    return advance(image, &next, vips_colourspace(*image, &next, VIPS_INTERPRETATION_sRGB, NULL));
}

static int to_uchar(VipsImage **image)
{
    VipsImage *next = NULL;
    if (vips_image_get_format(*image) == VIPS_FORMAT_UCHAR)
        return 0;
    return advance(image, &next, vips_cast_uchar(*image, &next, NULL));
}

static int flatten_on_white(VipsImage **image)
{
    VipsImage *next = NULL;
    int bands = vips_image_get_bands(*image);
    if (bands > 4 && advance(image, &next, vips_extract_band(*image, &next, 0, "n", 4, NULL)))
        return -1;
    if (bands <= 3)
        return 0;
    double white[] = {255, 255, 255};
    VipsArrayDouble *background = vips_array_double_new(white, 3);
    int failed = vips_flatten(*image, &next, "background", background, "max_alpha", 255.0, NULL);
    vips_area_unref(VIPS_AREA(background));
    return advance(image, &next, failed);
}

static int turn_upright(struct lk_picture *sideways,
                        int orientation,
                        struct lk_picture **out,
                        struct lk_error *err)
{
    VipsImage *image, *turned = NULL;
    int code = lk__vips_wrap(sideways, &image, err);
    if (code)
        return code;
    vips_image_set_int(image, VIPS_META_ORIENTATION, orientation);
    if (vips_autorot(image, &turned, NULL))
        code = lk__vips_fail(err, LK_E_FAILED, "a picture cannot be turned");
    else
        code = lk__vips_render(turned, "turned upright", out, err);
    if (turned)
        g_object_unref(turned);
    g_object_unref(image);
    return code;
}

int lk_picture_read_bytes(
    const void *bytes, size_t size, const char *name, struct lk_picture **out, struct lk_error *err)
{
    VipsImage *image;
    struct lk_picture *picture = NULL, *upright = NULL;
    int code = lk__vips_open(bytes, size, name, &image, err);
    if (code)
        return code;
    int orientation = vips_image_get_orientation(image);
    if (to_srgb(&image) || to_uchar(&image) || flatten_on_white(&image))
        code = lk__vips_fail(err, LK_E_INPUT,
                             "picture '%s' has colours that cannot be converted to RGB: save it "
                             "as RGB",
                             name);
    if (!code)
        code = lk__vips_render(image, name, &picture, err);
    if (!code && orientation > 1) {
        code = turn_upright(picture, orientation, &upright, err);
        lk_picture_free(picture);
        picture = upright;
    }
    if (!code)
        *out = picture;
    g_object_unref(image);
    return code;
}

int lk_picture_read(const char *path, struct lk_picture **out, struct lk_error *err)
{
    struct lk_file file;
    int code = lk_file_map(path, &file, err);
    if (code == LK_E_MISSING) /* that is for models: a picture is the user's input */
        return lk_fail(err, LK_E_INPUT, "picture '%s' does not exist: check the path", path);
    if (code)
        return code;
    code = lk_picture_read_bytes(file.bytes, file.size, path, out, err);
    lk_file_unmap(&file);
    return code;
}
