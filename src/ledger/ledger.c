// SPDX-License-Identifier: Apache-2.0
/* A ledger as a kind of store, and its signed head. The triggers keep honest hands from changing
 * rows; against others there is the chain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

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
    int rc = lk_store_prepare(&ledger->store, "SELECT sequence, hash, public, signature FROM head",
                              &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW) {
        out->sequence = sqlite3_column_int64(get, 0);
        snprintf(out->hash.hex, sizeof out->hash.hex, "%s", lk_store_column(get, 1));
        snprintf(out->public_hex, sizeof out->public_hex, "%s", lk_store_column(get, 2));
        snprintf(out->signature.hex, sizeof out->signature.hex, "%s", lk_store_column(get, 3));
    }
    rc = lk_store_finish(&ledger->store, get, step, err);
    if (!rc && step != SQLITE_ROW)
        rc = lk_fail(err, LK_E_FAILED, "the audit ledger '%s' has lost its signed head",
                     ledger->store.path);
    return rc;
}

int lk__head_write(lk_ledger *ledger, struct lk__head *head, struct lk_error *err)
{
    struct lk_sign_key key;
    char text[128];
    sqlite3_stmt *put;
    int rc = lk_store_key_read(&ledger->store, &key, err);
    if (rc)
        return rc;
    head_text(head, text);
    memcpy(head->public_hex, key.public_hex, sizeof head->public_hex);
    lk_sign(&key, text, &head->signature);
    lk_sign_key_forget(&key);
    rc = lk_store_prepare(&ledger->store, "INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?, ?)",
                          &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, head->sequence);
    sqlite3_bind_text(put, 2, head->hash.hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, head->public_hex, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 4, head->signature.hex, -1, SQLITE_STATIC);
    return lk_store_finish(&ledger->store, put, sqlite3_step(put), err);
}

/* Whether the key that lies beside the ledger is the one that signed; a copy of a ledger has none.
 */
static int check_signer(const lk_ledger *ledger, const struct lk__head *head, struct lk_error *err)
{
    struct lk_sign_key key;
    int rc = lk_sign_key_read(ledger->store.key_path, &key, err);
    if (rc == LK_E_MISSING)
        return 0;
    if (!rc && strcmp(key.public_hex, head->public_hex))
        rc = lk_fail(err, LK_E_FAILED,
                     "the head of the audit ledger '%s' is signed by another key than '%s'",
                     ledger->store.path, ledger->store.key_path);
    lk_sign_key_forget(&key);
    return rc;
}

int lk__head_check(lk_ledger *ledger, const struct lk__head *head, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = 0;
    if (!lk__head_is_signed(head))
        rc =
            lk_fail(err, LK_E_FAILED, "the signature of the head of the audit ledger '%s' is wrong",
                    ledger->store.path);
    rc = rc ? rc : check_signer(ledger, head, err);
    rc = rc ? rc
            : lk_store_prepare(&ledger->store,
                               "SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1",
                               &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    long long last = step == SQLITE_ROW ? sqlite3_column_int64(get, 0) : 0;
    const char *hash = step == SQLITE_ROW ? lk_store_column(get, 1) : LK__NO_HASH;
    bool same = last == head->sequence && !strcmp(hash, head->hash.hex);
    rc = lk_store_finish(&ledger->store, get, step, err);
    if (rc || same)
        return rc;
    return lk_fail(
        err, LK_E_FAILED,
        "the audit ledger '%s' ends at row %lld, and its signed head is row %lld: the end "
        "was cut off or changed",
        ledger->store.path, last, (long long)head->sequence);
}

/* The head of a chain without a row. */
static int begin_chain(void *user, struct lk_error *err)
{
    struct lk__head head = {.hash = {LK__NO_HASH}};
    return lk__head_write(user, &head, err);
}

static const struct lk_store_kind KIND = {
    .noun = "audit ledger",
    .one = "an audit ledger",
    .option = "--audit",
    .no_file = ": no picture has left yet, or --audit names another",
    .application = 0x4c4b4155, /* "LKAU" */
    .version = 1,
    .no_key = ": put it back, or begin another ledger by --audit FILE",
    .tables = TABLES,
    .fill = begin_chain,
};

int lk_ledger_open(const char *path,
                   enum lk_ledger_access access,
                   lk_ledger **out,
                   struct lk_error *err)
{
    lk_ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger)
        return lk_fail_memory(err, KIND.one, sizeof *ledger);
    int rc = lk_store_open(&ledger->store, &KIND, path, access == LK_LEDGER_WRITE, ledger, err);
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
    lk_store_close(&ledger->store);
    free(ledger);
}

int lk_ledger_try(lk_ledger *ledger, const char *mirror, struct lk_error *err)
{
    struct lk__head head;
    /* What is taken back needs no sync of the folder when its journal goes: one that comes back
     * says what the file has. Not OFF: a journal that another writer left in dying is played back
     * here. */
    int rc = lk_store_run(&ledger->store, "PRAGMA synchronous = FULL", err);
    rc = rc ? rc : lk_store_begin(&ledger->store, err);
    if (!rc) {
        rc = lk__head_read(ledger, &head, err);
        rc = rc ? rc : lk__head_check(ledger, &head, err);
        rc = rc ? rc : lk__head_write(ledger, &head, err);
        rc = rc || !mirror ? rc : lk__mirror_add(mirror, NULL, err);
        sqlite3_exec(ledger->store.db, "ROLLBACK", NULL, NULL, NULL);
    }
    const int set = lk_store_run(&ledger->store, "PRAGMA synchronous = EXTRA", rc ? NULL : err);
    return rc ? rc : set;
}
