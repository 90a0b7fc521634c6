// SPDX-License-Identifier: Apache-2.0
/* Hair: a cap that rises from the scalp behind the hairline, a curtain that hangs beside the face
 * for long styles, and balls for buns and tails. A style is a row of `styles`.
 */
#include "body.h"

#define PI 3.14159265f

struct style {
    float cap;     /* thickness of the cap */
    float curls;   /* height of the bumps */
    float curtain; /* lower end of the curtain, 0: none */
    float wave;    /* of the curtain */
    float line;    /* raises (+) or lowers the front hairline */
    float nape;    /* lowest hair at the back */
    bool fringe;
};

static const struct style styles[HAIR_COUNT] = {
    [HAIR_BUZZ] = {0.022f, 0, 0, 0, 0.02f, -0.45f, false},
    [HAIR_SHORT] = {0.13f, 0.02f, 0, 0, 0, -0.5f, true},
    [HAIR_SIDE_PART] = {0.15f, 0.01f, 0, 0, 0.02f, -0.5f, false},
    [HAIR_CURLY] = {0.20f, 0.13f, 0, 0, -0.03f, -0.55f, false},
    [HAIR_AFRO] = {0.40f, 0.07f, 0, 0, -0.02f, -0.55f, false},
    [HAIR_BOB] = {0.13f, 0, -0.92f, 0.02f, 0, -0.6f, true},
    [HAIR_LONG] = {0.11f, 0, -1.75f, 0.0f, 0, -0.6f, false},
    [HAIR_WAVY] = {0.15f, 0.03f, -1.7f, 0.075f, 0, -0.6f, false},
    [HAIR_PONYTAIL] = {0.065f, 0, 0, 0, 0, -0.5f, false},
    [HAIR_BUN] = {0.065f, 0, 0, 0, 0, -0.5f, false},
};

/* Height of the hairline at the angle `deg` from the front. */
static float hairline(const struct style *s, float deg)
{
    static const float at[8] = {0, 32, 52, 66, 78, 100, 118, 180};
    const float y[8] = {0.66f, 0.64f, 0.52f, 0.28f, -0.06f, -0.08f, -0.40f, s->nape};
    int i = 0;
    while (i < 6 && deg > at[i + 1])
        i++;
    return mixf(y[i], y[i + 1], ramp(at[i], at[i + 1], deg)) + s->line * ramp(80, 40, deg);
}

/* The bare scalp at the angle a from the front, and its outward direction. */
static struct vec3 scalp(const struct section *s, float a, struct vec3 *out)
{
    float ca = cosf(a), depth = ca < 0 ? s->back * ca : s->front * powf(ca, 0.85f);
    struct vec3 p = v3(s->width * sinf(a), s->y, s->centre + depth);
    *out = v3_unit(v3(p.x / 0.62f, (s->y - 0.05f) * 0.85f, p.z / 0.75f));
    return p;
}

static float cap_thickness(const struct body *b, const struct style *s, float y, float a, float m)
{
    const struct look *k = b->look;
    float side = k->part_left ? 1.0f : -1.0f, x = sinf(a) * side;
    float thick = s->cap * (1 + 0.25f * k->volume);
    bool high = k->hair == HAIR_SIDE_PART || k->hair == HAIR_SHORT;
    if (high)
        thick *= 0.55f + 0.75f * ramp(0.2f, 0.85f, y);
    if (k->hair == HAIR_SIDE_PART || k->hair == HAIR_LONG || k->hair == HAIR_WAVY ||
        k->hair == HAIR_PONYTAIL) {
        float at = k->hair == HAIR_SIDE_PART ? -0.36f : -0.08f;
        if (cosf(a) > -0.2f && k->hair != HAIR_PONYTAIL)
            thick *= 1 - 0.75f * gauss(x - at, 0.09f) * ramp(0.5f, 0.8f, y);
        if (k->hair == HAIR_SIDE_PART)
            thick *= 1 + 0.45f * ramp(-0.3f, 0.3f, x) * ramp(0.4f, 0.8f, y);
    }
    if (s->curls > 0)
        thick += s->curls * (noise2(a * 5.5f, y * 7 + 3, (uint32_t)k->seed) - 0.35f);
    return mixf(-0.05f, thick, ramp(-0.05f, s->cap > 0.3f ? 0.12f : 0.17f, m));
}

