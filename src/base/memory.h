// SPDX-License-Identifier: Apache-2.0
/* What this process takes of the machine's memory, as Linux counts it.
 *
 * Pages of mapped files (weights that are read where they lie) can be given back at any time, so
 * they are counted apart from anonymous ones, which are what a budget is about. The kernel keeps
 * the peak of both together only (VmHWM); that of each is found by looking every few milliseconds.
 */
#ifndef LK_BASE_MEMORY_H
#define LK_BASE_MEMORY_H

#include <stddef.h>

/* Bytes; 0 where the system does not tell. */
struct lk_memory {
    size_t peak;      /* VmHWM: most of both together, since the process began */
    size_t anonymous; /* RssAnon */
    size_t file;      /* RssFile and RssShmem */
};

struct lk_memory lk_memory_now(void);

/* Watches until lk_memory_end, with a thread of its own. NULL where that cannot be had; then the
 * peaks are those of the end. */
typedef struct lk_memory_watch lk_memory_watch;
lk_memory_watch *lk_memory_begin(void);
/* The largest `anonymous` and `file` since lk_memory_begin, and VmHWM. Frees the watch; NULL is
 * fine. */
struct lk_memory lk_memory_end(lk_memory_watch *watch);

/* Memory for pixels and what networks make of them, a multiple of 64 in its address; NULL: none.
 * What it holds is anything. Large blocks lie on huge pages where the system has them: small ones
 * are cleared one by one as they are first touched, 6000 of a float picture of 1920×1080. Free with
 * free. */
void *lk_memory_for_pixels(size_t size);

#endif
