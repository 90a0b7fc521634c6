// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a face model: one error, or a unit vector and whole photos. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cast/face_model.h"
#include "data/tensor_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct tensors {
    struct lk_tensor *at;
    size_t count;
};

static const struct lk_tensor *find(const void *from, const char *name)
{
    const struct tensors *tensors = from;
    for (size_t i = 0; i < tensors->count; i++) {
        if (!strcmp(tensors->at[i].name, name))
            return &tensors->at[i];
    }
    return NULL;
}

static void check_model(const struct lk_face_model *model)
{
    double square = 0;
    for (int i = 0; i < model->embedding.size; i++)
        square += (double)model->embedding.value[i] * (double)model->embedding.value[i];
    if (!(fabs(square - 1) < 1e-3) || model->n > LK_FACE_MODEL_PHOTOS)
        abort();
    for (size_t i = 0; i < model->n; i++) {
        if (!model->photos[i].crop || !(model->photos[i].quality > 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    lk_arena *arena = lk_arena_new((size_t)64 << 20);
    struct lk_error err = {0};
    struct tensors tensors;
    struct lk_face_model model = {0};
    if (!arena)
        return 0;
    if (lk__tensor_header_parse(bytes, size, "fuzz", arena, &tensors.at, &tensors.count, &err) ==
        0) {
        int rc = lk__face_model_read(find, &tensors, "fuzz", &model, &err);
        if (rc && !err.message[0])
            abort();
        if (!rc)
            check_model(&model);
        lk_face_model_free(&model);
    }
    lk_arena_free(arena);
    return 0;
}
