// SPDX-License-Identifier: Apache-2.0
/* Each operator takes a list of f32 arrays, whose roles its node knows, and gives one. The kernels
 * run in the engine's own threads. Shapes are checked here, because the engine knows none of ours.
 */
#include "runtime/operators.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/custom_op.h"
#include "runtime/graph/onnx.h"
#include "runtime/internal.h"

static const char *const names[LK__KIND_COUNT] = {
    [LK__CONVOLUTION] = "Convolution",
    [LK__ATTEND] = "Attention",
    [LK__NORM_GROUPS] = "GroupNorm",
    [LK__NORM_ROWS] = "LayerNorm",
};

struct custom_op {
    OrtCustomOp base; /* first: the engine hands back a pointer to it */
    const char *name;
    struct lk__operators *all;
};

struct lk__operators {
    const OrtApi *api;
    OrtCustomOpDomain *domain;
    struct custom_op list[LK__KIND_COUNT];
    struct lk__nodes nodes;
    struct lk_workspace *workspace;
    lk_hands *hands;
    bool all_held;
};

/* One node of one session. */
struct kernel {
    struct lk__operators *all;
    const struct lk__node *node;
};

/* One computation. */
struct call {
    const struct lk__operators *all;
    const struct lk__node *node;
    OrtKernelContext *context;
    struct lk_workers workers;
};

struct array {
    const float *data; /* NULL: not given */
    size_t rank, count;
    int64_t shape[LK_TENSOR_MAX_RANK];
};

static OrtStatus *failed(const struct call *call, const char *why)
{
    char text[300];
    snprintf(text, sizeof text, "%s: %s", call->node->at, why);
    return call->all->api->CreateStatus(ORT_FAIL, text);
}

static OrtStatus *read_input(const struct call *call, enum lk__role role, struct array *out)
{
    const OrtApi *api = call->all->api;
    const OrtValue *value = NULL;
    OrtTensorTypeAndShapeInfo *info = NULL;
    memset(out, 0, sizeof *out);
    if (call->node->roles[role] < 0)
        return NULL;
    OrtStatus *status =
        api->KernelContext_GetInput(call->context, (size_t)call->node->roles[role], &value);
    if (!status)
        status = api->GetTensorTypeAndShape(value, &info);
    if (!status)
        status = api->GetDimensionsCount(info, &out->rank);
    if (!status && (out->rank < 1 || out->rank > LK_TENSOR_MAX_RANK))
        status = failed(call, "an array of no or too many dimensions");
    if (!status)
        status = api->GetDimensions(info, out->shape, out->rank);
    if (!status)
        status = api->GetTensorShapeElementCount(info, &out->count);
    if (!status)
        status = api->GetTensorMutableData((OrtValue *)value, (void **)&out->data);
    if (!status && !out->count)
        status = failed(call, "an array without numbers");
    if (info)
        api->ReleaseTensorTypeAndShapeInfo(info);
    return status;
}

static OrtStatus *make_output(const struct call *call,
                              const int64_t *shape,
                              size_t rank,
                              float **out)
{
    OrtValue *value = NULL;
    OrtStatus *status =
        call->all->api->KernelContext_GetOutput(call->context, 0, shape, rank, &value);
    return status ? status : call->all->api->GetTensorMutableData(value, (void **)out);
}

/* ---- what each kind of node computes ---- */

/* Not given, or so many numbers for each image. */
static bool fits(const struct array *array, size_t count)
{
    return !array->data || array->count == (size_t)array->shape[0] * count;
}

