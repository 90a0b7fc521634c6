// SPDX-License-Identifier: Apache-2.0
/* The head: a smooth union of lumps (skull, face, jaw, chin, cheeks, brow, nose, lids) whose
 * surface is found along rays from its middle, so neighbouring points of the mesh start from each
 * other's answer. Lips, folds and lids are raised along z afterwards, which leaves (x, y) and with
 * it every painted curve where it was.
 */
#include "form.h"
#include "solid.h"

float neck_distance(const struct body *b, struct vec3 p)
{
    return solid_capsule(p, b->shape.neck_top, b->shape.neck_low, b->neck_r, b->neck_r * 1.05f);
}

float head_distance(const struct body *b, struct vec3 p)
{
    const struct head_shape *s = &b->shape;
    struct vec3 a = v3(fabsf(p.x), p.y, p.z); /* both sides at once */
    float neck = neck_distance(b, p);
    if (p.y < -1.25f)
        return neck;
    float d = solid_ellipsoid(a, s->skull, s->skull_r);
    d = solid_join(d, solid_ellipsoid(a, s->face, s->face_r), 0.30f);
    float low = solid_ellipsoid(a, s->jaw, s->jaw_r);
    low = solid_join(low, solid_capsule(a, s->corner, s->mandible, s->corner_r, 0.14f), 0.18f);
    low = solid_join(low, solid_ellipsoid(a, s->chin, s->chin_r), 0.14f);
    d = solid_join(d, low, 0.22f);
    d = solid_join(d, neck, 0.12f);
    if (p.z < 0.1f)
        return d;
    d = solid_join(d, solid_ellipsoid(a, s->bone, s->bone_r), 0.16f);
    d = solid_join(d, solid_ellipsoid(a, s->cheek, s->cheek_r), 0.14f);
    d = solid_join(d, solid_ellipsoid(a, s->muzzle, s->muzzle_r), 0.12f);
    d = solid_join(d, solid_capsule(a, s->brow_in, s->brow_out, s->brow_r, s->brow_r * 0.8f),
                   0.12f);
    d = solid_carve(d, solid_ellipsoid(a, s->socket, s->socket_r), 0.16f);
    float nose = solid_capsule(a, s->bridge, s->nose, s->bridge_r, s->nose_r);
    nose = solid_join(nose, solid_capsule(a, s->nose, s->tip, s->nose_r, s->tip_r), 0.05f);
    nose = solid_join(nose, solid_ball(a, s->wing, s->wing_r), 0.075f);
    d = solid_join(d, nose, 0.085f);
    d = solid_join(d, solid_ball(a, s->eye, s->lid_r), 0.05f);
    return solid_carve(d, solid_ellipsoid(a, s->nostril, s->nostril_r), 0.02f);
}

struct vec3 head_normal(const struct body *b, struct vec3 p)
{
    const float e = 0.012f;
    return v3_unit(
        v3(head_distance(b, v3(p.x + e, p.y, p.z)) - head_distance(b, v3(p.x - e, p.y, p.z)),
           head_distance(b, v3(p.x, p.y + e, p.z)) - head_distance(b, v3(p.x, p.y - e, p.z)),
           head_distance(b, v3(p.x, p.y, p.z + e)) - head_distance(b, v3(p.x, p.y, p.z - e))));
}

/* Steps of the distance, which never overshoots much. */
float head_ray(
    const struct body *b, struct vec3 dir, float lift, float r, int steps, float tolerance)
{
    for (int i = 0; i < steps; i++) {
        float d = head_distance(b, v3_add(HEAD_MIDDLE, v3_scale(dir, r))) - lift;
        r -= d;
        if (fabsf(d) < tolerance)
            break;
    }
    return r;
}

struct vec3 head_towards(const struct body *b, struct vec3 dir)
{
    dir = v3_unit(dir);
    return v3_add(HEAD_MIDDLE, v3_scale(dir, head_ray(b, dir, 0, 0.8f, 24, 5e-4f)));
}

/* Lips stand forward of the muzzle and meet in a groove. */
static float lips_raise(const struct body *b, float x, float y)
{
    float q = x / b->mouth_w, aq = fabsf(q);
    if (aq > 1.25f || fabsf(y - b->mouth_y) > 0.30f)
        return 0;
    float arc = maxf(1 - q * q, 0), cq = clampf(q, -1, 1);
    float top = body_lip(b, cq, LIP_TOP), upper = body_lip(b, cq, LIP_UPPER),
          lower = body_lip(b, cq, LIP_LOWER), bottom = body_lip(b, cq, LIP_BOTTOM);
    float up = (y - upper) / maxf(top - upper, 0.012f);
    float low = (lower - y) / maxf(lower - bottom, 0.012f);
    float raised = 0;
    if (y > upper)
        raised = 0.050f * powf(arc, 0.6f) * ramp(1.5f, 0.35f, up) *
                 (0.45f + 0.55f * ramp(-0.1f, 0.5f, up));
    else if (y < lower)
        raised = 0.056f * powf(arc, 0.6f) * ramp(1.45f, 0.45f, low) *
                 (0.45f + 0.55f * ramp(-0.1f, 0.55f, low));
    float dimple = 0.030f * gauss2(aq - 1.06f, 0.13f, y - upper, 0.045f) * (0.6f + 0.7f * b->cheek);
    float philtrum = 0.012f * gauss(x, 0.035f) * ramp(top, top + 0.03f, y) *
                     ramp(b->nose_y - 0.09f, b->nose_y - 0.13f, y);
    return raised - dimple - philtrum;
}

