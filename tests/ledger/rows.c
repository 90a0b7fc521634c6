// SPDX-License-Identifier: Apache-2.0
#include "ledger/rows.h"

#include <stdio.h>

#include <sqlite3.h>

#include "support/check.h"

void row_sha256(int seed, struct lk_sha256 *out)
{
    lk_sha256_bytes(&seed, sizeof seed, out);
}

int add_row(lk_ledger *ledger, int seed, const char *mirror, struct lk_error *err)
{
    int64_t sequence;
    char prompt[64], photo[64];
    snprintf(prompt, sizeof prompt, "a portrait of somebody, number %d", seed);
    snprintf(photo, sizeof photo, "photos/person-%d.jpg", seed % 3);
    json_t *made = json_pack("{s:s,s:i}", "program", "test", "seed", seed);
    json_t *personal = json_pack("{s:s,s:s}", "prompt", prompt, "people[0].photo", photo);
    struct lk_ledger_entry entry = {
        .picture = {.phash = (uint64_t)seed * 0x9e3779b97f4a7c15u,
                    .format = "png",
                    .width = 512,
                    .height = 768},
        .made = made,
        .personal = personal,
    };
    row_sha256(seed, &entry.picture.sha256);
    int rc = lk_ledger_append(ledger, &entry, mirror, &sequence, err);
    json_decref(made);
    json_decref(personal);
    return rc;
}

void make_ledger(const char *path, int n, const char *mirror)
{
    struct lk_error err;
    lk_ledger *ledger;
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    for (int i = 0; i < n; i++)
        assert_ok(add_row(ledger, i, mirror, &err), &err);
    lk_ledger_close(ledger);
}

void tamper(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db,
                 "PRAGMA synchronous = OFF; DROP TRIGGER IF EXISTS entry_stays;"
                 "DROP TRIGGER IF EXISTS entry_remains; DROP INDEX IF EXISTS by_bytes;"
                 "DROP INDEX IF EXISTS by_watermark",
                 NULL, NULL, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

int verify(const char *path,
           const char *mirror,
           struct lk_ledger_state *state,
           struct lk_error *err)
{
    lk_ledger *ledger;
    int rc = lk_ledger_open(path, LK_LEDGER_READ, &ledger, err);
    if (rc)
        return rc;
    rc = lk_ledger_verify(ledger, mirror, state, err);
    lk_ledger_close(ledger);
    return rc;
}
