// SPDX-License-Identifier: Apache-2.0
/* What a network says of its inputs and outputs: names, types, shapes. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/internal.h"

static const struct {
    enum lk_dtype dtype;
    ONNXTensorElementDataType ort;
} types[] = {
    {LK_F32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {LK_F16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {LK_BF16, ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16},
    {LK_F64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {LK_I64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {LK_I32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {LK_U8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {LK_BOOL, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
};

int lk__dtype_of_ort(ONNXTensorElementDataType type)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(types); i++) {
        if (types[i].ort == type)
            return (int)types[i].dtype;
    }
    return -1;
}

ONNXTensorElementDataType lk__ort_of_dtype(enum lk_dtype dtype)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(types); i++) {
        if (types[i].dtype == dtype)
            return types[i].ort;
    }
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

void lk__ports_free(struct lk_port *ports, size_t count)
{
    for (size_t i = 0; ports && i < count; i++)
        free((char *)ports[i].name);
    free(ports);
}

/* Inputs and outputs are read by the same code, through the engine's two sets of functions. */
struct side {
    const char *what;
    OrtStatus *(ORT_API_CALL *count)(const OrtSession *, size_t *);
    OrtStatus *(ORT_API_CALL *name)(const OrtSession *, size_t, OrtAllocator *, char **);
    OrtStatus *(ORT_API_CALL *type)(const OrtSession *, size_t, OrtTypeInfo **);
};

/* type and shape of a port whose name is known */
static int read_type(lk_session *session,
                     const struct side *side,
                     const OrtTypeInfo *info,
                     struct lk_port *port,
                     struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    ONNXTensorElementDataType type;
    size_t rank = 0;
    OrtStatus *status = api->CastTypeInfoToTensorInfo(info, &tensor);
    if (!status && !tensor)
        return lk_fail(err, LK_E_INPUT, "model '%s': %s '%s' is no tensor", session->name,
                       side->what, port->name);
    if (!status)
        status = api->GetTensorElementType(tensor, &type);
    if (!status)
        status = api->GetDimensionsCount(tensor, &rank);
    if (!status && (rank > LK_TENSOR_MAX_RANK || lk__dtype_of_ort(type) < 0))
        return lk_fail(err, LK_E_INPUT,
                       "model '%s': %s '%s' has rank %zu and ONNX type %d, which likeness does not "
                       "read",
                       session->name, side->what, port->name, rank, (int)type);
    if (!status)
        status = api->GetDimensions(tensor, port->shape, rank);
    if (status)
        return lk__ort_check(api, status, LK_E_INPUT, err, "model '%s'", session->name);
    port->dtype = (enum lk_dtype)lk__dtype_of_ort(type);
    port->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        if (port->shape[i] < 0)
            port->shape[i] = LK_DYNAMIC;
    }
    return 0;
}

static int read_port(lk_session *session,
                     const struct side *side,
                     size_t index,
                     struct lk_port *port,
                     struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    OrtAllocator *allocator = NULL;
    OrtTypeInfo *info = NULL;
    char *name = NULL;
    OrtStatus *status = api->GetAllocatorWithDefaultOptions(&allocator);
    if (!status)
        status = side->name(session->ort, index, allocator, &name);
    if (!status)
        status = side->type(session->ort, index, &info);
    int code = lk__ort_check(api, status, LK_E_INPUT, err, "model '%s'", session->name);
    if (!code && !(port->name = strdup(name ? name : "")))
        code = lk_fail_memory(err, "the name of a port", 1);
    if (!code)
        code = read_type(session, side, info, port, err);
    if (info)
        api->ReleaseTypeInfo(info);
    if (name)
        allocator->Free(allocator, name);
    return code;
}

static int read_side(lk_session *session,
                     const struct side *side,
                     struct lk_port **out,
                     size_t *out_count,
                     struct lk_error *err)
{
    size_t count = 0;
    OrtStatus *status = side->count(session->ort, &count);
    int code =
        lk__ort_check(session->runtime->api, status, LK_E_INPUT, err, "model '%s'", session->name);
    if (code)
        return code;
    if (count > LK__MAX_PORTS)
        return lk_fail(err, LK_E_INPUT, "model '%s' has %zu %ss", session->name, count, side->what);
    struct lk_port *ports = calloc(count + 1, sizeof *ports);
    if (!ports)
        return lk_fail_memory(err, "the ports of a model", count * sizeof *ports);
    for (size_t i = 0; !code && i < count; i++)
        code = read_port(session, side, i, &ports[i], err);
    *out = ports; /* the session frees them, also when they are half read */
    *out_count = count;
    return code;
}

int lk__ports_read(lk_session *session, struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    const struct side in = {"input", api->SessionGetInputCount, api->SessionGetInputName,
                            api->SessionGetInputTypeInfo};
    const struct side out = {"output", api->SessionGetOutputCount, api->SessionGetOutputName,
                             api->SessionGetOutputTypeInfo};
    int code = read_side(session, &in, &session->inputs, &session->input_count, err);
    if (!code)
        code = read_side(session, &out, &session->outputs, &session->output_count, err);
    return code;
}

size_t lk_session_inputs(const lk_session *session, const struct lk_port **out)
{
    *out = session->inputs;
    return session->input_count;
}

size_t lk_session_outputs(const lk_session *session, const struct lk_port **out)
{
    *out = session->outputs;
    return session->output_count;
}
