// SPDX-License-Identifier: Apache-2.0
/* Sky, clouds, hills, mountains, water and lawns. Distance is haze: what is far takes the colour of
 * the air.
 */
#include "layer.h"

void paint_sky(struct spot *s, float horizon)
{
    float t = clampf(s->v / horizon, 0, 1);
    s->colour = v3_mix(s->sky_top, s->sky_low, t * (0.55f + 0.45f * t));
    glow(s, 0.5f + 0.62f * s->towards.x, 0.10f, 0.75f, v3_scale(s->sun, 0.16f));
}

static void paint_cloud(struct spot *s, float u, float v, float size)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -1.5f, -1.0f, 1.5f, 0.6f))
        return;
    struct form f = ball(&in, 0.05f, -0.22f, 0.52f, 0.50f);
    f = join(f, ball(&in, -0.62f, 0.02f, 0.42f, 0.34f), 0.22f);
    f = join(f, ball(&in, 0.62f, -0.02f, 0.46f, 0.36f), 0.22f);
    f = join(f, ball(&in, 0.0f, 0.14f, 1.15f, 0.26f), 0.22f);
    float melt = 2 * minf(in.blur, 0.15f);
    float amount = ramp(-0.02f - melt, 0.20f + melt, f.depth) * ramp(0.46f, 0.16f - melt, in.v);
    struct vec3 white = v3_mix(v3(0.98f, 0.97f, 0.96f), s->haze, 0.18f);
    glaze(s, 0.94f * amount, lit(&in, f, white, 0));
}

void paint_clouds(struct spot *s, int n, float low)
{
    for (int i = 0; i < n; i++) {
        float u = ((float)i + choose(s, 60 + i, 0.1f, 0.9f)) / (float)n;
        float v = low * choose(s, 70 + i, 0.25f, 1.0f);
        paint_cloud(s, u, v, choose(s, 80 + i, 0.09f, 0.16f) * (0.6f + 0.4f * (1 - v / low)));
    }
}

void paint_hills(
    struct spot *s, float base, float height, float rate, int salt, struct vec3 albedo, float hazy)
{
    if (s->v < base - height - s->soft)
        return;
    uint32_t seed = s->seed + (uint32_t)salt * 97u;
    float x = s->u * rate + 31, here = noise2(x, 0.5f, seed);
    float slope = (noise2(x + 0.15f, 0.5f, seed) - here) * height * rate / 0.15f;
    float depth = s->v - base + height * here;
    float round = 1 - ramp(0, 0.16f, depth);
    struct form f = {depth, -0.55f * slope, -0.15f - 0.55f * round};
    struct vec3 light = lit(s, f, albedo, 0);
    put(s, depth, v3_mix(light, s->haze, hazy + (1 - hazy) * 0.35f * ramp(0, 0.22f, depth) * hazy));
}

void paint_peak(struct spot *s, float u, float top, float base, float slope, int salt, float hazy)
{
    uint32_t seed = s->seed + (uint32_t)salt * 131u;
    float side = s->u - u, down = s->v - top;
    if (s->v > base + s->soft || down < -0.03f - s->soft)
        return;
    float jag = noise2(s->u * 11, s->v * 4, seed) - 0.5f;
    float fine = noise2(s->u * 30, s->v * 17, seed + 1) - 0.5f;
    float depth = down - slope * fabsf(side) + 0.055f * jag * clampf(down * 8, 0, 1);
    if (depth < -s->soft)
        return;
    /* A crooked ridge parts the lit flank from the dark one; gullies run down from it. */
    float ridge = side - 0.24f * down * (noise2(s->v * 9, 3, seed) - 0.35f) - 0.03f * fine;
    float flank = ramp(-0.022f, 0.022f, ridge) * 2 - 1;
    float gully = noise2(fabsf(side) * 16 - 9 * down, down * 5, seed + 2) - 0.5f;
    struct form f = {depth, 0.66f * flank + 0.9f * gully, -0.22f + 0.5f * fine - 0.3f * gully};
    float snow = ramp(0.03f, -0.03f, down - 0.16f - 0.16f * jag - 0.08f * fine + 0.03f * flank);
    struct vec3 rock = v3_mix(srgb(0x9a96b4), srgb(0x74879a), ramp(0, 0.4f, down));
    struct vec3 light = lit(s, f, v3_mix(rock, v3(0.93f, 0.95f, 0.98f), snow), 0);
    float low = ramp(top, base, s->v);
    put(s, minf(depth, base - s->v), v3_mix(light, s->haze, hazy + (0.62f - hazy) * low * low));
}

