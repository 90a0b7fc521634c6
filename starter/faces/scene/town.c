// SPDX-License-Identifier: Apache-2.0
/* Scenes of towns: a skyline and its lights in the water, a stone bridge, a street of shops.
 */
#include "layer.h"

/* A row of towers with lit windows; step: width of one. */
static void towers(
    struct spot *s, float low, float high, float step, int salt, struct vec3 wall, float hazy)
{
    float p = s->u / step + 0.37f * (float)salt;
    int i = floor_of(p);
    float mid = ((float)i + 0.5f - 0.37f * (float)salt) * step;
    float half = step * (0.36f + 0.12f * hash01(i, salt + 1, s->seed));
    float top = mixf(low, high, hash01(i, salt, s->seed)), kind = hash01(i, salt + 2, s->seed);
    struct form f = slab(s, mid, top + 1, half, 1, kind < 0.4f ? 0.4f * half : 0.012f);
    if (kind > 0.72f)
        f = join(f, slab(s, mid, top + 0.94f, 0.6f * half, 1, 0.01f), 0.002f);
    f.x += 0.45f * (s->u - mid) / half;
    struct vec3 hue = v3_mix(wall, srgb(0xb5879a), 0.5f * hash01(i, salt + 3, s->seed));
    float before = f.depth;
    if (kind > 0.86f)
        put(s, 0.003f - fabsf(s->u - mid) - maxf(top - 0.15f - s->v, 0), v3_scale(hue, 0.6f));
    fill(s, f, hue, 0);
    float cu = step / 5.5f, cv = 0.036f, wu = (s->u - mid) / cu + 40, wv = (s->v - top) / cv;
    int iu = floor_of(wu), iv = floor_of(wv);
    float in_u = fabsf(wu - (float)iu - 0.5f), in_v = fabsf(wv - (float)iv - 0.5f);
    float off = fabsf((float)iu - 39.5f) * cu;
    if (iv > 0 && off + 0.45f * cu < half && before > 0.008f) {
        bool on = hash01(iu + 90 * i, iv, s->seed + 8) < 0.42f;
        float pane = minf((0.32f - in_u) * cu, (0.30f - in_v) * cv);
        put(s, pane, on ? srgb(0xffd98c) : v3_scale(s->colour, 0.72f));
        if (on)
            glaze(s, 0.10f, srgb(0xffb860));
    }
    glaze(s, hazy * cover(s, before), s->haze);
}

static void city_above(struct spot *s)
{
    paint_sky(s, 0.78f);
    paint_clouds(s, 2, 0.22f);
    glow(s, 0.5f, 0.66f, 0.75f, v3(0.34f, 0.17f, 0.05f));
    towers(s, 0.52f, 0.34f, 0.085f, 1, srgb(0xb4b0dc), 0.50f);
    towers(s, 0.58f, 0.20f, 0.125f, 4, srgb(0x8f98d0), 0.22f);
    towers(s, 0.70f, 0.42f, 0.155f, 8, srgb(0x5f6aa8), 0.0f);
}

void scene_city(struct spot *s)
{
    float shore = 0.83f, d = s->v - shore;
    paint_mirror(s, shore, 0.6f, city_above, srgb(0x2c3068));
    float gleam =
        ramp(0.45f, 0.9f,
             noise2(s->u * 24, 3, s->seed + 9) * noise2(s->u * 9, d * 120, s->seed + 4) * 1.9f);
    glaze(s, 0.65f * gleam * cover(s, d) * ramp(0.17f, 0.02f, d), srgb(0xffc27a));
    fill(s, slab(s, 0.5f, shore - 0.012f, 2, 0.014f, 0.010f), srgb(0x6d6790), 0);
    float u = cell_middle(s->u, 0.125f);
    glow(s, u, shore - 0.045f, 0.045f, v3(0.6f, 0.38f, 0.14f));
    put(s, slab(s, u, shore - 0.028f, 0.003f, 0.018f, 0.002f).depth, srgb(0x3a3654));
    put(s, ball(s, u, shore - 0.047f, 0.007f, 0.007f).depth, srgb(0xfff0c0));
}

