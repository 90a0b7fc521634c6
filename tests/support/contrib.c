// SPDX-License-Identifier: Apache-2.0
#include "support/contrib.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/half.h"
#include "base/size.h"
#include "runtime/custom_op.h"
#include "runtime/graph/lower.h"
#include "runtime/internal.h"
#include "support/check.h"

enum { MAX_IN = 5, MAX_RANK = 4 };

/* An array as f32, whatever it is in the engine. */
struct numbers {
    float *data; /* NULL: not given */
    int64_t shape[MAX_RANK];
    size_t rank, count;
};

/* One call of an operator. */
struct call {
    struct numbers in[MAX_IN], out;
    int64_t groups, activation, kernel[2], strides[2], pads[4];
    float epsilon;
};

/* ---- the operators ---- */

static float silu(float x)
{
    return x / (1 + expf(-x));
}

static void like_first(struct call *c)
{
    c->out = c->in[0];
    c->out.data = calloc(c->out.count, sizeof *c->out.data);
    assert_non_null(c->out.data);
}

/* X [N,H,W,C], gamma, beta [C] */
static void group_norm(struct call *c)
{
    const int64_t channels = c->in[0].shape[3], pixels = c->in[0].shape[1] * c->in[0].shape[2];
    const int64_t width = channels / c->groups;
    like_first(c);
    for (int64_t g = 0; g < c->in[0].shape[0] * c->groups; g++) {
        const int64_t first = g / c->groups * pixels * channels + g % c->groups * width;
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < pixels * width; i++) {
            const double x = c->in[0].data[first + i / width * channels + i % width];
            sum += x;
            squares += x * x;
        }
        const double mean = sum / (double)(pixels * width);
        const double scale =
            1 / sqrt(squares / (double)(pixels * width) - mean * mean + c->epsilon);
        for (int64_t i = 0; i < pixels * width; i++) {
            const int64_t at = first + i / width * channels + i % width, k = at % channels;
            const float y =
                (float)((c->in[0].data[at] - mean) * scale) * c->in[1].data[k] + c->in[2].data[k];
            c->out.data[at] = c->activation ? silu(y) : y;
        }
    }
}

/* The same of X + skip; skip [N,C], or as X */
static void skip_group_norm(struct call *c)
{
    const size_t channels = (size_t)c->in[0].shape[3];
    const size_t image = c->in[0].count / (size_t)c->in[0].shape[0];
    for (size_t i = 0; i < c->in[0].count; i++)
        c->in[0].data[i] +=
            c->in[3].data[c->in[3].rank == 2 ? i / image * channels + i % channels : i];
    group_norm(c);
}

/* X [N,H,W,I], W [O,k,k,I], B [O] */
static void nhwc_conv(struct call *c)
{
    const int64_t *x = c->in[0].shape, *w = c->in[1].shape;
    c->out = (struct numbers){.rank = 4, .shape = {x[0], 0, 0, w[0]}};
    for (int i = 0; i < 2; i++)
        c->out.shape[1 + i] =
            (x[1 + i] + c->pads[i] + c->pads[2 + i] - c->kernel[i]) / c->strides[i] + 1;
    const int64_t *y = c->out.shape;
    c->out.count = (size_t)(y[0] * y[1] * y[2] * y[3]);
    c->out.data = calloc(c->out.count, sizeof *c->out.data);
    assert_non_null(c->out.data);
    for (int64_t at = 0; at < (int64_t)c->out.count; at++) {
        const int64_t o = at % y[3], col = at / y[3] % y[2], row = at / y[3] / y[2] % y[1];
        double sum = c->in[2].data ? c->in[2].data[o] : 0;
        for (int64_t k = 0; k < w[1] * w[2]; k++) {
            const int64_t i = row * c->strides[0] + k / w[2] - c->pads[0];
            const int64_t j = col * c->strides[1] + k % w[2] - c->pads[1];
            if (i < 0 || j < 0 || i >= x[1] || j >= x[2])
                continue;
            const int64_t n = at / y[3] / y[2] / y[1];
            const float *pixel = c->in[0].data + ((n * x[1] + i) * x[2] + j) * x[3];
            const float *weight = c->in[1].data + (o * w[1] * w[2] + k) * w[3];
            float part = 0;
            for (int64_t in = 0; in < x[3]; in++)
                part += pixel[in] * weight[in];
            sum += part;
        }
        c->out.data[at] = (float)sum;
    }
}

