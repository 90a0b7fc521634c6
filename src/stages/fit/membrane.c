// SPDX-License-Identifier: Apache-2.0
/* Solves the discrete (screened) Poisson equation on any set of pixels:
 *
 *     (4 + λ)·u(p) − Σ u(q) = b(p)      p in Ω, q its four neighbours, u = 0 outside Ω
 *
 * by conjugate gradients preconditioned with one multigrid V-cycle (Tatebe, "The multigrid
 * preconditioned conjugate gradient method", 1993). Multigrid alone is as fast on a disc but may
 * stall on thin or ragged domains, where a coarse grid sees the boundary in the wrong place; with
 * conjugate gradients around it every symmetric cycle converges, so holes, slivers and single
 * pixels need no special case.
 *
 *     level l+1:  2×2 pixels of level l become one, inside when all four are;
 *     P           bilinear between cell centres (3/4, 1/4 per axis), zero outside Ω;
 *     Pᵀ          carries the residual up; it sums to 4, which is the factor between the stencils
 *                 of two grids, so that each level uses the same stencil, with 4λ for λ;
 *     smoothing   red then black Gauss-Seidel before, black then red after: a symmetric cycle.
 *
 * A domain of 40,000 pixels needs 5 to 7 iterations for an error of 1e-4. All loops run over whole
 * rows with the domain as a factor of 0 or 1: no branches, so they vectorise. */
#include "stages/fit/membrane.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/wide.h"

/* gcc vectorises loops of unknown length only from -O3 on; it doubles the speed of this file. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#define MAX_LEVELS 14
#define COARSEST_SWEEPS 4

/* Planes are [h, w] with w and h even and at least one closed pixel all around. */
struct level {
    int w, h;
    float diagonal;    /* 4 + λ of this level */
    float *open;       /* 1 inside, 0 outside */
    float *u, *b, *r;  /* solution, right side, residual */
    float *checker[2]; /* [w]: 1 / diagonal at x of one parity, 0 at the other */
};

struct lk__membrane {
    int width, height;
    int n_levels;
    size_t unknowns;
    struct level level[MAX_LEVELS];
    float *x, *p, *ap, *row; /* conjugate gradients at level 0; one row for transfers */
    float *memory;
};

static int even(int n)
{
    return n + (n & 1);
}

static size_t area(const struct level *level)
{
    return (size_t)level->w * (size_t)level->h;
}

/* Shapes of all levels, and the number of floats that they and the working planes need. */
static size_t plan_levels(lk__membrane *m, float screen)
{
    size_t total = 0;
    int w = even(m->width), h = even(m->height);
    while (m->n_levels < MAX_LEVELS) {
        struct level *level = &m->level[m->n_levels++];
        *level = (struct level){.w = w, .h = h, .diagonal = 4 + screen};
        total += 4 * area(level) + 2 * (size_t)w;
        if (w <= 4 || h <= 4)
            break;
        w = even((w - 2) / 2 + 2);
        h = even((h - 2) / 2 + 2);
        screen *= 4;
    }
    return total + 3 * area(&m->level[0]) + (size_t)m->level[0].w;
}

static float *take(float **free_memory, size_t n)
{
    float *plane = *free_memory;
    *free_memory += n;
    return plane;
}

static void place_planes(lk__membrane *m)
{
    float *rest = m->memory;
    for (int i = 0; i < m->n_levels; i++) {
        struct level *level = &m->level[i];
        size_t n = area(level);
        level->open = take(&rest, n);
        level->u = take(&rest, n);
        level->b = take(&rest, n);
        level->r = take(&rest, n);
        for (int parity = 0; parity < 2; parity++) {
            level->checker[parity] = take(&rest, (size_t)level->w);
            for (int x = parity; x < level->w; x += 2)
                level->checker[parity][x] = 1 / level->diagonal;
        }
    }
    size_t n = area(&m->level[0]);
    m->x = take(&rest, n);
    m->p = take(&rest, n);
    m->ap = take(&rest, n);
    m->row = take(&rest, (size_t)m->level[0].w);
}

static size_t open_finest(lk__membrane *m, const uint8_t *inside)
{
    size_t n = 0;
    for (int y = 1; y < m->height - 1; y++) {
        for (int x = 1; x < m->width - 1; x++) {
            int open = inside[(size_t)y * (size_t)m->width + (size_t)x] != 0;
            m->level[0].open[(size_t)y * (size_t)m->level[0].w + (size_t)x] = (float)open;
            n += (size_t)open;
        }
    }
    return n;
}

static size_t open_coarse(const struct level *fine, struct level *coarse)
{
    size_t n = 0, w = (size_t)fine->w;
    for (int y = 1; 2 * y < fine->h - 1; y++) {
        for (int x = 1; 2 * x < fine->w - 1; x++) {
            const float *f = fine->open + (size_t)(2 * y - 1) * w + (size_t)(2 * x - 1);
            float open = f[0] * f[1] * f[w] * f[w + 1];
            coarse->open[(size_t)y * (size_t)coarse->w + (size_t)x] = open;
            n += open > 0;
        }
    }
    return n;
}

