// SPDX-License-Identifier: Apache-2.0
/* Scenes of things: a sailing boat, flowers in a vase, a car, a bowl of fruit.
 */
#include "layer.h"

/* A sail between the mast and a bent edge: it bulges where the wind fills it. */
static void sail(
    struct spot *s, float side, float top, float bottom, float reach, struct vec3 cloth)
{
    float x = s->u * side - 0.014f, t = clampf((s->v - top) / (bottom - top), 0, 1);
    float wide = reach * t * (1.35f - 0.35f * t) + 1e-4f;
    float depth =
        minf((wide - x) * 0.8f, minf(x, bottom + 0.03f * sinf(PI * clampf(x / wide, 0, 1)) - s->v));
    struct form f = {minf(depth, s->v - top), side * (1.1f * x / wide - 0.45f), 0.35f * (t - 0.6f)};
    fill(s, f, cloth, 0);
    float seam = off_middle(t * 5);
    glaze(s, 0.12f * ramp(0.455f, 0.49f, seam) * cover(s, f.depth), srgb(0x8a7aa0));
}

static void boat(struct spot *s, struct vec3 paint)
{
    fill(s, limb(s, 0, 0, 0.014f, 0, -1.02f, 0.009f), srgb(0x9c6b42), 0.1f);
    sail(s, 1, -0.98f, -0.16f, 0.44f, srgb(0xfffaf0));
    sail(s, -1, -0.86f, -0.18f, 0.34f, v3_mix(paint, srgb(0xfff4e6), 0.72f));
    fill(s, limb(s, -0.01f, -0.13f, 0.011f, 0.46f, -0.125f, 0.009f), srgb(0x9c6b42), 0.1f);
    float wave = 0.008f * sinf(s->u * 70),
          flag = minf(minf(s->v + 1.06f + wave, -0.985f - wave - s->v), minf(s->u, 0.13f - s->u));
    put(s, flag, paint);
    float x = s->u, rise = -0.055f * x * x * 4 * (x < 0 ? 1.6f : 0.7f) - 0.02f;
    float keel = 0.16f - 1.28f * fabsf(x) * x * x;
    float bow = 0.52f - 0.35f * (s->v - rise) - fabsf(x + 0.03f);
    struct form hull = {minf(minf(s->v - rise, keel - s->v), bow), 0.75f * x / 0.52f,
                        -0.55f + 4.6f * (s->v - rise)};
    float stripe = 0.012f - fabsf(s->v - rise - 0.045f);
    struct vec3 coat = v3_mix(paint, srgb(0xfff6e8), cover(s, stripe));
    fill(s, hull, coat, 0.25f);
    struct form gunwale = {minf(0.016f - fabsf(s->v - rise), bow + 0.02f), 0, (s->v - rise) * 40};
    fill(s, gunwale, srgb(0xb9814e), 0.2f);
}

void scene_boat(struct spot *s)
{
    paint_sky(s, 0.58f);
    paint_clouds(s, 4, 0.34f);
    paint_hills(s, 0.585f, 0.10f, 2.2f, 1, srgb(0x7fa89c), 0.55f);
    paint_sea(s, 0.58f, srgb(0x2a88c0), srgb(0x58b2d6));
    float x = choose(s, 1, 0.42f, 0.58f), size = choose(s, 2, 0.50f, 0.58f), line = 0.70f;
    struct vec3 paint = srgb(scene_shade(SCENE_BOAT, s->seed)->rgb);
    struct spot in = enter(s, x, line, size), below = in;
    float d = in.v - 0.11f;
    if (d > 0) { /* the reflection, broken by waves */
        below.v = 0.20f - in.v;
        below.u += 0.09f * (noise2(in.u * 5, d * 26, s->seed + 7) - 0.5f);
        below.soft += 0.02f + 0.06f * d;
        boat(&below, paint);
        glaze(&in, 0.42f * ramp(0.8f, 0.1f, d), below.colour);
    }
    pool(&in, 0.02f, 0.14f, 0.62f, 0.06f, 0.5f);
    boat(&in, paint);
    float foam = noise2(in.u * 14, in.v * 30, s->seed + 8);
    float lap = fabsf(in.v - 0.125f - 0.03f * in.u * in.u - 0.02f * (foam - 0.5f));
    glaze(&in, 0.85f * ramp(0.028f, 0.006f, lap) * ramp(0.62f, 0.40f, fabsf(in.u)),
          v3(0.96f, 0.98f, 0.99f));
    s->colour = in.colour;
}

