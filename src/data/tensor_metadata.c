// SPDX-License-Identifier: Apache-2.0
#include "data/tensor_metadata.h"

#include "base/file.h"
#include "data/tensor_header.h"

/* The header's length; 0 when the file has none. */
static size_t header_length(const struct lk_file *file)
{
    uint64_t n = 0;
    for (int i = 7; i >= 0 && file->size > 8; i--)
        n = n << 8 | file->bytes[i];
    return n <= LK_TENSOR_HEADER_MAX && n <= file->size - 8 && file->bytes[8] == '{' ? (size_t)n
                                                                                     : 0;
}

int lk_tensor_metadata(const char *path, json_t **out, size_t *data, struct lk_error *err)
{
    struct lk_file file;
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    const size_t n = header_length(&file);
    json_t *root = n ? json_loadb((const char *)file.bytes + 8, n, 0, NULL) : NULL;
    lk_file_unmap(&file);
    json_t *found = json_object_get(root, "__metadata__"), *kept = json_object(), *value;
    const char *key;
    json_object_foreach(found, key, value)
    {
        if (json_is_string(value))
            json_object_set(kept, key, value);
    }
    *data = root ? 8 + n : 0;
    json_decref(root);
    if (!kept)
        return lk_fail_memory(err, "a file's metadata", n);
    *out = kept;
    return 0;
}
