// SPDX-License-Identifier: Apache-2.0
/* Scenes of land and sea.
 */
#include "layer.h"

static void lake_shore(struct spot *s)
{
    paint_sky(s, 0.58f);
    paint_clouds(s, 2, 0.2f);
    float x = choose(s, 1, 0.3f, 0.6f);
    paint_peak(s, x + 0.38f, 0.26f, 0.60f, 1.0f, 2, 0.34f);
    paint_peak(s, x - 0.30f, 0.24f, 0.60f, 1.05f, 3, 0.28f);
    paint_peak(s, x, 0.11f, 0.60f, 0.95f, 1, 0.12f);
    paint_hills(s, 0.60f, 0.13f, 3, 4, srgb(0x6fa05c), 0.28f);
    paint_firs(s, 0.575f, 0.15f, 0.060f, 5, srgb(0x3f7a56), 0);
}

void scene_lake(struct spot *s)
{
    paint_mirror(s, 0.585f, 0.94f, lake_shore, srgb(0x2f7fa6));
    float edge = 0.93f - 0.09f * noise2(s->u * 3, 4, s->seed) -
                 0.25f * ramp(0.55f, 0, s->u) * ramp(0.55f, 0, s->u);
    shade(s, flat(s->v - edge), 0.05f, 0.35f);
    paint_grass(s, edge, srgb(0x5d9a3e), srgb(0x93bf57));
    paint_blossoms(s, 0.84f, 1.0f, 1);
    for (int i = 0; i < 3; i++) {
        float u = 0.62f + 0.13f * (float)i, r = 0.050f - 0.012f * (float)i;
        struct form f = carve(ball(s, u, 0.90f, r, 0.62f * r), 0.915f - s->v);
        pool(s, u, 0.915f, 1.5f * r, 0.3f * r, 0.4f);
        fill(s, f, srgb(0x9a98a0), 0.05f);
    }
    paint_fir(s, choose(s, 2, 0.08f, 0.16f), 0.86f, choose(s, 3, 0.52f, 0.66f), srgb(0x357350), 0);
}

void scene_tree(struct spot *s)
{
    paint_sky(s, 0.66f);
    paint_clouds(s, 3, 0.28f);
    paint_hills(s, 0.66f, 0.14f, 2.6f, 1, srgb(0x7fae86), 0.55f);
    paint_hills(s, 0.72f, 0.12f, 2.0f, 2, srgb(0x8fbf62), 0.22f);
    float x = choose(s, 1, 0.38f, 0.60f), far = s->u - x;
    paint_grass(s, 0.74f + 0.45f * far * far, srgb(0x5c9c3c), srgb(0xa3cc5c));
    paint_blossoms(s, 0.84f, 1.0f, 3);
    paint_tree(s, x, 0.80f, choose(s, 2, 0.66f, 0.74f), srgb(scene_shade(SCENE_TREE, s->seed)->rgb),
               4);
    paint_bush(s, x - 0.34f, 0.86f, 0.07f, srgb(0x6fab4a), 5);
}

void scene_sunset(struct spot *s)
{
    float x = choose(s, 1, 0.42f, 0.62f), low = 0.50f, line = 0.57f;
    float t = clampf(s->v / line, 0, 1);
    s->colour = v3_mix(srgb(0x4a4a9c), srgb(0xf27f7c), ramp(0, 0.62f, t));
    s->colour = v3_mix(s->colour, srgb(0xffc46a), ramp(0.45f, 1.05f, t));
    glow(s, x, low, 0.55f, v3(0.40f, 0.20f, 0.06f));
    for (int i = 0; i < 4; i++) {
        float v = 0.10f + 0.09f * (float)i, thin = 0.016f + 0.004f * (float)(i & 1);
        float u = choose(s, 10 + i, 0.1f, 0.9f), wide = choose(s, 20 + i, 0.20f, 0.36f);
        float bump = 0.7f * noise2(s->u * 11, (float)i, s->seed + 9);
        struct form f = ball(s, u, v, wide, thin * (0.8f + bump));
        float under = clampf(0.5f + 0.6f * f.y, 0, 1);
        glaze(s, 0.85f * ramp(-0.01f, 0.02f, f.depth),
              v3_mix(srgb(0xa86a9e), srgb(0xffb77c), under));
    }
    put(s, ball(s, x, low, 0.085f, 0.085f).depth,
        v3_mix(srgb(0xfff3c0), srgb(0xffc765), ramp(low - 0.06f, low + 0.08f, s->v)));
    glow(s, x, low, 0.20f, v3(0.30f, 0.18f, 0.05f));
    float d = s->v - line;
    if (d > -s->soft) {
        struct vec3 sea = v3_mix(srgb(0xf79a72), srgb(0x51508f), ramp(0, 0.30f, d));
        float wave = noise2(s->u * 7, sqrtf(maxf(d, 0)) * 46, s->seed + 5);
        sea = v3_scale(sea, 0.86f + 0.28f * wave);
        float path = ramp(0.09f + 0.22f * d, 0, fabsf(s->u - x)) * ramp(0.38f, 0.72f, wave);
        put(s, d, v3_mix(sea, srgb(0xffe09a), 0.9f * path));
    }
    float shore = 0.80f + 0.05f * noise2(s->u * 2.5f, 2, s->seed) + 0.03f * s->u;
    put(s, s->v - shore + 0.022f, srgb(0xffd9b8));
    put(s, s->v - shore, v3_mix(srgb(0xb98287), srgb(0x80567a), ramp(shore, 1.05f, s->v)));
    s->sun = v3(0.50f, 0.22f, 0.14f);
    s->sky = v3(0.17f, 0.12f, 0.26f);
    s->ground = v3(0.20f, 0.08f, 0.08f);
    paint_palm(s, choose(s, 2, 0.10f, 0.18f), 0.92f, choose(s, 3, 0.62f, 0.70f));
}

