// SPDX-License-Identifier: Apache-2.0
/* Trees and bushes: crowns of melted balls with a ruffle of leaves, firs of stacked skirts, palms
 * of bent fronds.
 */
#include "layer.h"

/* Leaves: clumps push the surface in and out. */
static struct form leafy(const struct spot *s, struct form f, float rate, float amount, int salt)
{
    if (f.depth < -amount || s->blur > 0)
        return f;
    uint32_t seed = s->seed + (uint32_t)salt * 19u;
    float a = noise2(s->u * rate, s->v * rate, seed) - 0.5f;
    float b = noise2(s->u * rate + 7, s->v * rate + 3, seed + 1) - 0.5f;
    float c = noise2(s->u * rate * 2.3f, s->v * rate * 2.3f, seed + 2) - 0.5f;
    f.depth += amount * (a + 0.6f * c);
    f.x += 0.75f * a + 0.45f * c;
    f.y += 0.75f * b - 0.45f * c;
    return f;
}

static void paint_crown(struct spot *s, struct form f, struct vec3 leaves)
{
    float low = clampf(0.5f + 0.8f * f.y, 0, 1);
    struct vec3 cool = v3_mul(leaves, v3(0.62f, 0.78f, 0.86f));
    fill(s, f, v3_mix(leaves, cool, low), 0);
}

void paint_tree(struct spot *s, float u, float v, float size, struct vec3 leaves, int salt)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -0.62f, -1.1f, 0.62f, 0.12f))
        return;
    pool(&in, 0.10f, 0.0f, 0.50f, 0.09f, 0.55f);
    struct form trunk = limb(&in, 0, 0.0f, 0.060f, 0.01f, -0.5f, 0.038f);
    trunk = join(trunk, limb(&in, 0, -0.28f, 0.03f, 0.17f, -0.52f, 0.02f), 0.03f);
    trunk = join(trunk, limb(&in, 0, -0.24f, 0.03f, -0.16f, -0.48f, 0.02f), 0.03f);
    trunk = join(trunk, limb(&in, -0.07f, 0.015f, 0.02f, 0.08f, 0.015f, 0.02f), 0.06f);
    fill(&in, carve(trunk, 0.03f - in.v), srgb(0x7d563a), 0);
    float k = 0.06f, a = choose(s, salt, -0.05f, 0.05f);
    struct form f = ball(&in, a, -0.76f, 0.25f, 0.23f);
    f = join(f, ball(&in, -0.24f, -0.62f, 0.20f, 0.17f), k);
    f = join(f, ball(&in, 0.25f, -0.61f, 0.20f, 0.17f), k);
    f = join(f, ball(&in, 0.02f, -0.52f, 0.24f, 0.14f), k);
    f = join(f, ball(&in, -0.16f + a, -0.80f, 0.15f, 0.14f), k);
    f = join(f, ball(&in, 0.17f + a, -0.79f, 0.15f, 0.14f), k);
    paint_crown(&in, leafy(&in, f, 15, 0.045f, salt), leaves);
    s->colour = in.colour;
}

void paint_bush(struct spot *s, float u, float v, float size, struct vec3 leaves, int salt)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -1.1f, -1.1f, 1.1f, 0.2f))
        return;
    pool(&in, 0.1f, 0, 1.0f, 0.16f, 0.5f);
    struct form f = ball(&in, 0, -0.48f, 0.52f, 0.50f);
    f = join(f, ball(&in, -0.48f, -0.30f, 0.40f, 0.34f), 0.12f);
    f = join(f, ball(&in, 0.50f, -0.28f, 0.38f, 0.32f), 0.12f);
    paint_crown(&in, carve(leafy(&in, f, 7, 0.08f, salt), 0.06f - in.v), leaves);
    s->colour = in.colour;
}

