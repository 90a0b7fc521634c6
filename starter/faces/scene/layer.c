// SPDX-License-Identifier: Apache-2.0
/* The light of each hour, and what it makes of a surface: a wrapped sun (soft-bodied things have no
 * hard terminator), a hemisphere of sky and ground, a rim of sky light, a highlight on what is
 * polished. Shadows stay coloured, as in painting.
 */
#include "layer.h"

static const struct {
    unsigned sky_top, sky_low, haze, sun, sky, ground;
    float power[3]; /* of sun, sky and ground */
} lights[HOUR_COUNT] = {
    [HOUR_DAY] =
        {0x4796e4, 0xcdeafb, 0xc9e2f3, 0xfff0d0, 0xa9c6f5, 0xd2dca8, {0.98f, 0.55f, 0.32f}},
    [HOUR_MORNING] =
        {0x6fa8e6, 0xffe3d2, 0xefdfe2, 0xffe2c0, 0xbcc2f2, 0xe2cfae, {0.96f, 0.58f, 0.32f}},
    [HOUR_GOLDEN] =
        {0x5f97d8, 0xffdb9c, 0xf8d9ae, 0xffcf90, 0xaaaeea, 0xe8b483, {1.02f, 0.50f, 0.32f}},
    [HOUR_DUSK] =
        {0x39408c, 0xffa583, 0xc789a6, 0xffa27c, 0x8480d2, 0xb0708c, {0.62f, 0.52f, 0.30f}},
    [HOUR_NIGHT] =
        {0x0c1440, 0x42609e, 0x3a5290, 0xb4ccff, 0x5064b4, 0x30407c, {0.42f, 0.40f, 0.20f}},
    [HOUR_INDOORS] =
        {0xfff4e0, 0xf3e4d0, 0xf3e4d0, 0xffefd4, 0xd2cfe6, 0xe6bd92, {0.96f, 0.48f, 0.36f}},
};

uint32_t spot_seed(uint64_t seed, int salt)
{
    uint32_t mixed = (uint32_t)(seed ^ seed >> 32) * 0x9e3779b1u + (uint32_t)salt * 0x85ebca6bu;
    return mixed ^ mixed >> 15;
}

struct spot spot_make(uint64_t seed,
                      int salt,
                      const int hours[HOURS],
                      struct vec3 towards,
                      float u,
                      float v,
                      float pixel)
{
    struct spot s = {.u = u, .v = v, .soft = 0.75f * pixel, .seed = spot_seed(seed, salt)};
    int hour = hours[(int)(chance(&s, 900) * HOURS)];
    s.sky_top = srgb(lights[hour].sky_top);
    s.sky_low = srgb(lights[hour].sky_low);
    s.haze = srgb(lights[hour].haze);
    s.sun = v3_scale(srgb(lights[hour].sun), lights[hour].power[0]);
    s.sky = v3_scale(srgb(lights[hour].sky), lights[hour].power[1]);
    s.ground = v3_scale(srgb(lights[hour].ground), lights[hour].power[2]);
    if (chance(&s, 901) < 0.5f) {
        s.u = 1 - u;
        towards.x = -towards.x;
    }
    s.towards = towards;
    s.gleam = v3_unit(v3_add(towards, v3(0, 0, 1)));
    return s;
}

struct vec3 lit(const struct spot *s, struct form f, struct vec3 albedo, float gloss)
{
    float tilt = f.x * f.x + f.y * f.y, k = tilt > 1 ? 1 / sqrtf(tilt) : 1;
    struct vec3 n = v3(f.x * k, -f.y * k, sqrtf(maxf(1 - tilt, 0)));
    float sun = clampf((v3_dot(n, s->towards) + 0.3f) / 1.3f, 0, 1), up = 0.5f + 0.5f * n.y;
    float edge = (1 - n.z) * (1 - n.z), rim = 0.55f * edge * up;
    struct vec3 light = v3_add(v3_scale(s->sun, sun), v3_scale(s->ground, 1 - up));
    light = v3_add(light, v3_scale(s->sky, up + rim));
    struct vec3 out = v3_mul(albedo, light);
    out = v3_add(out, v3_scale(s->sky, 0.10f * edge * up));
    if (gloss > 0) {
        float h = maxf(v3_dot(n, s->gleam), 0), h2 = h * h, h4 = h2 * h2, h8 = h4 * h4;
        float h32 = h8 * h8 * h8 * h8;
        out = v3_add(out, v3_scale(s->sun, gloss * (0.75f * h32 * h32 + 0.10f * h8)));
    }
    return out;
}
