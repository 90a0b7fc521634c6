// SPDX-License-Identifier: Apache-2.0
/* What is behind people, and pictures without people: layers painted back to front as functions of
 * (u, v) in 0..1, u right, v down. Kept low in detail on purpose: small networks must learn them.
 */
#include "body.h"

struct layer {
    struct vec3 c;
    float u, v;
    uint32_t seed;
    float shift; /* 0..1, differs per picture */
};

#define EDGE 0.006f

static void put(struct layer *l, float inside, struct vec3 colour)
{
    l->c = v3_mix(l->c, colour, ramp(-EDGE, EDGE, inside));
}

static void put_soft(struct layer *l, float amount, struct vec3 colour)
{
    l->c = v3_mix(l->c, colour, clampf(amount, 0, 1));
}

static float box(const struct layer *l, float u0, float v0, float u1, float v1)
{
    return minf(minf(l->u - u0, u1 - l->u), minf(l->v - v0, v1 - l->v));
}

static float disc(const struct layer *l, float u, float v, float r)
{
    return r - sqrtf((l->u - u) * (l->u - u) + (l->v - v) * (l->v - v));
}

static void sky(struct layer *l, unsigned top, unsigned low, float horizon)
{
    l->c = v3_mix(srgb(top), srgb(low), ramp(0, horizon, l->v));
}

static void cloud(struct layer *l, float u, float v, float size, struct vec3 colour)
{
    float d =
        maxf(disc(l, u, v, size), maxf(disc(l, u - size * 1.1f, v + size * 0.3f, size * 0.7f),
                                       disc(l, u + size * 1.1f, v + size * 0.25f, size * 0.75f)));
    put_soft(l, 0.85f * ramp(-0.02f, 0.04f, d) * ramp(v + size * 0.85f, v + size * 0.3f, l->v),
             colour);
}

static void hills(struct layer *l,
                  float base,
                  float height,
                  float rate,
                  uint32_t salt,
                  unsigned top,
                  unsigned low)
{
    float edge = base - height * noise2(l->u * rate + l->shift * 7, 0.5f, l->seed + salt);
    put(l, l->v - edge, v3_mix(srgb(top), srgb(low), ramp(edge, base + 0.25f, l->v)));
}

static void sea(struct layer *l, float horizon, unsigned far, unsigned near)
{
    float wave = noise2(l->u * 5, l->v * l->v * 60, l->seed) - 0.5f;
    struct vec3 c =
        v3_scale(v3_mix(srgb(far), srgb(near), ramp(horizon, 1, l->v)), 1 + 0.25f * wave);
    put(l, l->v - horizon, c);
}

static void crown(struct layer *l, float u, float v, float r, unsigned colour)
{
    float d = maxf(disc(l, u, v, r), maxf(disc(l, u - r * 0.7f, v + r * 0.35f, r * 0.7f),
                                          disc(l, u + r * 0.7f, v + r * 0.3f, r * 0.72f)));
    d += 0.03f * (noise2(l->u * 22, l->v * 22, l->seed) - 0.5f);
    float light = 0.75f + 0.55f * ramp(r, -r, (l->v - v) + 0.5f * (l->u - u)) +
                  0.2f * (noise2(l->u * 14, l->v * 14, l->seed + 3) - 0.5f);
    put(l, d, v3_scale(srgb(colour), light));
}

