// SPDX-License-Identifier: Apache-2.0
/* A bump allocator over a chain of blocks.
 *
 *   block   [ header, padded to 64 | given out ........ | free ........ ]
 *
 * Each new block is twice the last one, so that n bytes cost O(log n) calls of the system
 * allocator; a request that fits no block gets one of its own size. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"

enum { ALIGNMENT = 64, FIRST_BLOCK = 16 * 1024 };

struct block {
    struct block *next; /* older and, as a rule, smaller */
    size_t capacity;    /* bytes behind the header */
    size_t used;
};

struct lk_arena {
    struct block *blocks; /* the newest first: only it is filled */
    size_t limit;
    size_t held; /* capacities of all blocks */
    size_t used; /* rounded up to the alignment */
};

static unsigned char *block_bytes(struct block *block)
{
    return (unsigned char *)block + ALIGNMENT;
}

lk_arena *lk_arena_new(size_t limit)
{
    lk_arena *arena = calloc(1, sizeof *arena);
    if (arena)
        arena->limit = limit;
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void lk_arena_free(lk_arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->blocks);
    free(arena);
}

/* Doubling gives way to the exact need where the limit would forbid it. */
static struct block *grow(lk_arena *arena, size_t need)
{
    size_t left = arena->limit - arena->held;
    if (need > left)
        return NULL;
    size_t capacity = FIRST_BLOCK;
    if (arena->blocks && !lk_size_mul(arena->blocks->capacity, 2, &capacity))
        capacity = need;
    if (capacity < need)
        capacity = need;
    if (capacity > left)
        capacity = left / ALIGNMENT * ALIGNMENT;
    size_t bytes;
    if (!lk_size_add(capacity, ALIGNMENT, &bytes))
        return NULL;
    struct block *block = aligned_alloc(ALIGNMENT, bytes);
    if (!block)
        return NULL;
    *block = (struct block){.next = arena->blocks, .capacity = capacity};
    arena->blocks = block;
    arena->held += capacity;
    return block;
}

void *lk_arena_alloc(lk_arena *arena, size_t count, size_t size)
{
    size_t bytes, rounded;
    if (!lk_size_mul(count, size, &bytes) || !lk_size_add(bytes, ALIGNMENT - 1, &rounded))
        return NULL;
    rounded = rounded / ALIGNMENT * ALIGNMENT;
    if (rounded == 0)
        rounded = ALIGNMENT;
    struct block *block = arena->blocks;
    if (!block || block->capacity - block->used < rounded)
        block = grow(arena, rounded);
    if (!block)
        return NULL;
    unsigned char *out = block_bytes(block) + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memset(out, 0, bytes);
}

char *lk_arena_strndup(lk_arena *arena, const char *text, size_t length)
{
    size_t n = strnlen(text, length), bytes;
    if (!lk_size_add(n, 1, &bytes))
        return NULL;
    char *copy = lk_arena_alloc(arena, bytes, 1);
    return copy ? memcpy(copy, text, n) : NULL;
}

char *lk_arena_strdup(lk_arena *arena, const char *text)
{
    return lk_arena_strndup(arena, text, strlen(text));
}

void lk_arena_reset(lk_arena *arena)
{
    struct block **largest = &arena->blocks;
    for (struct block **at = &arena->blocks; *at; at = &(*at)->next) {
        if ((*at)->capacity > (*largest)->capacity)
            largest = at;
    }
    struct block *kept = *largest;
    if (kept) {
        *largest = kept->next;
        kept->next = NULL;
        kept->used = 0;
    }
    free_blocks(arena->blocks == kept ? NULL : arena->blocks);
    arena->blocks = kept;
    arena->held = kept ? kept->capacity : 0;
    arena->used = 0;
}

size_t lk_arena_used(const lk_arena *arena)
{
    return arena->used;
}
