// SPDX-License-Identifier: Apache-2.0
#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/temp.h"

enum { MAX_PATHS = 4096 };

static char *folder;
static char *paths[MAX_PATHS];
static size_t paths_count;

static void clean_up(void)
{
    test_temp_remove(folder);
    for (size_t i = 0; i < paths_count; i++)
        free(paths[i]);
}

/* Joins and remembers; the same path is kept once. */
static const char *path_in(const char *where, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", where, name) < 0)
        fail_msg("out of memory");
    for (size_t i = 0; i < paths_count; i++) {
        if (strcmp(paths[i], path) == 0) {
            free(path);
            return paths[i];
        }
    }
    assert_true(paths_count < MAX_PATHS);
    return paths[paths_count++] = path;
}

static const char *ensure_folder(void)
{
    if (!folder) {
        folder = test_temp_dir();
        atexit(clean_up);
    }
    return folder;
}

const char *scratch_path(const char *name)
{
    return path_in(ensure_folder(), name);
}

const char *scratch_write(const char *name, const void *bytes, size_t size)
{
    const char *path = scratch_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    if (size > 0)
        assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

const char *shared_path(const char *name)
{
    const char *shared = getenv("LIKENESS_SHARED");
    ensure_folder();
    char data[4096];
    snprintf(data, sizeof data, "%s/data", shared ? shared : "../shared");
    return path_in(data, name);
}