static void scene_lighthouse(struct layer *l)
{
    sky(l, 0x6fa8dc, 0xf3e3cf, 0.62f);
    cloud(l, 0.2f + 0.5f * l->shift, 0.2f, 0.07f, v3(0.95f, 0.94f, 0.93f));
    sea(l, 0.62f, 0x5f9cc0, 0x1f5a86);
    float x = 0.35f + 0.3f * l->shift;
    put(l, l->v - (0.70f + 0.9f * (l->u - x) * (l->u - x) + 0.03f * noise2(l->u * 9, 2, l->seed)),
        v3_mix(srgb(0x8a7a6a), srgb(0x4a443f), ramp(0.7f, 1, l->v)));
    float half = mixf(0.045f, 0.075f, ramp(0.25f, 0.75f, l->v)),
          d = minf(half - fabsf(l->u - x), minf(l->v - 0.27f, 0.76f - l->v));
    struct vec3 stripe =
        fmodf((l->v - 0.27f) / 0.14f, 1.0f) < 0.5f ? srgb(0xc33b32) : srgb(0xf2eee6);
    put(l, d, v3_scale(stripe, 1.05f - 0.5f * ramp(-half, half, l->u - x)));
    put(l, box(l, x - 0.06f, 0.255f, x + 0.06f, 0.275f), srgb(0x3a3a40));
    put(l, box(l, x - 0.035f, 0.20f, x + 0.035f, 0.255f), srgb(0xffe49a));
    put(l, minf(l->v - 0.15f - fabsf(l->u - x) * 1.1f, 0.205f - l->v), srgb(0xa52f2a));
}

static void scene_lake(struct layer *l)
{
    float v = l->v, horizon = 0.56f;
    if (v > horizon)
        l->v = 2 * horizon - v; /* reflection */
    sky(l, 0x79b2e2, 0xe8eef2, 0.56f);
    float edge =
        0.16f + 0.55f * fabsf(l->u - 0.3f - 0.4f * l->shift) + 0.10f * noise2(l->u * 8, 1, l->seed);
    struct vec3 rock =
        v3_mix(srgb(0x8b97a8), srgb(0x5e6f80), noise2(l->u * 9 + l->v * 6, l->v * 4, l->seed));
    put(l, l->v - edge,
        v3_mix(srgb(0xf5f7fa), rock,
               ramp(0.02f, 0.10f, l->v - edge + 0.06f * (noise2(l->u * 16, 3, l->seed) - 0.5f))));
    hills(l, 0.60f, 0.17f, 5, 4, 0x3f6b4c, 0x2c5240);
    l->v = v;
    if (v > horizon)
        l->c = v3_mix(v3_scale(l->c, 0.8f), srgb(0x3d7f9c), 0.25f + 0.4f * ramp(horizon, 1, v));
}

static void scene_house(struct layer *l)
{
    sky(l, 0x86bce8, 0xe9f2f5, 0.6f);
    cloud(l, 0.75f - 0.4f * l->shift, 0.16f, 0.06f, v3(0.95f, 0.95f, 0.95f));
    hills(l, 0.66f, 0.10f, 3, 1, 0x7bab5a, 0x4f8a42);
    put(l, l->v - 0.66f, v3_mix(srgb(0x77ae52), srgb(0x4a8a3b), ramp(0.66f, 1, l->v)));
    float x = 0.42f + 0.16f * l->shift;
    crown(l, x + 0.36f, 0.50f, 0.11f, 0x3f7d3d);
    put(l, box(l, x - 0.22f, 0.46f, x + 0.22f, 0.76f),
        v3_scale(srgb(0xf0e2c8), 1.05f - 0.3f * ramp(x - 0.2f, x + 0.25f, l->u)));
    put(l, minf(l->v - 0.26f - fabsf(l->u - x) * 0.75f, 0.475f - l->v),
        v3_scale(srgb(0xb4503a), 1.1f - 0.5f * ramp(x - 0.2f, x + 0.25f, l->u)));
    put(l, box(l, x - 0.05f, 0.58f, x + 0.05f, 0.76f), srgb(0x6d4630));
    put(l, box(l, x - 0.17f, 0.54f, x - 0.09f, 0.63f), srgb(0x9cc7de));
    put(l, box(l, x + 0.09f, 0.54f, x + 0.17f, 0.63f), srgb(0x9cc7de));
    put(l, minf(l->v - 0.76f, 0.05f + (l->v - 0.76f) * 0.35f - fabsf(l->u - x)), srgb(0xd9c6a0));
    int ix = (int)(l->u * 15), iy = (int)(l->v * 15);
    float fu = ((float)ix + 0.25f + 0.5f * hash01(ix, iy, l->seed)) / 15,
          fv = ((float)iy + 0.25f + 0.5f * hash01(ix, iy, l->seed + 1)) / 15;
    if (iy >= 12 && fabsf(fu - x) > 0.05f + (fv - 0.76f) * 0.35f + 0.02f)
        put(l, disc(l, fu, fv, 0.014f),
            hash01(ix, iy, l->seed + 2) < 0.5f ? srgb(0xe0566b) : srgb(0xf4d35e));
}

