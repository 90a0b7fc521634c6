// SPDX-License-Identifier: Apache-2.0
#include "pipeline/trust/licences.h"

#include <stdio.h>

/* Models by name, as many as a remark has room for. */
struct names {
    char text[110];
    size_t length;
    bool more; /* than fit */
};

static void append(struct names *names, const struct lk_model_entry *entry)
{
    const size_t room = sizeof names->text - names->length;
    if (!entry || !lk_model_is_non_commercial(entry))
        return;
    const int n = snprintf(names->text + names->length, room, "%s%s %s", names->length ? ", " : "",
                           lk_role_name(entry->role), entry->name);
    if (n > 0 && (size_t)n < room)
        names->length += (size_t)n;
    else
        names->more = true;
    names->text[names->length] = 0;
}

void lk__remark_licences(const lk_engine *engine, lk_result *result)
{
    struct names names = {.length = 0};
    for (int role = 0; role < LK_ROLE_COUNT; role++)
        if (engine->uses[role].used)
            append(&names, engine->uses[role].entry);
    for (int i = 0; i < LK_IMAGES_MAX; i++)
        if (engine->adapters.slots[i].used)
            append(&names, engine->adapters.slots[i].entry);
    if (names.length || names.more)
        lk__result_remark(result, "not for commercial use, by the licence of %s%s", names.text,
                          names.more ? " and others" : "");
}
