// SPDX-License-Identifier: Apache-2.0
/* Where the texts go, format by format:
 *
 *   PNG   behind IHDR: tEXt `parameters` when ASCII, else iTXt (PIL's choice, hence the WebUI's);
 *         XMP as iTXt "XML:com.adobe.xmp"
 *   JPEG  behind SOI and JFIF: APP1 "Exif\0\0" with UserComment, APP1 with XMP
 *   WebP  a VP8X header is put before the picture when there is none, then EXIF and XMP chunks at
 *         the end
 *
 * PNG specification 1.2 (11.3.4), JFIF 1.02, Exif 2.32, RFC 9649. */
#include "data/picture/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <zlib.h>

static void put_be16(unsigned char *at, size_t v)
{
    at[0] = (unsigned char)(v >> 8);
    at[1] = (unsigned char)v;
}

static void put_be32(unsigned char *at, size_t v)
{
    put_be16(at, v >> 16);
    put_be16(at + 2, v);
}

static void put_le24(unsigned char *at, size_t v)
{
    at[0] = (unsigned char)v;
    at[1] = (unsigned char)(v >> 8);
    at[2] = (unsigned char)(v >> 16);
}

static void put_le32(unsigned char *at, size_t v)
{
    put_le24(at, v);
    at[3] = (unsigned char)(v >> 24);
}