static void scene_tree(struct layer *l)
{
    sky(l, 0x7db7ea, 0xeaf3f4, 0.62f);
    cloud(l, 0.15f + 0.7f * l->shift, 0.2f, 0.07f, v3(0.95f, 0.95f, 0.95f));
    hills(l, 0.70f, 0.09f, 2.5f, 1, 0x9cc46a, 0x5a9a48);
    put(l, l->v - 0.70f, v3_mix(srgb(0x86b956), srgb(0x4d8f3c), ramp(0.7f, 1, l->v)));
    float x = 0.36f + 0.28f * l->shift;
    put_soft(l, 0.45f * gauss2(l->u - x - 0.05f, 0.22f, l->v - 0.79f, 0.03f), srgb(0x2c5526));
    put(l,
        minf(0.028f + 0.05f * ramp(0.72f, 0.8f, l->v) - fabsf(l->u - x),
             minf(l->v - 0.45f, 0.79f - l->v)),
        v3_scale(srgb(0x6b4a32), 1.1f - 8 * maxf(l->u - x, 0)));
    crown(l, x, 0.34f, 0.185f, 0x4f9440);
}

static void scene_city(struct layer *l)
{
    sky(l, 0x5c86bd, 0xf6cfae, 0.75f);
    for (int row = 0; row < 2; row++) {
        float n = row ? 7.0f : 11.0f, p = l->u * n + l->shift * 5;
        int i = (int)floorf(p);
        float top = (row ? 0.42f : 0.30f) + 0.30f * hash01(i, row, l->seed), in = p - (float)i;
        struct vec3 c = v3_scale(row ? srgb(0x3b4a66) : srgb(0x7287a8),
                                 0.9f + 0.25f * hash01(i, row + 4, l->seed));
        put(l, minf(l->v - top, minf(in - 0.04f, 0.96f - in) / n), c);
        float wx = fmodf(in * 4, 1.0f), wy = fmodf(l->v * 24, 1.0f);
        bool lit = hash01(i * 4 + (int)(in * 4), (int)(l->v * 24), l->seed + 8) < 0.45f;
        if (row && lit && l->v > top + 0.03f && in > 0.12f && in < 0.88f)
            put_soft(l,
                     0.9f * minf(ramp(0.2f, 0.35f, wx) * ramp(0.85f, 0.7f, wx),
                                 ramp(0.2f, 0.35f, wy) * ramp(0.85f, 0.7f, wy)),
                     srgb(0xffd98a));
    }
    put(l, l->v - 0.9f, srgb(0x2a3346));
}

static void scene_sunset(struct layer *l)
{
    sky(l, 0x5b4b8a, 0xffb35c, 0.56f);
    put_soft(l, ramp(0.25f, 0.5f, l->v) * 0.4f, srgb(0xff8a5c));
    float x = 0.3f + 0.4f * l->shift;
    put_soft(l, gauss2(l->u - x, 0.25f, l->v - 0.5f, 0.2f) * 0.6f, srgb(0xffd07a));
    put(l, disc(l, x, 0.50f, 0.085f), srgb(0xfff0b8));
    sea(l, 0.56f, 0xe08a5e, 0x4a4a7a);
    if (l->v > 0.56f)
        put_soft(l,
                 0.8f * gauss(l->u - x, 0.05f + 0.12f * (l->v - 0.56f)) *
                     noise2(l->u * 4, l->v * 45, l->seed) * ramp(0.85f, 0.6f, l->v),
                 srgb(0xffe3a0));
    put(l, l->v - 0.80f - 0.05f * noise2(l->u * 3 + l->shift, 2, l->seed),
        v3_mix(srgb(0xc99a6e), srgb(0x8a6a55), ramp(0.8f, 1, l->v)));
}

