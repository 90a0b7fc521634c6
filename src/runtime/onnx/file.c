// SPDX-License-Identifier: Apache-2.0
/* Reading an ONNX file by its bytes: a check before the engine sees it, and single initializers.
 *
 * Face models carry constants that no node reads (inswapper's `buff2fs`, 512×512), and model files
 * reach hundreds of megabytes, so the file is mapped and walked; only what is asked for is copied.
 */
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/graph/onnx.h"
#include "runtime/internal.h"
#include "runtime/onnx/view.h"

/* A TensorProto as far as its numbers need. */
struct initializer {
    struct lk_proto_view name;
    int64_t type;
    int rank;
    int64_t shape[LK_TENSOR_MAX_RANK];
    struct lk_proto_view raw, floats, doubles; /* at == NULL where absent */
    bool external;
};

static bool add_dimension(struct initializer *out, uint64_t size)
{
    if (out->rank >= LK_TENSOR_MAX_RANK)
        return false;
    out->shape[out->rank++] = (int64_t)size;
    return size <= INT64_MAX;
}

/* dims: one varint each, or packed into bytes */
static bool take_dimensions(struct initializer *out, struct lk_proto_field *field)
{
    if (field->type == 0)
        return add_dimension(out, field->value);
    uint64_t size;
    int got = -1;
    while (field->type == 2 && (got = lk_proto_next_varint(&field->inner, &size)) == 1) {
        if (!add_dimension(out, size))
            return false;
    }
    return got == 0;
}

/* false when the bytes are no TensorProto, or one of more dimensions than we keep. */
static bool read_initializer(struct lk_proto_view view, struct initializer *out)
{
    struct lk_proto_field field;
    int got;
    memset(out, 0, sizeof *out);
    while ((got = lk_proto_next(&view, &field)) == 1) {
        switch (field.number) {
        case FIELD_TENSOR_DIMS:
            if (!take_dimensions(out, &field))
                return false;
            break;
        case FIELD_TENSOR_TYPE:
            out->type = (int64_t)field.value;
            break;
        case FIELD_TENSOR_NAME:
            out->name = field.inner;
            break;
        case FIELD_TENSOR_RAW:
            out->raw = field.inner;
            break;
        case FIELD_TENSOR_FLOATS:
            out->floats = field.inner;
            break;
        case FIELD_TENSOR_DOUBLES:
            out->doubles = field.inner;
            break;
        case FIELD_TENSOR_LOCATION:
            out->external = field.value == 1;
            break;
        default:
            break;
        }
    }
    return got == 0;
}

/* The bytes of a tensor of floats, as an lk_tensor; false when they are not there or too few. */
static bool as_tensor(const struct initializer *in, const char *path, struct lk_tensor *out)
{
    const int dtype = lk__dtype_of_onnx(in->type);
    struct lk_proto_view bytes = in->raw;
    if (!bytes.at && dtype == LK_F32)
        bytes = in->floats;
    if (!bytes.at && dtype == LK_F64)
        bytes = in->doubles;
    if (dtype < 0 || in->external || !bytes.at)
        return false;
    size_t need = lk_dtype_size((enum lk_dtype)dtype);
    *out = (struct lk_tensor){.name = "initializer", .dtype = (enum lk_dtype)dtype, .path = path};
    for (int i = 0; i < in->rank; i++) {
        if (!lk_size_mul(need, (size_t)in->shape[i], &need))
            return false;
        out->shape[i] = in->shape[i];
    }
    out->rank = in->rank;
    out->data = bytes.at;
    out->size = need;
    return need == (size_t)(bytes.end - bytes.at);
}

bool lk__onnx_graph(const void *bytes, size_t size, struct lk_proto_view *graph)
{
    struct lk_proto_view view = {bytes, (const unsigned char *)bytes + size};
    struct lk_proto_field field;
    bool found = false;
    int got;
    while ((got = lk_proto_next(&view, &field)) == 1) {
        if (field.number == FIELD_MODEL_GRAPH && field.type == 2) {
            *graph = field.inner;
            found = true;
        }
    }
    return got == 0 && found;
}

bool lk__onnx_inside(struct lk_proto_view view, int number, struct lk_proto_view *out)
{
    struct lk_proto_field field;
    while (lk_proto_next(&view, &field) == 1) {
        if (field.number == number && field.type == 2) {
            *out = field.inner;
            return true;
        }
    }
    return false;
}

bool lk__onnx_equal(struct lk_proto_view a, struct lk_proto_view b)
{
    const size_t size = (size_t)(a.end - a.at);
    return size == (size_t)(b.end - b.at) && !memcmp(a.at, b.at, size);
}

bool lk__onnx_is_a(struct lk_proto_view node, const char *type)
{
    struct lk_proto_view found, domain;
    return lk__onnx_inside(node, FIELD_NODE_TYPE, &found) && lk_proto_equals(found, type) &&
           (!lk__onnx_inside(node, FIELD_NODE_DOMAIN, &domain) || domain.at == domain.end);
}

