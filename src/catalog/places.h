// SPDX-License-Identifier: Apache-2.0
/* Where the program's own data lies, installed or in a build tree. */
#ifndef LK_CATALOG_PLACES_H
#define LK_CATALOG_PLACES_H

#include <stdbool.h>

#include "base/error.h"

/* The usual model folders, in the order in which they are looked through, whether they exist or
 * not: a NULL-terminated list in one malloc'd block each; free with lk_places_free. */
int lk_places_models(char ***out, struct lk_error *err);
void lk_places_free(char **folders);

/* FILE in the user's own model folder, $XDG_DATA_HOME/likeness/models (else
 * ~/.local/share/…), whether it is there or not. malloc'd path; LK_E_MISSING when the environment
 * names no place. */
int lk_places_own_model(const char *file, char **out, struct lk_error *err);
/* Makes the folders above the path, if need be; as it was afterwards. */
int lk_places_make_above(char *path, struct lk_error *err);

/* CLIP's merges, bpe_simple_vocab_16e6.txt.gz: $LIKENESS_MERGES, else beside the program. malloc'd
 * path; LK_E_MISSING with the remedy. */
int lk_places_merges(char **out, struct lk_error *err);

/* The policy's rules, policy.rules: $LIKENESS_RULES, else beside the program. As above. */
int lk_places_rules(char **out, struct lk_error *err);

/* A file of the user's own that lasts, such as the audit ledger: in $LIKENESS_STATE, else
 * $XDG_STATE_HOME/likeness, else ~/.local/state/likeness. make: the folder is made if need be
 * (0700). malloc'd path; LK_E_MISSING when none of these is set. */
int lk_places_state(const char *name, bool make, char **out, struct lk_error *err);

/* The folder of what can be made again: $XDG_CACHE_HOME/likeness, else ~/.cache/likeness; whether
 * it is there or not. As above. */
int lk_places_cache(char **out, struct lk_error *err);

#endif
