// SPDX-License-Identifier: Apache-2.0
/* Glasses: two rims in one curved plane that clears brows, cheeks and nose, a bridge, and temples
 * over the ears. A kind is a row.
 */
#include "wear.h"

static const struct frame {
    float rx, ry, power; /* half sizes; 1 is round, less is squarer */
    float thick, flat;   /* of the rim */
    float drop;          /* how much narrower below */
} frames[GLASSES_COUNT] = {
    [GLASSES_ROUND] = {0.235f, 0.225f, 1.0f, 0.017f, 1.0f, 0},
    [GLASSES_SQUARE] = {0.265f, 0.185f, 0.52f, 0.032f, 0.7f, 0.08f},
    [GLASSES_SUN] = {0.280f, 0.215f, 0.62f, 0.030f, 0.7f, 0.20f},
};

enum { RIM = 40 };

/* Behind the plane of the bridge: lenses follow the face's curve and lean in below. */
static float wrap(float x, float dy)
{
    float out = maxf(fabsf(x) - 0.12f, 0);
    return 0.30f * out * out + 0.05f * out - 0.10f * dy;
}

static struct vec3 rim_point(
    const struct body *b, const struct frame *k, float s, float u, float share)
{
    float middle = maxf(b->eye_x + 0.01f, k->rx + 0.055f), cu = cosf(u), su = sinf(u);
    float dy = k->ry * powf_signed(su, k->power) * share;
    float dx = k->rx * powf_signed(cu, k->power) * share;
    dx *= 1 - k->drop * ramp(0.1f, -1, dy / k->ry);
    return v3(s * (middle + dx), b->eye_y - 0.015f + dy, 0);
}

/* z of the bridge's plane: the nearest that touches nothing. */
static float plane_z(const struct body *b, const struct frame *k)
{
    float z = b->eye_z + b->eye_r;
    for (int ring = 0; ring < 2; ring++)
        for (int i = 0; i < 12; i++) {
            struct vec3 p = rim_point(b, k, 1, sector(i, 12), ring ? 1.06f : 0.6f);
            z = maxf(z, head_front(b, p.x, p.y).z + wrap(p.x, p.y - b->eye_y) + 0.018f);
        }
    return minf(z, 0.95f);
}

static void temple_build(struct model *m,
                         const struct body *b,
                         const struct frame *k,
                         float s,
                         struct vec3 hinge,
                         int kind)
{
    enum { N = 12 };
    struct vec3 path[N], ear = ear_middle(b, s),
                         top = v3(ear.x + s * 0.02f, ear.y + 0.17f, ear.z + 0.05f);
    float radius[N];
    for (int i = 0; i < N; i++) {
        float t = (float)i / (N - 3);
        struct vec3 p = t <= 1 ? v3_mix(hinge, top, t)
                               : v3_add(top, v3(0, -0.10f * (t - 1) * 4, -0.13f * (t - 1) * 4));
        float d = head_distance(b, p);
        if (d < 0.03f && i)
            p = v3_add(p, v3_scale(head_normal(b, p), 0.03f - d));
        path[i] = p;
        radius[i] = k->thick * (1.15f - 0.3f * minf(t, 1));
    }
    struct tube tube = {.path = path, .radius = radius, .n = N, .sides = 8, .flat = 0.8f};
    model_tube(m, b, &tube, JOINT_HEAD, MAT_FRAME, kind);
}

static void lens_build(
    struct model *m, const struct body *b, const struct frame *k, float s, float z)
{
    struct grid *g = grid_start(m, 7, RIM + 1, true);
    g->flip = s < 0;
    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->cols; c++) {
            float share = step01(r, g->rows);
            struct vec3 p = rim_point(b, k, s, sector(c, RIM), share);
            p.z = z - wrap(p.x, p.y - b->eye_y) + 0.03f * (1 - share * share);
            g->p[r * g->cols + c] = p;
        }
    model_grid(m, b, JOINT_HEAD, MAT_GLASS, s > 0 ? SIDE_LEFT : SIDE_RIGHT);
}

/* Over the nose, from rim to rim, which lie at ±inner. */
static void bridge_build(
    struct model *m, const struct body *b, float thick, float inner, float z, int kind)
{
    enum { N = 7 };
    struct vec3 path[N];
    float radius[N];
    for (int i = 0; i < N; i++) {
        float t = 2 * step01(i, N) - 1, x = t * (inner + 0.01f), arch = 1 - t * t;
        float y = b->eye_y + 0.035f + 0.035f * arch, nose = head_front(b, x, y).z + 0.012f;
        path[i] = v3(x, y, maxf(z + 0.03f * arch - wrap(x, y - b->eye_y), nose));
        radius[i] = thick * 1.1f;
    }
    struct tube tube = {.path = path, .radius = radius, .n = N, .sides = 8, .flat = 1};
    model_tube(m, b, &tube, JOINT_HEAD, MAT_FRAME, kind);
}

void glasses_build(struct model *m, const struct body *b)
{
    const struct frame *k = &frames[b->look->glasses];
    if (b->look->glasses == GLASSES_NONE)
        return;
    struct rng rng = rng_make(b->look->seed, FOR_FRAME);
    int kind = rng_below(&rng, FRAME_KINDS);
    float z = plane_z(b, k), inner = 0;
    for (float s = -1; s < 2; s += 2) {
        struct vec3 path[RIM], hinge = v3(0, 0, 0);
        float radius[RIM];
        for (int i = 0; i < RIM; i++) {
            float u = sector(i, RIM);
            path[i] = rim_point(b, k, s, u, 1);
            path[i].z = z - wrap(path[i].x, path[i].y - b->eye_y);
            radius[i] = k->thick * (1 + 0.25f * maxf(sinf(u), 0) * (k->power < 1));
            if (i == RIM / 12)
                hinge = path[i];
            if (i == RIM / 2)
                inner = fabsf(path[i].x);
        }
        struct tube tube = {
            .path = path, .radius = radius, .n = RIM, .sides = 10, .closed = true, .flat = k->flat};
        model_tube(m, b, &tube, JOINT_HEAD, MAT_FRAME, kind);
        temple_build(m, b, k, s, hinge, kind);
        if (b->look->glasses == GLASSES_SUN)
            lens_build(m, b, k, s, z);
    }
    bridge_build(m, b, k->thick, inner, z, kind);
}
