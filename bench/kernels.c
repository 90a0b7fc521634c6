// SPDX-License-Identifier: Apache-2.0
/* The kernels on the shapes of SD 1.5's UNet at 512×512, batch 2, and of its VAE, in one thread:
 * operations a second, and their share of what the processor can do. Convolutions count as if they
 * were computed directly, so that Winograd's way may pass 100 %.
 *
 *   bench_kernels [TABLE]
 */
#include "kernels/kernels.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/size.h"

#define TRIES 3

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* what neighbours take does not count */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_of(const struct lk_kernels *table, enum lk_numbers numbers)
{
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double begin = now(), operations = table->saturate(numbers, 10000000);
        const double rate = operations / (now() - begin);
        best = rate > best ? rate : best;
    }
    return best;
}

static float *made_up(size_t n)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)(i * 7919 % 2003) / 1001 - 1;
    return x;
}

static int row_of(void *user, size_t n, float *row)
{
    const size_t *size = user;
    for (size_t i = 0; i < *size; i++)
        row[i] = (float)((n + i) * 7919 % 2003) / 100100;
    return 0;
}

struct job {
    const char *what;
    int kind;            /* c: convolution 3×3; l: linear; g: with gates; a: attention; n: norm */
    size_t images, side; /* l, g: rows = images·side·side */
    size_t channels, n;  /* a: keys, or 0: queries; heads */
    int stride;          /* a: size of a head */
};

static bool is_product(const struct job *job)
{
    return job->kind == 'c' || job->kind == 'l' || job->kind == 'g';
}

static const struct job jobs[] = {
    {"conv 3x3, 64x64", 'c', 2, 64, 320, 320, 1},
    {"conv 3x3, 64x64, after concat", 'c', 2, 64, 960, 320, 1},
    {"conv 3x3, 32x32", 'c', 2, 32, 640, 640, 1},
    {"conv 3x3, 16x16", 'c', 2, 16, 1280, 1280, 1},
    {"conv 3x3, 8x8", 'c', 2, 8, 1280, 1280, 1},
    {"conv 3x3, stride 2", 'c', 2, 64, 320, 320, 2},
    {"conv 3x3, VAE 256x256", 'c', 1, 256, 256, 256, 1},
    {"linear 320 to 320", 'l', 2, 64, 320, 320, 1},
    {"linear 1280 to 1280", 'l', 2, 16, 1280, 1280, 1},
    {"linear 5120 to 1280", 'l', 2, 16, 5120, 1280, 1},
    {"geglu 320 to 2x1280", 'g', 2, 64, 320, 1280, 1},
    {"attention 4096, 8 heads of 40", 'a', 2, 64, 0, 8, 40},
    {"attention 1024, 8 heads of 80", 'a', 2, 32, 0, 8, 80},
    {"attention 4096 on 77", 'a', 2, 64, 77, 8, 40},
    {"group norm + silu 64x64x320", 'n', 2, 64, 320, 32, 0},
};

struct arrays {
    float *x, *k, *y;
    struct lk_panels w, gate;
};

