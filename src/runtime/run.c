// SPDX-License-Identifier: Apache-2.0
/* One run of a session: arrays of the caller are checked against the ports and handed to the engine
 * where they lie; f16 ports are converted from and to f32; what comes out is copied once. A small
 * thread watches the caller's stop flag while the engine works. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "runtime/internal.h"

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

/* Round to nearest even; too large becomes infinity, NaN stays NaN. */
static uint16_t f16_of_f32(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >= 0x477ff000) /* 65520 and above */
        return sign | 0x7c00;
    uint32_t mantissa, shift;
    if (magnitude < 0x38800000) { /* below 2^-14: subnormal in f16 */
        shift = 126 - (magnitude >> 23);
        if (shift > 24)
            return sign;
        mantissa = (magnitude & 0x7fffff) | 0x800000;
    } else {
        shift = 13;
        mantissa = magnitude - 0x38000000; /* the exponent's bias goes from 127 to 15 */
    }
    const uint32_t half = 1u << (shift - 1), rest = mantissa & ((1u << shift) - 1);
    uint32_t result = mantissa >> shift;
    result += rest > half || (rest == half && (result & 1));
    return sign | (uint16_t)result;
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
    const struct lk_port *port = port_named(session->inputs, session->input_count, name);
    if (!port)
        return unknown_port(session, "input", name, session->inputs, session->input_count, err);
    size_t count = 0, bytes;
    int code = check_input(session, port, array, &count, err);
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
            halves[i] = f16_of_f32(((const float *)data)[i]);
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
        !(out->data = malloc(bytes ? bytes : 1)))
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

static int take_output(const lk_session *session,
                       const char *name,
                       OrtValue *value,
                       struct lk_array *out,
                       struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t rank = 0, count = 0;
    void *data = NULL;
    OrtStatus *status = api->GetTensorTypeAndShape(value, &info);
    if (!status)
        status = api->GetTensorElementType(info, &type);
    if (!status)
        status = api->GetDimensionsCount(info, &rank);
    if (!status)
        status = api->GetTensorShapeElementCount(info, &count);
    if (!status && rank <= LK_TENSOR_MAX_RANK)
        status = api->GetDimensions(info, out->shape, rank);
    if (!status)
        status = api->GetTensorMutableData(value, &data);
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
    return copy_numbers(data, (enum lk_dtype)lk__dtype_of_ort(type), count, out, err);
}

static int run_engine(const lk_session *session,
                      size_t n_in,
                      const char *const *in_names,
                      OrtValue *const *inputs,
                      size_t n_out,
                      const char *const *out_names,
                      OrtValue **outputs,
                      const struct lk_watch *watch,
                      struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    OrtRunOptions *options = NULL;
    OrtStatus *status = api->CreateRunOptions(&options);
    if (status)
        return lk__ort_check(api, status, LK_E_FAILED, err, "model '%s'", session->name);
    struct guard guard = {.api = api, .options = options, .watch = watch};
    guard_start(&guard);
    status = api->Run(session->ort, options, in_names, (const OrtValue *const *)inputs, n_in,
                      out_names, n_out, outputs);
    guard_end(&guard);
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
    OrtValue *in[LK__MAX_PORTS] = {0}, *out[LK__MAX_PORTS] = {0};
    void *copies[LK__MAX_PORTS] = {0};
    struct lk_array results[LK__MAX_PORTS] = {0};
    int code = 0;
    if (n_in > LK__MAX_PORTS || n_out > LK__MAX_PORTS)
        return lk_fail(err, LK_E_INPUT, "model '%s': too many ports", session->name);
    if (lk_watch_stopped(watch))
        return lk_fail(err, LK_E_INTERRUPTED, "model '%s' was interrupted", session->name);
    for (size_t i = 0; !code && i < n_out; i++) {
        if (!port_named(session->outputs, session->output_count, out_names[i]))
            code = unknown_port(session, "output", out_names[i], session->outputs,
                                session->output_count, err);
    }
    for (size_t i = 0; !code && i < n_in; i++)
        code = make_input(session, in_names[i], &inputs[i], &in[i], &copies[i], err);
    atomic_fetch_add_explicit(&session->runs, 1, memory_order_relaxed);
    if (!code)
        code = run_engine(session, n_in, in_names, in, n_out, out_names, out, watch, err);
    for (size_t i = 0; !code && i < n_out; i++)
        code = take_output(session, out_names[i], out[i], &results[i], err);
    for (size_t i = 0; i < n_out; i++) {
        if (!code)
            outputs[i] = results[i];
        else
            free(results[i].data);
        if (out[i])
            api->ReleaseValue(out[i]);
    }
    for (size_t i = 0; i < n_in; i++) {
        if (in[i])
            api->ReleaseValue(in[i]);
        free(copies[i]);
    }
    return code;
}
