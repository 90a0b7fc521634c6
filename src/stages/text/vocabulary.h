// SPDX-License-Identifier: Apache-2.0
/* The tables of CLIP's byte-pair encoding: the ids of the 256 bytes, and which two neighbouring
 * tokens merge into which. Shared by the files of this folder. */
#ifndef LK_STAGES_TEXT_VOCABULARY_H
#define LK_STAGES_TEXT_VOCABULARY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

struct lk__merge {
    int32_t left, right; /* token ids; left −1: an empty slot */
    int32_t rank;        /* earlier lines of merges.txt merge first */
    int32_t token;       /* what becomes of the pair */
};

struct lk__vocabulary {
    lk_arena *arena;
    int32_t inner[256], last[256]; /* id of a byte inside a word, and at its end ("…</w>") */
    int32_t start, end, pad;       /* 49406, 49407, 49407 */
    int32_t size;                  /* ids are below: 49408 */
    struct lk__merge *merges;      /* [mask + 1], open addressing */
    uint32_t mask;
};

/* folder: one with vocab.json and merges.txt; NULL: CLIP's own merges beside the program. */
int lk__vocabulary_open(const char *folder, struct lk__vocabulary *out, struct lk_error *err);
void lk__vocabulary_close(struct lk__vocabulary *vocabulary); /* a zeroed one is fine */

/* NULL when the two do not merge. */
const struct lk__merge *lk__vocabulary_merge(const struct lk__vocabulary *vocabulary,
                                             int32_t left,
                                             int32_t right);

#endif