/* A wall with a soft patch of window light, and a table with a grain. */
static void table_top(struct spot *s, float edge, struct vec3 wall, struct vec3 wood)
{
    s->colour = v3_scale(wall, 0.98f - 0.34f * s->v);
    float lean = s->u + 0.28f * s->v, patch = ramp(0.16f, 0.24f, lean) * ramp(0.74f, 0.66f, lean);
    float bars = ramp(0.012f, 0.030f, fabsf(lean - 0.45f)) *
                 ramp(0.012f, 0.030f, fabsf(s->v - 0.27f + 0.1f * s->u));
    glaze(s, 0.40f * patch * bars * ramp(0.72f, 0.50f, s->v),
          v3_add(wall, v3(0.22f, 0.19f, 0.13f)));
    float d = s->v - edge, grain = noise2(s->u * 3 + 5, s->v * 70, s->seed + 2) - 0.5f;
    grain += 0.6f * (noise2(s->u * 7, s->v * 160, s->seed + 3) - 0.5f);
    struct form f = {d, 0, -0.42f + 0.12f * grain};
    fill(s, f, v3_scale(wood, 0.95f + 0.20f * grain), 0.05f);
    glaze(s, 0.35f * ramp(0.10f, 0, d) * cover(s, d), srgb(0x5a3a34));
}

/* petals about (u, v); the outer ring behind an inner one. */
static void blossom(
    struct spot *s, float u, float v, float r, int petals, struct vec3 colour, float turn)
{
    struct spot in = enter(s, u, v, r);
    if (!within(&in, -1.5f, -1.5f, 1.5f, 1.5f))
        return;
    float dist = sqrtf(in.u * in.u + in.v * in.v) + 1e-6f;
    shade(&in, flat(0.85f - dist), 0.5f, 0.35f);
    float angle = atan2f(in.v, in.u) + turn;
    for (int ring = 0; ring < 2; ring++) {
        float c = cosf((angle + 0.5f * (float)ring * 2 * PI / (float)petals) * (float)petals);
        float reach = (ring ? 0.72f : 1.0f) * (0.80f + 0.20f * c), t = dist / reach;
        float cup = 0.70f * (1 - c) * t;
        struct form f = {(reach - dist) * 0.8f, in.u / dist * (1.1f * t - 0.55f),
                         in.v / dist * (1.1f * t - 0.55f)};
        struct vec3 hue = v3_mix(v3_scale(colour, 0.62f), v3_mix(colour, v3(1, 0.95f, 0.9f), 0.05f),
                                 ramp(0.1f, 1, t));
        fill(&in, f, v3_scale(hue, 1 - 0.30f * cup), 0);
    }
    struct form heart = ball(&in, 0, 0, 0.26f, 0.26f);
    float dots = noise2(in.u * 15, in.v * 15, s->seed) - 0.5f;
    heart.x += dots;
    heart.y -= dots;
    shade(&in, heart, 0.18f, 0.4f);
    fill(&in, heart, srgb(0xf2b53a), 0);
    s->colour = in.colour;
}

