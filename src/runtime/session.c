// SPDX-License-Identifier: Apache-2.0
/* Sessions of ONNX files and of graphs that we wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_session_options_config_keys.h>

#include "base/file.h"
#include "base/size.h"
#include "runtime/graph/lower.h"
#include "runtime/internal.h"
#include "runtime/operators.h"

/* device: an entry of the runtime's list. */
static enum lk__lowering lowering_on(const lk_runtime *runtime, const char *device)
{
    return runtime->kernels ? lk__device_lowering(device) : LK__PLAIN;
}

static size_t model_size(const struct lk__recipe *recipe)
{
    return (size_t)(recipe->model.end - recipe->model.at);
}

/* The engine's session of a model in memory, whose nodes of ours are to be packed. */
static int create_convolved(const struct lk_proto *model,
                            struct lk__nodes *nodes,
                            const lk_graph *weights,
                            OrtSessionOptions *options,
                            lk_session *session,
                            struct lk_error *err)
{
    const lk_runtime *runtime = session->runtime;
    const OrtApi *api = runtime->api;
    int code = lk__nodes_pack(nodes, weights, runtime->threads, NULL, err);
    if (!code)
        code = lk__operators_new(api, nodes, runtime->hands, true, &session->operators, err);
    if (!code)
        code = lk__operators_apply(session->operators, options, err);
    return code ? code
                : lk__ort_check(api,
                                api->CreateSessionFromArray(runtime->env, model->bytes, model->size,
                                                            options, &session->ort),
                                LK_E_INPUT, err, "model '%s'", session->name);
}

static int create_as_it_is(const struct lk__recipe *recipe,
                           OrtSessionOptions *options,
                           lk_session *session,
                           struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    const OrtEnv *env = session->runtime->env;
    OrtStatus *status = recipe->changed
                            ? api->CreateSessionFromArray(env, recipe->model.at, model_size(recipe),
                                                          options, &session->ort)
                            : api->CreateSession(env, recipe->path, options, &session->ort);
    return lk__ort_check(api, status, LK_E_INPUT, err, "model '%s'", recipe->name);
}

static int create_of_file(struct lk__recipe *recipe,
                          OrtSessionOptions *options,
                          lk_session *session,
                          struct lk_error *err)
{
    const lk_runtime *runtime = session->runtime;
    struct lk__nodes nodes = {.kernels = runtime->kernels, .numbers = LK_NUMBERS_F32};
    struct lk_proto model = {0};
    lk_graph *weights = NULL;
    recipe->convolves = recipe->convolves && lowering_on(runtime, session->device) == LK__LIKENESS;
    if (!recipe->convolves)
        return create_as_it_is(recipe, options, session, err);
    int code = lk_graph_new(recipe->name, &weights, err);
    if (!code)
        code =
            lk__onnx_convolve(recipe->model.at, model_size(recipe), weights, &nodes, &model, err);
    recipe->convolves = code || model.size; /* else there is nothing to take back */
    if (!code)
        code = model.size ? create_convolved(&model, &nodes, weights, options, session, err)
                          : create_as_it_is(recipe, options, session, err);
    lk__nodes_free(&nodes);
    lk_graph_free(weights);
    lk_proto_free(&model);
    return code;
}

/* sides: NULL, or where those of the file go, and the session's become free */
static int open_file(lk_runtime *runtime,
                     const char *path,
                     const char *device,
                     int64_t *sides,
                     lk_session **out,
                     struct lk_error *err)
{
    struct lk_file file;
    struct lk_proto model = {0};
    int code = lk_file_map(path, &file, err);
    if (code)
        return code;
    char *key = NULL;
    /* A file that was replaced or written again is another network. */
    if (asprintf(&key, "%s %s%s", file.path, file.stamp.text, sides ? " of any size" : "") < 0) {
        key = NULL;
        code = lk_fail_memory(err, "a session's key", strlen(path));
    }
    code = code ? code : lk__onnx_file_check(path, file.bytes, file.size, err);
    if (!code && sides)
        code = lk__onnx_free_sides(path, file.bytes, file.size, sides, &model, err);
    if (!code) {
        const unsigned char *at = sides ? model.bytes : file.bytes;
        struct lk__recipe recipe = {
            .key = key,
            .name = path,
            .cost = file.size,
            .create = create_of_file,
            .path = file.path,
            .model = {at, at + (sides ? model.size : file.size)},
            .changed = sides != NULL,
            .convolves = true,
        };
        code = lk__pool_open(runtime, &recipe, device, out, err);
    }
    free(key);
    lk_proto_free(&model);
    lk_file_unmap(&file);
    return code;
}

