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
 * The steps are kept out of each other's line: the compiler spills otherwise. */
#ifndef LK_KERNELS_ISA_ATTEND_H
#define LK_KERNELS_ISA_ATTEND_H

#include <math.h>
#include <stdatomic.h>

#include "kernels/isa/micro.h"
#include "kernels/kernels.h"

#define KEYS 128
#define LOWEST (-3e38f) /* a score that counts nothing */

struct attend_job {
    const struct lk_attention *a;
    size_t panels; /* of queries, of one head */
    size_t rows;   /* size, rounded up to whole LK_ROWS */
    float *k, *vt; /* [images·heads][keys][size], [images·heads][size][keys] */
    struct lk_workspace *workspace;
    atomic_int failed;
};

/* What a panel of queries is computed in. */
struct attend_state {
    float *q;      /* [size][PANEL] */
    float *scores; /* [KEYS][PANEL] */
    float *o;      /* [rows][PANEL] */
    vf largest[VECTORS], sum[VECTORS];
};

NOINLINE void attend_pack_task(void *what, size_t i)
{
    const struct attend_job *job = what;
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, image = i / a->heads, head = i % a->heads;
    const float *k = a->k + image * a->keys * width + head * a->size;
    const float *v = a->v + image * a->keys * width + head * a->size;
    float *packed = job->k + i * a->keys * a->size, *vt = job->vt + i * a->keys * a->size;
    for (size_t from = 0; from < a->keys; from += LK_LANES) {
        const size_t to = least(from + LK_LANES, a->keys);
        for (size_t j = from; j < to; j++)
            memcpy(packed + j * a->size, k + j * width, a->size * sizeof *k);
        for (size_t d = 0; d < a->size; d++) {
            for (size_t j = from; j < to; j++)
                vt[d * a->keys + j] = v[j * width + d];
        }
    }
}

NOINLINE void attend_load(const struct attend_job *job, size_t head, size_t first, float *q)
{
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, count = least(PANEL, a->queries - first);
    const float *from =
        a->q + (head / a->heads * a->queries + first) * width + head % a->heads * a->size;
    const float scale = (float)(1.4426950408889634 / sqrt((double)a->size));
    memset(q, 0, a->size * PANEL * sizeof *q);
    for (size_t j = 0; j < count; j++) {
        for (size_t d = 0; d < a->size; d++)
            q[d * PANEL + j] = from[j * width + d] * scale;
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
NOINLINE void attend_soften(struct attend_state *s, size_t keys, size_t rows)
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
    for (size_t j = 0; j < keys; j++) {
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; v++) {
            float *at = s->scores + j * PANEL + v * LK_LANES;
            const vf p = exp2_of(load(at) - largest[v]);
            store(at, p);
            sum[v] += p;
        }
    }
    for (int v = 0; v < VECTORS; v++)
        s->sum[v] = sum[v];
    for (size_t d = 0; d < rows; d++) {
        for (int v = 0; v < VECTORS; v++) {
            float *at = s->o + d * PANEL + v * LK_LANES;
            store(at, load(at) * change[v]);
        }
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
    const size_t size = job->a->size, all_keys = job->a->keys;
    const float *k = job->k + (head * all_keys + first) * size;
    const float *vt = job->vt + head * all_keys * size + first;
    const float *a[LK_ROWS];
    for (size_t j = 0; j < keys; j += LK_ROWS) {
        for (size_t i = 0; i < LK_ROWS; i++)
            a[i] = k + least(j + i, keys - 1) * size;
        multiply(VECTORS, size, a, s->q, s->scores + j * PANEL, 0);
    }
    if (job->a->causal)
        attend_mask(s->scores, query, first, keys);
    attend_soften(s, keys, job->rows);
    for (size_t d = 0; d < size; d += LK_ROWS) {
        for (size_t i = 0; i < LK_ROWS; i++)
            a[i] = vt + least(d + i, size - 1) * all_keys;
        multiply(VECTORS, keys, a, s->scores, s->o + d * PANEL, 1);
    }
}

NOINLINE void attend_store(const struct attend_job *job,
                           const struct attend_state *s,
                           size_t head,
                           size_t first)
{
    const struct lk_attention *a = job->a;
    const size_t width = a->heads * a->size, count = least(PANEL, a->queries - first);
    float *y = a->y + (head / a->heads * a->queries + first) * width + head % a->heads * a->size;
    for (size_t j = 0; j < count; j++) {
        const float part = 1 / s->sum[j / LK_LANES][j % LK_LANES];
        for (size_t d = 0; d < a->size; d++)
            y[j * width + d] = s->o[d * PANEL + j] * part;
    }
}

NOINLINE void attend_task(void *what, size_t i)
{
    struct attend_job *job = what;
    const size_t head = i / job->panels, first = i % job->panels * PANEL;
    const size_t keys = job->a->causal ? least(first + PANEL, job->a->keys) : job->a->keys;
    const size_t room = (job->a->size + KEYS + job->rows) * PANEL;
    float *memory = lk_workspace_take(job->workspace, room * sizeof *memory);
    if (!memory) {
        job->failed = 1;
        return;
    }
    struct attend_state s = {.q = memory};
    s.scores = s.q + job->a->size * PANEL;
    s.o = s.scores + KEYS * PANEL;
    for (int v = 0; v < VECTORS; v++)
        s.largest[v] = all(LOWEST);
    memset(s.o, 0, job->rows * PANEL * sizeof *s.o);
    attend_load(job, head, first, s.q);
    for (size_t j = 0; j < keys; j += KEYS)
        attend_keys(job, &s, head, first, j, least(KEYS, keys - j));
    attend_store(job, &s, head, first);
    lk_workspace_give(job->workspace, memory);
}

static int attend(const struct lk_attention *a, const struct lk_workers *workers)
{
    const size_t heads = a->images * a->heads, packed = heads * a->keys * a->size;
    struct attend_job job = {
        .a = a,
        .panels = over(a->queries, PANEL),
        .rows = over(a->size, LK_ROWS) * LK_ROWS,
        .k = lk_workspace_take(workers->workspace, 2 * packed * sizeof *job.k),
        .workspace = workers->workspace,
    };
    if (!job.k)
        return -1;
    job.vt = job.k + packed;
    workers->run(workers->user, heads, attend_pack_task, &job);
    workers->run(workers->user, heads * job.panels, attend_task, &job);
    lk_workspace_give(workers->workspace, job.k);
    return job.failed ? -1 : 0;
}

#endif
