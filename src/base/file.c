// SPDX-License-Identifier: Apache-2.0
/* Git LFS pointers are caught here, for every format at once: clones without LFS hand them out
 * under the real file's name, and parsers then blame the format. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *lk_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int fail_errno(struct lk_error *err, const char *path)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return lk_fail(err, LK_E_MISSING, "file '%s' does not exist: check the path", path);
    return lk_fail(err, LK_E_INPUT, "file '%s' cannot be read: %s", path, strerror(errno));
}

/* "version https://git-lfs.github.com/spec/v1\noid sha256:…\nsize 4265146304\n" */
static int refuse_lfs_pointer(const struct lk_file *file, const char *path, struct lk_error *err)
{
    static const char magic[] = "version https://git-lfs.github.com/spec/";
    enum { LONGEST_POINTER = 1024 };
    size_t n = sizeof magic - 1;
    if (file->size < n || file->size > LONGEST_POINTER || memcmp(file->bytes, magic, n) != 0)
        return 0;
    char text[LONGEST_POINTER + 1] = {0};
    memcpy(text, file->bytes, file->size);
    const char *size = strstr(text, "\nsize ");
    return lk_fail(err, LK_E_INPUT,
                   "file '%s' is a Git LFS pointer, not the file itself (%llu bytes): run 'git lfs "
                   "pull' or download it again",
                   path, size ? strtoull(size + sizeof "\nsize " - 1, NULL, 10) : 0ULL);
}

static void stamp_of(const struct stat *st, struct lk_file_stamp *out)
{
    snprintf(out->text, sizeof out->text, "%jx.%jx.%jx.%jx.%lx.%jx.%lx", (uintmax_t)st->st_dev,
             (uintmax_t)st->st_ino, (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
             st->st_mtim.tv_nsec, (uintmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static bool is_ours(const struct stat *st)
{
    return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

bool lk_file_is_ours(int fd)
{
    struct stat st;
    return !fstat(fd, &st) && is_ours(&st);
}

static int map_descriptor(int fd, const char *path, struct lk_file *out, struct lk_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, path);
    if (!S_ISREG(st.st_mode))
        return lk_fail(err, LK_E_INPUT, "'%s' is not a regular file: give the file itself", path);
    if (st.st_size <= 0)
        return lk_fail(err, LK_E_INPUT, "file '%s' is empty: download it again", path);
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return fail_errno(err, path);
    out->bytes = bytes;
    out->size = (size_t)st.st_size;
    out->is_ours = is_ours(&st);
    stamp_of(&st, &out->stamp);
    return refuse_lfs_pointer(out, path, err);
}

int lk_file_map(const char *path, struct lk_file *out, struct lk_error *err)
{
    struct lk_file file = {0};
    /* O_NONBLOCK: a pipe of that name must not hang the open. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_errno(err, path);
    int code = map_descriptor(fd, path, &file, err);
    close(fd);
    if (code)
        goto fail;
    file.path = realpath(path, NULL);
    if (!file.path) {
        code = fail_errno(err, path);
        goto fail;
    }
    *out = file;
    return 0;
fail:
    lk_file_unmap(&file);
    return code;
}

void lk_file_unmap(struct lk_file *file)
{
    if (file->bytes)
        munmap((void *)file->bytes, file->size);
    free(file->path);
    *file = (struct lk_file){0};
}

int lk_file_stamp(const char *path, struct lk_file_stamp *out, struct lk_error *err)
{
    struct stat st;
    if (stat(path, &st))
        return fail_errno(err, path);
    stamp_of(&st, out);
    return 0;
}

void lk_folder_make_above(const char *path)
{
    char *copy = strdup(path);
    for (char *slash = copy && *copy ? strchr(copy + 1, '/') : NULL; slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(copy, 0777);
        *slash = '/';
    }
    free(copy);
}

int lk_folder_make(const char *path)
{
    lk_folder_make_above(path);
    return mkdir(path, 0700) && errno != EEXIST ? errno : 0;
}

void lk_file_forget(const void *bytes, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)bytes;
    const uintptr_t from = (at + page - 1) / page * page, to = (at + size) / page * page;
    if (from < to)
        madvise((void *)from, to - from, MADV_DONTNEED); /* the mapping is shared, and only read */
}

/* Linux reads no more for one such call than its window, which is of 128 KB where nobody made it
 * larger. */
#define WINDOW ((size_t)128 << 10)

void lk_file_expect(const void *bytes, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = (uintptr_t)bytes + size;
    for (uintptr_t at = (uintptr_t)bytes / page * page; at < end; at += WINDOW)
        madvise((void *)at, end - at < WINDOW ? end - at : WINDOW, MADV_WILLNEED);
}

/* errno, or 0. */
static int write_once(int fd, const void *bytes, size_t size)
{
    errno = 0;
    if (write(fd, bytes, size) != (ssize_t)size)
        return errno ? errno : ENOSPC;
    return fsync(fd) ? errno : 0;
}

static bool is_older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* Removes the oldest; false: they take at most `limit` bytes, or it cannot be removed. */
static bool remove_one(DIR *folder,
                       size_t limit,
                       bool (*may_go)(int fd, const char *name, struct stat *st))
{
    char oldest[NAME_MAX + 1] = "";
    struct timespec used = {0};
    uint64_t total = 0;
    struct stat st;
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (!may_go(dirfd(folder), entry->d_name, &st))
            continue;
        total += (uint64_t)st.st_size;
        if (!*oldest || is_older(&st.st_mtim, &used)) {
            snprintf(oldest, sizeof oldest, "%s", entry->d_name);
            used = st.st_mtim;
        }
    }
    return total > limit && !unlinkat(dirfd(folder), oldest, 0);
}

void lk_folder_shrink(const char *path,
                      size_t limit,
                      bool (*may_go)(int fd, const char *name, struct stat *st))
{
    DIR *folder = opendir(path);
    while (folder && remove_one(folder, limit, may_go))
        ;
    if (folder)
        closedir(folder);
}

int lk_file_make_private(const char *path, const void *bytes, size_t size, struct lk_error *err)
{
    if (access(path, F_OK) == 0)
        return 0;
    char *temporary;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return lk_fail_memory(err, path, strlen(path));
    int fd = mkstemp(temporary), why = fd < 0 ? errno : 0;
    if (fd >= 0) {
        why = write_once(fd, bytes, size);
        close(fd);
        if (!why && link(temporary, path) && errno != EEXIST)
            why = errno;
        unlink(temporary);
    }
    free(temporary);
    return why ? lk_fail(err, LK_E_FAILED, "'%s' cannot be made: %s", path, strerror(why)) : 0;
}
