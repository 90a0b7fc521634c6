// SPDX-License-Identifier: Apache-2.0
/* The trunk: a smooth union of lumps, as the head is, that begins at the neck's capsule, so that
 * skin runs on without a gap. Clothes are the same surface moved outwards; where they begin is said
 * as a distance from the neck, which fits thin necks and thick ones. Arms and legs are tubes.
 * Proportions are those of a figure of five to six heads.
 */
#include "solid.h"
#include "wear.h"

/* Lengths below the shoulders, against an adult's. */
static float stature(const struct body *b)
{
    return 1 - 0.32f * b->child;
}

float trunk_y(const struct body *b, float y)
{
    return -1.9f + 0.12f + 0.06f * b->male + 0.05f * b->child + (y + 1.9f) * stature(b);
}

static struct vec3 arm_shoulder(const struct body *b, float s)
{
    return v3(s * (b->shoulder - 0.29f), trunk_y(b, -1.95f), -0.34f);
}

/* a: |x|. Without neck, arms and legs. */
static float torso(const struct body *b, struct vec3 a)
{
    float wide = b->shoulder, w = wide / 1.3f, man = b->male, grown = 1 - b->child;
    struct vec3 joint = arm_shoulder(b, 1);
    float collar = solid_capsule(a, v3(b->neck_r * 0.5f, trunk_y(b, -1.44f), -0.42f),
                                 v3(wide * 0.70f, trunk_y(b, -1.76f), -0.36f), 0.18f, 0.19f * w);
    float shoulder = solid_capsule(a, joint, v3_add(joint, v3(0.05f, -0.30f, -0.02f)),
                                   0.265f * (0.5f + 0.5f * w), 0.25f * (0.5f + 0.5f * w));
    float d = solid_join(collar, shoulder, 0.34f), middle = trunk_y(b, -2.62f);
    float chest = solid_ellipsoid(a, v3(0, middle, -0.30f),
                                  v3(0.86f * w, trunk_y(b, -1.56f) - middle, 0.56f + 0.06f * man));
    d = solid_join(d, chest, 0.36f);
    if (a.y > -1.75f)
        return d;
    if (man < 0.5f && grown > 0) {
        float breast = solid_ellipsoid(a, v3(0.37f, trunk_y(b, -2.78f), 0.06f),
                                       v3(0.34f, 0.36f, 0.08f + 0.22f * grown));
        d = solid_join(d, breast, 0.30f);
    }
    float waist = solid_ellipsoid(a, v3(0, trunk_y(b, -3.85f), -0.28f),
                                  v3((0.66f + 0.10f * man) * (0.4f + 0.6f * w), stature(b), 0.46f));
    float hips =
        solid_ellipsoid(a, v3(0, trunk_y(b, -5.0f), -0.30f),
                        v3((0.90f - 0.08f * man) * (0.35f + 0.65f * w), 0.70f * stature(b), 0.56f));
    return solid_join(solid_join(d, waist, 0.5f), hips, 0.5f);
}

float trunk_skin(const struct body *b, struct vec3 p)
{
    return solid_join(torso(b, v3(fabsf(p.x), p.y, p.z)), neck_distance(b, p), 0.26f);
}

float trunk_distance(const struct body *b, struct vec3 p)
{
    struct vec3 a = v3(fabsf(p.x), p.y, p.z),
                elbow = v3(b->shoulder + 0.08f, trunk_y(b, -3.6f), -0.42f);
    float d = torso(b, a) - 0.05f;
    if (b->look->clothes == CLOTHES_HOODIE) /* the hood behind the neck */
        d = solid_join(d, solid_ellipsoid(a, v3(0, -1.36f, -0.80f), v3(0.62f, 0.22f, 0.26f)), 0.1f);
    if (p.y > -1.4f)
        return d;
    return solid_join(d, solid_capsule(a, arm_shoulder(b, 1), elbow, 0.28f, 0.23f), 0.1f);
}

float wear_angle(int column)
{
    float t = 2 * step01(column, WEAR_COLS) - 1;
    return PI * (0.7f * t + 0.3f * t * t * t);
}

float wear_around(float angle, float front, float side, float back)
{
    float c = cosf(angle), s = sinf(angle);
    return s * s * side + c * c * (c > 0 ? front : back);
}

/* Outwards from `from` to where the skin is `lift` away. */
static struct vec3 along_ray(
    const struct body *b, struct vec3 from, struct vec3 dir, float lift, float *r)
{
    for (int i = 0; i < 14; i++) {
        float d = trunk_skin(b, v3_add(from, v3_scale(dir, *r))) - lift;
        *r = maxf(*r - 0.9f * d, 0.02f);
        if (fabsf(d) < 1e-3f)
            break;
    }
    return v3_add(from, v3_scale(dir, *r));
}

