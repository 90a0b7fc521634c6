// SPDX-License-Identifier: Apache-2.0
/* Convolution and linear layers as implicit matrix products: row r of the left matrix is the pixels
 * that output pixel r sees, tap after tap, read where they lie.
 *
 * A task computes BLOCK output pixels × some panels. Per panel the sums lie in a buffer of the
 * cache's size; K is walked in blocks of DEPTH, so that a block of the panel (60 KB) stays near
 * while all rows pass over it, and so that fewer numbers are added in one chain. */
#ifndef LK_KERNELS_ISA_CONVOLVE_H
#define LK_KERNELS_ISA_CONVOLVE_H

#include "kernels/isa/micro.h"
#include "kernels/kernels.h"

#define BLOCK 128 /* output pixels of a task */
#define DEPTH 320

struct convolve_job {
    const struct lk_convolution *c;
    size_t rows, blocks, panels, panels_per_task, tasks_per_block;
    const float *zeros; /* [channels] */
};

/* Columns of panel p, and in vectors. */
INLINE size_t panel_columns(const struct lk_panels *w, size_t p)
{
    return least(PANEL, w->n - p * PANEL);
}

INLINE int panel_vectors(const struct lk_panels *w, size_t p)
{
    return (int)over(panel_columns(w, p), LK_LANES);
}

/* Where the numbers of the pixel lie that output pixel `row` sees through the tap. */
INLINE const float *seen(const struct convolve_job *job, size_t row, size_t tap)
{
    const struct lk_convolution *c = job->c;
    if (c->kernel == 1 && c->stride == 1 && !c->doubled)
        return c->x + row * c->channels;
    const size_t area = c->out_height * c->out_width;
    const size_t image = row / area, at = row % area;
    const long i = (long)(at / c->out_width) * c->stride + (long)tap / c->kernel - c->top;
    const long j = (long)(at % c->out_width) * c->stride + (long)tap % c->kernel - c->left;
    if (i < 0 || j < 0 || i >= (long)c->seen_height || j >= (long)c->seen_width)
        return job->zeros;
    const size_t y = (size_t)i >> c->doubled, x = (size_t)j >> c->doubled;
    return c->x + ((image * c->height + y) * c->width + x) * c->channels;
}

/* sums [rows][PANEL] of output pixels first … and panel p */
NOINLINE void convolve_panel(const struct convolve_job *job,
                             const struct lk_panels *w,
                             size_t first,
                             size_t rows,
                             size_t p,
                             float *sums)
{
    const size_t channels = job->c->channels, taps = w->k / channels;
    const int vectors = panel_vectors(w, p);
    const float *panel = w->data + p * PANEL * w->k;
    for (size_t tap = 0; tap < taps; tap++) {
        for (size_t k = 0; k < channels; k += DEPTH) {
            const float *b = panel + (tap * channels + k) * (size_t)vectors * LK_LANES;
            for (size_t r = 0; r < rows; r += LK_ROWS) {
                const float *a[LK_ROWS];
                for (size_t i = 0; i < LK_ROWS; i++)
                    a[i] = seen(job, first + least(r + i, rows - 1), tap);
                for (size_t i = 0; i < LK_ROWS; i++)
                    a[i] += a[i] == job->zeros ? 0 : k;
                multiply(vectors, least(DEPTH, channels - k), a, b, sums + r * PANEL, tap + k > 0);
            }
        }
    }
}

/* Adds what is not NULL to the vector of columns n …, of which `count` exist. */
INLINE vf finish(const struct lk_epilogue *e,
                 vf x,
                 size_t image,
                 size_t row,
                 size_t width,
                 size_t n,
                 size_t count)
{
    if (e->bias)
        x += load_first(e->bias + n, count);
    if (e->shift)
        x += load_first(e->shift + image * width + n, count);
    if (e->plus)
        x += load_first(e->plus + row * width + n, count);
    return x;
}

NOINLINE void convolve_store(const struct convolve_job *job,
                             size_t first,
                             size_t rows,
                             size_t p,
                             const float *sums,
                             const float *gates)
{
    const struct lk_convolution *c = job->c;
    const size_t width = c->w->n, columns = panel_columns(c->w, p);
    const size_t area = c->out_height * c->out_width;
    for (size_t r = 0; r < rows; r++) {
        const size_t row = first + r, image = row / area;
        for (size_t v = 0; v < columns; v += LK_LANES) {
            const size_t n = p * PANEL + v, count = least(LK_LANES, columns - v);
            vf y = finish(&c->epilogue, load(sums + r * PANEL + v), image, row, width, n, count);
            if (gates) {
                vf gate = load(gates + r * PANEL + v);
                if (c->gate_bias)
                    gate += load_first(c->gate_bias + n, count);
                y *= gelu_of(gate);
            }
            store_first(c->y + row * width + n, y, count);
        }
    }
}

NOINLINE void convolve_task(void *what, size_t i)
{
    const struct convolve_job *job = what;
    const struct lk_convolution *c = job->c;
    _Alignas(64) float sums[BLOCK * PANEL], gates[BLOCK * PANEL];
    const size_t first = i / job->tasks_per_block * BLOCK;
    const size_t from = i % job->tasks_per_block * job->panels_per_task;
    const size_t rows = least(BLOCK, job->rows - first);
    for (size_t p = from; p < least(from + job->panels_per_task, job->panels); p++) {
        convolve_panel(job, c->w, first, rows, p, sums);
        if (c->gate)
            convolve_panel(job, c->gate, first, rows, p, gates);
        convolve_store(job, first, rows, p, sums, c->gate ? gates : NULL);
    }
}

static int convolve_directly(const struct lk_convolution *c, const struct lk_workers *workers)
{
    float *zeros = lk_workspace_take(workers->workspace, c->channels * sizeof *zeros);
    if (!zeros)
        return -1;
    memset(zeros, 0, c->channels * sizeof *zeros);
    struct convolve_job job = {.c = c, .zeros = zeros};
    job.rows = c->images * c->out_height * c->out_width;
    job.blocks = over(job.rows, BLOCK);
    job.panels = over(c->w->n, PANEL);
    /* Enough tasks to keep all threads busy to the end, and few enough to be worth one each. */
    const size_t wanted = over(8 * (size_t)workers->threads, job.blocks);
    job.panels_per_task = job.panels > wanted ? job.panels / wanted : 1;
    job.tasks_per_block = over(job.panels, job.panels_per_task);
    workers->run(workers->user, job.blocks * job.tasks_per_block, convolve_task, &job);
    lk_workspace_give(workers->workspace, zeros);
    return 0;
}

#endif