bool lk__onnx_attribute(struct lk_proto_view node, const char *name, struct lk_proto_view *out)
{
    struct lk_proto_field field;
    struct lk_proto_view found;
    while (lk_proto_next(&node, &field) == 1) {
        if (field.number == FIELD_NODE_ATTRIBUTE && field.type == 2 &&
            lk__onnx_inside(field.inner, FIELD_ATTRIBUTE_NAME, &found) &&
            lk_proto_equals(found, name)) {
            *out = field.inner;
            return true;
        }
    }
    return false;
}

bool lk__onnx_tensor(struct lk_proto_view view, const char *path, struct lk_tensor *out)
{
    struct initializer initializer;
    return read_initializer(view, &initializer) && as_tensor(&initializer, path, out);
}

bool lk__onnx_shape(struct lk_proto_view view, int rank, int64_t *shape)
{
    struct initializer initializer;
    if (!read_initializer(view, &initializer) || initializer.rank != rank || initializer.external)
        return false;
    memcpy(shape, initializer.shape, (size_t)rank * sizeof *shape);
    return true;
}

int lk__onnx_file_check(const char *path, const void *bytes, size_t size, struct lk_error *err)
{
    struct lk_proto_view graph;
    struct lk_proto_field field;
    if (!lk__onnx_graph(bytes, size, &graph))
        return lk_fail(err, LK_E_INPUT, "'%s' is no ONNX model, or is cut short: download it again",
                       path);
    int got, nodes = 0;
    while ((got = lk_proto_next(&graph, &field)) == 1) {
        struct initializer initializer;
        nodes += field.number == FIELD_GRAPH_NODE;
        if (field.number != FIELD_GRAPH_INITIALIZER)
            continue;
        struct lk_tensor tensor;
        if (field.type != 2 || !read_initializer(field.inner, &initializer) ||
            (initializer.raw.at && lk__dtype_of_onnx(initializer.type) >= 0 &&
             !initializer.external && !as_tensor(&initializer, path, &tensor)))
            return lk_fail(err, LK_E_INPUT,
                           "ONNX model '%s' has a broken initializer: download it again", path);
    }
    if (got < 0 || !nodes)
        return lk_fail(err, LK_E_INPUT, "ONNX model '%s' has a broken graph: download it again",
                       path);
    return 0;
}

static bool has_shape(const struct initializer *in, int rank, const int64_t *shape)
{
    return in->rank == rank && memcmp(in->shape, shape, (size_t)rank * sizeof *shape) == 0;
}

/* The numbers of the tensor as malloc'd f32. */
static int copy_tensor(const struct lk_tensor *tensor, float **out, struct lk_error *err)
{
    const size_t count = tensor->size / lk_dtype_size(tensor->dtype);
    float *numbers = malloc((count ? count : 1) * sizeof *numbers);
    if (!numbers)
        return lk_fail_memory(err, "an initializer", count * sizeof *numbers);
    int code = lk_tensor_to_f32(tensor, 0, count, numbers, err);
    if (code)
        free(numbers);
    else
        *out = numbers;
    return code;
}

static int find_initializer(const struct lk_file *file,
                            const char *name,
                            int rank,
                            const int64_t *shape,
                            float **out,
                            struct lk_error *err)
{
    struct lk_proto_view graph;
    struct lk_proto_field field;
    if (!lk__onnx_graph(file->bytes, file->size, &graph))
        return lk_fail(err, LK_E_INPUT, "'%s' is no ONNX model, or is cut short", file->path);
    while (lk_proto_next(&graph, &field) == 1) {
        struct initializer initializer;
        struct lk_tensor tensor;
        if (field.number == FIELD_GRAPH_INITIALIZER && field.type == 2 &&
            read_initializer(field.inner, &initializer) &&
            (!name || lk_proto_equals(initializer.name, name)) &&
            has_shape(&initializer, rank, shape) && as_tensor(&initializer, file->path, &tensor))
            return copy_tensor(&tensor, out, err);
    }
    return lk_fail(err, LK_E_INPUT,
                   "ONNX model '%s' has no initializer '%s' of rank %d and the shape asked for",
                   file->path, name ? name : "(any name)", rank);
}

int lk_onnx_initializer(const char *path,
                        const char *name,
                        int rank,
                        const int64_t *shape,
                        float **out,
                        struct lk_error *err)
{
    struct lk_file file;
    if (rank < 0 || rank > LK_TENSOR_MAX_RANK)
        return lk_fail(err, LK_E_INPUT, "rank %d of an initializer", rank);
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    code = find_initializer(&file, name, rank, shape, out, err);
    lk_file_unmap(&file);
    return code;
}
