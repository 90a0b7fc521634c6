// SPDX-License-Identifier: Apache-2.0
#include "pipeline/debug_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct lk__debug_folder {
    char *path;
    int written;
};

int lk__debug_folder_new(const char *path, lk__debug_folder **out, struct lk_error *err)
{
    struct stat status;
    if (mkdir(path, 0777) && (errno != EEXIST || stat(path, &status) || !S_ISDIR(status.st_mode)))
        return lk_fail(err, LK_E_INPUT, "--debug '%s' cannot be made a folder: %s", path,
                       strerror(errno));
    lk__debug_folder *folder = calloc(1, sizeof *folder);
    char *copy = strdup(path);
    if (!folder || !copy) {
        free(folder);
        free(copy);
        return lk_fail_memory(err, "the debug folder", strlen(path));
    }
    folder->path = copy;
    *out = folder;
    return 0;
}

void lk__debug_folder_free(lk__debug_folder *folder)
{
    if (folder)
        free(folder->path);
    free(folder);
}

/* A picture that cannot be written is left out: looking never fails the work. */
static void write_picture(void *user, const char *name, const struct lk_picture *picture)
{
    lk__debug_folder *folder = user;
    char *path;
    void *bytes;
    size_t size;
    int n = asprintf(&path, "%s/%03d-%s.png", folder->path, ++folder->written, name);
    if (n < 0)
        return;
    for (char *c = path + strlen(folder->path) + 1; *c; c++) {
        if (*c == '/')
            *c = '-';
    }
    if (!lk_picture_encode(picture, LK_FORMAT_PNG, NULL, &bytes, &size, NULL)) {
        FILE *file = fopen(path, "wb");
        if (file) {
            fwrite(bytes, 1, size, file);
            fclose(file);
        }
        free(bytes);
    }
    free(path);
}

struct lk_debug lk__debug_folder_sink(lk__debug_folder *folder)
{
    return (struct lk_debug){.picture = write_picture, .user = folder};
}
