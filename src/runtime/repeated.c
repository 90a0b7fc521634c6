// SPDX-License-Identifier: Apache-2.0
/* Repeated runs. For every combination of shapes the arrays that go in and come out have their
 * place on the device, bound to the session once: a step writes into them only what has changed,
 * and fetches the result. Since places stay where they are, a GPU that captures runs (CUDA graphs)
 * can replay them, under a number for each combination. On the CPU the device's memory is ours, and
 * all this costs a copy of what goes in. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/run.h"

#define COMBINATIONS 4 /* with and without guidance, and two more */

/* An array on the device. */
struct place {
    char *name;
    struct lk_array array; /* data: on the device; stamp: of what is in it */
    size_t bytes;
    OrtValue *value; /* of an output: NULL until the first run has shown its size */
};

struct combination {
    OrtIoBinding *binding; /* NULL: not in use */
    struct place *in, *out;
    size_t n_in, n_out;
    int64_t number;
    uint64_t used;
};

struct lk_repeated {
    lk_session *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator;
    struct combination combinations[COMBINATIONS];
    uint64_t clock;
};

uint64_t lk_stamp_new(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

int lk_repeated_new(lk_session *session, lk_repeated **out, struct lk_error *err)
{
    const OrtApi *api = session->runtime->api;
    lk_repeated *repeated = calloc(1, sizeof *repeated);
    if (!repeated)
        return lk_fail_memory(err, "repeated runs", sizeof *repeated);
    repeated->session = session;
    int code = lk__device_memory(api, session->device, &repeated->memory, err);
    if (!code)
        code = lk__ort_check(
            api, api->CreateAllocator(session->ort, repeated->memory, &repeated->allocator),
            LK_E_FAILED, err, "device '%s'", session->device);
    if (code)
        lk_repeated_free(repeated);
    else
        *out = repeated;
    return code;
}

static void free_places(const OrtApi *api, struct place *places, size_t n)
{
    for (size_t i = 0; places && i < n; i++) {
        if (places[i].value)
            api->ReleaseValue(places[i].value);
        free(places[i].name);
    }
    free(places);
}

static void clear(const OrtApi *api, struct combination *c)
{
    if (c->binding)
        api->ReleaseIoBinding(c->binding);
    free_places(api, c->in, c->n_in);
    free_places(api, c->out, c->n_out);
    *c = (struct combination){0};
}

void lk_repeated_free(lk_repeated *repeated)
{
    if (!repeated)
        return;
    const OrtApi *api = repeated->session->runtime->api;
    for (size_t i = 0; i < COMBINATIONS; i++)
        clear(api, &repeated->combinations[i]);
    if (repeated->allocator)
        api->ReleaseAllocator(repeated->allocator);
    if (repeated->memory)
        api->ReleaseMemoryInfo(repeated->memory);
    free(repeated);
}

/* ---- combinations ---- */

/* What is asked for. */
struct asked {
    size_t n_in, n_out;
    const char *const *in_names, *const *out_names;
    const struct lk_array *inputs;
};

static bool is_for(const struct combination *c, const struct asked *asked)
{
    bool is = c->binding && c->n_in == asked->n_in && c->n_out == asked->n_out;
    for (size_t i = 0; is && i < asked->n_in; i++) {
        const struct lk_array *a = &asked->inputs[i], *b = &c->in[i].array;
        is = !strcmp(asked->in_names[i], c->in[i].name) && a->rank == b->rank &&
             !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape);
    }
    for (size_t i = 0; is && i < asked->n_out; i++)
        is = !strcmp(asked->out_names[i], c->out[i].name);
    return is;
}