static void bridge_above(struct spot *s)
{
    s->u += choose(s, 1, -0.10f, 0.10f);
    paint_sky(s, 0.60f);
    paint_clouds(s, 3, 0.24f);
    paint_hills(s, 0.64f, 0.22f, 2.4f, 1, srgb(0x7fb07c), 0.40f);
    paint_firs(s, 0.62f, 0.15f, 0.07f, 2, srgb(0x4d8a5e), 0);
    paint_tree(s, 0.06f, 0.66f, choose(s, 2, 0.40f, 0.50f), srgb(0x6fae48), 4);
    paint_tree(s, 0.93f, 0.66f, choose(s, 3, 0.36f, 0.46f), srgb(0x8aba4a), 5);
    paint_grass(s, 0.635f, srgb(0x7db14e), srgb(0x98c45e));
    float x = s->u - 0.5f, deck = 0.42f + 0.36f * x * x, arch = 1;
    int n = 3;
    for (int i = 0; i < n; i++) {
        float u = 0.27f * (float)(i - 1), r = i == 1 ? 0.125f : 0.100f;
        float a = -ball(s, 0.5f + u, 0.68f, r, i == 1 ? 0.19f : 0.15f).depth;
        arch = minf(arch, a);
    }
    struct form wall = flat(minf(s->v - deck, arch));
    float row = floorf(s->v * 34), shift = 0.5f * fmodf(row + 100, 2);
    float brick = hash01(floor_of(s->u * 20 + shift), (int)row, s->seed);
    wall.y = -0.5f * ramp(0.05f, 0, s->v - deck) + 0.15f * (brick - 0.5f);
    wall.x = 0.15f * (brick - 0.5f);
    struct vec3 stone = v3_mix(srgb(0xcdb89e), srgb(0xb59c88), brick);
    stone = v3_mix(stone, srgb(0xe6d6be), ramp(0.030f, 0.022f, arch));
    fill(s, wall, stone, 0);
    struct form rail = {minf(s->v - deck + 0.030f, deck + 0.012f - s->v), 0,
                        (s->v - deck + 0.01f) * 30};
    shade(s, rail, 0.025f, 0.3f * cover(s, wall.depth));
    fill(s, rail, srgb(0xe2d2bc), 0);
}

void scene_bridge(struct spot *s)
{
    paint_mirror(s, 0.66f, 1, bridge_above, srgb(0x3f8fae));
    float side = fabsf(s->u - 0.5f), edge = 1.02f - 0.55f * maxf(side - 0.16f, 0);
    paint_grass(s, edge - 0.03f * noise2(s->u * 8, 2, s->seed), srgb(0x5fa03e), srgb(0x9cc95c));
    paint_bush(s, 0.04f, 0.90f, 0.10f, srgb(0x66a844), 7);
    paint_bush(s, 0.96f, 0.91f, 0.09f, srgb(0x7ab24a), 8);
}

