// SPDX-License-Identifier: Apache-2.0
/* The model: grids, balls and tubes become posed vertices and triangles. Normals are those of the
 * posed mesh, so a neck that bends between head and trunk is shaded as it lies.
 */
#include <assert.h>

#include "form.h"

struct grid *grid_start(struct model *m, int rows, int cols, bool wrap)
{
    struct grid *g = m->grid;
    assert(rows > 1 && cols > 1 && rows * cols <= HEAD_ROWS * HEAD_COLS);
    g->rows = rows;
    g->cols = cols;
    g->wrap = wrap;
    g->flip = g->both = false;
    return g;
}

/* Of the posed mesh, at row r and column k; along: towards the next row. */
static struct vec3 grid_normal(const struct grid *g, int r, int k, struct vec3 *along)
{
    int cols = g->cols, low = g->rows - 1, right = cols - 1;
    int ra = r > 0 ? r - 1 : 0, rb = r < low ? r + 1 : low;
    int ka = k > 0 ? k - 1 : g->wrap ? right - 1 : 0, kb = k < right ? k + 1 : g->wrap ? 1 : right;
    struct vec3 dr = v3_sub(g->posed[rb * cols + k], g->posed[ra * cols + k]);
    struct vec3 dk = v3_sub(g->posed[r * cols + kb], g->posed[r * cols + ka]);
    *along = v3_unit(dr);
    return v3_unit(v3_scale(v3_cross(dk, dr), g->flip ? 1.0f : -1.0f));
}

static void model_triangle(struct model *m, int a, int b, int c, int mat, int tag)
{
    m->triangle[m->triangles++] =
        (struct triangle){.corner = {a, b, c}, .mat = (uint8_t)mat, .tag = (uint16_t)tag};
}

void model_grid(struct model *m, const struct body *b, int joint, int mat, int tag)
{
    struct grid *g = m->grid;
    int n = g->rows * g->cols, quads = (g->rows - 1) * (g->cols - 1), sides = g->both ? 2 : 1;
    if (m->vertices + n * sides > MODEL_VERTICES ||
        m->triangles + 2 * quads * sides > MODEL_TRIANGLES)
        return;
    bool strand = mat == MAT_HAIR || mat == MAT_BEARD;
    for (int i = 0; i < n; i++)
        g->posed[i] = body_place(b, joint, g->p[i]);
    for (int side = 0; side < sides; side++) {
        int first = m->vertices;
        for (int r = 0; r < g->rows; r++)
            for (int k = 0; k < g->cols; k++) {
                int i = r * g->cols + k;
                struct vec3 along, normal = grid_normal(g, r, k, &along);
                m->vertex[m->vertices++] =
                    (struct vertex){.p = g->posed[i],
                                    .n = v3_scale(normal, side ? -1.0f : 1.0f),
                                    .t = strand ? along : g->p[i],
                                    .u = step01(k, g->cols),
                                    .v = step01(r, g->rows)};
            }
        for (int r = 0; r + 1 < g->rows; r++)
            for (int k = 0; k + 1 < g->cols; k++) {
                int i = first + r * g->cols + k, j = i + g->cols;
                bool turned = g->flip != (side == 1);
                model_triangle(m, turned ? j : i, i + 1, turned ? i : j, mat, tag);
                model_triangle(m, i + 1, turned ? j : j + 1, turned ? j + 1 : j, mat, tag);
            }
    }
}

void model_ball(struct model *m,
                const struct body *b,
                int joint,
                struct vec3 middle,
                struct vec3 axes,
                int mat,
                int tag)
{
    struct grid *g = grid_start(m, 20, 33, true);
    for (int r = 0; r < g->rows; r++)
        for (int k = 0; k < g->cols; k++) {
            float v = PI * (float)r / (float)(g->rows - 1), u = sector(k, g->cols - 1);
            struct vec3 d = v3(sinf(v) * sinf(u), cosf(v), sinf(v) * cosf(u));
            g->p[r * g->cols + k] = v3_add(middle, v3_mul(d, axes));
        }
    model_grid(m, b, joint, mat, tag);
}

/* Two directions across a tube at point i: e towards its face, f sideways. */
static void tube_frame(const struct tube *t, int i, struct vec3 *e, struct vec3 *f)
{
    int n = t->n, a = t->closed ? (i + n - 1) % n : (i ? i - 1 : 0);
    int b = t->closed ? (i + 1) % n : (i < n - 1 ? i + 1 : i);
    struct vec3 along = v3_unit(v3_sub(t->path[b], t->path[a]));
    struct vec3 face = t->face ? t->face[i] : fabsf(along.z) < 0.8f ? v3(0, 0, 1) : v3(0, 1, 0);
    *f = v3_unit(v3_cross(face, along));
    *e = v3_cross(along, *f);
}

void model_tube(
    struct model *m, const struct body *b, const struct tube *t, int joint, int mat, int tag)
{
    struct grid *g = grid_start(m, t->closed ? t->n + 1 : t->n, t->sides + 1, true);
    for (int r = 0; r < g->rows; r++) {
        int i = r % t->n;
        struct vec3 e, f;
        tube_frame(t, i, &e, &f);
        for (int k = 0; k < g->cols; k++) {
            float u = sector(k, t->sides);
            struct vec3 d = v3_add(v3_scale(f, sinf(u)), v3_scale(e, cosf(u) * t->flat));
            g->p[r * g->cols + k] = v3_add(t->path[i], v3_scale(d, t->radius[i]));
        }
    }
    model_grid(m, b, joint, mat, tag);
}
