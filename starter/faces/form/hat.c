// SPDX-License-Identifier: Apache-2.0
/* Hats: domes a little off the head, so that they fit every head, with what is sewn to them. The
 * rim is a height all round, above the brows in front. A headscarf is two cloths: one from the
 * opening round the face to the back of the head, one draped from under the chin over neck and
 * shoulders.
 */
#include "solid.h"
#include "wear.h"

static build_fn visor_sew, cuff_sew, brim_sew, scarf_sew;

static const struct hat {
    float front, side, back; /* height of the rim */
    float lift, crown;       /* off the head at the rim, and how much more on top */
    float fore;              /* more in front: stiff panels */
    int part;
    build_fn *sewn;
} hats[HAT_COUNT] = {
    [HAT_CAP] = {0.53f, 0.42f, 0.16f, 0.065f, 0.02f, 0.055f, PART_CAP, visor_sew},
    [HAT_BEANIE] = {0.50f, 0.24f, -0.05f, 0.060f, 0.13f, 0, PART_KNIT, cuff_sew},
    [HAT_BRIM] = {0.54f, 0.44f, 0.22f, 0.060f, 0.10f, 0.02f, PART_STRAW, brim_sew},
    [HAT_HEADSCARF] = {0, 0, 0, 0, 0, 0, PART_SCARF, scarf_sew},
};

static float rim_y(const struct body *b, float a)
{
    const struct hat *h = &hats[b->look->hat];
    return wear_around(a, h->front, h->side, h->back) + b->top - 1.10f;
}

/* Where along dir the head is `lift` away; *r: how far out, first guess and answer. */
static struct vec3 off_head(const struct body *b, struct vec3 dir, float lift, float *r)
{
    *r = head_ray(b, dir, lift, *r, 9, 1e-3f);
    return v3_add(HEAD_MIDDLE, v3_scale(dir, *r));
}

/* On the head `lift` off at height y in direction a; *e: its elevation. */
static struct vec3 at_height(const struct body *b, float a, float y, float lift, float *e)
{
    float r = 0.9f, from = HEAD_MIDDLE.y;
    *e = atan2f(y - from, 0.85f);
    for (int i = 0; i < 4; i++) {
        off_head(b, v3_heading(a, *e), lift, &r);
        *e = asinf(clampf((y - from) / r, -0.99f, 0.99f));
    }
    return off_head(b, v3_heading(a, *e), lift, &r);
}

static void dome_build(struct model *m, const struct body *b, const struct hat *h)
{
    struct grid *g = grid_start(m, 20, WEAR_COLS, true);
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), e0, r = 0.95f;
        at_height(b, a, rim_y(b, a), h->lift, &e0);
        for (int i = 0; i < g->rows; i++) {
            float v = step01(i, g->rows), e = mixf(PI * 0.5f, e0, v), up = 1 - v;
            float lift = h->lift + h->crown * ramp(0, 0.7f, up) +
                         h->fore * maxf(cosf(a), 0) * ramp(0, 0.3f, up) * ramp(1, 0.5f, up);
            if (h->part == PART_KNIT) /* slack wool */
                lift += 0.018f * sinf(a * 6 + 3 * v) * ramp(0.1f, 0.5f, v) * ramp(1, 0.7f, v);
            g->p[i * g->cols + c] = off_head(b, v3_heading(a, e), lift, &r);
        }
    }
    model_grid(m, b, JOINT_HEAD, MAT_HAT, h->part);
}

/* A band round the rim from `low` to `high` above it, as thick as `thick` in its middle. */
static void band_build(
    struct model *m, const struct body *b, float low, float high, float thick, int mat, int part)
{
    enum { ROWS = 9 };
    struct grid *g = grid_start(m, ROWS, WEAR_COLS, true);
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), e;
        for (int i = 0; i < ROWS; i++) {
            float v = step01(i, ROWS), round = powf(maxf(1 - (2 * v - 1) * (2 * v - 1), 0), 0.35f);
            float lift = hats[b->look->hat].lift - 0.02f + (thick + 0.02f) * round;
            g->p[i * g->cols + c] = at_height(b, a, rim_y(b, a) + mixf(high, low, v), lift, &e);
        }
    }
    model_grid(m, b, JOINT_HEAD, mat, part);
}

/* Row i of a sheet with thickness: outwards above, back below; 0..1 outwards. */
static float fold_over(int i, int rows, float *under)
{
    *under = i < rows ? 0.0f : 1.0f;
    return (float)(i < rows ? i : 2 * rows - 1 - i) / (float)(rows - 1);
}

