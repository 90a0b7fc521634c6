// SPDX-License-Identifier: Apache-2.0
/* What animals share: the colours of a coat, with markings that contrast with it, the ruffle of fur
 * and a bright eye.
 */
#include "layer.h"

struct coat coat_of(const struct spot *s, int scene)
{
    struct coat c = {.fur = srgb(scene_shade(scene, s->seed)->rgb)};
    c.light = 0.3f * c.fur.x + 0.6f * c.fur.y + 0.1f * c.fur.z;
    c.pale = v3_mix(c.fur, srgb(0xfff3e4), 0.82f);
    c.dark = v3_mul(c.fur, v3(0.46f, 0.38f, 0.36f));
    if (c.light > 0.6f)
        c.dark = v3_mul(c.fur, v3(0.86f, 0.80f, 0.75f));
    if (c.light < 0.06f) {
        c.dark = v3_scale(c.fur, 0.6f);
        c.pale = v3_mix(c.fur, srgb(0xfff3e4), 0.75f);
    }
    return c;
}

struct form furry(const struct spot *s, struct form f, float amount)
{
    if (f.depth < -s->soft)
        return f;
    float a = noise2(s->u * 34, s->v * 16, s->seed + 21) - 0.5f;
    float b = noise2(s->u * 75, s->v * 34, s->seed + 22) - 0.5f;
    f.x += amount * (a + 0.7f * b);
    f.y += 0.6f * amount * (a - 0.7f * b);
    return f;
}

void paint_eye(struct spot *s, float u, float v, float r, unsigned iris, float slit)
{
    struct form f = ball(s, u, v, 1.22f * r, 1.28f * r);
    put(s, f.depth, srgb(0x2a2024));
    struct form in = ball(s, u, v + 0.04f * r, r, 1.08f * r);
    struct vec3 colour = v3_mix(v3_scale(srgb(iris), 0.55f), srgb(iris), ramp(-0.8f, 0.6f, in.y));
    put(s, in.depth, colour);
    put(s, ball(s, u, v + 0.04f * r, slit * r, 0.86f * r).depth, srgb(0x17131a));
    put(s, ball(s, u - 0.32f * r, v - 0.42f * r, 0.27f * r, 0.27f * r).depth,
        v3(1.05f, 1.05f, 1.05f));
    put(s, ball(s, u + 0.30f * r, v + 0.45f * r, 0.14f * r, 0.14f * r).depth,
        v3(0.75f, 0.75f, 0.75f));
}
