// SPDX-License-Identifier: Apache-2.0
/* What attention.c does, on processors with AMX: one instruction multiplies 16 rows there, in
 * bfloat16, which q, k and v come from anyway. Scores stand as [keys][queries] with the queries in
 * the lanes, in blocks of 32 by 32, and rows that are missing at the end are zeros.
 */
#ifdef __AMX_BF16__
#include "attention_tiles.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <immintrin.h>

enum { LANES = 16, BLOCK = 32, MOST = 1024, WIDEST = 16 };
enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };

/* Rows [rows][D] in bfloat16, zeros after the last. */
static int plain(const float *from, int rows, int D, uint16_t *to)
{
    const int all = (rows + BLOCK - 1) / BLOCK * BLOCK;
    for (int i = 0; i < rows * D; i += LANES)
        _mm256_store_si256((__m256i *)(to + i),
                           (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(
                               rows * D - i < LANES ? 0xff : 0xffff, from + i)));
    memset(to + rows * D, 0, (size_t)(all - rows) * D * 2);
    return all;
}

/* The same turned, [D][rows]. */
static void turn(const uint16_t *from, int rows, int D, uint16_t *to)
{
    for (int d = 0; d < D; d++)
        for (int i = 0; i < rows; i++)
            to[d * rows + i] = from[i * D + d];
}

/* Of each 16 rows, pairs of columns one under the other, [D / 2][16][2]: the second factor of a
 * product over D. */
static void columns(const uint16_t *from, int rows, int D, uint16_t *to)
{
    for (int i = 0; i < rows; i += LANES, from += LANES * D, to += LANES * D)
        for (int d = 0; d < D; d += 2)
            for (int l = 0; l < LANES; l++)
                memcpy(to + (d / 2 * LANES + l) * 2, from + l * D + d, 4);
}

/* Pairs of rows, [rows / 2][D][2]: the second factor of a product over rows. */
static void pairs(const uint16_t *from, int rows, int D, uint16_t *to)
{
    for (int i = 0; i < rows; i += 2, from += 2 * D, to += 2 * D)
        for (int d = 0; d < D; d++) {
            to[2 * d] = from[d];
            to[2 * d + 1] = from[D + d];
        }
}

/* gcc does not know that tiles are loaded from memory: what was written comes before. */
static inline void settle(const void *written)
{
    __asm__ volatile("" : : "r"(written) : "memory");
}

#define WIDE 0
#define ROWS 1
#define COLUMNS 2
#define SUM 3
#define SUM2 4
#define TURNED 5
#define THIN 6
#define THIN2 7

/* Tiles, each of a shape: scores; rows as they are; pairs of columns; turned sums, two, and turned
 * rows; sums, and pairs of rows. */
static void shape(int D)
{
    struct {
        uint8_t palette, start, none[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } of = {1, 0, {0}, {64, 2 * D, 64, 64, 64, 64, 4 * D, 4 * D}, {16, 16, D / 2, D, D, D, 16, 16}};
    settle(&of);
    _tile_loadconfig(&of);
}

/* to [32 rows][16]: factor's rows (`plain`) times 16 of the other's (`columns`). */
static inline void scores(const uint16_t *plain,
                          const uint16_t *columns,
                          int D,
                          float to[BLOCK][LANES])
{
    settle(columns);
    _tile_loadd(COLUMNS, columns, 64);
    for (int r = 0; r < BLOCK; r += LANES) {
        _tile_zero(WIDE);
        _tile_loadd(ROWS, plain + r * D, 2 * D);
        _tile_dpbf16ps(WIDE, ROWS, COLUMNS);
        _tile_stored(WIDE, to[r], 64);
    }
}

/* 2^x for x down to -infinity; a thousandth of a bfloat16's last place is more than is needed. */
static inline __m512 power(__m512 x)
{
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT),
                 f = _mm512_sub_ps(x, whole);
    __m512 y = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0558263f), _mm512_set1_ps(0.2401397f));
    y = _mm512_fmadd_ps(f, y, _mm512_set1_ps(0.6931475f));
    y = _mm512_fmadd_ps(f, y, _mm512_set1_ps(0.9999255f));
    return _mm512_scalef_ps(y, whole);
}

