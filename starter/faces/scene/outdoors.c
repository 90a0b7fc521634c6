// SPDX-License-Identifier: Apache-2.0
/* Backdrops under the sky, as a portrait lens sees them: the same hills, trees and houses as in the
 * scenes, painted with edges so soft that they melt, and discs of light.
 */
#include "layer.h"

void paint_bokeh(struct spot *s, float cell, int salt, float share, float radius, struct vec3 light)
{
    uint32_t seed = s->seed + (uint32_t)salt * 211u;
    float x = s->u / cell + 0.31f * (float)salt, y = s->v / cell + 0.17f * (float)salt;
    int ix = floor_of(x), iy = floor_of(y);
    float luck = hash01(ix, iy, seed);
    if (luck > share)
        return;
    float r = radius * (0.55f + 0.45f * hash01(ix, iy, seed + 1)) / cell, room = 1 - 2 * r;
    float dx = x - (float)ix - r - room * hash01(ix, iy, seed + 2);
    float dy = y - (float)iy - r - room * hash01(ix, iy, seed + 3);
    float d = sqrtf(dx * dx + dy * dy) / r;
    float disc = ramp(1.0f, 0.86f, d) * (0.62f + 0.38f * d * d);
    float bright = 0.35f + 0.65f * luck / share;
    s->colour = v3_add(s->colour, v3_scale(light, disc * bright));
}

void place_meadow(struct spot *s)
{
    defocus(s, 0.020f);
    paint_sky(s, 0.62f);
    paint_clouds(s, 3, 0.26f);
    paint_hills(s, 0.60f, 0.18f, 2.2f, 1, srgb(0x86b58a), 0.50f);
    paint_hills(s, 0.66f, 0.13f, 2.8f, 2, srgb(0x86bb62), 0.20f);
    paint_tree(s, choose(s, 3, 0.02f, 0.14f), 0.70f, choose(s, 4, 0.42f, 0.58f), srgb(0x6cab48), 2);
    paint_tree(s, choose(s, 5, 0.86f, 0.98f), 0.68f, choose(s, 6, 0.30f, 0.44f), srgb(0x86b84c), 3);
    paint_grass(s, 0.645f, srgb(0x66a840), srgb(0xa6cf62));
    static const unsigned flowers[3] = {0xf27d8d, 0xffdc6a, 0xfff6f0};
    if (s->v > 0.72f)
        for (int i = 0; i < 3; i++)
            paint_bokeh(s, 0.09f, 5 + i, 0.22f, 0.022f,
                        v3_scale(srgb(flowers[i]), 0.55f * ramp(0.70f, 0.85f, s->v)));
}

void place_forest(struct spot *s)
{
    defocus(s, 0.018f);
    struct vec3 air = v3_mix(srgb(0xd8ecb0), s->sky_low, 0.35f);
    s->colour = v3_mix(v3_scale(srgb(0x6fae58), 0.75f), air,
                       ramp(0.75f, 0.15f, fabsf(s->v - 0.42f) + 0.5f * fabsf(s->u - 0.5f)));
    float leaves =
        noise2(s->u * 6, s->v * 6, s->seed + 4) + 0.6f * noise2(s->u * 13, s->v * 13, s->seed + 5);
    glaze(s, 0.75f * ramp(0.55f, 0.05f, s->v) * ramp(0.6f, 1.1f, leaves), srgb(0x4f9444));
    for (int row = 0; row < 3; row++) {
        float n = (float)row, step = 0.15f + 0.09f * n, p = s->u / step + chance(s, 10 + row);
        int i = floor_of(p);
        float mid = 0.5f + 0.4f * (hash01(i, row, s->seed) - 0.5f),
              half = (0.014f + 0.013f * n) * (0.7f + 0.6f * hash01(i, row + 5, s->seed));
        float lean = 0.06f * (hash01(i, row + 9, s->seed) - 0.5f) * (s->v - 0.5f);
        float x = (p - (float)i - mid) * step + lean, base = 0.70f + 0.06f * n;
        half *= 1 + 0.8f * ramp(base - 0.12f, base, s->v);
        struct form trunk = {minf(half - fabsf(x), base - s->v), x / half, 0};
        struct vec3 bark = lit(s, trunk, srgb(0x8a6248), 0);
        put(s, trunk.depth, v3_mix(bark, air, 0.62f - 0.26f * n));
    }
    struct form ground = {s->v - 0.72f, 0, -0.5f};
    float moss = noise2(s->u * 5, s->v * 16, s->seed + 6);
    fill(s, ground, v3_mix(srgb(0x5d8f3e), srgb(0x9cbf5c), moss), 0);
    glaze(s, 0.55f * ramp(0.16f, 0, fabsf(s->v - 0.70f)), air);
    struct vec3 sparkle = v3_mul(v3_mix(s->sun, v3(0.8f, 1, 0.4f), 0.4f), v3(0.30f, 0.32f, 0.16f));
    float high = ramp(0.75f, 0.30f, s->v);
    paint_bokeh(s, 0.15f, 1, 0.62f, 0.058f, v3_scale(sparkle, high));
    paint_bokeh(s, 0.11f, 2, 0.50f, 0.040f, v3_scale(sparkle, high));
    paint_bokeh(s, 0.24f, 3, 0.40f, 0.085f, v3_scale(sparkle, 0.5f * high));
}

