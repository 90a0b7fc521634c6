// SPDX-License-Identifier: Apache-2.0
/* The driver is loaded where there is one (CUDA Driver API, CUresult 0 is success). Copies go
 * through the primary context of the GPU, which is the one that ONNX Runtime works in. */
#include "runtime/cuda.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/size.h"

#define LIBRARY "libcuda.so.1"
#define MAX_GPUS 16

static struct {
    int (*init)(unsigned flags);
    int (*get_count)(int *count);
    int (*get)(int *device, int gpu);
    int (*retain)(void **context, int device);
    int (*set_current)(void *context);
    int (*copy)(uintptr_t to, uintptr_t from, size_t bytes); /* finds out which is where */
    int (*synchronize)(void);
} driver;

static const struct {
    const char *name;
    void **function;
} symbols[] = {
    {"cuInit", (void **)&driver.init},
    {"cuDeviceGetCount", (void **)&driver.get_count},
    {"cuDeviceGet", (void **)&driver.get},
    {"cuDevicePrimaryCtxRetain", (void **)&driver.retain},
    {"cuCtxSetCurrent", (void **)&driver.set_current},
    {"cuMemcpy", (void **)&driver.copy},
    {"cuCtxSynchronize", (void **)&driver.synchronize},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *reason; /* why there is no GPU; NULL: there is one */
static int gpus;
static void *contexts[MAX_GPUS]; /* kept for the life of the process */

static const char *load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return "there is no NVIDIA driver (" LIBRARY ")";
    for (size_t i = 0; i < LK_ARRAY_LENGTH(symbols); i++) {
        *symbols[i].function = dlsym(library, symbols[i].name);
        if (!*symbols[i].function)
            return "the NVIDIA driver is too old";
    }
    if (driver.init(0) || driver.get_count(&gpus) || gpus < 1)
        return "the NVIDIA driver finds no GPU";
    return NULL;
}

static void begin(void)
{
    reason = load();
    gpus = reason ? 0 : gpus < MAX_GPUS ? gpus : MAX_GPUS;
    for (int i = 0; i < gpus; i++) {
        int device;
        if (driver.get(&device, i) || driver.retain(&contexts[i], device))
            contexts[i] = NULL;
    }
}

int lk__cuda_count(const char **why)
{
    pthread_once(&once, begin);
    *why = reason;
    return gpus;
}

int lk__cuda_copy(int gpu, void *to, const void *from, size_t bytes)
{
    pthread_once(&once, begin);
    const bool ready = gpu >= 0 && gpu < gpus && contexts[gpu];
    return ready && !driver.set_current(contexts[gpu]) &&
                   !driver.copy((uintptr_t)to, (uintptr_t)from, bytes) && !driver.synchronize()
               ? 0
               : -1;
}