/* X [N,S,D], bias [D] → [N,S,D/2] */
static void bias_split_gelu(struct call *c)
{
    const size_t width = (size_t)c->in[0].shape[2], half = width / 2;
    like_first(c);
    c->out.shape[2] /= 2;
    c->out.count /= 2;
    for (size_t i = 0; i < c->out.count; i++) {
        const size_t k = i % half, at = i / half * width + k;
        const float gate = c->in[0].data[at + half] + c->in[1].data[k + half];
        c->out.data[i] = (c->in[0].data[at] + c->in[1].data[k]) * gate * 0.5f *
                         (1 + erff(gate * (float)M_SQRT1_2));
    }
}

/* X [N,S,C], bias [C], skip [N,S,C] */
static void bias_add(struct call *c)
{
    like_first(c);
    for (size_t i = 0; i < c->out.count; i++)
        c->out.data[i] =
            c->in[0].data[i] + c->in[1].data[i % (size_t)c->in[0].shape[2]] + c->in[2].data[i];
}

static const struct kind {
    const char *name;
    size_t n_in, required;
    unsigned wide; /* bit i: input i is f32 whatever flows */
    void (*compute)(struct call *call);
} kinds[] = {
    {"GroupNorm", 3, 3, 6, group_norm}, {"SkipGroupNorm", 5, 4, 6, skip_group_norm},
    {"NhwcConv", 3, 2, 0, nhwc_conv},   {"BiasSplitGelu", 2, 2, 0, bias_split_gelu},
    {"BiasAdd", 3, 3, 0, bias_add},
};

/* ---- as the engine sees them ---- */

struct op {
    OrtCustomOp base; /* must be first */
    const struct kind *kind;
    ONNXTensorElementDataType type;
    const OrtApi *api;
};

struct kernel {
    const struct op *op;
    struct call call; /* its attributes */
};

static void must(const OrtApi *api, OrtStatus *status)
{
    if (status)
        fail_msg("%s", api->GetErrorMessage(status));
}

static OrtStatus *ORT_API_CALL create(const OrtCustomOp *op,
                                      const OrtApi *api,
                                      const OrtKernelInfo *info,
                                      void **out)
{
    const struct op *self = (const struct op *)op;
    struct kernel *kernel = calloc(1, sizeof *kernel);
    size_t two = 2, four = 4;
    assert_non_null(kernel);
    kernel->op = self;
    struct call *c = &kernel->call;
    if (self->kind->compute == group_norm || self->kind->compute == skip_group_norm) {
        int64_t last = 0;
        must(api, api->KernelInfoGetAttribute_int64(info, "groups", &c->groups));
        must(api, api->KernelInfoGetAttribute_int64(info, "activation", &c->activation));
        must(api, api->KernelInfoGetAttribute_int64(info, "channels_last", &last));
        must(api, api->KernelInfoGetAttribute_float(info, "epsilon", &c->epsilon));
        assert_int_equal(last, 1); /* the CUDA kernel knows no other */
    }
    if (self->kind->compute == nhwc_conv) {
        must(api, api->KernelInfoGetAttributeArray_int64(info, "kernel_shape", c->kernel, &two));
        must(api, api->KernelInfoGetAttributeArray_int64(info, "strides", c->strides, &two));
        must(api, api->KernelInfoGetAttributeArray_int64(info, "pads", c->pads, &four));
    }
    *out = kernel;
    return NULL;
}

static void ORT_API_CALL destroy(void *kernel)
{
    free(kernel);
}