static const float bouquet[9][4] = {/* u, v, radius, turn */
                                    {-0.27f, -0.70f, 0.105f, 0.3f}, {0.27f, -0.72f, 0.105f, 0.9f},
                                    {0.02f, -0.86f, 0.115f, 0.1f},  {-0.17f, -0.86f, 0.075f, 0.5f},
                                    {0.19f, -0.88f, 0.075f, 0.2f},  {-0.33f, -0.55f, 0.078f, 0.7f},
                                    {0.34f, -0.56f, 0.078f, 0.4f},  {-0.10f, -0.62f, 0.125f, 0.6f},
                                    {0.14f, -0.60f, 0.115f, 0.8f}};

void scene_flowers(struct spot *s)
{
    static const unsigned walls[3] = {0xbcd3cf, 0xf0d9c0, 0xc9cfe4},
                          vases[3] = {0x5f93b8, 0xf3ece2, 0x6aa79a};
    table_top(s, 0.74f, srgb(choose_of(s, 3, walls, 3)), srgb(0xb98154));
    struct vec3 colour = srgb(scene_shade(SCENE_FLOWERS, s->seed)->rgb);
    struct spot in = enter(s, choose(s, 1, 0.43f, 0.57f), 0.88f, choose(s, 2, 0.83f, 0.89f));
    pool(&in, 0.10f, 0, 0.34f, 0.07f, 0.6f);
    for (int i = 0; i < 10; i++) {
        float side = i & 1 ? 1.0f : -1.0f, n = (float)(i >> 1);
        float tu = side * (0.46f - 0.085f * n), tv = -0.44f - 0.115f * n, mu = 0.62f * tu,
              mv = 0.5f * (tv - 0.36f) - 0.03f;
        struct form leaf = join(limb(&in, 0.1f * tu, -0.36f, 0.012f, mu, mv, 0.055f),
                                limb(&in, mu, mv, 0.055f, tu, tv, 0.005f), 0.03f);
        float vein = leaf.x * 0.3f;
        fill(&in, leaf, v3_mix(srgb(0x4f9a4c), srgb(0x85bd58), 0.5f + vein + 0.1f * (float)(i % 3)),
             0.08f);
    }
    for (int i = 0; i < 9; i++)
        fill(&in,
             limb(&in, 0.15f * bouquet[i][0], -0.33f, 0.010f, bouquet[i][0], bouquet[i][1], 0.009f),
             srgb(0x5f9e46), 0);
    struct form vase = join(ball(&in, 0, -0.16f, 0.15f, 0.165f),
                            drum(&in, 0, -0.37f, 0.085f, -0.20f, 0.075f), 0.06f);
    vase = carve(vase, -in.v);
    fill(&in, vase, srgb(choose_of(s, 4, vases, 3)), 0.55f);
    float belt = 0.010f - fabsf(in.v + 0.17f - 0.12f * vase.x * vase.x * 0.15f);
    put(&in, minf(belt, vase.depth), v3_scale(in.colour, 1.18f));
    fill(&in, slab(&in, 0, -0.372f, 0.098f, 0.014f, 0.013f), srgb(choose_of(s, 4, vases, 3)), 0.4f);
    for (int i = 0; i < 9; i++) {
        bool small = bouquet[i][2] < 0.08f;
        struct vec3 hue = small ? v3_mix(colour, srgb(0xfffaf2), 0.80f) : colour;
        blossom(&in, bouquet[i][0], bouquet[i][1], bouquet[i][2], small ? 6 : 9, hue,
                bouquet[i][3] * 2);
    }
    s->colour = in.colour;
}

static void wheel(struct spot *s, float u)
{
    fill(s, ball(s, u, -0.125f, 0.125f, 0.125f), srgb(0x33323a), 0.08f);
    struct form rim = ball(s, u, -0.125f, 0.080f, 0.080f);
    rim.x *= -0.5f;
    rim.y *= -0.5f;
    fill(s, rim, srgb(0xd4d6dc), 0.3f);
    fill(s, ball(s, u, -0.125f, 0.045f, 0.045f), srgb(0xf0f0f2), 0.8f);
}

