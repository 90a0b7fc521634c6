// SPDX-License-Identifier: Apache-2.0
/* What a header may say is exactly what the reference implementation (huggingface/safetensors)
 * accepts: tensors that tile the data from its first byte to its last, in any order of the JSON.
 * Holes and trailing bytes are refused as it does: they have no use but to hide something. */
#include "data/tensor_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"

struct parser {
    const char *path;
    const uint8_t *data; /* behind the header */
    size_t data_size;
    uint64_t data_at; /* its offset in the file */
    lk_arena *arena;
    struct lk_error *err;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [LK_F32] = {"F32", 4},         [LK_F16] = {"F16", 2},   [LK_BF16] = {"BF16", 2},
    [LK_F64] = {"F64", 8},         [LK_I64] = {"I64", 8},   [LK_I32] = {"I32", 4},
    [LK_U8] = {"U8", 1},           [LK_BOOL] = {"BOOL", 1}, [LK_F8_E4M3] = {"F8_E4M3", 1},
    [LK_F8_E5M2] = {"F8_E5M2", 1},
};

size_t lk_dtype_size(enum lk_dtype dtype)
{
    return (size_t)dtype < LK_ARRAY_LENGTH(dtypes) ? dtypes[dtype].size : 0;
}

const char *lk_dtype_name(enum lk_dtype dtype)
{
    return (size_t)dtype < LK_ARRAY_LENGTH(dtypes) ? dtypes[dtype].name : "unknown";
}

int lk_dtype_is_weight(enum lk_dtype dtype)
{
    return dtype <= LK_BF16 || dtype == LK_F8_E4M3 || dtype == LK_F8_E5M2;
}

static int parse_dtype(const struct parser *p, const json_t *entry, struct lk_tensor *tensor)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    for (size_t i = 0; name && i < LK_ARRAY_LENGTH(dtypes); i++) {
        if (strcmp(name, dtypes[i].name) == 0) {
            tensor->dtype = (enum lk_dtype)i;
            return 0;
        }
    }
    return lk_fail(
        p->err, LK_E_INPUT,
        "file '%s': tensor '%s' has the type '%s', which is not supported: use a file in "
        "F32, F16, BF16 or F8",
        p->path, tensor->name, name ? name : "(none)");
}

/* Also computes the bytes that dtype and shape ask for. */
static int parse_shape(const struct parser *p, const json_t *entry, struct lk_tensor *tensor)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > LK_TENSOR_MAX_RANK)
        goto fail;
    tensor->rank = (int)json_array_size(shape);
    tensor->size = lk_dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) {
        const json_t *side = json_array_get(shape, (size_t)i);
        json_int_t n = json_integer_value(side);
        if (!json_is_integer(side) || n < 0 || !lk_size_mul(tensor->size, (size_t)n, &tensor->size))
            goto fail;
        tensor->shape[i] = n;
    }
    return 0;
fail:
    return lk_fail(p->err, LK_E_INPUT,
                   "file '%s': the shape of tensor '%s' is broken: download the file again",
                   p->path, tensor->name);
}

static int parse_offsets(const struct parser *p, const json_t *entry, struct lk_tensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        begin < 0 || end < begin)
        return lk_fail(p->err, LK_E_INPUT,
                       "file '%s': the offsets of tensor '%s' are broken: download the file again",
                       p->path, tensor->name);
    if ((size_t)(end - begin) != tensor->size)
        return lk_fail(p->err, LK_E_INPUT,
                       "file '%s': tensor '%s' takes %zu bytes by its shape but %zu by its "
                       "offsets: download the file again",
                       p->path, tensor->name, tensor->size, (size_t)(end - begin));
    if ((uint64_t)end > p->data_size)
        return lk_fail(p->err, LK_E_INPUT,
                       "file '%s' is truncated: tensor '%s' ends at byte %" PRIu64
                       " of %zu: download the file again",
                       p->path, tensor->name, p->data_at + (uint64_t)end,
                       (size_t)p->data_at + p->data_size);
    tensor->data = p->data + begin;
    tensor->offset = p->data_at + (uint64_t)begin;
    tensor->path = p->path;
    return 0;
}

