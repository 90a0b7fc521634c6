// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a file of torch.save's, in a zip or not, and as the pickle inside of one: refused,
 * or every tensor lies within them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/pickle/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_tensor(const struct lk_tensor *t, const uint8_t *bytes, size_t size)
{
    const uint8_t *data = t->data;
    float last;
    if (!t->name || data < bytes || t->size > size || (size_t)(data - bytes) > size - t->size ||
        t->offset != (size_t)(data - bytes))
        abort();
    size_t n = t->size / lk_dtype_size(t->dtype);
    if (n > 0)
        lk_tensor_to_f32(t, n - 1, 1, &last, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lk_arena *arena = lk_arena_new((size_t)256 << 20);
    struct lk_error err = {0};
    struct lk_tensor *tensors;
    size_t count, at = 0;
    if (!arena)
        return 0;
    if (lk__torch_file_parse(bytes, size, "fuzz", arena, &tensors, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++)
            check_tensor(&tensors[i], bytes, size);
    } else if (!err.message[0]) {
        abort();
    }
    struct lk__pickle pickle = {.path = "fuzz", .arena = arena};
    const struct lk__pickle_value *value;
    lk__pickle_run(&pickle, bytes, size, &at, &value, NULL);
    lk_arena_free(arena);
    return 0;
}
