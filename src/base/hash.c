// SPDX-License-Identifier: Apache-2.0
/* Files are hashed in pieces: checkpoints are larger than memory. */
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { PIECE = 1 << 18 };

static void to_hex(const unsigned char digest[crypto_hash_sha256_BYTES], struct lk_sha256 *out)
{
    sodium_bin2hex(out->hex, sizeof out->hex, digest, crypto_hash_sha256_BYTES);
}

void lk_sha256_bytes(const void *bytes, size_t size, struct lk_sha256 *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, bytes, size);
    to_hex(digest, out);
}

struct lk_hasher {
    crypto_hash_sha256_state state;
};

int lk_hasher_new(lk_hasher **out, struct lk_error *err)
{
    lk_hasher *hasher = malloc(sizeof *hasher);
    if (!hasher)
        return lk_fail_memory(err, "a hash", sizeof *hasher);
    lk_hasher_restart(hasher);
    *out = hasher;
    return 0;
}

void lk_hasher_free(lk_hasher *hasher)
{
    free(hasher);
}

void lk_hasher_restart(lk_hasher *hasher)
{
    crypto_hash_sha256_init(&hasher->state);
}

void lk_hasher_add(lk_hasher *hasher, const void *bytes, size_t size)
{
    crypto_hash_sha256_update(&hasher->state, bytes, size);
}

void lk_hasher_end(lk_hasher *hasher, struct lk_sha256 *out)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&hasher->state, digest);
    to_hex(digest, out);
}

int lk_sha256_file(const char *path, struct lk_sha256 *out, struct lk_error *err)
{
    return lk_sha256_file_watched(path, NULL, out, err);
}

int lk_sha256_file_watched(const char *path,
                           const struct lk_watch *watch,
                           struct lk_sha256 *out,
                           struct lk_error *err)
{
    unsigned char *piece = NULL;
    struct lk_hasher hasher;
    int code = LK_OK;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return lk_fail(err, LK_E_INPUT, "file '%s' cannot be opened: %s", path, strerror(errno));
    piece = malloc(PIECE);
    if (!piece) {
        code = lk_fail_memory(err, "hashing a file", PIECE);
        goto fail;
    }
    lk_hasher_restart(&hasher);
    size_t n;
    errno = 0;
    while (!lk_watch_stopped(watch) && (n = fread(piece, 1, PIECE, file)) > 0)
        lk_hasher_add(&hasher, piece, n);
    if (lk_watch_stopped(watch)) {
        code = lk_fail(err, LK_E_INTERRUPTED, "file '%s' is not hashed: stopped on request", path);
        goto fail;
    }
    if (ferror(file)) {
        code = lk_fail(err, LK_E_INPUT, "file '%s' cannot be read: %s", path, strerror(errno));
        goto fail;
    }
    lk_hasher_end(&hasher, out);
fail:
    free(piece);
    fclose(file);
    return code;
}

void lk_salt_make(struct lk_salt *out)
{
    unsigned char bytes[sizeof out->hex / 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(out->hex, sizeof out->hex, bytes, sizeof bytes);
}

void lk_sha256_salted(const char *salt, const char *text, struct lk_sha256 *out)
{
    struct lk_hasher hasher;
    lk_hasher_restart(&hasher);
    lk_hasher_add(&hasher, salt, strlen(salt));
    lk_hasher_add(&hasher, text, strlen(text));
    lk_hasher_end(&hasher, out);
}
