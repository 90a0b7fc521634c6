// SPDX-License-Identifier: Apache-2.0
#include "base/key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

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

/* Writes a random key and closes the file. */
static int write_new(int file)
{
    uint8_t bytes[sizeof(struct lk_key)];
    char text[2 * sizeof bytes + 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(text, sizeof text, bytes, sizeof bytes);
    text[sizeof text - 2] = '\n';
    bool written = write(file, text, sizeof text - 1) == (ssize_t)sizeof text - 1 && !fsync(file);
    sodium_memzero(text, sizeof text);
    sodium_memzero(bytes, sizeof bytes);
    return close(file) || !written ? -1 : 0;
}

/* mkstemp makes the file 0600, and link, unlike rename, leaves a key alone that another process has
 * put there meanwhile. */
static int make(const char *path, struct lk_error *err)
{
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return lk_fail_memory(err, "a key's path", strlen(path));
    int file = mkstemp(temporary), rc = 0;
    if (file < 0 || write_new(file) || (link(temporary, path) && errno != EEXIST))
        rc = lk_fail(err, LK_E_FAILED, "key '%s' cannot be made: %s", path, strerror(errno));
    if (file >= 0)
        unlink(temporary);
    free(temporary);
    return rc;
}

int lk_key_keep(const char *path, struct lk_key *out, struct lk_error *err)
{
    if (access(path, F_OK)) {
        int rc = make(path, err);
        if (rc)
            return rc;
    }
    return lk_key_read(path, out, err);
}