void paint_fir(struct spot *s, float u, float v, float size, struct vec3 needles, float snow)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -0.36f, -1.05f, 0.36f, 0.06f))
        return;
    pool(&in, 0.06f, 0, 0.30f, 0.05f, 0.45f);
    fill(&in, drum(&in, 0, -0.25f, 0.035f, 0.01f, 0.04f), srgb(0x6d4c36), 0);
    float jitter = in.blur > 0 ? 0 : noise2(in.u * 26 + u * 40, in.v * 26, s->seed) - 0.5f;
    for (int i = 0; i < 4; i++) {
        float top = -0.62f - 0.125f * (float)i, low = -0.12f - 0.20f * (float)i;
        float half = 0.30f - 0.058f * (float)i;
        if (in.v < top - 0.1f || in.v > low + 0.06f)
            continue;
        float t = clampf((in.v - top) / (low - top), 0, 1), wide = half * t * (0.72f + 0.28f * t);
        float hem = low + 0.045f - 0.45f * in.u * in.u / half + 0.03f * jitter;
        float depth =
            minf((wide + 0.02f * jitter - fabsf(in.u)) * 0.8f, minf(hem - in.v, in.v - top));
        float x = in.u / (wide + 0.02f);
        struct form f = {depth, 0.85f * x + 0.3f * jitter, -0.30f + 0.7f * t * t + 0.5f * jitter};
        float white = snow * ramp(0.92f, 0.62f, t + 0.45f * jitter);
        struct vec3 colour =
            v3_mix(v3_scale(needles, 1.12f - 0.45f * t * t), v3(0.93f, 0.95f, 1), white);
        fill(&in, f, colour, 0);
    }
    s->colour = in.colour;
}

void paint_firs(
    struct spot *s, float v, float size, float step, int salt, struct vec3 needles, float snow)
{
    int cell = floor_of(s->u / step);
    for (int i = cell - 1; i <= cell + 1; i++) {
        float high = size * (0.7f + 0.5f * hash01(i, salt, s->seed));
        float u = ((float)i + 0.5f + 0.5f * (hash01(i, salt + 1, s->seed) - 0.5f)) * step;
        paint_fir(s, u, v + 0.02f * hash01(i, salt + 2, s->seed), high, needles, snow);
    }
}

void paint_palm(struct spot *s, float u, float v, float size)
{
    struct spot in = enter(s, u, v, size);
    if (!within(&in, -0.65f, -1.25f, 0.75f, 0.1f))
        return;
    pool(&in, 0.12f, 0, 0.45f, 0.06f, 0.5f);
    struct form trunk = limb(&in, 0, 0, 0.05f, 0.035f, -0.45f, 0.036f);
    trunk = join(trunk, limb(&in, 0.035f, -0.45f, 0.036f, 0.12f, -0.88f, 0.03f), 0.02f);
    float ring = 0.5f + 0.5f * sinf(in.v * 75);
    trunk.y += 0.35f * (ring - 0.5f);
    trunk = carve(trunk, 0.012f - in.v);
    fill(&in, trunk, v3_scale(srgb(0xa9794f), 0.85f + 0.15f * ring), 0);
    static const float tips[7][2] = {{-0.48f, -0.72f}, {0.70f, -0.74f},  {-0.38f, -1.02f},
                                     {0.62f, -1.02f},  {-0.24f, -0.52f}, {0.46f, -0.54f},
                                     {0.10f, -0.56f}};
    float dx = in.u - 0.12f, dy = in.v + 0.90f, away = sqrtf(dx * dx + dy * dy);
    float leaflet = fract(away * 17), comb = leaflet * ramp(0.08f, 0.22f, away);
    if (in.blur > 0)
        comb = 0.5f;
    for (int i = 0; i < 7; i++) {
        float tu = tips[i][0], tv = tips[i][1];
        float mu = mixf(0.12f, tu, 0.52f), mv = mixf(-0.90f, tv, 0.45f) - 0.15f;
        struct form f = limb(&in, 0.12f, -0.90f, 0.020f, mu, mv, 0.058f);
        f = join(f, limb(&in, mu, mv, 0.058f, tu, tv, 0.006f), 0.05f);
        f.depth -= 0.024f * comb * ramp(0.60f, 0.30f, away);
        f.y += 0.5f * comb - 0.1f;
        fill(&in, f, v3_mix(srgb(0x5cb04c), srgb(0x2f8750), (float)(i & 1)), 0.05f);
    }
    for (int i = 0; i < 2; i++)
        fill(&in, ball(&in, 0.10f + 0.06f * (float)i, -0.855f, 0.035f, 0.035f), srgb(0x8a5a34),
             0.1f);
    s->colour = in.colour;
}
