// SPDX-License-Identifier: Apache-2.0
/* Scenes of what people build. Walls are slabs with rounded edges, roofs flat forms that tilt up to
 * the sky, towers drums.
 */
#include "layer.h"

static struct vec3 glass(const struct spot *s, float top, float bottom)
{
    return v3_mix(v3_mix(srgb(0x5f8fb4), s->sky_top, 0.3f),
                  v3_mix(srgb(0xd6ecf4), s->sky_low, 0.4f), ramp(bottom, top, s->v));
}

void paint_window(struct spot *s, float u, float v, float half_u, float half_v, struct vec3 frame)
{
    if (!within(s, u - 2 * half_u, v - 2 * half_v, u + 2 * half_u, v + 2 * half_v))
        return;
    float bar = 0.16f * half_u;
    struct form outer = slab(s, u, v, half_u + bar, half_v + bar, bar);
    shade(s, outer, bar, 0.25f);
    fill(s, outer, frame, 0);
    float pane = minf(slab(s, u, v, half_u, half_v, bar).depth, fabsf(s->u - u) - 0.5f * bar);
    pane = minf(pane, fabsf(s->v - v + 0.15f * half_v) - 0.5f * bar);
    put(s, pane, glass(s, v - half_v, v + half_v));
    fill(s, slab(s, u, v + half_v + 1.6f * bar, half_u + 2.2f * bar, 0.9f * bar, 0.8f * bar), frame,
         0);
}

void paint_roof(struct spot *s,
                float u,
                float top,
                float half_top,
                float bottom,
                float half_bottom,
                struct vec3 tiles)
{
    float t = clampf((s->v - top) / (bottom - top), 0, 1), half = mixf(half_top, half_bottom, t);
    float slope = (half_bottom - half_top) / (bottom - top), x = s->u - u;
    float depth = (half - fabsf(x)) / sqrtf(1 + slope * slope);
    struct form f = {minf(depth, minf(s->v - top, bottom - s->v)), 0.25f * x / half_bottom, -0.42f};
    float row = s->v * 62, tile = 0.5f + 0.5f * cosf(row * PI);
    f.y += 0.16f * (tile - 0.5f);
    fill(s, f, v3_scale(tiles, 0.92f + 0.12f * tile), 0.04f);
    fill(s, limb(s, u - half_bottom, bottom, 0.008f, u + half_bottom, bottom, 0.008f),
         v3_scale(tiles, 0.8f), 0);
}

static void lamp_house(struct spot *s, float x, float top)
{
    fill(s, slab(s, x, top, 0.062f, 0.011f, 0.008f), srgb(0x4a4a58), 0.2f);
    struct form lamp = drum(s, x, top - 0.075f, 0.034f, top - 0.008f, 0.034f);
    fill(s, lamp, srgb(0xffe9a8), 0.2f);
    put(s, minf(lamp.depth, 0.004f - fabsf(s->u - x - 0.012f)), srgb(0x4a4a58));
    struct form dome = carve(ball(s, x, top - 0.072f, 0.044f, 0.05f), top - 0.07f - s->v);
    fill(s, dome, srgb(0xc83f38), 0.4f);
    fill(s, ball(s, x, top - 0.127f, 0.010f, 0.010f), srgb(0xc83f38), 0.3f);
    glow(s, x, top - 0.04f, 0.13f, v3(0.28f, 0.20f, 0.07f));
}