static int parse_tensor(const struct parser *p,
                        const char *name,
                        const json_t *entry,
                        struct lk_tensor *out)
{
    struct lk_tensor tensor = {.name = lk_arena_strdup(p->arena, name)};
    if (!tensor.name)
        return lk_fail_memory(p->err, "a tensor's name", strlen(name));
    int code = parse_dtype(p, entry, &tensor);
    if (!code)
        code = parse_shape(p, entry, &tensor);
    if (!code)
        code = parse_offsets(p, entry, &tensor);
    if (!code)
        *out = tensor;
    return code;
}

static int by_offset(const void *a, const void *b)
{
    const struct lk_tensor *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size); /* empty tensors first */
}

/* The tensors must tile the data; sorts them by offset. */
static int check_tiling(const struct parser *p, struct lk_tensor *tensors, size_t count)
{
    uint64_t at = p->data_at;
    if (count > 0)
        qsort(tensors, count, sizeof *tensors, by_offset);
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].offset != at)
            return lk_fail(p->err, LK_E_INPUT,
                           "file '%s': tensor '%s' %s: the file is damaged or was made to deceive",
                           p->path, tensors[i].name,
                           tensors[i].offset < at ? "overlaps another one" : "follows a gap");
        at += tensors[i].size;
    }
    if (at != p->data_at + p->data_size)
        return lk_fail(p->err, LK_E_INPUT,
                       "file '%s': %" PRIu64 " bytes behind the last tensor belong to none: the "
                       "file is damaged or was made to deceive",
                       p->path, p->data_at + p->data_size - at);
    return 0;
}

static int parse_entries(const struct parser *p,
                         json_t *root,
                         struct lk_tensor **out,
                         size_t *count)
{
    size_t n = json_object_size(root) - (json_object_get(root, "__metadata__") ? 1 : 0), i = 0;
    struct lk_tensor *tensors = lk_arena_alloc(p->arena, n, sizeof *tensors);
    if (!tensors)
        return lk_fail_memory(p->err, "a list of tensors", n * sizeof *tensors);
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        int code = parse_tensor(p, name, entry, &tensors[i++]);
        if (code)
            return code;
    }
    int code = check_tiling(p, tensors, n);
    if (code)
        return code;
    *out = tensors;
    *count = n;
    return 0;
}

static uint64_t little_endian_64(const uint8_t b[8])
{
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--)
        n = n << 8 | b[i];
    return n;
}

/* The header's length and first byte tell other formats and cut files apart. */
static int check_start(
    const uint8_t *bytes, size_t size, const char *path, size_t *header_size, struct lk_error *err)
{
    if (size < 8 + 2)
        return lk_fail(err, LK_E_INPUT,
                       "file '%s' of %zu bytes is no safetensors file: download it again", path,
                       size);
    uint64_t n = little_endian_64(bytes);
    if (n < 2 || n > LK_TENSOR_HEADER_MAX || bytes[8] != '{')
        return lk_fail(err, LK_E_INPUT,
                       "file '%s' is no safetensors file: it does not start with a header of JSON",
                       path);
    if (n > size - 8)
        return lk_fail(err, LK_E_INPUT,
                       "file '%s' is truncated inside its header (%zu bytes): download it again",
                       path, size);
    *header_size = (size_t)n;
    return 0;
}

int lk__tensor_header_parse(const uint8_t *bytes,
                            size_t size,
                            const char *path,
                            lk_arena *arena,
                            struct lk_tensor **out,
                            size_t *count,
                            struct lk_error *err)
{
    size_t n = 0;
    int code = check_start(bytes, size, path, &n, err);
    if (code)
        return code;
    json_error_t at;
    json_t *root = json_loadb((const char *)bytes + 8, n, JSON_REJECT_DUPLICATES, &at);
    if (!json_is_object(root)) {
        json_decref(root);
        return lk_fail(err, LK_E_INPUT,
                       "file '%s': the safetensors header is broken (%s): download it again", path,
                       root ? "no object" : at.text);
    }
    struct parser p = {
        .path = path,
        .data = bytes + 8 + n,
        .data_size = size - 8 - n,
        .data_at = 8 + n,
        .arena = arena,
        .err = err,
    };
    code = parse_entries(&p, root, out, count);
    json_decref(root);
    return code;
}