/* The sizes of a convolution of the picture x, or of rows. */
static OrtStatus *fit_convolution(const struct call *call,
                                  const struct array *x,
                                  const struct array *like,
                                  struct lk_convolution *c)
{
    const struct lk__node *node = call->node;
    const size_t channels = node->panels.k / (size_t)(node->kernel * node->kernel);
    if ((size_t)x->shape[x->rank - 1] != channels || (!node->linear && x->rank != 4))
        return failed(call, "a picture or rows of another width than the weights");
    if (node->linear) {
        *c = lk_linear(x->data, x->count / channels, &node->panels, NULL);
        return NULL;
    }
    c->x = x->data;
    c->images = (size_t)x->shape[0];
    c->height = (size_t)x->shape[1];
    c->width = (size_t)x->shape[2];
    c->channels = channels;
    c->kernel = node->kernel;
    c->stride = node->stride;
    c->top = node->pad[0];
    c->left = node->pad[1];
    c->doubled = node->doubled;
    c->seen_height = node->doubled ? 2 * c->height : c->height;
    c->seen_width = node->doubled ? 2 * c->width : c->width;
    if (like->data) {
        const size_t height = like->rank == 4 ? (size_t)like->shape[1] : 0;
        const size_t width = like->rank == 4 ? (size_t)like->shape[2] : 0;
        if ((height + 1) / 2 != c->height || (width + 1) / 2 != c->width)
            return failed(call, "a picture that is not half of the one it is doubled to");
        c->seen_height = height;
        c->seen_width = width;
    }
    const long tall = (long)c->seen_height + node->pad[0] + node->pad[2] - node->kernel;
    const long wide = (long)c->seen_width + node->pad[1] + node->pad[3] - node->kernel;
    if (tall < 0 || wide < 0)
        return failed(call, "a picture smaller than the filter");
    c->out_height = (size_t)tall / (size_t)node->stride + 1;
    c->out_width = (size_t)wide / (size_t)node->stride + 1;
    c->w = &node->panels;
    return NULL;
}

/* The images of the result; 0 when an array has neither so many nor one, which serves them all. */
static size_t images_of(const struct array *const arrays[], size_t n)
{
    int64_t most = 1;
    for (size_t i = 0; i < n; i++)
        most = arrays[i]->data && arrays[i]->shape[0] > most ? arrays[i]->shape[0] : most;
    for (size_t i = 0; i < n; i++) {
        if (arrays[i]->data && arrays[i]->shape[0] != most && arrays[i]->shape[0] != 1)
            return 0;
    }
    return (size_t)most;
}

/* Where image i of an array lies. */
static const float *image_at(const struct array *array, size_t i)
{
    const size_t images = (size_t)array->shape[0];
    return array->data && images > 1 ? array->data + i * (array->count / images) : array->data;
}

/* All images at once, or one by one where an array has one for all. */
static int convolve(const struct call *call,
                    struct lk_convolution *c,
                    const struct array *x,
                    const struct array *shift,
                    const struct array *plus,
                    size_t images)
{
    const struct lk_kernels *kernels = call->all->nodes.kernels;
    const size_t own = (size_t)x->shape[0];
    const bool alike = own == images && (!shift->data || (size_t)shift->shape[0] == images) &&
                       (!plus->data || (size_t)plus->shape[0] == images);
    c->epilogue.shift = shift->data;
    c->epilogue.plus = plus->data;
    if (alike)
        return kernels->convolve(c, &call->workers);
    if (call->node->linear)
        c->width = c->seen_width = c->out_width = c->width / own;
    else
        c->images = 1;
    float *y = c->y;
    int code = 0;
    for (size_t i = 0; !code && i < images; i++) {
        c->x = image_at(x, i);
        c->epilogue.shift = image_at(shift, i);
        c->epilogue.plus = image_at(plus, i);
        c->y = y + i * c->out_height * c->out_width * c->w->n;
        code = kernels->convolve(c, &call->workers);
    }
    return code;
}

static OrtStatus *compute_convolution(const struct call *call)
{
    const struct lk__node *node = call->node;
    struct lk_convolution c = {0};
    struct array x, like, shift, plus;
    OrtStatus *status = read_input(call, LK__ROLE_X, &x);
    if (!status)
        status = read_input(call, LK__ROLE_LIKE, &like);
    if (!status)
        status = read_input(call, LK__ROLE_SHIFT, &shift);
    if (!status)
        status = read_input(call, LK__ROLE_PLUS, &plus);
    if (!status)
        status = fit_convolution(call, &x, &like, &c);
    if (status)
        return status;
    const size_t n = node->panels.n,
                 images = images_of((const struct array *[]){&x, &shift, &plus}, 3);
    const size_t pixels = c.images * c.out_height * c.out_width / (size_t)x.shape[0];
    if (!images || !fits(&shift, n) || !fits(&plus, pixels * n))
        return failed(call, "what is added has another shape");
    int64_t shape[LK_TENSOR_MAX_RANK];
    memcpy(shape, x.shape, sizeof shape);
    shape[0] = (int64_t)images;
    shape[x.rank - 1] = (int64_t)n;
    if (!node->linear) {
        shape[1] = (int64_t)c.out_height;
        shape[2] = (int64_t)c.out_width;
    }
    status = make_output(call, shape, x.rank, &c.y);
    if (status)
        return status;
    c.epilogue.bias = node->vectors[0];
    c.epilogue.relu = node->relu;
    c.gate = node->gated ? &node->gate : NULL;
    c.gate_bias = node->gated ? node->vectors[1] : NULL;
    return convolve(call, &c, &x, &shift, &plus, images) ? failed(call, "out of memory") : NULL;
}

