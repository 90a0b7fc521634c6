// SPDX-License-Identifier: Apache-2.0
/* Writing an ONNX ModelProto field by field; the schema's numbers are in onnx.h. */
#include "runtime/graph/onnx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/size.h"

#define IR_VERSION 9
#define OPSET 20 /* the first with Gelu */

static const struct {
    enum lk_dtype dtype;
    int onnx;
} types[] = {
    {LK_F32, 1},  {LK_U8, 2},   {LK_I32, 6},   {LK_I64, 7},      {LK_BOOL, 9},
    {LK_F16, 10}, {LK_F64, 11}, {LK_BF16, 16}, {LK_F8_E4M3, 17}, {LK_F8_E5M2, 19},
};

int lk__onnx_of_dtype(enum lk_dtype dtype)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(types); i++) {
        if (types[i].dtype == dtype)
            return types[i].onnx;
    }
    return -1;
}

int lk__dtype_of_onnx(int64_t type)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(types); i++) {
        if (types[i].onnx == type)
            return (int)types[i].dtype;
    }
    return -1;
}

const char *lk__onnx_name(struct lk__onnx *onnx, const char *at, const char *what)
{
    char text[300];
    snprintf(text, sizeof text, "/%s/%s_%u", at, what, onnx->names++);
    const char *name = lk_arena_strdup(onnx->arena, text);
    onnx->failed |= !name;
    return name ? name : "";
}

static void write_attribute(struct lk_proto *out, const struct lk__attribute *attribute)
{
    size_t begin = lk_proto_begin(out, FIELD_NODE_ATTRIBUTE);
    lk_proto_string(out, FIELD_ATTRIBUTE_NAME, attribute->name);
    switch (attribute->type) {
    case LK__ATTR_FLOAT:
        lk_proto_float(out, FIELD_ATTRIBUTE_F, attribute->f);
        break;
    case LK__ATTR_INT:
        lk_proto_int(out, FIELD_ATTRIBUTE_I, attribute->i);
        break;
    case LK__ATTR_STRING:
        lk_proto_string(out, FIELD_ATTRIBUTE_S, attribute->s);
        break;
    case LK__ATTR_INTS:
        for (int64_t i = 0; i < attribute->i; i++)
            lk_proto_int(out, FIELD_ATTRIBUTE_INTS, attribute->ints[i]);
        break;
    }
    lk_proto_int(out, FIELD_ATTRIBUTE_TYPE, attribute->type);
    lk_proto_end(out, begin);
}

void lk__onnx_node(struct lk__onnx *onnx,
                   const char *op,
                   const char *name,
                   size_t n_in,
                   const char *const *inputs,
                   size_t n_out,
                   const char *const *outputs,
                   size_t n_attributes,
                   const struct lk__attribute *attributes)
{
    const char *colon = strchr(op, ':');
    struct lk_proto *out = &onnx->graph;
    while (n_in && (!inputs[n_in - 1] || !*inputs[n_in - 1]))
        n_in--;
    size_t begin = lk_proto_begin(out, FIELD_GRAPH_NODE);
    for (size_t i = 0; i < n_in; i++)
        lk_proto_string(out, FIELD_NODE_INPUT, inputs[i] ? inputs[i] : "");
    for (size_t i = 0; i < n_out; i++)
        lk_proto_string(out, FIELD_NODE_OUTPUT, outputs[i]);
    lk_proto_string(out, FIELD_NODE_NAME, name);
    lk_proto_string(out, FIELD_NODE_TYPE, colon ? colon + 1 : op);
    if (colon)
        lk_proto_bytes(out, FIELD_NODE_DOMAIN, op, (size_t)(colon - op));
    for (size_t i = 0; i < n_attributes; i++)
        write_attribute(out, &attributes[i]);
    lk_proto_end(out, begin);
}

static size_t begin_tensor(
    struct lk_proto *out, const char *name, enum lk_dtype dtype, int rank, const int64_t *shape)
{
    size_t begin = lk_proto_begin(out, FIELD_GRAPH_INITIALIZER);
    for (int i = 0; i < rank; i++)
        lk_proto_int(out, FIELD_TENSOR_DIMS, shape[i]);
    lk_proto_int(out, FIELD_TENSOR_TYPE, lk__onnx_of_dtype(dtype));
    lk_proto_string(out, FIELD_TENSOR_NAME, name);
    return begin;
}

void lk__onnx_initializer(struct lk__onnx *onnx,
                          const char *name,
                          enum lk_dtype dtype,
                          int rank,
                          const int64_t *shape,
                          const void *values)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    size_t begin = begin_tensor(&onnx->graph, name, dtype, rank, shape);
    lk_proto_bytes(&onnx->graph, FIELD_TENSOR_RAW, values, count * lk_dtype_size(dtype));
    lk_proto_end(&onnx->graph, begin);
}

