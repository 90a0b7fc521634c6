// SPDX-License-Identifier: Apache-2.0
/* Cloth: which colour a part has and how its threads lie. A part is a row: whose colour, how light,
 * how many ribs round and across, how coarse the weave. Patterns finer than a sample fade away.
 * What is not named by a caption is white, grey or dark.
 */
#include "form/wear.h"
#include "paint.h"

enum { OF_CLOTH, OF_HAT, OF_WHITE, OF_TIE, OF_TROUSERS, OF_SHOE, OF_BUTTON };

static const struct fabric {
    uint8_t of;
    float light;         /* share of the colour */
    float ribs, courses; /* along u and v */
    float deep;          /* how dark the grooves are */
    float weave;         /* noise of single threads */
    float soft;
} fabrics[PART_COUNT] = {
    [PART_BODY] = {OF_CLOTH, 1.00f, 0, 0, 0, 0.05f, 0.20f},
    [PART_SLEEVE] = {OF_CLOTH, 1.00f, 0, 0, 0, 0.05f, 0.20f},
    [PART_RIB] = {OF_CLOTH, 0.95f, 90, 0, 0.30f, 0.06f, 0.25f},
    [PART_COLLAR] = {OF_CLOTH, 1.03f, 0, 0, 0, 0.08f, 0.20f},
    [PART_LAPEL] = {OF_CLOTH, 0.94f, 0, 0, 0, 0.08f, 0.15f},
    [PART_INNER] = {OF_WHITE, 1.00f, 0, 0, 0, 0.03f, 0.20f},
    [PART_TIE] = {OF_TIE, 1.00f, 0, 0, 0, 0.05f, 0.15f},
    [PART_CORD] = {OF_WHITE, 0.90f, 0, 12, 0.20f, 0, 0.20f},
    [PART_BUTTON] = {OF_BUTTON, 1.00f, 0, 0, 0, 0, 0.15f},
    [PART_TROUSERS] = {OF_TROUSERS, 1.00f, 0, 0, 0, 0.05f, 0.20f},
    [PART_SHOE] = {OF_SHOE, 1.00f, 0, 0, 0, 0, 0.15f},
    [PART_CAP] = {OF_HAT, 1.00f, 0, 0, 0, 0.08f, 0.20f},
    [PART_VISOR] = {OF_HAT, 0.96f, 0, 0, 0, 0.06f, 0.20f},
    [PART_KNIT] = {OF_HAT, 1.00f, 44, 0, 0.28f, 0.10f, 0.30f},
    [PART_CUFF] = {OF_HAT, 0.97f, 52, 0, 0.34f, 0.10f, 0.30f},
    [PART_POMPOM] = {OF_HAT, 1.10f, 0, 0, 0, 0.45f, 0.35f},
    [PART_STRAW] = {OF_HAT, 1.00f, 0, 34, 0.12f, 0.12f, 0.25f},
    [PART_BAND] = {OF_HAT, 0.45f, 0, 0, 0, 0.06f, 0.20f},
    [PART_SCARF] = {OF_HAT, 1.00f, 0, 0, 0, 0.04f, 0.25f},
};

static struct vec3 colour_of(const struct body *b, int of)
{
    static const unsigned ties[4] = {0x1d1d20, 0x45464a, 0x2a2c33, 0x6d6e73};
    static const unsigned trousers[3] = {0x2b2d34, 0x3c3e45, 0x55565b};
    struct rng r = rng_make(b->look->seed, FOR_FABRIC);
    int tie = rng_below(&r, 4), leg = rng_below(&r, 3);
    switch (of) {
    case OF_CLOTH:
        return b->cloth;
    case OF_HAT:
        return b->hat;
    case OF_WHITE:
        return srgb(0xe9e8e6);
    case OF_TIE:
        return srgb(ties[tie]);
    case OF_TROUSERS:
        return srgb(trousers[leg]);
    case OF_SHOE:
        return srgb(0x222226);
    default: /* light on dark, dark on light */
        return b->cloth.x + b->cloth.y + b->cloth.z < 1.2f ? srgb(0xd8d6d2) : srgb(0x3a3a3e);
    }
}

/* 1 while a pattern of this many head units is wider than a sample or two, then 0. */
static float visible(const struct body *b, float period)
{
    return ramp(1.2f, 3.0f, period / b->shading);
}

/* White stripes along the height; round the arm on sleeves. */
static void stripes_paint(const struct body *b, const struct vertex *v, struct surface *o)
{
    float y = v->t.y, period = 0.30f, at = fract(y / period);
    float white = clampf((0.21f - fabsf(at - 0.5f)) * period / (1.5f * b->shading) + 0.5f, 0, 1);
    struct vec3 other = b->cloth.x > 0.6f && b->cloth.y > 0.6f && b->cloth.z > 0.6f
                            ? srgb(0xa9abb0)
                            : srgb(0xeceae6);
    paint_over(o, other, white);
}

