// SPDX-License-Identifier: Apache-2.0
/* The chunks of a PNG file, read without libpng: length (4, big-endian), type (4), body, CRC (4).
 */
#ifndef LK_DATA_PICTURE_PNG_H
#define LK_DATA_PICTURE_PNG_H

#include <stdbool.h>
#include <stddef.h>

/* Whether every chunk ends within the file. libpng allocates what a length promises, up to 2 GB,
 * before it looks. bytes: a file that starts with PNG's eight. */
bool lk__png_chunks_fit(const unsigned char *bytes, size_t size);

/* The text of the first uncompressed tEXt or iTXt chunk of this keyword: its start within `bytes`
 * and its length, not terminated; NULL where there is none. bytes: any file. */
const char *lk__png_find_text(const unsigned char *bytes,
                              size_t size,
                              const char *keyword,
                              size_t *length);

#endif
