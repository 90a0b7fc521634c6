// SPDX-License-Identifier: Apache-2.0
/* Hair as an illustrator models it: a few hundred locks, each a flat tapering tube that is combed
 * over the scalp. A style is a row of `styles`: how many locks, how long and wide, how they are
 * combed, lifted, curled and tied. Roots are spread evenly (a Fibonacci spiral on the sphere of
 * directions) over what lies above the hairline.
 */
#include "hair.h"

#include "solid.h"

#define PI 3.14159265f

static const struct hair_style styles[HAIR_COUNT] = {
    [HAIR_BUZZ] = {.shell = 0.022f, .line = 1},
    [HAIR_SHORT] =
        {.locks = 420,
         .points = 9,
         .sides = 6,
         .length = 0.52f,
         .ragged = 0.35f,
         .temples = 0.6f,
         .width = 0.055f,
         .flat = 0.4f,
         .blunt = 0,
         .shell = 0.025f,
         .lift = 0.10f,
         .quiff = 0.12f,
         .comb = {.side = 0.7f, .down = 0.45f, .back = 0.1f, .whorl = 0.2f, .out = 0.06f},
         .stiff = 0.35f,
         .part = 0.38f},
    [HAIR_SIDE_PART] = {.parted = true,
                        .locks = 330,
                        .points = 11,
                        .sides = 6,
                        .length = 0.80f,
                        .ragged = 0.25f,
                        .temples = 0.50f,
                        .width = 0.075f,
                        .flat = 0.4f,
                        .blunt = 0.1f,
                        .shell = 0.03f,
                        .lift = 0.11f,
                        .quiff = 0.10f,
                        .comb = {.side = 1.0f, .down = 0.5f, .back = 0.45f},
                        .stiff = 0.4f,
                        .part = 0.33f,
                        .line = 1},
    [HAIR_SLICKED] = {.locks = 310,
                      .points = 13,
                      .sides = 6,
                      .length = 1.05f,
                      .ragged = 0.2f,
                      .temples = 0.5f,
                      .width = 0.07f,
                      .flat = 0.35f,
                      .blunt = 0,
                      .shell = 0.03f,
                      .lift = 0.07f,
                      .quiff = 0.06f,
                      .comb = {.down = 0.35f, .back = 1},
                      .stiff = 0.4f,
                      .line = 2},
    [HAIR_SPIKY] =
        {.locks = 360,
         .points = 8,
         .sides = 6,
         .length = 0.46f,
         .ragged = 0.7f,
         .temples = 0.5f,
         .width = 0.066f,
         .flat = 0.55f,
         .blunt = 0,
         .shell = 0.03f,
         .lift = 0.04f,
         .comb = {.side = 0.1f, .down = 0.15f, .back = 0.15f, .whorl = 0.25f, .out = 0.8f},
         .stiff = 0.3f},
    [HAIR_CURLY] = {.locks = 300,
                    .points = 15,
                    .sides = 5,
                    .length = 0.55f,
                    .ragged = 0.3f,
                    .temples = 0.6f,
                    .width = 0.058f,
                    .flat = 0.6f,
                    .blunt = 0.3f,
                    .shell = 0.05f,
                    .lift = 0.16f,
                    .quiff = 0.05f,
                    .comb = {.down = 0.4f, .whorl = 0.5f, .out = 0.3f},
                    .stiff = 0.3f,
                    .curl = 0.065f,
                    .pitch = 0.26f},
    [HAIR_AFRO] = {.locks = 500,
                   .points = 12,
                   .sides = 5,
                   .length = 0.20f,
                   .ragged = 0.3f,
                   .temples = 1,
                   .width = 0.034f,
                   .flat = 0.8f,
                   .blunt = 0.2f,
                   .shell = 0.02f,
                   .lift = 0.42f,
                   .comb = {.whorl = 0.4f},
                   .stiff = 0.3f,
                   .curl = 0.048f,
                   .pitch = 0.12f},
    [HAIR_BOB] = {.parted = true,
                  .locks = 270,
                  .points = 17,
                  .sides = 6,
                  .length = 2.4f,
                  .ragged = 0.05f,
                  .temples = 0.8f,
                  .width = 0.085f,
                  .flat = 0.35f,
                  .blunt = 0.45f,
                  .shell = 0.03f,
                  .lift = 0.13f,
                  .comb = {.side = 1, .down = 0.8f, .back = 0.25f},
                  .stiff = 0.45f,
                  .part = 0.18f,
                  .hem = -1.02f,
                  .covers = true},
    [HAIR_LONG] = {.parted = true,
                   .locks = 230,
                   .points = 20,
                   .sides = 6,
                   .length = 2.7f,
                   .ragged = 0.12f,
                   .temples = 0.85f,
                   .width = 0.085f,
                   .flat = 0.35f,
                   .blunt = 0.2f,
                   .shell = 0.03f,
                   .lift = 0.11f,
                   .comb = {.side = 1, .down = 0.8f, .back = 0.3f},
                   .stiff = 0.45f,
                   .part = 0.06f,
                   .covers = true},
    [HAIR_WAVY] = {.parted = true,
                   .locks = 215,
                   .points = 22,
                   .sides = 6,
                   .length = 2.6f,
                   .ragged = 0.15f,
                   .temples = 0.85f,
                   .width = 0.095f,
                   .flat = 0.4f,
                   .blunt = 0.15f,
                   .shell = 0.03f,
                   .lift = 0.16f,
                   .comb = {.side = 1, .down = 0.75f, .back = 0.3f},
                   .stiff = 0.45f,
                   .curl = 0.075f,
                   .pitch = 0.75f,
                   .order = 1,
                   .part = 0.22f,
                   .covers = true},
    [HAIR_LONG_CURLY] = {.parted = true,
                         .locks = 180,
                         .points = 32,
                         .sides = 5,
                         .length = 2.3f,
                         .ragged = 0.2f,
                         .temples = 0.85f,
                         .width = 0.075f,
                         .flat = 0.5f,
                         .blunt = 0.3f,
                         .shell = 0.04f,
                         .lift = 0.24f,
                         .comb = {.side = 1, .down = 0.7f, .back = 0.25f, .out = 0.15f},
                         .stiff = 0.4f,
                         .curl = 0.085f,
                         .pitch = 0.40f,
                         .part = 0.15f,
                         .covers = true},
    [HAIR_PONYTAIL] = {.locks = 260,
                       .points = 14,
                       .sides = 6,
                       .length = 1.9f,
                       .ragged = 0,
                       .temples = 1,
                       .width = 0.07f,
                       .flat = 0.35f,
                       .blunt = 0.5f,
                       .shell = 0.03f,
                       .lift = 0.04f,
                       .stiff = 0.8f,
                       .comb = {.side = 0.4f, .down = 1},
                       .tie = TIE_TAIL},
    [HAIR_BUN] = {.locks = 260,
                  .points = 14,
                  .sides = 6,
                  .length = 1.9f,
                  .ragged = 0,
                  .temples = 1,
                  .width = 0.07f,
                  .flat = 0.35f,
                  .blunt = 0.5f,
                  .shell = 0.03f,
                  .lift = 0.04f,
                  .stiff = 0.8f,
                  .comb = {.side = 0.4f, .down = 1},
                  .tie = TIE_BUN},
    [HAIR_BRAIDS] = {.parted = true,
                     .locks = 260,
                     .points = 14,
                     .sides = 6,
                     .length = 1.9f,
                     .ragged = 0,
                     .temples = 1,
                     .width = 0.07f,
                     .flat = 0.35f,
                     .blunt = 0.5f,
                     .shell = 0.03f,
                     .lift = 0.04f,
                     .stiff = 0.8f,
                     .comb = {.side = 0.4f, .down = 1},
                     .covers = false,
                     .tie = TIE_BRAIDS},
    [HAIR_LOCS] = {.parted = true,
                   .locks = 190,
                   .points = 20,
                   .sides = 6,
                   .length = 2.1f,
                   .ragged = 0.2f,
                   .temples = 0.85f,
                   .width = 0.05f,
                   .flat = 0.95f,
                   .blunt = 0.6f,
                   .shell = 0.04f,
                   .lift = 0.17f,
                   .comb = {.side = 0.9f, .down = 0.7f, .back = 0.4f, .out = 0.03f},
                   .stiff = 0.35f,
                   .curl = 0.015f,
                   .pitch = 0.35f,
                   .part = 0.12f,
                   .covers = true},
};

