// SPDX-License-Identifier: Apache-2.0
/* Attention that never stores the scores (Rabe and Staats 2021, arXiv 2112.05682; Dao et al. 2022,
 * arXiv 2205.14135), with queries in the lanes: of a panel of queries
 *
 *   S [keys][PANEL] = K · Qᵀ       rows of K against the packed panel Qᵀ [size][PANEL]
 *   P = 2^(S − largest)            Q carries log2(e)/√size; largest and sums per lane
 *   O [size][PANEL] += Vᵀ · P      rows of Vᵀ against P, which is a panel already
 *
 * for KEYS keys at a time; when a larger score turns up, O and the sums are scaled down. Both
 * products are the micro-kernel's, and no number is ever moved between lanes. K and Vᵀ are packed
 * once per head. Of causal attention only the keys that some query of the panel sees are looked at.
 * The steps are kept out of each other's line: the compiler spills otherwise.
 *
 * Where that is allowed, and quicker, all factors are bf16: panels then hold pairs of rows. */
#ifndef LK_KERNELS_ISA_ATTEND_H
#define LK_KERNELS_ISA_ATTEND_H

#include <math.h>
#include <stdatomic.h>

#include "kernels/isa/bf16.h"
#include "kernels/isa/micro.h"
#include "kernels/isa/tiles.h"
#include "kernels/kernels.h"
#include "kernels/layout.h"

#define KEYS 128
#define LOWEST (-3e38f) /* a score that counts nothing */

struct attend_job {
    const struct lk_attention *a;
    size_t panels;     /* of queries, of one head */
    int bf16;          /* what q, k, vᵀ and the powers are; else f32 */
    size_t number;     /* its bytes */
    size_t size, keys; /* rounded up to whole steps of the products, and to whole KEYS */
    size_t rows;       /* size, rounded up to what rows are multiplied at once */
    char *k, *vt;      /* [images·heads][keys][size], [images·heads][keys/KEYS][rows][KEYS] */
    struct lk_workspace *workspace;
    atomic_int failed;
};

/* What a panel of queries is computed in. */
struct attend_state {
    float *q;      /* [size][PANEL], or of bf16 [size/2][PANEL][2] */
    float *scores; /* [KEYS][PANEL]; then powers, or of bf16 [KEYS/2][PANEL][2] */
    float *o;      /* [rows][PANEL] */
    vf largest[VECTORS], sum[VECTORS];
};

/* [count] numbers, every `step`th of x, as what is multiplied; zeros up to `room`. */
INLINE void attend_copy(
    const struct attend_job *job, const float *x, size_t step, size_t count, size_t room, char *to)
{
    uint16_t *halves = (uint16_t *)(void *)to;
    for (size_t i = 0; i < count && !job->bf16; i++)
        ((float *)(void *)to)[i] = x[i * step];
    for (size_t i = 0; i < count && job->bf16; i++)
        halves[i] = lk__bf16_of(x[i * step]);
    for (size_t i = count; i < room && job->bf16; i++)
        halves[i] = 0;
}

NOINLINE void attend_pack_task(void *what, size_t i)
{
    const struct attend_job *job = what;
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, image = i / a->heads, head = i % a->heads;
    const size_t first = image * a->keys * width + head * a->size;
    char *k = job->k + i * job->keys * job->size * job->number;
    char *vt = job->vt + i * job->keys * job->rows * job->number;
    for (size_t j = 0; j < a->keys; j++)
        attend_copy(job, a->k + first + j * width, 1, a->size, job->size,
                    k + j * job->size * job->number);
    for (size_t from = 0; from < job->keys; from += LK_LANES) {
        const size_t count = from < a->keys ? least(LK_LANES, a->keys - from) : 0;
        char *to = vt + (from / KEYS * job->rows * KEYS + from % KEYS) * job->number;
        for (size_t d = 0; d < a->size; d++)
            attend_copy(job, a->v + first + from * width + d, width, count, LK_LANES,
                        to + d * KEYS * job->number);
    }
}

/* A query, times scale, becomes a column of the panel q: words of an f32, or of a pair of bf16. The
 * first is a constant at every place of call. */
INLINE void attend_column(
    const int bf16, const float *from, size_t size, float scale, size_t rows, float *q)
{
    const size_t words = bf16 ? LK_LANES / 2 : LK_LANES; /* of a vector */
    for (size_t d = 0, row = 0; d < size; d += LK_LANES, row += words) {
        const vf x = load_first(from + d, least(LK_LANES, size - d)) * scale;
        float column[LK_LANES];
        if (bf16)
            store_bf16((uint16_t *)(void *)column, x);
        else
            store(column, x);
        for (size_t i = 0; i < words && row + i < rows; i++)
            q[(row + i) * PANEL] = column[i];
    }
}

