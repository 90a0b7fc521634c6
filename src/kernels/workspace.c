// SPDX-License-Identifier: Apache-2.0
/* A list of free blocks. What is taken is the smallest that is large enough; else a new one. The
 * size of a block stands in the 64 bytes before it. */
#include <pthread.h>
#include <stdlib.h>

#include "base/size.h"
#include "kernels/kernels.h"

#define ALIGNMENT 64
#define KEPT 64 /* blocks; more are freed */

struct header {
    size_t bytes;
};

struct lk_workspace {
    pthread_mutex_t lock;
    struct header *kept[KEPT];
    size_t count;
};

struct lk_workspace *lk_workspace_new(void)
{
    struct lk_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace)
        pthread_mutex_init(&workspace->lock, NULL);
    return workspace;
}

void lk_workspace_free(struct lk_workspace *workspace)
{
    if (!workspace)
        return;
    for (size_t i = 0; i < workspace->count; i++)
        free(workspace->kept[i]);
    pthread_mutex_destroy(&workspace->lock);
    free(workspace);
}

static struct header *take_kept(struct lk_workspace *workspace, size_t bytes)
{
    struct header *found = NULL;
    size_t at = 0;
    pthread_mutex_lock(&workspace->lock);
    for (size_t i = 0; i < workspace->count; i++) {
        struct header *block = workspace->kept[i];
        if (block->bytes >= bytes && (!found || block->bytes < found->bytes)) {
            found = block;
            at = i;
        }
    }
    if (found)
        workspace->kept[at] = workspace->kept[--workspace->count];
    pthread_mutex_unlock(&workspace->lock);
    return found;
}

void *lk_workspace_take(struct lk_workspace *workspace, size_t bytes)
{
    struct header *block = take_kept(workspace, bytes);
    size_t rounded;
    if (!block && lk_size_add(bytes, 2 * (size_t)ALIGNMENT, &rounded)) {
        block = aligned_alloc(ALIGNMENT, rounded / ALIGNMENT * ALIGNMENT);
        if (block)
            block->bytes = bytes;
    }
    return block ? (char *)block + ALIGNMENT : NULL;
}

void lk_workspace_give(struct lk_workspace *workspace, void *taken)
{
    if (!taken)
        return;
    struct header *block = (struct header *)((char *)taken - ALIGNMENT);
    pthread_mutex_lock(&workspace->lock);
    const int kept = workspace->count < KEPT;
    if (kept)
        workspace->kept[workspace->count++] = block;
    pthread_mutex_unlock(&workspace->lock);
    if (!kept)
        free(block);
}