static void street_house(struct spot *s, int i, float u, float half)
{
    static const unsigned paints[7] = {0xe88a6a, 0xf4d08a, 0x8fbfc4, 0xdf8f9a,
                                       0xa6c28a, 0xf0e2cc, 0xa89ccc};
    static const unsigned awnings[3] = {0xd9534a, 0x4f93b8, 0x5aa572};
    float eaves = 0.27f + 0.075f * hash01(i, 3, s->seed), ground = 0.80f;
    struct vec3 wall = srgb(paints[(i * 3 + (int)(chance(s, 4) * 7) + 70) % 7]),
                white = srgb(0xfffaf0);
    struct form f = slab(s, u, 0.5f * (eaves + ground), half, 0.5f * (ground - eaves), 0.008f);
    paint_roof(s, u, eaves - 0.13f, (i & 1) ? 0.02f : 0.6f * half, eaves + 0.01f, half * 1.04f,
               srgb(i % 3 ? 0xa8584a : 0x6a7488));
    fill(s, f, wall, 0);
    glaze(s, 0.25f * cover(s, f.depth) * ramp(eaves + 0.05f, eaves, s->v), srgb(0x6a5878));
    for (int k = 0; k < 4; k++)
        paint_window(s, u + (k & 1 ? 0.46f : -0.46f) * half,
                     eaves + 0.085f + 0.13f * (float)(k >> 1), 0.026f, 0.036f, white);
    struct form shop = slab(s, u - 0.24f * half, 0.705f, 0.58f * half, 0.065f, 0.008f);
    fill(s, slab(s, u - 0.24f * half, 0.71f, 0.66f * half, 0.078f, 0.01f), v3_scale(wall, 0.6f), 0);
    put(s, shop.depth, v3_mix(srgb(0xffe6ae), srgb(0xe6a868), ramp(0.64f, 0.77f, s->v)));
    fill(s, slab(s, u + 0.66f * half, 0.725f, 0.20f * half, 0.075f, 0.01f), srgb(0x7a4f3c), 0.1f);
    float hang = (s->v - 0.60f) / 0.055f, stripe = fmodf((s->u - u) * 34 + 40, 1);
    struct form awning = {inside_box(s, u - 0.92f * half, 0.60f, u + 0.92f * half,
                                     0.65f + 0.006f * sinf(stripe * 2 * PI)),
                          0, -0.6f + 0.7f * hang};
    shade(s, awning, 0.035f, 0.35f);
    fill(s, awning, stripe < 0.5f ? white : srgb(awnings[(i + 30) % 3]), 0);
}

void paint_houses(struct spot *s, float shift)
{
    float step = 0.28f;
    int first = floor_of((s->u + shift) / step);
    for (int k = -1; k <= 1; k++) {
        float mid = ((float)(first + k) + 0.5f) * step - shift;
        if (fabsf(s->u - mid) < 0.15f + s->soft)
            street_house(s, first + k, mid, 0.138f);
    }
}

void scene_street(struct spot *s)
{
    float shift = choose(s, 1, 0, 0.28f);
    paint_sky(s, 0.60f);
    paint_clouds(s, 2, 0.12f);
    paint_houses(s, shift);
    struct form walk = {s->v - 0.795f, 0, -0.45f};
    float slab_line = off_middle(s->u * 9 - (s->v - 0.8f) * 6 * (s->u - 0.5f) + 20);
    fill(s, walk, v3_scale(srgb(0xdccfc2), 1 - 0.10f * ramp(0.46f, 0.5f, slab_line)), 0);
    glaze(s, 0.4f * ramp(0.03f, 0, s->v - 0.795f) * cover(s, walk.depth), srgb(0x6a5c70));
    fill(s, (struct form){s->v - 0.875f, 0, s->v < 0.89f ? 0.7f : -0.3f},
         s->v < 0.89f ? srgb(0xc9bcb4) : srgb(0x8c8794), 0);
    float dash = off_middle(s->u * 4 + 4 * shift + 8);
    put(s, minf((0.3f - dash) / 4, 0.008f - fabsf(s->v - 0.955f)), srgb(0xf2ead8));
    float lamp = choose(s, 2, 0.70f, 0.82f);
    paint_tree(s, choose(s, 3, 0.14f, 0.26f), 0.85f, 0.40f, srgb(0x74b04a), 9);
    pool(s, lamp + 0.02f, 0.85f, 0.06f, 0.015f, 0.5f);
    fill(s, limb(s, lamp, 0.85f, 0.012f, lamp, 0.50f, 0.007f), srgb(0x3f4656), 0.3f);
    glow(s, lamp, 0.47f, 0.09f, v3(0.20f, 0.15f, 0.06f));
    fill(s, slab(s, lamp, 0.47f, 0.022f, 0.034f, 0.012f), srgb(0xfff0c4), 0.2f);
    fill(s, carve(ball(s, lamp, 0.44f, 0.032f, 0.026f), 0.442f - s->v), srgb(0x3f4656), 0.3f);
}
