// SPDX-License-Identifier: Apache-2.0
/* The weights of a convolution in an ONNX file as f32: an initializer, or what two operators make
 * of some, as files that are to be small have it,
 *
 *     w = Mul(Cast(whole numbers or halves), factors [n,1,1,1]),   w = Cast(…) */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/internal.h"
#include "runtime/onnx/view.h"

enum { ONNX_I8 = 3, DEEPEST = 3 };

/* Signed bytes; false for anything else. */
static bool read_bytes(struct lk_proto_view tensor, size_t count, float *out)
{
    struct lk_proto_view raw, view = tensor;
    struct lk_proto_field field;
    int64_t type = 0;
    while (lk_proto_next(&view, &field) == 1)
        type = field.number == FIELD_TENSOR_TYPE ? (int64_t)field.value : type;
    if (type != ONNX_I8 || !lk__onnx_inside(tensor, FIELD_TENSOR_RAW, &raw) ||
        (size_t)(raw.end - raw.at) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(int8_t)raw.at[i];
    return true;
}

/* An initializer of four dimensions. */
static float *read_tensor(struct lk_proto_view view, int64_t shape[4])
{
    struct lk_tensor tensor;
    size_t count;
    if (!lk__onnx_shape(view, 4, shape) || !lk__shape_count(4, shape, &count) || !count)
        return NULL;
    float *out = reallocarray(NULL, count, sizeof *out);
    if (out && (read_bytes(view, count, out) ||
                (lk__onnx_tensor(view, NULL, &tensor) && lk_dtype_is_weight(tensor.dtype) &&
                 !lk_tensor_to_f32(&tensor, 0, count, out, NULL))))
        return out;
    free(out);
    return NULL;
}

/* The first two inputs of a node. */
static void read_inputs(struct lk_proto_view node, struct lk_proto_view inputs[2])
{
    struct lk_proto_field field;
    size_t n = 0;
    while (lk_proto_next(&node, &field) == 1) {
        if (field.number == FIELD_NODE_INPUT && field.type == 2 && n < 2)
            inputs[n++] = field.inner;
    }
}

/* Whether a node is a Cast to f32: to whole numbers it would cut, to halves round. */
static bool casts_to_f32(struct lk_proto_view node)
{
    struct lk_proto_view attribute;
    struct lk_proto_field field;
    int64_t to = -1;
    if (!lk__onnx_is_a(node, "Cast") || !lk__onnx_attribute(node, "to", &attribute))
        return false;
    while (lk_proto_next(&attribute, &field) == 1)
        to = field.number == FIELD_ATTRIBUTE_I ? (int64_t)field.value : to;
    return to == lk__onnx_of_dtype(LK_F32);
}

static float *weights(const struct lk__onnx_names *names,
                      struct lk_proto_view name,
                      int depth,
                      int64_t shape[4])
{
    struct lk_proto_view found, node, inputs[2] = {{0}};
    int64_t rows[4];
    if (lk__onnx_named(names, LK__ONNX_INITIALIZER, name, &found))
        return read_tensor(found, shape);
    if (depth == DEEPEST || !lk__onnx_named(names, LK__ONNX_MADE, name, &node))
        return NULL;
    read_inputs(node, inputs);
    if (inputs[0].at && casts_to_f32(node))
        return weights(names, inputs[0], depth + 1, shape);
    if (!inputs[1].at || !lk__onnx_is_a(node, "Mul"))
        return NULL;
    float *out = weights(names, inputs[0], depth + 1, shape);
    float *factors = out ? weights(names, inputs[1], depth + 1, rows) : NULL;
    const bool fits = factors && rows[0] == shape[0] && rows[1] * rows[2] * rows[3] == 1;
    const size_t width = fits ? (size_t)(shape[1] * shape[2] * shape[3]) : 1;
    for (size_t i = 0; fits && i < (size_t)rows[0] * width; i++)
        out[i] *= factors[i / width];
    free(factors);
    if (fits)
        return out;
    free(out);
    return NULL;
}

bool lk__onnx_weights(const struct lk__onnx_names *names,
                      struct lk_proto_view name,
                      struct lk_tensor *out,
                      float **made)
{
    struct lk_proto_view found;
    *made = NULL;
    if (lk__onnx_named(names, LK__ONNX_INITIALIZER, name, &found))
        return lk__onnx_tensor(found, NULL, out) && out->dtype == LK_F32 && out->rank == 4;
    *out = (struct lk_tensor){.name = "weights", .dtype = LK_F32, .rank = 4};
    *made = weights(names, name, 0, out->shape);
    return *made != NULL;
}