void scene_forest(struct spot *s)
{
    struct vec3 mist = v3_mix(srgb(0xd5e8d6), s->sky_low, 0.45f);
    s->colour = v3_mix(v3_mix(mist, s->sky_top, 0.35f), mist, ramp(0, 0.45f, s->v));
    glow(s, 0.42f, 0.24f, 0.5f, v3_scale(s->sun, 0.25f));
    static const unsigned greens[4] = {0x9ccf9e, 0x74b880, 0x529c64, 0x3f8a52};
    for (int row = 0; row < 4; row++) {
        float n = (float)row;
        struct vec3 green = srgb(greens[row]);
        float ground = 0.66f + 0.055f * n;
        paint_hills(s, ground + 0.02f, 0.05f, 3, row, v3_mix(green, srgb(0x8fae58), 0.4f),
                    0.42f - 0.11f * n);
        paint_firs(s, ground, 0.42f + 0.10f * n, 0.13f + 0.055f * n, 10 * row, green, 0);
        glaze(s, (0.40f - 0.12f * n) * ramp(ground - 0.5f, ground, s->v), mist);
    }
    float lean = s->u + 0.42f * s->v - choose(s, 1, 0.45f, 0.75f);
    float ray = ramp(0.45f, 0.8f, noise2(lean * 9, 1, s->seed + 2)) * ramp(0.85f, 0.2f, s->v);
    glaze(s, 0.20f * ray, v3_add(mist, v3_scale(s->sun, 0.25f)));
    paint_grass(s, 0.86f - 0.04f * noise2(s->u * 3, 5, s->seed), srgb(0x3f7d38), srgb(0x6da648));
    float turn = 0.5f + 0.10f * sinf(s->v * 9), half = 0.02f + 0.9f * (s->v - 0.855f);
    struct form path = flat(minf(half - fabsf(s->u - turn), s->v - 0.862f));
    fill(s, path, v3_mix(srgb(0xcbab78), srgb(0xa8855a), noise2(s->u * 18, s->v * 40, s->seed)), 0);
    paint_fir(s, choose(s, 3, 0.04f, 0.12f), 0.96f, 0.95f, srgb(0x3a8450), 0);
    paint_fir(s, choose(s, 4, 0.88f, 0.96f), 0.93f, 0.82f, srgb(0x469258), 0);
}

/* A crest whose lee side is in shadow. */
static void dune(struct spot *s, float u, float top, float width, float base, float hazy)
{
    float x = (s->u - u) / width, bend = 1 / (1 + x * x);
    float depth = s->v - base + (base - top) * bend;
    if (depth < -s->soft)
        return;
    float crest = x - 0.9f * maxf(depth, 0) / width + 0.25f * sinf(9 * maxf(depth, 0));
    float lee = ramp(-0.04f, 0.06f, crest) * ramp(0.34f, 0.05f, depth);
    float ripple = sinf((s->v * 1.4f + 0.05f * sinf(s->u * 14)) * 150) * ramp(0.04f, 0.12f, depth);
    if (s->blur > 0)
        ripple = 0;
    struct form f = {depth, mixf(-0.35f, 0.72f, lee), mixf(-0.55f, 0.12f, lee) + 0.05f * ripple};
    struct vec3 sand = v3_mix(srgb(0xf2c27c), srgb(0xe8ab62), ramp(0, 0.3f, depth));
    put(s, depth, v3_mix(lit(s, f, sand, 0), s->haze, hazy));
}

