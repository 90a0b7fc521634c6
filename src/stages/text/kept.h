// SPDX-License-Identifier: Apache-2.0
/* The states of the chunks that were encoded last, by what the encoder was given: a prompt that
 * comes again, or shares its first chunks with another, is not encoded again. */
#ifndef LK_STAGES_TEXT_KEPT_H
#define LK_STAGES_TEXT_KEPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"

enum { LK__KEPT = 32 }; /* 7.5 MB of SD 1.x, 20 MB of SDXL */

struct lk__kept {
    pthread_mutex_t lock;
    unsigned long long clock;
    struct {
        struct lk_sha256 key;
        float *values; /* NULL: free */
        unsigned long long used;
    } entry[LK__KEPT];
};

void lk__kept_init(struct lk__kept *kept);
void lk__kept_forget(struct lk__kept *kept);
void lk__kept_close(struct lk__kept *kept);

/* values [n] of that key, if they are kept. Thread-safe, as the next. */
bool lk__kept_find(struct lk__kept *kept, const struct lk_sha256 *key, float *values, size_t n);
/* Keeps a copy in the place of what was not asked for longest; without memory it does not. */
void lk__kept_add(struct lk__kept *kept,
                  const struct lk_sha256 *key,
                  const float *values,
                  size_t n);

#endif