void lk__onnx_numbers(
    struct lk__onnx *onnx, const char *name, int rank, const int64_t *shape, const float *values)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    uint16_t *halves = onnx->flow == LK_F16 ? calloc(count, sizeof *halves) : NULL;
    onnx->failed |= onnx->flow == LK_F16 && !halves;
    for (size_t i = 0; halves && i < count; i++)
        halves[i] = lk_half_of_float(values[i]);
    if (halves || onnx->flow == LK_F32)
        lk__onnx_initializer(onnx, name, onnx->flow, rank, shape,
                             halves ? (const void *)halves : values);
    free(halves);
}

static void write_entry(struct lk_proto *out, const char *key, const char *value)
{
    size_t begin = lk_proto_begin(out, FIELD_TENSOR_EXTERNAL);
    lk_proto_string(out, FIELD_ENTRY_KEY, key);
    lk_proto_string(out, FIELD_ENTRY_VALUE, value);
    lk_proto_end(out, begin);
}

void lk__onnx_weight(struct lk__onnx *onnx, const struct lk__onnx_weight *weight)
{
    struct lk_proto *out = &onnx->graph;
    const struct lk_tensor *tensor = weight->tensor;
    size_t begin = begin_tensor(out, weight->name, tensor->dtype, weight->rank, weight->shape);
    struct lk__onnx_place place = onnx->place(onnx->user, weight);
    if (place.location) {
        char number[24];
        write_entry(out, "location", place.location);
        snprintf(number, sizeof number, "%" PRIu64, place.offset);
        write_entry(out, "offset", number);
        snprintf(number, sizeof number, "%zu", tensor->size);
        write_entry(out, "length", number);
        lk_proto_int(out, FIELD_TENSOR_LOCATION, 1);
    } else {
        lk_proto_bytes(out, FIELD_TENSOR_RAW, tensor->data, tensor->size);
    }
    lk_proto_end(out, begin);
}

void lk__onnx_port(struct lk__onnx *onnx,
                   int field,
                   const char *name,
                   enum lk_dtype dtype,
                   int rank,
                   const int64_t *shape)
{
    struct lk_proto *out = &onnx->graph;
    size_t port = lk_proto_begin(out, field);
    lk_proto_string(out, FIELD_VALUE_NAME, name);
    size_t type = lk_proto_begin(out, FIELD_VALUE_TYPE);
    size_t tensor = lk_proto_begin(out, FIELD_TYPE_TENSOR);
    lk_proto_int(out, FIELD_TYPE_ELEMENT, lk__onnx_of_dtype(dtype));
    size_t dims = lk_proto_begin(out, FIELD_TYPE_SHAPE);
    for (int i = 0; i < rank; i++) {
        size_t dim = lk_proto_begin(out, FIELD_SHAPE_DIM);
        if (shape[i] >= 0) {
            lk_proto_int(out, FIELD_DIM_VALUE, shape[i]);
        } else {
            char param[200];
            snprintf(param, sizeof param, "%s_%d", name, i);
            lk_proto_string(out, FIELD_DIM_PARAM, param);
        }
        lk_proto_end(out, dim);
    }
    lk_proto_end(out, dims);
    lk_proto_end(out, tensor);
    lk_proto_end(out, type);
    lk_proto_end(out, port);
}

static void write_opset(struct lk_proto *model, const char *domain, int version)
{
    size_t begin = lk_proto_begin(model, FIELD_MODEL_OPSET);
    lk_proto_string(model, FIELD_OPSET_DOMAIN, domain);
    lk_proto_int(model, FIELD_OPSET_VERSION, version);
    lk_proto_end(model, begin);
}

void lk__onnx_finish(struct lk__onnx *onnx, const char *name, struct lk_proto *model)
{
    lk_proto_string(&onnx->graph, FIELD_GRAPH_NAME, name);
    memset(model, 0, sizeof *model);
    lk_proto_int(model, FIELD_MODEL_IR_VERSION, IR_VERSION);
    lk_proto_string(model, FIELD_MODEL_PRODUCER, "likeness");
    write_opset(model, "", OPSET);
    write_opset(model, LK__DOMAIN, 1);
    write_opset(model, LK__CONTRIB, 1);
    lk_proto_bytes(model, FIELD_MODEL_GRAPH, onnx->graph.bytes, onnx->graph.size);
    model->failed |= onnx->graph.failed || onnx->failed;
    lk_proto_free(&onnx->graph);
}
