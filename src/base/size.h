// SPDX-License-Identifier: Apache-2.0
/* Sizes that come from outside are multiplied and added only through these: they fail instead of
 * wrapping. */
#ifndef LK_BASE_SIZE_H
#define LK_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

#define LK_ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static inline bool lk_size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool lk_size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#endif
