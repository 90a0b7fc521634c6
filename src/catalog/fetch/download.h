// SPDX-License-Identifier: Apache-2.0
/* A file that is on its way to this machine.
 *
 * What has come of it lies in TO.part, beside the file TO that it becomes: it outlives a broken
 * connection, Ctrl-C and the program, and the next download goes on from there. TO itself is only
 * ever whole and checked. Whoever brings the bytes (url.c, file.c) says where it stands:
 *
 *     open → [restart] → expect → write … write → finish → close */
#ifndef LK_CATALOG_FETCH_DOWNLOAD_H
#define LK_CATALOG_FETCH_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/watch.h"

struct lk__wanted {
    const char *to;     /* in a folder that is there */
    uint64_t bytes;     /* 0: not known */
    const char *sha256; /* NULL: not known: what lies in TO.part then counts for nothing */
    const struct lk_watch *watch;
};

typedef struct lk__download lk__download;

/* Hashes what is there already. LK_E_FAILED where another program is at it, or TO.part cannot be
 * written. wanted's members must live as long as the download. */
int lk__download_open(const struct lk__wanted *wanted, lk__download **out, struct lk_error *err);
/* Keeps TO.part, unless it is empty. NULL is fine. */
void lk__download_close(lk__download *download);

uint64_t lk__download_size(const lk__download *download); /* bytes that have come */
bool lk__download_is_whole(const lk__download *download); /* false where its size is not known */
/* Forgets what has come. */
int lk__download_restart(lk__download *download, struct lk_error *err);
/* The sender says how large the whole file is. LK_E_INPUT when another is wanted, LK_E_FAILED when
 * the disk has no room for it. */
int lk__download_expect(lk__download *download, uint64_t total, struct lk_error *err);
/* LK_E_INPUT when more comes than is wanted, LK_E_INTERRUPTED when the watch says stop. */
int lk__download_write(lk__download *download,
                       const void *bytes,
                       size_t size,
                       struct lk_error *err);
/* Checks what has come and renames it. Of a wrong file nothing is left. */
int lk__download_finish(lk__download *download, struct lk_sha256 *out, struct lk_error *err);

/* Those who bring the bytes. Both go on from what has come, where they can. */

/* url: https; http too where `plain` says that the user named it so, or on this machine itself.
 * file: what is appended to the URL's path; NULL: nothing. Built without curl: LK_E_FAILED. */
int lk__fetch_url(
    lk__download *download, const char *url, const char *file, bool plain, struct lk_error *err);
int lk__fetch_file(lk__download *download, const char *path, struct lk_error *err);

#endif
