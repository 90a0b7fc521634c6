// SPDX-License-Identifier: Apache-2.0
/* What the files of the ledger share. */
#ifndef LK_LEDGER_INTERNAL_H
#define LK_LEDGER_INTERNAL_H

#include <stdbool.h>

#include "base/sign.h"
#include "ledger/ledger.h"
#include "store/store.h"

struct lk_ledger {
    struct lk_store store;
};

/* The end of the chain. */
struct lk__head {
    int64_t sequence; /* 0: no row yet */
    struct lk_sha256 hash;
    char public_hex[65];
    struct lk_signature signature;
};

/* The hash before the first row. */
#define LK__NO_HASH "0000000000000000000000000000000000000000000000000000000000000000"

int lk__head_read(lk_ledger *ledger, struct lk__head *out, struct lk_error *err);
/* Signs the head with the ledger's key and writes it. */
int lk__head_write(lk_ledger *ledger, struct lk__head *head, struct lk_error *err);
/* Its signature, and that it is the last row's: LK_E_FAILED says what is wrong. */
int lk__head_check(lk_ledger *ledger, const struct lk__head *head, struct lk_error *err);
bool lk__head_is_signed(const struct lk__head *head);

/* Adds the head's line to the mirror, whole or not at all. head NULL: only looks whether that would
 * go. */
int lk__mirror_add(const char *path, const struct lk__head *head, struct lk_error *err);
/* Called for each head in the order of the lines; a line that is no signed head is LK_E_FAILED. */
typedef int lk__mirror_visit(void *user, const struct lk__head *head, struct lk_error *err);
int lk__mirror_each(const char *path, lk__mirror_visit *visit, void *user, struct lk_error *err);

/* What is left of a row's personal data, as in lk_ledger_row. */
int lk__personal_read(lk_ledger *ledger, int64_t sequence, json_t **out, struct lk_error *err);

#endif
