// SPDX-License-Identifier: Apache-2.0
/* One run of a session: arrays of the caller are checked against the ports and handed to the engine
 * where they lie; f16 ports are converted from and to f32; what comes out is copied once. A small
 * thread watches the caller's stop flag while the engine works. */
#include "runtime/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <onnxruntime_run_options_config_keys.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/size.h"

#define POLL_MILLISECONDS 20

/* Watches a stop flag during one run. */
struct guard {
    const OrtApi *api;
    OrtRunOptions *options;
    const struct lk_watch *watch;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool running; /* the thread exists */
    bool done;    /* the run is over; under the lock */
};

static void *watch_flag(void *user)
{
    struct guard *guard = user;
    pthread_mutex_lock(&guard->lock);
    while (!guard->done && !lk_watch_stopped(guard->watch)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_MILLISECONDS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&guard->ended, &guard->lock, &until);
    }
    if (!guard->done) {
        OrtStatus *status = guard->api->RunOptionsSetTerminate(guard->options);
        if (status)
            guard->api->ReleaseStatus(status);
    }
    pthread_mutex_unlock(&guard->lock);
    return NULL;
}

/* Without a flag there is nothing to watch; without a thread the run just cannot be cut short. */
static void guard_start(struct guard *guard)
{
    pthread_mutex_init(&guard->lock, NULL);
    pthread_cond_init(&guard->ended, NULL);
    if (guard->watch && guard->watch->stop)
        guard->running = !pthread_create(&guard->thread, NULL, watch_flag, guard);
}

static void guard_end(struct guard *guard)
{
    pthread_mutex_lock(&guard->lock);
    guard->done = true;
    pthread_cond_signal(&guard->ended);
    pthread_mutex_unlock(&guard->lock);
    if (guard->running)
        pthread_join(guard->thread, NULL);
    pthread_cond_destroy(&guard->ended);
    pthread_mutex_destroy(&guard->lock);
}

static const struct lk_port *port_named(const struct lk_port *ports, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(ports[i].name, name))
            return &ports[i];
    }
    return NULL;
}

static int unknown_port(const lk_session *session,
                        const char *what,
                        const char *name,
                        const struct lk_port *ports,
                        size_t n,
                        struct lk_error *err)
{
    return lk_fail(err, LK_E_INPUT, "model '%s' has no %s '%s': its first of %zu is '%s'",
                   session->name, what, name, n, n ? ports[0].name : "");
}

/* LK_E_INPUT when the array does not fit the port. */
static int check_input(const lk_session *session,
                       const struct lk_port *port,
                       const struct lk_array *array,
                       size_t *count,
                       struct lk_error *err)
{
    const bool halves = port->dtype == LK_F16 && array->dtype == LK_F32;
    if (array->dtype != port->dtype && !halves)
        return lk_fail(err, LK_E_INPUT, "model '%s': input '%s' is %s, not %s", session->name,
                       port->name, lk_dtype_name(port->dtype), lk_dtype_name(array->dtype));
    if (array->rank != port->rank)
        return lk_fail(err, LK_E_INPUT, "model '%s': input '%s' has rank %d, not %d", session->name,
                       port->name, port->rank, array->rank);
    *count = 1;
    for (int i = 0; i < port->rank; i++) {
        const int64_t have = array->shape[i], want = port->shape[i];
        if (have < 1 || (want != LK_DYNAMIC && have != want))
            return lk_fail(err, LK_E_INPUT,
                           "model '%s': dimension %d of input '%s' is %lld, not %lld",
                           session->name, i, port->name, (long long)want, (long long)have);
        if (!lk_size_mul(*count, (size_t)have, count))
            return lk_fail(err, LK_E_INPUT, "model '%s': input '%s' is too large", session->name,
                           port->name);
    }
    return 0;
}

int lk__run_check_input(const lk_session *session,
                        const char *name,
                        const struct lk_array *array,
                        const struct lk_port **port,
                        size_t *count,
                        struct lk_error *err)
{
    *port = port_named(session->inputs, session->input_count, name);
    return *port ? check_input(session, *port, array, count, err)
                 : unknown_port(session, "input", name, session->inputs, session->input_count, err);
}

