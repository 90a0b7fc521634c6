// SPDX-License-Identifier: Apache-2.0
/* Which tables this processor runs, and what all of them share. */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>

#include <cpuid.h>
#endif

#include "base/size.h"
#include "kernels/tables.h"

#if defined(__x86_64__)
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
}

static bool has_avx512vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

static bool has_avx512bf16(void)
{
    return has_avx512vnni() && __builtin_cpu_supports("avx512bf16");
}

/* Beside the instructions it takes the system's leave to use tiles, which make the state of every
 * thread 8 KB larger; Linux gives it to the process for the asking (arch_prctl(2)), unless it is
 * too old, a virtual machine hides them, or a signal stack would be too small. Asking again is
 * harmless. */
static bool has_amx(void)
{
    const unsigned bf16 = 1u << 22, tile = 1u << 24, int8 = 1u << 25;
    unsigned a, b, c, d = 0;
    if (!has_avx512bf16() || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return false;
#if defined(__linux__)
    const long request = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILE_DATA */
    return d & bf16 && d & tile && d & int8 && !syscall(SYS_arch_prctl, request, tile_data);
#else
    return false;
#endif
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/* The compilers' own names for these came late. */
static bool has_avx2vnni(void)
{
    unsigned a = 0, b, c, d;
    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1u << 4;
}
#endif

static bool always(void)
{
    return true;
}

/* Best first. */
static const struct {
    const struct lk_kernels *table;
    bool (*works)(void);
} tables[] = {
#if defined(__x86_64__)
    {&lk__kernels_amx, has_amx},
    {&lk__kernels_avx512bf16, has_avx512bf16},
    {&lk__kernels_avx512vnni, has_avx512vnni},
    {&lk__kernels_avx512, has_avx512},
    {&lk__kernels_avx2vnni, has_avx2vnni},
    {&lk__kernels_avx2, has_avx2},
#endif
    {&lk__kernels_vector4, always},
    {&lk__kernels_reference, always},
};

size_t lk_kernels_all(const struct lk_kernels *out[LK_KERNELS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(tables); i++) {
        if (tables[i].works())
            out[n++] = tables[i].table;
    }
    return n;
}

const struct lk_kernels *lk_kernels_best(void)
{
    const struct lk_kernels *working[LK_KERNELS_MAX];
    lk_kernels_all(working);
    return working[0];
}

static const char *const numbers_names[LK_NUMBERS_COUNT] = {"f32", "bf16", "int8"};

const char *lk_numbers_name(enum lk_numbers numbers)
{
    return numbers_names[numbers];
}

struct lk_convolution lk_linear(const float *x, size_t rows, const struct lk_panels *w, float *y)
{
    return (struct lk_convolution){
        .x = x,
        .images = 1,
        .height = 1,
        .width = rows,
        .channels = w->k,
        .kernel = 1,
        .stride = 1,
        .seen_height = 1,
        .seen_width = rows,
        .out_height = 1,
        .out_width = rows,
        .w = w,
        .y = y,
    };
}

static void run_alone(void *user, size_t n, void (*task)(void *what, size_t i), void *what)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        task(what, i);
}

void lk_workers_alone(struct lk_workers *out)
{
    *out = (struct lk_workers){.run = run_alone, .threads = 1};
}