static void visor_sew(struct model *m, const struct body *b)
{
    enum { N = 29, ROWS = 9 };
    float lift = hats[HAT_CAP].lift, e, under;
    struct grid *g = grid_start(m, 2 * ROWS, N, false);
    for (int c = 0; c < N; c++) {
        float t = 2 * step01(c, N) - 1, a = 1.05f * t,
              reach = 0.44f * powf(maxf(1 - t * t, 0), 0.6f);
        struct vec3 root = at_height(b, a, rim_y(b, a) + 0.02f, lift - 0.01f, &e);
        struct vec3 out = v3_unit(v3(0.45f * sinf(a), 0, 1));
        for (int i = 0; i < 2 * ROWS; i++) {
            float v = fold_over(i, ROWS, &under);
            struct vec3 p = v3_add(root, v3_scale(out, reach * v));
            p.y += -0.028f * under - 0.09f * v * v +
                   (0.035f * sinf(PI * v) - 0.17f * t * t * v) * ramp(0, 0.3f, reach);
            g->p[i * N + c] = p;
        }
    }
    model_grid(m, b, JOINT_HEAD, MAT_HAT, PART_VISOR);
    float r = 1;
    struct vec3 top = off_head(b, v3(0, 1, 0), lift + 0.025f, &r);
    model_ball(m, b, JOINT_HEAD, top, v3(0.05f, 0.028f, 0.05f), MAT_HAT, PART_VISOR);
}

static void cuff_sew(struct model *m, const struct body *b)
{
    band_build(m, b, -0.01f, 0.25f, 0.035f, MAT_HAT, PART_CUFF);
    struct rng r = rng_make(b->look->seed, FOR_POMPOM);
    if (rng_unit(&r) > 0.4f)
        return;
    float far = 1;
    struct vec3 top = off_head(b, v3_unit(v3(0, 1, -0.12f)), 0.28f, &far);
    model_ball(m, b, JOINT_HEAD, top, v3(0.20f, 0.19f, 0.20f), MAT_HAT, PART_POMPOM);
}

/* Wide and softly waved; a little higher in front, so that faces keep their light. */
static void brim_sew(struct model *m, const struct body *b)
{
    enum { ROWS = 11 };
    struct rng rng = rng_make(b->look->seed, FOR_BRIM);
    float wave = rng_range(&rng, 0, 2 * PI), lift = hats[HAT_BRIM].lift, e, under;
    struct grid *g = grid_start(m, 2 * ROWS, WEAR_COLS, true);
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), reach = wear_around(a, 0.40f, 0.56f, 0.50f);
        struct vec3 root = at_height(b, a, rim_y(b, a) + 0.01f, lift - 0.02f, &e),
                    out = v3_heading(a, 0);
        for (int i = 0; i < 2 * ROWS; i++) {
            float v = fold_over(i, ROWS, &under);
            struct vec3 p = v3_add(root, v3_scale(out, reach * v));
            p.y += -0.028f * under + v * (0.05f * cosf(a) - 0.06f) -
                   0.09f * v * v * (1 - 0.8f * maxf(cosf(a), 0)) + 0.03f * v * sinf(3 * a + wave);
            g->p[i * g->cols + c] = p;
        }
    }
    model_grid(m, b, JOINT_HEAD, MAT_HAT, PART_STRAW);
    band_build(m, b, 0.0f, 0.17f, 0.016f, MAT_HAT_BAND, PART_BAND);
}

/* Head with ears under a cloth. */
static float wrapped(const struct body *b, struct vec3 p, struct vec3 ear)
{
    struct vec3 a = v3(fabsf(p.x), p.y, p.z);
    float d =
        solid_join(head_distance(b, p), solid_ellipsoid(a, ear, v3(0.11f, 0.24f, 0.24f)), 0.25f);
    return solid_join(d, solid_ellipsoid(a, v3(0, 0.22f, -0.55f), v3(0.62f, 0.55f, 0.60f)), 0.25f);
}

/* The opening at phi: 0 above the forehead, pi under the chin; as a direction. */
static struct vec3 opening(const struct body *b, float phi)
{
    float high = 0.60f + b->top - 1.10f, low = b->chin - 0.01f, c = cosf(phi);
    float half = 0.66f * b->width * (1 - 0.16f * ramp(0.2f, -0.8f, c));
    struct vec3 p = v3(half * sinf(phi), mixf(low, high, 0.5f + 0.5f * c),
                       0.42f - 0.06f * c - 0.10f * fabsf(sinf(phi)));
    return v3_unit(v3_sub(p, HEAD_MIDDLE));
}

