// SPDX-License-Identifier: Apache-2.0
#include "catalog/fetch/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE = 1 << 18, MB = 1000000 };

static const uint64_t most_bytes = (uint64_t)1 << 40; /* of a file whose size nobody says */

struct lk__download {
    const struct lk__wanted *wanted;
    char *part; /* its path */
    int fd;     /* of it, locked */
    lk_hasher *hasher;
    uint64_t size;  /* bytes written and hashed */
    uint64_t total; /* of the whole file; 0: not known */
    uint64_t shown; /* MB that the watch has heard of */
};

static int fail_write(const lk__download *d, struct lk_error *err)
{
    return lk_fail(err, LK_E_FAILED, "'%s' cannot be written: %s", d->part, strerror(errno));
}

/* Tells the watch how many MB have come, and hears whether to go on. */
static int report(lk__download *d, struct lk_error *err)
{
    const struct lk_watch *watch = d->wanted->watch;
    const uint64_t done = d->size / MB, all = (d->total + MB - 1) / MB;
    if (watch && watch->on_event && done != d->shown) {
        const struct lk_watch_event event = {
            .stage = "pull", .step = (int)done, .steps = (int)all, .unit = "MB"};
        watch->on_event(watch->user, &event);
        d->shown = done;
    }
    if (!lk_watch_stopped(watch))
        return 0;
    return lk_fail(err, LK_E_INTERRUPTED,
                   "stopped on request: %" PRIu64 " MB lie in '%s', and the next pull goes on "
                   "from there",
                   done, d->part);
}

/* Hashes what lies in the part. */
static int take_over(lk__download *d, struct lk_error *err)
{
    char *piece = malloc(PIECE);
    ssize_t n;
    int code = piece ? 0 : lk_fail_memory(err, "hashing a file", PIECE);
    while (!code && (n = pread(d->fd, piece, PIECE, (off_t)d->size)) != 0) {
        if (n < 0) {
            code = lk_fail(err, LK_E_FAILED, "'%s' cannot be read: %s", d->part, strerror(errno));
            break;
        }
        lk_hasher_add(d->hasher, piece, (size_t)n);
        d->size += (uint64_t)n;
        code = report(d, err);
    }
    free(piece);
    return code;
}

static int open_part(lk__download *d, struct lk_error *err)
{
    struct stat st, named;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (d->fd < 0)
        return fail_write(d, err);
    /* Who had it locked may have finished and renamed it meanwhile: then it is the model by now. */
    if (flock(d->fd, LOCK_EX | LOCK_NB) || fstat(d->fd, &st) || lstat(d->part, &named) ||
        st.st_ino != named.st_ino || st.st_dev != named.st_dev) {
        close(d->fd); /* it is not ours to remove */
        d->fd = -1;
        return lk_fail(err, LK_E_FAILED, "'%s' is being fetched by another program: wait for it",
                       d->part);
    }
    const uint64_t there = (uint64_t)st.st_size, bytes = d->wanted->bytes;
    return !d->wanted->sha256 || (bytes && there > bytes) ? lk__download_restart(d, err)
                                                          : take_over(d, err);
}

int lk__download_open(const struct lk__wanted *wanted, lk__download **out, struct lk_error *err)
{
    lk__download *d = calloc(1, sizeof *d);
    if (!d)
        return lk_fail_memory(err, "a download", sizeof *d);
    d->wanted = wanted;
    d->total = wanted->bytes;
    d->fd = -1;
    int code = asprintf(&d->part, "%s.part", wanted->to) < 0
                   ? lk_fail_memory(err, "a path", strlen(wanted->to))
                   : 0;
    code = code ? code : lk_hasher_new(&d->hasher, err);
    code = code ? code : open_part(d, err);
    if (code)
        lk__download_close(d);
    else
        *out = d;
    return code;
}

void lk__download_close(lk__download *d)
{
    struct stat st;
    if (!d)
        return;
    if (d->fd >= 0) {
        if (!fstat(d->fd, &st) && st.st_size == 0)
            unlink(d->part);
        close(d->fd);
    }
    lk_hasher_free(d->hasher);
    free(d->part);
    free(d);
}

uint64_t lk__download_size(const lk__download *d)
{
    return d->size;
}

bool lk__download_is_whole(const lk__download *d)
{
    return d->wanted->bytes && d->size == d->wanted->bytes;
}

int lk__download_restart(lk__download *d, struct lk_error *err)
{
    lk_hasher_restart(d->hasher);
    d->size = d->shown = 0;
    return ftruncate(d->fd, 0) ? fail_write(d, err) : 0;
}

int lk__download_expect(lk__download *d, uint64_t total, struct lk_error *err)
{
    struct statvfs disk;
    const uint64_t bytes = d->wanted->bytes;
    if (bytes && total != bytes)
        return lk_fail(err, LK_E_INPUT,
                       "what is offered as '%s' has %" PRIu64 " bytes, not %" PRIu64
                       ": it is another file",
                       d->wanted->to, total, bytes);
    d->total = total;
    const uint64_t missing = total > d->size ? total - d->size : 0;
    if (fstatvfs(d->fd, &disk) || (uint64_t)disk.f_bavail * disk.f_frsize >= missing)
        return 0;
    return lk_fail(err, LK_E_FAILED,
                   "'%s' needs %" PRIu64 " MB, and its disk has %" PRIu64 " left: make room",
                   d->wanted->to, missing / MB + 1, (uint64_t)disk.f_bavail * disk.f_frsize / MB);
}

int lk__download_write(lk__download *d, const void *bytes, size_t size, struct lk_error *err)
{
    const uint64_t most = d->total ? d->total : most_bytes;
    if (size > most || d->size > most - size)
        return lk_fail(err, LK_E_INPUT, "more comes for '%s' than its %" PRIu64 " bytes",
                       d->wanted->to, most);
    for (size_t at = 0; at < size;) {
        ssize_t n = pwrite(d->fd, (const char *)bytes + at, size - at, (off_t)d->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_write(d, err);
        lk_hasher_add(d->hasher, (const char *)bytes + at, (size_t)n);
        d->size += (uint64_t)n;
        at += (size_t)n;
    }
    return report(d, err);
}

static int check(lk__download *d, struct lk_sha256 *sha, struct lk_error *err)
{
    const struct lk__wanted *wanted = d->wanted;
    if (d->total && d->size < d->total)
        return lk_fail(err, LK_E_FAILED,
                       "'%s' ended after %" PRIu64 " of %" PRIu64
                       " bytes: pull again, it goes on from there",
                       wanted->to, d->size, d->total);
    if (!d->size)
        return lk_fail(err, LK_E_FAILED, "what came as '%s' is empty", wanted->to);
    lk_hasher_end(d->hasher, sha);
    if (!wanted->sha256 || !strcmp(sha->hex, wanted->sha256))
        return 0;
    lk__download_restart(d, NULL);
    return lk_fail(err, LK_E_INPUT,
                   "what came as '%s' is not what was asked for: its sha256 is %s, not %s; nothing "
                   "of it is kept",
                   wanted->to, sha->hex, wanted->sha256);
}

int lk__download_finish(lk__download *d, struct lk_sha256 *out, struct lk_error *err)
{
    struct lk_sha256 sha;
    int code = check(d, &sha, err);
    if (code)
        return code;
    if (fsync(d->fd) || rename(d->part, d->wanted->to))
        return fail_write(d, err);
    *out = sha;
    return 0;
}
