// SPDX-License-Identifier: Apache-2.0
/* Strings that grow, with one check of failure at the end instead of one per piece. */
#include "stages/mark/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

static bool reserve(struct lk__text *text, size_t more)
{
    size_t need;
    if (text->failed || !lk_size_add(text->size, more, &need) || need >= text->limit) {
        text->failed = true;
        return false;
    }
    if (need + 1 <= text->room)
        return true;
    size_t room = text->room ? text->room : 256;
    while (room < need + 1)
        room *= 2;
    char *bytes = realloc(text->bytes, room);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->room = room;
    return true;
}

void lk__text_add(struct lk__text *text, const char *bytes, size_t size)
{
    if (!reserve(text, size))
        return;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void lk__text_add_string(struct lk__text *text, const char *string)
{
    lk__text_add(text, string, strlen(string));
}

void lk__text_print(struct lk__text *text, const char *format, ...)
{
    char *piece = NULL;
    va_list list;
    va_start(list, format);
    int n = vasprintf(&piece, format, list);
    va_end(list);
    if (n < 0) {
        text->failed = true;
        return;
    }
    lk__text_add(text, piece, (size_t)n);
    free(piece);
}

long lk__utf8_at(const char *s, size_t left, int *length)
{
    static const long least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)*s;
    int n = first < 0x80       ? 1
            : first >> 5 == 6  ? 2
            : first >> 4 == 14 ? 3
            : first >> 3 == 30 ? 4
                               : 0;
    *length = 1;
    if (n == 0 || (size_t)n > left)
        return -1;
    long code = n == 1 ? first : first & (0x7f >> n);
    for (int i = 1; i < n; i++) {
        unsigned char next = (unsigned char)s[i];
        if (next >> 6 != 2)
            return -1;
        code = code << 6 | (next & 0x3f);
    }
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return -1;
    *length = n;
    return code;
}
