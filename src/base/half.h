// SPDX-License-Identifier: Apache-2.0
/* IEEE 754's binary16 as a float, without branches, so that loops over it are vectorised; and back.
 */
#ifndef LK_BASE_HALF_H
#define LK_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline float lk_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t lk_bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Exponent and mantissa move into place and the bias changes from 15 to 127. Subnormal halves are
 * built as 2^-14 + m and 2^-14 is subtracted: no subnormal float takes part, so that the result
 * does not depend on the processor's flush-to-zero mode. */
static inline float lk_float_of_half(uint16_t h)
{
    const uint32_t body = (uint32_t)(h & 0x7fff) << 13, exponent = h & 0x7c00;
    const uint32_t normal = body + (112u << 23);
    const uint32_t special = body | 0x7f800000u;
    const uint32_t subnormal =
        lk_bits_of_float(lk_float_of_bits(body + (113u << 23)) - lk_float_of_bits(113u << 23));
    const uint32_t bits = exponent == 0x7c00 ? special : exponent == 0 ? subnormal : normal;
    return lk_float_of_bits(bits | (uint32_t)(h & 0x8000) << 16);
}

/* out [count] of halves that lie at any address. */
static inline void lk_widen_halves(const void *halves, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t h;
        memcpy(&h, (const char *)halves + i * sizeof h, sizeof h);
        out[i] = lk_float_of_half(h);
    }
}

/* Round to nearest even; too large becomes infinity, NaN stays NaN. */
static inline uint16_t lk_half_of_float(float number)
{
    const uint32_t bits = lk_bits_of_float(number);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00;
    if (magnitude >= 0x477ff000) /* 65520 and above */
        return sign | 0x7c00;
    uint32_t mantissa, shift;
    if (magnitude < 0x38800000) { /* below 2^-14: subnormal in f16 */
        shift = 126 - (magnitude >> 23);
        if (shift > 24)
            return sign;
        mantissa = (magnitude & 0x7fffff) | 0x800000;
    } else {
        shift = 13;
        mantissa = magnitude - 0x38000000; /* the exponent's bias goes from 127 to 15 */
    }
    const uint32_t half = 1u << (shift - 1), rest = mantissa & ((1u << shift) - 1);
    uint32_t result = mantissa >> shift;
    result += rest > half || (rest == half && (result & 1));
    return sign | (uint16_t)result;
}

#endif
