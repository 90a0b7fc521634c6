// SPDX-License-Identifier: Apache-2.0
/* Nothing leaves unmarked, not even to a developer: what is large enough carries the hidden mark,
 * with the id that it would have if it were released. Pictures of a run that is refused are taken
 * back. */
#include "pipeline/debug_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/trust/marks.h"

struct lk__debug_folder {
    char *path;
    const struct lk_key *key; /* of the hidden mark; not owned */
    int written;
    char **files; /* of the run that goes on, owned */
    size_t n_files;
};

int lk__debug_folder_new(const char *path,
                         const struct lk_key *key,
                         lk__debug_folder **out,
                         struct lk_error *err)
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
    folder->key = key;
    *out = folder;
    return 0;
}

void lk__debug_folder_begin(lk__debug_folder *folder)
{
    for (size_t i = 0; folder && i < folder->n_files; i++)
        free(folder->files[i]);
    if (folder)
        folder->n_files = 0;
}

void lk__debug_folder_take_back(lk__debug_folder *folder)
{
    for (size_t i = 0; folder && i < folder->n_files; i++)
        unlink(folder->files[i]);
    lk__debug_folder_begin(folder);
}

void lk__debug_folder_free(lk__debug_folder *folder)
{
    if (!folder)
        return;
    lk__debug_folder_begin(folder);
    free(folder->files);
    free(folder->path);
    free(folder);
}

/* The path of the next picture, kept in folder->files; NULL when there is no memory. */
static const char *next_path(lk__debug_folder *folder, const char *name)
{
    char *path;
    void *grown = realloc(folder->files, (folder->n_files + 1) * sizeof *folder->files);
    if (!grown)
        return NULL;
    folder->files = grown;
    if (asprintf(&path, "%s/%03d-%s.png", folder->path, ++folder->written, name) < 0)
        return NULL;
    for (char *c = path + strlen(folder->path) + 1; *c; c++) {
        if (*c == '/')
            *c = '-';
    }
    return folder->files[folder->n_files++] = path;
}

/* A picture that cannot be written is left out: looking never fails the work. */
static void write_picture(void *user, const char *name, const struct lk_picture *picture)
{
    lk__debug_folder *folder = user;
    struct lk_picture *marked = NULL;
    void *bytes = NULL;
    size_t size = 0;
    const char *path = next_path(folder, name);
    int rc = path ? lk__marks_debug(picture, folder->key, &marked, NULL) : LK_E_FAILED;
    rc = rc ? rc : lk_picture_encode(marked, LK_FORMAT_PNG, NULL, &bytes, &size, NULL);
    FILE *file = rc ? NULL : fopen(path, "wb");
    if (file) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
    free(bytes);
    lk_picture_free(marked);
}

struct lk_debug lk__debug_folder_sink(lk__debug_folder *folder)
{
    return (struct lk_debug){.picture = write_picture, .user = folder};
}
