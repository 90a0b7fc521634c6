// SPDX-License-Identifier: Apache-2.0
/* --debug DIR: every intermediate picture as DIR/007-fit-mask.png, numbered in the order of the
 * loop. */
#ifndef LK_PIPELINE_DEBUG_FOLDER_H
#define LK_PIPELINE_DEBUG_FOLDER_H

#include "base/error.h"
#include "base/key.h"
#include "data/debug.h"

typedef struct lk__debug_folder lk__debug_folder;

/* Makes the folder if it is not there. key: of the hidden mark; must outlive it. */
int lk__debug_folder_new(const char *path,
                         const struct lk_key *key,
                         lk__debug_folder **out,
                         struct lk_error *err);
void lk__debug_folder_free(lk__debug_folder *folder);
/* A run begins: what earlier ones wrote stays. NULL is fine. */
void lk__debug_folder_begin(lk__debug_folder *folder);
/* Removes what was written since then. NULL is fine. */
void lk__debug_folder_take_back(lk__debug_folder *folder);
/* A sink that writes into the folder, which must outlive it. */
struct lk_debug lk__debug_folder_sink(lk__debug_folder *folder);

#endif
