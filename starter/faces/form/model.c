// SPDX-License-Identifier: Apache-2.0
/* The model: grids, balls and tubes become posed vertices and triangles. Normals are those of the
 * posed mesh, so a neck that bends between head and trunk is shaded as it lies.
 */
#include "form.h"

#define PI 3.14159265f

static struct vec3 pose_apply(const struct pose *p, struct vec3 v)
{
    struct vec3 d = v3_sub(v, p->pivot);
    const float *m = p->m;
    return v3(p->pivot.x + m[0] * d.x + m[1] * d.y + m[2] * d.z,
              p->pivot.y + m[3] * d.x + m[4] * d.y + m[5] * d.z,
              p->pivot.z + m[6] * d.x + m[7] * d.y + m[8] * d.z);
}

struct vec3 body_place(const struct body *b, int joint, struct vec3 p)
{
    if (joint == JOINT_HEAD)
        return pose_apply(&b->head, p);
    struct vec3 trunk = pose_apply(&b->trunk, p);
    if (joint == JOINT_TRUNK)
        return trunk;
    return v3_mix(trunk, pose_apply(&b->head, p), ramp(-1.55f, -0.85f, p.y + 0.55f * (p.z + 0.2f)));
}

static struct vec3 grid_normal(const struct grid *g, int r, int k, struct vec3 *along)
{
    int R = g->rows, C = g->cols;
    int ra = r > 0 ? r - 1 : 0, rb = r < R - 1 ? r + 1 : R - 1;
    int ka = k > 0 ? k - 1 : g->wrap ? C - 2 : 0, kb = k < C - 1 ? k + 1 : g->wrap ? 1 : C - 1;
    struct vec3 dr = v3_sub(g->posed[rb * C + k], g->posed[ra * C + k]);
    struct vec3 dk = v3_sub(g->posed[r * C + kb], g->posed[r * C + ka]);
    *along = v3_unit(dr);
    return v3_unit(v3_scale(v3_cross(dk, dr), g->flip ? 1.0f : -1.0f));
}

static void model_triangle(struct model *m, int a, int b, int c, int mat, int tag)
{
    m->triangle[m->triangles++] =
        (struct triangle){.corner = {a, b, c}, .mat = (uint8_t)mat, .tag = (uint16_t)tag};
}

void model_grid(struct model *m, struct grid *g, const struct body *b, int joint, int mat, int tag)
{
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
                                    .u = (float)k / (float)(g->cols - 1),
                                    .v = (float)r / (float)(g->rows - 1)};
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
                struct grid *g,
                const struct body *b,
                int joint,
                struct vec3 middle,
                struct vec3 axes,
                int mat,
                int tag)
{
    g->rows = 20;
    g->cols = 33;
    g->wrap = true;
    g->flip = g->both = false;
    for (int r = 0; r < g->rows; r++)
        for (int k = 0; k < g->cols; k++) {
            float v = PI * (float)r / (float)(g->rows - 1),
                  u = 2 * PI * (float)k / (float)(g->cols - 1);
            struct vec3 d = v3(sinf(v) * sinf(u), cosf(v), sinf(v) * cosf(u));
            g->p[r * g->cols + k] = v3_add(middle, v3_mul(d, axes));
        }
    model_grid(m, g, b, joint, mat, tag);
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

void model_tube(struct model *m,
                struct grid *g,
                const struct body *b,
                const struct tube *t,
                int joint,
                int mat,
                int tag)
{
    g->rows = t->closed ? t->n + 1 : t->n;
    g->cols = t->sides + 1;
    g->wrap = true;
    g->flip = g->both = false;
    for (int r = 0; r < g->rows; r++) {
        int i = r % t->n;
        struct vec3 e, f;
        tube_frame(t, i, &e, &f);
        for (int k = 0; k < g->cols; k++) {
            float u = 2 * PI * (float)k / (float)t->sides;
            struct vec3 d = v3_add(v3_scale(f, sinf(u)), v3_scale(e, cosf(u) * t->flat));
            g->p[r * g->cols + k] = v3_add(t->path[i], v3_scale(d, t->radius[i]));
        }
    }
    model_grid(m, g, b, joint, mat, tag);
}
