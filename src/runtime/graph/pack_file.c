// SPDX-License-Identifier: Apache-2.0
/* Numbers are those of this machine: the kernels' layout is, too. */
#include "runtime/graph/pack_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"

#define ALIGNMENT 64
#define MAGIC "lkpack1\n"
#define ENDING ".pack"
#define PART ".part."    /* a file that is being written: PATH.part.XXXXXX */
#define PART_SECONDS 600 /* nobody has written to it for so long: left by a process that ended */

struct head {
    char sha256[64]; /* of the rest of the head, and of the rows */
    char magic[sizeof MAGIC - 1];
    uint64_t size, count;
    struct lk__pack_identity identity;
};

struct row {
    struct lk__pack_id id;
    uint64_t at, bytes;
};

static const struct row *rows_of(const struct lk_file *file)
{
    return (const struct row *)(file->bytes + sizeof(struct head));
}

/* head, with rows behind it */
static void digest(const struct head *head, struct lk_sha256 *out)
{
    const size_t skipped = sizeof head->sha256;
    lk_sha256_bytes((const char *)head + skipped,
                    sizeof *head - skipped + head->count * sizeof(struct row), out);
}

static bool is_whole(const struct lk_file *file, const struct lk__pack_identity *identity)
{
    const struct head *head = (const struct head *)file->bytes;
    struct lk_sha256 sha;
    if (file->size < sizeof *head || memcmp(head->magic, MAGIC, sizeof head->magic) != 0 ||
        memcmp(&head->identity, identity, sizeof *identity) != 0 || head->size != file->size ||
        head->count > (file->size - sizeof *head) / sizeof(struct row))
        return false;
    digest(head, &sha);
    bool fits = !memcmp(head->sha256, sha.hex, sizeof head->sha256);
    for (size_t i = 0; fits && i < head->count; i++) {
        const struct row *row = &rows_of(file)[i];
        fits =
            row->at % ALIGNMENT == 0 && row->at <= file->size && row->bytes <= file->size - row->at;
    }
    return fits;
}

bool lk__pack_file_open(const char *path,
                        const struct lk__pack_identity *identity,
                        struct lk_file *out)
{
    if (lk_file_map(path, out, NULL))
        return false;
    if (!out->is_ours || !is_whole(out, identity)) {
        lk_file_unmap(out);
        return false;
    }
    utimensat(AT_FDCWD, path, NULL, 0);
    return true;
}

const void *lk__pack_file_find(const struct lk_file *file,
                               const struct lk__pack_id *id,
                               size_t bytes)
{
    const size_t count = file->bytes ? ((const struct head *)file->bytes)->count : 0;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows_of(file)[i];
        if (row->bytes == bytes && !memcmp(&row->id, id, sizeof *id))
            return file->bytes + row->at;
    }
    return NULL;
}

/* ---- the folder ---- */

/* A file of the folder `fd`, if it is one of ours that may go. */
static bool is_ours(int fd, const char *name, struct stat *st)
{
    const char *ending = strstr(name, ENDING);
    if (!ending || fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st->st_mode))
        return false;
    const bool is_part = !strncmp(ending + sizeof ENDING - 1, PART, sizeof PART - 1);
    return !ending[sizeof ENDING - 1] ||
           (is_part && st->st_mtime < time(NULL) - (time_t)PART_SECONDS);
}

static void make_room(const char *path, size_t limit)
{
    char *name = strdup(path), *slash = name ? strrchr(name, '/') : NULL;
    if (slash) {
        *slash = 0;
        lk_folder_shrink(name, limit, is_ours);
    }
    free(name);
}

/* ---- writing ---- */

static size_t aligned(size_t at)
{
    return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Head and rows, malloc'd; NULL: no memory. */
static struct head *make_head(const struct lk__pack_identity *identity,
                              const struct lk__pack_part *parts,
                              size_t count)
{
    struct head *head = calloc(1, sizeof *head + count * sizeof(struct row));
    if (!head)
        return NULL;
    struct row *rows = (struct row *)(head + 1);
    size_t at = sizeof *head + count * sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct row){parts[i].id, aligned(at), parts[i].bytes};
        at = rows[i].at + parts[i].bytes;
    }
    memcpy(head->magic, MAGIC, sizeof head->magic);
    head->size = at;
    head->count = count;
    head->identity = *identity;
    struct lk_sha256 sha;
    digest(head, &sha);
    memcpy(head->sha256, sha.hex, sizeof head->sha256);
    return head;
}

/* errno, or 0. */
static int write_at(int fd, const void *bytes, size_t size, size_t at)
{
    for (const char *from = bytes; size > 0;) {
        const ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? errno : ENOSPC;
        from += n;
        at += (size_t)n;
        size -= (size_t)n;
    }
    return 0;
}

/* errno, or 0. The room is asked for first: a disk that is full says so at once. */
static int write_all(int fd, const struct head *head, const struct lk__pack_part *parts)
{
    const struct row *rows = (const struct row *)(head + 1);
    int why = posix_fallocate(fd, 0, (off_t)head->size);
    for (size_t i = 0; !why && i < head->count; i++)
        why = write_at(fd, parts[i].data, parts[i].bytes, rows[i].at);
    why = why ? why : write_at(fd, head, sizeof *head + head->count * sizeof *rows, 0);
    return why ? why : fdatasync(fd) ? errno : 0;
}

int lk__pack_file_write(const char *path,
                        const struct lk__pack_identity *identity,
                        const struct lk__pack_part *parts,
                        size_t count,
                        size_t limit,
                        struct lk_error *err)
{
    struct head *head = make_head(identity, parts, count);
    char *temporary = NULL;
    if (!head || asprintf(&temporary, "%s" PART "XXXXXX", path) < 0) {
        free(head);
        return lk_fail_memory(err, "the head of a file", count * sizeof(struct row));
    }
    int why = head->size > limit ? EFBIG : 0;
    if (!why)
        make_room(path, limit - head->size);
    const int fd = why ? -1 : mkstemp(temporary);
    if (!why)
        why = fd < 0 ? errno : write_all(fd, head, parts);
    if (fd >= 0) {
        close(fd);
        if (!why && rename(temporary, path))
            why = errno;
        if (why)
            unlink(temporary);
    }
    free(temporary);
    free(head);
    return why ? lk_fail(err, LK_E_FAILED, "%s",
                         why == EFBIG ? "more than --pack-cache-size" : strerror(why))
               : 0;
}