static int make_place(const lk_repeated *repeated,
                      const char *name,
                      const struct lk_array *array,
                      struct place *out,
                      struct lk_error *err)
{
    const lk_session *session = repeated->session;
    const OrtApi *api = session->runtime->api;
    const struct lk_port *port;
    size_t count = 0;
    int code = lk__run_check_input(session, name, array, &port, &count, err);
    if (code)
        return code;
    if (array->dtype != port->dtype ||
        !lk_size_mul(count, lk_dtype_size(array->dtype), &out->bytes))
        return lk_fail(err, LK_E_INPUT, "model '%s': input '%s' is too large, or not as it flows",
                       session->name, name);
    out->array = *array;
    out->array.stamp = 0;
    if (!(out->name = strdup(name)))
        return lk_fail_memory(err, "the name of a port", strlen(name));
    OrtStatus *status =
        api->CreateTensorAsOrtValue(repeated->allocator, array->shape, (size_t)array->rank,
                                    lk__ort_of_dtype(array->dtype), &out->value);
    if (!status)
        status = api->GetTensorMutableData(out->value, &out->array.data);
    return lk__ort_check(api, status, LK_E_FAILED, err, "model '%s': input '%s'", session->name,
                         name);
}

/* The places of what comes out are not known before the first run. */
static int make(const lk_repeated *repeated,
                const struct asked *asked,
                struct combination *c,
                struct lk_error *err)
{
    const lk_session *session = repeated->session;
    const OrtApi *api = session->runtime->api;
    int code = lk__run_check_outputs(session, asked->n_out, asked->out_names, err);
    c->in = calloc(asked->n_in + 1, sizeof *c->in);
    c->out = calloc(asked->n_out + 1, sizeof *c->out);
    if (!c->in || !c->out)
        return lk_fail_memory(err, "repeated runs", asked->n_in * sizeof *c->in);
    c->n_in = asked->n_in;
    c->n_out = asked->n_out;
    for (size_t i = 0; !code && i < c->n_in; i++)
        code = make_place(repeated, asked->in_names[i], &asked->inputs[i], &c->in[i], err);
    if (code)
        return code;
    OrtStatus *status = api->CreateIoBinding(session->ort, &c->binding);
    for (size_t i = 0; !status && i < c->n_out; i++) {
        status = api->BindOutputToDevice(c->binding, asked->out_names[i], repeated->memory);
        if (!(c->out[i].name = strdup(asked->out_names[i])) && !status)
            return lk_fail_memory(err, "the name of a port", 1);
    }
    return lk__ort_check(api, status, LK_E_FAILED, err, "model '%s'", session->name);
}

/* The one for what is asked, or a new one in place of the one that was unused longest. */
static int find(lk_repeated *repeated,
                const struct asked *asked,
                struct combination **out,
                struct lk_error *err)
{
    const OrtApi *api = repeated->session->runtime->api;
    struct combination *oldest = repeated->combinations;
    for (size_t i = 0; i < COMBINATIONS; i++) {
        struct combination *c = &repeated->combinations[i];
        if (is_for(c, asked)) {
            *out = c;
            return 0;
        }
        oldest = c->used < oldest->used ? c : oldest;
    }
    clear(api, oldest);
    int code = make(repeated, asked, oldest, err);
    if (code)
        clear(api, oldest);
    else
        *out = oldest;
    oldest->number = (int64_t)lk_stamp_new();
    return code;
}

/* ---- a run ---- */

/* Bound anew each time: where the engine reads an array on another device, that copies it. */
static int write_inputs(const lk_repeated *repeated,
                        const struct lk_array *inputs,
                        struct combination *c,
                        struct lk_error *err)
{
    const lk_session *session = repeated->session;
    const OrtApi *api = session->runtime->api;
    for (size_t i = 0; i < c->n_in; i++) {
        struct lk_array *there = &c->in[i].array;
        int code = 0;
        if (!inputs[i].stamp || inputs[i].stamp != there->stamp)
            code =
                lk__device_copy(session->device, there->data, inputs[i].data, c->in[i].bytes, err);
        there->stamp = code ? 0 : inputs[i].stamp;
        if (!code)
            code = lk__ort_check(api, api->BindInput(c->binding, c->in[i].name, c->in[i].value),
                                 LK_E_FAILED, err, "model '%s'", session->name);
        if (code)
            return code;
    }
    return 0;
}