static void cactus(struct spot *s, float u, float v, float size)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -0.6f, -1.1f, 0.8f, 0.2f))
        return;
    pool(&in, 0.25f, 0, 0.5f, 0.07f, 0.55f);
    struct form f = limb(&in, 0, 0.05f, 0.13f, 0, -0.85f, 0.12f);
    f = join(f, limb(&in, 0, -0.38f, 0.08f, -0.30f, -0.42f, 0.085f), 0.06f);
    f = join(f, limb(&in, -0.30f, -0.42f, 0.085f, -0.31f, -0.68f, 0.075f), 0.05f);
    f = join(f, limb(&in, 0, -0.26f, 0.07f, 0.27f, -0.32f, 0.075f), 0.06f);
    f = join(f, limb(&in, 0.27f, -0.32f, 0.075f, 0.28f, -0.53f, 0.07f), 0.05f);
    float rib = cosf(f.x * 11);
    f.x += 0.12f * sinf(f.x * 11);
    fill(&in, carve(f, 0.01f - in.v), v3_scale(srgb(0x5fa35c), 0.92f + 0.08f * rib), 0.05f);
    fill(&in, ball(&in, 0.02f, -0.98f, 0.05f, 0.04f), srgb(0xf0708c), 0);
    s->colour = in.colour;
}

void scene_desert(struct spot *s)
{
    paint_sky(s, 0.60f);
    float sun = 0.5f + 0.5f * s->towards.x;
    glow(s, sun, 0.18f, 0.34f, v3_scale(s->sun, 0.4f));
    put(s, ball(s, sun, 0.18f, 0.06f, 0.06f).depth, srgb(0xfff6d2));
    dune(s, choose(s, 1, 0.55f, 0.80f), 0.46f, 0.28f, 0.68f, 0.22f);
    dune(s, choose(s, 2, 0.05f, 0.25f), 0.50f, 0.30f, 0.76f, 0.12f);
    dune(s, choose(s, 3, 0.45f, 0.65f), 0.58f, 0.36f, 0.92f, 0.04f);
    dune(s, choose(s, 4, 0.0f, 0.15f), 0.80f, 0.50f, 1.12f, 0);
    cactus(s, choose(s, 5, 0.66f, 0.82f), choose(s, 6, 0.84f, 0.90f), choose(s, 7, 0.34f, 0.44f));
}

static void stars(struct spot *s)
{
    int ix = floor_of(s->u * 17), iy = floor_of(s->v * 17);
    if (hash01(ix, iy, s->seed + 2) > 0.5f)
        return;
    float u = ((float)ix + 0.25f + 0.5f * hash01(ix, iy, s->seed)) / 17;
    float v = ((float)iy + 0.25f + 0.5f * hash01(ix, iy, s->seed + 1)) / 17;
    float r = 0.0022f + 0.0035f * hash01(ix, iy, s->seed + 3);
    float fade = ramp(0.65f, 0.3f, s->v);
    glow(s, u, v, 3.2f * r, v3_scale(v3(0.30f, 0.34f, 0.5f), fade));
    s->colour = v3_mix(s->colour, srgb(0xfffbe6), fade * cover(s, ball(s, u, v, r, r).depth));
}

void scene_night(struct spot *s)
{
    paint_sky(s, 0.80f);
    float band = s->v - 0.30f + 0.55f * (s->u - 0.5f),
          cloud = noise2(s->u * 7, s->v * 7, s->seed + 6);
    glaze(s, 0.34f * ramp(0.24f, 0, fabsf(band)) * cloud, srgb(0x8f86d8));
    stars(s);
    float x = choose(s, 1, 0.25f, 0.42f), v = choose(s, 2, 0.20f, 0.28f);
    glow(s, x, v, 0.48f, v3(0.13f, 0.17f, 0.30f));
    struct form moon = ball(s, x, v, 0.095f, 0.095f);
    if (moon.depth > -s->soft) {
        float spots = ramp(0.45f, 0.7f, noise2(s->u * 15 + 3 + 4 * s->v, s->v * 15 - 4 * s->u, 4));
        struct vec3 pale = v3_mix(srgb(0xfff6d8), srgb(0xe4d6b6), 0.6f * spots);
        put(s, moon.depth, v3_scale(pale, 1.0f - 0.18f * ramp(0.2f, 1, moon.x + moon.y)));
    }
    paint_hills(s, 0.80f, 0.22f, 2.6f, 1, srgb(0x6f86c8), 0.50f);
    paint_firs(s, 0.80f, 0.12f, 0.055f, 3, srgb(0x456a9a), 0);
    paint_hills(s, 0.94f, 0.20f, 2.0f, 2, srgb(0x466298), 0);
    paint_firs(s, 0.98f, 0.30f, 0.16f, 6, srgb(0x2c5070), 0);
    glaze(s, 0.3f * ramp(0.62f, 0.80f, s->v) * ramp(0.98f, 0.80f, s->v), s->haze);
}

