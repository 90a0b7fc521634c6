// SPDX-License-Identifier: Apache-2.0
/* Convolution and linear layers as implicit matrix products: row r of the left matrix is the pixels
 * that output pixel r sees, tap after tap, read where they lie.
 *
 * A task computes BLOCK output pixels × some panels. Per panel the sums lie in a buffer of the
 * cache's size; K is walked in blocks of DEPTH, so that a block of the panel (60 KB) stays near
 * while all rows pass over it, and so that fewer numbers are added in one chain. */
#ifndef LK_KERNELS_ISA_CONVOLVE_H
#define LK_KERNELS_ISA_CONVOLVE_H

#include <stdatomic.h>

#include "kernels/isa/bf16.h"
#include "kernels/isa/int8.h"
#include "kernels/isa/micro.h"
#include "kernels/isa/tiles.h"

#define BLOCK 128 /* output pixels of a task */
#define DEPTH 320 /* so many channels in whole numbers have one scale */
_Static_assert(DEPTH == LK_INT8_BLOCK, "a chain of sums is a block of weights");

#define ROUND_PIXELS 32 /* of a task */

struct convolve_job {
    const struct lk_convolution *c;
    size_t rows, blocks, panels, panels_per_task, tasks_per_block;
    size_t parts;       /* blocks of channels */
    char *rounded;      /* int8, bf16: [pixels + 1][step] bytes; the last is zeros */
    size_t step;        /* bytes of a rounded pixel; */
    size_t written;     /* behind so many are zeros */
    float *scales;      /* int8: [pixels + 1][parts] */
    const float *zeros; /* f32: [channels] */
    struct lk_workspace *workspace;
    atomic_int failed;
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

INLINE const char *panel_at(const struct lk_convolution *c, const struct lk_panels *w, size_t p)
{
    const size_t taps = w->k / c->channels;
    return (const char *)w->data + p * taps * lk__tap_bytes(w->numbers, GROUP, c->channels, PANEL);
}

INLINE size_t pixels_of(const struct lk_convolution *c)
{
    return c->images * c->height * c->width;
}

/* The pixels of x that output pixels first … see through the tap, and up to LK_ROWS more, which
 * repeat the last; pixels_of(c) where it is outside. */
NOINLINE void see(
    const struct lk_convolution *c, size_t tap, size_t first, size_t rows, size_t *pixels)
{
    const size_t area = c->out_height * c->out_width;
    const long down = (long)tap / c->kernel - c->top, across = (long)tap % c->kernel - c->left;
    size_t image = first / area, y = first % area / c->out_width, x = first % c->out_width;
    for (size_t r = 0; r < rows; r++) {
        const long i = (long)y * c->stride + down, j = (long)x * c->stride + across;
        const int outside = i < 0 || j < 0 || i >= (long)c->seen_height || j >= (long)c->seen_width;
        pixels[r] = outside ? pixels_of(c)
                            : (image * c->height + ((size_t)i >> c->doubled)) * c->width +
                                  ((size_t)j >> c->doubled);
        if (++x < c->out_width)
            continue;
        x = 0;
        if (++y < c->out_height)
            continue;
        y = 0;
        image++;
    }
    for (size_t r = rows; r < rows + LK_ROWS; r++)
        pixels[r] = pixels[rows - 1];
}

/* sum [LK_ROWS][PANEL] (+)= of the pixels and of the block b of channels, the part'th of the tap */
INLINE void multiply_pixels(const struct convolve_job *job,
                            const size_t pixels[LK_ROWS],
                            size_t part,
                            int vectors,
                            const char *b,
                            float *sum,
                            int add)
{
    const struct lk_convolution *c = job->c;
    const size_t k = part * DEPTH, count = least(DEPTH, c->channels - k);
    const void *a[LK_ROWS];
    float scales[LK_ROWS];
    for (int i = 0; i < LK_ROWS; i++) {
        switch (c->w->numbers) {
        case LK_NUMBERS_INT8:
            a[i] = job->rounded + pixels[i] * job->step + k * sizeof(whole);
            scales[i] = job->scales[pixels[i] * job->parts + part];
            break;
        case LK_NUMBERS_BF16:
            a[i] = job->rounded + pixels[i] * job->step + k * sizeof(uint16_t);
            break;
        default:
            a[i] = pixels[i] == pixels_of(c) ? job->zeros : c->x + pixels[i] * c->channels + k;
        }
    }
    if (c->w->numbers == LK_NUMBERS_INT8)
        multiply_int8(vectors, count, a, scales, b, sum, add);
    else if (c->w->numbers == LK_NUMBERS_BF16)
        multiply_bf16(vectors, count, a, b, sum, add);
    else
        multiply(vectors, count, a, (const float *)(const void *)b, sum, add);
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
    size_t pixels[BLOCK + LK_ROWS];
    const char *block = panel_at(job->c, w, p);
    for (size_t i = 0; i < taps * job->parts; i++) {
        const size_t tap = i / job->parts, part = i % job->parts;
        if (!part)
            see(job->c, tap, first, rows, pixels);
        for (size_t r = 0; r < rows; r += LK_ROWS)
            multiply_pixels(job, pixels + r, part, vectors, block, sums + r * PANEL, i > 0);
        block += lk__block_bytes(w->numbers, GROUP, least(DEPTH, channels - part * DEPTH),
                                 (size_t)vectors * LK_LANES);
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
    if (e->relu)
        x = larger(all(0), x);
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

NOINLINE void round_task(void *what, size_t i)
{
    const struct convolve_job *job = what;
    const struct lk_convolution *c = job->c;
    for (size_t p = i * ROUND_PIXELS; p < least((i + 1) * ROUND_PIXELS, pixels_of(c)); p++) {
        const float *x = c->x + p * c->channels;
        char *out = job->rounded + p * job->step;
        memset(out + job->written, 0, job->step - job->written);
        if (c->w->numbers == LK_NUMBERS_INT8)
            round_row(x, c->channels, (whole *)(void *)out, job->scales + p * job->parts);
        else
            round_row_bf16(x, c->channels, (uint16_t *)(void *)out);
    }
}

/* What the products read beside x and the weights; `memory` is all of it. */
static int convolve_prepare(struct convolve_job *job,
                            const struct lk_workers *workers,
                            void **memory)
{
    const struct lk_convolution *c = job->c;
    const enum lk_numbers numbers = c->w->numbers;
    const size_t pixels = pixels_of(c), zeros = c->channels * sizeof(float);
    const size_t scales = numbers == LK_NUMBERS_INT8 ? (pixels + 1) * job->parts : 0;
    job->written =
        rounded_row(c->channels) * (numbers == LK_NUMBERS_INT8 ? sizeof(whole) : sizeof(uint16_t));
    job->step =
        (over(job->written, TILE_BYTES) | 1) * TILE_BYTES; /* odd: they share cache sets less */
    const size_t rounded = numbers == LK_NUMBERS_F32 ? 0 : (pixels + TILE_ROWS) * job->step;
    char *taken = lk_workspace_take(workers->workspace, scales * sizeof(float) + zeros + rounded);
    if (!taken)
        return -1;
    *memory = taken;
    job->scales = (float *)(void *)taken;
    job->zeros = job->scales + scales;
    job->rounded = taken + scales * sizeof(float) + zeros;
    memset((float *)job->zeros, 0, zeros);
    if (numbers == LK_NUMBERS_F32)
        return 0;
    memset(job->rounded + pixels * job->step, 0, job->step);
    if (scales)
        memset(job->scales + pixels * job->parts, 0, job->parts * sizeof(float));
    workers->run(workers->user, over(pixels, ROUND_PIXELS), round_task, job);
    return 0;
}

/* Shares the work among tasks: enough to keep all threads busy to the end, and few enough to be
 * worth one each. */
static int convolve_by(const struct lk_convolution *c,
                       const struct lk_workers *workers,
                       void (*task)(void *what, size_t i),
                       size_t tasks_of_thread)
{
    struct convolve_job job = {
        .c = c, .parts = over(c->channels, DEPTH), .workspace = workers->workspace};
    void *memory;
    if (convolve_prepare(&job, workers, &memory))
        return -1;
    job.rows = c->images * c->out_height * c->out_width;
    job.blocks = over(job.rows, BLOCK);
    job.panels = over(c->w->n, PANEL);
    const size_t wanted = over(tasks_of_thread * (size_t)workers->threads, job.blocks);
    job.panels_per_task = job.panels > wanted ? job.panels / wanted : 1;
    job.tasks_per_block = over(job.panels, job.panels_per_task);
    workers->run(workers->user, job.blocks * job.tasks_per_block, task, &job);
    lk_workspace_give(workers->workspace, memory);
    return job.failed ? -1 : 0;
}

static int convolve_directly(const struct lk_convolution *c, const struct lk_workers *workers)
{
    return convolve_by(c, workers, convolve_task, 8);
}

#endif
