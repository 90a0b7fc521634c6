// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (libsodium) of memory and of files, as 64 hex digits. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include <stddef.h>

#include "base/error.h"

struct lk_sha256 {
    char hex[65];
};

void lk_sha256_bytes(const void *bytes, size_t size, struct lk_sha256 *out);
int lk_sha256_file(const char *path, struct lk_sha256 *out, struct lk_error *err);

#endif
