// SPDX-License-Identifier: Apache-2.0
/* Solids as distance functions, joined smoothly: bodies are modelled as a sculptor does, by adding
 * and carving lumps of clay. Distances are exact for spheres and capsules and near the surface for
 * ellipsoids (I. Quilez, "Distance functions"); negative inside.
 */
#ifndef STARTER_FACES_FORM_SOLID_H
#define STARTER_FACES_FORM_SOLID_H

#include "base/vec.h"

static inline float solid_ball(struct vec3 p, struct vec3 middle, float r)
{
    return v3_length(v3_sub(p, middle)) - r;
}

static inline float solid_ellipsoid(struct vec3 p, struct vec3 middle, struct vec3 r)
{
    struct vec3 d = v3_sub(p, middle), a = v3(d.x / r.x, d.y / r.y, d.z / r.z);
    float k = v3_length(a);
    struct vec3 g = v3(a.x / r.x, a.y / r.y, a.z / r.z);
    return k * (k - 1) / (v3_length(g) + 1e-9f);
}

/* From a to b, the radius going from ra to rb. */
static inline float solid_capsule(struct vec3 p, struct vec3 a, struct vec3 b, float ra, float rb)
{
    struct vec3 ab = v3_sub(b, a), ap = v3_sub(p, a);
    float t = clampf(v3_dot(ap, ab) / v3_dot(ab, ab), 0, 1);
    return v3_length(v3_sub(ap, v3_scale(ab, t))) - mixf(ra, rb, t);
}

/* Union that fills the groove over a width of k. */
static inline float solid_join(float a, float b, float k)
{
    float h = maxf(k - fabsf(a - b), 0);
    return minf(a, b) - h * h / (4 * k);
}

/* a without b, the edge rounded over k. */
static inline float solid_carve(float a, float b, float k)
{
    return -solid_join(-a, b, k);
}

#endif
