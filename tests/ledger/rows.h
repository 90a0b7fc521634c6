// SPDX-License-Identifier: Apache-2.0
/* What the tests of the ledger share: rows to add, and a hand that changes the file behind its
 * back. */
#ifndef LK_TESTS_LEDGER_ROWS_H
#define LK_TESTS_LEDGER_ROWS_H

#include "ledger/ledger.h"

/* The sha256 that add_row gives to row `seed`. */
void row_sha256(int seed, struct lk_sha256 *out);
/* Adds a row of a portrait of somebody. */
int add_row(lk_ledger *ledger, int seed, const char *mirror, struct lk_error *err);
/* A new ledger of n rows, closed again; with all heads in the mirror, when there is one. */
void make_ledger(const char *path, int n, const char *mirror);

/* Runs SQL on the file, after taking away its triggers and indices; ends the test when that fails.
 */
void tamper(const char *path, const char *sql);
/* Opens, verifies and closes. */
int verify(const char *path,
           const char *mirror,
           struct lk_ledger_state *state,
           struct lk_error *err);

#endif
