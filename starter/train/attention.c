// SPDX-License-Identifier: Apache-2.0
/* Attention with narrow heads, forwards and backwards, for training the tiny UNet on a CPU: torch's
 * products spend most of a step on storing scores. Here the queries (or, for the gradients of keys
 * and values, the keys) lie in the lanes of vectors, and no score leaves the registers.
 *
 * Tensors are float, contiguous, [heads][rows][D]; q is scaled already. level [heads][n] holds the
 * logarithm of Σ exp of the scores, within [heads][n] Σ o·go of each query.
 */
#include <math.h>
#include <string.h>

#include "attention_tiles.h"

#ifdef __AVX512F__
enum { LANES = 16 };
#else
enum { LANES = 8 }; /* wider than the registers, vectors fall to pieces: nine times slower */
#endif
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef int integers __attribute__((vector_size(4 * LANES)));
#define INLINE static inline __attribute__((always_inline)) /* so that D is a constant */

static inline lanes spread(float x)
{
    return x - (lanes){0};
}

static inline lanes choose(integers which, lanes a, lanes b)
{
    return (lanes)(((integers)a & which) | ((integers)b & ~which));
}

/* x is at most a little above 0; below -80 it is taken for -80. */
static inline lanes exp_of(lanes x)
{
    const lanes least = spread(-80.0f), shift = spread(12582912.0f); /* 1.5 · 2^23 rounds */
    x = choose(x < least, least, x);
    lanes rounded = x * 1.44269504f + shift;
    integers power = ((integers)rounded - (integers)shift) << 23;
    rounded -= shift;
    x = x - rounded * 0.693359375f + rounded * 2.12194440e-4f;
    lanes y = x * 1.9875691500e-4f + 1.3981999507e-3f;
    y = y * x + 8.3334519073e-3f;
    y = y * x + 4.1665795894e-2f;
    y = y * x + 1.6666665459e-1f;
    y = y * x + 5.0000001201e-1f;
    y = y * x * x + x + 1.0f;
    return (lanes)((integers)y + power);
}

/* Rows first … of [rows][D] as D vectors; rows that are not there are zeros. */
INLINE void gather(const float *from, int first, int rows, int D, lanes *to)
{
    for (int d = 0; d < D; d++)
        for (int i = 0; i < LANES; i++)
            to[d][i] = first + i < rows ? from[(first + i) * D + d] : 0.0f;
}

INLINE void scatter(const lanes *from, int first, int rows, int D, float *to)
{
    for (int i = 0; i < LANES && first + i < rows; i++)
        for (int d = 0; d < D; d++)
            to[(first + i) * D + d] = from[d][i];
}

INLINE lanes dot(const lanes *a, const float *b, int D)
{
    lanes s = a[0] * b[0];
    for (int d = 1; d < D; d++)
        s += a[d] * b[d];
    return s;
}

INLINE void add(lanes *to, lanes a, const float *b, int D)
{
    for (int d = 0; d < D; d++)
        to[d] += a * b[d];
}

INLINE void forward(
    int n, int m, int D, const float *q, const float *k, const float *v, float *o, float *level)
{
    for (int i = 0; i < n; i += LANES) {
        lanes a[D], y[D], total = {0}, most = spread(-INFINITY);
        gather(q, i, n, D, a);
        memset(y, 0, sizeof y);
        for (int j = 0; j < m; j++) {
            const lanes score = dot(a, k + j * D, D);
            most = choose(score > most, score, most);
        }
        for (int j = 0; j < m; j++) {
            const lanes p = exp_of(dot(a, k + j * D, D) - most);
            total += p;
            add(y, p, v + j * D, D);
        }
        for (int d = 0; d < D; d++)
            y[d] /= total;
        scatter(y, i, n, D, o);
        for (int l = 0; l < LANES; l++)
            most[l] += logf(total[l]);
        scatter(&most, i, n, 1, level);
    }
}

INLINE void backward(int n,
                     int m,
                     int D,
                     const float *q,
                     const float *k,
                     const float *v,
                     const float *level,
                     const float *within,
                     const float *go,
                     float *gq,
                     float *gk,
                     float *gv)
{
    for (int i = 0; i < n; i += LANES) {
        lanes a[D], g[D], to[D], own, less;
        gather(q, i, n, D, a);
        gather(go, i, n, D, g);
        gather(level, i, n, 1, &own);
        gather(within, i, n, 1, &less);
        memset(to, 0, sizeof to);
        for (int j = 0; j < m; j++) {
            const lanes p = exp_of(dot(a, k + j * D, D) - own);
            add(to, p * (dot(g, v + j * D, D) - less), k + j * D, D);
        }
        scatter(to, i, n, D, gq);
    }
    for (int j = 0; j < m; j += LANES) {
        lanes a[D], b[D], to_k[D], to_v[D];
        gather(k, j, m, D, a);
        gather(v, j, m, D, b);
        memset(to_k, 0, sizeof to_k);
        memset(to_v, 0, sizeof to_v);
        for (int i = 0; i < n; i++) {
            const lanes p = exp_of(dot(a, q + i * D, D) - level[i]);
            add(to_v, p, go + i * D, D);
            add(to_k, p * (dot(b, go + i * D, D) - within[i]), q + i * D, D);
        }
        scatter(to_k, j, m, D, gk);
        scatter(to_v, j, m, D, gv);
    }
}

/* width: 8 or 16 floats a row. */
void attend(long heads,
            int n,
            int m,
            int width,
            const float *q,
            const float *k,
            const float *v,
            float *o,
            float *level)
{
    const int tiles = tiles_begin(n, m, width);
    for (long h = 0; h < heads; h++) {
        if (tiles)
            tiles_forward(n, m, width, q, k, v, o, level);
        else if (width == 8)
            forward(n, m, 8, q, k, v, o, level);
        else
            forward(n, m, 16, q, k, v, o, level);
        q += n * width, o += n * width, level += n;
        k += m * width, v += m * width;
    }
    if (tiles)
        tiles_end();
}

void attend_back(long heads,
                 int n,
                 int m,
                 int width,
                 const float *q,
                 const float *k,
                 const float *v,
                 const float *level,
                 const float *within,
                 const float *go,
                 float *gq,
                 float *gk,
                 float *gv)
{
    const int tiles = tiles_begin(n, m, width);
    for (long h = 0; h < heads; h++) {
        if (tiles)
            tiles_backward(n, m, width, q, k, v, level, within, go, gq, gk, gv);
        else if (width == 8)
            backward(n, m, 8, q, k, v, level, within, go, gq, gk, gv);
        else
            backward(n, m, 16, q, k, v, level, within, go, gq, gk, gv);
        q += n * width, go += n * width, gq += n * width, level += n, within += n;
        k += m * width, v += m * width, gk += m * width, gv += m * width;
    }
    if (tiles)
        tiles_end();
}
