// SPDX-License-Identifier: Apache-2.0
/* A secret of 32 bytes, and what is derived from it (libsodium). */
#ifndef LK_BASE_KEY_H
#define LK_BASE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_key {
    uint8_t bytes[32];
};

/* out[n]: a stream that only the key's owner can tell from noise; another label, another stream.
 * The same on every machine. */
void lk_key_stream(const struct lk_key *key, const char *label, uint8_t *out, size_t n);

/* A keyed hash (BLAKE2b) of n bytes, 16 to 64 bytes long. */
void lk_key_hash(
    const struct lk_key *key, const void *bytes, size_t n, uint8_t *out, size_t out_size);

/* A key file holds the 32 bytes as 64 hex digits. LK_E_MISSING when it is not there, LK_E_INPUT for
 * what is no key. */
int lk_key_read(const char *path, struct lk_key *out, struct lk_error *err);

/* The same, but a file that is not there is made first, with a random key (lk_file_make_private).
 */
int lk_key_keep(const char *path, struct lk_key *out, struct lk_error *err);

#endif
