// SPDX-License-Identifier: Apache-2.0
/* Which textual inversions a request may name. Files that it gives are opened whether they are
 * named or not; of folders, which may hold hundreds, only those whose file name the prompts hold.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "pipeline/drawing/conditions.h"

enum { MAX_INVERSIONS = 256 };

struct opening {
    const struct lk_request *request;
    struct lk_inversions out;
};

static int open_file(struct opening *o, const char *path, struct lk_error *err)
{
    if (o->out.count == MAX_INVERSIONS)
        return lk_fail(err, LK_E_INPUT, "the prompts name more than %d inversions: leave some out",
                       MAX_INVERSIONS);
    int rc = lk_inversion_open(path, &o->out.list[o->out.count], err);
    if (!rc)
        o->out.count++;
    return rc;
}

static bool is_inversion_file(const char *name)
{
    static const char *const ENDINGS[] = {".safetensors", ".pt", ".bin"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < LK_ARRAY_LENGTH(ENDINGS); i++) {
        if (!strcmp(dot, ENDINGS[i]))
            return dot > name;
    }
    return false;
}

/* Do the prompts hold the name of this file? */
static bool is_named(const struct lk_request *request, const char *file)
{
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(file, '.') - file), file);
    struct lk_inversion stands_for = {.name = name}, *list = &stands_for;
    const struct lk_inversions one = {&list, 1};
    const char *at;
    size_t length;
    return lk_inversions_find(&one, request->prompt, &at, &length) ||
           (request->negative && lk_inversions_find(&one, request->negative, &at, &length));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int open_folder(struct opening *o, const char *folder, struct lk_error *err)
{
    struct dirent **files = NULL;
    int n = scandir(folder, &files, NULL, by_name), rc = 0;
    for (int i = 0; i < n; i++) {
        const char *name = files[i]->d_name;
        char *path = NULL;
        if (!rc && is_inversion_file(name) && is_named(o->request, name))
            rc = asprintf(&path, "%s/%s", folder, name) < 0
                     ? lk_fail_memory(err, "a path", strlen(folder))
                     : open_file(o, path, err);
        free(path);
        free(files[i]);
    }
    free(files);
    return rc;
}

static int open_given(struct opening *o, bool takes_paths, struct lk_error *err)
{
    char *const *given = o->request->embedding;
    int rc = 0;
    if (given[0] && !takes_paths)
        return lk_fail(err, LK_E_REFUSED,
                       "--embedding '%.100s' is a path: here only those in embeddings/ of the "
                       "model folders serve, as the prompt names them",
                       given[0]);
    for (int i = 0; i < LK_LIST_MAX && given[i] && !rc; i++) {
        struct stat info;
        if (stat(given[i], &info))
            rc = lk_fail(err, LK_E_MISSING, "--embedding '%s' is not there", given[i]);
        else if (S_ISDIR(info.st_mode))
            rc = open_folder(o, given[i], err);
        else
            rc = open_file(o, given[i], err);
    }
    return rc;
}

static int open_places(struct opening *o, const lk_catalog *catalog, struct lk_error *err)
{
    static const char *const PLACES[] = {"%s/embeddings", "%s/../embeddings"};
    const char *const *folders = lk_catalog_folders(catalog);
    int rc = 0;
    for (size_t i = 0; folders[i]; i++) {
        for (size_t k = 0; k < LK_ARRAY_LENGTH(PLACES) && !rc; k++) {
            char folder[4096];
            snprintf(folder, sizeof folder, PLACES[k], folders[i]);
            rc = open_folder(o, folder, err);
        }
    }
    return rc;
}

int lk__inversions_open(const lk_catalog *catalog,
                        const struct lk_request *request,
                        struct lk_inversions *out,
                        struct lk_error *err)
{
    struct opening o = {.request = request};
    o.out.list = calloc(MAX_INVERSIONS, sizeof(struct lk_inversion *));
    if (!o.out.list)
        return lk_fail_memory(err, "inversions", MAX_INVERSIONS * sizeof(struct lk_inversion *));
    int rc = open_given(&o, lk_catalog_takes_paths(catalog), err);
    rc = rc ? rc : open_places(&o, catalog, err);
    if (rc)
        lk__inversions_close(&o.out);
    else
        *out = o.out;
    return rc;
}

void lk__inversions_close(struct lk_inversions *inversions)
{
    for (size_t i = 0; i < inversions->count; i++)
        lk_inversion_free(inversions->list[i]);
    free(inversions->list);
    *inversions = (struct lk_inversions){0};
}
