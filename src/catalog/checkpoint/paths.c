// SPDX-License-Identifier: Apache-2.0
/* Paths of a checkpoint, and what they say of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "catalog/checkpoint/internal.h"

bool lk__is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *lk__text(lk_checkpoint *c, const char *format, ...)
{
    va_list list;
    char *line = NULL;
    va_start(list, format);
    int length = vasprintf(&line, format, list);
    va_end(list);
    if (length < 0)
        return NULL;
    const char *kept = lk_arena_strdup(c->arena, line);
    free(line);
    return kept;
}

const char *lk__sidecar_of(lk_checkpoint *c, const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int stem = (int)(dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path));
    return lk__text(c, "%.*s.%s", stem, path, ending);
}

/* Of Hugging Face's cache, /…/models--OWNER--NAME/snapshots/HASH, the NAME; else NULL. */
static const char *cached_name(lk_checkpoint *c, const char *path)
{
    const char *folder = strstr(path, "models--"), *end = strstr(path, "/snapshots/");
    if (!folder || !end || folder > end)
        return NULL;
    const char *name = folder;
    for (const char *at = folder; at + 1 < end; at++)
        if (at[0] == '-' && at[1] == '-')
            name = at + 2;
    return lk__text(c, "%.*s", (int)(end - name), name);
}

const char *lk__label_of(lk_checkpoint *c, const char *path)
{
    static const char *const ENDINGS[] = {".safetensors", ".ckpt", ".pt", ".pth", ".bin"};
    const char *cached = cached_name(c, path);
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(ENDINGS); i++) {
        size_t ending = strlen(ENDINGS[i]);
        if (end - start > ending && !strncasecmp(path + end - ending, ENDINGS[i], ending)) {
            end -= ending;
            break;
        }
    }
    return cached ? cached : lk__text(c, "%.*s", (int)(end - start), path + start);
}

const char *lk__snapshot_of(lk_checkpoint *c, const char *path)
{
    enum { HASH = 40 };
    const char *ref = lk__text(c, "%s/refs/main", path), *found = NULL;
    struct lk_file file = {0};
    if (ref && !access(ref, F_OK) && !lk_file_map(ref, &file, NULL) && file.size >= HASH)
        found = lk__text(c, "%s/snapshots/%.*s", path, HASH, (const char *)file.bytes);
    lk_file_unmap(&file);
    return found && lk__is_folder(found) ? found : lk__text(c, "%s", path);
}

int lk__find_tokenizer(lk_checkpoint *c, bool folder, enum lk_part part, struct lk_error *err)
{
    const char *inner = part == LK_PART_TEXT_2 ? "tokenizer_2" : "tokenizer";
    const char *slash = strrchr(c->path, '/');
    int length = (int)(folder ? strlen(c->path) : slash ? (size_t)(slash - c->path) : 0);
    const char *path = length || slash ? lk__text(c, "%.*s/%s", length, c->path, inner) : inner;
    const char *vocabulary = path ? lk__text(c, "%s/vocab.json", path) : NULL;
    const char *merges = path ? lk__text(c, "%s/merges.txt", path) : NULL;
    if (!vocabulary || !merges)
        return lk_fail_memory(err, "a checkpoint's paths", 4096);
    if (!access(vocabulary, F_OK) && !access(merges, F_OK))
        c->tokenizer[part] = path;
    return 0;
}
