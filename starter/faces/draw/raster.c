// SPDX-License-Identifier: Apache-2.0
/* Triangles to samples: a z-buffer that remembers which triangle is nearest. Everything else
 * (normal, place, paint, light) is worked out later, once per visible sample, so detail costs the
 * same on any mesh.
 */
#include <stdlib.h>

#include "draw.h"

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
    c->z = calloc(n, sizeof *c->z);
    c->seen = calloc(n, sizeof *c->seen);
    c->blurred = calloc(2 * n, sizeof *c->blurred);
    c->scratch = calloc(n, sizeof *c->scratch);
    c->shadow = calloc((size_t)SHADOW_SIDE * SHADOW_SIDE, sizeof *c->shadow);
    c->linear = calloc((size_t)size * (size_t)size, sizeof *c->linear);
    c->model.grid = calloc(1, sizeof *c->model.grid);
    c->model.vertex = calloc(MODEL_VERTICES, sizeof *c->model.vertex);
    c->model.triangle = calloc(MODEL_TRIANGLES, sizeof *c->model.triangle);
    c->points = calloc(MODEL_VERTICES, sizeof *c->points);
    if (!c->z || !c->seen || !c->blurred || !c->scratch || !c->shadow || !c->linear ||
        !c->model.grid || !c->model.vertex || !c->model.triangle || !c->points) {
        canvas_free(c);
        return NULL;
    }
    c->touched = (struct bounds){0, 0, c->side, c->side};
    raster_clear(c);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (!c)
        return;
    free(c->z);
    free(c->seen);
    free(c->blurred);
    free(c->scratch);
    free(c->shadow);
    free(c->linear);
    free(c->model.grid);
    free(c->model.vertex);
    free(c->model.triangle);
    free(c->points);
    free(c);
}

void raster_clear(struct canvas *c)
{
    struct bounds *t = &c->touched;
    for (int y = t->y0; y < t->y1; y++)
        for (int x = t->x0; x < t->x1; x++) {
            size_t at = (size_t)y * (size_t)c->side + (size_t)x;
            c->z[at] = -1e9f;
            c->seen[at] = -1;
        }
    *t = (struct bounds){c->side, c->side, 0, 0};
}

struct vec3 view_project(const struct view *v, struct vec3 p)
{
    float k = v->scale * CAMERA / (CAMERA - p.z);
    return v3(v->ox + p.x * k, v->oy - p.y * k, p.z);
}

/* Twice the signed area of a, b, (x, y). */
static float edge(struct vec3 a, struct vec3 b, float x, float y)
{
    return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x);
}

static void bounds_grow(struct bounds *b, struct bounds by)
{
    b->x0 = by.x0 < b->x0 ? by.x0 : b->x0;
    b->y0 = by.y0 < b->y0 ? by.y0 : b->y0;
    b->x1 = by.x1 > b->x1 ? by.x1 : b->x1;
    b->y1 = by.y1 > b->y1 ? by.y1 : b->y1;
}

/* The samples that a triangle may cover. False for triangles seen from behind, and for the many
 * that lie between samples. */
static bool triangle_bounds(
    const struct depth *d, struct vec3 p, struct vec3 q, struct vec3 r, struct bounds *b)
{
    if (edge(p, q, r.x, r.y) < 1e-9f)
        return false;
    float x0 = minf(p.x, minf(q.x, r.x)), x1 = maxf(p.x, maxf(q.x, r.x));
    float y0 = minf(p.y, minf(q.y, r.y)), y1 = maxf(p.y, maxf(q.y, r.y));
    if (x1 < 0 || y1 < 0 || x0 > (float)(d->width - 1) || y0 > (float)(d->height - 1))
        return false;
    b->x0 = -floor_of(-maxf(x0, 0));
    b->y0 = -floor_of(-maxf(y0, 0));
    b->x1 = floor_of(minf(x1, (float)(d->width - 1))) + 1;
    b->y1 = floor_of(minf(y1, (float)(d->height - 1))) + 1;
    return b->x0 < b->x1 && b->y0 < b->y1;
}

static void raster_triangle(const struct depth *d,
                            const struct vertex *const v[3],
                            const struct vec3 s[3],
                            struct bounds in,
                            const struct body *open,
                            int number)
{
    if (d->touched)
        bounds_grow(d->touched, in);
    float inv = 1.0f / edge(s[0], s[1], s[2].x, s[2].y);
    for (int y = in.y0; y < in.y1; y++)
        for (int x = in.x0; x < in.x1; x++) {
            float w0 = edge(s[1], s[2], (float)x, (float)y) * inv;
            float w1 = edge(s[2], s[0], (float)x, (float)y) * inv, w2 = 1.0f - w0 - w1;
            if (w0 < -1e-5f || w1 < -1e-5f || w2 < -1e-5f)
                continue;
            size_t at = (size_t)y * (size_t)d->width + (size_t)x;
            float z = w0 * s[0].z + w1 * s[1].z + w2 * s[2].z;
            if (z <= d->z[at])
                continue;
            if (open &&
                head_opening(open, v3_add(v3_add(v3_scale(v[0]->t, w0), v3_scale(v[1]->t, w1)),
                                          v3_scale(v[2]->t, w2))))
                continue;
            d->z[at] = z;
            if (d->seen)
                d->seen[at] = number;
        }
}

void raster_model(const struct depth *d,
                  const struct model *m,
                  const struct vec3 *points,
                  const struct body *b,
                  int skip)
{
    for (int i = 0; i < m->triangles; i++) {
        const struct triangle *t = &m->triangle[i];
        struct vec3 s[3] = {points[t->corner[0]], points[t->corner[1]], points[t->corner[2]]};
        struct bounds in;
        if (t->mat == skip || !triangle_bounds(d, s[0], s[1], s[2], &in))
            continue;
        const struct vertex *v[3];
        for (int k = 0; k < 3; k++)
            v[k] = &m->vertex[t->corner[k]];
        bool near_opening =
            t->mat == MAT_HEAD && v[0]->t.z > 0.2f && v[0]->t.y > -1.1f && v[0]->t.y < 0.35f;
        raster_triangle(d, v, s, in, near_opening ? b : NULL, i);
    }
}

const struct triangle *sample_vertex(const struct canvas *c, int x, int y, struct vertex *out)
{
    int number = c->seen[(size_t)y * (size_t)c->side + (size_t)x];
    if (number < 0)
        return NULL;
    const struct triangle *t = &c->model.triangle[number];
    const struct vertex *v[3];
    struct vec3 s[3];
    for (int k = 0; k < 3; k++) {
        v[k] = &c->model.vertex[t->corner[k]];
        s[k] = c->points[t->corner[k]];
    }
    float inv = 1.0f / edge(s[0], s[1], s[2].x, s[2].y);
    float w[3] = {edge(s[1], s[2], (float)x, (float)y) * inv,
                  edge(s[2], s[0], (float)x, (float)y) * inv, 0};
    w[2] = 1.0f - w[0] - w[1];
    *out = (struct vertex){0};
    for (int k = 0; k < 3; k++) {
        out->p = v3_add(out->p, v3_scale(v[k]->p, w[k]));
        out->n = v3_add(out->n, v3_scale(v[k]->n, w[k]));
        out->t = v3_add(out->t, v3_scale(v[k]->t, w[k]));
        out->u += v[k]->u * w[k];
        out->v += v[k]->v * w[k];
    }
    out->n = v3_unit(out->n);
    return t;
}
