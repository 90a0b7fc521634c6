// SPDX-License-Identifier: Apache-2.0
/* Opening a cast, its tables, and its sealed bytes.
 *
 * SQLite with a rollback journal and secure_delete, as the ledger has it; temporary tables stay in
 * memory, so that packing the file puts no copy of a face elsewhere. */
#include "cast/cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"
#include "base/sign.h"
#include "cast/internal.h"

enum { APPLICATION = 0x4c4b4341 /* "LKCA" */, VERSION = 1, PATIENCE_MS = 60000 };

static const char SETTINGS[] = "PRAGMA synchronous = EXTRA;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA temp_store = MEMORY;"
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

/* What is sealed to tell a wrong passphrase from a right one. */
static const char SAMPLE[] = "likeness cast";

int lk__cast_fail(const lk_cast *cast, const char *what, struct lk_error *err)
{
    if (sqlite3_errcode(cast->db) == SQLITE_NOTADB)
        return lk_fail(err, LK_E_INPUT, "'%s' is no cast: give the file of one to --cast-file",
                       cast->path);
    return lk_fail(err, LK_E_FAILED, "the cast '%s' %s: %s", cast->path, what,
                   sqlite3_errmsg(cast->db));
}

int lk__cast_run(lk_cast *cast, const char *sql, struct lk_error *err)
{
    return sqlite3_exec(cast->db, sql, NULL, NULL, NULL)
               ? lk__cast_fail(cast, "cannot be written", err)
               : 0;
}

int lk__cast_prepare(lk_cast *cast, const char *sql, sqlite3_stmt **out, struct lk_error *err)
{
    return sqlite3_prepare_v2(cast->db, sql, -1, out, NULL)
               ? lk__cast_fail(cast, "cannot be read", err)
               : 0;
}

int lk__cast_finish(lk_cast *cast, sqlite3_stmt *statement, int step, struct lk_error *err)
{
    int rc = step == SQLITE_DONE || step == SQLITE_ROW
                 ? 0
                 : lk__cast_fail(cast,
                                 sqlite3_stmt_readonly(statement) ? "cannot be read"
                                                                  : "cannot be written",
                                 err);
    sqlite3_finalize(statement);
    return rc;
}

int lk__cast_begin(lk_cast *cast, struct lk_error *err)
{
    return lk__cast_run(cast, "BEGIN IMMEDIATE", err);
}

int lk__cast_end(lk_cast *cast, int rc, struct lk_error *err)
{
    rc = rc ? rc : lk__cast_run(cast, "COMMIT", err);
    if (rc)
        sqlite3_exec(cast->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

const char *lk__cast_column(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

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
                   cast->path);
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
                       cast->path);
    }
    *out = bytes;
    *n = cast->is_sealed ? size - LK_SEAL_MORE : size;
    return 0;
}

static int ask(lk_cast *cast, const char *sql, int *out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk__cast_prepare(cast, sql, &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW)
        *out = sqlite3_column_int(get, 0);
    return lk__cast_finish(cast, get, step, err);
}

/* *is_new: a database without anything in it. */
static int check_form(lk_cast *cast, bool *is_new, struct lk_error *err)
{
    int application = 0, version = 0, things = 0;
    int rc = ask(cast, "PRAGMA application_id", &application, err);
    rc = rc ? rc : ask(cast, "PRAGMA user_version", &version, err);
    rc = rc ? rc : ask(cast, "SELECT count(*) FROM sqlite_schema", &things, err);
    if (rc)
        return rc;
    *is_new = !application && !version && !things;
    if (*is_new)
        return 0;
    if (application != APPLICATION)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is a database of another program: give the file of a cast to "
                       "--cast-file",
                       cast->path);
    if (version != VERSION)
        return lk_fail(err, LK_E_INPUT,
                       "the cast '%s' is of version %d, this program knows version %d: use the "
                       "likeness that wrote it",
                       cast->path, version, VERSION);
    return 0;
}

/* A new cast is sealed when there is a passphrase. */
static int make_seal(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    uint8_t salt[LK_SEAL_SALT];
    sqlite3_stmt *put;
    if (!passphrase)
        return 0;
    lk_seal_salt(salt);
    int rc = lk_seal_key(passphrase, salt, &cast->key, err);
    rc = rc ? rc : lk__cast_prepare(cast, "INSERT INTO seal VALUES (1, ?, ?)", &put, err);
    if (rc)
        return rc;
    cast->is_sealed = cast->has_key = true;
    sqlite3_bind_blob(put, 1, salt, sizeof salt, SQLITE_TRANSIENT);
    rc = lk__cast_bind(cast, put, 2, "sample", SAMPLE, sizeof SAMPLE, err);
    int finished = lk__cast_finish(cast, put, rc ? SQLITE_DONE : sqlite3_step(put), err);
    return rc ? rc : finished;
}