static void strand_make(struct hair *h, struct strand *s, float elevation, float degrees)
{
    const struct hair_style *style = h->style;
    struct rng *r = &h->rng;
    float above = elevation - hair_line(h, degrees), volume = 1 + 0.3f * h->b->look->volume;
    float front = ramp(75, 35, fabsf(degrees)), top = ramp(0.25f, 0.75f, s->root.y);
    *s = (struct strand){.root = s->root,
                         .end = style->hem < 0 ? style->hem + 0.07f * rng_unit(r) : -9};
    s->lean.x = rng_unit(r) - 0.5f; /* one call a statement: arguments have no order */
    s->lean.y = rng_unit(r) - 0.5f;
    s->lean.z = rng_unit(r) - 0.5f;
    s->side = s->root.x + 0.04f * (rng_unit(r) - 0.5f) < h->part ? -1 : 1;
    s->length = style->length * (1 - style->ragged * rng_unit(r)) * mixf(style->temples, 1, top);
    s->width = style->width * (0.8f + 0.4f * rng_unit(r)) * mixf(0.7f, 1, ramp(0, 12, above));
    s->height =
        style->lift * volume * (0.15f + 0.85f * rng_unit(r)) * mixf(0.35f, 1, ramp(0, 16, above));
    if (h->b->look->hair == HAIR_AFRO)
        s->height = hair_puff(h, elevation, degrees) - 0.02f;
    s->height += style->quiff * volume * front * top * (0.4f + 0.6f * rng_unit(r));
    s->curl = style->curl * (0.75f + 0.5f * rng_unit(r));
    float chance = rng_unit(r);
    s->phase = mixf(2 * PI * chance, degrees * 0.05f + 0.8f * chance, style->order);
}

