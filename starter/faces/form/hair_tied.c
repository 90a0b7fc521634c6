// SPDX-License-Identifier: Apache-2.0
/* Tied hair: the tail, bun or plaits that combed hair runs into.
 */
#include "hair.h"
#include "solid.h"

/* From the middle of a circle in the plane of u and w to its point at angle a. */
static struct vec3 spoke(struct vec3 u, struct vec3 w, float a, float radius)
{
    return v3_add(v3_scale(u, radius * cosf(a)), v3_scale(w, radius * sinf(a)));
}

/* A band round a tie. */
static void band(struct hair *h, struct vec3 middle, struct vec3 axis, float radius)
{
    enum { N = 16 };
    struct vec3 path[N];
    float thick[N];
    struct vec3 u = v3_unit(v3_cross(axis, v3(0.31f, 0.2f, 0.93f))), w = v3_cross(v3_unit(axis), u);
    for (int i = 0; i < N; i++) {
        path[i] = v3_add(middle, spoke(u, w, sector(i, N), radius));
        thick[i] = 0.035f;
    }
    struct tube t = {.path = path, .radius = thick, .n = N, .sides = 8, .closed = true, .flat = 1};
    model_tube(h->m, h->b, &t, h->joint, MAT_HAIR, TAG_BAND);
}

/* Locks that leave the knot together, fall, and spread as a brush does. */
static void tail(
    struct hair *h, struct vec3 from, struct vec3 dir, float length, float spread, int n)
{
    struct rng *r = &h->rng;
    enum { POINTS = 16 };
    struct vec3 u = v3_unit(v3_cross(dir, v3(0, 1, 0))), w = v3_cross(u, v3_unit(dir));
    for (int i = 0; i < n; i++) {
        struct lock l = {.n = POINTS};
        float q = sqrtf(((float)i + 0.5f) / (float)n);
        struct vec3 off = spoke(u, w, GOLDEN_ANGLE * (float)i, q), normal;
        struct vec3 p = v3_add(from, v3_scale(off, 0.4f * spread)),
                    d = v3_unit(v3_add(v3_unit(dir), v3_scale(off, 0.6f)));
        float len = length * (0.85f + 0.2f * rng_unit(r)), step = len / (POINTS - 1);
        for (int k = 0; k < POINTS; k++) {
            float need = 0.05f + 0.10f * q, gap = hair_ground(h, p, false, &normal);
            if (gap < need && k > 1)
                p = v3_add(p, v3_scale(normal, need - gap));
            l.path[k] = p;
            d = v3_unit(v3_add(d, v3(0, -0.32f, 0)));
            p = v3_add(p, v3_scale(d, step));
            p = v3_sub(p, v3_scale(off, 0.012f * ramp(7, 15, (float)k)));
        }
        lock_shape(&l, v3_sub(from, v3_scale(off, 2)), 0.085f * (0.8f + 0.4f * rng_unit(r)), 0.1f);
        lock_add(h, &l, 0.45f, MAT_HAIR);
    }
}

static void tail_tie(struct hair *h)
{
    float s = h->b->look->part_left ? -1.0f : 1.0f;
    bool low = h->b->look->hat != HAT_NONE;
    struct vec3 dir = low ? v3(s * 0.5f, -0.2f, -1) : v3(s * 0.75f, 0.55f, -0.6f);
    struct vec3 k =
        head_towards(h->b, low ? v3(s * 0.25f, -0.25f, -1) : v3(s * 0.45f, 0.80f, -0.62f));
    k = v3_add(k, v3_scale(v3_unit(dir), 0.06f));
    h->knot[0] = h->knot[1] = k;
    tail(h, k, dir, low ? 1.2f : 1.9f, 0.20f, 44);
    band(h, v3_add(k, v3_scale(v3_unit(dir), 0.06f)), dir, 0.10f);
}