void place_beach(struct spot *s)
{
    defocus(s, 0.018f);
    paint_sky(s, 0.52f);
    paint_clouds(s, 3, 0.28f);
    paint_sea(s, 0.50f, srgb(0x45c6c6), srgb(0x2f88c8));
    float shore = 0.72f + 0.05f * sinf(s->u * 3.4f + 6 * chance(s, 1)), d = s->v - shore;
    glaze(s, 0.7f * ramp(-0.12f, 0, d), srgb(0xa6e8d8));
    put(s, d + 0.026f, v3(0.97f, 0.98f, 0.97f));
    struct form sand = {d, 0, -0.35f - 0.4f * (noise2(s->u * 4, s->v * 9, s->seed + 2) - 0.5f)};
    fill(s, sand, v3_mix(srgb(0xdcb680), srgb(0xf6deae), ramp(0, 0.08f, d)), 0);
    defocus(s, 0.014f);
    paint_palm(s, choose(s, 2, 0.04f, 0.12f), 0.90f, choose(s, 3, 0.70f, 0.82f));
    if (s->v > 0.50f && s->v < 0.72f)
        paint_bokeh(s, 0.07f, 4, 0.35f, 0.020f,
                    v3_scale(s->sun, 0.35f * ramp(0.5f, 0.56f, s->v) * ramp(0.72f, 0.64f, s->v)));
}

void place_street(struct spot *s)
{
    defocus(s, 0.015f);
    paint_sky(s, 0.60f);
    struct spot near = enter(s, -0.15f, -0.24f, 1.32f);
    paint_houses(&near, choose(s, 1, 0, 0.28f));
    s->colour = near.colour;
    fill(s, (struct form){s->v - 0.815f, 0, -0.45f}, srgb(0xd8cabc), 0);
    glaze(s, 0.4f * ramp(0.06f, 0, fabsf(s->v - 0.815f)), srgb(0x6a5c70));
    paint_tree(s, choose(s, 3, 0.02f, 0.10f), 0.93f, choose(s, 4, 0.55f, 0.68f), srgb(0x74b04a), 9);
    glaze(s, 0.16f, s->haze);
    float low = ramp(0.30f, 0.55f, s->v) * ramp(0.85f, 0.70f, s->v);
    paint_bokeh(s, 0.13f, 1, 0.40f, 0.042f, v3_scale(v3(0.55f, 0.38f, 0.16f), low));
    paint_bokeh(s, 0.10f, 2, 0.25f, 0.030f, v3_scale(v3(0.50f, 0.42f, 0.28f), low));
}

void place_mountains(struct spot *s)
{
    defocus(s, 0.013f);
    paint_sky(s, 0.62f);
    paint_clouds(s, 2, 0.20f);
    float x = choose(s, 1, 0.10f, 0.30f);
    paint_peak(s, x + 0.34f, 0.24f, 0.72f, 1.0f, 2, 0.42f);
    paint_peak(s, x + 0.66f, 0.16f, 0.72f, 1.05f, 3, 0.24f);
    paint_peak(s, x, 0.10f, 0.74f, 1.0f, 1, 0.14f);
    paint_hills(s, 0.74f, 0.17f, 2.8f, 4, srgb(0x78ab70), 0.34f);
    paint_firs(s, 0.73f, 0.17f, 0.075f, 5, srgb(0x4f8b66), 0);
    paint_hills(s, 0.90f, 0.14f, 1.9f, 6, srgb(0x93c257), 0.06f);
    glaze(s, 0.10f, s->haze);
}

