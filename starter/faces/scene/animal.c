// SPDX-License-Identifier: Apache-2.0
/* Scenes of a bird and a horse: each a skin of joined balls and bars, painted far parts first, with
 * a soft shadow where a near part lies on a far one. An animal stands on its origin and is one unit
 * high.
 */
#include "layer.h"

static void twig(struct spot *s, struct vec3 petals)
{
    struct form wood = limb(s, -0.9f, 0.40f, 0.040f, 0.10f, 0.36f, 0.050f);
    wood = join(wood, limb(s, 0.10f, 0.36f, 0.050f, 1.0f, 0.24f, 0.060f), 0.03f);
    wood = join(wood, limb(s, -0.25f, 0.38f, 0.03f, -0.62f, 0.16f, 0.016f), 0.03f);
    wood.y += 0.5f * (noise2(s->u * 12, s->v * 45, s->seed + 2) - 0.5f);
    fill(s, wood, srgb(0x8a5f44), 0);
    static const float leaves[6][4] = {
        {-0.62f, 0.16f, -0.78f, 0.08f}, {-0.55f, 0.22f, -0.50f, 0.04f},
        {-0.75f, 0.40f, -0.88f, 0.55f}, {0.45f, 0.33f, 0.55f, 0.52f},
        {0.70f, 0.27f, 0.80f, 0.10f},   {-0.40f, 0.40f, -0.34f, 0.57f}};
    for (int i = 0; i < 6; i++) {
        float mu = 0.5f * (leaves[i][0] + leaves[i][2]), mv = 0.5f * (leaves[i][1] + leaves[i][3]);
        struct form f = join(limb(s, leaves[i][0], leaves[i][1], 0.01f, mu, mv, 0.052f),
                             limb(s, mu, mv, 0.052f, leaves[i][2], leaves[i][3], 0.006f), 0.02f);
        fill(s, f, i & 1 ? srgb(0x7dbb4c) : srgb(0x5ea347), 0.05f);
    }
    static const float spots[4][2] = {
        {-0.66f, 0.28f}, {-0.30f, 0.32f}, {0.58f, 0.22f}, {0.80f, 0.33f}};
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 5; k++) {
            static const float around[5][2] = {
                {0, -1}, {0.95f, -0.31f}, {0.59f, 0.81f}, {-0.59f, 0.81f}, {-0.95f, -0.31f}};
            fill(s,
                 ball(s, spots[i][0] + 0.045f * around[k][0], spots[i][1] + 0.045f * around[k][1],
                      0.038f, 0.038f),
                 petals, 0);
        }
        fill(s, ball(s, spots[i][0], spots[i][1], 0.020f, 0.020f), srgb(0xf6c544), 0);
    }
}

static void songbird(struct spot *s, struct vec3 plumage)
{
    struct vec3 dark = v3_mul(plumage, v3(0.55f, 0.55f, 0.62f)), cream = srgb(0xfff0d8);
    struct form tail = limb(s, 0.28f, 0.12f, 0.085f, 0.66f, 0.36f, 0.045f);
    tail.x *= 0.7f;
    fill(s, furry(s, tail, 0.3f), dark, 0);
    for (int i = 0; i < 2; i++)
        fill(s,
             limb(s, -0.02f + 0.11f * (float)i, 0.20f, 0.014f, -0.04f + 0.11f * (float)i, 0.35f,
                  0.014f),
             srgb(0xb9784a), 0.1f);
    struct form body = limb(s, -0.06f, -0.02f, 0.275f, 0.20f, 0.09f, 0.18f);
    body = join(body, ball(s, -0.17f, -0.28f, 0.205f, 0.195f), 0.12f);
    float belly = (s->v - 0.02f) * 0.8f - (s->u + 0.04f) * 0.9f;
    float mask = ball(s, -0.28f, -0.21f, 0.12f, 0.10f).depth;
    struct vec3 coat = v3_mix(plumage, cream, ramp(-0.02f, 0.10f, belly));
    fill(s, furry(s, body, 0.35f), v3_mix(coat, cream, ramp(-0.02f, 0.02f, mask)), 0);
    struct form beak = limb(s, -0.345f, -0.265f, 0.045f, -0.475f, -0.235f, 0.006f);
    fill(s, beak, srgb(0xf2a03c), 0.4f);
    put(s, limb(s, -0.36f, -0.255f, 0.004f, -0.47f, -0.236f, 0.003f).depth, srgb(0xa8642a));
    paint_eye(s, -0.235f, -0.315f, 0.036f, 0x3a2a24, 0.7f);
    struct form wing = join(limb(s, 0.06f, -0.06f, 0.135f, 0.24f, 0.09f, 0.11f),
                            limb(s, 0.24f, 0.09f, 0.11f, 0.48f, 0.24f, 0.02f), 0.05f);
    shade(s, wing, 0.05f, 0.35f);
    float along = (s->u - 0.1f) * 0.75f + s->v * 0.65f;
    float feather = ramp(0.5f, 0.95f, sinf(along * 42 + 6 * wing.y)) * ramp(0.02f, 0.12f, along);
    wing.y += 0.5f * (feather - 0.4f);
    fill(s, furry(s, wing, 0.25f), v3_mix(v3_mix(plumage, dark, 0.55f), cream, 0.35f * feather), 0);
}

