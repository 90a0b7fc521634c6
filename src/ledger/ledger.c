// SPDX-License-Identifier: Apache-2.0
/* Opening a ledger, its tables, and the signed head.
 *
 * SQLite with a rollback journal: a reader or writer that is killed leaves a journal, which the
 * next one plays back. synchronous=EXTRA: a commit is on the disk, and its journal is gone, before
 * COMMIT returns. secure_delete: what is erased is overwritten with zeros. The triggers keep honest
 * hands from changing rows; against others there is the chain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/internal.h"

enum { APPLICATION = 0x4c4b4155 /* "LKAU" */, VERSION = 1, PATIENCE_MS = 60000 };

static const char SETTINGS[] = "PRAGMA synchronous = EXTRA;"
                               "PRAGMA secure_delete = ON;";

static const char TABLES[] =
    "CREATE TABLE entry (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL, hash TEXT NOT NULL)"
    " STRICT;"
    "CREATE TABLE personal (sequence INTEGER NOT NULL, name TEXT NOT NULL, salt TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (sequence, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), sequence INTEGER NOT NULL,"
    " hash TEXT NOT NULL, public TEXT NOT NULL, signature TEXT NOT NULL) STRICT;"
    "CREATE INDEX by_bytes ON entry (json_extract(body, '$.picture.sha256'));"
    "CREATE INDEX by_watermark ON entry (json_extract(body, '$.picture.watermark'));"
    "CREATE TRIGGER entry_stays BEFORE UPDATE ON entry"
    " BEGIN SELECT RAISE(ABORT, 'rows of the audit ledger do not change'); END;"
    "CREATE TRIGGER entry_remains BEFORE DELETE ON entry"
    " BEGIN SELECT RAISE(ABORT, 'rows of the audit ledger do not go'); END;";

int lk__ledger_fail(const lk_ledger *ledger, const char *what, struct lk_error *err)
{
    if (sqlite3_errcode(ledger->db) == SQLITE_NOTADB)
        return lk_fail(err, LK_E_INPUT, "'%s' is no audit ledger: give the file of one to --audit",
                       ledger->path);
    return lk_fail(err, LK_E_FAILED, "the audit ledger '%s' %s: %s", ledger->path, what,
                   sqlite3_errmsg(ledger->db));
}

int lk__ledger_run(lk_ledger *ledger, const char *sql, struct lk_error *err)
{
    return sqlite3_exec(ledger->db, sql, NULL, NULL, NULL)
               ? lk__ledger_fail(ledger, "cannot be written", err)
               : 0;
}

int lk__ledger_prepare(lk_ledger *ledger, const char *sql, sqlite3_stmt **out, struct lk_error *err)
{
    return sqlite3_prepare_v2(ledger->db, sql, -1, out, NULL)
               ? lk__ledger_fail(ledger, "cannot be read", err)
               : 0;
}

int lk__ledger_finish(lk_ledger *ledger, sqlite3_stmt *statement, int step, struct lk_error *err)
{
    int rc = step == SQLITE_DONE || step == SQLITE_ROW
                 ? 0
                 : lk__ledger_fail(ledger,
                                   sqlite3_stmt_readonly(statement) ? "cannot be read"
                                                                    : "cannot be written",
                                   err);
    sqlite3_finalize(statement);
    return rc;
}

