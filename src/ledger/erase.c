// SPDX-License-Identifier: Apache-2.0
/* Erasing: the salt goes with the value, so that the hash left in the chain tells nothing any more,
 * not even to somebody who guesses right. */
#include <stdlib.h>

#include "ledger/internal.h"

/* ?1 is a name, or NULL and ?2 a row. */
#define ROWS                                                                                       \
    " FROM personal WHERE sequence = ?2 OR sequence IN (SELECT sequence FROM personal"             \
    " WHERE value = ?1 OR substr(value, -length(?1) - 1) = '/' || ?1)"

/* Runs the statement; *count: its one number, when it gives one. */
static int run(
    lk_ledger *ledger, const char *sql, const char *name, int64_t *count, struct lk_error *err)
{
    sqlite3_stmt *statement;
    int rc = lk_store_prepare(&ledger->store, sql, &statement, err);
    if (rc)
        return rc;
    if (*name == '#')
        sqlite3_bind_int64(statement, 2, strtoll(name + 1, NULL, 10));
    else
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        *count = sqlite3_column_int64(statement, 0);
    return lk_store_finish(&ledger->store, statement, step, err);
}

int lk_ledger_erase(lk_ledger *ledger, const char *name, int64_t *rows, struct lk_error *err)
{
    int64_t count = 0;
    int rc = lk_store_begin_erasing(&ledger->store, err);
    if (rc)
        return rc;
    rc = run(ledger, "SELECT count(DISTINCT sequence)" ROWS, name, &count, err);
    rc = rc ? rc : run(ledger, "DELETE" ROWS, name, &count, err);
    rc = lk_store_end_erasing(&ledger->store, rc, err);
    if (!rc)
        *rows = count;
    return rc;
}
