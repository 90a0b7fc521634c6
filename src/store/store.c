// SPDX-License-Identifier: Apache-2.0
/* Opening a store, making a new one, and running statements.
 *
 * SQLite with a rollback journal: a reader or writer that is killed leaves a journal, which the
 * next one plays back. synchronous=EXTRA: a commit is on the disk, and its journal is gone, before
 * COMMIT returns. secure_delete: what is erased is overwritten with zeros. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { PATIENCE_MS = 60000 };

static const char SETTINGS[] = "PRAGMA synchronous = EXTRA;"
                               "PRAGMA secure_delete = ON;";

/* "the NOUN 'PATH' WHAT: why (SQLite)". */
static int fail(const struct lk_store *store, const char *what, struct lk_error *err)
{
    if (sqlite3_errcode(store->db) == SQLITE_NOTADB)
        return lk_fail(err, LK_E_INPUT, "'%s' is no %s: give the file of one to %s", store->path,
                       store->kind->noun, store->kind->option);
    if (sqlite3_errcode(store->db) == SQLITE_CORRUPT)
        return lk_fail(err, LK_E_FAILED,
                       "the %s '%s' is damaged and cannot be read (%s): put a copy of it back, or "
                       "name another file by %s",
                       store->kind->noun, store->path, sqlite3_errmsg(store->db),
                       store->kind->option);
    return lk_fail(err, LK_E_FAILED, "the %s '%s' %s: %s", store->kind->noun, store->path, what,
                   sqlite3_errmsg(store->db));
}

static int run(struct lk_store *store, const char *sql, const char *what, struct lk_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) ? fail(store, what, err) : 0;
}

int lk_store_run(struct lk_store *store, const char *sql, struct lk_error *err)
{
    return run(store, sql, "cannot be written", err);
}

int lk_store_prepare(struct lk_store *store,
                     const char *sql,
                     sqlite3_stmt **out,
                     struct lk_error *err)
{
    return sqlite3_prepare_v2(store->db, sql, -1, out, NULL) ? fail(store, "cannot be read", err)
                                                             : 0;
}

int lk_store_finish(struct lk_store *store, sqlite3_stmt *statement, int step, struct lk_error *err)
{
    const char *what = sqlite3_stmt_readonly(statement) ? "cannot be read" : "cannot be written";
    int rc = step == SQLITE_DONE || step == SQLITE_ROW ? 0 : fail(store, what, err);
    sqlite3_finalize(statement);
    return rc;
}

int lk_store_begin(struct lk_store *store, struct lk_error *err)
{
    return lk_store_run(store, "BEGIN IMMEDIATE", err);
}

