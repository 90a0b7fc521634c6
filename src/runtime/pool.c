// SPDX-License-Identifier: Apache-2.0
/* The runtime and its pool of sessions.
 *
 * A session is shared by key and device and counted. One that nobody uses stays, because loading is
 * slow (seconds for a UNet), until the budget needs its room: then the one that was idle longest
 * goes first. A session counts with what its weights take in memory as f32. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <malloc.h>
#include <sched.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "runtime/internal.h"
#include "runtime/operators.h"

#define PACK_CACHE_BYTES ((size_t)24 << 30) /* two SDXL, or six SD 1.x */

void lk_runtime_options_init(struct lk_runtime_options *options)
{
    memset(options, 0, sizeof *options);
}

static int usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 0 : CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

/* Bytes this process may use: the machine's, or the control group's limit where that is less. */
static size_t usable_memory(void)
{
    size_t bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    unsigned long long limit;
    if (file) {
        if (fscanf(file, "%llu", &limit) == 1 && limit < bytes)
            bytes = (size_t)limit;
        fclose(file);
    }
    return bytes;
}

static void complain(void *user, const char *sentence)
{
    lk_runtime *runtime = user;
    pthread_mutex_lock(&runtime->lock);
    snprintf(runtime->complaint, sizeof runtime->complaint, "%s", sentence);
    pthread_mutex_unlock(&runtime->lock);
}

bool lk_runtime_complaint(lk_runtime *runtime, char *out, size_t size)
{
    pthread_mutex_lock(&runtime->lock);
    const bool any = *runtime->complaint != 0;
    if (any)
        snprintf(out, size, "%s", runtime->complaint);
    *runtime->complaint = 0;
    pthread_mutex_unlock(&runtime->lock);
    return any;
}

static int choose_place(lk_runtime *runtime,
                        const struct lk_runtime_options *options,
                        struct lk_error *err)
{
    if (!options->pack_cache)
        return 0;
    runtime->place = (struct lk__pack_place){
        .folder = strdup(options->pack_cache),
        .limit = options->pack_cache_size ? options->pack_cache_size : PACK_CACHE_BYTES,
        .complain = complain,
        .user = runtime,
    };
    return runtime->place.folder ? 0 : lk_fail_memory(err, "a path", strlen(options->pack_cache));
}

static int choose_device_cache(lk_runtime *runtime,
                               const struct lk_runtime_options *options,
                               struct lk_error *err)
{
    if (!options->device_cache)
        return 0;
    runtime->device_cache = strdup(options->device_cache);
    return runtime->device_cache ? 0 : lk_fail_memory(err, "a path", strlen(options->device_cache));
}

int lk_runtime_open(const struct lk_runtime_options *options,
                    lk_runtime **out,
                    struct lk_error *err)
{
    struct lk_runtime_options defaults;
    if (!options) {
        lk_runtime_options_init(&defaults);
        options = &defaults;
    }
    if (options->threads < 0 || options->threads > 1024)
        return lk_fail(err, LK_E_INPUT, "threads %d is not 0 … 1024", options->threads);
    lk_runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime)
        return lk_fail_memory(err, "the runtime", sizeof *runtime);
    pthread_mutex_init(&runtime->lock, NULL);
    runtime->memory = options->memory ? options->memory : usable_memory() / 4 * 3;
    runtime->threads = options->threads ? options->threads : usable_cores();
    runtime->kernels = options->plain ? NULL : lk_kernels_best();
    runtime->captures = options->captures;
    int code = lk_hands_new(runtime->threads, &runtime->hands, err);
    code = code ? code : lk__precision_find(options->precision, &runtime->precision, err);
    code = code ? code : choose_place(runtime, options, err);
    code = code ? code : choose_device_cache(runtime, options, err);
    code = code ? code : lk__ort_load(options->library, &runtime->api, &runtime->version, err);
    if (!code)
        code = lk__ort_environment(runtime->api, runtime->threads, &runtime->env, err);
    if (!code)
        code = lk__ort_check(
            runtime->api,
            runtime->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &runtime->cpu),
            LK_E_FAILED, err, "ONNX Runtime does not start");
    if (code) {
        lk_runtime_free(runtime);
        return code;
    }
    lk__devices_find(runtime->api, &runtime->devices);
    *out = runtime;
    return 0;
}

