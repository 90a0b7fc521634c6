// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a safetensors file: refused, or every tensor lies within them and can be read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "data/tensor_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_tensor(const struct lk_tensor *t, const uint8_t *bytes, size_t size)
{
    const uint8_t *data = t->data;
    float first, last;
    if (data < bytes || t->size > size || (size_t)(data - bytes) > size - t->size ||
        t->offset != (size_t)(data - bytes) || strlen(t->name) > size)
        abort();
    size_t n = t->size / lk_dtype_size(t->dtype);
    if (n > 0 && lk_tensor_to_f32(t, 0, 1, &first, NULL) == 0 &&
        lk_tensor_to_f32(t, n - 1, 1, &last, NULL) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lk_arena *arena = lk_arena_new((size_t)64 << 20);
    struct lk_error err = {0};
    struct lk_tensor *tensors;
    size_t count;
    if (!arena)
        return 0;
    if (lk__tensor_header_parse(bytes, size, "fuzz", arena, &tensors, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++)
            check_tensor(&tensors[i], bytes, size);
    } else if (!err.message[0]) {
        abort();
    }
    lk_arena_free(arena);
    return 0;
}
