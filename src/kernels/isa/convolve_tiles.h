// SPDX-License-Identifier: Apache-2.0
/* Convolution and linear layers on tiles (tiles.h), which want rows evenly apart: those of a linear
 * layer are; of others the pixels that a tap sees are gathered, DEPTH channels at a time, and
 * multiplied with up to TOGETHER panels, whose sums wait in the second-level cache. */
#ifndef LK_KERNELS_ISA_CONVOLVE_TILES_H
#define LK_KERNELS_ISA_CONVOLVE_TILES_H

#include "kernels/isa/convolve.h"

#if FAST_TILES
#define TOGETHER 8

/* What a task computes in. */
struct tiles_task {
    const struct convolve_job *job;
    size_t first, rows;
    size_t pixels[BLOCK + LK_ROWS];
    float scales[BLOCK];
    char *gathered;
};

/* Whether rows of output are rows of x. */
INLINE int tiles_straight(const struct lk_convolution *c)
{
    return c->kernel == 1 && c->stride == 1 && !c->top && !c->left && !c->doubled &&
           c->out_height == c->height && c->out_width == c->width;
}

/* The rows that the tap sees, of the part'th block of channels. */
NOINLINE struct tile_rows tiles_rows(struct tiles_task *t, size_t tap, size_t part)
{
    const struct convolve_job *job = t->job;
    const int int8 = job->c->w->numbers == LK_NUMBERS_INT8;
    const size_t number = int8 ? sizeof(whole) : sizeof(uint16_t);
    const size_t k = part * DEPTH, count = least(DEPTH, job->c->channels - k);
    const size_t bytes = over(count * number, TILE_BYTES) * TILE_BYTES;
    if (!part)
        see(job->c, tap, t->first, t->rows, t->pixels);
    for (size_t r = 0; int8 && r < t->rows; r++)
        t->scales[r] = job->scales[t->pixels[r] * job->parts + part];
    struct tile_rows rows = {job->rounded + t->first * job->step + k * number, job->step, t->rows,
                             t->scales};
    if (tiles_straight(job->c))
        return rows;
    for (size_t r = 0; r < t->rows; r++) {
        const char *from = job->rounded + t->pixels[r] * job->step + k * number;
        for (size_t i = 0; i < bytes; i += TILE_BYTES)
            memcpy(t->gathered + r * bytes + i, from + i, TILE_BYTES);
    }
    rows.at = t->gathered;
    rows.step = bytes;
    return rows;
}

/* sums [count][BLOCK][PANEL] of the panels p … */
NOINLINE void tiles_panels(
    struct tiles_task *t, const struct lk_panels *w, size_t p, size_t count, float *sums)
{
    const struct convolve_job *job = t->job;
    const size_t channels = job->c->channels, taps = w->k / channels;
    for (size_t i = 0; i < taps * job->parts; i++) {
        const size_t tap = i / job->parts, part = i % job->parts, k = part * DEPTH;
        const struct tile_rows rows = tiles_rows(t, tap, part);
        for (size_t q = 0; q < count; q++) {
            const int vectors = panel_vectors(w, p + q);
            const size_t width = (size_t)vectors * LK_LANES;
            const char *at = panel_at(job->c, w, p + q) +
                             tap * lk__tap_bytes(w->numbers, GROUP, channels, width) +
                             (k ? lk__tap_bytes(w->numbers, GROUP, k, width) : 0);
            struct tile_block block;
            open_tile_block(&block, w->numbers, at, least(DEPTH, channels - k), vectors);
            float *to = sums + q * BLOCK * PANEL;
            if (w->numbers == LK_NUMBERS_INT8)
                multiply_tiles_int8(&rows, &block, to, i > 0);
            else
                multiply_tiles_bf16(&rows, &block, to, i > 0);
        }
    }
}

NOINLINE void tiles_task(void *what, size_t i)
{
    struct convolve_job *job = what;
    const struct lk_convolution *c = job->c;
    const size_t first = i / job->tasks_per_block * BLOCK;
    const size_t from = i % job->tasks_per_block * job->panels_per_task;
    const size_t to = least(from + job->panels_per_task, job->panels);
    const size_t together =
        tiles_straight(c) || c->gate ? 1 : least(TOGETHER, job->panels_per_task);
    const size_t gathered = BLOCK * DEPTH * sizeof(uint16_t);
    char *memory = lk_workspace_take(job->workspace,
                                     gathered + (together + 1) * BLOCK * PANEL * sizeof(float));
    if (!memory) {
        job->failed = 1;
        return;
    }
    struct tiles_task t = {
        .job = job,
        .first = first,
        .rows = least(BLOCK, job->rows - first),
        .gathered = memory,
    };
    float *sums = (float *)(void *)(memory + gathered), *gates = sums + together * BLOCK * PANEL;
    tiles_begin();
    for (size_t p = from; p < to; p += together) {
        const size_t count = least(together, to - p);
        tiles_panels(&t, c->w, p, count, sums);
        if (c->gate)
            tiles_panels(&t, c->gate, p, count, gates);
        for (size_t q = 0; q < count; q++)
            convolve_store(job, first, t.rows, p + q, sums + q * BLOCK * PANEL,
                           c->gate ? gates : NULL);
    }
    tiles_end();
    lk_workspace_give(job->workspace, memory);
}

static int convolve_by_tiles(const struct lk_convolution *c, const struct lk_workers *workers)
{
    return convolve_by(c, workers, tiles_task, 4);
}
#endif
#endif
