// SPDX-License-Identifier: Apache-2.0
/* People: who is there, under which name, barred or not. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cast/internal.h"

#define MEMBERS                                                                                    \
    "SELECT id, uid, name, origin, time, barred,"                                                  \
    " (SELECT count(*) FROM photo WHERE photo.person = person.id),"                                \
    " (SELECT count(crop) FROM photo WHERE photo.person = person.id) FROM person"

/* UTF-8 without control characters: jansson knows the one, the loop the other. */
static bool is_plain(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    for (const char *c = text; string && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    }
    return string != NULL;
}

int lk_cast_check_name(const char *name, struct lk_error *err)
{
    size_t n = strlen(name);
    bool shaped = n && n < sizeof((struct lk_cast_member *)0)->name && *name != '-' &&
                  *name != ' ' && name[n - 1] != ' ' && !strpbrk(name, "/=");
    if (shaped && is_plain(name))
        return 0;
    return lk_fail(err, LK_E_INPUT,
                   "'%s' is no name for the cast: take 1 to 63 bytes of UTF-8 without '/', '=', a "
                   "'-' in front or spaces at the ends",
                   name);
}

static void read_member(sqlite3_stmt *row, struct lk_cast_member *out)
{
    *out = (struct lk_cast_member){.id = sqlite3_column_int64(row, 0),
                                   .barred = sqlite3_column_int(row, 5) != 0,
                                   .photos = sqlite3_column_int(row, 6),
                                   .crops = sqlite3_column_int(row, 7)};
    snprintf(out->uid, sizeof out->uid, "%s", lk_store_column(row, 1));
    snprintf(out->name, sizeof out->name, "%s", lk_store_column(row, 2));
    snprintf(out->origin, sizeof out->origin, "%s", lk_store_column(row, 3));
    snprintf(out->time, sizeof out->time, "%s", lk_store_column(row, 4));
}

int lk_cast_find(lk_cast *cast, const char *name, struct lk_cast_member *out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(&cast->store, MEMBERS " WHERE name = ?1", &get, err);
    if (rc)
        return rc;
    sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW)
        read_member(get, out);
    rc = lk_store_finish(&cast->store, get, step, err);
    if (!rc && step != SQLITE_ROW)
        rc = lk_fail(err, LK_E_MISSING,
                     "nobody in the cast '%s' is named '%s': see likeness cast list",
                     cast->store.path, name);
    return rc;
}

/* The first person whose name comes after this one; found false: there is none. */
static int next_member(
    lk_cast *cast, const char *after, struct lk_cast_member *out, bool *found, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc =
        lk_store_prepare(&cast->store, MEMBERS " WHERE name > ?1 ORDER BY name LIMIT 1", &get, err);
    if (rc)
        return rc;
    sqlite3_bind_text(get, 1, after, -1, SQLITE_STATIC);
    int step = sqlite3_step(get);
    *found = step == SQLITE_ROW;
    if (*found)
        read_member(get, out);
    return lk_store_finish(&cast->store, get, step, err);
}

/* No statement is open while somebody is visited, so that visitors may write: a process that holds
 * a read lock and wants to write cannot wait for another one that does the same. */
int lk_cast_each(lk_cast *cast, lk_cast_visit *visit, void *user, struct lk_error *err)
{
    struct lk_cast_member member = {0};
    for (;;) {
        char after[sizeof member.name];
        bool found;
        memcpy(after, member.name, sizeof after);
        int rc = next_member(cast, after, &member, &found, err);
        if (rc || !found)
            return rc;
        rc = visit(user, &member, err);
        if (rc)
            return rc;
    }
}

/* Runs a change of one person, whom it has as ?1, with a text as ?2. */
static int change(lk_cast *cast,
                  const char *sql,
                  const struct lk_cast_member *member,
                  const char *text,
                  struct lk_error *err)
{
    sqlite3_stmt *put;
    int rc = lk_store_prepare(&cast->store, sql, &put, err);
    if (rc)
        return rc;
    sqlite3_bind_int64(put, 1, member->id);
    sqlite3_bind_text(put, 2, text, -1, SQLITE_STATIC);
    return lk_store_finish(&cast->store, put, sqlite3_step(put), err);
}

int lk_cast_rename(lk_cast *cast, const char *name, const char *to, struct lk_error *err)
{
    struct lk_cast_member member, other;
    int rc = lk_cast_check_name(to, err);
    rc = rc ? rc : lk_store_begin(&cast->store, err);
    if (rc)
        return rc;
    rc = lk_cast_find(cast, name, &member, err);
    if (!rc && lk_cast_find(cast, to, &other, NULL) == 0)
        rc = lk_fail(err, LK_E_INPUT, "somebody in the cast is named '%s' already", to);
    rc = rc ? rc : change(cast, "UPDATE person SET name = ?2 WHERE id = ?1", &member, to, err);
    return lk_store_end(&cast->store, rc, err);
}

int lk_cast_bar(lk_cast *cast, const char *name, bool barred, struct lk_error *err)
{
    struct lk_cast_member member;
    int rc = lk_store_begin(&cast->store, err);
    if (rc)
        return rc;
    rc = lk_cast_find(cast, name, &member, err);
    rc = rc ? rc
            : change(cast,
                     barred ? "UPDATE person SET barred = 1 WHERE id = ?1"
                            : "UPDATE person SET barred = 0 WHERE id = ?1",
                     &member, NULL, err);
    return lk_store_end(&cast->store, rc, err);
}

static int count(void *user, const struct lk_cast_member *member, struct lk_error *err)
{
    (void)err;
    *(int *)user += member->barred;
    return 0;
}

int lk_cast_count_barred(lk_cast *cast, int *out, struct lk_error *err)
{
    *out = 0;
    return lk_cast_each(cast, count, out, err);
}

int lk_cast_remove(lk_cast *cast, const char *name, struct lk_error *err)
{
    struct lk_cast_member member;
    int rc = lk_store_begin_erasing(&cast->store, err);
    if (rc)
        return rc;
    rc = lk_cast_find(cast, name, &member, err);
    if (!rc && member.barred)
        rc =
            lk_fail(err, LK_E_REFUSED,
                    "'%s' is barred, and could not be told from others any more: run likeness cast "
                    "unbar '%s' first",
                    name, name);
    rc = rc ? rc : change(cast, "DELETE FROM person WHERE id = ?1", &member, NULL, err);
    rc = lk_store_end_erasing(&cast->store, rc, err);
    return rc ? rc : lk_store_run(&cast->store, "VACUUM", err);
}
