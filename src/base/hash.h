// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (libsodium) of memory and of files, as 64 hex digits; and salted, for texts that could be
 * guessed. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_sha256 {
    char hex[65];
};

void lk_sha256_bytes(const void *bytes, size_t size, struct lk_sha256 *out);
int lk_sha256_file(const char *path, struct lk_sha256 *out, struct lk_error *err);

#define LK_SALT_SIZE 32

/* Fresh random bytes of the system. */
void lk_salt(uint8_t out[LK_SALT_SIZE]);
/* Of the salt's bytes and then the text's: whoever has not the salt cannot tell the text by
 * guessing. */
void lk_sha256_salted(const uint8_t salt[LK_SALT_SIZE], const char *text, struct lk_sha256 *out);

#endif
