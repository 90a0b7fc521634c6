// SPDX-License-Identifier: Apache-2.0
/* Vectors of f32 as the compilers' own vector types: one source for every instruction set. What an
 * instruction set changes is LK_LANES and LK_ROWS, given by the build (src/kernels/meson.build). */
#ifndef LK_KERNELS_ISA_VECTOR_H
#define LK_KERNELS_ISA_VECTOR_H

#ifndef LK_LANES
#define LK_LANES 4
#define LK_ROWS 4
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define VECTORS 3                  /* of a panel */
#define PANEL (VECTORS * LK_LANES) /* columns */
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

typedef float vf __attribute__((vector_size(LK_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(LK_LANES * 4)));
typedef uint32_t vu __attribute__((vector_size(LK_LANES * 4)));
typedef float vf_anywhere __attribute__((vector_size(LK_LANES * 4), aligned(4), may_alias));

INLINE vf load(const float *at)
{
    return *(const vf_anywhere *)at;
}

INLINE void store(float *at, vf x)
{
    *(vf_anywhere *)at = x;
}

/* The first n numbers, n ≤ LK_LANES. */
INLINE void store_first(float *at, vf x, size_t n)
{
    if (n >= LK_LANES)
        store(at, x);
    else
#if LK_LANES == 16
        _mm512_mask_storeu_ps(at, (__mmask16)((1u << n) - 1), (__m512)x);
#else
        memcpy(at, &x, n * sizeof *at);
#endif
}

INLINE vf load_first(const float *at, size_t n)
{
    if (n >= LK_LANES)
        return load(at);
#if LK_LANES == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), at);
#else
    vf x = {0};
    memcpy(&x, at, n * sizeof *at);
    return x;
#endif
}

INLINE vf all(float x)
{
#if LK_LANES == 16
    return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
#elif LK_LANES == 8
    return (vf){x, x, x, x, x, x, x, x};
#else
    return (vf){x, x, x, x};
#endif
}

/* b where either is NaN. */
INLINE vf larger(vf a, vf b)
{
#if LK_LANES == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif LK_LANES == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    const vi mask = a > b;
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}

/* x = n + f with |f| ≤ ½: turns x into f, and returns n in the lowest bits. */
INLINE vf split_whole(vf *x)
{
    const float shift = 12582912; /* 1.5·2²³: adding it rounds to an integer, in the lowest bits */
    *x = larger(all(-126), *x);
    const vf rounded = *x + shift;
    *x -= rounded - shift;
    return rounded;
}

/* 2^x for x < 127.5, below −126 as there; NaN stays. 2^f is the polynomial of degree 6 with the
 * smallest relative error, 1.9e-9. */
INLINE vf exp2_of(vf x)
{
    const vf n = split_whole(&x);
    vf p = all(1.53459170e-4f);
    p = p * x + 1.33999333e-3f;
    p = p * x + 9.61848858e-3f;
    p = p * x + 5.55032877e-2f;
    p = p * x + 2.40226469e-1f;
    p = p * x + 6.93147206e-1f;
    p = p * x + 1.0f;
    return (vf)((vi)p + ((vi)n << 23));
}

/* The same of degree 3: an error of 7.5e-5, a fiftieth of what is lost when it becomes bf16. */
INLINE vf exp2_short(vf x)
{
    const vf n = split_whole(&x);
    vf p = all(5.51716668e-2f);
    p = p * x + 2.42611135e-1f;
    p = p * x + 6.93260987e-1f;
    p = p * x + 9.99928073e-1f;
    return (vf)((vi)p + ((vi)n << 23));
}

/* x·σ(x) */
INLINE vf silu_of(vf x)
{
    const vf e = exp2_of(-larger(x * 1.44269504f, all(-126)));
    return x / (1.0f + e);
}

/* x·Φ(x) = max(x, 0) − |x|/2·erfc(z), z = |x|/√2; erfc(z) = e^(−z²)·P(t), t = 1/(1 + z/2), P of
 * degree 6 fitted for the smallest error of erfc, 8.6e-9. */
INLINE vf gelu_of(vf x)
{
    const vf size = larger(x, -x);
    const vf z = size * 0.70710678f;
    const vf t = 1.0f / (1.0f + 0.5f * z);
    vf p = all(0.102415138f);
    p = p * t - 0.621602186f;
    p = p * t + 1.25869979f;
    p = p * t - 0.592855972f;
    p = p * t + 0.649353699f;
    p = p * t + 0.19533811f;
    p = p * t + 0.00865140918f;
    return larger(x, all(0)) - 0.5f * size * p * exp2_of(z * z * -1.44269504f);
}

INLINE size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* a/b, rounded up */
INLINE size_t over(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

#endif