int lk_store_end(struct lk_store *store, int rc, struct lk_error *err)
{
    rc = rc ? rc : lk_store_run(store, "COMMIT", err);
    if (rc)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int lk_store_begin_erasing(struct lk_store *store, struct lk_error *err)
{
    int rc = lk_store_run(store, "PRAGMA journal_mode = PERSIST", err);
    rc = rc ? rc : lk_store_begin(store, err);
    if (rc)
        sqlite3_exec(store->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return rc;
}

/* Zeros all of a file that is there. */
static int blank(const char *path)
{
    static const char zeros[1 << 16];
    struct stat status;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    off_t left = fstat(fd, &status) ? -1 : status.st_size;
    while (left > 0) {
        ssize_t n = write(fd, zeros, left < (off_t)sizeof zeros ? (size_t)left : sizeof zeros);
        if (n < 0 && errno != EINTR)
            break;
        left -= n > 0 ? n : 0;
    }
    int failed = left != 0 || fsync(fd);
    return close(fd) || failed ? -1 : 0;
}

/* Nobody else writes meanwhile, and a journal of zeros is none. */
static int blank_journal(struct lk_store *store, struct lk_error *err)
{
    char *path;
    if (asprintf(&path, "%s-journal", store->path) < 0)
        return lk_fail_memory(err, "a path", strlen(store->path));
    int rc = lk_store_run(store, "BEGIN EXCLUSIVE", err);
    if (!rc && blank(path))
        rc = lk_fail(err, LK_E_FAILED,
                     "'%s' cannot be overwritten: %s; what was erased can still be read there",
                     path, strerror(errno));
    free(path);
    return lk_store_end(store, rc, err);
}

int lk_store_end_erasing(struct lk_store *store, int rc, struct lk_error *err)
{
    rc = lk_store_end(store, rc, err);
    rc = rc ? rc : blank_journal(store, err);
    int left = run(store, "PRAGMA journal_mode = DELETE", "cannot be written", rc ? NULL : err);
    return rc ? rc : left;
}

const char *lk_store_column(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

int lk_store_key_read(const struct lk_store *store, struct lk_sign_key *out, struct lk_error *err)
{
    int rc = lk_sign_key_read(store->key_path, out, err);
    if (rc == LK_E_MISSING)
        rc = lk_fail(err, LK_E_FAILED, "the %s's signing key '%s' is gone%s", store->kind->noun,
                     store->key_path, store->kind->no_key);
    return rc;
}

/* The one number that a statement gives. */
static int ask(struct lk_store *store, const char *sql, int *out, struct lk_error *err)
{
    sqlite3_stmt *get;
    int rc = lk_store_prepare(store, sql, &get, err);
    if (rc)
        return rc;
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW)
        *out = sqlite3_column_int(get, 0);
    return lk_store_finish(store, get, step, err);
}

/* In a transaction: between two reads another program may have made the store. *is_new: a database
 * without anything in it. */
static int check_form(struct lk_store *store, bool *is_new, struct lk_error *err)
{
    const struct lk_store_kind *kind = store->kind;
    int application = 0, version = 0, things = 0;
    int rc = ask(store, "PRAGMA application_id", &application, err);
    rc = rc ? rc : ask(store, "PRAGMA user_version", &version, err);
    rc = rc ? rc : ask(store, "SELECT count(*) FROM sqlite_schema", &things, err);
    if (rc)
        return rc;
    *is_new = !application && !version && !things;
    if (*is_new)
        return 0;
    if (application != kind->application)
        return lk_fail(err, LK_E_INPUT,
                       "'%s' is a database of another program: give the file of %s to %s",
                       store->path, kind->one, kind->option);
    if (version != kind->version)
        return lk_fail(err, LK_E_INPUT,
                       "the %s '%s' is of version %d, this program knows version %d: use the "
                       "likeness that wrote it",
                       kind->noun, store->path, version, kind->version);
    return 0;
}

static int make_tables(struct lk_store *store, void *user, struct lk_error *err)
{
    char marks[96];
    snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             store->kind->application, store->kind->version);
    int rc = lk_sign_key_make(store->key_path, err);
    rc = rc ? rc : lk_store_run(store, store->kind->tables, err);
    rc = rc ? rc : lk_store_run(store, marks, err);
    return rc ? rc : store->kind->fill(user, err);
}

/* Of several processes that find no tables one makes them; the others see that it has. */
static int make(struct lk_store *store, void *user, struct lk_error *err)
{
    bool is_new;
    int rc = lk_store_begin(store, err);
    if (rc)
        return rc;
    rc = check_form(store, &is_new, err);
    if (!rc && is_new)
        rc = make_tables(store, user, err);
    return lk_store_end(store, rc, err);
}

static int open_file(struct lk_store *store, bool may_make, void *user, struct lk_error *err)
{
    bool is_new;
    int rc = 0;
    if (may_make)
        rc = lk_file_make_private(store->path, "", 0, err);
    else if (access(store->path, F_OK))
        rc = lk_fail(err, LK_E_MISSING, "there is no %s '%s'%s", store->kind->noun, store->path,
                     store->kind->no_file);
    if (rc)
        return rc;
    if (sqlite3_open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE, NULL))
        return fail(store, "cannot be opened", err);
    sqlite3_busy_timeout(store->db, PATIENCE_MS);
    rc = run(store, SETTINGS, "cannot be read", err);
    rc = rc || !store->kind->settings ? rc
                                      : run(store, store->kind->settings, "cannot be read", err);
    rc = rc ? rc : run(store, "BEGIN", "cannot be read", err);
    if (rc)
        return rc;
    rc = lk_store_end(store, check_form(store, &is_new, err), err);
    if (rc || !is_new)
        return rc;
    return may_make
               ? make(store, user, err)
               : lk_fail(err, LK_E_MISSING, "the %s '%s' is empty", store->kind->noun, store->path);
}

int lk_store_open(struct lk_store *store,
                  const struct lk_store_kind *kind,
                  const char *path,
                  bool may_make,
                  void *user,
                  struct lk_error *err)
{
    store->kind = kind;
    store->path = strdup(path);
    if (asprintf(&store->key_path, "%s.key", path) < 0)
        store->key_path = NULL;
    return store->path && store->key_path ? open_file(store, may_make, user, err)
                                          : lk_fail_memory(err, kind->one, 0);
}

void lk_store_close(struct lk_store *store)
{
    sqlite3_close(store->db);
    free(store->path);
    free(store->key_path);
}