static void car(struct spot *s, struct vec3 paint)
{
    struct form body = join(slab(s, 0, -0.27f, 0.60f, 0.145f, 0.135f),
                            ball(s, 0.05f, -0.40f, 0.37f, 0.32f), 0.05f);
    body = join(body, ball(s, -0.36f, -0.33f, 0.235f, 0.14f), 0.05f);
    body = join(body, ball(s, 0.42f, -0.34f, 0.185f, 0.14f), 0.05f);
    float arch = minf(-ball(s, -0.36f, -0.125f, 0.155f, 0.155f).depth,
                      -ball(s, 0.36f, -0.125f, 0.155f, 0.155f).depth);
    put(s, maxf(inside_box(s, -0.40f, -0.27f, 0.40f, -0.09f), -arch), srgb(0x26242c));
    struct form skin = carve(body, minf(arch, -0.125f - s->v));
    fill(s, skin, paint, 0.75f);
    float shine = ramp(0.03f, 0.0f, fabsf(s->v + 0.345f + 0.10f * s->u * s->u)) *
                  cover(s, skin.depth - 0.02f);
    glaze(s, 0.22f * shine, v3_mix(s->sky_low, v3(1, 1, 1), 0.5f));
    glaze(s, 0.30f * ramp(-0.20f, -0.13f, s->v) * cover(s, skin.depth), srgb(0x4a3a44));
    struct form glass = carve(ball(s, 0.05f, -0.395f, 0.315f, 0.275f),
                              minf(-0.415f - s->v, fabsf(s->u - 0.05f) - 0.017f));
    struct vec3 tint = v3_mix(srgb(0x4f6c86), srgb(0xcfe8f4), ramp(-0.40f, -0.66f, s->v));
    put(s, glass.depth + 0.008f, v3_scale(paint, 0.42f));
    put(s, glass.depth, tint);
    float flash = ramp(0.03f, 0.02f, fabsf(s->u - 0.35f * s->v - 0.02f)) +
                  ramp(0.012f, 0.006f, fabsf(s->u - 0.35f * s->v - 0.075f));
    glaze(s, 0.35f * flash * cover(s, glass.depth), v3(1, 1, 1));
    float seam = minf(fabsf(s->u - 0.05f), fabsf(s->u + 0.215f - 0.10f * (s->v + 0.3f)));
    glaze(s,
          0.5f * ramp(0.008f, 0.002f, seam) * ramp(-0.43f, -0.40f, s->v) *
              cover(s, minf(skin.depth, -0.16f - s->v)),
          v3_scale(paint, 0.3f));
    fill(s, limb(s, -0.04f, -0.335f, 0.012f, 0.0f, -0.335f, 0.012f), srgb(0xe6e6ea), 0.8f);
    fill(s, limb(s, -0.63f, -0.16f, 0.030f, -0.53f, -0.16f, 0.030f), srgb(0xdfe0e6), 0.7f);
    fill(s, limb(s, 0.53f, -0.16f, 0.030f, 0.63f, -0.16f, 0.030f), srgb(0xdfe0e6), 0.7f);
    fill(s, ball(s, -0.535f, -0.315f, 0.052f, 0.060f), srgb(0xdfe0e6), 0.7f);
    fill(s, ball(s, -0.545f, -0.315f, 0.038f, 0.046f), srgb(0xfff2c4), 0.9f);
    fill(s, ball(s, 0.575f, -0.30f, 0.028f, 0.048f), srgb(0xd93a32), 0.7f);
    wheel(s, -0.36f);
    wheel(s, 0.36f);
}

