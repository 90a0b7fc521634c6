// SPDX-License-Identifier: Apache-2.0
/* Atomic files. A reader sees the old file or the whole new one; a full disk or a kill leaves the
 * old one. */
#include "sinks/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/picture.h"
#include <likeness/likeness.h>

/* The folder of a path, malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int lk_file_check(const char *path, struct lk_error *err)
{
    enum lk_format format;
    struct stat status;
    int rc = lk_format_of_path(path, &format, err);
    if (rc)
        return rc;
    char *folder = folder_of(path);
    if (!folder)
        return lk_fail_memory(err, path, strlen(path));
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        rc = lk_fail(err, LK_E_INPUT, "output '%s' is a folder: name a file in it", path);
    else if (stat(folder, &status) || !S_ISDIR(status.st_mode))
        rc = lk_fail(err, LK_E_INPUT, "output '%s': there is no folder '%s': make it first", path,
                     folder);
    else if (access(folder, W_OK))
        rc = lk_fail(err, LK_E_INPUT, "output '%s': folder '%s' cannot be written to: %s", path,
                     folder, strerror(errno));
    free(folder);
    return rc;
}

bool lk_file_same(const char *a, const char *b)
{
    struct stat of_a, of_b;
    char *folder_a = folder_of(a), *folder_b = folder_of(b);
    const bool same = folder_a && folder_b && !strcmp(lk_file_name(a), lk_file_name(b)) &&
                      !stat(folder_a, &of_a) && !stat(folder_b, &of_b) &&
                      of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    free(folder_a);
    free(folder_b);
    return same;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int lk_file_write(const char *path, const void *bytes, size_t size, struct lk_error *err)
{
    size_t room = strlen(path) + sizeof ".XXXXXX";
    char *temporary = malloc(room);
    if (!temporary)
        return lk_fail_memory(err, path, room);
    snprintf(temporary, room, "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    if (fd < 0) {
        int rc = lk_fail(err, LK_E_FAILED, "'%s' cannot be written: %s", path, strerror(errno));
        free(temporary);
        return rc;
    }
    mode_t mask = umask(0);
    umask(mask);
    int broken = write_all(fd, bytes, size) || fchmod(fd, 0666 & ~mask) || fsync(fd);
    int why = errno;
    if (close(fd) && !broken) {
        broken = 1;
        why = errno;
    }
    if (!broken && rename(temporary, path)) {
        broken = 1;
        why = errno;
    }
    if (broken)
        unlink(temporary);
    free(temporary);
    return broken ? lk_fail(err, LK_E_FAILED, "'%s' cannot be written: %s; nothing was left behind",
                            path, strerror(why))
                  : 0;
}

int lk_result_save(const lk_result *result, size_t i, const char *path, struct lk_error *err)
{
    enum lk_format format;
    void *bytes;
    size_t size;
    int rc = lk_format_of_path(path, &format, err);
    if (!rc)
        rc = lk_result_encode(result, i, lk_format_name(format), &bytes, &size, err);
    if (rc)
        return rc;
    rc = lk_file_write(path, bytes, size, err);
    free(bytes);
    return rc;
}
