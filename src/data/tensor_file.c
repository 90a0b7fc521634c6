// SPDX-License-Identifier: Apache-2.0
/* Opening: maps one file, or each shard that an index names, and merges their tensors into one
 * table sorted by name. */
#include "data/tensor_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/size.h"
#include "data/pickle/pickle.h"
#include "data/tensor_header.h"

enum { MAX_SHARDS = 256 };
#define MAX_INDEX ((size_t)16 << 20)
#define MAX_TABLE ((size_t)1 << 30)

struct lk_tensor_file {
    lk_arena *arena; /* names, table */
    struct lk_file *maps;
    size_t maps_count, maps_room;
    struct lk_tensor *tensors; /* sorted by name */
    size_t count;
};

/* A shard's part of the table before the merge. */
struct part {
    const char *file_name;
    struct lk_tensor *tensors;
    size_t count;
};

static lk_tensor_file *file_new(size_t shards, struct lk_error *err)
{
    lk_tensor_file *file = calloc(1, sizeof *file);
    if (!file)
        goto fail;
    file->arena = lk_arena_new(MAX_TABLE);
    file->maps = calloc(shards, sizeof *file->maps);
    file->maps_room = shards;
    if (!file->arena || !file->maps)
        goto fail;
    return file;
fail:
    lk_tensor_file_free(file);
    lk_fail_memory(err, "a tensor file", sizeof *file + shards * sizeof *file->maps);
    return NULL;
}

void lk_tensor_file_free(lk_tensor_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->maps_count; i++)
        lk_file_unmap(&file->maps[i]);
    free(file->maps);
    lk_arena_free(file->arena);
    free(file);
}

/* Maps one file and parses its header into `part`. */
static int add_shard(lk_tensor_file *file,
                     const char *path,
                     struct part *part,
                     struct lk_error *err)
{
    struct lk_file map;
    int code = lk_file_map(path, &map, err);
    if (code)
        return code;
    const struct lk_file *kept = &file->maps[file->maps_count++];
    file->maps[file->maps_count - 1] = map;
    code = (lk__is_torch_file(map.bytes, map.size, map.path) ? lk__torch_file_parse
                                                             : lk__tensor_header_parse)(
        map.bytes, map.size, map.path, file->arena, &part->tensors, &part->count, err);
    for (size_t i = 0; !code && i < part->count; i++)
        part->tensors[i].stamp = kept->stamp.text;
    return code;
}

static int by_name(const void *a, const void *b)
{
    const struct lk_tensor *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int merge(lk_tensor_file *file, const struct part *parts, size_t n, struct lk_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += parts[i].count;
    file->tensors = lk_arena_alloc(file->arena, count, sizeof *file->tensors);
    if (!file->tensors)
        return lk_fail_memory(err, "a list of tensors", count * sizeof *file->tensors);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].count == 0)
            continue;
        memcpy(file->tensors + file->count, parts[i].tensors,
               parts[i].count * sizeof *file->tensors);
        file->count += parts[i].count;
    }
    if (count > 0)
        qsort(file->tensors, count, sizeof *file->tensors, by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(file->tensors[i - 1].name, file->tensors[i].name) == 0)
            return lk_fail(err, LK_E_INPUT,
                           "tensor '%s' is in '%s' and in '%s': the shards do not belong together",
                           file->tensors[i].name, file->tensors[i - 1].path, file->tensors[i].path);
    }
    return 0;
}

static int open_single(const char *path, lk_tensor_file **out, struct lk_error *err)
{
    lk_tensor_file *file = file_new(1, err);
    if (!file)
        return LK_E_FAILED;
    struct part part = {0};
    int code = add_shard(file, path, &part, err);
    if (!code)
        code = merge(file, &part, 1, err);
    if (code) {
        lk_tensor_file_free(file);
        return code;
    }
    *out = file;
    return 0;
}