static OrtStatus *compute_attention(const struct call *call)
{
    struct array q, k, v;
    OrtStatus *status = read_input(call, LK__ROLE_X, &q);
    if (!status)
        status = read_input(call, LK__ROLE_KEY, &k);
    if (!status)
        status = read_input(call, LK__ROLE_VALUE, &v);
    if (status)
        return status;
    const int64_t width = (int64_t)call->node->heads * call->node->head_size;
    if (q.rank != 3 || k.rank != 3 || q.shape[2] != width || k.shape[2] != width ||
        q.shape[0] != k.shape[0] || v.rank != 3 || memcmp(k.shape, v.shape, sizeof k.shape) != 0)
        return failed(call, "queries, keys and values that do not fit each other");
    struct lk_attention a = {
        .q = q.data,
        .k = k.data,
        .v = v.data,
        .images = (size_t)q.shape[0],
        .queries = (size_t)q.shape[1],
        .keys = (size_t)k.shape[1],
        .heads = (size_t)call->node->heads,
        .size = (size_t)call->node->head_size,
        .causal = call->node->causal,
        .rounds = call->node->rounds,
    };
    status = make_output(call, q.shape, 3, &a.y);
    if (!status && call->all->nodes.kernels->attend(&a, &call->workers))
        status = failed(call, "out of memory");
    return status;
}

static OrtStatus *compute_norm(const struct call *call)
{
    const struct lk__node *node = call->node;
    const struct lk_kernels *kernels = call->all->nodes.kernels;
    struct array x;
    float *y = NULL;
    OrtStatus *status = read_input(call, LK__ROLE_X, &x);
    if (status)
        return status;
    if (node->kind == LK__NORM_GROUPS && x.rank != 4)
        return failed(call, "no picture");
    if (!node->width || (size_t)x.shape[x.rank - 1] != node->width)
        return failed(call, "rows of another width than the weights");
    status = make_output(call, x.shape, x.rank, &y);
    if (status)
        return status;
    const struct lk_layer_norm rows = {
        .x = x.data,
        .rows = x.count / node->width,
        .channels = node->width,
        .gamma = node->vectors[0],
        .beta = node->vectors[1],
        .epsilon = node->epsilon,
        .y = y,
    };
    const struct lk_group_norm groups = {
        .x = x.data,
        .images = (size_t)x.shape[0],
        .pixels = rows.rows / (size_t)x.shape[0],
        .channels = node->width,
        .groups = (size_t)node->groups,
        .gamma = node->vectors[0],
        .beta = node->vectors[1],
        .epsilon = node->epsilon,
        .silu = node->silu,
        .y = y,
    };
    const int code = node->kind == LK__NORM_GROUPS ? kernels->group_norm(&groups, &call->workers)
                                                   : kernels->layer_norm(&rows, &call->workers);
    return code ? failed(call, "out of memory") : NULL;
}

/* ---- the engine's callbacks ---- */

static void run_in_pool(void *user, size_t n, void (*task)(void *what, size_t i), void *what)
{
    const struct call *call = user;
    lk__run_tasks(call->all->api, call->context, call->all->all_held ? NULL : call->all->hands, n,
                  task, what);
}

static OrtStatus *ORT_API_CALL compute(void *op_kernel, OrtKernelContext *context)
{
    static OrtStatus *(*const computes[LK__KIND_COUNT])(const struct call *) = {
        [LK__CONVOLUTION] = compute_convolution,
        [LK__ATTEND] = compute_attention,
        [LK__NORM_GROUPS] = compute_norm,
        [LK__NORM_ROWS] = compute_norm,
    };
    const struct kernel *kernel = op_kernel;
    struct call call = {.all = kernel->all, .node = kernel->node, .context = context};
    call.workers = (struct lk_workers){run_in_pool, &call, lk_hands_count(kernel->all->hands),
                                       kernel->all->workspace};
    return computes[kernel->node->kind](&call);
}