/* Locks wound round a ball, like a skein. */
static void bun_tie(struct hair *h)
{
    bool low = h->b->look->hat != HAT_NONE;
    struct vec3 dir = v3_unit(low ? v3(0, -0.15f, -1) : v3(0, 0.90f, -0.44f));
    struct vec3 k = head_towards(h->b, dir), middle = v3_add(k, v3_scale(dir, 0.20f));
    float size = 0.31f * (1 + 0.2f * h->b->look->volume);
    h->knot[0] = h->knot[1] = k;
    struct vec3 u = v3_unit(v3_cross(dir, v3(0.2f, 0.1f, 1))), w = v3_cross(dir, u);
    enum { POINTS = 14, LOCKS = 34 };
    for (int i = 0; i < LOCKS; i++) {
        struct lock l = {.n = POINTS};
        float start = GOLDEN_ANGLE * (float)i, tilt = mixf(-0.75f, 0.85f, (float)i / LOCKS);
        for (int j = 0; j < POINTS; j++) {
            float t = step01(j, POINTS), a = start + 3.4f * t;
            float up = tilt + 0.55f * (t - 0.5f) + 0.1f * sinf(a * 2),
                  ring = cosf(clampf(up, -1.4f, 1.4f));
            struct vec3 d =
                v3_add(v3_scale(spoke(u, w, a, 1), ring), v3_scale(dir, 0.75f * sinf(up)));
            l.path[j] = v3_add(middle, v3_scale(d, size * (1 - 0.12f * fabsf(2 * t - 1))));
        }
        lock_shape(&l, middle, 0.085f, 0.4f);
        lock_add(h, &l, 0.5f, MAT_HAIR);
    }
    model_ball(h->m, h->b, h->joint, middle, v3(size * 0.85f, size * 0.75f, size * 0.85f), MAT_HAIR,
               TAG_SHELL);
}

/* A plait: three strands on a figure of eight, a third of a turn apart. */
static void plait(struct hair *h, struct vec3 from, float s)
{
    enum { POINTS = 40 };
    struct vec3 spine[POINTS], normal[POINTS], p = from, d = v3_unit(v3(s * 0.25f, -1, 0.25f));
    for (int i = 0; i < POINTS; i++) {
        float gap = hair_ground(h, p, false, &normal[i]);
        if (gap < 0.10f)
            p = v3_add(p, v3_scale(normal[i], 0.10f - gap));
        spine[i] = p;
        d = v3_unit(v3_add(d, v3(-0.02f * s, -0.10f, p.y < -0.5f ? 0.06f : 0)));
        p = v3_add(p, v3_scale(d, 0.042f));
    }
    for (int k = 0; k < 3; k++) {
        struct lock l = {.n = POINTS};
        for (int i = 0; i < POINTS; i++) {
            float t = step01(i, POINTS), a = 2 * PI * ((float)i / 11 + (float)k / 3);
            float size = mixf(1, 0.72f, t);
            struct vec3 out = v3_unit(v3_add(normal[i], v3(0, 0, 0.7f))),
                        along = v3_unit(
                            v3_sub(spine[i < POINTS - 1 ? i + 1 : i], spine[i ? i - 1 : 0]));
            struct vec3 side = v3_unit(v3_cross(out, along));
            l.path[i] = v3_add(spine[i], v3_scale(v3_add(v3_scale(side, 0.085f * sinf(a)),
                                                         v3_scale(out, 0.05f * sinf(2 * a))),
                                                  size));
            l.face[i] = out;
            l.radius[i] = 0.088f * size * ramp(-0.1f, 0.05f, t);
        }
        lock_add(h, &l, 0.7f, MAT_HAIR);
    }
    band(h, spine[POINTS - 1], v3_sub(spine[POINTS - 1], spine[POINTS - 3]), 0.06f);
    tail(h, spine[POINTS - 1], v3_sub(spine[POINTS - 1], spine[POINTS - 3]), 0.32f, 0.1f, 9);
}

static void braids_tie(struct hair *h)
{
    for (int i = 0; i < 2; i++) {
        float s = i ? 1.0f : -1.0f;
        struct vec3 k = head_towards(h->b, v3(s * 0.85f, -0.42f, -0.62f));
        h->knot[i] = v3_add(k, v3(s * 0.05f, 0, -0.02f));
        plait(h, h->knot[i], s);
    }
}

void hair_tied(struct hair *h)
{
    static void (*const ties[])(struct hair *) = {
        [TIE_TAIL] = tail_tie, [TIE_BUN] = bun_tie, [TIE_BRAIDS] = braids_tie};
    ties[h->style->tie](h);
}
