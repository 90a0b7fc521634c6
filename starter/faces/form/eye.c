// SPDX-License-Identifier: Apache-2.0
/* What lies behind the openings of the skin: eyeballs that turn with the gaze, the hollow of the
 * mouth, tongue and two rows of teeth.
 */
#include "form.h"

void eyes_build(struct model *m, const struct body *b)
{
    for (float s = -1; s < 2; s += 2) {
        struct vec3 e = b->shape.eye;
        float r = b->eye_r;
        model_ball(m, b, JOINT_HEAD, v3(s * e.x, e.y, e.z), v3(r, r, r), MAT_EYE,
                   s > 0 ? SIDE_LEFT : SIDE_RIGHT);
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
    struct grid *g = grid_start(m, 8, 17, false);
    for (int i = 0; i < g->rows * g->cols; i++) { /* the dark behind, bent round the teeth */
        float q = 2 * (float)(i % g->cols) / (float)(g->cols - 1) - 1,
              v = (float)(i / g->cols) / (float)(g->rows - 1);
        g->p[i] =
            v3(b->mouth_w * 1.35f * q, mixf(top + 0.09f, low - 0.08f, v) + 0.15f * b->smile * q * q,
               z - 0.26f - 0.10f * q * q + 0.08f * (2 * v - 1) * (2 * v - 1));
    }
    model_grid(m, b, JOINT_HEAD, MAT_MOUTH, MOUTH_HOLLOW);
    model_ball(m, b, JOINT_HEAD, v3(0, low - 0.015f, z - 0.19f), v3(0.14f, 0.055f, 0.13f),
               MAT_MOUTH, MOUTH_TONGUE);
    bool surprised = b->shot->expression == EXPR_SURPRISED;
    float upper = surprised ? top - 0.025f : minf(top - 0.075f, mixf(top, low, 0.62f));
    teeth_build(m, b, top + 0.06f, upper, TEETH_UPPER);
    if (b->open > 0.1f)
        teeth_build(m, b, low + (surprised ? 0.008f : 0.022f), low - 0.08f, TEETH_LOWER);
}