static void root_grow(struct hair *h, float degrees, float elevation, int side)
{
    struct strand s = {.root = head_towards(h->b, hair_direction(degrees, elevation))};
    if (h->b->look->hat != HAT_NONE && h->joint == JOINT_HEAD && s.root.y > 0.5f)
        return; /* short hair under a hat is not seen */
    struct lock l;
    strand_make(h, &s, elevation, degrees);
    s.side = side ? side : s.side;
    lock_grow(h, &s, &l);
    lock_add(h, &l, h->style->flat, MAT_HAIR);
}

/* Rows along the hairline, from temple to temple, and along the parting: they draw both clean. */
static void rows_grow(struct hair *h)
{
    enum { EDGE = 44, PART = 36 };
    struct rng *r = &h->rng;
    for (int i = 0; i < EDGE; i++) {
        float degrees = 72 * (2 * ((float)i + 0.5f) / EDGE - 1);
        root_grow(h, degrees, hair_line(h, degrees) + 0.5f + 1.5f * rng_unit(r), 0);
    }
    for (int i = 0; i < PART && h->style->parted; i++) {
        float side = i % 2 ? 1 : -1, a = mixf(0.68f, -0.6f, ((float)i + rng_unit(r)) / PART);
        struct vec3 d = v3_unit(v3(h->part + 0.012f * side, cosf(a), sinf(a)));
        float elevation = asinf(d.y) * 180 / PI, degrees = atan2f(d.x, d.z) * 180 / PI;
        if (elevation > hair_line(h, degrees))
            root_grow(h, degrees, elevation, (int)side);
    }
}

