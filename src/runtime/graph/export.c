// SPDX-License-Identifier: Apache-2.0
/* A graph as files: PATH, the plain ONNX model, and PATH.data, its weights, as they are in the
 * checkpoint (f16 stays f16). Both are written beside their final names and renamed, the data
 * first, so that a model never points to half a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/graph/lower.h"
#include "runtime/session.h"

#define ALIGNMENT 64 /* lets other tools map tensors in place */

struct data_file {
    FILE *file;
    const char *location; /* the name of PATH.data without its folder */
    uint64_t size;
    bool failed;
};

static struct lk__onnx_place append(void *user, const struct lk__onnx_weight *weight)
{
    static const char zeros[ALIGNMENT];
    struct data_file *data = user;
    const struct lk_tensor *tensor = weight->tensor;
    const size_t pad = (size_t)(-data->size % ALIGNMENT);
    data->failed |= fwrite(zeros, 1, pad, data->file) != pad;
    data->failed |= fwrite(tensor->data, 1, tensor->size, data->file) != tensor->size;
    const struct lk__onnx_place place = {data->location, data->size + pad};
    data->size += pad + tensor->size;
    return place;
}

static int write_error(const char *path, struct lk_error *err)
{
    return lk_fail(err, LK_E_FAILED, "'%s' cannot be written: %s", path, strerror(errno));
}

static int write_model(const char *path, const struct lk_proto *model, struct lk_error *err)
{
    FILE *file = fopen(path, "wbe");
    if (!file)
        return write_error(path, err);
    bool failed = fwrite(model->bytes, 1, model->size, file) != model->size;
    failed |= fclose(file) != 0;
    return failed ? write_error(path, err) : 0;
}

static int write_data(const lk_graph *graph,
                      const char *path,
                      const char *location,
                      struct lk_proto *model,
                      struct lk_error *err)
{
    struct data_file data = {.file = fopen(path, "wbe"), .location = location};
    if (!data.file)
        return write_error(path, err);
    int code = lk__lower(graph, &(struct lk__manner){LK__PLAIN}, append, &data, model, err);
    data.failed |= fclose(data.file) != 0;
    if (!code && data.failed) {
        lk_proto_free(model);
        code = write_error(path, err);
    }
    return code;
}

int lk_graph_export(const lk_graph *graph, const char *path, struct lk_error *err)
{
    struct lk_proto model = {0};
    char *data = NULL, *data_part = NULL, *model_part = NULL;
    if (asprintf(&data, "%s.data", path) < 0 || asprintf(&data_part, "%s.data.part", path) < 0 ||
        asprintf(&model_part, "%s.part", path) < 0) {
        free(data);
        free(data_part);
        return lk_fail_memory(err, "a path", strlen(path));
    }
    int code = write_data(graph, data_part, lk_file_name(data), &model, err);
    if (!code)
        code = write_model(model_part, &model, err);
    if (!code && (rename(data_part, data) || rename(model_part, path)))
        code = write_error(path, err);
    if (code) {
        unlink(data_part);
        unlink(model_part);
    }
    lk_proto_free(&model);
    free(data);
    free(data_part);
    free(model_part);
    return code;
}
