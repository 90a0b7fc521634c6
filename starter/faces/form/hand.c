// SPDX-License-Identifier: Apache-2.0
/* A hand at the face. A gesture is a table of where each finger's joints rest: points round an
 * anchor of the face, brought to the head's surface along the ray from its middle and then lifted,
 * so the hand lies on every head. Palm and fingers are tubes that begin inside each other.
 */
#include "wear.h"

enum { ANCHOR_CHIN, ANCHOR_MOUTH, ANCHOR_CHEEK };
enum { FINGERS = 5, JOINTS = 4 }; /* thumb first; knuckle to tip */

struct rest {
    float x, y, z, lift; /* x towards the hand's side; y from the anchor */
};

static const struct gesture {
    int anchor;
    struct rest wrist;
    struct vec3 elbow; /* x beyond the shoulder */
    struct rest joint[FINGERS][JOINTS];
} gestures[FRONT_COUNT] = {
    [FRONT_HAND_CHIN] = {ANCHOR_CHIN,
                         {0.50f, -0.62f, 0.80f, 0},
                         {0.05f, -3.35f, 0.35f},
                         {{{0.50f, -0.22f, 0.72f, 0.10f},
                           {0.56f, 0.02f, 0.56f, 0.10f},
                           {0.55f, 0.20f, 0.52f, 0.07f},
                           {0.52f, 0.36f, 0.52f, 0.06f}},
                          {{0.34f, -0.16f, 0.86f, 0.17f},
                           {0.20f, 0.02f, 0.74f, 0.13f},
                           {0.02f, 0.085f, 0.70f, 0.085f},
                           {-0.14f, 0.10f, 0.66f, 0.07f}},
                          {{0.29f, -0.28f, 0.82f, 0.17f},
                           {0.10f, -0.08f, 0.66f, 0.13f},
                           {-0.06f, -0.05f, 0.62f, 0.09f},
                           {-0.19f, -0.03f, 0.56f, 0.07f}},
                          {{0.27f, -0.40f, 0.76f, 0.17f},
                           {0.06f, -0.22f, 0.66f, 0.15f},
                           {-0.07f, -0.20f, 0.54f, 0.10f},
                           {-0.12f, -0.22f, 0.40f, 0.07f}},
                          {{0.28f, -0.50f, 0.70f, 0.17f},
                           {0.09f, -0.35f, 0.64f, 0.16f},
                           {-0.02f, -0.34f, 0.52f, 0.12f},
                           {-0.05f, -0.34f, 0.40f, 0.08f}}}},
    [FRONT_HAND_CHEEK] = {ANCHOR_CHEEK,
                          {0.66f, -0.98f, 0.62f, 0},
                          {0.10f, -3.30f, 0.40f},
                          {{{0.58f, -0.62f, 0.62f, 0.10f},
                            {0.50f, -0.44f, 0.66f, 0.11f},
                            {0.44f, -0.26f, 0.64f, 0.075f},
                            {0.41f, -0.10f, 0.62f, 0.065f}},
                           {{0.66f, -0.36f, 0.46f, 0.14f},
                            {0.66f, -0.06f, 0.46f, 0.10f},
                            {0.64f, 0.14f, 0.44f, 0.075f},
                            {0.60f, 0.30f, 0.42f, 0.065f}},
                           {{0.72f, -0.36f, 0.34f, 0.14f},
                            {0.74f, -0.03f, 0.32f, 0.10f},
                            {0.73f, 0.20f, 0.30f, 0.075f},
                            {0.70f, 0.37f, 0.28f, 0.065f}},
                           {{0.75f, -0.39f, 0.20f, 0.14f},
                            {0.78f, -0.07f, 0.18f, 0.12f},
                            {0.78f, 0.13f, 0.16f, 0.10f},
                            {0.76f, 0.29f, 0.14f, 0.07f}},
                           {{0.76f, -0.44f, 0.06f, 0.14f},
                            {0.79f, -0.18f, 0.02f, 0.14f},
                            {0.80f, -0.03f, 0.0f, 0.13f},
                            {0.80f, 0.09f, -0.02f, 0.10f}}}},
    [FRONT_HAND_MOUTH] = {ANCHOR_MOUTH,
                          {0.62f, -0.80f, 0.86f, 0},
                          {0.10f, -3.35f, 0.35f},
                          {{{0.50f, -0.40f, 0.72f, 0.14f},
                            {0.52f, -0.20f, 0.62f, 0.12f},
                            {0.52f, -0.02f, 0.60f, 0.08f},
                            {0.50f, 0.13f, 0.58f, 0.065f}},
                           {{0.38f, -0.20f, 0.84f, 0.20f},
                            {0.16f, 0.03f, 0.86f, 0.14f},
                            {-0.03f, 0.13f, 0.82f, 0.09f},
                            {-0.18f, 0.19f, 0.76f, 0.07f}},
                           {{0.32f, -0.31f, 0.84f, 0.20f},
                            {0.08f, -0.08f, 0.86f, 0.14f},
                            {-0.14f, 0.02f, 0.80f, 0.09f},
                            {-0.30f, 0.08f, 0.70f, 0.07f}},
                           {{0.28f, -0.43f, 0.80f, 0.20f},
                            {0.05f, -0.20f, 0.84f, 0.15f},
                            {-0.15f, -0.10f, 0.78f, 0.10f},
                            {-0.30f, -0.05f, 0.68f, 0.07f}},
                           {{0.27f, -0.54f, 0.76f, 0.20f},
                            {0.08f, -0.34f, 0.80f, 0.16f},
                            {-0.08f, -0.26f, 0.74f, 0.11f},
                            {-0.20f, -0.21f, 0.66f, 0.07f}}}},
};

