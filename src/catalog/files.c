// SPDX-License-Identifier: Apache-2.0
/* Size and hash of a model, be it a file or a folder. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <fts.h>

#include "catalog/catalog.h"

/* Called for each regular file, in order of names. */
typedef int visit_file(void *user, const FTSENT *file, const char *relative, struct lk_error *err);

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(const struct lk_model_entry *entry,
                visit_file *visit,
                void *user,
                struct lk_error *err)
{
    char *root = strdup(entry->path);
    char *roots[] = {root, NULL};
    FTS *tree = root ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    if (!tree) {
        free(root);
        return lk_fail(err, LK_E_FAILED, "model '%s' cannot be read: %s", entry->name,
                       strerror(errno));
    }
    int code = 0;
    size_t skip = strlen(entry->path);
    for (FTSENT *file; !code && (file = fts_read(tree));) {
        if (file->fts_info == FTS_F) {
            const char *relative = file->fts_path + skip;
            code = visit(user, file, relative + (*relative == '/'), err);
        } else if (file->fts_info == FTS_ERR || file->fts_info == FTS_DNR ||
                   file->fts_info == FTS_NS) {
            code = lk_fail(err, LK_E_FAILED, "'%s' cannot be read: %s", file->fts_path,
                           strerror(file->fts_errno));
        }
    }
    fts_close(tree);
    free(root);
    return code;
}

static int check_found(const struct lk_model_entry *entry, struct lk_error *err)
{
    if (entry->path)
        return 0;
    return lk_fail(err, LK_E_MISSING, "model '%s' is not on this machine", entry->name);
}

static int add_size(void *user, const FTSENT *file, const char *relative, struct lk_error *err)
{
    (void)relative, (void)err;
    *(uint64_t *)user += (uint64_t)file->fts_statp->st_size;
    return 0;
}

int lk_model_size(const struct lk_model_entry *entry, uint64_t *bytes, struct lk_error *err)
{
    uint64_t sum = 0;
    int code = check_found(entry, err);
    if (!code)
        code = walk(entry, add_size, &sum, err);
    if (!code)
        *bytes = sum;
    return code;
}

struct digests {
    FILE *list;
    const struct lk_watch *watch;
};

static int add_line(void *user, const FTSENT *file, const char *relative, struct lk_error *err)
{
    const struct digests *digests = user;
    struct lk_sha256 sha;
    int code = lk_sha256_file_watched(file->fts_accpath, digests->watch, &sha, err);
    if (!code && fprintf(digests->list, "%s  %s\n", sha.hex, relative) < 0)
        code = lk_fail_memory(err, "a list of files", strlen(relative));
    return code;
}

int lk_model_sha256(const struct lk_model_entry *entry, struct lk_sha256 *out, struct lk_error *err)
{
    return lk_model_sha256_watched(entry, NULL, out, err);
}

int lk_model_sha256_watched(const struct lk_model_entry *entry,
                            const struct lk_watch *watch,
                            struct lk_sha256 *out,
                            struct lk_error *err)
{
    int code = check_found(entry, err);
    if (code)
        return code;
    char *lines = NULL;
    size_t size = 0;
    FILE *list = open_memstream(&lines, &size);
    if (!list)
        return lk_fail_memory(err, "a list of files", 4096);
    code = walk(entry, add_line, &(struct digests){list, watch}, err);
    if (fclose(list) && !code)
        code = lk_fail_memory(err, "a list of files", size);
    /* a file's own path has nothing left: its line is "sha256  \n" */
    bool is_file = size == 67 && lines[66] == '\n';
    if (!code && is_file)
        snprintf(out->hex, sizeof out->hex, "%.64s", lines);
    else if (!code)
        lk_sha256_bytes(lines, size, out);
    free(lines);
    return code;
}