static void session_free(lk_session *session)
{
    if (!session)
        return;
    if (session->ort)
        session->runtime->api->ReleaseSession(session->ort);
    lk__operators_free(session->operators);
    lk__ports_free(session->inputs, session->input_count);
    lk__ports_free(session->outputs, session->output_count);
    free(session->key);
    free(session->name);
    free(session);
#ifdef __GLIBC__
    malloc_trim(0); /* a quarter of a network's weights stays in the C library's heap otherwise */
#endif
}

void lk_runtime_free(lk_runtime *runtime)
{
    if (!runtime)
        return;
    while (runtime->sessions) {
        lk_session *session = runtime->sessions;
        runtime->sessions = session->next;
        session_free(session);
    }
    if (runtime->cpu)
        runtime->api->ReleaseMemoryInfo(runtime->cpu);
    if (runtime->env)
        runtime->api->ReleaseEnv(runtime->env);
    pthread_mutex_destroy(&runtime->lock);
    lk_hands_free(runtime->hands);
    free((char *)runtime->place.folder);
    free(runtime->device_cache);
    free(runtime);
}

const char *lk_runtime_version(const lk_runtime *runtime)
{
    return runtime->version;
}

const char *lk_runtime_kernels(const lk_runtime *runtime)
{
    return runtime->kernels ? runtime->kernels->name : NULL;
}

const char *const *lk_runtime_devices(const lk_runtime *runtime)
{
    return runtime->devices.list;
}

size_t lk_runtime_absent(const lk_runtime *runtime, const struct lk_absent **out)
{
    *out = runtime->devices.absent;
    return runtime->devices.absent_count;
}

lk_hands *lk_runtime_hands(const lk_runtime *runtime)
{
    return runtime->hands;
}

size_t lk_runtime_budget(const lk_runtime *runtime)
{
    return runtime->memory;
}

int lk_runtime_threads(const lk_runtime *runtime)
{
    return runtime->threads;
}

/* Takes a session out of the list; with the lock held. */
static void unlink_session(lk_runtime *runtime, lk_session *session)
{
    lk_session **at = &runtime->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    runtime->used -= session->cost;
}

/* The session of that key on that device with one user more, or NULL. */
static lk_session *find(lk_runtime *runtime, const char *key, const char *device)
{
    if (!key)
        return NULL;
    pthread_mutex_lock(&runtime->lock);
    lk_session *session = runtime->sessions;
    while (session && !(session->key && session->device == device && !strcmp(session->key, key)))
        session = session->next;
    if (session)
        session->users++;
    pthread_mutex_unlock(&runtime->lock);
    return session;
}

bool lk_runtime_make_room(lk_runtime *runtime, size_t more)
{
    for (;;) {
        lk_session *oldest = NULL;
        pthread_mutex_lock(&runtime->lock);
        const size_t free_bytes =
            runtime->used < runtime->memory ? runtime->memory - runtime->used : 0;
        for (lk_session *s = runtime->sessions; s && more > free_bytes; s = s->next) {
            if (!s->users && (!oldest || s->last_used < oldest->last_used))
                oldest = s;
        }
        if (oldest)
            unlink_session(runtime, oldest);
        pthread_mutex_unlock(&runtime->lock);
        if (!oldest)
            return more <= free_bytes;
        session_free(oldest);
    }
}

bool lk_session_reserve(lk_session *session, size_t work)
{
    lk_runtime *runtime = session->runtime;
    if (work > session->work && !lk_runtime_make_room(runtime, work - session->work))
        return false;
    pthread_mutex_lock(&runtime->lock);
    if (work > session->work) {
        runtime->used += work - session->work;
        session->cost += work - session->work;
        session->work = work;
    }
    pthread_mutex_unlock(&runtime->lock);
    return true;
}