/* Grassy above, rocky where the waves reach it. */
static void paint_island(struct spot *s, float x)
{
    struct form rock = ball(s, x - 0.02f, 0.90f, 0.28f, 0.21f);
    rock = join(rock, ball(s, x + 0.27f, 0.92f, 0.15f, 0.13f), 0.05f);
    rock = join(rock, ball(s, x - 0.29f, 0.93f, 0.14f, 0.12f), 0.05f);
    float crag = noise2(s->u * 17, s->v * 9, s->seed + 1) - 0.5f;
    float ledge = noise2(s->u * 9, s->v * 38 + 6 * s->u, s->seed + 2) - 0.5f;
    float swell = noise2(s->u * 22, s->v * 30, s->seed + 3);
    float water = 0.900f + 0.012f * sinf(s->u * 23) - s->v;
    rock.depth += 0.025f * crag;
    float shore = minf(rock.depth, water), foam = ramp(-0.020f - 0.030f * swell, -0.004f, shore);
    glaze(s, 0.85f * foam * ramp(0.80f, 0.86f, s->v), v3(0.96f, 0.98f, 0.99f));
    float turf = ramp(0.085f, 0.060f, rock.depth + 0.10f * crag + 0.03f * ledge);
    turf *= ramp(0.87f, 0.80f, s->v + 0.06f * crag);
    struct vec3 stone = v3_mix(srgb(0xb09c90), srgb(0x6d6468), ramp(0.85f, 0.91f, s->v));
    rock.x = 0.6f * rock.x + mixf(1.1f * crag, 0.25f * crag, turf);
    rock.y = mixf(0.15f - 0.9f * ledge, -0.5f + 0.3f * ledge, turf);
    fill(s, carve(rock, water), v3_mix(stone, srgb(0x86b950), turf), 0);
}

void scene_lighthouse(struct spot *s)
{
    paint_sky(s, 0.62f);
    paint_clouds(s, 3, 0.34f);
    paint_sea(s, 0.62f, srgb(0x2f86b8), srgb(0x4fa4cc));
    float x = choose(s, 1, 0.36f, 0.52f), foot = 0.715f, top = choose(s, 2, 0.24f, 0.29f);
    paint_island(s, x);
    pool(s, x + 0.05f, foot + 0.02f, 0.17f, 0.035f, 0.5f);
    float t = minf((s->v - top) / (foot - top), 0.97f);
    struct form tower =
        drum(s, x, top, 0.046f, foot + 0.015f - 2.0f * (s->u - x) * (s->u - x), 0.078f);
    float band = fmodf(t * 5 + 5.0f - 0.35f * tower.x * tower.x, 2.0f);
    float white = ramp(-0.04f, 0.04f, band - 1) * ramp(2.0f, 1.95f, band);
    fill(s, tower, v3_mix(srgb(0xd2453b), srgb(0xfaf4ea), white), 0.12f);
    paint_window(s, x, top + 0.15f, 0.010f, 0.018f, srgb(0x5b5666));
    fill(s, slab(s, x, foot - 0.02f, 0.020f, 0.038f, 0.014f), srgb(0x6d4a3a), 0);
    lamp_house(s, x, top);
}

static void house_front(struct spot *s, struct vec3 tiles)
{
    struct vec3 cream = srgb(0xfbeed6), wood = srgb(0x8a5a3c);
    pool(s, 0.06f, 0.0f, 0.62f, 0.10f, 0.55f);
    fill(s, slab(s, 0.24f, -0.66f, 0.05f, 0.14f, 0.012f), srgb(0xb5705a), 0);
    fill(s, slab(s, 0.24f, -0.79f, 0.065f, 0.022f, 0.012f), srgb(0x9c5c4a), 0);
    struct form wall = slab(s, 0, -0.20f, 0.40f, 0.22f, 0.02f);
    wall.x += 0.12f;
    fill(s, wall, cream, 0);
    glaze(s, 0.35f * cover(s, wall.depth) * ramp(-0.29f, -0.40f, s->v), srgb(0x8b6f86));
    paint_roof(s, 0, -0.72f, 0.26f, -0.38f, 0.47f, tiles);
    fill(s, slab(s, 0, 0, 0.41f, 0.025f, 0.012f), srgb(0xa89c94), 0);
    struct form gable = flat((s->v + 0.70f - 0.9f * fabsf(s->u)) * 0.74f);
    gable = carve(gable, minf(-0.03f - s->v, 0.16f - fabsf(s->u)));
    gable.x = 0.10f;
    fill(s, gable, v3_scale(cream, 1.05f), 0);
    for (float side = -1; side < 2; side += 2)
        fill(s, limb(s, 0, -0.70f, 0.024f, 0.215f * side, -0.49f, 0.024f), v3_scale(tiles, 0.92f),
             0.05f);
    paint_window(s, 0, -0.45f, 0.045f, 0.05f, srgb(0xffffff));
    struct form door = slab(s, 0, -0.12f, 0.072f, 0.125f, 0.03f);
    shade(s, door, 0.03f, 0.3f);
    fill(s, door, wood, 0.05f);
    fill(s, ball(s, 0.045f, -0.12f, 0.010f, 0.010f), srgb(0xf5cf6a), 0.8f);
    for (float side = -1; side < 2; side += 2) {
        float u = 0.275f * side;
        paint_window(s, u, -0.20f, 0.062f, 0.068f, srgb(0xffffff));
        fill(s, slab(s, u, -0.10f, 0.085f, 0.02f, 0.012f), wood, 0);
        for (int i = -2; i <= 2; i++)
            fill(s, ball(s, u + 0.034f * (float)i, -0.125f, 0.021f, 0.019f),
                 i & 1 ? srgb(0xf2748c) : srgb(0x6fae4e), 0);
    }
}