void scene_car(struct spot *s)
{
    paint_sky(s, 0.60f);
    paint_clouds(s, 3, 0.26f);
    paint_hills(s, 0.64f, 0.24f, 2.2f, 1, srgb(0x86b58a), 0.46f);
    paint_hills(s, 0.68f, 0.14f, 3.0f, 2, srgb(0x93c26a), 0.20f);
    paint_grass(s, 0.645f, srgb(0x76b04a), srgb(0xa2cd62));
    paint_tree(s, choose(s, 3, 0.08f, 0.18f), 0.70f, choose(s, 4, 0.40f, 0.50f), srgb(0x6cab48), 2);
    paint_tree(s, choose(s, 5, 0.82f, 0.92f), 0.69f, choose(s, 6, 0.32f, 0.42f), srgb(0x86b84c), 3);
    paint_bush(s, choose(s, 7, 0.4f, 0.6f), 0.70f, 0.08f, srgb(0x62a646), 4);
    struct form road = {minf(s->v - 0.745f, 0.925f - s->v), 0, -0.35f};
    fill(s, (struct form){minf(s->v - 0.735f, 0.935f - s->v), 0, -0.4f}, srgb(0xe0d2b8), 0);
    float grit = noise2(s->u * 90, s->v * 120, s->seed) - 0.5f;
    fill(s, road, v3_scale(srgb(0x8f8c9a), 1 + 0.10f * grit), 0);
    float dash = off_middle(s->u * 3.5f + 4 * chance(s, 8));
    put(s, minf((0.3f - dash) / 3.5f, 0.008f - fabsf(s->v - 0.885f)), srgb(0xf6efdc));
    paint_grass(s, 0.935f, srgb(0x5a9e3c), srgb(0x7cb64a));
    struct spot in = enter(s, choose(s, 1, 0.45f, 0.55f), 0.84f, choose(s, 2, 0.60f, 0.68f));
    pool(&in, 0.03f, -0.01f, 0.72f, 0.075f, 0.75f);
    car(&in, srgb(scene_shade(SCENE_CAR, s->seed)->rgb));
    s->colour = in.colour;
}

static void apple(struct spot *s, float u, float v, float r, struct vec3 skin, struct vec3 blush)
{
    struct form f = join(ball(s, u - 0.30f * r, v, 0.74f * r, 0.95f * r),
                         ball(s, u + 0.30f * r, v, 0.74f * r, 0.95f * r), 0.35f * r);
    shade(s, f, 0.30f * r, 0.32f);
    float fleck = noise2((s->u - u) / r * 6, (s->v - v) / r * 2, s->seed) - 0.5f;
    fill(s, f, v3_mix(skin, blush, clampf(0.5f - 0.7f * f.x + 0.4f * f.y + 0.8f * fleck, 0, 1)),
         0.5f);
    pool(s, u, v - 0.80f * r, 0.30f * r, 0.14f * r, 0.6f);
    fill(s, limb(s, u, v - 0.78f * r, 0.05f * r, u + 0.12f * r, v - 1.18f * r, 0.06f * r),
         srgb(0x7a5234), 0);
    struct form leaf = join(
        limb(s, u + 0.1f * r, v - 1.02f * r, 0.03f * r, u + 0.38f * r, v - 1.18f * r, 0.14f * r),
        limb(s, u + 0.38f * r, v - 1.18f * r, 0.14f * r, u + 0.68f * r, v - 1.12f * r, 0.02f * r),
        0.05f * r);
    fill(s, leaf, srgb(0x6fb048), 0.15f);
}

static void orange(struct spot *s, float u, float v, float r)
{
    struct form f = ball(s, u, v, r, 0.96f * r);
    shade(s, f, 0.30f * r, 0.32f);
    float pore = noise2((s->u - u) / r * 15, (s->v - v) / r * 15, s->seed) - 0.5f;
    f.x += 0.22f * pore;
    f.y -= 0.22f * pore;
    fill(s, f, srgb(0xf58f26), 0.35f);
    fill(s, ball(s, u + 0.2f * r, v - 0.55f * r, 0.09f * r, 0.06f * r), srgb(0x7c9a3c), 0);
}

