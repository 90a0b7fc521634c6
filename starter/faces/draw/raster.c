// SPDX-License-Identifier: Apache-2.0
/* Meshes to samples: a z-buffer that keeps normal, pre-pose position and material of the nearest
 * surface. Light and paint come later, once per visible sample, so detail costs the same on any
 * mesh.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"

#define CAMERA 9.0f /* distance in head units: a mild tele lens */

struct canvas *canvas_make(int size, int samples)
{
    if (size < 16 || size > 2048 || samples < 1 || samples > 4)
        return NULL;
    struct canvas *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->size = size;
    c->samples = samples;
    c->side = size * samples;
    size_t n = (size_t)c->side * (size_t)c->side;
    c->buffer = calloc(n, sizeof *c->buffer);
    c->depth = calloc(2 * n, sizeof *c->depth);
    c->linear = calloc((size_t)size * (size_t)size, sizeof *c->linear);
    c->screen = calloc(GRID_MAX, sizeof *c->screen);
    c->turned = calloc(GRID_MAX, sizeof *c->turned);
    if (!c->buffer || !c->depth || !c->linear || !c->screen || !c->turned) {
        canvas_free(c);
        return NULL;
    }
    c->x1 = c->y1 = c->side;
    canvas_clear(c);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->buffer);
    free(c->depth);
    free(c->linear);
    free(c->screen);
    free(c->turned);
    free(c);
}

void canvas_clear(struct canvas *c)
{
    for (int y = c->y0; y < c->y1; y++)
        for (int x = c->x0; x < c->x1; x++) {
            struct sample *s = &c->buffer[(size_t)y * (size_t)c->side + (size_t)x];
            s->z = -1e9f;
            s->mat = MAT_NONE;
        }
    c->x0 = c->y0 = c->side;
    c->x1 = c->y1 = 0;
}

struct vec3 canvas_project(const struct canvas *c, struct vec3 v)
{
    float k = c->scale * CAMERA / (CAMERA - v.z);
    return v3(c->ox + v.x * k, c->oy - v.y * k, v.z);
}

struct vec3 pose_apply(const struct pose *p, struct vec3 v)
{
    struct vec3 d = v3_sub(v, p->pivot);
    const float *m = p->m;
    return v3(p->pivot.x + m[0] * d.x + m[1] * d.y + m[2] * d.z,
              p->pivot.y + m[3] * d.x + m[4] * d.y + m[5] * d.z,
              p->pivot.z + m[6] * d.x + m[7] * d.y + m[8] * d.z);
}

static struct vec3 pose_turn(const struct pose *p, struct vec3 d)
{
    const float *m = p->m;
    return v3(m[0] * d.x + m[1] * d.y + m[2] * d.z, m[3] * d.x + m[4] * d.y + m[5] * d.z,
              m[6] * d.x + m[7] * d.y + m[8] * d.z);
}

void grid_normals(struct grid *g, bool wrap)
{
    int R = g->rows, C = g->cols;
    for (int r = 0; r < R; r++) {
        int ra = r > 0 ? r - 1 : 0, rb = r < R - 1 ? r + 1 : R - 1;
        for (int k = 0; k < C; k++) {
            int ka = k > 0 ? k - 1 : wrap ? C - 2 : 0;
            int kb = k < C - 1 ? k + 1 : wrap ? 1 : C - 1;
            struct vec3 dr = v3_sub(g->p[rb * C + k], g->p[ra * C + k]);
            struct vec3 dk = v3_sub(g->p[r * C + kb], g->p[r * C + ka]);
            g->n[r * C + k] = v3_unit(v3_scale(v3_cross(dr, dk), g->flip));
        }
    }
}

struct corner {
    struct vec3 s, n, t;
};

