// SPDX-License-Identifier: Apache-2.0
#include "base/key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/file.h"

void lk_key_stream(const struct lk_key *key, const char *label, uint8_t *out, size_t n)
{
    uint8_t seed[randombytes_SEEDBYTES];
    lk_key_hash(key, label, strlen(label), seed, sizeof seed);
    randombytes_buf_deterministic(out, n, seed);
}

void lk_key_hash(
    const struct lk_key *key, const void *bytes, size_t n, uint8_t *out, size_t out_size)
{
    crypto_generichash(out, out_size, bytes, n, key->bytes, sizeof key->bytes);
}

static int parse(const char *path, const char *text, struct lk_key *out, struct lk_error *err)
{
    struct lk_key key;
    size_t size;
    const char *end;
    if (sodium_hex2bin(key.bytes, sizeof key.bytes, text, strlen(text), NULL, &size, &end) ||
        size != sizeof key.bytes || end[strspn(end, " \r\n")])
        return lk_fail(err, LK_E_INPUT, "'%s' is no key: 64 hex digits are expected", path);
    *out = key;
    return 0;
}

int lk_key_read(const char *path, struct lk_key *out, struct lk_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return lk_fail(err, errno == ENOENT ? LK_E_MISSING : LK_E_INPUT,
                       "key '%s' cannot be opened: %s", path, strerror(errno));
    char text[128];
    size_t n = fread(text, 1, sizeof text - 1, file);
    bool failed = ferror(file);
    fclose(file);
    text[n] = 0;
    int rc = failed ? lk_fail(err, LK_E_INPUT, "key '%s' cannot be read", path)
                    : parse(path, text, out, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

int lk_key_keep(const char *path, struct lk_key *out, struct lk_error *err)
{
    uint8_t bytes[sizeof out->bytes];
    char text[2 * sizeof bytes + 2];
    if (sodium_init() < 0)
        return lk_fail(err, LK_E_FAILED, "libsodium does not start: reinstall it");
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
    text[sizeof text - 2] = '\n';
    int rc = lk_file_make_private(path, text, sizeof text - 1, err);
    sodium_memzero(text, sizeof text);
    sodium_memzero(bytes, sizeof bytes);
    return rc ? rc : lk_key_read(path, out, err);
}