static void banana(struct spot *s, float lift)
{
    static const float spine[6][3] = {{-0.46f, -0.50f, 0.022f},  {-0.40f, -0.42f, 0.052f},
                                      {-0.26f, -0.335f, 0.070f}, {-0.06f, -0.30f, 0.072f},
                                      {0.12f, -0.325f, 0.055f},  {0.22f, -0.38f, 0.020f}};
    struct form f = {-1, 0, 0};
    for (int i = 0; i < 5; i++)
        f = join(f,
                 limb(s, spine[i][0], spine[i][1] - lift, spine[i][2], spine[i + 1][0],
                      spine[i + 1][1] - lift, spine[i + 1][2]),
                 0.02f);
    f.y += 0.25f * ramp(-0.1f, 0.3f, f.y);
    shade(s, f, 0.05f, 0.35f);
    float tip = ramp(-0.43f, -0.46f, s->u) + ramp(0.19f, 0.22f, s->u);
    fill(s, f, v3_mix(srgb(0xfad045), srgb(0x8a6a3a), clampf(tip, 0, 1)), 0.15f);
}

static void grapes(struct spot *s, float u, float v, struct vec3 skin)
{
    for (int row = 0; row < 5; row++)
        for (int i = 0; i < 5 - row; i++) {
            float x = u + 0.064f * ((float)i - 0.5f * (float)(4 - row)),
                  y = v + 0.050f * (float)row;
            struct form f = ball(s, x, y, 0.042f, 0.042f);
            shade(s, f, 0.018f, 0.35f);
            fill(s, f, skin, 0.6f);
        }
}

void scene_fruit(struct spot *s)
{
    static const unsigned walls[3] = {0xf0d6b4, 0xbfd0d8, 0xcfd8b8},
                          bowls[3] = {0xf6efe4, 0x5f96bc, 0xd98a6a};
    table_top(s, 0.66f, srgb(choose_of(s, 3, walls, 3)), srgb(0xa8714a));
    struct vec3 clay = srgb(choose_of(s, 4, bowls, 3));
    struct spot in = enter(s, choose(s, 1, 0.44f, 0.56f), 0.83f, choose(s, 2, 0.80f, 0.88f));
    pool(&in, 0.08f, 0.0f, 0.52f, 0.08f, 0.65f);
    float rim = -0.30f, sag = 0.055f * sqrtf(maxf(1 - in.u * in.u / 0.2209f, 0));
    struct form inside = ball(&in, 0, rim, 0.47f, 0.06f);
    fill(&in, inside, v3_scale(clay, 0.55f), 0);
    bool green = chance(s, 5) < 0.5f;
    apple(&in, 0.02f, -0.50f, 0.145f, srgb(0x9cc43c), srgb(0xd8d456));
    orange(&in, 0.25f, -0.40f, 0.145f);
    apple(&in, -0.24f, -0.40f, 0.150f, srgb(0xc9302c), srgb(0xef6a44));
    banana(&in, 0.02f);
    orange(&in, 0.08f, -0.33f, 0.125f);
    struct form bowl =
        carve(ball(&in, 0, rim, 0.47f, 0.30f), minf(in.v - rim - sag, -0.005f - in.v));
    struct form foot = slab(&in, 0, -0.012f, 0.17f, 0.022f, 0.018f);
    fill(&in, foot, v3_scale(clay, 0.9f), 0.2f);
    fill(&in, bowl, clay, 0.45f);
    float band = 0.012f - fabsf(in.v - rim - sag - 0.075f);
    put(&in, minf(band, bowl.depth), v3_mul(in.colour, v3(0.72f, 0.80f, 0.88f)));
    struct form lip = {0.014f - fabsf(in.v - rim - sag) - maxf(fabsf(in.u) - 0.462f, 0),
                       0.9f * in.u / 0.47f, (in.v - rim - sag) * 45};
    fill(&in, lip, clay, 0.3f);
    grapes(&in, 0.30f, -0.335f, green ? srgb(0x9cc65a) : srgb(0x7a4f9c));
    s->colour = in.colour;
}
