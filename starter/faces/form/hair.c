// SPDX-License-Identifier: Apache-2.0
/* Hair as an illustrator models it: a few hundred locks, each a flat tapering tube that is combed
 * over the scalp. A style is a row of `hair_styles`: how many locks, how long and wide, how they
 * are combed, lifted, curled and tied. Roots are spread evenly (a Fibonacci spiral on the sphere of
 * directions) over what lies above the hairline.
 */
#include "hair.h"

static void strand_make(struct hair *h, struct strand *s, float elevation, float degrees)
{
    const struct hair_style *style = h->style;
    struct rng *r = &h->rng;
    float above = elevation - hair_line(h, degrees), volume = 1 + 0.3f * h->b->look->volume;
    float front = ramp(75, 35, fabsf(degrees)), top = ramp(0.25f, 0.75f, s->root.y);
    *s = (struct strand){.root = s->root,
                         .end = style->hem < 0 ? style->hem + 0.07f * rng_unit(r) : -9};
    s->lean.x = rng_unit(r) - 0.5f;
    s->lean.y = rng_unit(r) - 0.5f;
    s->lean.z = rng_unit(r) - 0.5f;
    s->side = s->root.x + 0.04f * (rng_unit(r) - 0.5f) < h->part ? -1 : 1;
    s->length = style->length * (1 - style->ragged * rng_unit(r)) * mixf(style->temples, 1, top);
    s->width = style->width * (0.8f + 0.4f * rng_unit(r)) * mixf(0.7f, 1, ramp(0, 12, above));
    s->height =
        style->lift * volume * (0.15f + 0.85f * rng_unit(r)) * mixf(0.35f, 1, ramp(0, 16, above));
    if (style->ball)
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
    enum { EDGE = 38, PART = 30 };
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
        float y = 1 - 2 * ((float)i + 0.5f) / (float)n, a = GOLDEN_ANGLE * (float)i;
        float elevation = asinf(y) * 180 / PI, degrees = fmodf(a * 180 / PI, 360) - 180;
        elevation += 2 * (rng_unit(&h->rng) - 0.5f);
        degrees += 4 * (rng_unit(&h->rng) - 0.5f);
        if (elevation > hair_line(h, degrees) + 1.5f)
            root_grow(h, degrees, elevation, 0);
    }
}

/* Locks that leave the combing in front. */
/* clang-format off */
static const struct bangs {
    int locks;
    float from, to, above; /* degrees from the front, over the hairline */
    float length, width, blunt, curl, pitch;
    float end, ragged;     /* y of the ends; from the brows if `brows` */
    bool brows, mirrored;
} fringe = {36, -52, 52, 14, 1.00f, 0.072f, 0.35f, 0,      0,      0.03f, 0.04f, true, false},
  fallen = { 5,   2, 26, 14, 1.60f, 0.045f, 0.05f, 0.030f, 0,     -0.45f, 0.30f, false, false},
  wisps  = { 4,  62, 70,  2, 0.70f, 0.026f, 0,     0.045f, 0.42f, -0.36f, 0.15f, false, true};
/* clang-format on */

static void bang_grow(struct hair *h, const struct bangs *k, int i, const struct hair_style *kept)
{
    struct rng *r = &h->rng;
    float away = h->part > 0 ? 1.0f : -1.0f;
    float degrees = mixf(k->from, k->to, ((float)i + 0.5f) / (float)k->locks);
    degrees *= k->mirrored ? (i % 2 ? 1.0f : -1.0f) : away;
    float e = hair_line(h, degrees) + 1 + k->above * rng_unit(r);
    struct strand s = {.root = head_towards(h->b, hair_direction(degrees, e)), .face = true};
    s.side = k->brows ? (degrees < 30 * away ? -1 : 1) : degrees < 0 ? -1 : 1;
    s.length = k->length * (0.9f + 0.2f * rng_unit(r));
    s.width = k->width * (0.8f + 0.4f * rng_unit(r));
    s.height = 0.03f + 0.06f * rng_unit(r);
    s.curl = minf(kept->curl * 0.6f, 0.04f) + k->curl;
    s.phase = 2 * PI * rng_unit(r);
    s.end = k->end + k->ragged * rng_unit(r);
    if (k->brows) /* longer towards the temples */
        s.end += h->b->brow_y - 0.25f * ramp(30, 52, fabsf(degrees));
    struct lock l;
    lock_grow(h, &s, &l);
    lock_add(h, &l, kept->flat, MAT_HAIR);
}

static void bangs_grow(struct hair *h, const struct bangs *k)
{
    const struct hair_style *kept = h->style;
    struct hair_style row = *kept;
    row.points = 12;
    row.comb = (struct comb){.down = 1, .side = 0.35f, .back = k->mirrored ? 0 : -0.3f};
    row.shell = 0.015f;
    row.blunt = k->blunt;
    row.covers = false;
    row.hem = 0;
    row.pitch = k->pitch > 0 ? k->pitch : kept->pitch > 0 ? kept->pitch : 0.9f;
    h->style = &row;
    for (int i = 0; i < k->locks; i++)
        bang_grow(h, k, i, kept);
    h->style = kept;
}

static void hair_locks(struct hair *h)
{
    const struct look *k = h->b->look;
    if (h->style->tie)
        hair_tied(h);
    rows_grow(h);
    roots_grow(h);
    if (k->fringe && h->style->bangs)
        bangs_grow(h, &fringe);
    if (h->b->shot->front == FRONT_HAIR)
        bangs_grow(h, &fallen);
    if (k->hair == HAIR_BUN)
        bangs_grow(h, &wisps);
}

void hair_build(struct model *m, const struct body *b)
{
    const struct look *k = b->look;
    struct hair h = {.b = b,
                     .style = &hair_styles[k->hair],
                     .m = m,
                     .tag = 1,
                     .rng = rng_make(k->seed, FOR_HAIR),
                     .seed = (uint32_t)k->seed};
    /* some old men keep a thin wreath: the shell alone, which scalp_paint leaves bare on top */
    bool wreath = k->gender == MAN && b->old > 0.45f && hash01(1, 9, h.seed) < 0.6f;
    if ((k->hair == HAIR_BALD && !wreath) || k->hat == HAT_HEADSCARF)
        return;
    h.part = h.style->part * (k->part_left ? 1.0f : -1.0f);
    h.joint = h.style->covers || h.style->tie ? JOINT_NECK : JOINT_HEAD;
    bool tuck = h.style->covers && k->hair != HAIR_LONG_CURLY;
    for (int s = 0; s < 2; s++) {
        h.ear[s] = ear_middle(b, s ? 1.0f : -1.0f);
        h.tuck[s] = tuck && (k->earrings != EARRINGS_NONE || hash01(s, 5, h.seed) < 0.2f);
    }
    hair_shell(&h);
    if (h.style->locks)
        hair_locks(&h);
}