static void hood_build(struct model *m, const struct body *b, struct vec3 ear)
{
    struct vec3 edge[WEAR_COLS];
    float radius[WEAR_COLS];
    struct grid *g = grid_start(m, 23, WEAR_COLS, true);
    g->flip = true;
    for (int c = 0; c < g->cols; c++) {
        float phi = sector(c, g->cols - 1), r = 0.8f;
        struct vec3 first = opening(b, phi), last = v3(0, 0.12f, -0.99f);
        for (int i = 0; i < g->rows; i++) {
            float v = step01(i, g->rows);
            struct vec3 dir = v3_unit(v3_add(
                v3_mix(first, last, v), v3_scale(v3(first.x, first.y, 0), 1.2f * v * (1 - v))));
            float over = ramp(0, 0.2f, v), lift = 0.015f + 0.085f * ramp(0, 0.3f, v) +
                                                  0.018f * sinf(v * 24 + 2.2f * cosf(phi)) *
                                                      ramp(0.05f, 0.2f, v) * ramp(0.7f, 0.4f, v);
            for (int step = 0; step < 9; step++) {
                struct vec3 p = v3_add(HEAD_MIDDLE, v3_scale(dir, r));
                float d = (over < 1 ? mixf(head_distance(b, p), wrapped(b, p, ear), over)
                                    : wrapped(b, p, ear)) -
                          lift;
                r -= d;
                if (fabsf(d) < 1e-3f)
                    break;
            }
            r = dir.y < -0.2f ? minf(r, -1.40f / dir.y) : r;
            g->p[i * g->cols + c] = v3_add(HEAD_MIDDLE, v3_scale(dir, r));
        }
        edge[c] = g->p[c];
        radius[c] = 0.034f;
    }
    model_grid(m, b, JOINT_NECK, MAT_HAT, PART_SCARF);
    struct tube tube = {
        .path = edge, .radius = radius, .n = WEAR_COLS - 1, .sides = 10, .closed = true, .flat = 1};
    model_tube(m, b, &tube, JOINT_NECK, MAT_HAT, PART_SCARF);
}

/* Rings round the neck, hanging in swags from side to side. */
static void drape_build(struct model *m, const struct body *b, struct vec3 ear)
{
    struct grid *g = grid_start(m, 32, WEAR_COLS, true);
    struct rng rng = rng_make(b->look->seed, FOR_DRAPE);
    float turn = rng_range(&rng, -0.7f, 0.7f), steep = rng_range(&rng, 2.0f, 3.2f);
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), r = 0.5f;
        float high = wear_around(a, b->chin - 0.10f, -0.62f, -0.45f),
              low = wear_around(a, -2.35f, -1.74f, -2.2f) + 0.05f * sinf(a * 5 + turn);
        for (int i = 0; i < g->rows; i++) {
            float v = step01(i, g->rows), y = mixf(high, low, v), loose = ramp(0, 0.35f, v);
            struct vec3 from = v3(0, y, -0.25f), dir = v3_heading(a, 0);
            for (int step = 0; step < 9; step++) {
                struct vec3 p = v3_add(from, v3_scale(dir, r));
                float d = solid_join(wrapped(b, p, ear) - 0.09f * ramp(0, 0.2f, v),
                                     trunk_skin(b, p) - 0.15f * loose, 0.05f + 0.45f * loose);
                r = maxf(r - 0.9f * d, 0.05f);
                if (fabsf(d) < 1e-3f)
                    break;
            }
            float phase = y * 10 + steep * cosf(a - turn) + 0.8f * sinf(2 * a + turn);
            float swag = (0.5f + 0.5f * sinf(phase)) * ramp(0, 0.12f, v) * ramp(1, 0.8f, v);
            g->p[i * g->cols + c] =
                v3_add(from, v3_scale(dir, r + 0.10f * swag * (0.6f + 0.4f * cosf(a))));
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_HAT, PART_SCARF);
}

static void scarf_sew(struct model *m, const struct body *b)
{
    struct vec3 ear = ear_middle(b, 1);
    ear = v3(ear.x + 0.03f, ear.y + 0.02f, ear.z - 0.05f);
    hood_build(m, b, ear);
    drape_build(m, b, ear);
}

void hat_build(struct model *m, const struct body *b)
{
    const struct hat *h = &hats[b->look->hat];
    if (b->look->hat == HAT_NONE)
        return;
    if (h->lift > 0)
        dome_build(m, b, h);
    h->sewn(m, b);
}
