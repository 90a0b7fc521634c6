// SPDX-License-Identifier: Apache-2.0
/* libvips is set up for a library inside other programs: no operation cache (pictures of users
 * would stay in memory), one thread per picture (requests run side by side), no messages on
 * the terminal, and only the loaders of the table below, chosen by the file's first bytes: never by
 * its name, and never one of the many exotic loaders. */
#include "data/picture/vips.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "data/picture/png.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;
static int start_result;

static void swallow(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer user)
{
    (void)domain, (void)level, (void)message, (void)user;
}

static void start(void)
{
    start_result = VIPS_INIT("likeness");
    if (start_result)
        return;
    g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO, swallow,
                      NULL);
    vips_cache_set_max(0);
    vips_cache_set_max_mem(0);
    vips_concurrency_set(1);
    vips_block_untrusted_set(TRUE);
}

int lk__vips_start(struct lk_error *err)
{
    pthread_once(&started, start);
    if (start_result)
        return lk__vips_fail(err, LK_E_FAILED, "libvips does not start: reinstall it");
    return 0;
}

int lk__vips_fail(struct lk_error *err, int code, const char *format, ...)
{
    char *said = vips_error_buffer_copy();
    if (err) {
        char sentence[sizeof err->message];
        va_list args;
        va_start(args, format);
        vsnprintf(sentence, sizeof sentence, format, args);
        va_end(args);
        int line = said ? (int)strcspn(said, "\n") : 0;
        if (line > 0)
            lk_fail(err, code, "%s (%.*s)", sentence, line, said);
        else
            lk_fail(err, code, "%s", sentence);
    }
    g_free(said);
    return code;
}

/* Progressive JPEGs decode the whole picture once per scan: a small file with thousands of scans
 * would keep a processor for minutes. Cameras and encoders write about ten. */
static bool has_too_many_scans(const uint8_t *bytes, size_t size)
{
    enum { MOST = 500 };
    size_t scans = 0;
    const uint8_t *at = bytes, *end = bytes + size;
    while (scans <= MOST && (at = memmem(at, (size_t)(end - at), "\xff\xda", 2))) {
        at += 2;
        scans++;
    }
    return scans > MOST;
}

static int load_png(void *bytes, size_t size, VipsImage **out)
{
    if (!lk__png_chunks_fit(bytes, size)) {
        vips_error("pngload", "%s", "truncated");
        return -1;
    }
    return vips_pngload_buffer(bytes, size, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                               VIPS_FAIL_ON_ERROR, NULL);
}

static int load_jpeg(void *bytes, size_t size, VipsImage **out)
{
    if (has_too_many_scans(bytes, size)) {
        vips_error("jpegload", "%s", "too many scans");
        return -1;
    }
    return vips_jpegload_buffer(bytes, size, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                VIPS_FAIL_ON_ERROR, NULL);
}

static int load_webp(void *bytes, size_t size, VipsImage **out)
{
    return vips_webpload_buffer(bytes, size, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                VIPS_FAIL_ON_ERROR, NULL);
}

static int load_tiff(void *bytes, size_t size, VipsImage **out)
{
    return vips_tiffload_buffer(bytes, size, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                VIPS_FAIL_ON_ERROR, NULL);
}

static int load_gif(void *bytes, size_t size, VipsImage **out)
{
    return vips_gifload_buffer(bytes, size, out, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                               VIPS_FAIL_ON_ERROR, NULL);
}

static const struct loader {
    const char *name;
    const char *magic; /* '.' stands for any byte */
    size_t magic_size;
    int (*load)(void *bytes, size_t size, VipsImage **out);
} loaders[] = {
    {"PNG", "\x89PNG\r\n\x1a\n", 8, load_png}, {"JPEG", "\xff\xd8\xff", 3, load_jpeg},
    {"WebP", "RIFF....WEBP", 12, load_webp},   {"TIFF", "II*\0", 4, load_tiff},
    {"TIFF", "MM\0*", 4, load_tiff},           {"TIFF", "II+\0", 4, load_tiff},
    {"TIFF", "MM\0+", 4, load_tiff},           {"GIF", "GIF8.a", 6, load_gif},
};

static const struct loader *find_loader(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(loaders); i++) {
        const struct loader *l = &loaders[i];
        size_t n = 0;
        while (n < l->magic_size && n < size &&
               (l->magic[n] == '.' || (uint8_t)l->magic[n] == bytes[n]))
            n++;
        if (n == l->magic_size)
            return l;
    }
    return NULL;
}

int lk__vips_open(
    const void *bytes, size_t size, const char *name, VipsImage **out, struct lk_error *err)
{
    int code = lk__vips_start(err);
    if (code)
        return code;
    if (size == 0)
        return lk_fail(err, LK_E_INPUT, "picture '%s' is empty: give another file", name);
    const struct loader *loader = find_loader(bytes, size);
    if (!loader)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is not a PNG, JPEG, WebP, TIFF or GIF picture: convert it first",
                       name);
    VipsImage *image = NULL;
    if (loader->load((void *)bytes, size, &image))
        return lk__vips_fail(err, LK_E_INPUT, "picture '%s' is a broken %s file: save it again",
                             name, loader->name);
    int width = vips_image_get_width(image), height = vips_image_get_height(image);
    if (width > LK_PICTURE_MAX_SIDE || height > LK_PICTURE_MAX_SIDE ||
        (size_t)width * (size_t)height > LK_PICTURE_MAX_PIXELS) {
        g_object_unref(image);
        return lk_fail(err, LK_E_INPUT,
                       "picture '%s' of %dx%d pixels is too large: scale it down to %d on a side "
                       "and %zu pixels at most",
                       name, width, height, LK_PICTURE_MAX_SIDE, LK_PICTURE_MAX_PIXELS);
    }
    *out = image;
    return 0;
}

int lk__vips_wrap(const struct lk_picture *picture, VipsImage **out, struct lk_error *err)
{
    int code = lk__vips_start(err);
    if (code)
        return code;
    size_t size = (size_t)picture->width * (size_t)picture->height * (size_t)picture->channels;
    VipsImage *plain = vips_image_new_from_memory(
        picture->u8, size, picture->width, picture->height, picture->channels, VIPS_FORMAT_UCHAR);
    VipsImage *image = NULL;
    if (!plain || vips_copy(plain, &image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL))
        code = lk__vips_fail(err, LK_E_FAILED, "picture of %zu bytes cannot be passed on", size);
    if (plain)
        g_object_unref(plain);
    if (!code)
        *out = image;
    return code;
}

int lk__vips_render(VipsImage *in, const char *name, struct lk_picture **out, struct lk_error *err)
{
    struct lk_picture *picture;
    const int width = vips_image_get_width(in), height = vips_image_get_height(in),
              bands = vips_image_get_bands(in);
    int code = lk_picture_room(width, height, bands, LK_PIXEL_U8, &picture, err);
    if (code)
        return lk_fail_context(err, code, "picture '%s'", name);
    const size_t size = (size_t)width * (size_t)height * (size_t)bands;
    VipsImage *pixels =
        vips_image_new_from_memory(picture->u8, size, width, height, bands, VIPS_FORMAT_UCHAR);
    if (!pixels || vips_image_get_format(in) != VIPS_FORMAT_UCHAR || vips_image_write(in, pixels))
        code = lk__vips_fail(err, LK_E_INPUT, "picture '%s' is broken or truncated: save it again",
                             name);
    if (pixels)
        g_object_unref(pixels);
    if (code)
        lk_picture_free(picture);
    else
        *out = picture;
    return code;
}