void scene_mountains(struct spot *s)
{
    paint_sky(s, 0.62f);
    paint_clouds(s, 3, 0.18f);
    float x = choose(s, 1, 0.35f, 0.62f);
    paint_peak(s, x + 0.45f, 0.24f, 0.70f, 1.0f, 2, 0.42f);
    paint_peak(s, x - 0.40f, 0.27f, 0.70f, 1.0f, 3, 0.40f);
    paint_peak(s, x + 0.20f, 0.22f, 0.70f, 1.15f, 5, 0.22f);
    paint_peak(s, x - 0.10f, 0.08f, 0.72f, 1.05f, 1, 0.06f);
    paint_hills(s, 0.72f, 0.16f, 3.2f, 4, srgb(0x74a86a), 0.38f);
    paint_firs(s, 0.705f, 0.13f, 0.055f, 5, srgb(0x4a8562), 0);
    paint_hills(s, 0.84f, 0.13f, 1.9f, 6, srgb(0x93c257), 0.08f);
    paint_firs(s, 0.82f, 0.22f, 0.19f, 8, srgb(0x3f7d52), 0);
    paint_grass(s, 0.84f - 0.03f * noise2(s->u * 3, 1, s->seed), srgb(0x5a9a3a), srgb(0xa0cb58));
    paint_blossoms(s, 0.86f, 1.0f, 2);
}

static void parasol(struct spot *s, float u, float v, struct vec3 colour)
{
    struct spot in = enter(s, u, v, 0.40f);
    if (!within(&in, -0.7f, -1.1f, 0.9f, 0.25f))
        return;
    pool(&in, 0.28f, 0.02f, 0.55f, 0.11f, 0.55f);
    float along = in.u - 0.40f + 1.1f * (in.v - 0.09f), across = in.v - 0.09f;
    struct form towel = {minf(0.34f - fabsf(along), 0.062f - fabsf(across)), 0, -0.4f};
    shade(&in, towel, 0.03f, 0.3f);
    float band = off_middle(along * 5 + 20);
    fill(&in, towel, v3_mix(srgb(0xfffaf0), colour, ramp(0.23f, 0.27f, band)), 0);
    fill(&in, limb(&in, 0, 0, 0.018f, -0.06f, -0.90f, 0.016f), srgb(0xf4ead8), 0.2f);
    float x = in.u + 0.06f + 0.10f * (in.v + 0.6f), y = in.v + 0.62f + 0.07f * in.u;
    struct spot at = in;
    at.u = x;
    at.v = y;
    struct form f = ball(&at, 0, 0, 0.60f, 0.36f);
    float gore = x / (0.60f * sqrtf(maxf(1 - y * y / 0.13f, 0.02f)));
    float fan = gore * 3.5f + 20.5f, scallop = 0.035f * fabsf(sinf((fan - 0.5f) * PI));
    f = carve(f, scallop - y - 0.02f);
    bool white = ((int)fan & 1) != 0;
    shade(&in, f, 0.08f, 0.25f);
    fill(&in, f, white ? srgb(0xfff8ec) : colour, 0.05f);
    s->colour = in.colour;
}

void scene_beach(struct spot *s)
{
    paint_sky(s, 0.50f);
    paint_clouds(s, 3, 0.26f);
    paint_sea(s, 0.50f, srgb(0x3fc4c4), srgb(0x2b83c6));
    float shore = 0.70f + 0.07f * sinf(s->u * 3.4f + 6 * chance(s, 1)) - 0.06f * (s->u - 0.5f);
    float d = s->v - shore, lace = 0.02f * noise2(s->u * 16, 4, s->seed);
    glaze(s, 0.75f * ramp(-0.11f, 0, d), srgb(0x9fe6d6));
    put(s, d + 0.020f + lace, v3(0.97f, 0.98f, 0.97f));
    float grain = noise2(s->u * 60, s->v * 90, s->seed) - 0.5f,
          bank = noise2(s->u * 4, s->v * 9, s->seed + 2) - 0.5f;
    struct form sand = {d, 0.25f * bank, -0.35f - 0.5f * bank - 0.12f * grain};
    fill(s, sand, v3_mix(srgb(0xd9b27a), srgb(0xf4dba8), ramp(0, 0.07f, d)), 0);
    paint_palm(s, choose(s, 2, 0.12f, 0.22f), 0.90f, choose(s, 3, 0.62f, 0.70f));
    parasol(s, choose(s, 4, 0.56f, 0.68f), choose(s, 5, 0.86f, 0.90f),
            srgb(scene_shade(SCENE_BEACH, s->seed)->rgb));
}
