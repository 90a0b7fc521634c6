// SPDX-License-Identifier: Apache-2.0
/* EXIF UserComment, as the WebUI writes it through piexif and reads it back: big-endian TIFF, the
 * comment prefixed with "UNICODE\0" and in UTF-16, big-endian whatever the TIFF's byte order.
 *
 *   "MM\0*" 8 | IFD0: 1 entry: 0x8769 → 26, end | Exif IFD: 1 entry: 0x9286 → 44, end | comment */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "data/picture/text.h"

enum { TAG_EXIF_IFD = 0x8769, TAG_USER_COMMENT = 0x9286, PREFIX = 8 };

unsigned char *lk__exif_make_comment(const char *text, size_t *size)
{
    static const unsigned char head[] = {
        'M', 'M', 0,    '*',  0,   0,   0,   8,                                /* TIFF */
        0,   1,   0x87, 0x69, 0,   4,   0,   0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, /* IFD0 */
        0,   1,   0x92, 0x86, 0,   7,   0,   0, 0, 0, 0, 0, 0, 44, 0, 0, 0, 0, /* Exif */
        'U', 'N', 'I',  'C',  'O', 'D', 'E', 0,
    };
    enum { COUNT_AT = 8 + 18 + 6 };
    glong units;
    gunichar2 *utf16 = g_utf8_to_utf16(text, -1, NULL, &units, NULL);
    size_t n = utf16 ? (size_t)units : 0, count = PREFIX + 2 * n;
    unsigned char *out = utf16 ? malloc(sizeof head + 2 * n) : NULL;
    if (out) {
        memcpy(out, head, sizeof head);
        for (int i = 0; i < 4; i++)
            out[COUNT_AT + i] = (unsigned char)(count >> (24 - 8 * i));
        for (size_t i = 0; i < n; i++) {
            out[sizeof head + 2 * i] = (unsigned char)(utf16[i] >> 8);
            out[sizeof head + 2 * i + 1] = (unsigned char)utf16[i];
        }
        *size = sizeof head + 2 * n;
    }
    g_free(utf16);
    return out;
}

struct tiff {
    const unsigned char *bytes;
    size_t size;
    bool big;
};

/* 0 for what lies outside. */
static uint32_t get(const struct tiff *t, size_t at, int bytes)
{
    uint32_t v = 0;
    if (at > t->size || t->size - at < (size_t)bytes)
        return 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | t->bytes[at + (size_t)(t->big ? i : bytes - 1 - i)];
    return v;
}

/* Where the entry of this tag lies in the directory at `ifd`; 0 when it is not there. */
static size_t find_entry(const struct tiff *t, size_t ifd, uint32_t tag)
{
    uint32_t n = get(t, ifd, 2);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = ifd + 2 + 12 * (size_t)i;
        if (at >= t->size)
            break;
        if (get(t, at, 2) == tag)
            return at;
    }
    return 0;
}

/* Programs disagree on the byte order: in a text of mostly Western letters the zero bytes tell. */
static bool utf16_is_big(const unsigned char *at, size_t units, bool otherwise)
{
    size_t even = 0, odd = 0;
    for (size_t i = 0; i < units; i++) {
        even += at[2 * i] == 0;
        odd += at[2 * i + 1] == 0;
    }
    return even == odd ? otherwise : even > odd;
}

static char *from_utf16(const unsigned char *at, size_t size, bool big)
{
    size_t units = size / 2;
    gunichar2 *host = malloc((units + 1) * sizeof *host);
    if (!host)
        return NULL;
    big = utf16_is_big(at, units, big);
    for (size_t i = 0; i < units; i++)
        host[i] = (gunichar2)(at[2 * i + !big] << 8 | at[2 * i + big]);
    char *text = g_utf16_to_utf8(host, (glong)units, NULL, NULL, NULL);
    free(host);
    return text;
}

static char *from_bytes(const unsigned char *at, size_t size)
{
    const char *text = (const char *)at;
    size_t n = strnlen(text, size);
    if (g_utf8_validate(text, (gssize)n, NULL))
        return strndup(text, n);
    return g_convert(text, (gssize)n, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
}

char *lk__exif_find_comment(const unsigned char *exif, size_t size)
{
    if (size >= 6 && memcmp(exif, "Exif\0", 6) == 0) {
        exif += 6;
        size -= 6;
    }
    if (size < 8 || (memcmp(exif, "MM", 2) != 0 && memcmp(exif, "II", 2) != 0))
        return NULL;
    struct tiff t = {.bytes = exif, .size = size, .big = exif[0] == 'M'};
    size_t pointer = find_entry(&t, get(&t, 4, 4), TAG_EXIF_IFD);
    size_t entry = pointer ? find_entry(&t, get(&t, pointer + 8, 4), TAG_USER_COMMENT) : 0;
    if (!entry)
        return NULL;
    size_t count = get(&t, entry + 4, 4), at = get(&t, entry + 8, 4);
    if (count < PREFIX || at > size || size - at < count)
        return NULL;
    const unsigned char *comment = exif + at;
    if (memcmp(comment, "UNICODE", PREFIX) == 0)
        return from_utf16(comment + PREFIX, count - PREFIX, t.big);
    return from_bytes(comment + PREFIX, count - PREFIX);
}
