// SPDX-License-Identifier: Apache-2.0
/* What the audit ledger gets to know of a result. */
#ifndef LK_PIPELINE_RECORD_H
#define LK_PIPELINE_RECORD_H

#include "ledger/ledger.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

/* The audit ledger that the options name, else the user's own. */
int lk__ledger_of_options(const struct lk_engine_options *options,
                          enum lk_ledger_access mode,
                          lk_ledger **out,
                          struct lk_error *err);

/* Before any work: could a row be added? Forgets which models earlier runs used. */
int lk__record_try(lk_engine *engine, struct lk_error *err);
/* After it: which models and files of others went in. */
int lk__record_begin(const lk_engine *engine, lk_result *result, struct lk_error *err);
void lk__record_free(struct lk__record *record); /* a zeroed one is fine */

/* Adds the row of picture i. */
int lk__record_add(const lk_result *result,
                   size_t i,
                   const struct lk_ledger_picture *leaving,
                   struct lk_error *err);

#endif
