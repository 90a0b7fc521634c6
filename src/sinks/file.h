// SPDX-License-Identifier: Apache-2.0
/* Files, complete or not at all: bytes go to a temporary file in the same folder, are synced, and
 * take the name by rename. */
#ifndef LK_SINKS_FILE_H
#define LK_SINKS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Before hours of work: is the ending that of a picture, and can a file be made there? LK_E_INPUT
 * when not. */
int lk_file_check(const char *path, struct lk_error *err);

/* Do two paths name one file, however they are spelled? Links to a file are not it. */
bool lk_file_same(const char *a, const char *b);

int lk_file_write(const char *path, const void *bytes, size_t size, struct lk_error *err);

#endif