static void fence(struct spot *s, float v, float from, float to)
{
    if (s->v < v - 0.12f || s->v > v + 0.03f)
        return;
    for (int i = 0; i < 2; i++)
        fill(s,
             carve(limb(s, 0, v - 0.03f - 0.04f * (float)i, 0.007f, 1, v - 0.03f - 0.04f * (float)i,
                        0.007f),
                   maxf(from - s->u, s->u - to)),
             srgb(0xf3ece2), 0);
    float u = cell_middle(s->u, 0.045f);
    if (u < from || u > to)
        fill(s, slab(s, u, v - 0.04f, 0.012f, 0.05f, 0.010f), srgb(0xfffaf2), 0);
}

void scene_house(struct spot *s)
{
    paint_sky(s, 0.62f);
    paint_clouds(s, 3, 0.24f);
    paint_hills(s, 0.68f, 0.16f, 2.6f, 1, srgb(0x86b58a), 0.42f);
    paint_grass(s, 0.66f, srgb(0x62a342), srgb(0xa2cd62));
    float x = choose(s, 1, 0.44f, 0.54f), foot = 0.80f;
    paint_tree(s, x - 0.36f, 0.76f, choose(s, 2, 0.44f, 0.52f), srgb(0x66a847), 3);
    paint_fir(s, x + 0.40f, 0.75f, choose(s, 3, 0.34f, 0.46f), srgb(0x3f8256), 0);
    struct spot in = enter(s, x, foot, 0.66f);
    house_front(&in, srgb(scene_shade(SCENE_HOUSE, s->seed)->rgb));
    s->colour = in.colour;
    float half = 0.045f + 0.38f * (s->v - foot), turn = x + 0.05f * sinf((s->v - foot) * 12);
    struct form path = flat(minf(half - fabsf(s->u - turn), s->v - foot - 0.012f));
    path.y = 0.4f * (noise2(s->u * 26, s->v * 44, s->seed) - 0.5f) - 0.2f;
    fill(s, path, srgb(0xe2caa0), 0);
    paint_bush(s, x - 0.25f, 0.83f, 0.065f, srgb(0x6cae48), 5);
    paint_bush(s, x + 0.27f, 0.835f, 0.075f, srgb(0x58a04a), 6);
    fence(s, 0.93f, x - 0.14f, x + 0.16f);
    paint_blossoms(s, 0.93f, 1.0f, 7);
}

static void castle_tower(struct spot *s, float u, float top, float half, struct vec3 tiles)
{
    struct form f = drum(s, u, top, half, 0.02f, half * 1.08f);
    fill(s, f, srgb(0xefe3d4), 0);
    fill(s, slab(s, u, top + 0.015f, half * 1.18f, 0.024f, 0.014f), srgb(0xd9c8b8), 0);
    float high = 3.1f * half, t = clampf((s->v - top + high) / high, 0, 1), x = s->u - u;
    float wide = 1.32f * half * t;
    float hem = top + 0.012f - 1.2f * x * x;
    struct form cone = {minf((wide - fabsf(x)) * 0.92f, minf(hem - s->v, s->v - top + high)),
                        0.9f * x / (wide + 1e-4f), -0.30f};
    fill(s, cone, tiles, 0.15f);
    float tip = top - high;
    put(s, 0.005f - fabsf(x) - maxf(maxf(tip - 0.10f - s->v, s->v - tip - 0.02f), 0),
        srgb(0x7a6a60));
    float wave = 0.010f * sinf((s->u - u) * 70);
    float flag =
        minf(minf(s->v - tip + 0.10f + wave, tip - 0.045f - s->v - wave), minf(x, 0.085f - x));
    put(s, flag, srgb(0xf6c23c));
    put(s, slab(s, u, top + 0.13f, 0.020f, 0.042f, 0.018f).depth, srgb(0x6a5c78));
}