int lk__ledger_end(lk_ledger *ledger, int rc, struct lk_error *err)
{
    rc = rc ? rc : lk__ledger_run(ledger, "COMMIT", err);
    if (rc)
        sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

const char *lk__column(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

/* What is signed. */
static void head_text(const struct lk__head *head, char out[128])
{
    snprintf(out, 128, "likeness audit head 1\n%lld\n%s\n", (long long)head->sequence,
             head->hash.hex);
}

bool lk__head_is_signed(const struct lk__head *head)
{
    char text[128];
    head_text(head, text);
    return lk_sign_verify(head->public_hex, text, head->signature.hex);
}

int lk__head_read(lk_ledger *ledger, struct lk__head *out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc =
        lk__ledger_prepare(ledger, "SELECT sequence, hash, public, signature FROM head", &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW) {
        out->sequence = sqlite3_column_int64(get, 0);
        snprintf(out->hash.hex, sizeof out->hash.hex, "%s", lk__column(get, 1));
        snprintf(out->public_hex, sizeof out->public_hex, "%s", lk__column(get, 2));
        snprintf(out->signature.hex, sizeof out->signature.hex, "%s", lk__column(get, 3));
    }
    rc = lk__ledger_finish(ledger, get, step, err);
    if (!rc && step == SQLITE_DONE)
        rc = lk_fail(err, LK_E_FAILED, "the audit ledger '%s' has lost its signed head",
                     ledger->path);
    return rc;
}

static int read_key(const lk_ledger *ledger, struct lk_sign_key *out, struct lk_error *err)
{
    int rc = lk_sign_key_read(ledger->key_path, out, err);
    if (rc == LK_E_MISSING)
        rc = lk_fail(err, LK_E_FAILED,
                     "the audit ledger's signing key '%s' is gone: put it back, or begin another "
                     "ledger by --audit FILE",
                     ledger->key_path);
    return rc;
}

int lk__head_write(lk_ledger *ledger, struct lk__head *head, struct lk_error *err)
{
    struct lk_sign_key key;
    char text[128];
    sqlite3_stmt *put;
    int rc = read_key(ledger, &key, err);
    if (rc)
        return rc;
    head_text(head, text);
    memcpy(head->public_hex, key.public_hex, sizeof head->public_hex);
    lk_sign(&key, text, &head->signature);
    lk_sign_key_forget(&key);
    rc =
        lk__ledger_prepare(ledger, "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?)", &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, head->sequence);
    sqlite3_bind_text(put, 2, head->hash.hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, head->public_hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, head->signature.hex, -1, SQLITE_STATIC);
    return lk__ledger_finish(ledger, put, sqlite3_step(put), err);
}

/* Whether the key that lies beside the ledger is the one that signed; a copy of a ledger has none.
 */
static int check_signer(const lk_ledger *ledger, const struct lk__head *head, struct lk_error *err)
{
    struct lk_sign_key key;
    int rc = lk_sign_key_read(ledger->key_path, &key, err);
    if (rc == LK_E_MISSING)
        return 0;
    if (!rc && strcmp(key.public_hex, head->public_hex))
        rc = lk_fail(err, LK_E_FAILED,
                     "the head of the audit ledger '%s' is signed by another key than '%s'",
                     ledger->path, ledger->key_path);
    lk_sign_key_forget(&key);
    return rc;
}

int lk__head_check(lk_ledger *ledger, const struct lk__head *head, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = 0;
    if (!lk__head_is_signed(head))
        rc = lk_fail(err, LK_E_FAILED,
                     "the signature of the head of the audit ledger '%s' is wrong", ledger->path);
    rc = rc ? rc : check_signer(ledger, head, err);
    rc = rc ? rc
            : lk__ledger_prepare(ledger,
                                 "SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1",
                                 &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    long long last = step == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
    const char *hash = step == SQLITE_ROW ? lk__column(get, 1) : LK__NO_HASH;
    bool same = last == head->sequence && !strcmp(hash, head->hash.hex);
    rc = lk__ledger_finish(ledger, get, step, err);
    if (rc || same)
        return rc;
    return lk_fail(
        err, LK_E_FAILED,
        "the audit ledger '%s' ends at row %lld, and its signed head is row %lld: the end "
        "was cut off or changed",
        ledger->path, last, (long long)head->sequence);
}

static int ask(lk_ledger *ledger, const char *sql, int *out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk__ledger_prepare(ledger, sql, &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW)
        *out = sqlite3_column_int(get, 0);
    return lk__ledger_finish(ledger, get, step, err);
}

/* *is_new: a database without anything in it. */
static int check_form(lk_ledger *ledger, bool *is_new, struct lk_error *err)
{
    int application = 0, version = 0, things = 0;
    int rc = ask(ledger, "PRAGMA application_id", &application, err);
    rc = rc ? rc : ask(ledger, "PRAGMA user_version", &version, err);
    rc = rc ? rc : ask(ledger, "SELECT count(*) FROM sqlite_schema", &things, err);
    if (rc)
        return rc;
    *is_new = !application && !version && !things;
    if (*is_new)
        return 0;
    if (application != APPLICATION)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is a database of another program: give the file of an audit ledger to "
                       "--audit",
                       ledger->path);
    if (version != VERSION)
        return lk_fail(err, LK_E_INPUT,
                       "the audit ledger '%s' is of version %d, this program knows version %d: use "
                       "the likeness that wrote it",
                       ledger->path, version, VERSION);
    return 0;
}

static int make_tables(lk_ledger *ledger, struct lk_error *err)
{
    struct lk__head head = {.hash = {LK__NO_HASH}};
    char marks[96];
    snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION, VERSION);
    int rc = lk_sign_key_make(ledger->key_path, err);
    rc = rc ? rc : lk__ledger_run(ledger, TABLES, err);
    rc = rc ? rc : lk__ledger_run(ledger, marks, err);
    return rc ? rc : lk__head_write(ledger, &head, err);
}

/* Of several processes that find no tables one makes them; the others see that it has. */
static int begin(lk_ledger *ledger, struct lk_error *err)
{
    bool is_new;
    int rc = lk__ledger_run(ledger, "BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = check_form(ledger, &is_new, err);
    if (!rc && is_new)
        rc = make_tables(ledger, err);
    return lk__ledger_end(ledger, rc, err);
}

static int open_file(lk_ledger *ledger, enum lk_ledger_access mode, struct lk_error *err)
{
    bool is_new;
    int rc = 0;
    if (mode == LK_LEDGER_WRITE)
        rc = lk_file_make_private(ledger->path, "", 0, err);
    else if (access(ledger->path, F_OK))
        rc = lk_fail(err, LK_E_MISSING,
                     "there is no audit ledger '%s': no picture has left yet, or --audit names "
                     "another",
                     ledger->path);
    if (rc)
        return rc;
    if (sqlite3_open_v2(ledger->path, &ledger->db, SQLITE_OPEN_READWRITE, NULL))
        return lk__ledger_fail(ledger, "cannot be opened", err);
    sqlite3_busy_timeout(ledger->db, PATIENCE_MS);
    rc = lk__ledger_run(ledger, SETTINGS, err);
    rc = rc ? rc : check_form(ledger, &is_new, err);
    if (rc || !is_new)
        return rc;
    return mode == LK_LEDGER_WRITE
               ? begin(ledger, err)
               : lk_fail(err, LK_E_MISSING, "the audit ledger '%s' is empty", ledger->path);
}

/* Where the signing key lies; malloc'd or NULL. */
static char *key_of(const char *path)
{
    char *key;
    return asprintf(&key, "%s.key", path) < 0 ? NULL : key;
}

int lk_ledger_open(const char *path,
                   enum lk_ledger_access access,
                   lk_ledger **out,
                   struct lk_error *err)
{
    lk_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return lk_fail_memory(err, "an audit ledger", sizeof *ledger);
    ledger->path = strdup(path);
    ledger->key_path = key_of(path);
    int rc = ledger->path && ledger->key_path ? open_file(ledger, access, err)
                                              : lk_fail_memory(err, "an audit ledger", 0);
    if (rc)
        lk_ledger_close(ledger);
    else
        *out = ledger;
    return rc;
}

void lk_ledger_close(lk_ledger *ledger)
{
    if (!ledger)
        return;
    sqlite3_close(ledger->db);
    free(ledger->path);
    free(ledger->key_path);
    free(ledger);
}

int lk_ledger_try(lk_ledger *ledger, const char *mirror, struct lk_error *err)
{
    struct lk__head head;
    int rc = lk__ledger_run(ledger, "BEGIN IMMEDIATE", err);
    if (rc)
        return rc;
    rc = lk__head_read(ledger, &head, err);
    rc = rc ? rc : lk__head_check(ledger, &head, err);
    rc = rc ? rc : lk__head_write(ledger, &head, err);
    rc = rc || !mirror ? rc : lk__mirror_add(mirror, NULL, err);
    sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