/* Two rows, each number beside the one under it, rounded to bfloat16. */
static inline __m512i woven(__m512 above, __m512 below)
{
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(below, above);
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, both);
}

static void unturn(float from[WIDEST][LANES], int first, int rows, int D, float *to)
{
    for (int i = 0; i < LANES && first + i < rows; i++)
        for (int d = 0; d < D; d++)
            to[(first + i) * D + d] = from[d][i];
}

static const float LOG2E = 1.44269504f;

void tiles_forward(
    int n, int m, int D, const float *q, const float *k, const float *v, float *o, float *level)
{
    static _Thread_local _Alignas(64) float s[MOST][LANES];
    static _Thread_local _Alignas(64) uint16_t row[MOST * WIDEST], keys[MOST * WIDEST],
        values[MOST * WIDEST], asks[MOST * WIDEST];
    _Alignas(64) __m512i p[LANES];
    _Alignas(64) float sum[WIDEST][LANES];
    columns(row, plain(q, n, D, row), D, asks);
    const int all = plain(v, m, D, row);
    turn(row, all, D, values);
    plain(k, m, D, keys);
    for (int i = 0; i < n; i += LANES) {
        __m512 most = _mm512_set1_ps(-INFINITY), total = _mm512_setzero_ps();
        for (int j = 0; j < m; j += BLOCK)
            scores(keys + j * D, asks + i * D, D, s + j);
        for (int j = 0; j < m; j++)
            most = _mm512_max_ps(most, _mm512_load_ps(s[j]));
        most = _mm512_mul_ps(most, _mm512_set1_ps(LOG2E));
        for (int j = m; j < all; j++)
            _mm512_store_ps(s[j], _mm512_set1_ps(-INFINITY));
        _tile_zero(SUM);
        for (int j = 0; j < m; j += BLOCK) {
            for (int r = 0; r < LANES; r++) {
                const float(*two)[LANES] = s + j + 2 * r;
                const __m512 a =
                    power(_mm512_fmsub_ps(_mm512_load_ps(two[0]), _mm512_set1_ps(LOG2E), most));
                const __m512 b =
                    power(_mm512_fmsub_ps(_mm512_load_ps(two[1]), _mm512_set1_ps(LOG2E), most));
                total = _mm512_add_ps(total, _mm512_add_ps(a, b));
                _mm512_store_si512(p + r, woven(a, b));
            }
            settle(p);
            _tile_loadd(TURNED, values + j, all * 2);
            _tile_loadd(WIDE, p, 64);
            _tile_dpbf16ps(SUM, TURNED, WIDE);
        }
        _tile_stored(SUM, sum, 64);
        const __m512 share = _mm512_div_ps(_mm512_set1_ps(1), total);
        for (int d = 0; d < D; d++)
            _mm512_store_ps(sum[d], _mm512_mul_ps(_mm512_load_ps(sum[d]), share));
        unturn(sum, i, n, D, o);
        float all[LANES], top[LANES];
        _mm512_storeu_ps(all, total), _mm512_storeu_ps(top, most);
        for (int l = 0; l < LANES && i + l < n; l++)
            level[i + l] = top[l] / LOG2E + logf(all[l]);
    }
}

/* to [16][D] += wide [16][32] times pairs [32 rows][D]. */
static inline void add(float *to, const void *wide, const uint16_t *pairs, int D)
{
    settle(wide);
    _tile_loadd(THIN, to, 4 * D);
    _tile_loadd(WIDE, wide, 64);
    _tile_loadd(THIN2, pairs, 4 * D);
    _tile_dpbf16ps(THIN, WIDE, THIN2);
    _tile_stored(THIN, to, 4 * D);
}

