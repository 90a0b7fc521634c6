// SPDX-License-Identifier: Apache-2.0
/* Ed25519 signatures (libsodium) of texts, and the key file that they are made with.
 *
 * The file is that of base/key.h: its 32 bytes are the seed of RFC 8032, so any other program can
 * use it. */
#ifndef LK_BASE_SIGN_H
#define LK_BASE_SIGN_H

#include <stdbool.h>

#include "base/error.h"

struct lk_sign_key {
    unsigned char secret[64];
    char public_hex[65];
};

struct lk_signature {
    char hex[129];
};

/* Makes the file with a fresh key; a file that is there already stays as it is. */
int lk_sign_key_make(const char *path, struct lk_error *err);
/* LK_E_MISSING when there is no such file, LK_E_INPUT when it is no key. */
int lk_sign_key_read(const char *path, struct lk_sign_key *out, struct lk_error *err);
void lk_sign_key_forget(struct lk_sign_key *key); /* overwrites the secret */

void lk_sign(const struct lk_sign_key *key, const char *text, struct lk_signature *out);
/* false too for what is no hex. */
bool lk_sign_verify(const char *public_hex, const char *text, const char *signature_hex);

#endif
