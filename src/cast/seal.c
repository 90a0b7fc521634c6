// SPDX-License-Identifier: Apache-2.0
/* Sealing a cast that is there, opening it for good, or another passphrase: every crop and vector
 * is written anew in one transaction, so that a cast is never half sealed. A process that has the
 * cast open meanwhile writes nothing into it that is kept in the old way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "cast/internal.h"

/* What is sealed to tell a wrong passphrase from a right one. */
static const char SAMPLE[] = "likeness cast";

int lk__seal_make(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    lk_seal_salt(cast->salt);
    int rc = lk_seal_key(passphrase, cast->salt, &cast->key, err);
    cast->is_sealed = cast->has_key = !rc;
    return rc;
}

int lk__seal_keep(lk_cast *cast, struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc = lk_store_prepare(&cast->store, "INSERT INTO seal VALUES (1, ?, ?)", &put, err);
    if (rc)
        return rc;
    sqlite3_bind_blob(put, 1, cast->salt, sizeof cast->salt, SQLITE_STATIC);
    rc = lk__cast_bind(cast, put, 2, "sample", SAMPLE, sizeof SAMPLE, err);
    int finished = lk_store_finish(&cast->store, put, rc ? SQLITE_DONE : sqlite3_step(put), err);
    return rc ? rc : finished;
}

int lk__seal_check(lk_cast *cast, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&cast->store, LK__SEAL_IS("?1"), &get, err);
    if (rc)
        return rc;
    lk__seal_bind(cast, get, 1);
    int step = sqlite3_step(get);
    bool same = step == SQLITE_ROW && sqlite3_column_int(get, 0);
    rc = lk_store_finish(&cast->store, get, step, err);
    return rc || same ? rc
                      : lk_fail(err, LK_E_FAILED,
                                "the cast '%s' was sealed or opened by another process meanwhile: "
                                "ask again",
                                cast->store.path);
}

void lk__seal_bind(const lk_cast *cast, sqlite3_stmt *statement, int index)
{
    sqlite3_bind_blob(statement, index, cast->salt, cast->is_sealed ? sizeof cast->salt : 0,
                      SQLITE_STATIC);
}

/* One kind of bytes that belong to a person: how the next one is found, and written back. */
struct kept {
    const char *next;  /* ?1, ?2: the keys of the one before → keys, uid, label, bytes */
    const char *write; /* ?1, ?2: keys, ?3 bytes */
};

static const struct kept kinds[] = {
    {"SELECT photo.id, '', uid, 'crop', crop FROM photo JOIN person ON person.id = person"
     " WHERE photo.id > ?1 AND ?2 IS NOT NULL AND crop IS NOT NULL ORDER BY photo.id LIMIT 1",
     "UPDATE photo SET crop = ?3 WHERE id = ?1 AND ?2 IS NOT NULL"},
    {"SELECT photo, embedder, uid, embedder, value FROM vector JOIN photo ON photo.id = photo"
     " JOIN person ON person.id = person WHERE (photo, embedder) > (?1, ?2)"
     " ORDER BY photo, embedder LIMIT 1",
     "UPDATE vector SET value = ?3 WHERE photo = ?1 AND embedder = ?2"},
};

/* A thing that is kept, opened; bytes are malloc'd, NULL after the last one. */
struct thing {
    int64_t photo;
    char embedder[65], label[LK__LABEL_SIZE];
    uint8_t *bytes;
    size_t n;
};

static int next_thing(lk_cast *cast,
                      const struct kept *kind,
                      struct thing *thing,
                      struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&cast->store, kind->next, &get, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(get, 1, thing->photo);
    sqlite3_bind_text(get, 2, thing->embedder, -1, SQLITE_TRANSIENT);
    int step = sqlite3_step(get);
    thing->bytes = NULL;
    if (step == SQLITE_ROW) {
        thing->photo = sqlite3_column_int64(get, 0);
        snprintf(thing->embedder, sizeof thing->embedder, "%s", lk_store_column(get, 1));
        lk__label(thing->label, lk_store_column(get, 2), lk_store_column(get, 3));
        rc = lk__cast_bytes(cast, get, 4, thing->label, &thing->bytes, &thing->n, err);
    }
    int finished = lk_store_finish(&cast->store, get, step, err);
    return rc ? rc : finished;
}

static int write_thing(lk_cast *cast,
                       const struct kept *kind,
                       const struct thing *thing,
                       struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc = lk_store_prepare(&cast->store, kind->write, &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, thing->photo);
    sqlite3_bind_text(put, 2, thing->embedder, -1, SQLITE_STATIC);
    rc = lk__cast_bind(cast, put, 3, thing->label, thing->bytes, thing->n, err);
    int finished = lk_store_finish(&cast->store, put, rc ? SQLITE_DONE : sqlite3_step(put), err);
    return rc ? rc : finished;
}

/* Everything of one kind, from how `cast` keeps it to how `next` will. */
static int rewrite(lk_cast *cast, lk_cast *next, const struct kept *kind, struct lk_error *err)
{
    struct thing thing = {.photo = 0};
    int rc;
    while (!(rc = next_thing(cast, kind, &thing, err)) && thing.bytes) {
        rc = write_thing(next, kind, &thing, err);
        explicit_bzero(thing.bytes, thing.n);
        free(thing.bytes);
        if (rc)
            return rc;
    }
    return rc;
}

int lk_cast_seal(lk_cast *cast, const char *passphrase, struct lk_error *err)
{
    lk_cast next = *cast;
    next.is_sealed = next.has_key = false;
    int rc = passphrase ? lk__seal_make(&next, passphrase, err) : 0;
    rc = rc ? rc : lk_store_begin_erasing(&cast->store, err);
    if (rc)
        return rc;
    rc = lk__seal_check(cast, err);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds) && !rc; i++)
        rc = rewrite(cast, &next, &kinds[i], err);
    rc = rc ? rc : lk_store_run(&cast->store, "DELETE FROM seal", err);
    rc = rc || !passphrase ? rc : lk__seal_keep(&next, err);
    rc = lk_store_end_erasing(&cast->store, rc, err);
    rc = rc ? rc : lk_store_run(&cast->store, "VACUUM", err);
    if (!rc)
        *cast = next;
    lk_seal_forget(&next.key);
    return rc;
}
