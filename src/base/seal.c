// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"

#include <string.h>

#include <sodium.h>

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

_Static_assert(NONCE + TAG == LK_SEAL_MORE, "what sealing adds");
_Static_assert(crypto_pwhash_argon2id_SALTBYTES == LK_SEAL_SALT, "Argon2id's salt");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == sizeof((struct lk_key *)0)->bytes,
               "XChaCha20's key");

void lk_seal_salt(uint8_t salt[LK_SEAL_SALT])
{
    randombytes_buf(salt, LK_SEAL_SALT);
}

int lk_seal_key(const char *passphrase,
                const uint8_t salt[LK_SEAL_SALT],
                struct lk_key *out,
                struct lk_error *err)
{
    if (sodium_init() < 0)
        return lk_fail(err, LK_E_FAILED, "libsodium does not start: reinstall it");
    if (crypto_pwhash(out->bytes, sizeof out->bytes, passphrase, strlen(passphrase), salt,
                      crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                      crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13))
        return lk_fail_memory(err, "the key of a passphrase",
                              crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE);
    return 0;
}

void lk_seal_forget(struct lk_key *key)
{
    sodium_memzero(key, sizeof *key);
}

void lk_seal(const struct lk_key *key, const char *label, const void *bytes, size_t n, uint8_t *out)
{
    randombytes_buf(out, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, bytes, n,
                                               (const unsigned char *)label, strlen(label), NULL,
                                               out, key->bytes);
}

bool lk_unseal(
    const struct lk_key *key, const char *label, const uint8_t *sealed, size_t n, uint8_t *out)
{
    return n >= LK_SEAL_MORE &&
           !crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + NONCE, n - NONCE,
                                                       (const unsigned char *)label, strlen(label),
                                                       sealed, key->bytes);
}
