// SPDX-License-Identifier: Apache-2.0
/* SHA-256 (libsodium) of memory and of files, as 64 hex digits; and salted, for texts that could be
 * guessed. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include <stddef.h>

#include "base/error.h"
#include "base/watch.h"

struct lk_sha256 {
    char hex[65];
};

void lk_sha256_bytes(const void *bytes, size_t size, struct lk_sha256 *out);
int lk_sha256_file(const char *path, struct lk_sha256 *out, struct lk_error *err);
/* The same, until `watch` says stop: LK_E_INTERRUPTED. */
int lk_sha256_file_watched(const char *path,
                           const struct lk_watch *watch,
                           struct lk_sha256 *out,
                           struct lk_error *err);

/* Of what comes in pieces. */
typedef struct lk_hasher lk_hasher;
int lk_hasher_new(lk_hasher **out, struct lk_error *err);
void lk_hasher_free(lk_hasher *hasher);
void lk_hasher_restart(lk_hasher *hasher);
void lk_hasher_add(lk_hasher *hasher, const void *bytes, size_t size);
void lk_hasher_end(lk_hasher *hasher,
                   struct lk_sha256 *out); /* of all since it was new or restarted */

/* 32 random bytes as hex digits. */
struct lk_salt {
    char hex[65];
};
void lk_salt_make(struct lk_salt *out);
/* Of the salt's digits followed by the text: whoever has not the salt cannot tell the text by
 * guessing. */
void lk_sha256_salted(const char *salt, const char *text, struct lk_sha256 *out);

#endif