static void scene_forest(struct layer *l)
{
    sky(l, 0xcfe3d4, 0xe9efd6, 0.7f);
    for (int row = 0; row < 3; row++) {
        float n = 9.0f - 2.2f * (float)row, p = l->u * n + l->shift * 3 + (float)row * 0.4f;
        int i = (int)floorf(p);
        float in = p - (float)i - 0.5f,
              top = 0.10f + 0.09f * (float)row + 0.15f * hash01(i, row, l->seed),
              low = 0.70f + 0.09f * (float)row;
        static const unsigned greens[3] = {0x8fb596, 0x55875f, 0x2c5f3e};
        float saw = 0.25f * fmodf((l->v - top) * 9, 1.0f),
              half = 0.52f * ramp(top - 0.1f, low + 0.2f, l->v) + saw * 0.3f - 0.04f;
        put(l, minf(half - fabsf(in), minf(l->v - top, low - l->v) * n) / n,
            v3_scale(srgb(greens[row]), 1.05f - 0.35f * ramp(-0.3f, 0.4f, in)));
    }
    put(l, l->v - 0.84f + 0.03f * noise2(l->u * 4, 1, l->seed),
        v3_mix(srgb(0x55803f), srgb(0x2f5a2c), ramp(0.84f, 1, l->v)));
}

static void scene_desert(struct layer *l)
{
    sky(l, 0x5fa4dc, 0xf4e3c4, 0.55f);
    put(l, disc(l, 0.2f + 0.6f * l->shift, 0.18f, 0.06f), srgb(0xfff4c8));
    hills(l, 0.66f, 0.18f, 2.2f, 1, 0xe0b577, 0xcf9a5a);
    hills(l, 0.80f, 0.22f, 1.8f, 2, 0xefc486, 0xc88a4c);
    hills(l, 1.00f, 0.24f, 1.5f, 3, 0xf3cf95, 0xc98d50);
}

static void scene_boat(struct layer *l)
{
    sky(l, 0x6fb0e6, 0xe4f0f5, 0.55f);
    cloud(l, 0.8f - 0.5f * l->shift, 0.17f, 0.06f, v3(0.95f, 0.95f, 0.95f));
    sea(l, 0.55f, 0x5aa3cc, 0x1d5f94);
    float x = 0.38f + 0.24f * l->shift;
    put(l, minf(0.010f - fabsf(l->u - x), minf(l->v - 0.16f, 0.68f - l->v)), srgb(0x6b4a32));
    put(l, minf(minf(l->u - x - 0.012f, (l->v - 0.18f) * 0.58f - (l->u - x)), 0.60f - l->v),
        v3_scale(srgb(0xf7f3ea), 1 - 0.8f * maxf(l->u - x, 0)));
    put(l, minf(minf(x - 0.012f - l->u, (l->v - 0.24f) * 0.45f - (x - l->u)), 0.60f - l->v),
        srgb(0xe6b8a0));
    put(l, minf(minf(l->v - 0.63f, 0.72f - l->v), 0.27f - (l->v - 0.63f) * 0.8f - fabsf(l->u - x)),
        v3_scale(srgb(0xa8382f), 1.1f - 2 * (l->v - 0.63f)));
}