/* Folds that come with age, laughter and eyelids. */
static float folds_raise(const struct body *b, float x, float y)
{
    float ax = fabsf(x), dz = 0;
    float t = clampf((b->nose_y + 0.02f - y) / 0.34f, 0, 1);
    float fold = 0.165f * b->nose_w + (0.16f + 0.04f * b->cheek) * t;
    float depth = 0.042f * (b->old + 0.4f * b->cheek) *
                  ramp(b->nose_y + 0.05f, b->nose_y - 0.04f, y) *
                  ramp(b->mouth_y - 0.12f, b->mouth_y + 0.04f, y);
    dz -= depth * gauss(ax - fold, 0.032f) - 0.6f * depth * gauss(ax - fold - 0.06f, 0.05f);
    float dx, dy;
    body_eye(b, x, y, &dx, &dy);
    if (fabsf(dx) < 0.3f && fabsf(dy) < 0.25f) {
        float u = clampf(dx / b->eye_w, -1, 1);
        float crease = body_lid(b, u, true) + 0.045f + 0.012f * b->id->g[G_EYE_OPEN];
        float deep = 0.014f * (1 + b->id->g[G_EYE_FOLD]) * ramp(1.25f, 0.7f, fabsf(dx / b->eye_w));
        dz -= deep * gauss(dy - crease, 0.022f);
        float bag = body_lid(b, u, false) - 0.055f;
        dz += (0.006f + 0.024f * b->old) * gauss(dy - bag, 0.03f) * gauss(dx, 0.14f) -
              0.012f * b->old * gauss(dy - bag + 0.05f, 0.02f) * gauss(dx, 0.15f);
    }
    if (b->id->g[G_CHIN_CLEFT] > 0.1f)
        dz -=
            0.022f * b->id->g[G_CHIN_CLEFT] * gauss(x, 0.022f) * gauss(y - b->shape.chin.y, 0.08f);
    return dz;
}

struct vec3 head_front(const struct body *b, float x, float y)
{
    float z = 1.3f;
    for (int i = 0; i < 40; i++) {
        float d = head_distance(b, v3(x, y, z));
        if (d < 1e-3f || z < -0.6f)
            break;
        z -= maxf(d * 0.9f, 2e-3f);
    }
    return v3(x, y, z + (z > 0.1f ? lips_raise(b, x, y) + folds_raise(b, x, y) : 0));
}

bool head_opening(const struct body *b, struct vec3 p)
{
    if (p.z < 0.2f)
        return false;
    float dx, dy;
    body_eye(b, p.x, p.y, &dx, &dy);
    float u = dx / b->eye_w;
    if (fabsf(u) < 1 && dy < body_lid(b, u, true) && dy > body_lid(b, u, false))
        return true;
    float q = p.x / b->mouth_w;
    return b->open > 0.004f && fabsf(q) < 0.985f && fabsf(p.y - b->mouth_y) < 0.3f &&
           p.y < body_lip(b, q, LIP_UPPER) && p.y > body_lip(b, q, LIP_LOWER);
}

void head_build(struct model *m, const struct body *b)
{
    struct grid *g = grid_start(m, HEAD_ROWS, HEAD_COLS, true);
    for (int r = 0; r < g->rows; r++) {
        float s = 2 * step01(r, g->rows) - 1; /* -1 crown, 1 below the chin; crowd on the face */
        float e = PI * 0.5f * (0.72f * s + 0.28f * s * s * s), ce = cosf(e), se = -sinf(e),
              before = 0.8f;
        for (int k = 0; k < g->cols; k++) {
            float t = 2 * step01(k, g->cols) - 1; /* seam at the back */
            float a = PI * (0.55f * t + 0.45f * t * t * t);
            struct vec3 dir = v3(ce * sinf(a), se, ce * cosf(a));
            float radius = head_ray(b, dir, 0, before, k ? 6 : 24, 5e-4f);
            before = radius = minf(radius, se < -0.2f ? -1.45f / se : 3);
            struct vec3 p = v3_add(HEAD_MIDDLE, v3_scale(dir, radius));
            if (p.z > 0.25f)
                p.z += lips_raise(b, p.x, p.y) + folds_raise(b, p.x, p.y);
            g->p[r * g->cols + k] = p;
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_HEAD, 0);
}