static OrtStatus *set_options(const OrtApi *api, OrtSessionOptions *options)
{
    /* The pattern planner takes one more block for all activations of each new size, and sizes are
     * free here. */
    OrtStatus *status = api->DisablePerSessionThreads(options);
    if (!status)
        status = api->DisableMemPattern(options);
    if (!status)
        status = api->SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_FATAL);
    return status;
}

/* The engine's session on the device. */
static int create_engine(struct lk__recipe *recipe, lk_session *session, struct lk_error *err)
{
    const lk_runtime *runtime = session->runtime;
    const OrtApi *api = runtime->api;
    const struct lk__device_use use = {
        .captures = session->captures,
        .exact = !runtime->precision.halves,
        .halves = recipe->graph && !recipe->graph->wide && runtime->precision.halves,
        .cache = runtime->device_cache,
    };
    OrtSessionOptions *options = NULL;
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (!status)
        status = set_options(api, options);
    int code = lk__ort_check(api, status, LK_E_FAILED, err, "model '%s'", recipe->name);
    if (!code)
        code = lk__device_apply(api, session->device, &use, options, err);
    if (!code)
        code = recipe->create(recipe, options, session, err);
    if (options)
        api->ReleaseSessionOptions(options);
    return code;
}

static int create(lk_runtime *runtime,
                  struct lk__recipe *recipe,
                  const char *device,
                  lk_session **out,
                  struct lk_error *err)
{
    lk_session *session = calloc(1, sizeof *session);
    if (!session || !(session->name = strdup(recipe->name)) ||
        (recipe->key && !(session->key = strdup(recipe->key)))) {
        session_free(session);
        return lk_fail_memory(err, "a session", sizeof *session);
    }
    session->runtime = runtime;
    session->device = device;
    session->users = 1;
    session->captures = recipe->repeats && runtime->captures && lk__device_captures(device);
    int code = create_engine(recipe, session, err);
    if (code && session->captures) { /* the engine captures only what the GPU does all alone */
        session->captures = false;
        code = create_engine(recipe, session, err);
    }
    if (code && recipe->convolves) { /* a file that stands no change */
        recipe->convolves = false;
        lk__operators_free(session->operators);
        session->operators = NULL;
        code = create_engine(recipe, session, err);
    }
    session->cost = recipe->cost;
    if (!code)
        code = lk__ports_read(session, err);
    if (code) {
        session_free(session);
        return code;
    }
    *out = session;
    return 0;
}

int lk__pool_open(lk_runtime *runtime,
                  struct lk__recipe *recipe,
                  const char *device,
                  lk_session **out,
                  struct lk_error *err)
{
    int code = lk__device_choose(&runtime->devices, device, &device, err);
    if (code)
        return code;
    lk_session *session = find(runtime, recipe->key, device);
    if (session) {
        *out = session;
        return 0;
    }
    if (recipe->cost > runtime->memory)
        return lk_fail(err, LK_E_FAILED,
                       "model '%s' needs %zu MB, more than the budget of %zu MB: raise --memory",
                       recipe->name, recipe->cost >> 20, runtime->memory >> 20);
    const int held = lk_hands_hold(runtime->hands, LK_HANDS_ALL);
    session = find(runtime, recipe->key, device);
    if (!session) {
        lk_runtime_make_room(runtime, recipe->cost);
        code = create(runtime, recipe, device, &session, err);
        if (!code) {
            pthread_mutex_lock(&runtime->lock);
            session->next = runtime->sessions;
            runtime->sessions = session;
            runtime->used += session->cost;
            pthread_mutex_unlock(&runtime->lock);
        }
    }
    lk_hands_hold(runtime->hands, held);
    if (!code)
        *out = session;
    return code;
}

void lk_session_release(lk_session *session)
{
    if (!session)
        return;
    lk_runtime *runtime = session->runtime;
    pthread_mutex_lock(&runtime->lock);
    session->last_used = ++runtime->clock;
    bool gone = --session->users == 0 && !session->key;
    if (gone)
        unlink_session(runtime, session);
    pthread_mutex_unlock(&runtime->lock);
    if (gone)
        session_free(session);
}
