// SPDX-License-Identifier: Apache-2.0
/* An arena: memory for one job, given back in one call. Blocks grow by doubling up to `limit` bytes
 * in all. */
#ifndef LK_BASE_ARENA_H
#define LK_BASE_ARENA_H

#include <stddef.h>

typedef struct lk_arena lk_arena;

/* limit: the most bytes the arena may ever hold. NULL when memory is out. */
lk_arena *lk_arena_new(size_t limit);
void lk_arena_free(lk_arena *arena);

/* count × size bytes, zeroed, aligned to 64; NULL when memory or the limit is out, or the product
 * overflows. */
void *lk_arena_alloc(lk_arena *arena, size_t count, size_t size);

/* A copy of the string; NULL as above. */
char *lk_arena_strdup(lk_arena *arena, const char *text);
char *lk_arena_strndup(lk_arena *arena, const char *text, size_t length);

/* Forgets all that was given out, keeps the largest block for the next job. */
void lk_arena_reset(lk_arena *arena);
size_t lk_arena_used(const lk_arena *arena);

#endif