/* Where a line along the neck, a finger's breadth off it, enters the skin: the neck's foot. */
static struct vec3 neck_foot(const struct body *b, float angle, float lift)
{
    float high = -1.0f, low = -2.0f, above = 0, under = 0;
    for (int i = 0; i < 7; i++) {
        float y = 0.5f * (low + high),
              d = trunk_skin(b, neck_round(b, angle, y, 0.05f + lift)) - lift;
        if (d > 0) {
            high = y;
            above = d;
        } else {
            low = y;
            under = d;
        }
    }
    float t = above > 0 && under < 0 ? above / (above - under) : 0.5f;
    return neck_round(b, angle, mixf(high, low, t), 0.05f + lift);
}

struct vec3 trunk_round(const struct body *b, float angle, float gap, float lift)
{
    struct vec3 foot = v3_sub(neck_foot(b, angle, lift), HEART);
    float r = v3_length(foot), e = v3_elevation(foot) - gap / (0.35f + 0.55f * b->shoulder);
    return along_ray(b, HEART, v3_heading(atan2f(foot.x, foot.z), e), lift, &r);
}

struct vec3 neck_round(const struct body *b, float angle, float y, float gap)
{
    struct vec3 top = b->shape.neck_top, end = b->shape.neck_low;
    struct vec3 middle = v3_mix(top, end, (y - top.y) / (end.y - top.y));
    float r = b->neck_r * mixf(1, 1.05f, clampf((y - top.y) / (end.y - top.y), 0, 1)) + gap;
    return v3_add(middle, v3(r * sinf(angle), 0, r * cosf(angle)));
}

struct vec3 trunk_front(const struct body *b, float x, float y, float lift)
{
    float z = 0.6f;
    for (int i = 0; i < 24; i++) {
        float d = trunk_skin(b, v3(x, y, z)) - lift;
        if (d < 1e-3f)
            break;
        z -= d * 0.9f;
    }
    return v3(x, y, z);
}

/* Collar bones, and the hollow between them. */
static float bones_raise(const struct body *b, struct vec3 p)
{
    float x = fabsf(p.x), low = trunk_y(b, -1.66f),
          line = low + 0.10f * x + 0.05f * gauss(x - 0.2f, 0.1f);
    float bone = 0.028f * gauss(p.y - line, 0.055f) * ramp(0.05f, 0.16f, x) * ramp(0.95f, 0.6f, x);
    float hollow = 0.05f * gauss2(x, 0.09f, p.y - low, 0.08f);
    return (1 - b->child) * ramp(-0.40f, -0.15f, p.z) * (bone - hollow);
}

/* Skin from the neck, outwards from its axis, to the chest, where every neckline has begun; a
 * hair's breadth over the head's own neck. */