/* The index: {"metadata": {..}, "weight_map": {"tensor": "shard's file name", ..}}. */
static int load_index(const char *path, json_t **out, struct lk_error *err)
{
    struct lk_file map;
    int code = lk_file_map(path, &map, err);
    if (code)
        return code;
    json_error_t at = {.text = "too large"};
    json_t *root = NULL;
    if (map.size <= MAX_INDEX)
        root = json_loadb((const char *)map.bytes, map.size, JSON_REJECT_DUPLICATES, &at);
    lk_file_unmap(&map);
    if (!root)
        return lk_fail(err, LK_E_INPUT, "index '%s' is broken (%s): download it again", path,
                       at.text);
    if (json_object_size(json_object_get(root, "weight_map")) == 0) {
        json_decref(root);
        return lk_fail(err, LK_E_INPUT, "index '%s' has no 'weight_map': download it again", path);
    }
    *out = root;
    return 0;
}

/* Fills parts[MAX_SHARDS] with the distinct shard names, which live as long as `weight_map`. */
static int list_shards(
    const char *path, json_t *weight_map, struct part *parts, size_t *count, struct lk_error *err)
{
    const char *tensor;
    json_t *value;
    size_t n = 0;
    json_object_foreach(weight_map, tensor, value)
    {
        const char *name = json_string_value(value);
        if (!name || !*name || strchr(name, '/') || name[0] == '.')
            return lk_fail(err, LK_E_INPUT,
                           "index '%s': the shard of tensor '%s' is not a file beside the index",
                           path, tensor);
        size_t i = 0;
        while (i < n && strcmp(parts[i].file_name, name) != 0)
            i++;
        if (i < n)
            continue;
        if (n == MAX_SHARDS)
            return lk_fail(err, LK_E_INPUT, "index '%s' names more than %d shards", path,
                           MAX_SHARDS);
        parts[n++].file_name = name;
    }
    *count = n;
    return 0;
}

static int check_index(const char *path,
                       const lk_tensor_file *file,
                       json_t *weight_map,
                       struct lk_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(weight_map, name, value)
    {
        if (!lk_tensor_file_find(file, name))
            return lk_fail(err, LK_E_INPUT,
                           "index '%s' promises tensor '%s', but '%s' does not hold it: download "
                           "the shards again",
                           path, name, json_string_value(value));
    }
    return 0;
}

static int open_shards(const char *path,
                       json_t *weight_map,
                       struct part *parts,
                       lk_tensor_file **out,
                       struct lk_error *err)
{
    size_t n = 0;
    int code = list_shards(path, weight_map, parts, &n, err);
    if (code)
        return code;
    lk_tensor_file *file = file_new(n, err);
    if (!file)
        return LK_E_FAILED;
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    for (size_t i = 0; i < n && !code; i++) {
        char *shard = NULL;
        if (asprintf(&shard, "%.*s%s", folder, path, parts[i].file_name) < 0)
            code = lk_fail_memory(err, "a shard's path", strlen(path));
        else
            code = add_shard(file, shard, &parts[i], err);
        free(shard);
    }
    if (!code)
        code = merge(file, parts, n, err);
    if (!code)
        code = check_index(path, file, weight_map, err);
    if (code) {
        lk_tensor_file_free(file);
        return code;
    }
    *out = file;
    return 0;
}

static int open_index(const char *path, lk_tensor_file **out, struct lk_error *err)
{
    json_t *root = NULL;
    int code = load_index(path, &root, err);
    if (code)
        return code;
    struct part *parts = calloc(MAX_SHARDS, sizeof *parts);
    if (!parts)
        code = lk_fail_memory(err, "a list of shards", MAX_SHARDS * sizeof *parts);
    else
        code = open_shards(path, json_object_get(root, "weight_map"), parts, out, err);
    free(parts);
    json_decref(root);
    return code;
}

int lk_tensor_file_open(const char *path, lk_tensor_file **out, struct lk_error *err)
{
    static const char ending[] = ".json";
    size_t n = strlen(path), m = sizeof ending - 1;
    if (n > m && strcmp(path + n - m, ending) == 0)
        return open_index(path, out, err);
    return open_single(path, out, err);
}

size_t lk_tensor_file_count(const lk_tensor_file *file)
{
    return file->count;
}

const struct lk_tensor *lk_tensor_file_at(const lk_tensor_file *file, size_t i)
{
    return i < file->count ? &file->tensors[i] : NULL;
}

const struct lk_tensor *lk_tensor_file_find(const lk_tensor_file *file, const char *name)
{
    const struct lk_tensor key = {.name = name};
    if (file->count == 0)
        return NULL;
    return bsearch(&key, file->tensors, file->count, sizeof key, by_name);
}
