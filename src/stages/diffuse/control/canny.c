// SPDX-License-Identifier: Apache-2.0
/* Canny's edges (1986), as OpenCV 4 computes them with aperture 3 and the L1 gradient:
 *
 *   dx, dy = Sobel 3×3 of each channel, edges repeated; of the channels the one of the largest
 *            |dx| + |dy| counts
 *   a pixel stays when its magnitude is the largest along its gradient, which is taken to be
 *            horizontal, vertical or diagonal: tan 22.5° = 13573/2¹⁵
 *   edge = above `high`, or above `low` and joined to such a one by its eight neighbours
 *
 * Of equal neighbours the left and the upper one loses; outside of the picture magnitudes are 0. */
#include <stdlib.h>
#include <string.h>

#include "stages/diffuse/control/annotate.h"

enum state { NOTHING, MAYBE, EDGE };

struct gradients {
    int width, height;
    int *dx, *dy;         /* [h,w] */
    int *magnitude;       /* [h+2,w+2], a rim of 0 */
    unsigned char *state; /* [h+2,w+2] enum state, a rim of NOTHING */
    size_t *stack;        /* [h·w] edges whose neighbours are not looked at yet */
    size_t n;
};

static int at(const struct lk_picture *p, int x, int y, int c)
{
    x = x < 0 ? 0 : x >= p->width ? p->width - 1 : x;
    y = y < 0 ? 0 : y >= p->height ? p->height - 1 : y;
    return p->u8[((size_t)y * p->width + x) * (size_t)p->channels + c];
}

static void gradient(const struct lk_picture *p, int x, int y, int *dx, int *dy, int *magnitude)
{
    *magnitude = -1;
    for (int c = 0; c < 3; c++) {
        int a = at(p, x - 1, y - 1, c), b = at(p, x + 1, y - 1, c);
        int d = at(p, x - 1, y + 1, c), e = at(p, x + 1, y + 1, c);
        int u = b + 2 * at(p, x + 1, y, c) + e - a - 2 * at(p, x - 1, y, c) - d;
        int v = d + 2 * at(p, x, y + 1, c) + e - a - 2 * at(p, x, y - 1, c) - b;
        if (abs(u) + abs(v) > *magnitude) {
            *magnitude = abs(u) + abs(v);
            *dx = u;
            *dy = v;
        }
    }
}

static void measure(struct gradients *g, const struct lk_picture *p)
{
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++) {
            size_t k = (size_t)y * g->width + x;
            size_t rimmed = (size_t)(y + 1) * (g->width + 2) + x + 1;
            gradient(p, x, y, &g->dx[k], &g->dy[k], &g->magnitude[rimmed]);
        }
    }
}

/* m: at the pixel's own magnitude; row: the length of one */
static int is_largest(const int *m, ptrdiff_t row, int dx, int dy)
{
    const long long x = llabs((long long)dx), y = llabs((long long)dy) << 15;
    const long long flat = x * 13573, steep = flat + (x << 16);
    if (y < flat)
        return m[0] > m[-1] && m[0] >= m[1];
    if (y > steep)
        return m[0] > m[-row] && m[0] >= m[row];
    const ptrdiff_t side = (dx ^ dy) < 0 ? -1 : 1;
    return m[0] > m[-row - side] && m[0] > m[row + side];
}

static void push(struct gradients *g, size_t k)
{
    g->state[k] = EDGE;
    g->stack[g->n++] = k;
}

static void thin(struct gradients *g, int low, int high)
{
    const ptrdiff_t row = g->width + 2;
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++) {
            size_t own = (size_t)y * g->width + x, k = (size_t)(y + 1) * (size_t)row + x + 1;
            const int *m = g->magnitude + k;
            if (*m <= low || !is_largest(m, row, g->dx[own], g->dy[own]))
                continue;
            g->state[k] = MAYBE;
            if (*m > high)
                push(g, k);
        }
    }
}

static void join(struct gradients *g)
{
    const ptrdiff_t row = g->width + 2;
    const ptrdiff_t around[] = {-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1};
    while (g->n) {
        size_t k = g->stack[--g->n];
        for (int i = 0; i < 8; i++)
            if (g->state[k + around[i]] == MAYBE)
                push(g, k + around[i]);
    }
}

static void show(const struct gradients *g, struct lk_picture *out)
{
    for (int y = 0; y < g->height; y++)
        for (int x = 0; x < g->width; x++)
            memset(out->u8 + ((size_t)y * g->width + x) * 3,
                   g->state[(size_t)(y + 1) * (g->width + 2) + x + 1] == EDGE ? 255 : 0, 3);
}

int lk__canny(const struct lk_picture *picture,
              int low,
              int high,
              struct lk_picture **out,
              struct lk_error *err)
{
    struct gradients g = {.width = picture->width, .height = picture->height};
    const size_t n = (size_t)g.width * g.height;
    const size_t rimmed = (size_t)(g.width + 2) * (size_t)(g.height + 2);
    struct lk_picture *edges = NULL;
    g.dx = calloc(n, sizeof *g.dx);
    g.dy = calloc(n, sizeof *g.dy);
    g.magnitude = calloc(rimmed, sizeof *g.magnitude);
    g.state = calloc(rimmed, 1);
    g.stack = calloc(n, sizeof *g.stack);
    int rc = g.dx && g.dy && g.magnitude && g.state && g.stack
                 ? lk_picture_new(g.width, g.height, 3, LK_PIXEL_U8, &edges, err)
                 : lk_fail_memory(err, "Canny's edges", n * sizeof *g.stack);
    if (!rc) {
        measure(&g, picture);
        thin(&g, low, high);
        join(&g);
        show(&g, edges);
        *out = edges;
    }
    free(g.dx);
    free(g.dy);
    free(g.magnitude);
    free(g.state);
    free(g.stack);
    return rc;
}