NOINLINE void attend_load(const struct attend_job *job, size_t head, size_t first, float *q)
{
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, count = least(PANEL, a->queries - first);
    const float *from =
        a->q + (head / a->heads * a->queries + first) * width + head % a->heads * a->size;
    const float scale = (float)(1.4426950408889634 / sqrt((double)a->size));
    memset(q, 0, job->size * PANEL * job->number);
    for (size_t j = 0; j < count && job->bf16; j++)
        attend_column(1, from + j * width, a->size, scale, job->size / 2, q + j);
    for (size_t j = 0; j < count && !job->bf16; j++)
        attend_column(0, from + j * width, a->size, scale, job->size, q + j);
}

/* The difference of a vector of scores from the largest. */
INLINE vf attend_below(const struct attend_state *s, size_t key, int v, vf largest)
{
    return load(s->scores + key * PANEL + v * LK_LANES) - largest;
}

/* Turns scores into powers, in their place, and adds them up. */
INLINE void attend_powers(struct attend_state *s,
                          size_t keys,
                          const vf largest[VECTORS],
                          vf sum[VECTORS])
{
    for (size_t j = 0; j < keys; j++) {
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++) {
            const vf p = exp2_of(attend_below(s, j, v, largest[v]));
            store(s->scores + j * PANEL + v * LK_LANES, p);
            sum[v] += p;
        }
    }
}

/* The same, into pairs of bf16: two rows become one. No power is negative, or so large that
 * rounding its bits needs care. */
INLINE void attend_power_pairs(struct attend_state *s,
                               size_t keys,
                               const vf largest[VECTORS],
                               vf sum[VECTORS])
{
    for (size_t j = 0; j < keys; j += 2) {
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++) {
            const vf even = exp2_short(attend_below(s, j, v, largest[v]));
            const vf odd =
                j + 1 < keys ? exp2_short(attend_below(s, j + 1, v, largest[v])) : all(0);
            const vi low = (vi)((vu)((vi)even + 0x8000) >> 16);
            store(s->scores + j / 2 * PANEL + v * LK_LANES,
                  (vf)((((vi)odd + 0x8000) & UPPER) | low));
            sum[v] += even + odd;
        }
    }
}

/* Keys [from, from + keys) that come after their query, of those from `first` on, do not count. Key
 * 0 counts for all, so that the largest score so far is always that of a real one. */
NOINLINE void attend_mask(float *scores, size_t first, size_t from, size_t keys)
{
    for (size_t j = first < from ? 0 : first - from + 1; j < keys; j++) {
        const size_t hidden = least(from + j - first, PANEL);
        for (size_t lane = 0; lane < hidden; lane++)
            scores[j * PANEL + lane] = LOWEST;
    }
}

/* Turns scores into powers and the state's sums into those up to here. */
NOINLINE void attend_soften(struct attend_state *s, size_t keys, size_t rows, int bf16)
{
    vf largest[VECTORS], change[VECTORS], sum[VECTORS];
    for (int v = 0; v < VECTORS; v++)
        largest[v] = s->largest[v];
    for (size_t j = 0; j < keys; j++) {
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++)
            largest[v] = larger(largest[v], load(s->scores + j * PANEL + v * LK_LANES));
    }
    for (int v = 0; v < VECTORS; v++) {
        change[v] = exp2_of(s->largest[v] - largest[v]);
        sum[v] = s->sum[v] * change[v];
        s->largest[v] = largest[v];
    }
    if (bf16)
        attend_power_pairs(s, keys, largest, sum);
    else
        attend_powers(s, keys, largest, sum);
    for (int v = 0; v < VECTORS; v++)
        s->sum[v] = sum[v];
    for (size_t d = 0; d < rows; d++) {
        for (int v = 0; v < VECTORS; v++) {
            float *at = s->o + d * PANEL + v * LK_LANES;
            store(at, load(at) * change[v]);
        }
    }
}

/* sum [count][PANEL] (+)= rows of a, `step` numbers apart, · b [k][PANEL] */
INLINE void attend_multiply(const struct attend_job *job,
                            size_t count,
                            size_t k,
                            const char *a,
                            size_t step,
                            const float *b,
                            float *sum,
                            int add)
{
#if FAST_TILES
    if (job->bf16) {
        const struct tile_rows rows = {a, step * job->number, count, NULL};
        struct tile_block block;
        open_tile_block(&block, LK_NUMBERS_BF16, (const char *)b, k, VECTORS);
        multiply_tiles_bf16(&rows, &block, sum, add);
        return;
    }
#endif
    for (size_t r = 0; r < count; r += LK_ROWS) {
        const void *row[LK_ROWS];
        for (size_t i = 0; i < LK_ROWS; i++)
            row[i] = a + least(r + i, count - 1) * step * job->number;
        if (job->bf16)
            multiply_bf16(VECTORS, k, row, b, sum + r * PANEL, add);
        else
            multiply(VECTORS, k, row, b, sum + r * PANEL, add);
    }
}

