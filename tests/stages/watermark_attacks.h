// SPDX-License-Identifier: Apache-2.0
/* What happens to pictures on their way through the world. */
#ifndef TESTS_STAGES_WATERMARK_ATTACKS_H
#define TESTS_STAGES_WATERMARK_ATTACKS_H

#include <stddef.h>

#include "data/picture.h"

struct attack {
    const char *name;
    int least_side; /* of pictures at which the mark must survive it */
};

const struct attack *attacks(size_t *count);

/* A new picture; ends the test on failure. in: u8, RGB. */
struct lk_picture *attacked(const struct lk_picture *in, const struct attack *attack);

/* The middle square of a photo of the shared data, at side×side pixels. */
struct lk_picture *photo_square(const char *name, int side);

/* Of two u8 pictures of one size, in dB. */
double psnr(const struct lk_picture *a, const struct lk_picture *b);

#endif