float hand_side(const struct body *b)
{
    if (b->shot->front < FRONT_HAND_CHIN || b->shot->front > FRONT_HAND_MOUTH)
        return 0;
    struct rng r = rng_make(b->shot->seed, FOR_HAND);
    return rng_next(&r) & 1 ? 1.0f : -1.0f;
}

static struct vec3 place(
    const struct body *b, const struct gesture *k, const struct rest *j, float s, float size)
{
    const float anchors[] = {b->chin, b->mouth_y, b->eye_y - 0.22f};
    struct vec3 p = v3(s * j->x, anchors[k->anchor] + j->y, j->z);
    if (j->lift == 0)
        return p;
    struct vec3 on = head_towards(b, v3_sub(p, HEAD_MIDDLE));
    return v3_add(on, v3_scale(head_normal(b, on), j->lift * size));
}

/* Through four points, t 0..3: Catmull and Rom's curve, its tangents shortened from 0.5 to 0.4 so
 * that fingers bend at their joints. */
static struct vec3 curve(const struct vec3 p[4], float t)
{
    int i = t < 1 ? 0 : t < 2 ? 1 : 2;
    float u = t - (float)i;
    struct vec3 a = i ? p[i - 1] : v3_sub(v3_scale(p[0], 2), p[1]),
                d = i < 2 ? p[i + 2] : v3_sub(v3_scale(p[3], 2), p[2]);
    struct vec3 m0 = v3_scale(v3_sub(p[i + 1], a), 0.4f), m1 = v3_scale(v3_sub(d, p[i]), 0.4f);
    float u2 = u * u, u3 = u2 * u;
    return v3_add(v3_add(v3_scale(p[i], 2 * u3 - 3 * u2 + 1), v3_scale(m0, u3 - 2 * u2 + u)),
                  v3_add(v3_scale(p[i + 1], 3 * u2 - 2 * u3), v3_scale(m1, u3 - u2)));
}

/* A tube whose radius tells the joints, with a round tip. */
static void finger_build(
    struct model *m, const struct body *b, const struct vec3 joint[JOINTS], float thick, int number)
{
    enum { N = 20, CAP = 6 };
    struct vec3 path[N], tip = v3_unit(v3_sub(curve(joint, 3), curve(joint, 2.8f)));
    float radius[N];
    for (int i = 0; i < N; i++) {
        float t = minf(3 * (float)i / (N - CAP - 1), 3);
        float swell = 0.06f * gauss(t - 1, 0.22f) + 0.04f * gauss(t - 2, 0.2f) +
                      0.06f * gauss(t - 2.75f, 0.3f);
        float r = thick * (1.06f - 0.085f * t + swell);
        float cap = i < N - CAP ? 0 : 0.5f * PI * (float)(i - (N - CAP) + 1) / CAP;
        path[i] = v3_add(curve(joint, t), v3_scale(tip, r * 0.95f * sinf(cap)));
        radius[i] = maxf(r * cosf(cap), 0.002f);
    }
    struct tube tube = {.path = path, .radius = radius, .n = N, .sides = 16, .flat = 0.94f};
    model_tube(m, b, &tube, JOINT_NECK, MAT_HAND, number);
}

