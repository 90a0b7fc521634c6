// SPDX-License-Identifier: Apache-2.0
/* The bridge to libvips, shared by the files that read and write pictures. */
#ifndef LK_DATA_PICTURE_VIPS_H
#define LK_DATA_PICTURE_VIPS_H

#include <vips/vips.h>

#include "data/picture.h"

/* Starts libvips once, from any thread. */
int lk__vips_start(struct lk_error *err);

/* lk_fail with "SENTENCE (what libvips says)"; empties libvips's error buffer, which belongs to the
 * whole process. */
int lk__vips_fail(struct lk_error *err, int code, const char *format, ...) LK_PRINTF(3, 4);

/* Recognises the format and reads the header, not yet the pixels; refuses what is over the limits.
 * `bytes` must outlive *out. */
int lk__vips_open(
    const void *bytes, size_t size, const char *name, VipsImage **out, struct lk_error *err);

/* An image over the pixels of a u8 picture, which must outlive it. */
int lk__vips_wrap(const struct lk_picture *picture, VipsImage **out, struct lk_error *err);

/* Runs the pipeline behind `in` (uchar, 3 or 4 bands) into a picture. */
int lk__vips_render(VipsImage *in, const char *name, struct lk_picture **out, struct lk_error *err);

#endif
