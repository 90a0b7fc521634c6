// SPDX-License-Identifier: Apache-2.0
/* Paint: what a surface is like at a point, before any light: colour, gloss, and which class of the
 * mask it belongs to.
 */
#ifndef STARTER_FACES_PAINT_H
#define STARTER_FACES_PAINT_H

#include "form/form.h"

struct surface {
    struct vec3 colour; /* linear */
    struct vec3 normal; /* camera space */
    struct vec3 strand; /* direction of hair; used when hair */
    float rough, shine; /* of the highlight: width 0..1 and strength 0..1 */
    float soft;         /* how far light creeps round and under: 0 cloth … 1 skin */
    float glow;         /* white added after light: reflections in the eye */
    float occlusion;    /* 1 open … 0 hidden from ambient light */
    bool hair;
    uint8_t mask;
};

/* The paint of a sample: normal, occlusion 1 and zeros are set by the caller. */
typedef void paint_fn(
    const struct body *b, const struct vertex *v, int mat, int tag, struct surface *out);

paint_fn skin_paint, eye_paint, mouth_paint, teeth_paint, hair_paint, scalp_paint, cloth_paint,
    prop_paint;

/* Features of the face at (x, y) of its front, painted over skin. */
void lips_paint(const struct body *b, float x, float y, struct surface *o);
void socket_paint(const struct body *b, float x, float y, struct surface *o);
void brow_paint(const struct body *b, float x, float y, struct surface *o);

/* Coverage of a region whose signed distance to the edge is d (inside positive). */
static inline float paint_cover(const struct body *b, float d)
{
    return clampf(d / (1.5f * b->shading) + 0.5f, 0, 1);
}

static inline void paint_tint(struct surface *o, float amount, struct vec3 tint)
{
    o->colour = v3_mix(o->colour, v3_mul(o->colour, tint), clampf(amount, 0, 1));
}

static inline void paint_over(struct surface *o, struct vec3 colour, float amount)
{
    o->colour = v3_mix(o->colour, colour, clampf(amount, 0, 1));
}

#endif
