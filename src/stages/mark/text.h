// SPDX-License-Identifier: Apache-2.0
/* A string that grows up to a limit, for the writers of this folder. */
#ifndef LK_STAGES_MARK_TEXT_H
#define LK_STAGES_MARK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct lk__text {
    char *bytes; /* malloc'd, 0-terminated once something was added; NULL before */
    size_t size, room, limit;
    bool failed; /* memory or limit was out: all further calls do nothing */
};

void lk__text_add(struct lk__text *text, const char *bytes, size_t size);
void lk__text_add_string(struct lk__text *text, const char *string);
void lk__text_print(struct lk__text *text, const char *format, ...) LK_PRINTF(2, 3);

/* The code point at s (left bytes), its length in *length. −1 with length 1 for what is no UTF-8:
 * overlong, surrogate, cut off, beyond U+10FFFF. left > 0. */
long lk__utf8_at(const char *s, size_t left, int *length);

#endif
