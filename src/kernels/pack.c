// SPDX-License-Identifier: Apache-2.0
/* Weights as the products read them: panels of 3 vectors of columns, each [K][width], K counting
 * taps before channels. Columns beyond n, up to a whole vector, are zeros. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "kernels/kernels.h"

#define PANEL_VECTORS 3
#define HUGE_PAGE ((size_t)2 << 20)

static size_t rounded_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

size_t lk_panels_bytes(const struct lk_kernels *kernels, size_t n, size_t channels, int kernel)
{
    const size_t taps = (size_t)kernel * (size_t)kernel;
    size_t count, bytes;
    if (!lk_size_mul(rounded_up(n, kernels->lanes), channels, &count) ||
        !lk_size_mul(count, taps, &count) || !lk_size_mul(count, sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

/* rows [lanes][channels·taps] in torch's order become columns first … of a panel. */
static void interleave(const float *rows,
                       size_t lanes,
                       size_t first,
                       size_t channels,
                       size_t taps,
                       struct lk_panels *out)
{
    const size_t panel = PANEL_VECTORS * lanes, p = first / panel;
    const size_t left = rounded_up(out->n - p * panel, lanes), width = left < panel ? left : panel;
    float *to = out->data + p * panel * out->k + first % panel;
    for (size_t k = 0; k < channels; k++) {
        for (size_t tap = 0; tap < taps; tap++) {
            for (size_t n = 0; n < lanes; n++)
                to[(tap * channels + k) * width + n] = rows[n * out->k + k * taps + tap];
        }
    }
}

/* Large blocks lie on huge pages where the system has them. */
static float *allocate(size_t bytes)
{
    const size_t step = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    if (bytes > SIZE_MAX - step)
        return NULL;
    float *data = aligned_alloc(step, rounded_up(bytes, step));
#ifdef MADV_HUGEPAGE
    if (data && step == HUGE_PAGE)
        madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return data;
}

int lk_panels_pack(const struct lk_kernels *kernels,
                   size_t n,
                   size_t channels,
                   int kernel,
                   lk_row_of *row_of,
                   void *user,
                   struct lk_panels *out)
{
    const size_t taps = (size_t)kernel * (size_t)kernel, lanes = kernels->lanes;
    struct lk_panels panels = {.n = n, .k = channels * taps};
    const size_t row = channels * taps;
    const size_t bytes = lk_panels_bytes(kernels, n, channels, kernel);
    panels.data = bytes == SIZE_MAX ? NULL : allocate(bytes);
    float *rows = calloc(lanes * row, sizeof *rows);
    int code = panels.data && rows ? 0 : -1;
    for (size_t first = 0; !code && first < n; first += lanes) {
        for (size_t i = 0; !code && i < lanes; i++) {
            if (first + i < n)
                code = row_of(user, first + i, rows + i * row);
            else
                memset(rows + i * row, 0, row * sizeof *rows);
        }
        if (!code)
            interleave(rows, lanes, first, channels, taps, &panels);
    }
    free(rows);
    if (code)
        lk_panels_free(&panels);
    else
        *out = panels;
    return code;
}

void lk_panels_free(struct lk_panels *panels)
{
    if (!panels->lent)
        free(panels->data);
    panels->data = NULL;
}