static void read_numbers(const OrtApi *api, const OrtValue *value, struct numbers *out)
{
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType type;
    const void *data;
    must(api, api->GetTensorTypeAndShape(value, &info));
    must(api, api->GetTensorElementType(info, &type));
    must(api, api->GetDimensionsCount(info, &out->rank));
    assert_true(out->rank <= MAX_RANK);
    must(api, api->GetDimensions(info, out->shape, out->rank));
    must(api, api->GetTensorShapeElementCount(info, &out->count));
    must(api, api->GetTensorData(value, &data));
    api->ReleaseTensorTypeAndShapeInfo(info);
    const struct lk_tensor tensor = {
        .name = "input",
        .path = "memory",
        .dtype = (enum lk_dtype)lk__dtype_of_ort(type),
        .rank = 1,
        .shape = {(int64_t)out->count},
        .data = data,
        .size = out->count * lk_dtype_size((enum lk_dtype)lk__dtype_of_ort(type)),
    };
    struct lk_error err;
    out->data = malloc(out->count * sizeof *out->data + 1);
    assert_non_null(out->data);
    assert_ok(lk_tensor_to_f32(&tensor, 0, out->count, out->data, &err), &err);
}

static OrtStatus *ORT_API_CALL compute(void *user, OrtKernelContext *context)
{
    const struct kernel *kernel = user;
    const OrtApi *api = kernel->op->api;
    struct call call = kernel->call;
    size_t n;
    OrtValue *value;
    void *data;
    must(api, api->KernelContext_GetInputCount(context, &n));
    for (size_t i = 0; i < n; i++) {
        const OrtValue *in;
        must(api, api->KernelContext_GetInput(context, i, &in));
        if (in)
            read_numbers(api, in, &call.in[i]);
    }
    kernel->op->kind->compute(&call);
    must(api, api->KernelContext_GetOutput(context, 0, call.out.shape, call.out.rank, &value));
    must(api, api->GetTensorMutableData(value, &data));
    for (size_t i = 0; i < call.out.count; i++) {
        if (kernel->op->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
            ((float *)data)[i] = call.out.data[i];
        else
            ((uint16_t *)data)[i] = lk_half_of_float(call.out.data[i]);
    }
    for (size_t i = 0; i < n; i++)
        free(call.in[i].data);
    free(call.out.data);
    return NULL;
}

static const char *ORT_API_CALL get_name(const OrtCustomOp *op)
{
    return ((const struct op *)op)->kind->name;
}

static size_t ORT_API_CALL get_input_count(const OrtCustomOp *op)
{
    return ((const struct op *)op)->kind->n_in;
}

static ONNXTensorElementDataType ORT_API_CALL get_input_type(const OrtCustomOp *op, size_t i)
{
    const struct op *self = (const struct op *)op;
    return self->kind->wide >> i & 1 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT : self->type;
}

static ONNXTensorElementDataType ORT_API_CALL get_output_type(const OrtCustomOp *op, size_t i)
{
    (void)i;
    return ((const struct op *)op)->type;
}

static OrtCustomOpInputOutputCharacteristic ORT_API_CALL get_input_kind(const OrtCustomOp *op,
                                                                        size_t i)
{
    return i < ((const struct op *)op)->kind->required ? INPUT_OUTPUT_REQUIRED
                                                       : INPUT_OUTPUT_OPTIONAL;
}

static OrtCustomOp callbacks(void)
{
    OrtCustomOp op = lk__custom_op();
    op.CreateKernelV2 = create;
    op.KernelComputeV2 = compute;
    op.KernelDestroy = destroy;
    op.GetName = get_name;
    op.GetInputType = get_input_type;
    op.GetInputTypeCount = get_input_count;
    op.GetOutputType = get_output_type;
    op.GetInputCharacteristic = get_input_kind;
    return op;
}

/* ---- runs ---- */

static struct lk__onnx_place in_the_model(void *user, const struct lk__onnx_weight *weight)
{
    (void)user, (void)weight;
    return (struct lk__onnx_place){0};
}

static struct lk_proto lowered(const lk_graph *graph, bool halves)
{
    const struct lk__manner manner = {.lowering = LK__FUSED, .halves = halves};
    struct lk_proto model;
    struct lk_error err;
    assert_ok(lk__lower(graph, &manner, in_the_model, NULL, &model, &err), &err);
    return model;
}

static OrtCustomOpDomain *stand_ins(const OrtApi *api, bool halves)
{
    static struct op ops[LK_ARRAY_LENGTH(kinds)];
    OrtCustomOpDomain *domain;
    must(api, api->CreateCustomOpDomain("com.microsoft", &domain));
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds); i++) {
        ops[i] = (struct op){callbacks(), &kinds[i],
                             halves ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16
                                    : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                             api};
        must(api, api->CustomOpDomain_Add(domain, &ops[i].base));
    }
    return domain;
}