static void roots_grow(struct hair *h)
{
    int n = (int)((float)h->style->locks / 0.52f);
    for (int i = 0; i < n; i++) {
        float y = 1 - 2 * ((float)i + 0.5f) / (float)n, a = 2.39996323f * (float)i;
        float elevation = asinf(y) * 180 / PI, degrees = fmodf(a * 180 / PI, 360) - 180;
        elevation += 2 * (rng_unit(&h->rng) - 0.5f);
        degrees += 4 * (rng_unit(&h->rng) - 0.5f);
        if (elevation > hair_line(h, degrees) + 1.5f)
            root_grow(h, degrees, elevation, 0);
    }
}

/* Bangs over the forehead down to the brows, and loose locks that fall across the face. */
static void fringe_grow(struct hair *h)
{
    struct hair_style row = *h->style;
    const struct hair_style *kept = h->style;
    bool loose = h->b->shot->front == FRONT_HAIR;
    float away = h->part > 0 ? 1.0f : -1.0f;
    row.points = 12;
    row.comb = (struct comb){.down = 1, .side = 0.35f, .back = -0.3f};
    row.shell = 0.015f;
    row.blunt = loose ? 0.05f : 0.35f;
    row.covers = false;
    h->style = &row;
    int n = loose ? 5 : 34;
    struct lock l;
    for (int i = 0; i < n; i++) {
        float t = ((float)i + 0.5f) / (float)n,
              degrees = loose ? away * mixf(2, 26, t) : mixf(-52, 52, t);
        float e = hair_line(h, degrees) + 3 + 14 * rng_unit(&h->rng);
        struct strand s = {.root = head_towards(h->b, hair_direction(degrees, e)), .face = true};
        s.side = loose ? (int)away : degrees < 30 * away ? -1 : 1;
        s.length = loose ? 1.5f + 0.3f * rng_unit(&h->rng) : 1.0f;
        s.width = (loose ? 0.045f : 0.075f) * (0.8f + 0.4f * rng_unit(&h->rng));
        s.height = 0.03f + 0.06f * rng_unit(&h->rng);
        s.curl = minf(kept->curl * 0.6f, 0.04f) + (loose ? 0.03f : 0);
        s.phase = 6 * rng_unit(&h->rng);
        row.pitch = kept->pitch > 0 ? kept->pitch : 0.9f;
        s.end = loose ? -0.45f + 0.3f * rng_unit(&h->rng)
                      : h->b->brow_y + 0.03f - 0.25f * ramp(30, 52, fabsf(degrees)) +
                            0.04f * rng_unit(&h->rng);
        lock_grow(h, &s, &l);
        lock_add(h, &l, kept->flat, MAT_HAIR);
    }
    h->style = kept;
}

static bool fringe_fits(int kind)
{
    return kind == HAIR_BOB || kind == HAIR_LONG || kind == HAIR_WAVY || kind == HAIR_SHORT ||
           kind == HAIR_PONYTAIL || kind == HAIR_BUN || kind == HAIR_LONG_CURLY;
}

void hair_build(struct model *m, struct grid *g, const struct body *b)
{
    const struct look *k = b->look;
    if (k->hair == HAIR_BALD || k->hat == HAT_HEADSCARF)
        return;
    struct hair h = {.b = b,
                     .style = &styles[k->hair],
                     .m = m,
                     .g = g,
                     .tag = 1,
                     .rng = rng_make(k->seed, 31),
                     .seed = (uint32_t)k->seed};
    h.part = h.style->part * (k->part_left ? 1.0f : -1.0f);
    h.joint = h.style->covers || h.style->tie ? JOINT_NECK : JOINT_HEAD;
    for (int s = 0; s < 2; s++)
        h.ear[s] = ear_middle(b, s ? 1.0f : -1.0f);
    bool tuck = h.style->covers && k->hair != HAIR_LONG_CURLY;
    for (int s = 0; s < 2; s++)
        h.tuck[s] = tuck && (k->earrings != EARRINGS_NONE || hash01(s, 5, h.seed) < 0.2f);
    hair_shell(&h);
    if (h.style->tie)
        hair_tied(&h);
    if (h.style->locks) {
        rows_grow(&h);
        roots_grow(&h);
    }
    if (h.style->locks && ((k->fringe && fringe_fits(k->hair)) || b->shot->front == FRONT_HAIR))
        fringe_grow(&h);
}
