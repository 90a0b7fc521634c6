// SPDX-License-Identifier: Apache-2.0
/* Devices: one row per kind. A row says how many of its kind there are and how a session is put on
 * one; everything else (names, "auto", messages) is the same for all. The order of the rows is the
 * order in which "auto" prefers them. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "runtime/cuda.h"
#include "runtime/internal.h"

/* ---- NVIDIA ---- */

#define MAX_OPTIONS 12
#define TENSORRT_CACHE_BYTES ((size_t)8 << 30)

/* Provider options as ONNX Runtime takes them. */
struct options {
    const char *keys[MAX_OPTIONS], *values[MAX_OPTIONS];
    size_t count;
};

static void set(struct options *o, const char *key, const char *value)
{
    o->keys[o->count] = key;
    o->values[o->count++] = value;
}

static OrtStatus *apply_cuda(const OrtApi *api,
                             int index,
                             const struct lk__device_use *use,
                             OrtSessionOptions *options)
{
    char number[12];
    snprintf(number, sizeof number, "%d", index);
    struct options o = {0};
    set(&o, "device_id", number);
    set(&o, "arena_extend_strategy", "kSameAsRequested");
    set(&o, "use_tf32", use->exact ? "0" : "1");
    if (use->captures)
        set(&o, "enable_cuda_graph", "1");
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    OrtStatus *status = api->CreateCUDAProviderOptions(&cuda);
    if (!status)
        status = api->UpdateCUDAProviderOptions(cuda, o.keys, o.values, o.count);
    if (!status)
        status = api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda);
    if (cuda)
        api->ReleaseCUDAProviderOptions(cuda);
    return status;
}

/* Engines and timings of TensorRT. */
static bool is_regular(int fd, const char *name, struct stat *st)
{
    return !fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st->st_mode);
}

/* What TensorRT cannot do goes to CUDA, what that cannot do to the CPU. Building an engine takes
 * minutes, so they are kept where there is a folder for it. */
static OrtStatus *apply_tensorrt(const OrtApi *api,
                                 int index,
                                 const struct lk__device_use *use,
                                 OrtSessionOptions *options)
{
    char number[12];
    snprintf(number, sizeof number, "%d", index);
    struct options o = {0};
    set(&o, "device_id", number);
    set(&o, "trt_fp16_enable", use->halves ? "1" : "0");
    if (use->cache && !lk_folder_make(use->cache)) {
        lk_folder_shrink(use->cache, TENSORRT_CACHE_BYTES, is_regular);
        set(&o, "trt_engine_cache_enable", "1");
        set(&o, "trt_engine_cache_path", use->cache);
        set(&o, "trt_timing_cache_enable", "1");
        set(&o, "trt_timing_cache_path", use->cache);
    }
    OrtTensorRTProviderOptionsV2 *trt = NULL;
    OrtStatus *status = api->CreateTensorRTProviderOptions(&trt);
    if (!status)
        status = api->UpdateTensorRTProviderOptions(trt, o.keys, o.values, o.count);
    if (!status)
        status = api->SessionOptionsAppendExecutionProvider_TensorRT_V2(options, trt);
    if (trt)
        api->ReleaseTensorRTProviderOptions(trt);
    return status ? status : apply_cuda(api, index, use, options);
}

static int count_cpu(const char **why)
{
    (void)why;
    return 1;
}

static int copy_cpu(int index, void *to, const void *from, size_t bytes)
{
    (void)index;
    memcpy(to, from, bytes);
    return 0;
}

/* TensorRT comes last, so that "auto" never takes it. */
static const struct kind {
    const char *name;
    const char *provider;       /* as GetAvailableProviders calls it */
    const char *library;        /* of the provider, beside the engine's; NULL: none */
    bool numbered;              /* "cuda:0"; else the name alone */
    enum lk__lowering lowering; /* of networks of graphs */
    bool captures;              /* runs as CUDA graphs */
    const char *memory;         /* as CreateMemoryInfo calls it */
    int (*count)(const char **why);
    OrtStatus *(*apply)(const OrtApi *api,
                        int index,
                        const struct lk__device_use *use,
                        OrtSessionOptions *options); /* or NULL */
    int (*copy)(int index, void *to, const void *from, size_t bytes);
} kinds[] = {
    {"cuda", "CUDAExecutionProvider", "libonnxruntime_providers_cuda.so", true, LK__FUSED, true,
     "Cuda", lk__cuda_count, apply_cuda, lk__cuda_copy},
    {"cpu", "CPUExecutionProvider", NULL, false, LK__LIKENESS, false, "Cpu", count_cpu, NULL,
     copy_cpu},
    {"tensorrt", "TensorrtExecutionProvider", "libonnxruntime_providers_tensorrt.so", true,
     LK__PLAIN, false, "Cuda", lk__cuda_count, apply_tensorrt, lk__cuda_copy},
};

static bool is_available(const char *provider, char **list, int n)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(list[i], provider))
            return true;
    }
    return false;
}

/* The provider's library loads only where the toolkit is that it needs, so an append that succeeds
 * is the test; what the loader lacks it says itself, the engine does not tell. */
