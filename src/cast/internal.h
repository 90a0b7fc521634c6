// SPDX-License-Identifier: Apache-2.0
/* What the files of the cast share. */
#ifndef LK_CAST_INTERNAL_H
#define LK_CAST_INTERNAL_H

#include <sqlite3.h>

#include "base/key.h"
#include "cast/cast.h"

struct lk_cast {
    sqlite3 *db;
    char *path, *key_path;
    bool is_sealed, has_key;
    struct lk_key key; /* of the passphrase */
};

/* "the cast 'PATH' WHAT: why (SQLite)". */
int lk__cast_fail(const lk_cast *cast, const char *what, struct lk_error *err);
int lk__cast_run(lk_cast *cast, const char *sql, struct lk_error *err);
int lk__cast_prepare(lk_cast *cast, const char *sql, sqlite3_stmt **out, struct lk_error *err);
/* Finalizes a statement that was stepped through; `step` is what its last step returned. */
int lk__cast_finish(lk_cast *cast, sqlite3_stmt *statement, int step, struct lk_error *err);
/* BEGIN IMMEDIATE, and COMMIT when rc is 0, else ROLLBACK; returns rc or what the commit said. */
int lk__cast_begin(lk_cast *cast, struct lk_error *err);
int lk__cast_end(lk_cast *cast, int rc, struct lk_error *err);

/* A text column; "" for NULL. */
const char *lk__cast_column(sqlite3_stmt *statement, int column);

/* Binds bytes of a person, sealed where the cast is; another label, another thing. */
int lk__cast_bind(lk_cast *cast,
                  sqlite3_stmt *statement,
                  int index,
                  const char *label,
                  const void *bytes,
                  size_t n,
                  struct lk_error *err);
/* The bytes of a column, opened; malloc'd. */
int lk__cast_bytes(lk_cast *cast,
                   sqlite3_stmt *statement,
                   int column,
                   const char *label,
                   uint8_t **out,
                   size_t *n,
                   struct lk_error *err);

/* "2026-11-29T01:30:00Z" */
void lk__cast_time(char out[32]);

/* The label of a photo's crop and of a vector: bound to the person, so that a face cannot be moved
 * to another name. */
#define LK__LABEL_SIZE 160
void lk__label(char out[LK__LABEL_SIZE], const char *uid, const char *what);

#endif
