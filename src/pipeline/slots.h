// SPDX-License-Identifier: Apache-2.0
/* Which model serves in a role. What a role's slot holds is known by what was asked for ("" for the
 * starter's); it is empty, NULL, while nothing is open. */
#ifndef LK_PIPELINE_SLOTS_H
#define LK_PIPELINE_SLOTS_H

#include "pipeline/engine.h"

bool lk__slot_holds(const char *slot, const char *wanted);
/* Finds the model that is asked for; until the caller has opened it, the slot is empty. */
int lk__slot_choose(lk_engine *engine,
                    enum lk_role role,
                    const char *wanted,
                    char **slot,
                    const struct lk_model_entry **entry,
                    struct lk_error *err);
int lk__slot_remember(char **slot, const char *wanted, struct lk_error *err);

/* What the audit will say of a model that is opened. */
int lk__engine_note(lk_engine *engine, const struct lk_model_entry *entry, struct lk_error *err);

/* The role is used: *entry is the model that the caller has to open and to remember, noted; NULL
 * when it is open already. */
int lk__slot_ask(lk_engine *engine,
                 enum lk_role role,
                 const char *wanted,
                 char **slot,
                 const struct lk_model_entry **entry,
                 struct lk_error *err);

/* The starter's model of a role, or the starter's before any other, where its file is there. */
const struct lk_model_entry *lk__starter_of(const lk_catalog *catalog, enum lk_role role);
const struct lk_model_entry *lk__first_there(const lk_catalog *catalog, enum lk_role role);

#endif