int lk__run_check_outputs(const lk_session *session,
                          size_t n,
                          const char *const *names,
                          struct lk_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!port_named(session->outputs, session->output_count, names[i]))
            return unknown_port(session, "output", names[i], session->outputs,
                                session->output_count, err);
    }
    return 0;
}

/* An engine's value over the caller's numbers; f16 ports get a converted copy in *copy (freed by
 * the caller after the run). */
static int make_input(const lk_session *session,
                      const char *name,
                      const struct lk_array *array,
                      OrtValue **out,
                      void **copy,
                      struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    const struct lk_port *port;
    size_t count = 0, bytes;
    int code = lk__run_check_input(session, name, array, &port, &count, err);
    if (code)
        return code;
    void *data = array->data;
    if (!lk_size_mul(count, lk_dtype_size(port->dtype), &bytes))
        return lk_fail(err, LK_E_INPUT, "model '%s': input '%s' is too large", session->name, name);
    if (array->dtype != port->dtype) {
        uint16_t *halves = malloc(bytes);
        if (!halves)
            return lk_fail_memory(err, "an f16 input", bytes);
        for (size_t i = 0; i < count; i++)
            halves[i] = lk_half_of_float(((const float *)data)[i]);
        data = *copy = halves;
    }
    OrtStatus *status = api->CreateTensorWithDataAsOrtValue(session->runtime->cpu, data, bytes,
                                                            array->shape, (size_t)array->rank,
                                                            lk__ort_of_dtype(port->dtype), out);
    return lk__ort_check(api, status, LK_E_FAILED, err, "model '%s': input '%s'", session->name,
                         name);
}

static int copy_numbers(
    const void *data, enum lk_dtype dtype, size_t count, struct lk_array *out, struct lk_error *err)
{
    const bool halves = dtype == LK_F16 || dtype == LK_BF16;
    out->dtype = halves ? LK_F32 : dtype;
    size_t bytes;
    if (!lk_size_mul(count, lk_dtype_size(out->dtype), &bytes) ||
        !(out->data = lk_memory_for_pixels(bytes ? bytes : 1)))
        return lk_fail_memory(err, "the output of a network", count);
    if (!count)
        return 0;
    if (!data)
        return lk_fail(err, LK_E_FAILED, "a network gave an output without numbers");
    if (!halves) {
        memcpy(out->data, data, bytes);
        return 0;
    }
    const struct lk_tensor tensor = {
        .name = "output",
        .dtype = dtype,
        .rank = 1,
        .shape = {(int64_t)count},
        .data = data,
        .size = count * lk_dtype_size(dtype),
        .path = "memory",
    };
    return lk_tensor_to_f32(&tensor, 0, count, out->data, err);
}

int lk__run_describe(const lk_session *session,
                     const char *name,
                     OrtValue *value,
                     struct lk_array *out,
                     size_t *count,
                     struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t rank = 0;
    OrtStatus *status = api->GetTensorTypeAndShape(value, &info);
    if (!status)
        status = api->GetTensorElementType(info, &type);
    if (!status)
        status = api->GetDimensionsCount(info, &rank);
    if (!status)
        status = api->GetTensorShapeElementCount(info, count);
    if (!status && rank <= LK_TENSOR_MAX_RANK)
        status = api->GetDimensions(info, out->shape, rank);
    if (!status)
        status = api->GetTensorMutableData(value, &out->data);
    if (info)
        api->ReleaseTensorTypeAndShapeInfo(info);
    int code = lk__ort_check(api, status, LK_E_FAILED, err, "model '%s': output '%s'",
                             session->name, name);
    if (code)
        return code;
    if (rank > LK_TENSOR_MAX_RANK || lk__dtype_of_ort(type) < 0)
        return lk_fail(err, LK_E_INPUT,
                       "model '%s': output '%s' has rank %zu and ONNX type %d, which likeness does "
                       "not read",
                       session->name, name, rank, (int)type);
    out->rank = (int)rank;
    out->dtype = (enum lk_dtype)lk__dtype_of_ort(type);
    return 0;
}