/* From the wrist, oval, to the row of knuckles, wide and flat, and round over them. */
static void palm_build(struct model *m,
                       const struct body *b,
                       struct vec3 wrist,
                       const struct vec3 knuckle[4],
                       float thick)
{
    enum { ROWS = 22 };
    struct vec3 first = knuckle[0], last = knuckle[3], middle = v3_mix(first, last, 0.5f),
                along = v3_unit(v3_sub(middle, wrist));
    struct vec3 side = v3_sub(first, last);
    float half = 0.5f * v3_length(side) + thick * 0.95f;
    side = v3_unit(v3_sub(side, v3_scale(along, v3_dot(side, along))));
    struct vec3 up = v3_cross(side, along);
    float arch = v3_dot(v3_sub(v3_mix(knuckle[1], knuckle[2], 0.5f), middle), up);
    struct grid *g = grid_start(m, ROWS, 29, true);
    for (int i = 0; i < ROWS; i++) {
        float t = 1.18f * (float)i / (ROWS - 1), past = clampf((t - 0.96f) / 0.22f, 0, 1),
              close = sqrtf(maxf(1 - past * past, 1e-4f));
        float wide = mixf(thick * 1.42f, half, ramp(0.0f, 0.75f, t)) * close;
        float high =
            mixf(thick * 1.20f, thick * 1.22f, t) * close * (1 + 0.18f * gauss(t - 0.45f, 0.3f));
        struct vec3 from = v3_add(wrist, v3_scale(v3_sub(middle, wrist), minf(t, 0.96f)));
        from = v3_add(from, v3_scale(along, past * thick * 1.1f));
        for (int c = 0; c < g->cols; c++) {
            float u = sector(c, g->cols - 1);
            float cx = powf_signed(cosf(u), 0.85f), sy = powf_signed(sinf(u), 0.85f);
            g->p[i * g->cols + c] = v3_add(
                from, v3_add(v3_scale(side, wide * cx),
                             v3_scale(up, high * sy + arch * ramp(0, 1, t) * (1 - cx * cx))));
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_HAND, FINGERS);
}

void hand_build(struct model *m, const struct body *b)
{
    static const float share[FINGERS] = {1.10f, 1, 1.03f, 0.98f, 0.86f};
    float s = hand_side(b);
    if (s == 0)
        return;
    const struct gesture *k = &gestures[b->shot->front];
    float size = 1 - 0.14f * b->child + 0.06f * b->male, thick = 0.082f * size;
    struct vec3 joint[FINGERS][JOINTS], wrist = place(b, k, &k->wrist, s, size);
    for (int f = 0; f < FINGERS; f++)
        for (int i = 0; i < JOINTS; i++)
            joint[f][i] = place(b, k, &k->joint[f][i], s, size);
    const struct vec3 knuckle[4] = {joint[1][0], joint[2][0], joint[3][0], joint[4][0]};
    palm_build(m, b, wrist, knuckle, thick);
    joint[0][0] = v3_mix(v3_mix(wrist, knuckle[0], 0.28f), joint[0][0], 0.22f);
    float round = thick * 1.40f, ball = thick * 1.16f; /* where forearm, palm and thumb bend */
    model_ball(m, b, JOINT_NECK, wrist, v3(round, round, round), MAT_HAND, FINGERS);
    model_ball(m, b, JOINT_NECK, joint[0][0], v3(ball, ball, ball), MAT_HAND, FINGERS);
    for (int f = 1; f < FINGERS; f++)
        joint[f][0] = v3_mix(joint[f][0], wrist, 0.12f);
    for (int f = 0; f < FINGERS; f++)
        finger_build(m, b, joint[f], thick * share[f], f);
    struct vec3 elbow = v3(s * (b->shoulder + k->elbow.x), trunk_y(b, k->elbow.y), k->elbow.z);
    arm_build(m, b, s, elbow, v3_add(wrist, v3_scale(v3_unit(v3_sub(joint[2][0], wrist)), 0.02f)));
}