/* Puts piece[n] into the file at `at`. */
static int splice(void **bytes,
                  size_t *size,
                  size_t at,
                  const unsigned char *piece,
                  size_t n,
                  struct lk_error *err)
{
    unsigned char *whole = malloc(*size + n);
    if (!whole)
        return lk_fail_memory(err, "a picture's text", *size + n);
    memcpy(whole, *bytes, at);
    memcpy(whole + at, piece, n);
    memcpy(whole + at + n, (unsigned char *)*bytes + at, *size - at);
    free(*bytes);
    *bytes = whole;
    *size += n;
    return 0;
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

/* length, type, keyword \0, [compression flag, method, language \0, translation \0], text, CRC */
static int png_insert(void **bytes,
                      size_t *size,
                      const char *keyword,
                      const char *text,
                      bool international,
                      struct lk_error *err)
{
    enum { BEHIND_IHDR = 8 + 12 + 13 };
    size_t key = strlen(keyword) + 1, extra = international ? 4 : 0, n = strlen(text);
    size_t body = key + extra + n;
    unsigned char *chunk = calloc(1, body + 12);
    if (!chunk)
        return lk_fail_memory(err, "a picture's text", body + 12);
    put_be32(chunk, body);
    memcpy(chunk + 4, international ? "iTXt" : "tEXt", 4);
    memcpy(chunk + 8, keyword, key);
    memcpy(chunk + 8 + key + extra, text, n);
    put_be32(chunk + 8 + body, crc32(0, chunk + 4, (uInt)(body + 4)));
    int code = splice(bytes, size, BEHIND_IHDR, chunk, body + 12, err);
    free(chunk);
    return code;
}

int lk__png_add_text(const struct lk_picture_text *text,
                     void **bytes,
                     size_t *size,
                     struct lk_error *err)
{
    int code = 0;
    if (text->xmp)
        code = png_insert(bytes, size, "XML:com.adobe.xmp", text->xmp, true, err);
    if (!code && text->parameters)
        code = png_insert(bytes, size, "parameters", text->parameters, !is_ascii(text->parameters),
                          err);
    return code;
}

static int jpeg_insert(void **bytes,
                       size_t *size,
                       const char *prefix,
                       size_t prefix_size,
                       const void *body,
                       size_t body_size,
                       struct lk_error *err)
{
    enum { LONGEST = 65535 };
    size_t length = 2 + prefix_size + body_size;
    if (length > LONGEST)
        return lk_fail(err, LK_E_INPUT,
                       "a text of %zu bytes does not fit into a JPEG file: write PNG or WebP",
                       body_size);
    const unsigned char *file = *bytes;
    size_t at = 2; /* behind SOI */
    if (*size > 6 && file[2] == 0xff && file[3] == 0xe0)
        at += 2 + ((size_t)file[4] << 8 | file[5]);
    unsigned char *segment = malloc(2 + length);
    if (!segment)
        return lk_fail_memory(err, "a picture's text", 2 + length);
    put_be16(segment, 0xffe1);
    put_be16(segment + 2, length);
    memcpy(segment + 4, prefix, prefix_size);
    memcpy(segment + 4 + prefix_size, body, body_size);
    int code = splice(bytes, size, at, segment, 2 + length, err);
    free(segment);
    return code;
}

int lk__jpeg_add_text(const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/"; /* with its \0 */
    int code = 0;
    if (text->xmp)
        code = jpeg_insert(bytes, size, xmp, sizeof xmp, text->xmp, strlen(text->xmp), err);
    if (code || !text->parameters)
        return code;
    size_t n;
    unsigned char *exif = lk__exif_make_comment(text->parameters, &n);
    if (!exif)
        return lk_fail_memory(err, "a picture's text", strlen(text->parameters));
    code = jpeg_insert(bytes, size, "Exif\0", 6, exif, n, err);
    free(exif);
    return code;
}

enum { BEHIND_RIFF = 12, VP8X_SIZE = 18 };

static size_t get_le32(const unsigned char *at)
{
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* libvips writes an EXIF block of its own even when told to strip: closes the gap over it. */
static void webp_drop_exif(unsigned char *file, size_t *size)
{
    size_t at = BEHIND_RIFF;
    while (at + 8 <= *size) {
        size_t length = get_le32(file + at + 4), whole = 8 + length + (length & 1);
        if (whole > *size - at)
            return;
        if (memcmp(file + at, "EXIF", 4) == 0) {
            memmove(file + at, file + at + whole, *size - at - whole);
            *size -= whole;
        } else {
            at += whole;
        }
    }
}

/* RIFF size "WEBP" [VP8X 10 flags - - - width-1 height-1] VP8 … */
static int webp_extend(void **bytes, size_t *size, unsigned char flags, struct lk_error *err)
{
    enum { SMALLEST = 30, ALPHA_AND_ICC = 0x30 };
    unsigned char *file = *bytes;
    if (*size > BEHIND_RIFF + VP8X_SIZE && memcmp(file + BEHIND_RIFF, "VP8X", 4) == 0) {
        file[BEHIND_RIFF + 8] = (unsigned char)((file[BEHIND_RIFF + 8] & ALPHA_AND_ICC) | flags);
        return 0;
    }
    if (*size < SMALLEST || memcmp(file + BEHIND_RIFF, "VP8 ", 4) != 0)
        return lk_fail(err, LK_E_FAILED, "libwebp wrote a WebP file of an unknown layout");
    size_t width = (file[26] | (size_t)file[27] << 8) & 0x3fff;
    size_t height = (file[28] | (size_t)file[29] << 8) & 0x3fff;
    unsigned char header[VP8X_SIZE] = "VP8X\x0a";
    header[8] = flags;
    put_le24(header + 12, width - 1);
    put_le24(header + 15, height - 1);
    return splice(bytes, size, BEHIND_RIFF, header, VP8X_SIZE, err);
}

static int webp_append(void **bytes,
                       size_t *size,
                       const char *type,
                       const void *body,
                       size_t body_size,
                       struct lk_error *err)
{
    size_t padded = body_size + (body_size & 1);
    unsigned char *chunk = calloc(1, 8 + padded);
    if (!chunk)
        return lk_fail_memory(err, "a picture's text", 8 + padded);
    memcpy(chunk, type, 4);
    put_le32(chunk + 4, body_size);
    memcpy(chunk + 8, body, body_size);
    int code = splice(bytes, size, *size, chunk, 8 + padded, err);
    free(chunk);
    return code;
}

int lk__webp_add_text(const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err)
{
    enum { HAS_EXIF = 0x08, HAS_XMP = 0x04 };
    webp_drop_exif(*bytes, size);
    int flags = (text->parameters ? HAS_EXIF : 0) | (text->xmp ? HAS_XMP : 0);
    int code = webp_extend(bytes, size, (unsigned char)flags, err);
    if (!code && text->parameters) {
        size_t n;
        unsigned char *exif = lk__exif_make_comment(text->parameters, &n);
        if (!exif)
            return lk_fail_memory(err, "a picture's text", strlen(text->parameters));
        code = webp_append(bytes, size, "EXIF", exif, n, err);
        free(exif);
    }
    if (!code && text->xmp)
        code = webp_append(bytes, size, "XMP ", text->xmp, strlen(text->xmp), err);
    if (!code)
        put_le32((unsigned char *)*bytes + 4, *size - 8);
    return code;
}
