// SPDX-License-Identifier: Apache-2.0
/* Eyes: the ball with iris, pupil and the lights mirrored in it; the skin round it with crease,
 * lashes and shade; brows as tapering strokes of short hairs.
 */
#include "paint.h"

/* Direction of the gaze of both eyes, rest space. */
static struct vec3 gaze(const struct body *b)
{
    return v3_unit(v3(0.32f * b->shot->gaze, 0.02f, 1));
}

void eye_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    (void)mat;
    float side = tag == SIDE_LEFT ? 1.0f : -1.0f, r = b->eye_r;
    struct vec3 d =
        v3_scale(v3(v->t.x - side * b->eye_x, v->t.y - b->eye_y, v->t.z - b->eye_z), 1 / r);
    struct vec3 axis = gaze(b);
    struct vec3 right = v3_unit(v3_cross(v3(0, 1, 0), axis)), up = v3_cross(axis, right);
    float ix = v3_dot(d, right) * r, iy = v3_dot(d, up) * r, in = sqrtf(ix * ix + iy * iy);
    float iris_r = (0.095f + 0.005f * b->id->g[G_EYE_SIZE]) * (1 + 0.08f * b->child),
          q = in / iris_r;
    float dx, dy;
    body_eye(b, v->t.x, v->t.y, &dx, &dy);
    float u = clampf(dx / b->eye_w, -1, 1), below = body_lid(b, u, true) - dy,
          above = dy - body_lid(b, u, false);
    struct vec3 white = v3(0.80f, 0.775f, 0.76f), red = v3(0.70f, 0.40f, 0.36f);
    struct vec3 colour = v3_mix(white, red, 0.45f * ramp(0.65f, 1.0f, fabsf(u)) + 0.08f);
    float rays = 0.80f + 0.40f * noise2(atan2f(iy, ix) * 7, q * 1.5f, 3);
    struct vec3 iris = v3_scale(
        b->iris, rays * (0.55f + 1.15f * ramp(0.5f, -0.9f, iy / iris_r) * ramp(0.3f, 0.7f, q)));
    iris = v3_mix(iris, v3_scale(b->iris, 1.5f), 0.35f * gauss(q - 0.52f, 0.12f));
    iris = v3_scale(iris, 1 - 0.80f * ramp(0.76f, 1.0f, q));
    colour = v3_mix(colour, iris, paint_cover(b, iris_r - in));
    colour = v3_mix(colour, v3(0.006f, 0.005f, 0.006f), paint_cover(b, iris_r * 0.44f - in));
    colour =
        v3_scale(colour, 1 - 0.62f * ramp(0.070f, 0.0f, below) - 0.12f * ramp(0.03f, 0, above));
    o->colour = colour;
    o->soft = 0.3f;
    o->rough = 0.3f;
    o->mask = tag == SIDE_LEFT ? MASK_LEFT_EYE : MASK_RIGHT_EYE;
    /* a window mirrored towards the key light, and a weaker one across from it */
    float kx = b->shot->light_x > 0 ? 1.0f : -1.0f;
    float hx = ix - kx * 0.030f, hy = iy - 0.034f;
    float window = minf(paint_cover(b, 0.0235f - fabsf(hx)), paint_cover(b, 0.0235f - fabsf(hy)));
    float lit = ramp(0.004f, 0.02f, below);
    o->glow = 0.90f * window * lit;
    hx = ix + kx * 0.036f;
    hy = iy + 0.036f;
    o->glow = maxf(o->glow, 0.30f * paint_cover(b, 0.014f - sqrtf(hx * hx + hy * hy)));
}

