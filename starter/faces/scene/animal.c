// SPDX-License-Identifier: Apache-2.0
/* Scenes of animals: each a skin of joined balls and bars, painted far parts first, with a soft
 * shadow where a near part lies on a far one. An animal stands on its origin and is one unit high.
 */
#include "layer.h"

/* The colour of a scene's subject, and how light it is (0..1), for markings that must contrast. */
struct coat {
    struct vec3 fur, pale, dark;
    float light;
};

static struct coat coat_of(const struct spot *s, int scene)
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

/* Fur: fine streaks in the tilt, along v. */
static struct form furry(const struct spot *s, struct form f, float amount)
{
    if (f.depth < -s->soft)
        return f;
    float a = noise2(s->u * 34, s->v * 16, s->seed + 21) - 0.5f;
    float b = noise2(s->u * 75, s->v * 34, s->seed + 22) - 0.5f;
    f.x += amount * (a + 0.7f * b);
    f.y += 0.6f * amount * (a - 0.7f * b);
    return f;
}

static void eye(struct spot *s, float u, float v, float r, unsigned iris, float slit)
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

static void cat_body(struct spot *s, const struct coat *c)
{
    struct form tail = limb(s, 0.16f, -0.07f, 0.07f, 0.36f, -0.06f, 0.062f);
    tail = join(tail, limb(s, 0.36f, -0.06f, 0.062f, 0.43f, -0.20f, 0.05f), 0.05f);
    tail = join(tail, limb(s, 0.43f, -0.20f, 0.05f, 0.37f, -0.31f, 0.042f), 0.04f);
    float band = ramp(0.2f, 0.7f, sinf(s->v * 52 + s->u * 20));
    fill(s, furry(s, tail, 0.35f), v3_mix(c->fur, c->dark, 0.6f * band), 0);
    struct form body = ball(s, 0, -0.26f, 0.235f, 0.27f);
    body = join(body, ball(s, 0, -0.44f, 0.165f, 0.20f), 0.10f);
    body = join(body, ball(s, -0.17f, -0.12f, 0.125f, 0.125f), 0.05f);
    body = join(body, ball(s, 0.17f, -0.12f, 0.125f, 0.125f), 0.05f);
    body = carve(body, 0.005f - s->v);
    float stripe =
        ramp(0.35f, 0.75f, sinf(s->v * 40 + 3 * fabsf(s->u))) * ramp(0.10f, 0.17f, fabsf(s->u));
    struct vec3 fur = v3_mix(c->fur, c->dark, 0.62f * stripe);
    float bib = ball(s, 0, -0.42f, 0.10f, 0.17f).depth;
    fill(s, furry(s, body, 0.35f), v3_mix(fur, c->pale, ramp(-0.03f, 0.03f, bib)), 0);
    for (int side = -1; side <= 1; side += 2) {
        float x = (float)side;
        struct form paw = ball(s, 0.20f * x, -0.035f, 0.085f, 0.045f);
        shade(s, paw, 0.03f, 0.3f);
        fill(s, paw, c->pale, 0);
        struct form leg = limb(s, 0.075f * x, -0.36f, 0.062f, 0.072f * x, -0.05f, 0.055f);
        leg = join(leg, ball(s, 0.075f * x, -0.04f, 0.070f, 0.048f), 0.03f);
        shade(s, carve(leg, s->v + 0.27f), 0.04f, 0.35f);
        float sock = ramp(-0.15f, -0.09f, s->v), top = ramp(-0.36f, -0.22f, s->v);
        struct vec3 over =
            v3_mix(s->colour, lit(s, furry(s, leg, 0.3f), v3_mix(c->fur, c->pale, sock), 0), top);
        put(s, leg.depth, over);
    }
}