/* query: the panel's first; keys [first, first + keys) */
NOINLINE void attend_keys(const struct attend_job *job,
                          struct attend_state *s,
                          size_t head,
                          size_t query,
                          size_t first,
                          size_t keys)
{
    const char *k = job->k + (head * job->keys + first) * job->size * job->number;
    const char *vt = job->vt + (head * job->keys + first) * job->rows * job->number;
    attend_multiply(job, keys, job->size, k, job->size, s->q, s->scores, 0);
    if (job->a->causal)
        attend_mask(s->scores, query, first, keys);
    attend_soften(s, keys, job->rows, job->bf16);
    attend_multiply(job, job->a->size, keys, vt, KEYS, s->scores, s->o, 1);
}

NOINLINE void attend_store(const struct attend_job *job,
                           const struct attend_state *s,
                           size_t head,
                           size_t first)
{
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, count = least(PANEL, a->queries - first);
    float *y = a->y + (head / a->heads * a->queries + first) * width + head % a->heads * a->size;
    vf parts[VECTORS];
    for (int v = 0; v < VECTORS; v++)
        parts[v] = 1 / s->sum[v];
    for (size_t d = 0; d < a->size; d++) {
        float row[PANEL];
        for (int v = 0; v < VECTORS; v++)
            store(row + v * LK_LANES, load(s->o + d * PANEL + v * LK_LANES) * parts[v]);
        for (size_t j = 0; j < count; j++)
            memcpy(y + j * width + d, row + j, sizeof *row); /* kept from being a scatter */
    }
}

NOINLINE void attend_task(void *what, size_t i)
{
    struct attend_job *job = what;
    const size_t head = i / job->panels, first = i % job->panels * PANEL;
    const size_t keys = job->a->causal ? least(first + PANEL, job->a->keys) : job->a->keys;
    const size_t room = (job->size + KEYS + job->rows) * PANEL;
    float *memory = lk_workspace_take(job->workspace, room * sizeof *memory);
    if (!memory) {
        job->failed = 1;
        return;
    }
    struct attend_state s = {.q = memory};
    s.scores = s.q + job->size * PANEL;
    s.o = s.scores + KEYS * PANEL;
    for (int v = 0; v < VECTORS; v++)
        s.largest[v] = all(LOWEST);
    memset(s.o, 0, job->rows * PANEL * sizeof *s.o);
    attend_load(job, head, first, s.q);
#if FAST_TILES
    if (job->bf16)
        tiles_begin();
#endif
    for (size_t j = 0; j < keys; j += KEYS)
        attend_keys(job, &s, head, first, j, least(KEYS, keys - j));
#if FAST_TILES
    if (job->bf16)
        tiles_end();
#endif
    attend_store(job, &s, head, first);
    lk_workspace_give(job->workspace, memory);
}

static int attend(const struct lk_attention *a, const struct lk_workers *workers)
{
    const int bf16 =
        FAST_BF16 && a->rounds && a->keys > (FAST_TILES ? 16 : KEYS); /* else packing eats it up */
    const size_t pairs = FAST_TILES ? TILE_BYTES / sizeof(uint16_t) : 2;
    const size_t rows = FAST_TILES ? TILE_ROWS : LK_ROWS;
    struct attend_job job = {
        .a = a,
        .panels = over(a->queries, PANEL),
        .rows = over(a->size, rows) * rows,
        .bf16 = bf16,
        .number = bf16 ? sizeof(uint16_t) : sizeof(float),
        .size = bf16 ? over(a->size, pairs) * pairs : a->size,
        .keys = over(a->keys, KEYS) * KEYS,
        .workspace = workers->workspace,
    };
    const size_t heads = a->images * a->heads, packed = heads * job.keys * job.number;
    job.k = lk_workspace_take(workers->workspace, packed * (job.size + job.rows));
    if (!job.k)
        return -1;
    job.vt = job.k + packed * job.size;
    workers->run(workers->user, heads, attend_pack_task, &job);
    workers->run(workers->user, heads * job.panels, attend_task, &job);
    lk_workspace_give(workers->workspace, job.k);
    return job.failed ? -1 : 0;
}

#endif
