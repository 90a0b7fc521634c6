// SPDX-License-Identifier: Apache-2.0
/* Where entries come from. Shared by the files of this folder. */
#ifndef LK_CATALOG_ENTRIES_H
#define LK_CATALOG_ENTRIES_H

#include "base/arena.h"
#include "catalog/catalog.h"

/* Well-known models of others, which users have already; never found in a pack of ours. */
const struct lk_model_entry *lk__known_models(size_t *count);

/* Another file of a well-known model, as right as its own. */
struct lk__other {
    const char *model, *file, *sha256;
};
const struct lk__other *lk__known_others(size_t *count);
/* Whether a well-known model is known under that file name, and with that sha256; NULL: whatever it
 * is. Of an entry of a pack only what it says itself counts. */
bool lk__known_as(const struct lk_model_entry *entry, const char *file, const char *sha256);

/* Reads FOLDER/pack.json and calls add for each entry, its strings in the arena, its `path` set
 * when the file is there. A folder without pack.json has no entries. */
int lk__pack_read(const char *folder,
                  lk_arena *arena,
                  int (*add)(void *user, const struct lk_model_entry *entry, struct lk_error *err),
                  void *user,
                  struct lk_error *err);

#endif