static void skin_build(struct model *m, const struct body *b)
{
    enum { THROAT = 12, CHEST = 16 };
    struct grid *g = grid_start(m, THROAT + CHEST, WEAR_COLS, true);
    for (int k = 0; k < g->cols; k++) {
        float a = wear_angle(k), r = b->neck_r, first = 0;
        for (int i = 0; i < g->rows; i++) {
            bool throat = i < THROAT;
            float y = -0.78f - 0.68f * (float)i / (THROAT - 1),
                  e = mixf(first, 0.42f, (float)(i - THROAT + 1) / CHEST);
            struct vec3 from =
                throat ? neck_round(b, a, y, -b->neck_r * mixf(1, 1.05f, 0.5f)) : HEART;
            struct vec3 p = along_ray(b, from, v3_heading(a, throat ? 0 : e), 0.006f, &r);
            if (i == THROAT - 1) {
                struct vec3 d = v3_sub(p, HEART);
                first = v3_elevation(d);
                r = v3_length(d);
            }
            p.z += bones_raise(b, p);
            g->p[i * g->cols + k] = p;
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_NECK, 0);
}

enum { ARM_POINTS = 17 };

/* Through shoulder, elbow and wrist, rounded at the elbow; t: 0..1..2. */
static struct vec3 arm_point(const struct vec3 at[3], float t)
{
    struct vec3 a = v3_mix(at[0], at[1], t), c = v3_mix(at[1], at[2], t - 1);
    float turn = ramp(0.8f, 1.2f, t);
    return v3_mix(t < 1 ? a : v3_mix(at[0], at[1], 1 - 0.5f * (t - 1)),
                  t > 1 ? c : v3_mix(at[1], at[2], 0.5f * (t - 1)), turn);
}

/* The part t0..t1 of an arm: bare, or in cloth that stands `loose` off it and turns in at its end.
 */
static void arm_tube(struct model *m,
                     const struct body *b,
                     const struct vec3 at[3],
                     float t0,
                     float t1,
                     float loose,
                     int mat,
                     int tag)
{
    struct vec3 path[ARM_POINTS];
    float radius[ARM_POINTS], wide = b->shoulder, w = 0.45f + 0.42f * wide;
    for (int i = 0; i < ARM_POINTS; i++) {
        float t = mixf(t0, t1, minf((float)i / (float)(ARM_POINTS - 2), 1));
        path[i] = arm_point(at, t + (i == ARM_POINTS - 1 ? 0.012f : 0));
        /* as thick at the shoulder as the trunk's own lump there */
        float slim = mixf(0.27f * (0.5f + 0.5f * wide / 1.3f), 0.115f * w, ramp(-0.3f, 2.1f, t)) +
                     0.012f * gauss(t - 1.3f, 0.25f);
        float crease = 0.35f * sinf(t * 23 + 1.5f * sinf(t * 5)) * gauss(t - 1.1f, 0.45f) +
                       0.5f * gauss(t - t1, 0.05f);
        bool end = loose > 0 && i == ARM_POINTS - 1; /* turned in to the skin */
        radius[i] = end ? 0.8f * slim : slim + mixf(0.02f, loose * (1 + crease), ramp(0, 0.45f, t));
    }
    struct tube tube = {.path = path, .radius = radius, .n = ARM_POINTS, .sides = 20, .flat = 1};
    model_tube(m, b, &tube, JOINT_NECK, mat, tag);
}

void arm_build(struct model *m, const struct body *b, float s, struct vec3 elbow, struct vec3 wrist)
{
    struct vec3 at[3] = {arm_shoulder(b, s), elbow, wrist};
    float reach, loose;
    garment_sleeve(b, &reach, &loose);
    if (reach < 1.8f)
        arm_tube(m, b, at, 0.75f * reach, 2, 0, MAT_HAND, 0);
    arm_tube(m, b, at, 0, reach, loose, MAT_SLEEVE, PART_SLEEVE);
    if (reach > 1.8f)
        arm_tube(m, b, at, reach - 0.13f, reach, loose * 1.5f, MAT_SLEEVE, PART_RIB);
}

static void arms_build(struct model *m, const struct body *b)
{
    for (float s = -1; s < 2; s += 2) {
        if (s == hand_side(b))
            continue;
        float wide = b->shoulder;
        struct vec3 wrist = v3(s * (wide + 0.06f), trunk_y(b, -5.05f), -0.12f),
                    hand = v3_add(wrist, v3(-s * 0.02f, -0.20f, 0.05f));
        arm_build(m, b, s, v3(s * (wide + 0.03f), trunk_y(b, -3.6f), -0.44f), wrist);
        model_ball(m, b, JOINT_TRUNK, hand, v3(0.12f, 0.30f, 0.17f), MAT_HAND, 0);
        model_ball(m, b, JOINT_TRUNK, v3_add(hand, v3(-s * 0.06f, 0.02f, 0.15f)),
                   v3(0.06f, 0.17f, 0.06f), MAT_HAND, 1);
    }
}

/* Trousers to the shoes, or bare legs under a skirt. */
static void legs_build(struct model *m, const struct body *b)
{
    enum { N = 9 };
    static const float thick[N] = {0.34f, 0.42f, 0.41f, 0.36f, 0.31f, 0.31f, 0.29f, 0.26f, 0.26f};
    bool skirt = b->look->clothes == CLOTHES_DRESS;
    float w = 0.3f + 0.7f * b->shoulder / 1.3f, foot = trunk_y(b, -9.35f);
    for (float s = -1; s < 2; s += 2) {
        struct vec3 path[N];
        float radius[N];
        for (int i = 0; i < N; i++) {
            float t = step01(i, N);
            path[i] = v3(s * w * mixf(0.40f, 0.46f, t), mixf(trunk_y(b, -5.0f), foot, t),
                         -0.30f - 0.08f * t);
            radius[i] = w * thick[i] * (skirt ? 0.74f - 0.2f * t : 1);
        }
        struct tube tube = {.path = path, .radius = radius, .n = N, .sides = 20, .flat = 1};
        model_tube(m, b, &tube, JOINT_TRUNK, skirt ? MAT_HAND : MAT_CLOTH, PART_TROUSERS);
        model_ball(m, b, JOINT_TRUNK, v3(path[N - 1].x, foot - 0.02f, -0.18f),
                   v3(0.24f * w, 0.19f, 0.46f * w), MAT_CLOTH, PART_SHOE);
    }
}

void trunk_build(struct model *m, const struct body *b)
{
    skin_build(m, b);
    garment_build(m, b);
    arms_build(m, b);
    legs_build(m, b);
}
