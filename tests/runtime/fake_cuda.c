// SPDX-License-Identifier: Apache-2.0
/* An NVIDIA driver of two GPUs whose memory is the processor's; the second has no context. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int cuInit(unsigned flags);
EXPORTED int cuDeviceGetCount(int *count);
EXPORTED int cuDeviceGet(int *device, int gpu);
EXPORTED int cuDevicePrimaryCtxRetain(void **context, int device);
EXPORTED int cuCtxSetCurrent(void *context);
EXPORTED int cuMemcpy(uintptr_t to, uintptr_t from, size_t bytes);
EXPORTED int cuCtxSynchronize(void);

static int pending; /* copies that nobody has waited for */
static void *current;

int cuInit(unsigned flags)
{
    return flags != 0;
}

int cuDeviceGetCount(int *count)
{
    *count = 2;
    return 0;
}

int cuDeviceGet(int *device, int gpu)
{
    *device = 100 + gpu;
    return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = &pending;
    return device != 100;
}

int cuCtxSetCurrent(void *context)
{
    current = context;
    return context != &pending;
}

int cuMemcpy(uintptr_t to, uintptr_t from, size_t bytes)
{
    if (current != &pending || pending)
        return 1;
    pending = 1;
    memcpy((void *)to, (const void *)from, bytes);
    return 0;
}

int cuCtxSynchronize(void)
{
    pending = 0;
    return 0;
}
