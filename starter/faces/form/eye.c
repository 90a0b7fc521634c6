// SPDX-License-Identifier: Apache-2.0
/* What lies behind the openings of the skin: eyeballs that turn with the gaze, the hollow of the
 * mouth, tongue and two rows of teeth.
 */
#include "form.h"

/* A bowl behind an opening at (x, y). Its rim lies close behind the skin, so at no turn of the head
 * can one look past it. */
static void bowl_build(
    struct model *m, const struct body *b, struct vec3 at, struct vec3 r, int mat, int tag)
{
    struct grid *g = grid_start(m, 9, 17, false);
    for (int i = 0; i < g->rows * g->cols; i++) {
        float u = 2 * step01(i % g->cols, g->cols) - 1, v = 1 - 2 * step01(i / g->cols, g->rows);
        struct vec3 p = head_front(b, at.x + r.x * u, at.y + r.y * v);
        p.z -= 0.02f + r.z * (1 - u * u * u * u) * (1 - v * v * v * v);
        g->p[i] = p;
    }
    model_grid(m, b, JOINT_HEAD, mat, tag);
}

void eyes_build(struct model *m, const struct body *b)
{
    for (float s = -1; s < 2; s += 2) {
        struct vec3 e = b->shape.eye;
        float r = b->eye_r;
        int side = s > 0 ? SIDE_LEFT : SIDE_RIGHT;
        model_ball(m, b, JOINT_HEAD, v3(s * e.x, e.y, e.z), v3(r, r, r), MAT_EYE, side);
        bowl_build(m, b, v3(s * e.x, e.y, 0), v3(1.25f * b->eye_w, 0.9f * r, r), MAT_EYE, side);
    }
}

/* A row of teeth along the jaw's arc, between the heights y0 and y1. */
static void teeth_build(struct model *m, const struct body *b, float y0, float y1, int tag)
{
    float w = 0.235f * (1 - 0.1f * b->child), back = b->mouth_z - 0.085f;
    struct grid *g = grid_start(m, 6, 41, false);
    for (int r = 0; r < g->rows; r++)
        for (int k = 0; k < g->cols; k++) {
            float a = PI * 0.5f * (2 * step01(k, g->cols) - 1), v = step01(r, g->rows);
            g->p[r * g->cols + k] =
                v3(w * sinf(a), mixf(y0, y1, v),
                   back - 0.22f * (1 - cosf(a)) - 0.02f * (2 * v - 1) * (2 * v - 1));
        }
    model_grid(m, b, JOINT_HEAD, MAT_TEETH, tag);
}

void mouth_build(struct model *m, const struct body *b)
{
    if (b->open <= 0.004f)
        return;
    float top = body_lip(b, 0, LIP_UPPER), low = body_lip(b, 0, LIP_LOWER), z = b->mouth_z;
    float high = 0.5f * (top - low) + 0.06f + 0.09f * fabsf(b->smile);
    bowl_build(m, b, v3(0, 0.5f * (top + low), 0), v3(1.15f * b->mouth_w, high, 0.26f), MAT_MOUTH,
               MOUTH_HOLLOW);
    model_ball(m, b, JOINT_HEAD, v3(0, low - 0.015f, z - 0.19f), v3(0.14f, 0.055f, 0.13f),
               MAT_MOUTH, MOUTH_TONGUE);
    bool surprised = b->shot->expression == EXPR_SURPRISED;
    float upper = surprised ? top - 0.025f : minf(top - 0.075f, mixf(top, low, 0.62f));
    teeth_build(m, b, top + 0.06f, upper, TEETH_UPPER);
    if (b->open > 0.1f)
        teeth_build(m, b, low + (surprised ? 0.008f : 0.022f), low - 0.08f, TEETH_LOWER);
}