static void cat_face(struct spot *s, const struct coat *c, unsigned iris)
{
    for (int side = -1; side <= 1; side += 2) {
        float x = (float)side;
        struct form ear = limb(s, 0.135f * x, -0.80f, 0.095f, 0.19f * x, -0.985f, 0.016f);
        fill(s, furry(s, ear, 0.25f), c->fur, 0);
        struct form inner = limb(s, 0.140f * x, -0.82f, 0.060f, 0.182f * x, -0.945f, 0.010f);
        fill(s, inner, srgb(0xeca3a0), 0);
    }
    struct form head = ball(s, 0, -0.71f, 0.215f, 0.185f);
    head = join(head, ball(s, -0.12f, -0.655f, 0.13f, 0.105f), 0.05f);
    head = join(head, ball(s, 0.12f, -0.655f, 0.13f, 0.105f), 0.05f);
    shade(s, head, 0.07f, 0.42f * ramp(-0.66f, -0.57f, s->v) * ramp(0.20f, 0.13f, fabsf(s->u)));
    float brow = ramp(0.4f, 0.8f, cosf(s->u * 88)) * ramp(-0.79f, -0.83f, s->v) *
                 ramp(0.12f, 0.08f, fabsf(s->u));
    float cheek = ramp(0.3f, 0.8f, sinf(s->v * 62)) * ramp(0.14f, 0.19f, fabsf(s->u));
    struct vec3 fur = v3_mix(c->fur, c->dark, 0.65f * maxf(brow, cheek));
    float blaze = ramp(-0.02f, 0.03f, ball(s, 0, -0.60f, 0.125f, 0.095f).depth);
    fill(s, furry(s, head, 0.35f), v3_mix(fur, c->pale, blaze), 0);
    eye(s, -0.096f, -0.715f, 0.043f, iris, 0.52f);
    eye(s, 0.096f, -0.715f, 0.043f, iris, 0.52f);
    for (int side = -1; side <= 1; side += 2) {
        float x = (float)side;
        struct form pad = ball(s, 0.042f * x, -0.612f, 0.056f, 0.042f);
        shade(s, pad, 0.02f, 0.16f);
        fill(s, pad, c->pale, 0);
    }
    fill(s,
         join(limb(s, -0.018f, -0.660f, 0.012f, 0.018f, -0.660f, 0.012f),
              ball(s, 0, -0.648f, 0.012f, 0.012f), 0.012f),
         srgb(0xe88888), 0.5f);
    put(s, limb(s, 0, -0.640f, 0.004f, 0, -0.615f, 0.004f).depth, srgb(0x5a3c3c));
    for (int i = 0; i < 6; i++) {
        float x = i & 1 ? 1.0f : -1.0f, y = 0.022f * (float)(i >> 1);
        float d =
            limb(s, 0.075f * x, -0.622f + 0.5f * y, 0.0032f, 0.27f * x, -0.655f + 2.1f * y, 0.0012f)
                .depth;
        if (d > -s->soft)
            glaze(s, 0.75f * cover(s, d), srgb(0xfffaf2));
    }
}

/* A room's window with a garden out of focus, a sill below it and a curtain on either side. */
static void window_seat(struct spot *s)
{
    struct vec3 wall = srgb(0xf2dcc0);
    s->colour = v3_scale(wall, 0.70f);
    struct spot out = *s;
    out.soft = out.blur = 0.022f;
    out.sky_top = srgb(0x79b8ee);
    out.sky_low = srgb(0xe4f3f4);
    paint_sky(&out, 0.7f);
    paint_hills(&out, 0.66f, 0.25f, 4, 31, srgb(0x9cc88a), 0.3f);
    paint_hills(&out, 0.80f, 0.22f, 5, 32, srgb(0x74b060), 0.1f);
    put(s, inside_box(s, 0.12f, 0.05f, 0.88f, 0.90f), v3_mix(out.colour, v3(1, 1, 1), 0.12f));
    struct vec3 white = srgb(0xfffaf2);
    fill(s, limb(s, 0.5f, 0, 0.014f, 0.5f, 0.80f, 0.014f), white, 0);
    fill(s, limb(s, 0.1f, 0.33f, 0.012f, 0.9f, 0.33f, 0.012f), white, 0);
    struct form frame = slab(s, 0.5f, 0.46f, 0.41f, 0.46f, 0.02f);
    float hole = -slab(s, 0.5f, 0.46f, 0.375f, 0.425f, 0.01f).depth;
    fill(s, carve(frame, hole), white, 0);
    for (int side = -1; side <= 1; side += 2) {
        float x = 0.5f + 0.44f * (float)side, fold = sinf((s->u - x) * 95);
        struct form f = flat(0.105f - fabsf(s->u - x) + 0.03f * sinf(s->v * 4));
        f.x = 0.42f * fold;
        shade(s, f, 0.05f, 0.22f);
        fill(s, f, v3_scale(srgb(0xe79a78), 0.92f + 0.08f * fold), 0);
    }
    struct form sill = {s->v - 0.80f, 0, s->v < 0.90f ? -0.5f : 0.3f};
    fill(s, sill, srgb(0xfaf0e2), 0.03f);
    shade(s, flat(-fabsf(s->v - 0.905f)), 0.012f, 0.3f * cover(s, sill.depth));
}

