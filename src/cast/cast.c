// SPDX-License-Identifier: Apache-2.0
/* A cast as a kind of store, and its sealed bytes. Temporary tables stay in memory, so that packing
 * the file puts no copy of a face elsewhere. */
#include "cast/cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cast/internal.h"

static const char SETTINGS[] = "PRAGMA temp_store = MEMORY;"
                               "PRAGMA foreign_keys = ON;";

static const char TABLES[] =
    "CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, time TEXT NOT NULL,"
    " barred INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE photo (id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL"
    " REFERENCES person (id) ON DELETE CASCADE, sha256 TEXT, quality REAL NOT NULL, crop BLOB,"
    " UNIQUE (person, sha256)) STRICT;"
    "CREATE TABLE vector (photo INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,"
    " embedder TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (photo, embedder))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE consent (id INTEGER PRIMARY KEY AUTOINCREMENT, person INTEGER NOT NULL"
    " REFERENCES person (id) ON DELETE CASCADE, body TEXT NOT NULL, public TEXT NOT NULL,"
    " signature TEXT NOT NULL) STRICT;"
    "CREATE INDEX consent_of ON consent (person);"
    "CREATE TABLE seal (only INTEGER PRIMARY KEY CHECK (only = 1), salt BLOB NOT NULL,"
    " sample BLOB NOT NULL) STRICT;";

void lk__cast_time(char out[32])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void lk__label(char out[LK__LABEL_SIZE], const char *uid, const char *what)
{
    snprintf(out, LK__LABEL_SIZE, "likeness cast 1\n%s\n%s", uid, what);
}

static int no_passphrase(const lk_cast *cast, struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT,
                   "the faces of the cast '%s' are sealed: set LIKENESS_PASSPHRASE, or give "
                   "--passphrase-file FILE",
                   cast->store.path);
}

int lk__cast_bind(lk_cast *cast,
                  sqlite3_stmt *statement,
                  int index,
                  const char *label,
                  const void *bytes,
                  size_t n,
                  struct lk_error *err)
{
    if (!cast->is_sealed) {
        sqlite3_bind_blob64(statement, index, bytes, n, SQLITE_TRANSIENT);
        return 0;
    }
    if (!cast->has_key)
        return no_passphrase(cast, err);
    uint8_t *sealed = malloc(n + LK_SEAL_MORE);
    if (!sealed)
        return lk_fail_memory(err, "a sealed face", n + LK_SEAL_MORE);
    lk_seal(&cast->key, label, bytes, n, sealed);
    sqlite3_bind_blob64(statement, index, sealed, n + LK_SEAL_MORE, free);
    return 0;
}

int lk__cast_bytes(lk_cast *cast,
                   sqlite3_stmt *statement,
                   int column,
                   const char *label,
                   uint8_t **out,
                   size_t *n,
                   struct lk_error *err)
{
    const uint8_t *kept = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    if (cast->is_sealed && !cast->has_key)
        return no_passphrase(cast, err);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes)
        return lk_fail_memory(err, "a face of the cast", size);
    if (!cast->is_sealed && size)
        memcpy(bytes, kept, size);
    else if (cast->is_sealed && !lk_unseal(&cast->key, label, kept, size, bytes)) {
        free(bytes);
        return lk_fail(err, LK_E_FAILED, "the cast '%s' was changed: a sealed face does not open",
                       cast->store.path);
    }
    *out = bytes;
    *n = cast->is_sealed ? size - LK_SEAL_MORE : size;
    return 0;
}

/* A cast that is being opened. */
struct opening {
    lk_cast *cast;
    const char *passphrase; /* NULL: none */
};

/* A new cast is sealed when there is a passphrase. */
static int make_seal(void *user, struct lk_error *err)
{
    const struct opening *opening = user;
    if (!opening->passphrase)
        return 0;
    int rc = lk__seal_make(opening->cast, opening->passphrase, err);
    return rc ? rc : lk__seal_keep(opening->cast, err);
}

static const struct lk_store_kind KIND = {
    .noun = "cast",
    .one = "a cast",
    .option = "--cast-file",
    .no_file = ": begin one by likeness cast add NAME PHOTO",
    .settings = SETTINGS,
    .application = 0x4c4b4341, /* "LKCA" */
    .version = 1,
    .no_key = ", so no consent can be checked: put it back",
    .tables = TABLES,
    .fill = make_seal,
};

/* Takes the salt from the row of the seal, and tries whether the passphrase opens the sample. */
static int try_key(lk_cast *cast, sqlite3_stmt *row, const char *passphrase, struct lk_error *err)
{
    uint8_t *sample = NULL;
    size_t n;
    if (sqlite3_column_bytes(row, 0) != sizeof cast->salt)
        return lk_fail(err, LK_E_FAILED, "the cast '%s' was changed: its salt is damaged",
                       cast->store.path);
    memcpy(cast->salt, sqlite3_column_blob(row, 0), sizeof cast->salt);
    if (!passphrase)
        return 0;
    int rc = lk_seal_key(passphrase, cast->salt, &cast->key, err);
    if (rc)
        return rc;
    cast->has_key = true;
    if (lk__cast_bytes(cast, row, 1, "sample", &sample, &n, NULL))
        rc = lk_fail(err, LK_E_INPUT, "the passphrase does not open the cast '%s'",
                     cast->store.path);
    free(sample);
    return rc;
}

static int open_seal(lk_cast *cast,
                     enum lk_cast_access access,
                     const char *passphrase,
                     struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&cast->store, "SELECT salt, sample FROM seal", &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    cast->is_sealed = step == SQLITE_ROW;
    if (cast->is_sealed)
        rc = try_key(cast, get, passphrase, err);
    int finished = lk_store_finish(&cast->store, get, step, err);
    rc = rc ? rc : finished;
    if (!rc && !cast->is_sealed && passphrase && access != LK_CAST_SEAL)
        rc =
            lk_fail(err, LK_E_INPUT,
                    "the cast '%s' is not sealed, and a passphrase is given: take it away, or seal "
                    "the cast by likeness cast seal",
                    cast->store.path);
    return rc;
}

int lk_cast_open(const char *path,
                 enum lk_cast_access access,
                 const char *passphrase,
                 lk_cast **out,
                 struct lk_error *err)
{
    lk_cast *cast = calloc(1, sizeof *cast);
    if (!cast)
        return lk_fail_memory(err, KIND.one, sizeof *cast);
    struct opening opening = {cast, passphrase};
    int rc = lk_store_open(&cast->store, &KIND, path, access == LK_CAST_WRITE, &opening, err);
    if (!rc && !cast->has_key)
        rc = open_seal(cast, access, passphrase, err);
    if (rc)
        lk_cast_close(cast);
    else
        *out = cast;
    return rc;
}

bool lk_cast_is_sealed(const lk_cast *cast)
{
    return cast->is_sealed;
}

void lk_cast_close(lk_cast *cast)
{
    if (!cast)
        return;
    lk_store_close(&cast->store);
    lk_seal_forget(&cast->key);
    free(cast);
}