static void triangle(struct canvas *c,
                     const struct corner *a,
                     const struct corner *b,
                     const struct corner *d,
                     int mat)
{
    float area = (b->s.x - a->s.x) * (d->s.y - a->s.y) - (b->s.y - a->s.y) * (d->s.x - a->s.x);
    if (fabsf(area) < 1e-9f)
        return;
    float fx0 = minf(a->s.x, minf(b->s.x, d->s.x)), fx1 = maxf(a->s.x, maxf(b->s.x, d->s.x));
    float fy0 = minf(a->s.y, minf(b->s.y, d->s.y)), fy1 = maxf(a->s.y, maxf(b->s.y, d->s.y));
    float last = (float)(c->side - 1);
    if (fx1 < 0 || fy1 < 0 || fx0 > last || fy0 > last)
        return;
    int x0 = (int)ceilf(maxf(fx0, 0)), x1 = (int)floorf(minf(fx1, last));
    int y0 = (int)ceilf(maxf(fy0, 0)), y1 = (int)floorf(minf(fy1, last));
    if (x0 > x1 || y0 > y1)
        return;
    c->x0 = x0 < c->x0 ? x0 : c->x0;
    c->y0 = y0 < c->y0 ? y0 : c->y0;
    c->x1 = x1 >= c->x1 ? x1 + 1 : c->x1;
    c->y1 = y1 >= c->y1 ? y1 + 1 : c->y1;
    float inv = 1.0f / area;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float px = (float)x, py = (float)y;
            float wb =
                ((px - a->s.x) * (d->s.y - a->s.y) - (py - a->s.y) * (d->s.x - a->s.x)) * inv;
            float wd =
                ((b->s.x - a->s.x) * (py - a->s.y) - (b->s.y - a->s.y) * (px - a->s.x)) * inv;
            float wa = 1.0f - wb - wd;
            if (wa < -1e-5f || wb < -1e-5f || wd < -1e-5f)
                continue;
            float z = wa * a->s.z + wb * b->s.z + wd * d->s.z;
            struct sample *s = &c->buffer[(size_t)y * (size_t)c->side + (size_t)x];
            if (z <= s->z)
                continue;
            s->z = z;
            s->mat = mat;
            s->n = v3_add(v3_add(v3_scale(a->n, wa), v3_scale(b->n, wb)), v3_scale(d->n, wd));
            s->t = v3_add(v3_add(v3_scale(a->t, wa), v3_scale(b->t, wb)), v3_scale(d->t, wd));
        }
}

void grid_draw(struct canvas *c, const struct grid *g, const struct pose *pose, int mat)
{
    int n = g->rows * g->cols;
    for (int i = 0; i < n; i++) {
        c->screen[i] = canvas_project(c, pose_apply(pose, g->p[i]));
        c->turned[i] = pose_turn(pose, g->n[i]);
    }
    for (int r = 0; r + 1 < g->rows; r++)
        for (int k = 0; k + 1 < g->cols; k++) {
            int i[4] = {r * g->cols + k, r * g->cols + k + 1, (r + 1) * g->cols + k,
                        (r + 1) * g->cols + k + 1};
            if (c->turned[i[0]].z < -0.15f && c->turned[i[1]].z < -0.15f &&
                c->turned[i[2]].z < -0.15f && c->turned[i[3]].z < -0.15f)
                continue;
            struct corner q[4];
            for (int j = 0; j < 4; j++)
                q[j] = (struct corner){c->screen[i[j]], c->turned[i[j]], g->p[i[j]]};
            triangle(c, &q[0], &q[1], &q[2], mat);
            triangle(c, &q[1], &q[3], &q[2], mat);
        }
}

void ball_draw(struct canvas *c, const struct pose *pose, struct vec3 m, struct vec3 axes, int mat)
{
    struct grid *g = &c->shell;
    g->rows = 18;
    g->cols = 29;
    for (int r = 0; r < g->rows; r++)
        for (int k = 0; k < g->cols; k++) {
            float v = 3.14159265f * (float)r / (float)(g->rows - 1);
            float u = 6.2831853f * (float)k / (float)(g->cols - 1);
            struct vec3 d = v3(sinf(v) * sinf(u), -cosf(v), sinf(v) * cosf(u));
            g->p[r * g->cols + k] = v3_add(m, v3_mul(d, axes));
            g->n[r * g->cols + k] = v3_unit(v3(d.x / axes.x, d.y / axes.y, d.z / axes.z));
        }
    grid_draw(c, g, pose, mat);
}

void tube_draw(struct canvas *c,
               const struct pose *pose,
               const struct vec3 *path,
               int n,
               float radius,
               bool closed,
               int mat)
{
    struct grid *g = &c->shell;
    g->rows = closed ? n + 1 : n;
    g->cols = 9;
    for (int r = 0; r < g->rows; r++) {
        int i = r % n, a = closed ? (i + n - 1) % n : (i ? i - 1 : 0);
        int b = closed ? (i + 1) % n : (i < n - 1 ? i + 1 : i);
        struct vec3 along = v3_unit(v3_sub(path[b], path[a]));
        struct vec3 side = fabsf(along.z) < 0.8f ? v3(0, 0, 1) : v3(0, 1, 0);
        struct vec3 e = v3_unit(v3_cross(along, side)), f = v3_cross(along, e);
        for (int k = 0; k < g->cols; k++) {
            float u = 6.2831853f * (float)k / 8.0f;
            struct vec3 d = v3_add(v3_scale(e, cosf(u)), v3_scale(f, sinf(u)));
            g->p[r * g->cols + k] = v3_add(path[i], v3_scale(d, radius));
            g->n[r * g->cols + k] = d;
        }
    }
    grid_draw(c, g, pose, mat);
}