void scene_cat(struct spot *s)
{
    static const unsigned irises[3] = {0x9ccc4a, 0xf2b53a, 0x6fb8e0};
    window_seat(s);
    struct coat c = coat_of(s, SCENE_CAT);
    float x = choose(s, 1, 0.42f, 0.58f), size = choose(s, 2, 0.66f, 0.72f);
    struct spot in = enter(s, x, 0.865f, size);
    pool(&in, 0.05f, 0.0f, 0.48f, 0.07f, 0.6f);
    cat_body(&in, &c);
    cat_face(&in, &c, irises[(int)(chance(s, 3) * 3)]);
    s->colour = in.colour;
}

static void dog_body(struct spot *s, const struct coat *c, struct vec3 collar)
{
    struct form tail = limb(s, 0.18f, -0.10f, 0.05f, 0.36f, -0.20f, 0.045f);
    tail = join(tail, limb(s, 0.36f, -0.20f, 0.045f, 0.40f, -0.36f, 0.025f), 0.05f);
    fill(s, furry(s, tail, 0.5f), c->fur, 0);
    struct form body = ball(s, 0, -0.25f, 0.225f, 0.26f);
    body = join(body, ball(s, 0, -0.42f, 0.18f, 0.19f), 0.10f);
    body = join(body, ball(s, -0.19f, -0.12f, 0.12f, 0.13f), 0.06f);
    body = join(body, ball(s, 0.19f, -0.12f, 0.12f, 0.13f), 0.06f);
    body = carve(body, 0.005f - s->v);
    float bib = ball(s, 0, -0.36f, 0.11f, 0.17f).depth;
    fill(s, furry(s, body, 0.5f), v3_mix(c->fur, c->pale, ramp(-0.03f, 0.03f, bib)), 0);
    float across = s->v + 0.495f + 1.2f * s->u * s->u;
    body.depth += 0.012f;
    struct form band = carve(body, 0.028f - fabsf(across));
    band.y = clampf(across / 0.028f, -1, 1) * 0.7f;
    shade(s, band, 0.02f, 0.3f * cover(s, body.depth));
    fill(s, band, collar, 0.2f);
    fill(s, ball(s, 0, -0.452f, 0.028f, 0.028f), srgb(0xf6c94a), 0.9f);
    for (int side = -1; side <= 1; side += 2) {
        float x = (float)side;
        struct form paw = ball(s, 0.235f * x, -0.04f, 0.09f, 0.05f);
        shade(s, paw, 0.03f, 0.3f);
        fill(s, paw, c->pale, 0);
        struct form leg = limb(s, 0.10f * x, -0.36f, 0.075f, 0.095f * x, -0.06f, 0.062f);
        leg = join(leg, ball(s, 0.095f * x, -0.045f, 0.08f, 0.055f), 0.03f);
        shade(s, carve(leg, s->v + 0.27f), 0.04f, 0.35f);
        float sock = ramp(-0.15f, -0.08f, s->v), top = ramp(-0.36f, -0.22f, s->v);
        struct vec3 over =
            v3_mix(s->colour, lit(s, furry(s, leg, 0.4f), v3_mix(c->fur, c->pale, sock), 0), top);
        put(s, leg.depth, over);
    }
}