int lk__membrane_new(const uint8_t *inside,
                     int width,
                     int height,
                     float screen,
                     lk__membrane **out,
                     struct lk_error *err)
{
    lk__membrane *m = calloc(1, sizeof *m);
    if (!m)
        return lk_fail_memory(err, "the blend's solver", sizeof *m);
    m->width = width;
    m->height = height;
    /* Sides are bounded by LK_PICTURE_MAX_SIDE, so the sum of the planes cannot overflow. */
    size_t total = plan_levels(m, screen), bytes;
    if (!lk_size_mul(total, sizeof(float), &bytes) || !(m->memory = calloc(total, sizeof(float)))) {
        free(m);
        return lk_fail_memory(err, "the blend's solver", total * sizeof(float));
    }
    place_planes(m);
    m->unknowns = open_finest(m, inside);
    int levels = 1;
    while (levels < m->n_levels && open_coarse(&m->level[levels - 1], &m->level[levels]) > 0)
        levels++;
    m->n_levels = levels;
    *out = m;
    return 0;
}

void lk__membrane_free(lk__membrane *m)
{
    if (!m)
        return;
    free(m->memory);
    free(m);
}

/* out = u with the pixels of one colour relaxed; one row without its ends. */
static void relax_row(float *restrict out,
                      const float *restrict above,
                      const float *restrict u,
                      const float *restrict below,
                      const float *restrict b,
                      const float *restrict open,
                      const float *restrict checker,
                      float diagonal,
                      int w)
{
    for (int x = 1; x < w - 1; x++) {
        float pull = b[x] + above[x] + below[x] + u[x - 1] + u[x + 1] - diagonal * u[x];
        out[x] = u[x] + open[x] * checker[x] * pull;
    }
}

LK_WIDE static void sweep(struct level *level, float *row, int colour)
{
    size_t w = (size_t)level->w;
    for (int y = 1; y < level->h - 1; y++) {
        size_t at = (size_t)y * w;
        float *u = level->u + at;
        relax_row(row, u - w, u, u + w, level->b + at, level->open + at,
                  level->checker[(y + colour) & 1], level->diagonal, level->w);
        memcpy(u + 1, row + 1, (w - 2) * sizeof *u);
    }
}

/* One row of A·u without its ends. */
static void stencil_row(float *restrict out,
                        const float *restrict above,
                        const float *restrict u,
                        const float *restrict below,
                        const float *restrict open,
                        float diagonal,
                        int w)
{
    for (int x = 1; x < w - 1; x++)
        out[x] = open[x] * (diagonal * u[x] - (above[x] + below[x] + u[x - 1] + u[x + 1]));
}

/* out = A·u on the whole level. */
LK_WIDE static void apply(const struct level *level, const float *u, float *out)
{
    size_t w = (size_t)level->w;
    for (int y = 1; y < level->h - 1; y++) {
        size_t at = (size_t)y * w;
        stencil_row(out + at, u + at - w, u + at, u + at + w, level->open + at, level->diagonal,
                    level->w);
    }
}

/* r = b − A·u */
LK_WIDE static void find_residual(struct level *level)
{
    apply(level, level->u, level->r);
    float *restrict r = level->r;
    const float *restrict b = level->b;
    for (size_t i = 0; i < area(level); i++)
        r[i] = b[i] - r[i];
}

/* coarse b = Pᵀ·fine r */
LK_WIDE static void restrict_residual(const struct level *fine, struct level *coarse, float *row)
{
    size_t w = (size_t)fine->w;
    for (int y = 1; 2 * y < fine->h - 1; y++) {
        const float *restrict r = fine->r + (size_t)(2 * y - 2) * w;
        float *restrict sum = row;
        for (size_t x = 0; x < w; x++)
            sum[x] = 0.25f * (r[x] + r[x + 3 * w]) + 0.75f * (r[x + w] + r[x + 2 * w]);
        float *restrict b = coarse->b + (size_t)y * (size_t)coarse->w;
        const float *restrict open = coarse->open + (size_t)y * (size_t)coarse->w;
        for (int x = 1; 2 * x < fine->w - 1; x++) {
            const float *s = sum + 2 * x - 2;
            b[x] = open[x] * (0.25f * (s[0] + s[3]) + 0.75f * (s[1] + s[2]));
        }
    }
}

