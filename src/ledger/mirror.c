// SPDX-License-Identifier: Apache-2.0
/* The mirror: a text file of signed heads, one JSON object a line, that is only added to, so that
 * it may lie on an append-only place. A line that a crash or a full disk tore has no closing brace:
 * the next writer begins a new line, and readers pass it over. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger/internal.h"

static int fail(const char *path, struct lk_error *err)
{
    return lk_fail(err, LK_E_FAILED, "the audit mirror '%s' cannot be written: %s", path,
                   strerror(errno ? errno : ENOSPC));
}

/* Whether the file's last line is whole. */
static bool ends_whole(int fd, off_t size)
{
    char last = '\n';
    return size == 0 || pread(fd, &last, 1, size - 1) != 1 || last == '\n';
}

/* A line added to the ledger itself, or to its key, would be the end of either. */
static bool is_mirror(int fd, off_t size)
{
    char first = '{';
    return size == 0 || pread(fd, &first, 1, 0) != 1 || first == '{';
}

/* At the end of a locked file. */
static int add_line(
    int fd, off_t size, const char *path, const struct lk__head *head, struct lk_error *err)
{
    char line[512];
    int n =
        snprintf(line, sizeof line,
                 "%s{\"sequence\":%lld,\"hash\":\"%s\",\"public\":\"%s\",\"signature\":\"%s\"}\n",
                 ends_whole(fd, size) ? "" : "\n", (long long)head->sequence, head->hash.hex,
                 head->public_hex, head->signature.hex);
    errno = 0;
    ssize_t written = write(fd, line, (size_t)n);
    if (written == n && !fsync(fd))
        return 0;
    int rc = fail(path, err);
    if (written > 0 && ftruncate(fd, size))
        rc = lk_fail_context(err, rc, "a torn line stays");
    return rc;
}

int lk__mirror_add(const char *path, const struct lk__head *head, struct lk_error *err)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(path, err);
    int rc = flock(fd, LOCK_EX) || fstat(fd, &status) ? fail(path, err) : 0;
    if (!rc && !is_mirror(fd, status.st_size))
        rc = lk_fail(err, LK_E_INPUT, "'%s' is no audit mirror: name another file", path);
    if (!rc && head)
        rc = add_line(fd, status.st_size, path, head, err);
    close(fd);
    return rc;
}

/* false for what is no head that its own key signed. */
static bool parse(const char *line, struct lk__head *out)
{
    const char *hash, *public, *signature;
    json_int_t sequence;
    json_t *object = json_loads(line, 0, NULL);
    bool whole = !json_unpack(object, "{s:I,s:s,s:s,s:s}", "sequence", &sequence, "hash", &hash,
                              "public", &public, "signature", &signature);
    if (whole) {
        out->sequence = sequence;
        snprintf(out->hash.hex, sizeof out->hash.hex, "%s", hash);
        snprintf(out->public_hex, sizeof out->public_hex, "%s", public);
        snprintf(out->signature.hex, sizeof out->signature.hex, "%s", signature);
    }
    json_decref(object);
    return whole && lk__head_is_signed(out);
}

static int visit_lines(
    FILE *file, const char *path, lk__mirror_visit *visit, void *user, struct lk_error *err)
{
    char line[512];
    int rc = 0;
    for (long long number = 1; !rc && fgets(line, sizeof line, file); number++) {
        size_t n = strlen(line);
        struct lk__head head;
        if (n < 2 || strcmp(line + n - 2, "}\n"))
            continue;
        rc = parse(line, &head)
                 ? visit(user, &head, err)
                 : lk_fail(err, LK_E_FAILED, "line %lld of the audit mirror '%s' is no signed head",
                           number, path);
    }
    return rc;
}

int lk__mirror_each(const char *path, lk__mirror_visit *visit, void *user, struct lk_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return lk_fail(err, LK_E_MISSING, "the audit mirror '%s' cannot be read: %s", path,
                       strerror(errno));
    int rc = visit_lines(file, path, visit, user, err);
    fclose(file);
    return rc;
}
