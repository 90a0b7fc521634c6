// SPDX-License-Identifier: Apache-2.0
/* Scenes of a cat and a dog, sitting: each a skin of joined balls and bars, painted far parts
 * first, with a soft shadow where a near part lies on a far one. An animal stands on its origin and
 * is one unit high.
 */
#include "layer.h"

/* Hind paws and the two legs in front; hind, fore: how far out; thick: of the legs, 1 for a cat. */
static void sitting_legs(struct spot *s, const struct coat *c, float hind, float fore, float thick)
{
    for (float x = -1; x < 2; x += 2) {
        struct form paw = ball(s, hind * x, -0.036f, 0.085f, 0.047f);
        shade(s, paw, 0.03f, 0.3f);
        fill(s, paw, c->pale, 0);
        struct form leg =
            limb(s, fore * x, -0.36f, 0.062f * thick, 0.97f * fore * x, -0.05f, 0.054f * thick);
        leg = join(leg, ball(s, fore * x, -0.042f, 0.070f * thick, 0.050f), 0.03f);
        shade(s, carve(leg, s->v + 0.27f), 0.04f, 0.35f);
        /* The leg grows out of the breast and ends in a white sock. */
        float sock = ramp(-0.15f, -0.09f, s->v), out = ramp(-0.36f, -0.22f, s->v);
        struct vec3 fur = lit(s, furry(s, leg, 0.35f), v3_mix(c->fur, c->pale, sock), 0);
        put(s, leg.depth, v3_mix(s->colour, fur, out));
    }
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
    sitting_legs(s, c, 0.20f, 0.075f, 1.0f);
}

static void cat_face(struct spot *s, const struct coat *c, unsigned iris)
{
    for (float x = -1; x < 2; x += 2) {
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
    paint_eye(s, -0.096f, -0.715f, 0.043f, iris, 0.52f);
    paint_eye(s, 0.096f, -0.715f, 0.043f, iris, 0.52f);
    for (float x = -1; x < 2; x += 2) {
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
    for (float side = -1; side < 2; side += 2) {
        float x = 0.5f + 0.44f * side, fold = sinf((s->u - x) * 95);
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
    cat_face(&in, &c, choose_of(s, 3, irises, 3));
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
    sitting_legs(s, c, 0.235f, 0.098f, 1.16f);
}

static void dog_face(struct spot *s, const struct coat *c)
{
    struct form head = ball(s, 0, -0.75f, 0.19f, 0.18f);
    head = join(head, ball(s, 0, -0.63f, 0.15f, 0.10f), 0.08f);
    shade(s, head, 0.07f, 0.42f * ramp(-0.62f, -0.55f, s->v) * ramp(0.20f, 0.13f, fabsf(s->u)));
    float blaze = maxf(ball(s, 0, -0.60f, 0.13f, 0.10f).depth,
                       0.030f + 0.06f * ramp(-0.78f, -0.66f, s->v) - fabsf(s->u));
    fill(s, furry(s, head, 0.45f), v3_mix(c->fur, c->pale, ramp(-0.02f, 0.02f, blaze)), 0);
    for (float x = -1; x < 2; x += 2) {
        struct form ear = limb(s, 0.145f * x, -0.86f, 0.055f, 0.235f * x, -0.74f, 0.075f);
        ear = join(ear, limb(s, 0.235f * x, -0.74f, 0.075f, 0.235f * x, -0.60f, 0.06f), 0.04f);
        shade(s, ear, 0.05f, 0.3f * cover(s, head.depth));
        fill(s, furry(s, ear, 0.5f), v3_mix(c->fur, c->dark, 0.75f), 0);
        paint_eye(s, 0.078f * x, -0.765f, 0.031f, 0x6a3f22, 0.62f);
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
    dog_body(&in, &c, srgb(choose_of(s, 3, collars, 4)));
    dog_face(&in, &c);
    s->colour = in.colour;
}