/* fine u += P·coarse u */
LK_WIDE static void prolong_correction(const struct level *coarse, struct level *fine, float *row)
{
    size_t cw = (size_t)coarse->w;
    for (int y = 1; y < fine->h - 1; y++) {
        int cy = (y + 1) / 2;
        const float *restrict near = coarse->u + (size_t)cy * cw;
        const float *restrict far = (y & 1) ? near - cw : near + cw;
        float *restrict mix = row;
        for (size_t x = 0; x < cw; x++)
            mix[x] = 0.75f * near[x] + 0.25f * far[x];
        float *restrict u = fine->u + (size_t)y * (size_t)fine->w;
        const float *restrict open = fine->open + (size_t)y * (size_t)fine->w;
        for (int x = 1; 2 * x < fine->w - 1; x++) {
            u[2 * x - 1] += open[2 * x - 1] * (0.75f * mix[x] + 0.25f * mix[x - 1]);
            u[2 * x] += open[2 * x] * (0.75f * mix[x] + 0.25f * mix[x + 1]);
        }
    }
}

/* u of level i ≈ A⁻¹·b of level i */
static void v_cycle(lk__membrane *m, int i)
{
    struct level *level = &m->level[i];
    memset(level->u, 0, area(level) * sizeof *level->u);
    if (i + 1 == m->n_levels) {
        for (int s = 0; s < COARSEST_SWEEPS; s++) {
            sweep(level, m->row, 0);
            sweep(level, m->row, 1);
        }
        for (int s = 0; s < COARSEST_SWEEPS; s++) {
            sweep(level, m->row, 1);
            sweep(level, m->row, 0);
        }
        return;
    }
    sweep(level, m->row, 0);
    sweep(level, m->row, 1);
    find_residual(level);
    restrict_residual(level, &m->level[i + 1], m->row);
    v_cycle(m, i + 1);
    prolong_correction(&m->level[i + 1], level, m->row);
    sweep(level, m->row, 1);
    sweep(level, m->row, 0);
}

/* Summed in float lanes a row's length at a time, in double above that: as exact as it needs to be,
 * and it vectorises. */
LK_WIDE static double dot(const float *restrict a, const float *restrict b, size_t n)
{
    double total = 0;
    for (size_t start = 0; start < n; start += 1024) {
        size_t end = start + 1024 < n ? start + 1024 : n;
        float lane[8] = {0};
        size_t i = start;
        for (; i + 8 <= end; i += 8) {
            for (size_t k = 0; k < 8; k++)
                lane[k] += a[i + k] * b[i + k];
        }
        for (; i < end; i++)
            lane[0] += a[i] * b[i];
        for (size_t k = 0; k < 8; k++)
            total += lane[k];
    }
    return total;
}

/* y += s·x */
LK_WIDE static void add_scaled(float *restrict y, const float *restrict x, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += s * x[i];
}

/* y = x + s·y */
LK_WIDE static void scale_add(float *restrict y, const float *restrict x, float s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] + s * y[i];
}

/* Level 0's b is the residual of the conjugate gradients; returns r·A⁻¹r as the cycle sees it: the
 * error's energy. */
static double precondition(lk__membrane *m)
{
    struct level *top = &m->level[0];
    v_cycle(m, 0);
    return dot(top->b, top->u, area(top));
}

static void load(lk__membrane *m, const float *b)
{
    struct level *top = &m->level[0];
    memset(top->b, 0, area(top) * sizeof *top->b);
    memset(m->x, 0, area(top) * sizeof *m->x);
    for (int y = 1; y < m->height - 1; y++) {
        for (int x = 1; x < m->width - 1; x++) {
            size_t at = (size_t)y * (size_t)top->w + (size_t)x;
            if (top->open[at] > 0)
                top->b[at] = b[(size_t)y * (size_t)m->width + (size_t)x];
        }
    }
}

void lk__membrane_solve(lk__membrane *m,
                        const float *b,
                        float tolerance,
                        int iterations,
                        float *u,
                        struct lk__membrane_stats *stats)
{
    struct level *top = &m->level[0];
    size_t n = area(top);
    *stats = (struct lk__membrane_stats){0};
    load(m, b);
    double energy = m->unknowns ? precondition(m) : 0, first = energy;
    if (energy > 0)
        memcpy(m->p, top->u, n * sizeof *m->p);
    while (energy > 0 && energy > first * tolerance * tolerance && stats->iterations < iterations) {
        apply(top, m->p, m->ap);
        double curvature = dot(m->p, m->ap, n);
        if (!(curvature > 0))
            break; /* rounding has used up what float can resolve */
        float step = (float)(energy / curvature);
        add_scaled(m->x, m->p, step, n);
        add_scaled(top->b, m->ap, -step, n);
        double next = precondition(m);
        scale_add(m->p, top->u, (float)(next / energy), n);
        energy = next;
        stats->iterations++;
    }
    if (first > 0)
        stats->error = (float)sqrt(fmax(energy, 0) / first);
    for (int y = 0; y < m->height; y++)
        memcpy(u + (size_t)y * (size_t)m->width, m->x + (size_t)y * (size_t)top->w,
               (size_t)m->width * sizeof *u);
}