static void take(const OrtApi *api, OrtValue *value, struct lk_array *out)
{
    struct numbers numbers = {0};
    read_numbers(api, value, &numbers);
    *out = (struct lk_array){.dtype = LK_F32, .rank = (int)numbers.rank, .data = numbers.data};
    memcpy(out->shape, numbers.shape, numbers.rank * sizeof *out->shape);
}

void contrib_run(const lk_graph *graph,
                 bool halves,
                 size_t n_in,
                 const char *const *in_names,
                 const struct lk_array *inputs,
                 const char *out_name,
                 struct lk_array *output)
{
    const OrtApi *api;
    const char *version;
    struct lk_error err;
    OrtEnv *env;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtValue *in[LK__MAX_PORTS], *out = NULL;
    struct lk_proto model = lowered(graph, halves);
    assert_ok(lk__ort_load(NULL, &api, &version, &err), &err);
    assert_ok(lk__ort_environment(api, 1, &env, &err), &err);
    OrtCustomOpDomain *domain = stand_ins(api, halves && !graph->wide);
    must(api, api->CreateSessionOptions(&options));
    must(api, api->DisablePerSessionThreads(options));
    must(api, api->AddCustomOpDomain(options, domain));
    must(api, api->CreateSessionFromArray(env, model.bytes, model.size, options, &session));
    must(api, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    for (size_t i = 0; i < n_in; i++) {
        size_t bytes = lk_dtype_size(inputs[i].dtype);
        for (int j = 0; j < inputs[i].rank; j++)
            bytes *= (size_t)inputs[i].shape[j];
        must(api, api->CreateTensorWithDataAsOrtValue(memory, inputs[i].data, bytes,
                                                      inputs[i].shape, (size_t)inputs[i].rank,
                                                      lk__ort_of_dtype(inputs[i].dtype), &in[i]));
    }
    must(api,
         api->Run(session, NULL, in_names, (const OrtValue *const *)in, n_in, &out_name, 1, &out));
    take(api, out, output);
    api->ReleaseValue(out);
    for (size_t i = 0; i < n_in; i++)
        api->ReleaseValue(in[i]);
    api->ReleaseMemoryInfo(memory);
    api->ReleaseSession(session);
    api->ReleaseSessionOptions(options);
    api->ReleaseCustomOpDomain(domain);
    api->ReleaseEnv(env);
    lk_proto_free(&model);
}

size_t contrib_count(const lk_graph *graph, const char *type)
{
    struct lk_proto model = lowered(graph, false);
    char field[64]; /* NodeProto.op_type */
    const int n =
        snprintf(field, sizeof field, "%c%c%s", FIELD_NODE_TYPE << 3 | 2, (int)strlen(type), type);
    size_t count = 0;
    const unsigned char *at = model.bytes, *end = at + model.size;
    while ((at = memmem(at, (size_t)(end - at), field, (size_t)n))) {
        at += n;
        count++;
    }
    lk_proto_free(&model);
    return count;
}
