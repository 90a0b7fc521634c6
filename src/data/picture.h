// SPDX-License-Identifier: Apache-2.0
/* A picture: H×W×C pixels, interleaved, rows without padding, sRGB.
 *
 * u8 pictures hold 0…255, f32 pictures 0…1 in the same sRGB encoding (not linear light). Face work
 * is float so that nothing is rounded twice; a picture becomes 8-bit once, at release.
 * Reference-counted, because pictures cross threads; the pixels of a shared picture are read-only
 * by convention. Only this folder includes libvips. */
#ifndef LK_DATA_PICTURE_H
#define LK_DATA_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum lk_pixel { LK_PIXEL_U8, LK_PIXEL_F32 };

/* A picture of more pixels is refused before its pixels are decoded. */
#define LK_PICTURE_MAX_PIXELS ((size_t)100 * 1000 * 1000)
#define LK_PICTURE_MAX_SIDE 16384

struct lk_picture {
    int width, height, channels; /* channels 3, or 4 with alpha */
    enum lk_pixel type;
    union {
        uint8_t *u8; /* [height, width, channels] */
        float *f32;
    };
};

/* Zeroed pixels. Sizes are checked here; every picture in the program passes through this function,
 * or the next. */
int lk_picture_new(int width,
                   int height,
                   int channels,
                   enum lk_pixel type,
                   struct lk_picture **out,
                   struct lk_error *err);
/* The same with whatever the memory held: for who writes all of them. */
int lk_picture_room(int width,
                    int height,
                    int channels,
                    enum lk_pixel type,
                    struct lk_picture **out,
                    struct lk_error *err);
struct lk_picture *lk_picture_ref(struct lk_picture *picture);
void lk_picture_free(struct lk_picture *picture); /* drops one reference; NULL is fine */

/* [n] numbers 0…1, what is outside clamped, NaN 0, to the nearest of 256 levels. */
void lk_pixels_to_u8(const float *in, size_t n, uint8_t *out);

/* Deep copy, with conversion of the pixel type (f32 → u8 rounds to nearest, clamps; NaN becomes 0).
 * Alpha is kept. */
int lk_picture_convert(const struct lk_picture *in,
                       enum lk_pixel type,
                       struct lk_picture **out,
                       struct lk_error *err);

/* Reads PNG, JPEG, WebP, TIFF, GIF (first page) into u8 sRGB RGB: EXIF rotation applied, ICC
 * profile converted, 16-bit, CMYK and grey converted, alpha flattened on white. LK_E_INPUT for what
 * is broken, truncated, empty, too large, or no picture. */
int lk_picture_read(const char *path, struct lk_picture **out, struct lk_error *err);
int lk_picture_read_bytes(const void *bytes,
                          size_t size,
                          const char *name,
                          struct lk_picture **out,
                          struct lk_error *err);

/* The part of the picture from (x, y) on; what lies outside of it repeats its edge. */
int lk_picture_region(const struct lk_picture *in,
                      int x,
                      int y,
                      int width,
                      int height,
                      struct lk_picture **out,
                      struct lk_error *err);

enum lk_format { LK_FORMAT_PNG, LK_FORMAT_JPEG, LK_FORMAT_WEBP, LK_FORMAT_TIFF };

/* "png", "jpeg", "webp", "tiff". */
const char *lk_format_name(enum lk_format format);
/* From the ending of a path; LK_E_INPUT names the endings that are known. */
int lk_format_of_path(const char *path, enum lk_format *out, struct lk_error *err);

/* What is written beside the pixels; NULL members are left out. */
struct lk_picture_text {
    const char *parameters; /* PNG text chunk `parameters`; EXIF UserComment in JPEG and WebP;
                               ImageDescription in TIFF */
    const char *xmp;        /* an XMP packet */
};

/* Encodes to memory (malloc'd, the caller frees). f32 pictures are rounded first. JPEG and WebP at
 * quality 95. */
int lk_picture_encode(const struct lk_picture *picture,
                      enum lk_format format,
                      const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err);

/* The texts of a file, malloc'd, NULL where absent; the caller frees both members (used by
 * `inspect`). */
struct lk_picture_found_text {
    char *parameters, *xmp;
};
int lk_picture_read_text(const char *path, struct lk_picture_found_text *out, struct lk_error *err);

/* A copy of the picture as f32 with a text, or the picture of a .png file, over its lower right
 * corner: a twelfth of the shorter side high, half that away from the edges, at most half the
 * picture wide. Text is white with a dark rim. LK_E_INPUT for a logo that cannot be read, a text
 * that is empty or not UTF-8, a picture that is too small. */
int lk_picture_stamp(const struct lk_picture *in,
                     const char *text_or_file,
                     struct lk_picture **out,
                     struct lk_error *err);

/* Writes a line of text over the picture (f32), as above, into the rectangle from (x, y) on, which
 * lies within. LK_E_INPUT for what cannot be written, as where libvips was built without pango. */
int lk_picture_write(struct lk_picture *picture,
                     const char *text,
                     int x,
                     int y,
                     int width,
                     int height,
                     struct lk_error *err);

/* Lanczos3 resize, up and down, to exactly width × height, as PIL's LANCZOS; keeps the pixel type.
 * f32 results are clamped to 0…1. */
int lk_picture_resize(const struct lk_picture *in,
                      int width,
                      int height,
                      struct lk_picture **out,
                      struct lk_error *err);
/* The same by PIL's BICUBIC, rounded to 8 bits after each direction as PIL does: for networks whose
 * pictures are prepared so. */
int lk_picture_resize_bicubic(const struct lk_picture *in,
                              int width,
                              int height,
                              struct lk_picture **out,
                              struct lk_error *err);

#endif