static void cap_draw(struct canvas *c, const struct body *b, const struct style *s)
{
    struct grid *g = &c->grid;
    g->rows = 64;
    g->cols = 89;
    g->flip = -1;
    uint32_t seed = (uint32_t)b->look->seed;
    for (int r = 0; r < g->rows; r++) {
        float v = (float)r / (float)(g->rows - 1);
        float y = mixf(b->top, s->nape - 0.12f, 1 - sinf(v * PI * 0.5f));
        struct section cut = section_at(b, y);
        for (int k = 0; k < g->cols; k++) {
            float a = PI * (2 * (float)k / (float)(g->cols - 1) - 1), deg = fabsf(a) * 57.29578f;
            float line = hairline(s, deg) + 0.05f * b->id->g[G_FOREHEAD] * ramp(60, 30, deg);
            if (s->fringe)
                line -= (b->look->hair == HAIR_BOB ? 0.22f : 0.07f) * ramp(62, 40, deg);
            line += 0.05f * (noise2(a * 9, 1, seed) - 0.5f);
            if (b->old > 0.9f && b->male > 0)
                line += 0.10f * gauss(deg - 35, 16);
            struct vec3 out, p = scalp(&cut, a, &out);
            g->p[r * g->cols + k] = v3_add(p, v3_scale(out, cap_thickness(b, s, y, a, y - line)));
        }
    }
    grid_normals(g, true);
    grid_draw(c, g, &b->head, MAT_HAIR);
}

static void curtain_draw(struct canvas *c, const struct body *b, const struct style *s)
{
    struct grid *g = &c->grid;
    g->rows = 56;
    g->cols = 81;
    g->flip = 1;
    float end = s->curtain + 0.1f * b->look->volume;
    for (int r = 0; r < g->rows; r++) {
        float y = mixf(end, 0.78f, (float)r / (float)(g->rows - 1));
        float yy = maxf(y, 0.12f);
        struct section cut = section_at(b, yy);
        for (int k = 0; k < g->cols; k++) {
            float t = 2 * (float)k / (float)(g->cols - 1) - 1;
            float from = mixf(50, 66, ramp(0.75f, 0.1f, y)) - 6 * ramp(-0.5f, -1.0f, y);
            float deg = 180 - fabsf(t) * (180 - from), a = (t < 0 ? -1.0f : 1.0f) * deg / 57.29578f;
            struct vec3 out, p = scalp(&cut, a, &out);
            float edge = sqrtf(clampf((deg - from) / 14, 0, 1));
            float hang = ramp(0.3f, -0.6f, y);
            float off = mixf(-0.04f, s->cap + 0.05f * hang, edge);
            off += s->wave * (0.5f + hang) *
                   sinf(y * 8.5f + 2.2f * sinf(a * 2) + b->look->volume * 3) * edge;
            if (s->curtain > -1.2f)
                off -= 0.10f * ramp(-0.72f, -0.95f, y);
            out.y *= ramp(0.0f, 0.5f, y);
            p = v3_add(p, v3_scale(out, off));
            p.y = y + (p.y - yy);
            p.z += 0.50f * ramp(-0.85f, -1.35f, y) * ramp(125, 95, deg);
            p.x *= 1 + 0.10f * hang * ramp(-1.6f, -0.3f, s->curtain) +
                   (s->wave > 0.05f ? 0.08f * hang : 0);
            g->p[r * g->cols + k] = p;
        }
    }
    grid_normals(g, false);
    /* The seam of the angle is at the back: t = 0. Columns run from one face edge round to the
     * other. */
    grid_draw(c, g, &b->head, MAT_HAIR);
    for (int i = 0; i < g->rows * g->cols; i++)
        g->n[i] = v3_scale(g->n[i], -1); /* the inside, seen beside the neck */
    grid_draw(c, g, &b->head, MAT_HAIR);
}

void hair_draw(struct canvas *c, const struct body *b)
{
    int kind = b->look->hair;
    if (kind == HAIR_BALD)
        return;
    const struct style *s = &styles[kind];
    cap_draw(c, b, s);
    float side = b->look->part_left ? -1.0f : 1.0f;
    if (s->curtain != 0)
        curtain_draw(c, b, s);
    if (kind == HAIR_BUN)
        ball_draw(c, &b->head, v3(0, 1.20f, -0.30f), v3(0.33f, 0.27f, 0.33f), MAT_HAIR);
    if (kind == HAIR_PONYTAIL) {
        ball_draw(c, &b->head, v3(side * 0.35f, 0.85f, -0.85f), v3(0.25f, 0.25f, 0.25f), MAT_HAIR);
        for (int i = 0; i < 12; i++) {
            float t = (float)i / 11;
            ball_draw(
                c, &b->head,
                v3(side * (0.62f + 0.42f * t - 0.24f * t * t), 0.65f - 1.9f * t, -0.8f + 0.3f * t),
                v3(0.25f - 0.09f * t, 0.36f, 0.22f), MAT_HAIR);
        }
    }
}
