// SPDX-License-Identifier: Apache-2.0
/* What the files of the cast share. */
#ifndef LK_CAST_INTERNAL_H
#define LK_CAST_INTERNAL_H

#include "base/seal.h"
#include "cast/cast.h"
#include "store/store.h"

struct lk_cast {
    struct lk_store store;
    bool is_sealed, has_key;
    struct lk_key key;          /* of the passphrase */
    uint8_t salt[LK_SEAL_SALT]; /* is_sealed: what the key is made with, another for each seal */
};

/* A new seal, in memory and into the file. */
int lk__seal_make(lk_cast *cast, const char *passphrase, struct lk_error *err);
int lk__seal_keep(lk_cast *cast, struct lk_error *err);

/* Inside a transaction: LK_E_FAILED when the file is not sealed any more as it was when the cast
 * was opened. As a condition of SQL, whose parameter lk__seal_bind fills. */
int lk__seal_check(lk_cast *cast, struct lk_error *err);
#define LK__SEAL_IS(parameter) "SELECT coalesce((SELECT salt FROM seal), x'') = " parameter
void lk__seal_bind(const lk_cast *cast, sqlite3_stmt *statement, int index);

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
