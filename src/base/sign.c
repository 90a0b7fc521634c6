// SPDX-License-Identifier: Apache-2.0
#include "base/sign.h"

#include <string.h>

#include <sodium.h>

#include "base/file.h"

enum {
    SEED = crypto_sign_SEEDBYTES,
    SECRET = crypto_sign_SECRETKEYBYTES,
    PUBLIC = crypto_sign_PUBLICKEYBYTES,
    SIGNATURE = crypto_sign_BYTES,
};

_Static_assert(SECRET == sizeof((struct lk_sign_key *)0)->secret, "Ed25519 secret keys");

int lk_sign_key_make(const char *path, struct lk_error *err)
{
    unsigned char seed[SEED];
    char text[2 * SEED + 2];
    if (sodium_init() < 0)
        return lk_fail(err, LK_E_FAILED, "libsodium does not start: reinstall it");
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(text, sizeof text, seed, sizeof seed);
    text[2 * SEED] = '\n';
    int rc = lk_file_make_private(path, text, 2 * SEED + 1, err);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return rc;
}

/* Exactly `size` bytes from the first 2·size hex digits. */
static bool from_hex(const char *hex, size_t digits, unsigned char *out, size_t size)
{
    size_t n = 0;
    return digits == 2 * size && !sodium_hex2bin(out, size, hex, digits, NULL, &n, NULL) &&
           n == size;
}

int lk_sign_key_read(const char *path, struct lk_sign_key *out, struct lk_error *err)
{
    struct lk_file file;
    unsigned char seed[SEED], public[PUBLIC];
    int rc = lk_file_map(path, &file, err);
    if (rc)
        return rc;
    size_t digits = file.size - (file.bytes[file.size - 1] == '\n');
    if (from_hex((const char *)file.bytes, digits, seed, SEED)) {
        crypto_sign_seed_keypair(public, out->secret, seed);
        sodium_bin2hex(out->public_hex, sizeof out->public_hex, public, PUBLIC);
        sodium_memzero(seed, sizeof seed);
    } else {
        rc = lk_fail(err, LK_E_INPUT, "'%s' is no signing key: it has not 64 hex digits", path);
    }
    lk_file_unmap(&file);
    return rc;
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

bool lk_sign_verify(const char *public_hex, const char *text, const char *signature_hex)
{
    unsigned char public[PUBLIC], signature[SIGNATURE];
    return from_hex(public_hex, strlen(public_hex), public, PUBLIC) &&
           from_hex(signature_hex, strlen(signature_hex), signature, SIGNATURE) &&
           !crypto_sign_verify_detached(signature, (const unsigned char *)text, strlen(text),
                                        public);
}