static void scene_night(struct layer *l)
{
    sky(l, 0x0d1533, 0x3b4a7c, 0.8f);
    int ix = (int)(l->u * 18), iy = (int)(l->v * 18);
    float su = ((float)ix + 0.2f + 0.6f * hash01(ix, iy, l->seed)) / 18,
          sv = ((float)iy + 0.2f + 0.6f * hash01(ix, iy, l->seed + 1)) / 18;
    if (hash01(ix, iy, l->seed + 2) < 0.35f)
        put_soft(
            l,
            ramp(-0.007f, 0.004f, disc(l, su, sv, 0.0035f + 0.004f * hash01(ix, iy, l->seed + 3))),
            srgb(0xf5f1dc));
    float x = 0.25f + 0.5f * l->shift;
    put_soft(l, 0.5f * gauss2(l->u - x, 0.22f, l->v - 0.28f, 0.22f), srgb(0x8fa2d6));
    put(l, disc(l, x, 0.28f, 0.105f),
        v3_scale(srgb(0xf7f0d4), 0.85f + 0.25f * noise2(l->u * 20, l->v * 20, 4)));
    hills(l, 0.86f, 0.20f, 3, 1, 0x27345c, 0x1d2848);
    hills(l, 0.98f, 0.18f, 2.4f, 2, 0x141d38, 0x0c1226);
}

static void (*const painters[SCENE_COUNT])(struct layer *) = {
    [SCENE_LIGHTHOUSE] = scene_lighthouse,
    [SCENE_LAKE] = scene_lake,
    [SCENE_HOUSE] = scene_house,
    [SCENE_TREE] = scene_tree,
    [SCENE_CITY] = scene_city,
    [SCENE_SUNSET] = scene_sunset,
    [SCENE_FOREST] = scene_forest,
    [SCENE_DESERT] = scene_desert,
    [SCENE_BOAT] = scene_boat,
    [SCENE_NIGHT] = scene_night,
};

struct vec3 scene_colour(int scene, uint64_t seed, float u, float v)
{
    struct layer l = {
        .u = u, .v = v, .seed = (uint32_t)seed, .shift = hash01((int)(seed & 0xffff), scene, 77)};
    painters[scene](&l);
    return l.c;
}

struct vec3 backdrop_colour(const struct shot *shot, float u, float v)
{
    struct layer l = {.u = u,
                      .v = v,
                      .seed = (uint32_t)shot->seed,
                      .shift = hash01((int)(shot->seed & 0xffff), 5, 77)};
    struct vec3 wall = srgb(wall_colours[shot->wall].rgb);
    float glow =
        gauss2(u - 0.5f + 0.15f * (shot->light_x > 0 ? -1.0f : 1.0f), 0.62f, v - 0.4f, 0.62f);
    switch (shot->place) {
    case PLACE_STUDIO:
        l.c = v3_mix(srgb(0x3a3c42), srgb(0x9a9ca2), glow);
        break;
    case PLACE_MEADOW:
        sky(&l, 0x84bdee, 0xeaf3f3, 0.55f);
        cloud(&l, l.shift, 0.15f, 0.08f, v3(0.95f, 0.95f, 0.95f));
        hills(&l, 0.60f, 0.09f, 2.5f, 1, 0x94c06a, 0x6aa552);
        put(&l, v - 0.60f, v3_mix(srgb(0x8abd5c), srgb(0x559544), ramp(0.6f, 1, v)));
        break;
    case PLACE_ROOM: {
        l.c = v3_mix(srgb(0xd9cbb4), srgb(0xb8a68c), ramp(0, 1, v));
        float x = l.shift < 0.5f ? 0.14f : 0.86f;
        put(&l, box(&l, x - 0.17f, 0.07f, x + 0.17f, 0.58f), srgb(0xf4f1ea));
        put(&l, box(&l, x - 0.145f, 0.095f, x + 0.145f, 0.555f),
            v3_mix(srgb(0xa9d3f0), srgb(0xe3f1e4), ramp(0.1f, 0.55f, v)));
        put(&l, box(&l, x - 0.012f, 0.08f, x + 0.012f, 0.57f), srgb(0xf4f1ea));
        put(&l, box(&l, x - 0.16f, 0.315f, x + 0.16f, 0.34f), srgb(0xf4f1ea));
        break;
    }
    default:
        l.c = v3_mix(v3_scale(wall, 0.52f), v3_scale(wall, 1.12f), glow);
        break;
    }
    return l.c;
}