static void lash_paint(const struct body *b, float u, float dy, struct surface *o)
{
    bool woman = b->look->gender == WOMAN && b->look->age != CHILD;
    float au = fabsf(u), upper = body_lid(b, clampf(u, -1, 1), true),
          lower = body_lid(b, clampf(u, -1, 1), false);
    float thick =
        (woman ? 0.026f : 0.016f) * (1 + 0.45f * clampf(u, -0.7f, 1)) * ramp(1.22f, 0.9f, au);
    float wing = woman ? 0.07f * ramp(0.9f, 1.2f, u) : 0; /* lashes sweep up outwards */
    float lash =
        paint_cover(b, thick - fabsf(dy - upper - wing - thick * 0.55f)) * (woman ? 0.95f : 0.80f);
    float low = 0.40f * paint_cover(b, 0.007f - fabsf(dy - lower + 0.005f)) * ramp(1.0f, 0.6f, au);
    paint_over(o, v3(0.022f, 0.013f, 0.011f), maxf(lash, low));
}

void socket_paint(const struct body *b, float x, float y, struct surface *o)
{
    float dx, dy;
    body_eye(b, x, y, &dx, &dy);
    if (fabsf(dx) > 0.42f || fabsf(dy) > 0.32f)
        return;
    float u = dx / b->eye_w, au = fabsf(u), cu = clampf(u, -1, 1);
    float upper = body_lid(b, cu, true), lower = body_lid(b, cu, false);
    struct vec3 deep = v3(0.66f, 0.46f, 0.42f);
    paint_tint(o, 0.30f * gauss2(dx, b->eye_w * 1.2f, dy - 0.02f, 0.12f), deep);
    if (b->look->gender == WOMAN && b->look->age != CHILD) /* a breath of shadow on the lid */
        paint_tint(o,
                   0.35f * ramp(upper + 0.07f, upper + 0.01f, dy) * ramp(upper - 0.02f, upper, dy) *
                       ramp(1.15f, 0.6f, au),
                   v3(0.62f, 0.48f, 0.50f));
    float bag = gauss(dy - lower + 0.055f, 0.03f) * gauss(dx, 0.15f);
    paint_tint(o, (0.08f + 0.55f * b->old) * bag, deep);
    float crease = gauss(dy - upper - 0.045f - 0.012f * b->id->g[G_EYE_OPEN], 0.015f);
    paint_tint(o, (0.40f + 0.30f * b->id->g[G_EYE_FOLD]) * crease * ramp(1.25f, 0.7f, au), deep);
    for (int i = 0; i < 3; i++) { /* crow's feet */
        float line = gauss(dy - (float)(i - 1) * 0.28f * (dx - 0.13f) - 0.005f, 0.013f);
        paint_tint(o, 0.85f * b->old * line * ramp(0.19f, 0.23f, dx) * ramp(0.36f, 0.28f, dx),
                   deep);
    }
    float pink = paint_cover(b, 0.012f - minf(fabsf(dy - upper), fabsf(dy - lower))) *
                 ramp(1.04f, 0.96f, au);
    paint_over(o, v3_mul(b->skin, v3(0.85f, 0.50f, 0.47f)), 0.6f * pink);
    if (au < 1.25f)
        lash_paint(b, u, dy, o);
    if (au < 1.05f && dy < upper && dy > lower)
        o->mask = x > 0 ? MASK_LEFT_EYE : MASK_RIGHT_EYE;
}

void brow_paint(const struct body *b, float x, float y, struct surface *o)
{
    float t = (fabsf(x) - b->brow_gap) / 0.43f;
    if (t < -0.15f || t > 1.12f)
        return;
    float line = body_brow(b, t), off = y - line;
    float thick = b->brow_t * (0.92f + 0.30f * b->male) * ramp(-0.10f, 0.16f, t) *
                  mixf(1, 0.30f, ramp(0.40f, 1.06f, t));
    float hairs = noise2((fabsf(x) * 0.8f - off * 0.9f) * 60, off * 14, 11);
    float ragged = thick * (0.85f + 0.35f * hairs);
    float c = clampf((ragged - fabsf(off)) / (thick * 0.45f + b->shading) + 0.25f, 0, 1);
    paint_over(o, v3_scale(b->brow, 0.75f + 0.5f * hairs), 0.93f * c * ramp(-0.14f, 0.04f, t));
    o->shine *= 1 - 0.8f * c;
    if (c > 0.5f)
        o->mask = x > 0 ? MASK_LEFT_BROW : MASK_RIGHT_BROW;
}
