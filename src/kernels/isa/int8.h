// SPDX-License-Identifier: Apache-2.0
/* Products in whole numbers (see enum lk_numbers): what flows in is rounded, then
 *
 *   sum [rows][panel]  (+)=  scale of the row · scale of the column · Σ a·b
 *
 * with the sum in 32-bit integers. With VNNI one instruction multiplies four numbers and adds them
 * up; it takes a as unsigned, so a has 128 added, and what that adds to the sum is taken off from
 * the beginning (layout.h). Others multiply two 16-bit numbers at a time: the 8-bit instruction
 * that older processors have (pmaddubsw) saturates. Both are exact, so all give the same integers.
 */
#ifndef LK_KERNELS_ISA_INT8_H
#define LK_KERNELS_ISA_INT8_H

#include "kernels/isa/vector.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"

#if (LK_LANES == 16 && defined(__AVX512VNNI__)) || (LK_LANES == 8 && defined(__AVXVNNI__))
#define GROUP 4
#define ORIGIN 128
typedef uint8_t whole; /* a rounded number that flows */
#else
#define GROUP 2
#define ORIGIN 0
typedef int16_t whole;
#endif

typedef int8_t vb __attribute__((vector_size(LK_LANES * GROUP)));
typedef whole vw __attribute__((vector_size(LK_LANES * GROUP * sizeof(whole))));
typedef whole vw_row __attribute__((vector_size(LK_LANES * sizeof(whole))));

/* A group of weights of each column. */
INLINE vw load_weights(const int8_t *at)
{
#if ORIGIN
    return (vw)load((const float *)(const void *)at);
#else
    vb bytes;
    memcpy(&bytes, at, sizeof bytes);
    return __builtin_convertvector(bytes, vw);
#endif
}

/* Of one row the group that meets them, in every lane. */
INLINE vw load_group(const whole *at)
{
    int32_t group;
    memcpy(&group, at, sizeof group);
    return (vw)((vi){0} + group);
}

/* sum + Σ a·b of each group */
INLINE vi add_products(vi sum, vw a, vw b)
{
#if ORIGIN && LK_LANES == 16
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif ORIGIN
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#elif LK_LANES == 16 && defined(__AVX512BW__)
    return sum + (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif LK_LANES == 8 && defined(__AVX2__)
    return sum + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return sum + (vi)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
    return sum + ((vi)a << 16 >> 16) * ((vi)b << 16 >> 16) + ((vi)a >> 16) * ((vi)b >> 16);
#endif
}

INLINE vi load_integers(const char *at)
{
    vi x;
    memcpy(&x, at, sizeof x);
    return x;
}

/* vectors is a constant at every place of call; b: a block of layout.h. */
INLINE void multiply_int8_vectors(const int vectors,
                                  size_t k,
                                  const void *const a[LK_ROWS],
                                  const float scale[LK_ROWS],
                                  const int8_t *b,
                                  float *sum,
                                  int add)
{
    const size_t vector = LK_LANES * sizeof(int32_t), steps = over(k, GROUP);
    const char *behind = (const char *)b + steps * GROUP * (size_t)vectors * LK_LANES;
    vi s[3][LK_ROWS];
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            s[v][i] = ORIGIN ? load_integers(behind + (size_t)v * vector) : (vi){0};
    }
    for (size_t j = 0; j < steps; j++) {
        vw w[3];
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++)
            w[v] = load_weights(b + v * LK_LANES * GROUP);
#pragma GCC unroll 8
        for (int i = 0; i < LK_ROWS; i++) {
            const vw x = load_group((const whole *)a[i] + j * GROUP);
#pragma GCC unroll 3
            for (int v = 0; v < vectors; v++)
                s[v][i] = add_products(s[v][i], x, w[v]);
        }
        b += vectors * LK_LANES * GROUP;
    }
    const float *columns = (const float *)(const void *)(behind + (size_t)vectors * vector);
#pragma GCC unroll 8
    for (int i = 0; i < LK_ROWS; i++) {
#pragma GCC unroll 3
        for (int v = 0; v < vectors; v++) {
            float *to = sum + i * PANEL + v * LK_LANES;
            const vf scales = load(columns + v * LK_LANES) * scale[i];
            const vf product = __builtin_convertvector(s[v][i], vf) * scales;
            store(to, add ? load(to) + product : product);
        }
    }
}

/* sum [LK_ROWS][PANEL]; a: rows of k rounded numbers, with their scales */
NOINLINE void multiply_int8(int vectors,
                            size_t k,
                            const void *const a[LK_ROWS],
                            const float scale[LK_ROWS],
                            const void *b,
                            float *sum,
                            int add)
{
    if (vectors == 3)
        multiply_int8_vectors(3, k, a, scale, b, sum, add);
    else if (vectors == 2)
        multiply_int8_vectors(2, k, a, scale, b, sum, add);
    else
        multiply_int8_vectors(1, k, a, scale, b, sum, add);
}

/* Numbers that a row of `channels` takes when it is rounded: up to a whole vector, because whole
 * vectors are written. */
INLINE size_t rounded_row(size_t channels)
{
    return over(channels, LK_LANES) * LK_LANES;
}

INLINE vi larger_integers(vi a, vi b)
{
#if LK_LANES == 16
    return (vi)_mm512_max_epi32((__m512i)a, (__m512i)b);
#elif LK_LANES == 8
    return (vi)_mm256_max_epi32((__m256i)a, (__m256i)b);
#else
    const vi mask = a > b;
    return (mask & a) | (~mask & b);
#endif
}

/* To the nearest, ties to even; |x| < 2²². */
INLINE vi nearest(vf x)
{
#if LK_LANES == 16
    return (vi)_mm512_cvtps_epi32((__m512)x);
#elif LK_LANES == 8
    return (vi)_mm256_cvtps_epi32((__m256)x);
#elif defined(__SSE2__)
    return (vi)_mm_cvtps_epi32((__m128)x);
#elif defined(__aarch64__)
    return (vi)vcvtnq_s32_f32((float32x4_t)x);
#else
    return (vi)(x + 12582912.0f) - 0x4b400000; /* see exp2_of */
#endif
}

/* The largest |x| of n numbers. Without their signs numbers are ordered as their bits are, with
 * infinity and then what is no number at the end: so neither is lost. */
INLINE float largest_of(const float *x, size_t n)
{
    vi most = {0};
    for (size_t c = 0; c < n; c += LK_LANES)
        most = larger_integers(most, (vi)load_first(x + c, least(LK_LANES, n - c)) & 0x7fffffff);
    int32_t bits = 0;
    for (int i = 0; i < LK_LANES; i++)
        bits = most[i] > bits ? most[i] : bits;
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    return largest;
}

/* Rounds channels of a row, block by block; scales [blocks]. */
NOINLINE void round_row(const float *x, size_t channels, whole *out, float *scales)
{
    for (size_t k = 0; k < channels; k += LK_INT8_BLOCK) {
        const size_t count = least(LK_INT8_BLOCK, channels - k);
        const float scale = largest_of(x + k, count) / 127;
        const float factor = scale > LK_INT8_LEAST ? 1 / scale : 0;
        for (size_t c = k; c < k + count; c += LK_LANES) {
            const vi n = nearest(load_first(x + c, least(LK_LANES, k + count - c)) * factor);
            const vw_row row = __builtin_convertvector(n + ORIGIN, vw_row);
            memcpy(out + c, &row, sizeof row);
        }
        *scales++ = scale;
    }
}

#endif