static void seam(const struct body *b, struct surface *o, float d, float amount)
{
    paint_tint(o, amount * gauss(d, maxf(0.012f, 0.7f * b->shading)) * visible(b, 0.05f),
               v3(0.55f, 0.55f, 0.55f));
}

/* Plackets, pockets and seams, by place on the front. */
static void body_paint(const struct body *b, const struct vertex *v, struct surface *o)
{
    struct vec3 p = v->t;
    float x = fabsf(p.x), wide = b->shoulder;
    bool front = p.z > -0.30f;
    int kind = b->look->clothes;
    if (kind == CLOTHES_STRIPED)
        stripes_paint(b, v, o);
    if (front && kind == CLOTHES_SHIRT) {
        seam(b, o, x - 0.105f, 0.7f);
        seam(b, o, p.x - 0.085f, 0.35f);
    }
    if (front && kind == CLOTHES_HOODIE && p.y < -3.2f && p.y > -4.7f) {
        float side = 0.62f - 0.28f * ramp(-3.9f, -3.3f, p.y);
        seam(b, o, p.y > -3.3f && x < 0.34f ? p.y + 3.3f : x - side, 0.8f);
    }
    if (front && kind == CLOTHES_JACKET && p.y < -2.7f)
        seam(b, o, p.x - 0.02f, 1);
    if (kind != CLOTHES_DRESS) /* where sleeves are set in */
        seam(b, o, x - 0.86f * wide + 0.12f * (p.y + 2), 0.45f);
}

static void hat_seams(const struct body *b, const struct vertex *v, int tag, struct surface *o)
{
    if (tag == PART_CAP) {
        float six = atan2f(v->t.x, v->t.z + 0.1f) * 3 / PI, d = (six - floorf(six + 0.5f)) * PI / 3;
        seam(b, o, d * sqrtf(v->t.x * v->t.x + (v->t.z + 0.1f) * (v->t.z + 0.1f)), 0.7f);
    }
    if (tag == PART_VISOR)
        for (int i = 1; i < 4; i++)
            seam(b, o, (v->v - 0.25f * (float)i) * 0.5f, 0.35f);
}

/* Stitches of stocking knit: columns of small vees. */
static void knit_paint(
    const struct body *b, const struct vertex *v, float round, float rows, struct surface *o)
{
    float w = v->v * rows, column = fract(v->u * round) - 0.5f;
    float vee = w + 0.9f * fabsf(column), at = fract(vee);
    float groove = gauss(at - 0.5f, 0.2f) * 0.5f + 0.7f * gauss(fabsf(column) - 0.5f, 0.16f);
    paint_tint(o, 0.40f * groove * visible(b, 0.055f), v3(0.45f, 0.45f, 0.45f));
}

void cloth_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    const struct fabric *f = &fabrics[tag < PART_COUNT ? tag : 0];
    struct vec3 p = v->t;
    o->colour = v3_scale(colour_of(b, f->of), f->light);
    o->soft = f->soft;
    o->rough = tag == PART_BUTTON || tag == PART_SHOE ? 0.4f : 0.85f;
    o->shine = tag == PART_BUTTON || tag == PART_SHOE ? 0.4f : 0.06f;
    o->mask = mat == MAT_HAT || mat == MAT_HAT_BAND ? MASK_HAT : MASK_CLOTHES;
    if (tag == PART_BODY)
        body_paint(b, v, o);
    else if (tag == PART_SLEEVE && b->look->clothes == CLOTHES_STRIPED)
        stripes_paint(b, v, o);
    if (b->look->clothes == CLOTHES_SWEATER && (tag == PART_BODY || tag == PART_SLEEVE))
        knit_paint(b, v, tag == PART_BODY ? 96 : 24, tag == PART_BODY ? 64 : 52, o);
    if (tag == PART_LAPEL)
        paint_tint(o, 0.5f * maxf(ramp(0.90f, 1, v->v), ramp(0.475f, 0.5f, fabsf(v->u - 0.5f))),
                   v3(0.5f, 0.5f, 0.5f));
    hat_seams(b, v, tag, o);
    if (f->ribs > 0)
        paint_tint(
            o, f->deep * (0.5f - 0.5f * cosf(2 * PI * f->ribs * v->u)) * visible(b, 4.5f / f->ribs),
            v3(0.35f, 0.35f, 0.35f));
    if (f->courses > 0)
        paint_tint(o,
                   f->deep * (0.5f - 0.5f * cosf(2 * PI * f->courses * v->v)) *
                       visible(b, 1.2f / f->courses),
                   v3(0.35f, 0.35f, 0.35f));
    float grain = noise2(p.x * 55 + p.z * 31, p.y * 55 + p.z * 17, 5) - 0.5f;
    o->colour = v3_scale(o->colour, 1 + 2 * f->weave * grain * visible(b, 0.03f));
}