static OrtStatus *call_bound(const lk_session *session, const OrtRunOptions *options, void *user)
{
    const OrtApi *api = session->runtime->api;
    const struct combination *c = user;
    OrtStatus *status = api->SynchronizeBoundInputs(c->binding);
    if (!status)
        status = api->RunWithBinding(session->ort, options, c->binding);
    return status ? status : api->SynchronizeBoundOutputs(c->binding);
}

/* Where the first run has put what came out, the later ones put it, too. */
static int keep_outputs(const lk_repeated *repeated, struct combination *c, struct lk_error *err)
{
    const lk_session *session = repeated->session;
    const OrtApi *api = session->runtime->api;
    OrtAllocator *allocator = NULL;
    OrtValue **values = NULL;
    size_t n = 0;
    if (c->out[0].value)
        return 0;
    OrtStatus *status = api->GetAllocatorWithDefaultOptions(&allocator);
    if (!status)
        status = api->GetBoundOutputValues(c->binding, allocator, &values, &n);
    int code = lk__ort_check(api, status, LK_E_FAILED, err, "model '%s'", session->name);
    for (size_t i = 0; values && i < n; i++) {
        struct place *place = &c->out[i];
        size_t count = 0;
        place->value = values[i];
        code = code ? code
                    : lk__run_describe(session, place->name, values[i], &place->array, &count, err);
        if (!code && !lk_size_mul(count, lk_dtype_size(place->array.dtype), &place->bytes))
            code = lk_fail(err, LK_E_FAILED, "model '%s': output '%s' is too large", session->name,
                           place->name);
        if (!code)
            code = lk__ort_check(api, api->BindOutput(c->binding, place->name, values[i]),
                                 LK_E_FAILED, err, "model '%s'", session->name);
    }
    if (values)
        allocator->Free(allocator, values);
    return code;
}

static int read_output(const lk_session *session,
                       const struct place *place,
                       struct lk_array *out,
                       struct lk_error *err)
{
    *out = place->array;
    out->data = malloc(place->bytes ? place->bytes : 1);
    if (!out->data)
        return lk_fail_memory(err, "the output of a network", place->bytes);
    return lk__device_copy(session->device, out->data, place->array.data, place->bytes, err);
}

int lk_repeated_run(lk_repeated *repeated,
                    size_t n_in,
                    const char *const *in_names,
                    const struct lk_array *inputs,
                    size_t n_out,
                    const char *const *out_names,
                    struct lk_array *outputs,
                    const struct lk_watch *watch,
                    struct lk_error *err)
{
    const struct asked asked = {n_in, n_out, in_names, out_names, inputs};
    lk_session *session = repeated->session;
    struct lk_array results[LK__MAX_PORTS] = {0};
    struct combination *c;
    if (n_out < 1 || n_out > LK__MAX_PORTS)
        return lk_fail(err, LK_E_INPUT, "model '%s': %zu outputs", session->name, n_out);
    int code = find(repeated, &asked, &c, err);
    if (code)
        return code;
    c->used = ++repeated->clock;
    code = write_inputs(repeated, inputs, c, err);
    const int64_t number = c->out[0].value ? c->number : LK__NOT_CAPTURED;
    if (!code)
        code = lk__run_engine(session, number, call_bound, c, watch, err);
    if (!code)
        code = keep_outputs(repeated, c, err);
    for (size_t i = 0; !code && i < n_out; i++)
        code = read_output(session, &c->out[i], &results[i], err);
    for (size_t i = 0; i < n_out; i++) {
        if (!code)
            outputs[i] = results[i];
        else
            free(results[i].data);
    }
    if (code) /* what it holds is not known */
        clear(session->runtime->api, c);
    return code;
}
