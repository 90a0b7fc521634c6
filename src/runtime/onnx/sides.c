// SPDX-License-Identifier: Apache-2.0
/* An ONNX file that takes pictures of one size, changed to take others.
 *
 * Exporters write down the size that they traced with: in the input, in the outputs, in what they
 * inferred of every array between (value_info), and as the size that a Resize goes to. A network of
 * convolutions needs none of them. So height and width of the input and the rows of the outputs
 * become free, what was inferred is left out, and a Resize gets its factors,
 *
 *     size it goes to / size of what comes in, as the file itself says it.
 *
 * Other constants stay (anchors, shapes): where a network stands on them, it fails when it is run
 * at another size, and that is for the caller to try. */
#include <stdio.h>
#include <string.h>

#include "runtime/graph/onnx.h"
#include "runtime/internal.h"
#include "runtime/onnx/view.h"

enum { PICTURE = 4 }; /* dimensions: [n,c,h,w] */

/* What the file says of an array; free dimensions −1. */
struct shape {
    int rank;
    int64_t dims[LK_TENSOR_MAX_RANK];
};

struct freeing {
    struct lk_proto_view graph; /* as it is in the file */
    struct lk__onnx_names names;
    struct lk_proto *out;
    int resizes; /* that have factors now */
};

/* Of a ValueInfoProto; false when it tells no shape. */
static bool shape_of(struct lk_proto_view value, struct shape *out)
{
    struct lk_proto_view type, tensor, dims;
    struct lk_proto_field dim, field;
    *out = (struct shape){0};
    if (!lk__onnx_inside(value, FIELD_VALUE_TYPE, &type) ||
        !lk__onnx_inside(type, FIELD_TYPE_TENSOR, &tensor) ||
        !lk__onnx_inside(tensor, FIELD_TYPE_SHAPE, &dims))
        return false;
    while (lk_proto_next(&dims, &dim) == 1) {
        if (dim.number != FIELD_SHAPE_DIM || dim.type != 2)
            continue;
        if (out->rank == LK_TENSOR_MAX_RANK)
            return false;
        int64_t *size = &out->dims[out->rank++];
        for (*size = -1; lk_proto_next(&dim.inner, &field) == 1;) {
            if (field.number == FIELD_DIM_VALUE && field.type == 0)
                *size = (int64_t)field.value;
        }
    }
    return true;
}

/* ---- resizes ---- */

struct inputs {
    int count;
    struct lk_proto_view name[PICTURE];
};

static struct inputs inputs_of(struct lk_proto_view node)
{
    struct inputs in = {0};
    struct lk_proto_field field;
    while (lk_proto_next(&node, &field) == 1) {
        if (field.number != FIELD_NODE_INPUT || field.type != 2)
            continue;
        if (in.count < PICTURE)
            in.name[in.count] = field.inner;
        in.count++;
    }
    return in;
}

/* Four whole numbers of a constant: an initializer, or the value of a node. */
static bool integers_of(const struct lk__onnx_names *names,
                        struct lk_proto_view name,
                        int64_t out[PICTURE])
{
    struct lk_proto_view found, node, attribute;
    struct lk_tensor tensor;
    const bool known =
        lk__onnx_named(names, LK__ONNX_INITIALIZER, name, &found) ||
        (lk__onnx_named(names, LK__ONNX_MADE, name, &node) && lk__onnx_is_a(node, "Constant") &&
         lk__onnx_inside(node, FIELD_NODE_ATTRIBUTE, &attribute) &&
         lk__onnx_inside(attribute, FIELD_ATTRIBUTE_TENSOR, &found));
    if (!known || !lk__onnx_tensor(found, NULL, &tensor) || tensor.dtype != LK_I64 ||
        tensor.size != PICTURE * sizeof *out)
        return false;
    memcpy(out, tensor.data, PICTURE * sizeof *out);
    return true;
}

/* How a node enlarges, where it goes to a size that is written down. */
static bool factors_of(const struct lk__onnx_names *names,
                       const struct inputs *in,
                       float out[PICTURE])
{
    struct lk_proto_view value;
    struct shape shape;
    int64_t size[PICTURE];
    if (in->count != PICTURE || !integers_of(names, in->name[3], size) ||
        !lk__onnx_named(names, LK__ONNX_INFERRED, in->name[0], &value) ||
        !shape_of(value, &shape) || shape.rank != PICTURE)
        return false;
    for (int i = 0; i < PICTURE; i++) {
        if (shape.dims[i] < 1 || size[i] < 1)
            return false;
        out[i] = (float)size[i] / (float)shape.dims[i];
    }
    return true;
}

/* The node with factors in place of a size. */
static void put_resize(struct freeing *f, struct lk_proto_view node, const float factors[PICTURE])
{
    struct lk_proto_field field;
    char name[40];
    int input = 0;
    snprintf(name, sizeof name, "likeness:factors:%d", f->resizes++);
    size_t at = lk_proto_begin(f->out, FIELD_GRAPH_INITIALIZER);
    lk_proto_int(f->out, FIELD_TENSOR_DIMS, PICTURE);
    lk_proto_int(f->out, FIELD_TENSOR_TYPE, lk__onnx_of_dtype(LK_F32));
    lk_proto_string(f->out, FIELD_TENSOR_NAME, name);
    lk_proto_bytes(f->out, FIELD_TENSOR_RAW, factors, PICTURE * sizeof *factors);
    lk_proto_end(f->out, at);
    at = lk_proto_begin(f->out, FIELD_GRAPH_NODE);
    while (lk_proto_next(&node, &field) == 1) {
        if (field.number != FIELD_NODE_INPUT || ++input < 3)
            lk_proto_raw(f->out, field.whole);
        else if (input == 3)
            lk_proto_string(f->out, FIELD_NODE_INPUT, name);
    }
    lk_proto_end(f->out, at);
}