void scene_bird(struct spot *s)
{
    struct spot far = *s;
    far.soft = far.blur = 0.035f;
    paint_sky(&far, 0.9f);
    paint_clouds(&far, 2, 0.3f);
    paint_hills(&far, 0.95f, 0.40f, 2.4f, 1, srgb(0x9ccf8e), 0.35f);
    paint_hills(&far, 1.10f, 0.40f, 3.0f, 2, srgb(0x74b458), 0.12f);
    s->colour = far.colour;
    for (int i = 0; i < 7; i++) {
        float u = choose(s, 20 + i, 0, 1), v = choose(s, 30 + i, 0.35f, 1),
              r = choose(s, 40 + i, 0.03f, 0.07f);
        glaze(s, 0.16f * ramp(-0.008f, 0.008f, ball(s, u, v, r, r).depth), v3(1, 0.98f, 0.80f));
    }
    float x = choose(s, 1, 0.48f, 0.56f), y = choose(s, 2, 0.50f, 0.56f);
    struct spot in = enter(s, x, y, choose(s, 3, 0.62f, 0.70f));
    twig(&in, chance(s, 4) < 0.5f ? srgb(0xffc2d2) : srgb(0xfff6f0));
    songbird(&in, srgb(scene_shade(SCENE_BIRD, s->seed)->rgb));
    s->colour = in.colour;
}

static struct form horse_leg(const struct spot *s, const float p[5])
{
    struct form f = limb(s, p[0], p[1], p[2], p[3], -0.25f, 0.040f);
    f = join(f, limb(s, p[3], -0.25f, 0.036f, p[4], -0.05f, 0.030f), 0.03f);
    return carve(f, -0.045f - s->v);
}

/* Tail, trunk, neck and legs; returns the skin, which the head joins. */
static struct form horse_body(struct spot *s, const struct coat *c, struct vec3 mane)
{
    static const float legs[4][5] = {/* hip u, v, radius; knee u; foot u; the far ones first */
                                     {-0.19f, -0.48f, 0.075f, -0.22f, -0.20f},
                                     {0.24f, -0.50f, 0.10f, 0.29f, 0.25f},
                                     {-0.27f, -0.48f, 0.085f, -0.29f, -0.29f},
                                     {0.32f, -0.50f, 0.125f, 0.385f, 0.365f}};
    struct form tail = limb(s, 0.45f, -0.66f, 0.045f, 0.56f, -0.50f, 0.065f);
    tail = join(tail, limb(s, 0.56f, -0.50f, 0.065f, 0.55f, -0.18f, 0.015f), 0.05f);
    fill(s, furry(s, tail, 0.7f), mane, 0.05f);
    struct form body = limb(s, -0.20f, -0.575f, 0.165f, 0.25f, -0.59f, 0.170f);
    body = join(body, ball(s, 0.31f, -0.585f, 0.175f, 0.180f), 0.06f);
    body = join(body, ball(s, -0.25f, -0.57f, 0.150f, 0.185f), 0.06f);
    body = join(body, limb(s, -0.25f, -0.64f, 0.14f, -0.44f, -0.90f, 0.088f), 0.10f);
    for (int i = 0; i < 4; i++) {
        float foot = legs[i][4];
        struct form hoof = limb(s, foot, -0.06f, 0.034f, foot - 0.012f, 0.0f, 0.046f);
        fill(s, carve(hoof, 0.005f - s->v), srgb(0x4a4044), 0.1f);
        if (i < 2)
            fill(s, horse_leg(s, legs[i]), v3_scale(c->fur, 0.62f), 0);
        else
            body = join(body, horse_leg(s, legs[i]), 0.05f);
    }
    float sock = ramp(-0.17f, -0.12f, s->v), lower = ramp(-0.45f, -0.2f, s->v);
    struct vec3 fur = v3_mix(v3_mix(c->fur, c->dark, 0.35f * lower), c->pale, 0.9f * sock);
    fill(s, furry(s, body, 0.15f), fur, 0.12f);
    return body;
}