int lk_session_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_session **out,
                    struct lk_error *err)
{
    return open_file(runtime, path, device, NULL, out, err);
}

int lk_session_open_any_size(lk_runtime *runtime,
                             const char *path,
                             const char *device,
                             int64_t sides[2],
                             lk_session **out,
                             struct lk_error *err)
{
    return open_file(runtime, path, device, sides, out, err);
}

/* Weights in memory. The model names a file for them that is not there; the engine gets their
 * numbers beside it, before it reads any, and copies them: so they count neither in the 2 GB of a
 * model nor longer than the session is being made. */
struct lk__given {
    lk_runtime *runtime;
    char **names;
    OrtValue **values;
    size_t count, room;
    struct lk_error *err;
    int code; /* of the first failure */
};

static int give(struct lk__given *given, const struct lk__onnx_weight *weight)
{
    const OrtApi *api = given->runtime->api;
    const struct lk_tensor *tensor = weight->tensor;
    if (given->count == given->room || !(given->names[given->count] = strdup(weight->name)))
        return lk_fail_memory(given->err, "a list of weights", strlen(weight->name));
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(
        given->runtime->cpu, (void *)tensor->data, tensor->size, weight->shape,
        (size_t)weight->rank, lk__ort_of_dtype(tensor->dtype), &given->values[given->count]);
    given->count++;
    return lk__ort_check(api, status, LK_E_FAILED, given->err, "weight '%s'", weight->name);
}

/* Weights are named by absolute paths; the engine takes relative ones only, so the folder that they
 * are relative to is the root of the file system. */
static struct lk__onnx_place place_of(void *user, const struct lk__onnx_weight *weight)
{
    struct lk__given *given = user;
    const char *path = weight->tensor->path;
    if (path)
        return (struct lk__onnx_place){path + (*path == '/'), weight->tensor->offset};
    if (!given->code)
        given->code = give(given, weight);
    return (struct lk__onnx_place){"given in memory", 0};
}

static int given_new(lk_runtime *runtime,
                     const lk_graph *graph,
                     struct lk__given *out,
                     struct lk_error *err)
{
    size_t room = 0;
    for (size_t i = 0; i < graph->count; i++)
        room += graph->values[i].op == LK__WEIGHT && !graph->values[i].as.tensor.path;
    *out = (struct lk__given){.runtime = runtime, .room = room, .err = err};
    out->names = calloc(room + 1, sizeof *out->names);
    out->values = calloc(room + 1, sizeof(OrtValue *));
    return out->names && out->values ? 0 : lk_fail_memory(err, "a list of weights", room);
}

static void given_free(struct lk__given *given)
{
    for (size_t i = 0; i < given->count; i++) {
        if (given->values[i])
            given->runtime->api->ReleaseValue(given->values[i]);
        free(given->names[i]);
    }
    free(given->names);
    free((void *)given->values);
}

/* Packs the weights of our own operators, and lets the session know them. */
static int create_operators(struct lk__nodes *nodes,
                            const lk_graph *graph,
                            OrtSessionOptions *options,
                            lk_session *session,
                            struct lk_error *err)
{
    const lk_runtime *runtime = session->runtime;
    int code = lk__nodes_pack(nodes, graph, runtime->threads,
                              runtime->place.folder ? &runtime->place : NULL, err);
    if (!code)
        code =
            lk__operators_new(runtime->api, nodes, runtime->hands, false, &session->operators, err);
    session->spreads = !code;
    return code ? code : lk__operators_apply(session->operators, options, err);
}

static int create_of_model(const struct lk_proto *model,
                           const struct lk__given *given,
                           OrtSessionOptions *options,
                           lk_session *session,
                           struct lk_error *err)
{
    const lk_runtime *runtime = session->runtime;
    const OrtApi *api = runtime->api;
    OrtStatus *status = api->AddSessionConfigEntry(
        options, kOrtSessionOptionsModelExternalInitializersFileFolderPath, "/");
    if (!status && given->count)
        status = api->AddExternalInitializers(options, (const char *const *)given->names,
                                              (const OrtValue *const *)given->values, given->count);
    if (!status)
        status = api->CreateSessionFromArray(runtime->env, model->bytes, model->size, options,
                                             &session->ort);
    return lk__ort_check(api, status, LK_E_INPUT, err, "network '%s'", session->name);
}

/* What the weights take as f32, which is what the engine folds them to; of streamed ones, the
 * largest that is upcast is in memory at a time. */
