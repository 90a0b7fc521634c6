// SPDX-License-Identifier: Apache-2.0
/* Weights as the products read them (layout.h), packed a vector of columns at a time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/size.h"
#include "kernels/layout.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define MAX_GROUP 4

size_t lk_panels_bytes(const struct lk_kernels *kernels,
                       enum lk_numbers numbers,
                       size_t n,
                       size_t channels,
                       int kernel)
{
    const size_t taps = (size_t)kernel * (size_t)kernel;
    size_t count, bytes;
    /* An f32 and the three numbers of a block are more than any number and its share of them. */
    if (!lk_size_mul(lk__rounded_up(n, kernels->lanes), channels, &count) ||
        !lk_size_mul(count, taps, &count) || !lk_size_mul(count, 4 * sizeof(float), &bytes))
        return SIZE_MAX;
    return taps *
           lk__tap_bytes(numbers, kernels->int8.group, channels, lk__rounded_up(n, kernels->lanes));
}

/* A vector of columns while it is packed. */
struct columns {
    const struct lk_kernels *kernels;
    size_t channels, taps;
    const float *rows; /* [lanes][channels·taps], in torch's order */
    char *panel;
    size_t width, first; /* columns of the panel; of them, where the vector begins */
};

static float weight(const struct columns *c, size_t lane, size_t tap, size_t channel)
{
    return c->rows[(lane * c->channels + channel) * c->taps + tap];
}

/* Channels k … of one tap as f32, to where the block begins. */
static void pack_f32(const struct columns *c, size_t tap, size_t k, size_t count, char *block)
{
    const size_t lanes = c->kernels->lanes;
    float *to = (float *)block + c->first;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < lanes; n++)
            to[i * c->width + n] = weight(c, n, tap, k + i);
    }
}

static void pack_bf16(const struct columns *c, size_t tap, size_t k, size_t count, char *block)
{
    const size_t lanes = c->kernels->lanes;
    uint16_t *to = (uint16_t *)block + 2 * c->first;
    for (size_t i = 0; i < lk__rounded_up(count, 2); i++) {
        for (size_t n = 0; n < lanes; n++)
            to[2 * (i / 2 * c->width + n) + i % 2] =
                i < count ? lk__bf16_of(weight(c, n, tap, k + i)) : 0;
    }
}

/* One column of a block as whole numbers, with its scale; returns their sum. Without their signs
 * numbers are ordered as their bits are, those that are none last: they leave no scale that is one.
 */
static int32_t round_column(const float *x, size_t count, int8_t *out, float *scale)
{
    const float shift = 12582912; /* 1.5·2²³: adding it rounds to an integer, in the lowest bits */
    uint32_t most = 0, bits;
    for (size_t i = 0; i < count; i++) {
        memcpy(&bits, &x[i], sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    memcpy(scale, &most, sizeof most);
    *scale /= 127;
    const float factor = *scale > LK_INT8_LEAST ? 1 / *scale : 0;
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float rounded = x[i] * factor + shift;
        memcpy(&bits, &rounded, sizeof bits);
        out[i] = (int8_t)(bits & 0xff);
        sum += out[i];
    }
    return sum;
}

static void pack_int8(const struct columns *c, size_t tap, size_t k, size_t count, char *block)
{
    const size_t group = c->kernels->int8.group, groups = lk__rounded_up(count, group) / group;
    char *behind = block + groups * group * c->width;
    float numbers[LK_INT8_BLOCK], scale;
    int8_t rounded[LK_INT8_BLOCK + MAX_GROUP] = {0};
    for (size_t n = 0; n < c->kernels->lanes; n++) {
        const size_t column = c->first + n;
        for (size_t i = 0; i < count; i++)
            numbers[i] = weight(c, n, tap, k + i);
        const int32_t sum =
            round_column(numbers, count, rounded, &scale) * -c->kernels->int8.origin;
        for (size_t i = 0; i < groups; i++)
            memcpy(block + (i * c->width + column) * group, rounded + i * group, group);
        memcpy(behind + column * sizeof sum, &sum, sizeof sum);
        memcpy(behind + (c->width + column) * sizeof sum, &scale, sizeof scale);
    }
}

static void pack_columns(const struct columns *c, enum lk_numbers numbers)
{
    static void (*const packs[LK_NUMBERS_COUNT])(const struct columns *, size_t, size_t, size_t,
                                                 char *) = {
        [LK_NUMBERS_F32] = pack_f32,
        [LK_NUMBERS_BF16] = pack_bf16,
        [LK_NUMBERS_INT8] = pack_int8,
    };
    const size_t step = lk__block_channels(numbers, c->channels);
    char *block = c->panel;
    for (size_t tap = 0; tap < c->taps; tap++) {
        for (size_t k = 0; k < c->channels; k += step) {
            const size_t count = c->channels - k < step ? c->channels - k : step;
            packs[numbers](c, tap, k, count, block);
            block += lk__block_bytes(numbers, c->kernels->int8.group, count, c->width);
        }
    }
}

/* Large blocks lie on huge pages where the system has them. */
static void *allocate(size_t bytes)
{
    const size_t step = bytes >= HUGE_PAGE ? HUGE_PAGE : 64;
    if (bytes > SIZE_MAX - step)
        return NULL;
    void *data = aligned_alloc(step, lk__rounded_up(bytes, step));
#ifdef MADV_HUGEPAGE
    if (data && step == HUGE_PAGE)
        madvise(data, bytes, MADV_HUGEPAGE);
#endif
    return data;
}

int lk_panels_pack(const struct lk_kernels *kernels,
                   enum lk_numbers numbers,
                   size_t n,
                   size_t channels,
                   int kernel,
                   lk_row_of *row_of,
                   void *user,
                   struct lk_panels *out)
{
    const size_t taps = (size_t)kernel * (size_t)kernel, row = channels * taps;
    const size_t lanes = kernels->lanes, most = LK_PANEL_VECTORS * lanes;
    const size_t bytes = lk_panels_bytes(kernels, numbers, n, channels, kernel);
    struct lk_panels panels = {.n = n, .k = row, .numbers = numbers};
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
        const size_t p = first / most, left = lk__rounded_up(n - p * most, lanes);
        const struct columns columns = {
            .kernels = kernels,
            .channels = channels,
            .taps = taps,
            .rows = rows,
            .panel = (char *)panels.data +
                     p * taps * lk__tap_bytes(numbers, kernels->int8.group, channels, most),
            .width = left < most ? left : most,
            .first = first % most,
        };
        if (!code)
            pack_columns(&columns, numbers);
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