/* A Resize whose sizes are those of all dimensions in their order, as they stand. */
static bool is_plain_resize(struct lk_proto_view node)
{
    struct lk_proto_view found;
    return lk__onnx_is_a(node, "Resize") && !lk__onnx_attribute(node, "axes", &found) &&
           !lk__onnx_attribute(node, "keep_aspect_ratio_policy", &found);
}

static void put_node(struct freeing *f, const struct lk_proto_field *node)
{
    float factors[PICTURE];
    const struct inputs in = inputs_of(node->inner);
    if (is_plain_resize(node->inner) && factors_of(&f->names, &in, factors))
        put_resize(f, node->inner, factors);
    else
        lk_proto_raw(f->out, node->whole);
}

/* ---- ports ---- */

/* The messages on the way to the dimensions of a port. */
static const int way[] = {FIELD_VALUE_TYPE, FIELD_TYPE_TENSOR, FIELD_TYPE_SHAPE};
enum { DEEPEST = sizeof way / sizeof *way };

/* A port, or what is inside of it: dimensions first … last without a size. */
static void put_port(
    struct lk_proto *out, int number, struct lk_proto_view view, int first, int last, int depth)
{
    struct lk_proto_field field;
    const size_t at = lk_proto_begin(out, number);
    int dim = 0;
    while (lk_proto_next(&view, &field) == 1) {
        if (depth < DEEPEST && field.number == way[depth] && field.type == 2)
            put_port(out, field.number, field.inner, first, last, depth + 1);
        else if (depth < DEEPEST || dim < first || dim > last)
            lk_proto_raw(out, field.whole);
        else
            lk_proto_end(out, lk_proto_begin(out, FIELD_SHAPE_DIM));
        dim++;
    }
    lk_proto_end(out, at);
}

/* The height and width of the only input that is no initializer; false where it is no picture of
 * one size. */
static bool sides_of(const struct freeing *f, int64_t sides[2])
{
    struct lk_proto_view view = f->graph, name, initializer;
    struct lk_proto_field field;
    struct shape shape;
    int pictures = 0;
    while (lk_proto_next(&view, &field) == 1) {
        if (field.number != FIELD_GRAPH_INPUT || field.type != 2 ||
            !lk__onnx_inside(field.inner, FIELD_VALUE_NAME, &name) ||
            lk__onnx_named(&f->names, LK__ONNX_INITIALIZER, name, &initializer))
            continue;
        if (!shape_of(field.inner, &shape) || shape.rank != PICTURE || shape.dims[2] < 1 ||
            shape.dims[3] < 1 || pictures++)
            return false;
        sides[0] = shape.dims[2];
        sides[1] = shape.dims[3];
    }
    return pictures == 1;
}

static void put_graph(struct freeing *f)
{
    struct lk_proto_view view = f->graph;
    struct lk_proto_field field;
    struct shape shape;
    const size_t at = lk_proto_begin(f->out, FIELD_MODEL_GRAPH);
    while (lk_proto_next(&view, &field) == 1) {
        if (field.number == FIELD_GRAPH_NODE && field.type == 2)
            put_node(f, &field);
        else if (field.number == FIELD_GRAPH_INPUT && field.type == 2 &&
                 shape_of(field.inner, &shape) && shape.rank == PICTURE)
            put_port(f->out, field.number, field.inner, 2, 3, 0);
        else if (field.number == FIELD_GRAPH_OUTPUT && field.type == 2 &&
                 shape_of(field.inner, &shape) && shape.rank >= 2)
            put_port(f->out, field.number, field.inner, shape.rank - 2, shape.rank - 2, 0);
        else if (field.number != FIELD_GRAPH_INFERRED)
            lk_proto_raw(f->out, field.whole);
    }
    lk_proto_end(f->out, at);
}

int lk__onnx_free_sides(const char *path,
                        const void *bytes,
                        size_t size,
                        int64_t sides[2],
                        struct lk_proto *out,
                        struct lk_error *err)
{
    struct lk_proto_view model = {bytes, (const unsigned char *)bytes + size};
    struct lk_proto_field field;
    struct freeing f = {.out = out};
    int code =
        lk__onnx_graph(bytes, size, &f.graph) ? lk__onnx_names_read(f.graph, &f.names, err) : 0;
    if (!code && !sides_of(&f, sides))
        code = lk_fail(err, LK_E_INPUT, "ONNX model '%s' takes no pictures of one size", path);
    while (!code && lk_proto_next(&model, &field) == 1) {
        if (field.number == FIELD_MODEL_GRAPH && field.type == 2)
            put_graph(&f);
        else
            lk_proto_raw(out, field.whole);
    }
    lk__onnx_names_free(&f.names);
    return !code && out->failed ? lk_fail_memory(err, "an ONNX model", size) : code;
}