static int make_tables(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    char marks[96];
    snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION, VERSION);
    int rc = lk_sign_key_make(cast->key_path, err);
    rc = rc ? rc : lk__cast_run(cast, TABLES, err);
    rc = rc ? rc : lk__cast_run(cast, marks, err);
    return rc ? rc : make_seal(cast, passphrase, err);
}

/* Of several processes that find no tables one makes them; the others see that it has. */
static int begin_cast(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    bool is_new;
    int rc = lk__cast_begin(cast, err);
    if (rc)
        return rc;
    rc = check_form(cast, &is_new, err);
    if (!rc && is_new)
        rc = make_tables(cast, passphrase, err);
    return lk__cast_end(cast, rc, err);
}

/* Whether the passphrase opens what is sealed in this row. */
static int try_key(lk_cast *cast, sqlite3_stmt *row, const char *passphrase, struct lk_error *err)
{
    uint8_t *sample = NULL;
    size_t n;
    if (!passphrase)
        return 0;
    if (sqlite3_column_bytes(row, 0) != LK_SEAL_SALT)
        return lk_fail(err, LK_E_FAILED, "the cast '%s' was changed: its salt is damaged",
                       cast->path);
    int rc = lk_seal_key(passphrase, sqlite3_column_blob(row, 0), &cast->key, err);
    if (rc)
        return rc;
    cast->has_key = true;
    if (lk__cast_bytes(cast, row, 1, "sample", &sample, &n, NULL))
        rc = lk_fail(err, LK_E_INPUT, "the passphrase does not open the cast '%s'", cast->path);
    free(sample);
    return rc;
}

static int open_seal(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk__cast_prepare(cast, "SELECT salt, sample FROM seal", &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    cast->is_sealed = step == SQLITE_ROW;
    if (cast->is_sealed)
        rc = try_key(cast, get, passphrase, err);
    int finished = lk__cast_finish(cast, get, step, err);
    rc = rc ? rc : finished;
    if (!rc && !cast->is_sealed && passphrase)
        rc = lk_fail(
            err, LK_E_INPUT,
            "the cast '%s' is not sealed, and a passphrase is given: take it away, or begin "
            "a cast with it by --cast-file FILE",
            cast->path);
    return rc;
}

static int open_file(lk_cast *cast,
                     enum lk_cast_access mode,
                     const char *passphrase,
                     struct lk_error *err)
{
    bool is_new;
    int rc = 0;
    if (mode == LK_CAST_WRITE)
        rc = lk_file_make_private(cast->path, "", 0, err);
    else if (access(cast->path, F_OK))
        rc =
            lk_fail(err, LK_E_MISSING,
                    "there is no cast '%s': begin one by likeness cast add NAME PHOTO", cast->path);
    if (rc)
        return rc;
    if (sqlite3_open_v2(cast->path, &cast->db, SQLITE_OPEN_READWRITE, NULL))
        return lk__cast_fail(cast, "cannot be opened", err);
    sqlite3_busy_timeout(cast->db, PATIENCE_MS);
    rc = lk__cast_run(cast, SETTINGS, err);
    rc = rc ? rc : check_form(cast, &is_new, err);
    if (!rc && is_new && mode == LK_CAST_READ)
        return lk_fail(err, LK_E_MISSING, "the cast '%s' is empty", cast->path);
    if (!rc && is_new)
        rc = begin_cast(cast, passphrase, err);
    return rc || cast->has_key ? rc : open_seal(cast, passphrase, err);
}

int lk_cast_open(const char *path,
                 enum lk_cast_access access,
                 const char *passphrase,
                 lk_cast **out,
                 struct lk_error *err)
{
    lk_cast *cast = calloc(1, sizeof *cast);
    if (!cast)
        return lk_fail_memory(err, "a cast", sizeof *cast);
    cast->path = strdup(path);
    if (asprintf(&cast->key_path, "%s.key", path) < 0)
        cast->key_path = NULL;
    int rc = cast->path && cast->key_path ? open_file(cast, access, passphrase, err)
                                          : lk_fail_memory(err, "a cast", 0);
    if (rc)
        lk_cast_close(cast);
    else
        *out = cast;
    return rc;
}

void lk_cast_close(lk_cast *cast)
{
    if (!cast)
        return;
    sqlite3_close(cast->db);
    lk_seal_forget(&cast->key);
    free(cast->path);
    free(cast->key_path);
    free(cast);
}
