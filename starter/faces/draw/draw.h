// SPDX-License-Identifier: Apache-2.0
/* From a model to light: what each sample of the picture sees, and where the key light does not
 * reach.
 */
#ifndef STARTER_FACES_DRAW_H
#define STARTER_FACES_DRAW_H

#include "form/form.h"

enum { SHADOW_SIDE = 288 };

/* A rectangle of samples: x0 <= x < x1. */
struct bounds {
    int x0, y0, x1, y1;
};

/* The camera of one person: head space to samples. */
struct view {
    float scale, ox, oy;
};

struct canvas {
    int size, samples, side; /* side = size * samples */
    struct bounds touched;   /* since raster_clear; empty: x0 >= x1 */
    float *z;                /* [side,side] larger is nearer */
    int32_t *seen;           /* [side,side] triangle, -1 none */
    float *blurred;          /* [2][side,side] depth blurred over a small and a large box */
    float *scratch;          /* [side,side] */
    float *shadow;           /* [SHADOW_SIDE,SHADOW_SIDE] depth towards the key light */
    struct vec3 light[3];    /* axes of the light's view: right, up, towards the light */
    struct vec3 *linear;     /* [size,size] linear light */
    uint8_t *mask;           /* [size,size] or NULL */
    struct view view;
    struct model model;
    struct vec3 *points; /* [MODEL_VERTICES] where the vertices lie on the buffer being filled */
};

/* Perspective projection to samples; z stays, in front of the camera at z = 9. */
struct vec3 view_project(const struct view *v, struct vec3 p);

/* A rectangular depth buffer. */
struct depth {
    float *z;
    int32_t *seen; /* NULL: depth alone */
    int width, height;
    struct bounds *touched; /* grows; or NULL */
};
/* points [model->vertices]: x, y in samples, z nearer when larger. skip: triangles of this material
 * are left out. Skin that gives way to eye and mouth is left open. */
void raster_model(const struct depth *d,
                  const struct model *m,
                  const struct vec3 *points,
                  const struct body *b,
                  int skip);
void raster_clear(struct canvas *c);

/* The vertex that sample (x, y) sees, interpolated; NULL where nothing is. */
const struct triangle *sample_vertex(const struct canvas *c, int x, int y, struct vertex *out);

/* Turns c->light to the shot's key light and fills c->shadow; uses c->points. */
void shadow_make(struct canvas *c, const struct body *b);
/* How much of the key light reaches p, a point of a surface with normal n: 0..1. */
float shadow_at(const struct canvas *c, struct vec3 p, struct vec3 n);

/* Shades the touched samples and lays them over c->linear, their classes over c->mask. */
void person_light(struct canvas *c, const struct body *b);

/* Where the landmarks of the face lie in the picture. */
void truth_find(const struct canvas *c, const struct body *b, struct face_truth *t);

#endif
