// SPDX-License-Identifier: Apache-2.0
#include "runtime/custom_op.h"

#include <stdint.h>

static const char *ORT_API_CALL get_provider(const OrtCustomOp *op)
{
    (void)op;
    return NULL; /* the CPU */
}

static size_t ORT_API_CALL get_one(const OrtCustomOp *op)
{
    (void)op;
    return 1;
}

static OrtCustomOpInputOutputCharacteristic ORT_API_CALL get_required(const OrtCustomOp *op,
                                                                      size_t index)
{
    (void)op, (void)index;
    return INPUT_OUTPUT_REQUIRED;
}

static OrtMemType ORT_API_CALL get_memory(const OrtCustomOp *op, size_t index)
{
    (void)op, (void)index;
    return OrtMemTypeDefault;
}

static int ORT_API_CALL get_1(const OrtCustomOp *op)
{
    (void)op;
    return 1;
}

static int ORT_API_CALL get_newest(const OrtCustomOp *op)
{
    (void)op;
    return INT32_MAX;
}

static OrtStatus *ORT_API_CALL infer_nothing(const OrtCustomOp *op, OrtShapeInferContext *context)
{
    (void)op, (void)context;
    return NULL;
}

static size_t ORT_API_CALL map_nothing(int **input, int **output)
{
    *input = *output = NULL;
    return 0;
}

static void ORT_API_CALL release_nothing(int *input, int *output)
{
    (void)input, (void)output;
}

OrtCustomOp lk__custom_op(void)
{
    return (OrtCustomOp){
        .version = ORT_API_VERSION,
        .GetExecutionProviderType = get_provider,
        .GetOutputTypeCount = get_one,
        .GetOutputCharacteristic = get_required,
        .GetInputMemoryType = get_memory,
        .GetVariadicInputMinArity = get_1,
        .GetVariadicInputHomogeneity = get_1,
        .GetVariadicOutputMinArity = get_1,
        .GetVariadicOutputHomogeneity = get_1,
        .InferOutputShapeFn = infer_nothing,
        .GetStartVersion = get_1,
        .GetEndVersion = get_newest,
        .GetMayInplace = map_nothing,
        .ReleaseMayInplace = release_nothing,
        .GetAliasMap = map_nothing,
        .ReleaseAliasMap = release_nothing,
    };
}
