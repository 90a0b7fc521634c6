// SPDX-License-Identifier: Apache-2.0
#include "pipeline/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool lk__slot_holds(const char *slot, const char *wanted)
{
    return slot && !strcmp(slot, wanted ? wanted : "");
}

int lk__slot_choose(lk_engine *engine,
                    enum lk_role role,
                    const char *wanted,
                    char **slot,
                    const struct lk_model_entry **entry,
                    struct lk_error *err)
{
    free(*slot);
    *slot = NULL;
    return lk_catalog_find(engine->catalog, role, wanted, entry, err);
}

int lk__slot_remember(char **slot, const char *wanted, struct lk_error *err)
{
    *slot = strdup(wanted ? wanted : "");
    return *slot ? 0 : lk_fail_memory(err, "a model's name", 0);
}

int lk__engine_note(lk_engine *engine, const struct lk_model_entry *entry, struct lk_error *err)
{
    struct lk__model_use *use = &engine->uses[entry->role];
    snprintf(use->name, sizeof use->name, "%s", entry->name);
    use->entry = entry;
    return lk_model_sha256(entry, &use->sha256, err);
}

int lk__slot_ask(lk_engine *engine,
                 enum lk_role role,
                 const char *wanted,
                 char **slot,
                 const struct lk_model_entry **entry,
                 struct lk_error *err)
{
    *entry = NULL;
    engine->uses[role].used = true;
    if (lk__slot_holds(*slot, wanted))
        return 0;
    int rc = lk__slot_choose(engine, role, wanted, slot, entry, err);
    return rc ? rc : lk__engine_note(engine, *entry, err);
}

const struct lk_model_entry *lk__starter_of(const lk_catalog *catalog, enum lk_role role)
{
    for (size_t i = 0; i < lk_catalog_count(catalog); i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        if (entry->role == role && entry->path && !strcmp(entry->name, "starter"))
            return entry;
    }
    return NULL;
}

const struct lk_model_entry *lk__first_there(const lk_catalog *catalog, enum lk_role role)
{
    const struct lk_model_entry *found = NULL;
    for (size_t i = 0; i < lk_catalog_count(catalog); i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        if (entry->role == role && entry->path && (!found || !strcmp(entry->name, "starter")))
            found = entry;
    }
    return found;
}
