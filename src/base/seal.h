// SPDX-License-Identifier: Apache-2.0
/* Bytes that only a passphrase opens (libsodium): Argon2id makes the key, XChaCha20-Poly1305 seals.
 *
 *     sealed = nonce (24) ‖ ciphertext (n) ‖ tag (16)
 *
 * The label is not kept but must be given again: bytes that were sealed as one thing do not open as
 * another. */
#ifndef LK_BASE_SEAL_H
#define LK_BASE_SEAL_H

#include <stdbool.h>

#include "base/key.h"

#define LK_SEAL_SALT 16
#define LK_SEAL_MORE 40 /* bytes that sealing adds */

void lk_seal_salt(uint8_t salt[LK_SEAL_SALT]);

/* About a tenth of a second and 64 MB, so that passphrases cannot be tried by the million. */
int lk_seal_key(const char *passphrase,
                const uint8_t salt[LK_SEAL_SALT],
                struct lk_key *out,
                struct lk_error *err);
void lk_seal_forget(struct lk_key *key); /* overwrites it */

/* out[n + LK_SEAL_MORE] */
void lk_seal(
    const struct lk_key *key, const char *label, const void *bytes, size_t n, uint8_t *out);

/* out[n − LK_SEAL_MORE]; false for another key or label, and for what was changed or is too short:
 * then nothing of out is of use. */
bool lk_unseal(
    const struct lk_key *key, const char *label, const uint8_t *sealed, size_t n, uint8_t *out);

#endif
