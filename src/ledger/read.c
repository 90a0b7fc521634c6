// SPDX-License-Identifier: Apache-2.0
/* Walking the rows, and finding those of a picture. Looks are compared with every row: a distance
 * has no index, and a million rows take seconds. */
#include <stdlib.h>
#include <string.h>

#include "data/phash.h"
#include "ledger/internal.h"

int lk__personal_read(lk_ledger *ledger, int64_t sequence, json_t **out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(
        &ledger->store, "SELECT name, salt, value FROM personal WHERE sequence = ? ORDER BY name",
        &get, err);
    if (rc)
        return rc;
    json_t *found = json_object();
    int step;
    sqlite3_bind_int64(get, 1, sequence);
    while ((step = sqlite3_step(get)) == SQLITE_ROW)
        json_object_set_new(found, lk_store_column(get, 0),
                            json_pack("{s:s,s:s}", "salt", lk_store_column(get, 1), "value",
                                      lk_store_column(get, 2)));
    rc = lk_store_finish(&ledger->store, get, step, err);
    if (!rc && !found)
        rc = lk_fail_memory(err, "a row of the audit ledger", 0);
    if (rc)
        json_decref(found);
    else
        *out = found;
    return rc;
}

static int visit_row(
    lk_ledger *ledger, sqlite3_stmt *get, lk_ledger_visit *visit, void *user, struct lk_error *err)
{
    struct lk_ledger_row row = {
        .sequence = sqlite3_column_int64(get, 0),
        .body = lk_store_column(get, 1),
        .hash = lk_store_column(get, 2),
    };
    int rc = lk__personal_read(ledger, row.sequence, &row.personal, err);
    if (rc)
        return rc;
    rc = visit(user, &row, err);
    json_decref(row.personal);
    return rc;
}

int lk_ledger_each(lk_ledger *ledger,
                   int64_t first,
                   int64_t last,
                   lk_ledger_visit *visit,
                   void *user,
                   struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(
        &ledger->store,
        "SELECT sequence, body, hash FROM entry WHERE sequence BETWEEN ? AND ? ORDER BY sequence",
        &get, err);
    if (rc)
        return rc;
    int step;
    sqlite3_bind_int64(get, 1, first);
    sqlite3_bind_int64(get, 2, last);
    while ((step = sqlite3_step(get)) == SQLITE_ROW && !rc)
        rc = visit_row(ledger, get, visit, user, err);
    int ended = lk_store_finish(&ledger->store, get, step, rc ? NULL : err);
    return rc ? rc : ended;
}

/* Matches found so far. */
struct matches {
    struct lk_ledger_match *best;
    size_t room, n;
};

/* Keeps the nearest, and of equals those that came first. */
static void keep(struct matches *m, struct lk_ledger_match match)
{
    size_t at = m->n;
    while (at > 0 && m->best[at - 1].distance > match.distance)
        at--;
    if (at == m->room)
        return;
    size_t after = m->n - at - (m->n == m->room);
    memmove(&m->best[at + 1], &m->best[at], after * sizeof *m->best);
    m->best[at] = match;
    m->n += m->n < m->room;
}

/* Rows of which `sql` is true of the text, latest first. */
static int find_equal(lk_ledger *ledger,
                      const char *sql,
                      const char *text,
                      enum lk_ledger_trait by,
                      struct matches *m,
                      struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&ledger->store, sql, &get, err);
    if (rc)
        return rc;
    int step;
    sqlite3_bind_text(get, 1, text, -1, SQLITE_STATIC);
    while ((step = sqlite3_step(get)) == SQLITE_ROW)
        keep(m, (struct lk_ledger_match){.by = by, .sequence = sqlite3_column_int64(get, 0)});
    return lk_store_finish(&ledger->store, get, step, err);
}

static int find_alike(lk_ledger *ledger, uint64_t phash, struct matches *m, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(
        &ledger->store,
        "SELECT sequence, json_extract(body, '$.picture.phash') FROM entry ORDER BY sequence DESC",
        &get, err);
    if (rc)
        return rc;
    int step;
    while ((step = sqlite3_step(get)) == SQLITE_ROW) {
        int distance = lk_phash_distance(phash, strtoull(lk_store_column(get, 1), NULL, 16));
        if (distance <= LK_LEDGER_ALIKE)
            keep(m, (struct lk_ledger_match){LK_LEDGER_BY_LOOK, distance,
                                             sqlite3_column_int64(get, 0)});
    }
    return lk_store_finish(&ledger->store, get, step, err);
}

int lk_ledger_trace(lk_ledger *ledger,
                    const struct lk_ledger_picture *picture,
                    struct lk_ledger_match *out,
                    size_t room,
                    size_t *n,
                    struct lk_error *err)
{
    struct matches m = {.best = out, .room = room};
    int rc =
        find_equal(ledger,
                   "SELECT sequence FROM entry WHERE json_extract(body, '$.picture.sha256') = ?"
                   " ORDER BY sequence DESC",
                   picture->sha256.hex, LK_LEDGER_BY_BYTES, &m, err);
    if (!rc && !m.n && picture->watermark)
        rc = find_equal(
            ledger,
            "SELECT sequence FROM entry WHERE json_extract(body, '$.picture.watermark') = ?"
            " ORDER BY sequence DESC",
            picture->watermark, LK_LEDGER_BY_WATERMARK, &m, err);
    if (!rc && !m.n)
        rc = find_alike(ledger, picture->phash, &m, err);
    if (!rc)
        *n = m.n;
    return rc;
}