void paint_sea(struct spot *s, float horizon, struct vec3 near, struct vec3 far)
{
    float depth = s->v - horizon;
    if (depth < -s->soft)
        return;
    float d = maxf(depth, 0), row = sqrtf(d) * 34, calm = ramp(0, 0.10f, d);
    float wide = 3.0f / (0.14f + d);
    float wave = noise2(s->u * wide, row, s->seed + 5) - 0.5f;
    if (s->blur == 0)
        wave += 0.6f * (noise2(s->u * wide * 2.3f, row * 2.1f, s->seed + 6) - 0.5f);
    struct form f = flat(depth);
    f.y = -0.35f - 0.75f * wave * calm;
    f.x = -0.3f * wave;
    struct vec3 colour = v3_mix(far, near, ramp(0, 0.42f, d));
    struct vec3 light = lit(s, f, colour, 0);
    float crest = ramp(s->blur > 0 ? -0.1f : 0.18f, 0.42f, wave) * calm;
    light = v3_mix(light, s->sky_low, 0.30f * crest + 0.45f * ramp(0.10f, 0, d));
    put(s, depth, light);
}

void paint_mirror(
    struct spot *s, float line, float squash, void (*above)(struct spot *), struct vec3 deep)
{
    struct spot up = *s;
    float d = s->v - line;
    if (d > 0) {
        float ripple = noise2(s->u * 5, d * 70, s->seed + 3) - 0.5f;
        up.v = line - d / squash;
        up.u += 0.035f * ripple * ramp(0, 0.25f, d);
        up.soft += 0.025f * d;
    }
    above(&up);
    float water = cover(s, d), streak = noise2(s->u * 3, d * 55, s->seed + 4);
    struct vec3 wet = v3_mix(v3_scale(up.colour, 0.86f), deep, 0.22f + 0.38f * ramp(0, 0.4f, d));
    wet = v3_mix(wet, s->sky_low, 0.28f * ramp(0.62f, 0.9f, streak) * ramp(0, 0.08f, d));
    s->colour = v3_mix(up.colour, wet, water);
    glaze(s, 0.5f * ramp(0.012f, 0, fabsf(d)) * water, s->sky_low);
}

void paint_grass(struct spot *s, float edge, struct vec3 near, struct vec3 far)
{
    float depth = s->v - edge;
    if (depth < -s->soft)
        return;
    float d = maxf(depth, 0), wide = 2.2f / (0.18f + d);
    float patch = noise2(s->u * wide, sqrtf(d) * 9, s->seed + 11) - 0.5f;
    float tuft = 0;
    if (s->blur == 0)
        tuft = (noise2(s->u * wide * 11, sqrtf(d) * 34, s->seed + 12) - 0.5f) * ramp(0, 0.06f, d);
    struct form f = {depth, 0.25f * patch + 0.25f * tuft, -0.45f - 0.5f * patch - 0.55f * tuft};
    struct vec3 green = v3_mix(far, near, ramp(0, 0.38f, d));
    put(s, depth, v3_mix(lit(s, f, green, 0), s->haze, 0.30f * ramp(0.12f, 0, d)));
}

void paint_blossoms(struct spot *s, float top, float bottom, int salt)
{
    static const unsigned colours[5] = {0xf26d7d, 0xffd95a, 0xffffff, 0xb18cf0, 0xff9f58};
    if (s->v < top || s->v > bottom)
        return;
    uint32_t seed = s->seed + (uint32_t)salt * 53u;
    float t = (s->v - top) / (bottom - top), row = sqrtf(t) * 7;
    int iy = (int)row;
    float mid = ((float)iy + 0.5f) / 7, scale = 0.35f + 0.65f * mid, step = 0.085f * scale;
    float x = s->u / step + 0.37f * (float)iy;
    int ix = floor_of(x);
    if (hash01(ix, iy, seed) > 0.42f)
        return;
    float cu = ((float)ix + choose(s, ix * 31 + iy, 0.35f, 0.65f) - 0.37f * (float)iy) * step;
    float cv = top + mid * mid * (bottom - top), r = 0.0125f * scale;
    struct form f = ball(s, cu, cv, r, 0.8f * r);
    shade(s, f, r, 0.3f);
    fill(s, f, srgb(colours[(int)(hash01(ix, iy, seed + 1) * 5)]), 0);
    put(s, ball(s, cu, cv - 0.1f * r, 0.38f * r, 0.3f * r).depth, srgb(0xf7b733));
}
