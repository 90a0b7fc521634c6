// SPDX-License-Identifier: Apache-2.0
/* Texts inside picture files, put there byte by byte. */
#ifndef LK_DATA_PICTURE_TEXT_H
#define LK_DATA_PICTURE_TEXT_H

#include "data/picture.h"

/* Each takes a finished file in malloc'd *bytes and, when there is a text to add, exchanges it for
 * a copy with the texts; on failure *bytes is the caller's as before. */
int lk__png_add_text(const struct lk_picture_text *text,
                     void **bytes,
                     size_t *size,
                     struct lk_error *err);
int lk__jpeg_add_text(const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err);
int lk__webp_add_text(const struct lk_picture_text *text,
                      void **bytes,
                      size_t *size,
                      struct lk_error *err);

/* A TIFF structure with one EXIF UserComment; malloc'd, NULL when memory is out. text: valid
 * UTF-8. */
unsigned char *lk__exif_make_comment(const char *text, size_t *size);

/* The UserComment of an EXIF block (TIFF structure, with or without "Exif\0\0" before it) as
 * malloc'd UTF-8; NULL where there is none. Trusts no offset. */
char *lk__exif_find_comment(const unsigned char *exif, size_t size);

#endif
