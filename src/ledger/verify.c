// SPDX-License-Identifier: Apache-2.0
/* The whole chain, row by row, then the head, then the mirror. All in one read transaction: no row
 * is added meanwhile, so the mirror, which follows the rows, cannot run ahead by an honest writer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger/internal.h"

/* Where the walk is. */
struct walk {
    lk_ledger *ledger;
    struct lk_ledger_state *state;
    struct lk_sha256 previous;
};

static int bad(const struct walk *walk, int64_t sequence, const char *what, struct lk_error *err)
{
    return lk_fail(err, LK_E_FAILED, "row %" PRId64 " of the audit ledger '%s' %s", sequence,
                   walk->ledger->store.path, what);
}

/* Whether the body promised this value: its hash, salted anew, is in it. */
static bool is_promised(const json_t *promised, const char *name, const json_t *kept)
{
    const char *salt = json_string_value(json_object_get(kept, "salt"));
    const char *value = json_string_value(json_object_get(kept, "value"));
    const char *hash = json_string_value(json_object_get(promised, name));
    struct lk_sha256 salted;
    if (!salt || !value || !hash)
        return false;
    lk_sha256_salted(salt, value, &salted);
    return !strcmp(salted.hex, hash);
}

static int check_personal(struct walk *walk,
                          int64_t sequence,
                          const json_t *body,
                          struct lk_error *err)
{
    json_t *personal, *promised = json_object_get(body, "personal"), *kept;
    const char *name;
    bool whole = true;
    int rc = lk__personal_read(walk->ledger, sequence, &personal, err);
    if (rc)
        return rc;
    json_object_foreach(personal, name, kept)
    {
        whole = whole && is_promised(promised, name, kept);
    }
    walk->state->erased += json_object_size(personal) < json_object_size(promised);
    json_decref(personal);
    return whole ? 0 : bad(walk, sequence, "has personal data that was changed", err);
}

static int check_body(struct walk *walk, int64_t sequence, const json_t *body, struct lk_error *err)
{
    const char *previous = json_string_value(json_object_get(body, "previous"));
    if (json_integer_value(json_object_get(body, "sequence")) != sequence)
        return bad(walk, sequence, "is another row's", err);
    if (!previous || strcmp(previous, walk->previous.hex))
        return bad(walk, sequence, "does not follow the row before it", err);
    return check_personal(walk, sequence, body, err);
}

static int check_row(struct walk *walk, sqlite3_stmt *get, struct lk_error *err)
{
    int64_t sequence = sqlite3_column_int64(get, 0);
    const char *text = lk_store_column(get, 1);
    struct lk_sha256 hash;
    if (sequence != walk->state->rows + 1)
        return bad(walk, walk->state->rows + 1, "is missing", err);
    lk_sha256_bytes(text, (size_t)sqlite3_column_bytes(get, 1), &hash);
    if (strcmp(hash.hex, lk_store_column(get, 2)))
        return bad(walk, sequence, "was changed: its hash is another", err);
    json_t *body = json_loads(text, 0, NULL);
    int rc = check_body(walk, sequence, body, err);
    json_decref(body);
    walk->previous = hash;
    walk->state->rows = sequence;
    return rc;
}

static int check_rows(struct walk *walk, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc =
        lk_store_prepare(&walk->ledger->store,
                         "SELECT sequence, body, hash FROM entry ORDER BY sequence", &get, err);
    if (rc)
        return rc;
    int step;
    while ((step = sqlite3_step(get)) == SQLITE_ROW && !rc)
        rc = check_row(walk, get, err);
    int ended = lk_store_finish(&walk->ledger->store, get, step, rc ? NULL : err);
    return rc ? rc : ended;
}

static int hash_of_row(const struct walk *walk,
                       int64_t sequence,
                       char out[65],
                       struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&walk->ledger->store, "SELECT hash FROM entry WHERE sequence = ?",
                              &get, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(get, 1, sequence);
    int step = sqlite3_step(get);
    snprintf(out, 65, "%s", step == SQLITE_ROW ? lk_store_column(get, 0) : "");
    return lk_store_finish(&walk->ledger->store, get, step, err);
}

/* One head of the mirror: the row it speaks of must be there, and the same. */
static int check_mirrored(void *user, const struct lk__head *head, struct lk_error *err)
{
    struct walk *walk = user;
    char hash[65];
    if (strcmp(head->public_hex, walk->state->public_hex))
        return bad(walk, head->sequence, "is signed by another key in the mirror", err);
    if (head->sequence > walk->state->rows)
        return bad(walk, walk->state->rows + 1, "is missing: the mirror knows it, the end was cut",
                   err);
    int rc = hash_of_row(walk, head->sequence, hash, err);
    if (!rc && strcmp(hash, head->hash.hex))
        rc = bad(walk, head->sequence, "is another than in the mirror", err);
    walk->state->mirrored++;
    return rc;
}

int lk_ledger_verify(lk_ledger *ledger,
                     const char *mirror,
                     struct lk_ledger_state *out,
                     struct lk_error *err)
{
    struct lk_ledger_state state = {0};
    struct lk__head head;
    struct walk walk = {.ledger = ledger, .state = &state, .previous = {LK__NO_HASH}};
    int rc = lk_store_run(&ledger->store, "BEGIN", err);
    if (rc)
        return rc;
    rc = check_rows(&walk, err);
    rc = rc ? rc : lk__head_read(ledger, &head, err);
    rc = rc ? rc : lk__head_check(ledger, &head, err);
    if (!rc)
        memcpy(state.public_hex, head.public_hex, sizeof state.public_hex);
    rc = rc || !mirror ? rc : lk__mirror_each(mirror, check_mirrored, &walk, err);
    rc = lk_store_end(&ledger->store, rc, err);
    if (!rc)
        *out = state;
    return rc;
}
