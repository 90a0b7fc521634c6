// SPDX-License-Identifier: Apache-2.0
#include "data/picture/png.h"

#include <string.h>

enum { SIGNATURE = 8, AROUND = 12 /* length, type, CRC */ };

struct chunk {
    const unsigned char *body;
    size_t length;
    const char *type; /* 4 bytes */
};

/* Moves *at over one chunk; false at the end and where a chunk leaves the file (*at stays). */
static bool next_chunk(const unsigned char *bytes, size_t size, size_t *at, struct chunk *out)
{
    if (size < AROUND || *at > size - AROUND)
        return false;
    const unsigned char *b = bytes + *at;
    size_t length = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (length > size - AROUND - *at)
        return false;
    *out = (struct chunk){.body = b + 8, .length = length, .type = (const char *)b + 4};
    *at += AROUND + length;
    return true;
}

bool lk__png_chunks_fit(const unsigned char *bytes, size_t size)
{
    size_t at = SIGNATURE;
    struct chunk chunk;
    while (next_chunk(bytes, size, &at, &chunk)) {
        if (memcmp(chunk.type, "IEND", 4) == 0)
            return true;
    }
    return at >= size;
}

/* Skips flag, method, language \0, translation \0 of an iTXt body; false when it is compressed. */
static bool skip_international(const unsigned char **at, size_t *left)
{
    if (*left < 2 || (*at)[0] != 0)
        return false;
    *at += 2;
    *left -= 2;
    for (int i = 0; i < 2; i++) {
        const unsigned char *end = memchr(*at, 0, *left);
        if (!end)
            return false;
        *left -= (size_t)(end + 1 - *at);
        *at = end + 1;
    }
    return true;
}

const char *lk__png_find_text(const unsigned char *bytes,
                              size_t size,
                              const char *keyword,
                              size_t *length)
{
    size_t at = SIGNATURE, key = strlen(keyword) + 1;
    struct chunk chunk;
    if (size < SIGNATURE || memcmp(bytes, "\x89PNG\r\n\x1a\n", SIGNATURE) != 0)
        return NULL;
    while (next_chunk(bytes, size, &at, &chunk)) {
        bool international = memcmp(chunk.type, "iTXt", 4) == 0;
        if ((!international && memcmp(chunk.type, "tEXt", 4) != 0) || chunk.length < key ||
            memcmp(chunk.body, keyword, key) != 0)
            continue;
        const unsigned char *text = chunk.body + key;
        size_t left = chunk.length - key;
        if (international && !skip_international(&text, &left))
            continue;
        *length = left;
        return (const char *)text;
    }
    return NULL;
}