static void horse_head(struct spot *s, const struct coat *c, struct form body, struct vec3 mane)
{
    struct form head = limb(s, -0.45f, -0.955f, 0.088f, -0.62f, -0.79f, 0.055f);
    head = join(head, ball(s, -0.635f, -0.770f, 0.062f, 0.055f), 0.03f);
    fill(s, limb(s, -0.40f, -1.02f, 0.03f, -0.385f, -1.11f, 0.006f), v3_scale(c->fur, 0.7f), 0);
    shade(s, head, 0.05f, 0.25f * cover(s, body.depth));
    struct form skull = join(head, carve(body, -0.86f - s->v), 0.04f);
    float nose = ramp(0.02f, 0.08f, ball(s, -0.65f, -0.75f, 0.11f, 0.10f).depth);
    fill(s, furry(s, skull, 0.12f), v3_mix(c->fur, c->dark, 0.6f * nose), 0.10f);
    float blaze = limb(s, -0.53f, -0.96f, 0.012f, -0.645f, -0.85f, 0.014f).depth;
    put(s, minf(blaze, head.depth - 0.004f), c->pale);
    struct form hair = limb(s, -0.41f, -1.00f, 0.05f, -0.36f, -0.86f, 0.02f);
    for (int i = 1; i < 6; i++) {
        float t = (float)i / 5, u = mixf(-0.41f, -0.13f, t), v = mixf(-1.00f, -0.72f, t);
        hair = join(hair, limb(s, u, v, 0.048f, u + 0.050f, v + 0.15f, 0.018f), 0.012f);
    }
    fill(s, furry(s, hair, 0.7f), mane, 0.06f);
    fill(s, furry(s, limb(s, -0.45f, -1.03f, 0.035f, -0.53f, -0.93f, 0.010f), 0.5f), mane, 0.05f);
    fill(s, limb(s, -0.435f, -1.02f, 0.032f, -0.425f, -1.12f, 0.006f), c->fur, 0);
    paint_eye(s, -0.505f, -0.93f, 0.020f, 0x3a2418, 0.7f);
    struct vec3 dark = v3_scale(c->dark, 0.42f);
    put(s, ball(s, -0.665f, -0.775f, 0.012f, 0.009f).depth, dark);
    put(s, limb(s, -0.665f, -0.738f, 0.0035f, -0.61f, -0.745f, 0.003f).depth, dark);
}

void scene_horse(struct spot *s)
{
    paint_sky(s, 0.62f);
    paint_clouds(s, 3, 0.22f);
    paint_hills(s, 0.64f, 0.20f, 2.4f, 1, srgb(0x86b58a), 0.48f);
    paint_hills(s, 0.68f, 0.13f, 3.0f, 2, srgb(0x8fc070), 0.22f);
    paint_tree(s, choose(s, 4, 0.86f, 0.94f), 0.69f, 0.38f, srgb(0x70ad4a), 2);
    paint_grass(s, 0.66f, srgb(0x5a9e3c), srgb(0xa2cd62));
    for (int i = 0; i < 2; i++)
        fill(s,
             limb(s, -0.1f, 0.655f + 0.045f * (float)i, 0.010f, 1.1f, 0.655f + 0.045f * (float)i,
                  0.010f),
             srgb(0xd8bd98), 0);
    float post = cell_middle(s->u, 0.19f);
    pool(s, post, 0.735f, 0.04f, 0.012f, 0.5f);
    fill(s, slab(s, post, 0.68f, 0.016f, 0.055f, 0.012f), srgb(0xc9a982), 0);
    paint_blossoms(s, 0.82f, 1.0f, 3);
    struct coat c = coat_of(s, SCENE_HORSE);
    struct spot in = enter(s, choose(s, 1, 0.50f, 0.58f), 0.88f, choose(s, 2, 0.64f, 0.70f));
    pool(&in, 0.08f, 0, 0.55f, 0.07f, 0.6f);
    struct vec3 mane = srgb(c.light > 0.35f ? 0xfff4dc : c.light > 0.06f ? 0x3a2a26 : 0x1e1b22);
    struct form body = horse_body(&in, &c, mane);
    horse_head(&in, &c, body, mane);
    s->colour = in.colour;
}
