// SPDX-License-Identifier: Apache-2.0
/* Bytes from a file: a folder of models such as a USB stick. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/fetch/download.h"

enum { PIECE = 1 << 20 };

static int copy(lk__download *download, int fd, const char *path, struct lk_error *err)
{
    char *piece = malloc(PIECE);
    ssize_t n;
    int code = piece ? 0 : lk_fail_memory(err, "copying a file", PIECE);
    while (!code && (n = pread(fd, piece, PIECE, (off_t)lk__download_size(download))) != 0)
        code = n < 0 ? lk_fail(err, LK_E_FAILED, "'%s' cannot be read: %s", path, strerror(errno))
                     : lk__download_write(download, piece, (size_t)n, err);
    free(piece);
    return code;
}

int lk__fetch_file(lk__download *download, const char *path, struct lk_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code = 0;
    if (fd < 0)
        return lk_fail(err, errno == ENOENT ? LK_E_MISSING : LK_E_INPUT, "'%s' cannot be read: %s",
                       path, strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        code = lk_fail(err, LK_E_INPUT, "'%s' is not a regular file", path);
    if (!code && lk__download_size(download) > (uint64_t)st.st_size)
        code = lk__download_restart(download, err);
    code = code ? code : lk__download_expect(download, (uint64_t)st.st_size, err);
    code = code ? code : copy(download, fd, path, err);
    close(fd);
    return code;
}