static void dog_face(struct spot *s, const struct coat *c)
{
    struct form head = ball(s, 0, -0.75f, 0.19f, 0.18f);
    head = join(head, ball(s, 0, -0.63f, 0.15f, 0.10f), 0.08f);
    shade(s, head, 0.07f, 0.42f * ramp(-0.62f, -0.55f, s->v) * ramp(0.20f, 0.13f, fabsf(s->u)));
    float blaze = maxf(ball(s, 0, -0.60f, 0.13f, 0.10f).depth,
                       0.030f + 0.06f * ramp(-0.78f, -0.66f, s->v) - fabsf(s->u));
    fill(s, furry(s, head, 0.45f), v3_mix(c->fur, c->pale, ramp(-0.02f, 0.02f, blaze)), 0);
    for (int side = -1; side <= 1; side += 2) {
        float x = (float)side;
        struct form ear = limb(s, 0.145f * x, -0.86f, 0.055f, 0.235f * x, -0.74f, 0.075f);
        ear = join(ear, limb(s, 0.235f * x, -0.74f, 0.075f, 0.235f * x, -0.60f, 0.06f), 0.04f);
        shade(s, ear, 0.05f, 0.3f * cover(s, head.depth));
        fill(s, furry(s, ear, 0.5f), v3_mix(c->fur, c->dark, 0.75f), 0);
        eye(s, 0.078f * x, -0.765f, 0.031f, 0x6a3f22, 0.62f);
    }
    fill(s, ball(s, 0, -0.520f, 0.036f, 0.058f), srgb(0xf0808a), 0.25f);
    put(s, limb(s, 0, -0.55f, 0.003f, 0, -0.49f, 0.003f).depth, srgb(0xd0606c));
    struct form muzzle = join(ball(s, -0.055f, -0.60f, 0.075f, 0.062f),
                              ball(s, 0.055f, -0.60f, 0.075f, 0.062f), 0.02f);
    muzzle = join(muzzle, ball(s, 0, -0.645f, 0.06f, 0.05f), 0.03f);
    shade(s, muzzle, 0.04f, 0.28f);
    fill(s, furry(s, muzzle, 0.25f), c->pale, 0);
    put(s, limb(s, 0, -0.64f, 0.004f, 0, -0.565f, 0.004f).depth, srgb(0x4a3434));
    fill(s, join(ball(s, 0, -0.668f, 0.050f, 0.030f), ball(s, 0, -0.650f, 0.026f, 0.026f), 0.02f),
         srgb(0x2b2428), 0.9f);
}

void scene_dog(struct spot *s)
{
    static const unsigned collars[4] = {0xd94a40, 0x3f86d0, 0x58a85c, 0x9a62c0};
    paint_sky(s, 0.60f);
    paint_clouds(s, 3, 0.24f);
    paint_hills(s, 0.62f, 0.16f, 2.6f, 1, srgb(0x86b58a), 0.45f);
    paint_tree(s, choose(s, 4, 0.06f, 0.14f), 0.66f, 0.40f, srgb(0x74b04a), 2);
    paint_bush(s, 0.90f, 0.67f, 0.11f, srgb(0x66a848), 3);
    paint_grass(s, 0.62f, srgb(0x5a9e3c), srgb(0xa2cd62));
    paint_blossoms(s, 0.80f, 1.0f, 4);
    struct coat c = coat_of(s, SCENE_DOG);
    float x = choose(s, 1, 0.42f, 0.58f), size = choose(s, 2, 0.74f, 0.82f);
    struct spot in = enter(s, x, 0.91f, size);
    pool(&in, 0.06f, 0.0f, 0.50f, 0.08f, 0.6f);
    dog_body(&in, &c, srgb(collars[(int)(chance(s, 3) * 4)]));
    dog_face(&in, &c);
    s->colour = in.colour;
}

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
    eye(s, -0.235f, -0.315f, 0.036f, 0x3a2a24, 0.7f);
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
    return join(f, limb(s, p[3], -0.25f, 0.036f, p[4], -0.05f, 0.030f), 0.03f);
}

