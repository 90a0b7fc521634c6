// SPDX-License-Identifier: Apache-2.0
/* Which tables this processor runs, and what all of them share. */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <string.h>

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

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
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
    {&lk__kernels_avx512bf16, has_avx512bf16},
    {&lk__kernels_avx512vnni, has_avx512vnni},
    {&lk__kernels_avx512, has_avx512},
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
