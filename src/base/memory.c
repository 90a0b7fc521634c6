// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/size.h"

enum { POLL_MILLISECONDS = 5, LINE = 64, HUGE_PAGE = 2 << 20 };

struct lk_memory lk_memory_now(void)
{
    struct lk_memory now = {0};
    size_t shared = 0;
    const struct {
        const char *name;
        size_t *bytes;
    } rows[] = {{"VmHWM:", &now.peak},
                {"RssAnon:", &now.anonymous},
                {"RssFile:", &now.file},
                {"RssShmem:", &shared}};
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
            const size_t n = strlen(rows[i].name);
            if (!strncmp(line, rows[i].name, n))
                *rows[i].bytes = (size_t)strtoull(line + n, NULL, 10) << 10;
        }
    }
    if (file)
        fclose(file);
    now.file += shared;
    return now;
}

struct lk_memory_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;             /* under the lock */
    struct lk_memory most; /* of the thread, until it ends */
};

static void look(struct lk_memory *most)
{
    const struct lk_memory now = lk_memory_now();
    most->peak = now.peak;
    most->anonymous = now.anonymous > most->anonymous ? now.anonymous : most->anonymous;
    most->file = now.file > most->file ? now.file : most->file;
}

static void *watch_memory(void *user)
{
    lk_memory_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    while (!watch->done) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_MILLISECONDS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
        look(&watch->most);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

lk_memory_watch *lk_memory_begin(void)
{
    lk_memory_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    if (!pthread_create(&watch->thread, NULL, watch_memory, watch))
        return watch;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
    return NULL;
}

struct lk_memory lk_memory_end(lk_memory_watch *watch)
{
    if (!watch)
        return lk_memory_now();
    pthread_mutex_lock(&watch->lock);
    watch->done = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    const struct lk_memory most = watch->most;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
    return most;
}

void *lk_memory_for_pixels(size_t size)
{
    const size_t alignment = size < HUGE_PAGE ? LINE : HUGE_PAGE,
                 padded = (size + alignment - 1) / alignment * alignment;
    void *memory = padded < size ? NULL : aligned_alloc(alignment, padded);
#ifdef MADV_HUGEPAGE
    if (memory && alignment == HUGE_PAGE)
        madvise(memory, padded, MADV_HUGEPAGE);
#endif
    return memory;
}
