// SPDX-License-Identifier: Apache-2.0
/* Models from where their owners publish them, from a mirror or from a folder. docs/models.md has
 * the rules for users. */
#ifndef LK_CATALOG_PULL_H
#define LK_CATALOG_PULL_H

#include "base/watch.h"
#include "catalog/catalog.h"

struct lk_pull_options {
    const char *from; /* URL or folder that has the file under its name; NULL: the entry's url */
    bool unverified;  /* take a file of which no sha256 is known */
};

struct lk_pulled {
    char *path;              /* where the model is; malloc'd */
    struct lk_sha256 sha256; /* of it */
    bool was_there;          /* nothing had to be fetched */
};

/* Brings the entry's file into its pack's folder, or into the user's model folder, unless it is
 * there already. It appears there whole and, where its sha256 is known, checked; until then it lies
 * beside, as FILE.part, and is gone on from the next time. The watch hears MB of the stage "pull".
 *
 * LK_E_INPUT where nothing vouches for the file (unless unverified), or what comes is another file;
 * LK_E_MISSING where its address is not known; LK_E_FAILED where it does not come;
 * LK_E_INTERRUPTED. */
int lk_model_pull(const struct lk_model_entry *entry,
                  const struct lk_pull_options *options,
                  const struct lk_watch *watch,
                  struct lk_pulled *out,
                  struct lk_error *err);

/* Copies a file of the user's, whole or not at all. */
int lk_model_copy(const char *from,
                  const char *to,
                  const struct lk_watch *watch,
                  struct lk_error *err);

/* Compares an installed model with what the catalogue says of its size and sha256; *sha256 is what
 * it has. LK_E_INPUT when it is another. */
int lk_model_verify(const struct lk_model_entry *entry,
                    struct lk_sha256 *sha256,
                    struct lk_error *err);

#endif