static bool loads(const OrtApi *api, const struct kind *kind, char *why, size_t size)
{
    OrtSessionOptions *options = NULL;
    const struct lk__device_use use = {0};
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (!status && kind->apply)
        status = kind->apply(api, 0, &use, options);
    if (options)
        api->ReleaseSessionOptions(options);
    if (!status)
        return true;
    Dl_info engine;
    char path[4096];
    snprintf(why, size, "%s", api->GetErrorMessage(status));
    api->ReleaseStatus(status);
    if (kind->library && dladdr(*(void *const *)&api->CreateEnv, &engine) &&
        strrchr(engine.dli_fname, '/')) {
        const int folder = (int)(strrchr(engine.dli_fname, '/') - engine.dli_fname);
        snprintf(path, sizeof path, "%.*s/%s", folder, engine.dli_fname, kind->library);
        void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
        if (!library)
            snprintf(why, size, "%s; docs/runtime.md says what a GPU needs", dlerror());
        else
            dlclose(library);
    }
    return false;
}

/* How many devices of the kind work; of 0, why. */
static int count_of(
    const OrtApi *api, const struct kind *kind, bool available, char *why, size_t size)
{
    const char *reason = NULL;
    const int count = kind->count(&reason);
    if (count < 1)
        snprintf(why, size, "%s", reason);
    else if (!available)
        snprintf(why, size, "this ONNX Runtime is built without it: run tools/setup --gpu");
    else if (loads(api, kind, why, size))
        return count;
    return 0;
}

void lk__devices_find(const OrtApi *api, struct lk__devices *out)
{
    char **providers = NULL;
    int n = 0;
    memset(out, 0, sizeof *out);
    OrtStatus *status = api->GetAvailableProviders(&providers, &n);
    if (status) {
        api->ReleaseStatus(status);
        n = 0;
    }
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds); i++) {
        struct lk_absent *absent = &out->absent[out->absent_count];
        const int count = count_of(api, &kinds[i], is_available(kinds[i].provider, providers, n),
                                   absent->why, sizeof absent->why);
        if (count < 1) {
            absent->kind = kinds[i].name;
            out->absent_count++;
        }
        for (int j = 0; j < count && out->count < LK__MAX_DEVICES; j++) {
            char *name = out->storage[out->count];
            if (kinds[i].numbered)
                snprintf(name, sizeof out->storage[0], "%s:%d", kinds[i].name, j);
            else
                snprintf(name, sizeof out->storage[0], "%s", kinds[i].name);
            out->list[out->count++] = name;
        }
    }
    if (providers) {
        status = api->ReleaseAvailableProviders(providers, n);
        if (status)
            api->ReleaseStatus(status);
    }
}

/* The row that a device name such as "cuda" or "cuda:1" belongs to, or NULL. */
static const struct kind *kind_of(const char *device)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds); i++) {
        size_t n = strlen(kinds[i].name);
        if (!strncmp(device, kinds[i].name, n) && (!device[n] || device[n] == ':'))
            return &kinds[i];
    }
    return NULL;
}

static int index_of(const char *device)
{
    const char *colon = strchr(device, ':');
    return colon ? (int)strtol(colon + 1, NULL, 10) : 0;
}

static int does_not_work(const struct lk__devices *devices,
                         const char *device,
                         struct lk_error *err)
{
    const struct kind *kind = kind_of(device);
    const char *why = "";
    char list[256] = "";
    for (size_t i = 0, n = 0; i < devices->count && n < sizeof list - 24; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", devices->list[i]);
    for (size_t i = 0; kind && i < devices->absent_count; i++)
        why = devices->absent[i].kind == kind->name ? devices->absent[i].why : why;
    return lk_fail(err, kind ? LK_E_MISSING : LK_E_INPUT,
                   "device '%s' %s%s%s; this machine has %s (and 'auto')", device,
                   kind ? "does not work here" : "is unknown", *why ? ": " : "", why, list);
}

int lk__device_choose(const struct lk__devices *devices,
                      const char *device,
                      const char **out,
                      struct lk_error *err)
{
    if (!device || !strcmp(device, "auto")) {
        *out = devices->list[0];
        return 0;
    }
    size_t length = strlen(device);
    for (size_t i = 0; i < devices->count; i++) {
        const char *name = devices->list[i];
        if (!strncmp(name, device, length) && (!name[length] || name[length] == ':')) {
            *out = name; /* "cuda" takes the first of its kind */
            return 0;
        }
    }
    return does_not_work(devices, device, err);
}

enum lk__lowering lk__device_lowering(const char *device)
{
    return kind_of(device)->lowering;
}

bool lk__device_captures(const char *device)
{
    return kind_of(device)->captures;
}

int lk__device_apply(const OrtApi *api,
                     const char *device,
                     const struct lk__device_use *use,
                     OrtSessionOptions *options,
                     struct lk_error *err)
{
    const struct kind *kind = kind_of(device);
    OrtStatus *status = kind->apply ? kind->apply(api, index_of(device), use, options) : NULL;
    return lk__ort_check(api, status, LK_E_FAILED, err, "device '%s'", device);
}

int lk__device_memory(const OrtApi *api,
                      const char *device,
                      OrtMemoryInfo **out,
                      struct lk_error *err)
{
    OrtStatus *status = api->CreateMemoryInfo(kind_of(device)->memory, OrtDeviceAllocator,
                                              index_of(device), OrtMemTypeDefault, out);
    return lk__ort_check(api, status, LK_E_FAILED, err, "device '%s'", device);
}

int lk__device_copy(
    const char *device, void *to, const void *from, size_t bytes, struct lk_error *err)
{
    if (!kind_of(device)->copy(index_of(device), to, from, bytes))
        return 0;
    return lk_fail(err, LK_E_FAILED, "device '%s': %zu bytes cannot be copied", device, bytes);
}