static void horse(struct spot *s, const struct coat *c)
{
    static const float legs[4][5] = {{-0.19f, -0.48f, 0.075f, -0.22f, -0.20f},
                                     {0.24f, -0.50f, 0.10f, 0.29f, 0.25f},
                                     {-0.27f, -0.48f, 0.085f, -0.29f, -0.29f},
                                     {0.32f, -0.50f, 0.125f, 0.385f, 0.365f}};
    struct vec3 mane = c->light > 0.35f ? srgb(0xfff4dc) : srgb(0x3a2a26), hoof = srgb(0x4a4044);
    if (c->light < 0.06f)
        mane = srgb(0x1e1b22);
    struct form tail = limb(s, 0.45f, -0.66f, 0.045f, 0.56f, -0.50f, 0.065f);
    tail = join(tail, limb(s, 0.56f, -0.50f, 0.065f, 0.55f, -0.18f, 0.015f), 0.05f);
    fill(s, furry(s, tail, 0.7f), mane, 0.05f);
    struct form body = limb(s, -0.20f, -0.575f, 0.165f, 0.25f, -0.59f, 0.170f);
    body = join(body, ball(s, 0.31f, -0.585f, 0.175f, 0.180f), 0.06f);
    body = join(body, ball(s, -0.25f, -0.57f, 0.150f, 0.185f), 0.06f);
    body = join(body, limb(s, -0.25f, -0.64f, 0.14f, -0.44f, -0.90f, 0.088f), 0.10f);
    struct form head = join(limb(s, -0.45f, -0.955f, 0.088f, -0.62f, -0.79f, 0.055f),
                            ball(s, -0.635f, -0.770f, 0.062f, 0.055f), 0.03f);
    for (int i = 0; i < 4; i++) {
        struct form f = horse_leg(s, legs[i]);
        bool near = i > 1;
        float foot = legs[i][4];
        fill(s, carve(limb(s, foot, -0.06f, 0.034f, foot - 0.012f, 0.0f, 0.046f), 0.005f - s->v),
             hoof, 0.1f);
        if (near)
            body = join(body, carve(f, -0.045f - s->v), 0.05f);
        else
            fill(s, carve(f, -0.045f - s->v), v3_scale(c->fur, 0.62f), 0);
    }
    struct form far_ear = limb(s, -0.40f, -1.02f, 0.03f, -0.385f, -1.11f, 0.006f);
    fill(s, far_ear, v3_scale(c->fur, 0.7f), 0);
    float sock = ramp(-0.17f, -0.12f, s->v), lower = ramp(-0.45f, -0.2f, s->v);
    struct vec3 fur = v3_mix(v3_mix(c->fur, c->dark, 0.35f * lower), c->pale, 0.9f * sock);
    fill(s, furry(s, body, 0.15f), fur, 0.12f);
    shade(s, carve(head, 0.2f), 0.05f, 0.25f * cover(s, body.depth));
    struct form skull = join(head, carve(body, -0.86f - s->v), 0.04f);
    fill(s, furry(s, skull, 0.12f),
         v3_mix(c->fur, c->dark,
                0.6f * ramp(0.02f, 0.08f, ball(s, -0.65f, -0.75f, 0.11f, 0.10f).depth)),
         0.10f);
    float star = limb(s, -0.53f, -0.96f, 0.012f, -0.645f, -0.85f, 0.014f).depth;
    put(s, minf(star, head.depth - 0.004f), c->pale);
    struct form hair = limb(s, -0.41f, -1.00f, 0.05f, -0.36f, -0.86f, 0.02f);
    for (int i = 1; i < 6; i++) {
        float t = (float)i / 5, u = mixf(-0.41f, -0.13f, t), v = mixf(-1.00f, -0.72f, t);
        hair = join(hair, limb(s, u, v, 0.048f, u + 0.050f, v + 0.15f, 0.018f), 0.012f);
    }
    fill(s, furry(s, hair, 0.7f), mane, 0.06f);
    fill(s, furry(s, limb(s, -0.45f, -1.03f, 0.035f, -0.53f, -0.93f, 0.010f), 0.5f), mane, 0.05f);
    fill(s, limb(s, -0.435f, -1.02f, 0.032f, -0.425f, -1.12f, 0.006f), c->fur, 0);
    eye(s, -0.505f, -0.93f, 0.020f, 0x3a2418, 0.7f);
    put(s, ball(s, -0.665f, -0.775f, 0.012f, 0.009f).depth, v3_scale(c->dark, 0.4f));
    put(s, limb(s, -0.665f, -0.738f, 0.0035f, -0.61f, -0.745f, 0.003f).depth,
        v3_scale(c->dark, 0.45f));
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
    float post = (floorf(s->u / 0.19f) + 0.5f) * 0.19f;
    pool(s, post, 0.735f, 0.04f, 0.012f, 0.5f);
    fill(s, slab(s, post, 0.68f, 0.016f, 0.055f, 0.012f), srgb(0xc9a982), 0);
    paint_blossoms(s, 0.82f, 1.0f, 3);
    struct coat c = coat_of(s, SCENE_HORSE);
    struct spot in = enter(s, choose(s, 1, 0.50f, 0.58f), 0.88f, choose(s, 2, 0.64f, 0.70f));
    pool(&in, 0.08f, 0, 0.55f, 0.07f, 0.6f);
    horse(&in, &c);
    s->colour = in.colour;
}