/* One computation; how many operations it counts for. */
static double compute(const struct lk_kernels *table,
                      enum lk_numbers numbers,
                      const struct job *job,
                      const struct arrays *a,
                      const struct lk_workers *workers)
{
    const size_t pixels = job->images * job->side * job->side;
    if (job->kind == 'a') {
        const size_t queries = job->side * job->side,
                     keys = job->channels ? job->channels : queries;
        const struct lk_attention attention = {
            .q = a->x,
            .k = a->k,
            .v = a->k,
            .images = job->images,
            .queries = queries,
            .keys = keys,
            .heads = job->n,
            .size = (size_t)job->stride,
            .rounds = numbers != LK_NUMBERS_F32,
            .y = a->y,
        };
        table->attend(&attention, workers);
        return 4.0 * (double)(job->images * queries * keys * job->n * (size_t)job->stride);
    }
    if (job->kind == 'n') {
        const struct lk_group_norm norm = {
            a->x, job->images, job->side * job->side, job->channels, job->n, a->k, a->k, 1e-5f,
            1,    a->y};
        table->group_norm(&norm, workers);
        return 8.0 * (double)(pixels * job->channels);
    }
    struct lk_convolution c = lk_linear(a->x, pixels, &a->w, a->y);
    c.channels = job->channels;
    if (job->kind == 'c') {
        c.images = job->images;
        c.kernel = 3;
        c.stride = job->stride;
        c.top = c.left = 1;
        c.height = c.width = c.seen_height = c.seen_width = job->side;
        c.out_height = c.out_width = job->side / (size_t)job->stride;
    }
    if (job->kind == 'g')
        c.gate = &a->gate;
    table->convolve(&c, workers);
    return 2.0 * (double)(c.images * c.out_height * c.out_width * a->w.k * a->w.n) *
           (c.gate ? 2 : 1);
}

static int measure(const struct lk_kernels *table,
                   enum lk_numbers numbers,
                   const struct job *job,
                   double peak,
                   const struct lk_workers *workers)
{
    const size_t pixels = job->images * job->side * job->side;
    const size_t width = job->kind == 'a' ? job->n * (size_t)job->stride : job->channels;
    const int kernel = job->kind == 'c' ? 3 : 1;
    size_t row = job->channels * (size_t)(kernel * kernel);
    struct arrays a = {made_up(pixels * width),
                       made_up(pixels * width),
                       made_up(pixels * (width > job->n ? width : job->n)),
                       {0},
                       {0}};
    if (!a.x || !a.k || !a.y ||
        (is_product(job) &&
         lk_panels_pack(table, numbers, job->n, job->channels, kernel, row_of, &row, &a.w)) ||
        (job->kind == 'g' &&
         lk_panels_pack(table, numbers, job->n, job->channels, kernel, row_of, &row, &a.gate)))
        return 1;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double begin = now(), operations = compute(table, numbers, job, &a, workers);
        const double rate = operations / (now() - begin);
        best = rate > best ? rate : best;
    }
    printf("  %-32s %7.1f GOPS  %4.0f %%\n", job->what, best * 1e-9, 100 * best / peak);
    lk_panels_free(&a.w);
    lk_panels_free(&a.gate);
    free(a.x);
    free(a.k);
    free(a.y);
    return 0;
}

/* Norms are f32 whatever the weights are, and attention is never in whole numbers. */
static int measure_all(const struct lk_kernels *table,
                       enum lk_numbers numbers,
                       const struct lk_workers *workers)
{
    const double peak = peak_of(table, numbers);
    int failed = 0;
    printf("%s, %s: %.1f GOPS at most in one thread\n", table->name, lk_numbers_name(numbers),
           peak * 1e-9);
    for (size_t j = 0; !failed && j < LK_ARRAY_LENGTH(jobs); j++) {
        if (numbers == LK_NUMBERS_F32 || is_product(&jobs[j]) ||
            (numbers == LK_NUMBERS_BF16 && jobs[j].kind == 'a'))
            failed = measure(table, numbers, &jobs[j], peak, workers);
    }
    return failed;
}

int main(int argc, char **argv)
{
    const struct lk_kernels *tables[LK_KERNELS_MAX];
    const size_t n = lk_kernels_all(tables);
    struct lk_workers workers;
    lk_workers_alone(&workers);
    workers.workspace = lk_workspace_new();
    int failed = !workers.workspace;
    for (size_t i = 0; !failed && i < n; i++) {
        if (!tables[i]->saturate || (argc > 1 && strcmp(argv[1], tables[i]->name) != 0))
            continue;
        for (int k = 0; !failed && k < LK_NUMBERS_COUNT; k++)
            failed = measure_all(tables[i], (enum lk_numbers)k, &workers);
    }
    lk_workspace_free(workers.workspace);
    return failed;
}
