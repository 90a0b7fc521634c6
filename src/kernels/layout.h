// SPDX-License-Identifier: Apache-2.0
/* How packed weights lie: panel after panel of up to 3 vectors of columns; in a panel tap after tap
 * of the filter; in a tap block after block of channels. A block is
 *
 *   f32    [channels][columns] f32
 *   bf16   [channels/2][columns][2] bf16
 *   int8   [channels/group][columns][group] s8, then [columns] s32: what the origin of the other
 *          factor adds to the sum, taken off; then [columns] f32: what a whole number stands for
 *
 * Columns are rounded up to a whole vector, channels to a whole group or pair, by zeros. Whoever
 * keeps packed weights must forget them when this changes: LK_PANELS_LAYOUT counts up then. */
#ifndef LK_KERNELS_LAYOUT_H
#define LK_KERNELS_LAYOUT_H

#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"

#define LK_PANEL_VECTORS 3
#define LK_INT8_LEAST 1e-30f /* scales below are those of zeros: their inverse would overflow */

/* The nearest bf16, ties to even. */
static inline uint16_t lk__bf16_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline size_t lk__rounded_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

/* Channels of a block that is followed by others. */
static inline size_t lk__block_channels(enum lk_numbers numbers, size_t channels)
{
    return numbers == LK_NUMBERS_INT8 ? LK_INT8_BLOCK : channels;
}

static inline size_t lk__block_bytes(enum lk_numbers numbers,
                                     size_t group,
                                     size_t channels,
                                     size_t columns)
{
    if (numbers == LK_NUMBERS_INT8)
        return (lk__rounded_up(channels, group) + sizeof(int32_t) + sizeof(float)) * columns;
    return columns * (numbers == LK_NUMBERS_BF16 ? lk__rounded_up(channels, 2) * sizeof(uint16_t)
                                                 : channels * sizeof(float));
}

/* Bytes of one tap of a panel: blocks that are whole, and one that is not. */
static inline size_t lk__tap_bytes(enum lk_numbers numbers,
                                   size_t group,
                                   size_t channels,
                                   size_t columns)
{
    const size_t whole = lk__block_channels(numbers, channels), rest = channels % whole;
    return channels / whole * lk__block_bytes(numbers, group, whole, columns) +
           (rest ? lk__block_bytes(numbers, group, rest, columns) : 0);
}

#endif
