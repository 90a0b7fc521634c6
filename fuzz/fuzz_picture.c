// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a picture file and as an EXIF block: a picture within the limits, or one error. */
#include <stdint.h>
#include <stdlib.h>

#include "data/picture.h"
#include "data/picture/png.h"
#include "data/picture/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Decoding itself is the libraries' own fuzzers' work: larger pictures only slow this one down. */
enum { MOST_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct lk_error err = {0};
    struct lk_picture *picture = NULL;
    size_t length = 0;
    if (size > MOST_BYTES)
        return 0;
    const char *text = lk__png_find_text(bytes, size, "parameters", &length);
    if (text &&
        ((const uint8_t *)text < bytes || (size_t)((const uint8_t *)text - bytes) > size - length))
        abort();
    free(lk__exif_find_comment(bytes, size));
    int code = lk_picture_read_bytes(bytes, size, "fuzz", &picture, &err);
    if (code ? picture || !err.message[0] : !picture || picture->channels != 3)
        abort();
    lk_picture_free(picture);
    return 0;
}
