// SPDX-License-Identifier: Apache-2.0
/* A store: one SQLite file (0600) with a signing key of its own beside it, PATH.key.
 *
 * The cast and the audit ledger are each a kind of store: what they are called, which tables they
 * have and what a new one begins with stands in a constant; how the file is opened, checked, made
 * and written is the same for both. Statements are SQLite's own: a store prepares them and says in
 * a sentence what went wrong. A store may be used from one thread at a time; any number of
 * processes may have one file open, and a writer waits up to a minute for others. */
#ifndef LK_STORE_STORE_H
#define LK_STORE_STORE_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/error.h"
#include "base/sign.h"

/* In the order in which opening a file comes to it. */
struct lk_store_kind {
    const char *noun, *one;   /* "audit ledger", "an audit ledger" */
    const char *option;       /* which names another file */
    const char *no_file;      /* ends "there is no NOUN 'PATH'" */
    const char *settings;     /* SQL on each opening, after what all kinds have; NULL: none */
    int application, version; /* application_id and user_version of the file */
    const char *no_key;       /* ends "the NOUN's signing key 'PATH.key' is gone" */
    const char *tables;       /* SQL that makes them */
    /* Writes what a new store begins with, in the transaction that makes the tables; `user` is what
     * lk_store_open was given, whose store may be used by then. */
    int (*fill)(void *user, struct lk_error *err);
};

struct lk_store {
    sqlite3 *db;
    char *path, *key_path;
    const struct lk_store_kind *kind; /* not owned */
};

/* Opens the file into a zeroed store, which lk_store_close frees whatever this returns. may_make:
 * a file that is not there, or is empty, becomes a new store with its key; else LK_E_MISSING.
 * LK_E_INPUT for a file that is no store of this kind, or of another version; LK_E_FAILED for what
 * the disk refuses. */
int lk_store_open(struct lk_store *store,
                  const struct lk_store_kind *kind,
                  const char *path,
                  bool may_make,
                  void *user,
                  struct lk_error *err);
void lk_store_close(struct lk_store *store); /* a zeroed or half-opened one is fine */

/* Runs statements that give no rows. LK_E_FAILED: "the NOUN 'PATH' cannot be written: why". */
int lk_store_run(struct lk_store *store, const char *sql, struct lk_error *err);
/* *out is the caller's, for lk_store_finish. */
int lk_store_prepare(struct lk_store *store,
                     const char *sql,
                     sqlite3_stmt **out,
                     struct lk_error *err);
/* Finalizes a statement that was stepped through; `step` is what its last step returned, and
 * becomes LK_E_FAILED when that was an error. */
int lk_store_finish(struct lk_store *store,
                    sqlite3_stmt *statement,
                    int step,
                    struct lk_error *err);

/* BEGIN IMMEDIATE: waits for other writers now, and not in the middle. */
int lk_store_begin(struct lk_store *store, struct lk_error *err);
/* COMMIT when rc is 0, else ROLLBACK; returns rc or what the commit said. */
int lk_store_end(struct lk_store *store, int rc, struct lk_error *err);

/* The same around what shall be gone: the journal, in which the pages stand as they were, is
 * overwritten before it goes. What a disk keeps of older blocks is beyond reach. */
int lk_store_begin_erasing(struct lk_store *store, struct lk_error *err);
int lk_store_end_erasing(struct lk_store *store, int rc, struct lk_error *err);

/* A text column; "" for NULL. Good until the statement's next step. */
const char *lk_store_column(sqlite3_stmt *statement, int column);

/* The signing key; lk_sign_key_forget it. LK_E_FAILED when it is gone, LK_E_INPUT when the file is
 * no key. */
int lk_store_key_read(const struct lk_store *store, struct lk_sign_key *out, struct lk_error *err);

#endif