size_t lk_graph_bytes(const lk_graph *graph, bool streams)
{
    size_t total = 0, largest = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const struct lk_tensor *tensor = &graph->values[i].as.tensor;
        if (graph->values[i].op != LK__WEIGHT)
            continue;
        const size_t bytes = tensor->size / lk_dtype_size(tensor->dtype) * sizeof(float);
        if (tensor->dtype != LK_F32 && bytes > largest)
            largest = bytes;
        total += streams && tensor->path ? 0 : bytes;
    }
    return streams ? total + largest : total;
}

/* Measured: while it folds, the engine holds what it has read and half as much again beside the f32
 * (docs/runtime.md). */
size_t lk_graph_load_bytes(const lk_graph *graph, bool streams)
{
    size_t read = 0;
    for (size_t i = 0; !streams && i < graph->count; i++) {
        const struct lk__value *value = &graph->values[i];
        if (value->op == LK__WEIGHT && value->as.tensor.dtype != LK_F32)
            read += value->as.tensor.size;
    }
    return lk_graph_bytes(graph, streams) + read / 2 * 3;
}

bool lk_runtime_on_cpu(const lk_runtime *runtime, const char *device)
{
    const char *chosen;
    return !lk__device_choose(&runtime->devices, device, &chosen, NULL) && !strcmp(chosen, "cpu");
}

bool lk_runtime_packs(const lk_runtime *runtime, const char *device)
{
    const char *chosen;
    return !lk__device_choose(&runtime->devices, device, &chosen, NULL) &&
           lowering_on(runtime, chosen) != LK__PLAIN;
}

size_t lk_graph_packed_bytes(const lk_runtime *runtime, const lk_graph *graph, const char *device)
{
    const size_t bytes = lk_graph_bytes(graph, false);
    const char *chosen;
    if (lk__device_choose(&runtime->devices, device, &chosen, NULL) ||
        lowering_on(runtime, chosen) == LK__LIKENESS)
        return lk__packed_bytes(runtime->kernels, runtime->precision.numbers, graph, bytes);
    return runtime->precision.halves && !graph->wide ? bytes / 2 : bytes;
}

/* Where it would not fit, weights are streamed, which only the plain graph does. */
static int create_of_graph(struct lk__recipe *recipe,
                           OrtSessionOptions *options,
                           lk_session *session,
                           struct lk_error *err)
{
    lk_runtime *runtime = session->runtime;
    struct lk_proto model = {0};
    struct lk__given given;
    struct lk__nodes nodes = {.kernels = runtime->kernels, .numbers = runtime->precision.numbers};
    struct lk__manner manner = {lowering_on(runtime, session->device), &nodes,
                                runtime->precision.halves};
    lk_graph graph = *recipe->graph; /* shares its values */
    const bool packs = manner.lowering != LK__PLAIN;
    const size_t packed = packs ? lk_graph_packed_bytes(runtime, &graph, session->device) : 0;
    const size_t load = packs ? packed : lk_graph_load_bytes(&graph, false);
    int code =
        lk__precision_check(&runtime->precision, &graph, manner.lowering, session->device, err);
    if (code)
        return code;
    bool *streams = &graph.thrift.streams;
    *streams = *streams || !lk_runtime_make_room(runtime, load);
    if (*streams)
        manner = (struct lk__manner){LK__PLAIN};
    recipe->cost = manner.lowering != LK__PLAIN ? packed : lk_graph_bytes(&graph, *streams);
    code = given_new(runtime, &graph, &given, err);
    if (!code)
        code = lk__lower(&graph, &manner, place_of, &given, &model, err);
    if (!code)
        code = given.code;
    if (!code && manner.lowering == LK__LIKENESS)
        code = create_operators(&nodes, &graph, options, session, err);
    if (!code)
        code = create_of_model(&model, &given, options, session, err);
    given_free(&given);
    lk__nodes_free(&nodes);
    lk_proto_free(&model);
    return code;
}

int lk_session_of_graph(lk_runtime *runtime,
                        const lk_graph *graph,
                        const char *key,
                        const char *device,
                        lk_session **out,
                        struct lk_error *err)
{
    int code = lk_graph_status(graph, err);
    if (code)
        return code;
    struct lk__recipe recipe = {
        .key = key,
        .name = graph->name,
        .cost = lk_graph_bytes(graph, true),
        .create = create_of_graph,
        .graph = graph,
        .repeats = graph->repeats,
    };
    return lk__pool_open(runtime, &recipe, device, out, err);
}
