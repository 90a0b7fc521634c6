// SPDX-License-Identifier: Apache-2.0
#include "base/sign.h"

#include <string.h>

#include <sodium.h>

#include "base/key.h"

enum {
    SECRET = crypto_sign_SECRETKEYBYTES,
    PUBLIC = crypto_sign_PUBLICKEYBYTES,
    SIGNATURE = crypto_sign_BYTES,
};

_Static_assert(crypto_sign_SEEDBYTES == sizeof((struct lk_key *)0)->bytes, "Ed25519 seeds");
_Static_assert(SECRET == sizeof((struct lk_sign_key *)0)->secret, "Ed25519 secret keys");

int lk_sign_key_make(const char *path, struct lk_error *err)
{
    struct lk_key seed;
    int rc = lk_key_keep(path, &seed, err);
    sodium_memzero(&seed, sizeof seed);
    return rc;
}

int lk_sign_key_read(const char *path, struct lk_sign_key *out, struct lk_error *err)
{
    struct lk_key seed;
    unsigned char public[PUBLIC];
    int rc = lk_key_read(path, &seed, err);
    if (rc)
        return rc;
    crypto_sign_seed_keypair(public, out->secret, seed.bytes);
    sodium_bin2hex(out->public_hex, sizeof out->public_hex, public, PUBLIC);
    sodium_memzero(&seed, sizeof seed);
    return 0;
}

void lk_sign_key_forget(struct lk_sign_key *key)
{
    sodium_memzero(key, sizeof *key);
}

void lk_sign(const struct lk_sign_key *key, const char *text, struct lk_signature *out)
{
    unsigned char signature[SIGNATURE];
    crypto_sign_detached(signature, NULL, (const unsigned char *)text, strlen(text), key->secret);
    sodium_bin2hex(out->hex, sizeof out->hex, signature, sizeof signature);
}

/* Exactly `size` bytes from the first 2·size hex digits. */
static bool from_hex(const char *hex, size_t digits, unsigned char *out, size_t size)
{
    size_t n = 0;
    return digits == 2 * size && !sodium_hex2bin(out, size, hex, digits, NULL, &n, NULL) &&
           n == size;
}

bool lk_sign_verify(const char *public_hex, const char *text, const char *signature_hex)
{
    unsigned char public[PUBLIC], signature[SIGNATURE];
    return from_hex(public_hex, strlen(public_hex), public, PUBLIC) &&
           from_hex(signature_hex, strlen(signature_hex), signature, SIGNATURE) &&
           !crypto_sign_verify_detached(signature, (const unsigned char *)text, strlen(text),
                                        public);
}