static int take_output(const lk_session *session,
                       const char *name,
                       OrtValue *value,
                       struct lk_array *out,
                       struct lk_error *err)
{
    struct lk_array there = {0};
    size_t count = 0;
    int code = lk__run_describe(session, name, value, &there, &count, err);
    if (code)
        return code;
    *out = there;
    out->data = NULL;
    return copy_numbers(there.data, there.dtype, count, out, err);
}

/* What a run needs to hold. Operators of ours ask for more as they go. */
static int hands_of(const lk_session *session)
{
    if (strcmp(session->device, "cpu"))
        return 0;
    return session->spreads ? 1 : LK_HANDS_ALL;
}

int lk__run_engine(lk_session *session,
                   int64_t capture,
                   lk__engine_call *call,
                   void *user,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    OrtRunOptions *options = NULL;
    char id[24];
    if (lk_watch_stopped(watch))
        return lk_fail(err, LK_E_INTERRUPTED, "model '%s' was interrupted", session->name);
    OrtStatus *status = api->CreateRunOptions(&options);
    snprintf(id, sizeof id, "%lld", (long long)capture);
    if (!status && session->captures)
        status = api->AddRunConfigEntry(options, kOrtRunOptionsConfigCudaGraphAnnotation, id);
    if (!status) {
        struct guard guard = {.api = api, .options = options, .watch = watch};
        guard_start(&guard);
        atomic_fetch_add_explicit(&session->runs, 1, memory_order_relaxed);
        const int held = lk_hands_hold(session->runtime->hands, hands_of(session));
        status = call(session, options, user);
        lk_hands_hold(session->runtime->hands, held);
        guard_end(&guard);
    }
    if (options)
        api->ReleaseRunOptions(options);
    if (status && lk_watch_stopped(watch)) {
        api->ReleaseStatus(status);
        return lk_fail(err, LK_E_INTERRUPTED, "model '%s' was interrupted", session->name);
    }
    return lk__ort_check(api, status, LK_E_FAILED, err, "model '%s'", session->name);
}

size_t lk_session_runs(const lk_session *session)
{
    return atomic_load_explicit(&session->runs, memory_order_relaxed);
}

/* What the engine is called with. */
struct run {
    size_t n_in, n_out;
    const char *const *in_names, *const *out_names;
    OrtValue *in[LK__MAX_PORTS], *out[LK__MAX_PORTS];
};

static OrtStatus *call_run(const lk_session *session, const OrtRunOptions *options, void *user)
{
    struct run *r = user;
    return session->runtime->api->Run(session->ort, options, r->in_names,
                                      (const OrtValue *const *)r->in, r->n_in, r->out_names,
                                      r->n_out, r->out);
}

int lk_session_run(lk_session *session,
                   size_t n_in,
                   const char *const *in_names,
                   const struct lk_array *inputs,
                   size_t n_out,
                   const char *const *out_names,
                   struct lk_array *outputs,
                   const struct lk_watch *watch,
                   struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    struct run run = {n_in, n_out, in_names, out_names, {0}, {0}};
    void *copies[LK__MAX_PORTS] = {0};
    struct lk_array results[LK__MAX_PORTS] = {0};
    if (n_in > LK__MAX_PORTS || n_out > LK__MAX_PORTS)
        return lk_fail(err, LK_E_INPUT, "model '%s': too many ports", session->name);
    int code = lk__run_check_outputs(session, n_out, out_names, err);
    for (size_t i = 0; !code && i < n_in; i++)
        code = make_input(session, in_names[i], &inputs[i], &run.in[i], &copies[i], err);
    if (!code)
        code = lk__run_engine(session, LK__NOT_CAPTURED, call_run, &run, watch, err);
    for (size_t i = 0; !code && i < n_out; i++)
        code = take_output(session, out_names[i], run.out[i], &results[i], err);
    for (size_t i = 0; i < n_out; i++) {
        if (!code)
            outputs[i] = results[i];
        else
            free(results[i].data);
        if (run.out[i])
            api->ReleaseValue(run.out[i]);
    }
    for (size_t i = 0; i < n_in; i++) {
        if (run.in[i])
            api->ReleaseValue(run.in[i]);
        free(copies[i]);
    }
    return code;
}
