// SPDX-License-Identifier: Apache-2.0
/* Devices: one row per kind. A row says how many of its kind there are and how a session is put on
 * one; everything else (names, "auto", messages) is the same for all. The order of the rows is the
 * order in which "auto" prefers them. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "runtime/internal.h"

/* The provider's own library loads only where the driver and the toolkit are, so an append that
 * succeeds is the test; the driver tells how many devices there are. */
static OrtStatus *apply_cuda(const OrtApi *api, int index, OrtSessionOptions *options)
{
    static const char *const keys[] = {"device_id", "arena_extend_strategy"};
    char number[12];
    snprintf(number, sizeof number, "%d", index);
    const char *values[] = {number, "kSameAsRequested"};
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    OrtStatus *status = api->CreateCUDAProviderOptions(&cuda);
    if (!status)
        status = api->UpdateCUDAProviderOptions(cuda, keys, values, LK_ARRAY_LENGTH(keys));
    if (!status)
        status = api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda);
    if (cuda)
        api->ReleaseCUDAProviderOptions(cuda);
    return status;
}

static int count_cuda(const OrtApi *api)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!driver)
        return 0;
    int (*init)(unsigned), (*get_count)(int *);
    *(void **)&init = dlsym(driver, "cuInit");
    *(void **)&get_count = dlsym(driver, "cuDeviceGetCount");
    int count = 0;
    if (!init || !get_count || init(0) || get_count(&count) || count < 1)
        return 0;
    OrtSessionOptions *options = NULL;
    OrtStatus *status = api->CreateSessionOptions(&options);
    if (!status)
        status = apply_cuda(api, 0, options);
    if (status) {
        api->ReleaseStatus(status);
        count = 0;
    }
    if (options)
        api->ReleaseSessionOptions(options);
    return count;
}

static int count_cpu(const OrtApi *api)
{
    (void)api;
    return 1;
}

static const struct {
    const char *name;
    const char *provider; /* as GetAvailableProviders calls it */
    bool numbered;        /* "cuda:0"; else the name alone */
    int (*count)(const OrtApi *api);
    OrtStatus *(*apply)(const OrtApi *api, int index, OrtSessionOptions *options); /* or NULL */
} kinds[] = {
    {"cuda", "CUDAExecutionProvider", true, count_cuda, apply_cuda},
    {"cpu", "CPUExecutionProvider", false, count_cpu, NULL},
};

static bool is_available(const char *provider, char **list, int n)
{
    for (int i = 0; i < n; i++) {
        if (!strcmp(list[i], provider))
            return true;
    }
    return false;
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
        int count = is_available(kinds[i].provider, providers, n) ? kinds[i].count(api) : 0;
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

/* The row that a device name such as "cuda" or "cuda:1" belongs to, or −1. */
static int kind_of(const char *device)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(kinds); i++) {
        size_t n = strlen(kinds[i].name);
        if (!strncmp(device, kinds[i].name, n) && (!device[n] || device[n] == ':'))
            return (int)i;
    }
    return -1;
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
    char list[256] = "";
    for (size_t i = 0, n = 0; i < devices->count && n < sizeof list - 24; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", devices->list[i]);
    return lk_fail(err, kind_of(device) < 0 ? LK_E_INPUT : LK_E_MISSING,
                   "device '%s' %s: this machine has %s (and 'auto')", device,
                   kind_of(device) < 0 ? "is unknown" : "does not work here", list);
}

int lk__device_apply(const OrtApi *api,
                     const char *device,
                     OrtSessionOptions *options,
                     struct lk_error *err)
{
    int kind = kind_of(device);
    if (kind < 0 || !kinds[kind].apply)
        return 0;
    const char *colon = strchr(device, ':');
    OrtStatus *status =
        kinds[kind].apply(api, colon ? (int)strtol(colon + 1, NULL, 10) : 0, options);
    return lk__ort_check(api, status, LK_E_FAILED, err, "device '%s'", device);
}