void place_snow(struct spot *s)
{
    static const struct vec3 white = {0.90f, 0.93f, 0.98f};
    defocus(s, 0.014f);
    s->haze = v3_mix(s->haze, srgb(0xe4eefa), 0.7f);
    s->ground = v3(0.22f, 0.25f, 0.30f); /* snow throws back the sky, not earth */
    s->sun = v3_scale(v3_mix(s->sun, v3(0.86f, 0.86f, 0.86f), 0.55f), 1.02f);
    s->colour = v3_mix(v3_mix(srgb(0x9cbfe4), s->sky_top, 0.25f),
                       v3_mix(srgb(0xeef4fb), s->sky_low, 0.4f), ramp(0, 0.6f, s->v));
    paint_hills(s, 0.62f, 0.18f, 2.2f, 1, white, 0.45f);
    paint_firs(s, 0.61f, 0.22f, 0.085f, 3, srgb(0x6f9c98), 0.6f);
    paint_hills(s, 0.72f, 0.12f, 1.8f, 2, white, 0.15f);
    paint_fir(s, choose(s, 4, 0.02f, 0.12f), 0.80f, choose(s, 5, 0.62f, 0.74f), srgb(0x44806c),
              0.95f);
    paint_fir(s, choose(s, 6, 0.86f, 0.97f), 0.77f, choose(s, 7, 0.46f, 0.60f), srgb(0x4f8a74),
              0.95f);
    paint_fir(s, choose(s, 8, 0.22f, 0.30f), 0.74f, choose(s, 9, 0.30f, 0.40f), srgb(0x5a9480),
              0.95f);
    struct form field = {s->v - 0.74f + 0.03f * noise2(s->u * 3, 2, s->seed),
                         0.3f * (noise2(s->u * 3, s->v * 5, s->seed + 1) - 0.5f), -0.35f};
    fill(s, field, white, 0);
    paint_bokeh(s, 0.10f, 1, 0.55f, 0.018f, v3(0.40f, 0.41f, 0.42f));
    paint_bokeh(s, 0.07f, 2, 0.50f, 0.010f, v3(0.42f, 0.43f, 0.44f));
    paint_bokeh(s, 0.19f, 3, 0.45f, 0.034f, v3(0.22f, 0.23f, 0.24f));
}

void place_night(struct spot *s)
{
    s->wall = v3(0.42f, 0.30f, 0.40f);
    s->colour = v3_mix(srgb(0x10173f), srgb(0x4a3f7c), ramp(0, 0.72f, s->v));
    s->colour = v3_mix(s->colour, srgb(0x1d1f42), ramp(0.68f, 1, s->v));
    for (int row = 0; row < 2; row++) {
        float step = 0.17f + 0.09f * (float)row, p = s->u / step + chance(s, 4 + row);
        int i = floor_of(p);
        float top = 0.22f + 0.16f * (float)row + 0.26f * hash01(i, row, s->seed),
              x = fabsf(p - (float)i - 0.5f);
        float tower = ramp(-0.022f, 0.022f, minf(s->v - top, (0.44f - x) * step));
        glaze(s, 0.80f * tower, row ? srgb(0x161b44) : srgb(0x39408a));
    }
    float street = ramp(0.22f, 0.50f, s->v) * ramp(1.05f, 0.80f, s->v);
    glow(s, 0.5f, 0.74f, 0.6f, v3(0.10f, 0.05f, 0.05f));
    static const struct vec3 lamps[5] = {{0.95f, 0.56f, 0.16f},
                                         {0.90f, 0.72f, 0.40f},
                                         {0.85f, 0.22f, 0.20f},
                                         {0.20f, 0.50f, 0.85f},
                                         {0.95f, 0.40f, 0.50f}};
    for (int i = 0; i < 5; i++)
        paint_bokeh(s, 0.17f - 0.012f * (float)i, i, 0.46f - 0.05f * (float)i,
                    0.056f - 0.005f * (float)i, v3_scale(lamps[i], 0.75f * street));
    paint_bokeh(s, 0.075f, 8, 0.40f, 0.016f, v3_scale(v3(0.75f, 0.60f, 0.35f), street));
    paint_bokeh(s, 0.28f, 9, 0.40f, 0.11f, v3_scale(v3(0.34f, 0.20f, 0.12f), street));
}
