// SPDX-License-Identifier: Apache-2.0
/* The texts of a file, from its header alone. Texts of other programs come in any encoding; what
 * goes out is UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/picture/png.h"
#include "data/picture/text.h"
#include "data/picture/vips.h"

/* tEXt chunks are Latin-1 by their specification, and UTF-8 by widespread habit. */
static char *to_utf8(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    if (g_utf8_validate(text, (gssize)n, NULL))
        return strndup(text, n);
    return g_convert(text, (gssize)n, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
}

/* Compressed chunks come from libvips, as "png-comment-NUMBER-KEY"; plain ones from the file,
 * because libvips drops what is Latin-1. */
static char *find_png_parameters(VipsImage *image, const struct lk_file *file)
{
    size_t n;
    const char *plain = lk__png_find_text(file->bytes, file->size, "parameters", &n);
    if (plain)
        return to_utf8(plain, n);
    static const char prefix[] = "png-comment-", suffix[] = "-parameters";
    char *found = NULL;
    gchar **fields = vips_image_get_fields(image);
    for (gchar **field = fields; field && *field && !found; field++) {
        const char *text;
        if (g_str_has_prefix(*field, prefix) && g_str_has_suffix(*field, suffix) &&
            vips_image_get_string(image, *field, &text) == 0)
            found = to_utf8(text, strlen(text));
    }
    g_strfreev(fields);
    return found;
}

static char *find_blob(VipsImage *image, const char *field, char *(*convert)(const void *, size_t))
{
    const void *blob;
    size_t size;
    if (!vips_image_get_typeof(image, field) || vips_image_get_blob(image, field, &blob, &size))
        return NULL;
    return convert(blob, size);
}

static char *exif_comment(const void *blob, size_t size)
{
    return lk__exif_find_comment(blob, size);
}

static char *plain_text(const void *blob, size_t size)
{
    return to_utf8(blob, size);
}

static char *find_description(VipsImage *image)
{
    const char *text;
    if (!vips_image_get_typeof(image, VIPS_META_IMAGEDESCRIPTION) ||
        vips_image_get_string(image, VIPS_META_IMAGEDESCRIPTION, &text))
        return NULL;
    return to_utf8(text, strlen(text));
}

int lk_picture_read_text(const char *path, struct lk_picture_found_text *out, struct lk_error *err)
{
    struct lk_file file;
    VipsImage *image;
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    code = lk__vips_open(file.bytes, file.size, path, &image, err);
    if (code) {
        lk_file_unmap(&file);
        return code;
    }
    struct lk_picture_found_text found = {.parameters = find_png_parameters(image, &file)};
    if (!found.parameters)
        found.parameters = find_blob(image, VIPS_META_EXIF_NAME, exif_comment);
    if (!found.parameters)
        found.parameters = find_description(image);
    found.xmp = find_blob(image, VIPS_META_XMP_NAME, plain_text);
    vips_error_clear();
    g_object_unref(image);
    lk_file_unmap(&file);
    *out = found;
    return 0;
}