static void battlement(struct spot *s, float u, float top, float half)
{
    float tooth = fabsf(fmodf(s->u - u + 10 * 0.07f, 0.07f) - 0.035f);
    struct form wall = slab(s, u, 0.5f * (top + 0.03f), half, 0.5f * (0.03f - top), 0.01f);
    fill(s, wall, srgb(0xe3d4c4), 0);
    struct form teeth = carve(slab(s, u, top - 0.01f, half, 0.03f, 0.008f), tooth - 0.014f);
    fill(s, teeth, srgb(0xeaddcf), 0);
    float row = floorf(s->v * 22), x = s->u * 12 + 0.5f * fmodf(row + 100, 2);
    float stone = ramp(0.78f, 0.86f, hash01(floor_of(x + 50), (int)row, s->seed));
    glaze(s, 0.35f * stone * cover(s, wall.depth - 0.01f), srgb(0xc9b4a4));
}

static void castle(struct spot *s, struct vec3 tiles)
{
    castle_tower(s, -0.17f, -0.72f, 0.075f, tiles);
    castle_tower(s, 0.20f, -0.62f, 0.070f, tiles);
    battlement(s, 0.02f, -0.46f, 0.22f);
    castle_tower(s, 0.02f, -0.84f, 0.095f, tiles);
    battlement(s, 0, -0.30f, 0.44f);
    castle_tower(s, -0.43f, -0.46f, 0.090f, tiles);
    castle_tower(s, 0.43f, -0.42f, 0.090f, tiles);
    struct form gate =
        carve(join(ball(s, 0, -0.12f, 0.095f, 0.10f), slab(s, 0, 0, 0.095f, 0.12f, 0.01f), 0.002f),
              0.02f - s->v);
    shade(s, gate, 0.04f, 0.3f);
    fill(s, gate, v3_scale(srgb(0x7a5138), 0.85f + 0.15f * cosf(s->u * 160)), 0);
}

void scene_castle(struct spot *s)
{
    paint_sky(s, 0.66f);
    paint_clouds(s, 3, 0.30f);
    paint_peak(s, choose(s, 3, 0.80f, 1.0f), 0.34f, 0.72f, 0.9f, 1, 0.50f);
    paint_hills(s, 0.74f, 0.20f, 2.8f, 2, srgb(0x86b58a), 0.45f);
    float x = choose(s, 1, 0.44f, 0.56f), far = s->u - x, foot = 0.70f;
    float edge = foot + 0.9f * far * far - 0.02f;
    paint_grass(s, edge + 0.04f * noise2(s->u * 5, 3, s->seed), srgb(0x5c9e42), srgb(0x9cc962));
    struct spot in = enter(s, x, foot + 0.02f, choose(s, 2, 0.53f, 0.57f));
    castle(&in, srgb(scene_shade(SCENE_CASTLE, s->seed)->rgb));
    s->colour = in.colour;
    float d = s->v - foot - 0.02f, turn = x + 0.10f * sinf(d * 11), half = 0.045f + 0.20f * d;
    fill(s, (struct form){minf(half - fabsf(s->u - turn), d - 0.012f), 0, -0.3f}, srgb(0xe0c8a0),
         0);
    for (int i = 0; i < 6; i++) {
        float u = x + (i < 3 ? -0.44f : 0.20f) + 0.12f * (float)(i % 3);
        paint_bush(s, u, foot + 0.05f + 0.7f * (u - x) * (u - x), choose(s, 30 + i, 0.045f, 0.065f),
                   srgb(0x5fa048), 40 + i);
    }
    paint_fir(s, x - 0.40f, 0.95f, 0.36f, srgb(0x3f7d52), 0);
    paint_fir(s, x + 0.42f, 0.97f, 0.30f, srgb(0x478a58), 0);
}