void tiles_backward(int n,
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
    static _Thread_local _Alignas(64) float to_k[MOST * WIDEST], to_v[MOST * WIDEST];
    _Alignas(64) float s[BLOCK][LANES], g[BLOCK][LANES], sum[WIDEST][LANES];
    _Alignas(64) __m256i p[BLOCK][2], ds[BLOCK][2]; /* bfloat16 [keys][32 queries] */
    _Alignas(64) __m512i turned[2][LANES];
    static _Thread_local _Alignas(64) uint16_t row[MOST * WIDEST], keys[MOST * WIDEST],
        turned_keys[MOST * WIDEST], values[MOST * WIDEST], asks[MOST * WIDEST],
        asks2[MOST * WIDEST], gos[MOST * WIDEST], gos2[MOST * WIDEST];
    const int all = plain(k, m, D, keys), queries = plain(q, n, D, row);
    turn(keys, all, D, turned_keys);
    columns(row, queries, D, asks), pairs(row, queries, D, asks2);
    plain(go, n, D, row);
    columns(row, queries, D, gos), pairs(row, queries, D, gos2);
    plain(v, m, D, values);
    memset(to_k, 0, (size_t)all * D * 4), memset(to_v, 0, (size_t)all * D * 4);
    for (int i = 0; i < n; i += BLOCK) {
        __m512 own[2], less[2];
        for (int h = 0; h < 2; h++) {
            const int first = i + h * LANES, there = n - first;
            const __mmask16 which = there >= LANES ? 0xffff : there > 0 ? (1 << there) - 1 : 0;
            own[h] =
                _mm512_mul_ps(_mm512_mask_loadu_ps(_mm512_set1_ps(1e30f), which, level + first),
                              _mm512_set1_ps(LOG2E));
            less[h] = _mm512_maskz_loadu_ps(which, within + first);
        }
        _tile_zero(SUM);
        _tile_zero(SUM2);
        for (int j = 0; j < m; j += BLOCK) {
            for (int h = 0; h < 2; h++) {
                scores(keys + j * D, asks + (i + h * LANES) * D, D, s);
                scores(values + j * D, gos + (i + h * LANES) * D, D, g);
                for (int r = 0; r < BLOCK; r += 2) {
                    __m512 d[2];
                    for (int e = 0; e < 2; e++) {
                        const __m512 x = power(_mm512_fmsub_ps(_mm512_load_ps(s[r + e]),
                                                               _mm512_set1_ps(LOG2E), own[h]));
                        d[e] = _mm512_mul_ps(x, _mm512_sub_ps(_mm512_load_ps(g[r + e]), less[h]));
                        p[r + e][h] = (__m256i)_mm512_cvtneps_pbh(x);
                        ds[r + e][h] = (__m256i)_mm512_cvtneps_pbh(d[e]);
                    }
                    _mm512_store_si512(turned[h] + r / 2, woven(d[0], d[1]));
                }
            }
            settle(turned);
            _tile_loadd(TURNED, turned_keys + j, all * 2);
            _tile_loadd(WIDE, turned[0], 64);
            _tile_dpbf16ps(SUM, TURNED, WIDE);
            _tile_loadd(WIDE, turned[1], 64);
            _tile_dpbf16ps(SUM2, TURNED, WIDE);
            for (int r = 0; r < BLOCK; r += LANES) {
                add(to_v + (j + r) * D, p[r], gos2 + i * D, D);
                add(to_k + (j + r) * D, ds[r], asks2 + i * D, D);
            }
        }
        _tile_stored(SUM, sum, 64);
        unturn(sum, i, n, D, gq);
        _tile_stored(SUM2, sum, 64);
        unturn(sum, i + LANES, n, D, gq);
    }
    memcpy(gk, to_k, (size_t)m * D * 4), memcpy(gv, to_v, (size_t)m * D * 4);
}

int tiles_begin(int n, int m, int width)
{
    static _Thread_local int allowed = -1;
    if (allowed < 0)
        allowed = syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
    if (!allowed || n > MOST || m > MOST)
        return 0;
    shape(width);
    return 1;
}

void tiles_end(void)
{
    _tile_release();
}
#endif