static void ORT_API_CALL compute_or_not(void *op_kernel, OrtKernelContext *context)
{
    OrtStatus *status = compute(op_kernel, context);
    if (status)
        ((struct kernel *)op_kernel)->all->api->ReleaseStatus(status);
}

static OrtStatus *ORT_API_CALL create_kernel(const OrtCustomOp *op,
                                             const OrtApi *api,
                                             const OrtKernelInfo *info,
                                             void **out)
{
    struct lk__operators *all = ((const struct custom_op *)op)->all;
    int64_t index = -1;
    OrtStatus *status = api->KernelInfoGetAttribute_int64(info, "node", &index);
    if (status)
        return status;
    struct kernel *kernel = malloc(sizeof *kernel);
    if (!kernel || index < 0 || (size_t)index >= all->nodes.count) {
        free(kernel);
        return api->CreateStatus(ORT_FAIL, "out of memory, or no node of this network");
    }
    *kernel = (struct kernel){all, &all->nodes.list[index]};
    *out = kernel;
    return NULL;
}

static void *ORT_API_CALL create_or_not(const OrtCustomOp *op,
                                        const OrtApi *api,
                                        const OrtKernelInfo *info)
{
    void *kernel = NULL;
    OrtStatus *status = create_kernel(op, api, info, &kernel);
    if (status)
        api->ReleaseStatus(status);
    return kernel;
}

static void ORT_API_CALL destroy_kernel(void *op_kernel)
{
    free(op_kernel);
}

static const char *ORT_API_CALL get_name(const OrtCustomOp *op)
{
    return ((const struct custom_op *)op)->name;
}

static ONNXTensorElementDataType ORT_API_CALL get_type(const OrtCustomOp *op, size_t index)
{
    (void)op, (void)index;
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
}

static OrtCustomOpInputOutputCharacteristic ORT_API_CALL get_list(const OrtCustomOp *op,
                                                                  size_t index)
{
    (void)op, (void)index;
    return INPUT_OUTPUT_VARIADIC;
}

static OrtCustomOp callbacks(void)
{
    OrtCustomOp op = lk__custom_op();
    op.CreateKernel = create_or_not;
    op.CreateKernelV2 = create_kernel;
    op.KernelCompute = compute_or_not;
    op.KernelComputeV2 = compute;
    op.KernelDestroy = destroy_kernel;
    op.GetName = get_name;
    op.GetInputTypeCount = op.GetOutputTypeCount;
    op.GetInputType = op.GetOutputType = get_type;
    op.GetInputCharacteristic = get_list;
    return op;
}

int lk__operators_new(const OrtApi *api,
                      struct lk__nodes *nodes,
                      lk_hands *hands,
                      bool all_held,
                      struct lk__operators **out,
                      struct lk_error *err)
{
    struct lk__operators *all = calloc(1, sizeof *all);
    if (!all || !(all->workspace = lk_workspace_new())) {
        free(all);
        return lk_fail_memory(err, "operators", sizeof *all);
    }
    all->api = api;
    all->hands = hands;
    all->all_held = all_held;
    OrtStatus *status = api->CreateCustomOpDomain(LK__DOMAIN, &all->domain);
    for (int i = 0; !status && i < LK__KIND_COUNT; i++) {
        all->list[i] = (struct custom_op){callbacks(), names[i], all};
        status = api->CustomOpDomain_Add(all->domain, &all->list[i].base);
    }
    const int code = lk__ort_check(api, status, LK_E_FAILED, err, "operators");
    if (code) {
        lk__operators_free(all);
        return code;
    }
    all->nodes = *nodes;
    *nodes = (struct lk__nodes){.kernels = nodes->kernels};
    *out = all;
    return 0;
}

void lk__operators_free(struct lk__operators *operators)
{
    if (!operators)
        return;
    if (operators->domain)
        operators->api->ReleaseCustomOpDomain(operators->domain);
    lk__nodes_free(&operators->nodes);
    lk_workspace_free(operators->workspace);
    free(operators);
}

int lk__operators_apply(struct lk__operators *operators,
                        OrtSessionOptions *options,
                        struct lk_error *err)
{
    const OrtApi *api = operators->api;
    return lk__ort_check(api, api->AddCustomOpDomain(options, operators->domain), LK_E_FAILED, err,
                         "operators");
}
