// SPDX-License-Identifier: Apache-2.0
/* A whole file, mapped read-only: the one door through which large files of the user come in. And a
 * small private one, made once.
 *
 * Pages are shared with every process that maps the file. Cutting a file short while it is mapped
 * kills the reader (SIGBUS), as with every mapping: replace files by renaming. */
#ifndef LK_BASE_FILE_H
#define LK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

/* What a file is, as a word: one that was replaced or written again is another. Its change time is
 * in it, which nobody can set back. */
struct lk_file_stamp {
    char text[112];
};

struct lk_file {
    char *path;           /* absolute, symbolic links resolved */
    const uint8_t *bytes; /* [size] */
    size_t size;          /* > 0 */
    struct lk_file_stamp stamp;
    bool is_ours; /* as of lk_file_is_ours */
};

/* LK_E_MISSING when there is no such file; LK_E_INPUT for what is empty, no regular file, or a Git
 * LFS pointer (the few lines that stand in for a file that was never downloaded). */
int lk_file_map(const char *path, struct lk_file *out, struct lk_error *err);
void lk_file_unmap(struct lk_file *file); /* a zeroed file is fine */
/* These bytes of a mapping will not be read soon: the pages that are wholly theirs no longer count
 * as this process's memory, and come from the system's cache or the file when they are read again.
 */
void lk_file_forget(const void *bytes, size_t size);
/* These will: the system begins to read what is not in its memory, and the caller goes on. */
void lk_file_expect(const void *bytes, size_t size);

/* The last part of a path. */
const char *lk_file_name(const char *path);

/* What the file of that path is now. */
int lk_file_stamp(const char *path, struct lk_file_stamp *out, struct lk_error *err);

/* Whether nobody but this user, and root, can have written the open file: what a cache says is
 * believed only then. */
bool lk_file_is_ours(int fd);

/* Makes the folders above the path; what is there already is fine, and what fails shows below. */
void lk_folder_make_above(const char *path);
/* Makes the folder, for its owner alone (0700), and those above it; 0 when it is there now, else
 * errno. */
int lk_folder_make(const char *path);

/* Removes files of the folder that `may_go`, the one that was written to or marked as used longest
 * ago first, until they take at most `limit` bytes, or one cannot be removed. fd: the folder; st:
 * to be filled. */
void lk_folder_shrink(const char *path,
                      size_t limit,
                      bool (*may_go)(int fd, const char *name, struct stat *st));

/* Makes a file that only its owner may read (0600), complete or not at all. A file that is there
 * already stays as it is, which is no error: of several processes that make one, all go on with
 * that of the first. */
int lk_file_make_private(const char *path, const void *bytes, size_t size, struct lk_error *err);

#endif
