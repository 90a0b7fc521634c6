// SPDX-License-Identifier: Apache-2.0
/* Garments: a shell off the trunk's skin that begins at the neckline, and what is sewn to it: ribs,
 * collars, lapels, a hood. A garment is a row; its neckline is a curve of distances from the neck.
 * Everything near the neck moves as the neck does, so no chin ever lifts a collar off its skin.
 */
#include "wear.h"

static build_fn rib_sew, collar_sew, hood_sew, suit_sew, turtle_sew, trim_sew;

static const struct garment {
    float front, side, back; /* gaps between neck and neckline */
    float vee, wide;         /* how much deeper the front is cut, within how many radians */
    float reach, loose;      /* sleeves */
    float lift, hem;         /* off the skin; y of the lower edge */
    build_fn *sewn;
} garments[CLOTHES_COUNT] = {
    [CLOTHES_TSHIRT] = {-0.05f, 0.06f, 0.02f, 0, 1, 0.62f, 0.055f, 0.040f, -5.2f, rib_sew},
    [CLOTHES_STRIPED] = {-0.05f, 0.06f, 0.02f, 0, 1, 0.62f, 0.055f, 0.040f, -5.2f, rib_sew},
    [CLOTHES_SHIRT] = {0.03f, 0.03f, 0.02f, 0.30f, 0.46f, 2, 0.045f, 0.045f, -5.3f, collar_sew},
    [CLOTHES_HOODIE] = {0.03f, 0.05f, 0.03f, 0, 0.6f, 1.98f, 0.085f, 0.075f, -5.2f, hood_sew},
    [CLOTHES_JACKET] = {0.10f, 0.11f, 0.06f, 1.22f, 0.95f, 1.94f, 0.075f, 0.085f, -5.6f, suit_sew},
    [CLOTHES_SWEATER] = {0.00f, 0.03f, 0.02f, 0, 1, 1.98f, 0.070f, 0.065f, -5.1f, turtle_sew},
    [CLOTHES_DRESS] = {0.36f, 0.36f, 0.24f, 0, 1, 0.36f, 0.035f, 0.035f, -7.4f, trim_sew},
};

static const struct garment *worn(const struct body *b)
{
    return &garments[b->look->clothes];
}

/* Half of all dresses have a deep front instead of a round one. */
static bool deep_front(const struct body *b)
{
    struct rng r = rng_make(b->look->seed, FOR_NECKLINE);
    return b->look->clothes == CLOTHES_DRESS && rng_chance(&r, 0.5f);
}

static float gap_of(const struct garment *k, float angle)
{
    float gap = wear_around(angle, k->front, k->side, k->back);
    float deep = maxf(0, 1 - fabsf(angle) / k->wide);
    return gap + k->vee * (deep < 0.3f ? deep * deep / 0.6f
                                       : deep - 0.15f); /* no corner where it begins */
}

/* The garment's neckline, a curve of gaps round the neck. */
static float garment_gap(const struct body *b, float angle)
{
    float gap = gap_of(worn(b), angle);
    if (deep_front(b))
        gap += 0.26f * maxf(0, 1 - fabsf(angle) / 0.75f) - 0.06f;
    return gap * (1 - 0.25f * b->child);
}

void garment_sleeve(const struct body *b, float *reach, float *loose)
{
    *reach = worn(b)->reach;
    *loose = worn(b)->loose;
}

/* Soft folds: from the armpits towards the chest, and slack above the waist. */
static float fold(const struct body *b, struct vec3 p)
{
    float x = fabsf(p.x), wide = b->shoulder;
    uint32_t seed = (uint32_t)b->look->seed + (p.x > 0);
    float pull = sinf((p.y + 0.75f * x) * 9 + 4 * noise2(p.x * 1.5f, p.y * 1.5f, seed)) *
                 gauss2(x - 0.62f * wide, 0.26f, p.y + 2.15f, 0.42f);
    float slack = sinf(p.y * 6 + 2 * sinf(p.x * 2.5f) + 5 * noise2(p.x * 1.2f, p.y, seed)) *
                  gauss(p.y - trunk_y(b, -4.0f), 0.7f);
    return 0.034f * pull + 0.035f * slack +
           0.05f * (noise2(p.x * 2.2f + 9, p.y * 1.3f, seed) - 0.5f) * ramp(-1.7f, -2.3f, p.y);
}

enum { FAN = 24, RINGS = 17 };

/* Rays from the heart for the shoulders, from an axis below; a skirt goes on beyond the hips.
 * own_gap: its neckline is that of the row alone, not of what is worn. */
static void shell_build(
    struct model *m, const struct body *b, const struct garment *k, bool own_gap, int tag)
{
    struct grid *g = grid_start(m, k->hem < -3 ? FAN + RINGS : FAN, WEAR_COLS, true);
    float hem = trunk_y(b, k->hem), hip = trunk_y(b, -5.0f), floor_y = HEART.y;
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), r = 1, hip_r = 0;
        struct vec3 edge =
            v3_sub(trunk_round(b, a, own_gap ? gap_of(k, a) : garment_gap(b, a), k->lift), HEART);
        float e0 = v3_elevation(edge);
        for (int i = 0; i < g->rows; i++) {
            bool fan = i < FAN;
            float e = e0 * (1 - step01(i, FAN)),
                  y = mixf(floor_y, hem, (float)(i - FAN + 1) / RINGS);
            struct vec3 from = fan ? HEART : v3(0, maxf(y, hip), HEART.z),
                        dir = v3_heading(a, fan ? e : 0);
            float flare = y < hip && !fan ? 1 + 0.16f * (hip - y) * (1 + 0.05f * cosf(a * 9)) : 1;
            if (flare == 1) {
                for (int step = 0; step < 9; step++) {
                    float d = trunk_skin(b, v3_add(from, v3_scale(dir, r))) - k->lift;
                    r = maxf(r - 0.9f * d, 0.05f);
                    if (fabsf(d) < 1e-3f)
                        break;
                }
                hip_r = r;
            }
            struct vec3 p = v3_add(from, v3_scale(dir, hip_r * flare));
            p.y = fan ? p.y : y;
            g->p[i * g->cols + c] =
                v3_add(p, v3_scale(dir, i ? maxf(fold(b, p), -0.6f * k->lift) : 0));
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_CLOTH, tag);
}

/* A closed seam along the neckline. */
static void edge_sew(struct model *m, const struct body *b, float thick, float flat, int tag)
{
    struct vec3 path[WEAR_COLS], face[WEAR_COLS];
    float radius[WEAR_COLS];
    int n = WEAR_COLS - 1;
    for (int i = 0; i < n; i++) {
        float a = wear_angle(i);
        path[i] = trunk_round(b, a, garment_gap(b, a), worn(b)->lift);
        face[i] = v3_unit(v3(sinf(a), 1.0f, cosf(a)));
        radius[i] = thick;
    }
    for (int i = 1; i < 2 * n; i++) /* a seam is no sharper than thread allows */
        path[i % n] =
            v3_mix(path[i % n], v3_mix(path[(i + n - 1) % n], path[(i + 1) % n], 0.5f), 0.5f);
    struct tube tube = {.path = path,
                        .radius = radius,
                        .n = n,
                        .sides = 10,
                        .closed = true,
                        .flat = flat,
                        .face = face};
    model_tube(m, b, &tube, JOINT_NECK, MAT_COLLAR, tag);
}

static void rib_sew(struct model *m, const struct body *b)
{
    edge_sew(m, b, 0.062f, 0.45f, PART_RIB);
}

static void trim_sew(struct model *m, const struct body *b)
{
    edge_sew(m, b, 0.022f, 0.8f, PART_COLLAR);
}

/* A folded collar: up inside, over, and down outside to two points. open: angle of the gap in
 * front. */
static void leaf_sew(
    struct model *m, const struct body *b, float open, float fall, float lift, int tag)
{
    enum { ROWS = 14 };
    struct grid *g = grid_start(m, ROWS, WEAR_COLS, false);
    g->flip = true;
    for (int c = 0; c < g->cols; c++) {
        float t = 2 * step01(c, g->cols) - 1, s = t < 0 ? -1.0f : 1.0f, at = fabsf(t);
        float end = at * at * at * at; /* 1 at the points */
        float high = s * (PI - at * (PI - open)), low = s * (PI - at * (PI - open - 0.30f));
        struct vec3 foot = trunk_round(b, high, 0, 0.03f);
        float top = mixf(-1.08f, -1.36f, 0.5f + 0.5f * cosf(high));
        struct vec3 crest = neck_round(b, high, top, 0.075f);
        struct vec3 tip = trunk_round(b, low, fall + 0.20f * end, lift + 0.045f);
        struct vec3 out = v3(sinf(high), 0, cosf(high));
        for (int i = 0; i < ROWS; i++) {
            float v = step01(i, ROWS);
            struct vec3 p = v < 0.375f ? v3_mix(foot, crest, v / 0.375f)
                                       : v3_mix(crest, tip, (v - 0.375f) / 0.625f);
            float round = gauss(v - 0.42f, 0.16f), belly = ramp(0.375f, 0.6f, v) * ramp(1, 0.7f, v);
            p = v3_add(p, v3_scale(out, 0.035f * round * (v > 0.3f) + 0.05f * belly));
            p.y += 0.02f * round;
            g->p[i * g->cols + c] = p;
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_COLLAR, tag);
}

static void button_sew(struct model *m, const struct body *b, float x, float y, float lift)
{
    static const float radius[4] = {0.031f, 0.031f, 0.022f, 0.001f},
                       out[4] = {0, 0.016f, 0.022f, 0.020f};
    struct vec3 path[4], on = trunk_front(b, x, y, lift);
    for (int i = 0; i < 4; i++)
        path[i] = v3(on.x, on.y, on.z + out[i] + 0.0005f * (float)i);
    struct tube tube = {.path = path, .radius = radius, .n = 4, .sides = 10, .flat = 1};
    model_tube(m, b, &tube, JOINT_NECK, MAT_BUTTON, PART_BUTTON);
}

static void collar_sew(struct model *m, const struct body *b)
{
    leaf_sew(m, b, 0.20f, 0.13f, worn(b)->lift, PART_COLLAR);
    for (int i = 0; i < 7; i++)
        button_sew(m, b, 0, -2.12f - 0.44f * (float)i, worn(b)->lift + 0.02f);
}

/* Stands round the neck and rolls over. */
static void turtle_sew(struct model *m, const struct body *b)
{
    struct grid *g = grid_start(m, 15, WEAR_COLS, true);
    for (int c = 0; c < g->cols; c++) {
        float a = wear_angle(c), front = 0.5f + 0.5f * cosf(a);
        float top = mixf(-0.98f, -1.16f, front), low = trunk_round(b, a, 0.03f, 0.03f).y - 0.03f;
        for (int i = 0; i < g->rows; i++) {
            float v = step01(i, g->rows), turn = PI * 0.5f * ramp(0, 0.36f, v);
            float wave = 0.010f * sinf(a * 5 + v * 9);
            struct vec3 p = neck_round(b, a, top - 0.055f * (1 - sinf(turn)),
                                       0.035f + 0.09f * (1 - cosf(turn)) + wave * v);
            if (v > 0.36f) {
                float q = (v - 0.36f) / 0.64f, fall = minf(q / 0.75f, 1), under = ramp(0.75f, 1, q);
                p = neck_round(b, a, mixf(top, low, fall) - 0.03f * under,
                               0.125f + 0.045f * sinf(PI * fall) + wave - 0.09f * under);
            }
            g->p[i * g->cols + c] = p;
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_COLLAR, PART_RIB);
}

/* The hood lies behind the neck as a thick roll that thins towards the throat, with two cords. */
static void hood_sew(struct model *m, const struct body *b)
{
    enum { N = 33, CORD = 9 };
    struct vec3 path[N], face[N], cord[CORD];
    float radius[N], thin[CORD], kid = 1 - 0.2f * b->child;
    for (int i = 0; i < N; i++) {
        float t = 2 * step01(i, N) - 1, a = (t < 0 ? -1.0f : 1.0f) * (PI - fabsf(t) * (PI - 0.10f));
        float behind = 0.5f - 0.5f * cosf(a);
        radius[i] = kid * mixf(0.10f, 0.27f, ramp(0, 0.8f, behind)) * (1 + 0.05f * sinf(a * 7));
        path[i] = trunk_round(b, a, 0.10f + 0.6f * radius[i] * behind, radius[i] * 0.55f);
        path[i].y += 0.10f * behind;
        face[i] = v3_unit(v3(sinf(a), 0.9f, cosf(a)));
    }
    struct tube roll = {
        .path = path, .radius = radius, .n = N, .sides = 18, .flat = 0.72f, .face = face};
    model_tube(m, b, &roll, JOINT_NECK, MAT_COLLAR, PART_COLLAR);
    for (float s = -1; s < 2; s += 2) {
        for (int i = 0; i < CORD; i++) {
            float t = step01(i, CORD);
            cord[i] = trunk_front(b, s * (0.15f + 0.05f * t + 0.015f * sinf(t * 5)),
                                  -1.66f - 0.72f * t, worn(b)->lift + 0.05f);
            thin[i] = i == CORD - 1 ? 0.034f : i == CORD - 2 ? 0.034f : 0.020f;
        }
        struct tube tube = {.path = cord, .radius = thin, .n = CORD, .sides = 8, .flat = 1};
        model_tube(m, b, &tube, JOINT_NECK, MAT_COLLAR, PART_CORD);
    }
}

/* A strip folded back over the shell along its edge, between two angles (through pi: the back). */
static const struct strip {
    float from, to; /* shares of garment.wide; to 0: round the back to -from */
    float slant;    /* how much further round its ends lie outside than inside */
    float wide, wide_end;
    float
        turn; /* lapels point outwards: how much further round their outer border lies at the top */
} strips[2] = {
    {0.74f, 0, 0.20f, 0.17f, 0.04f, 0},      /* collar */
    {-0.73f, 0.73f, 0, 0.05f, 0.20f, 0.36f}, /* lapels; between the two, a notch */
};

static void strip_sew(struct model *m, const struct body *b, const struct strip *k)
{
    const struct garment *worn_by = worn(b);
    float a0 = k->from * worn_by->wide, a1 = k->to > 0 ? k->to * worn_by->wide : 2 * PI - a0;
    struct grid *g = grid_start(m, 7, 57, false);
    for (int c = 0; c < g->cols; c++) {
        float t = step01(c, g->cols), end = ramp(k->turn > 0 ? 0.45f : 0.14f, 0, minf(t, 1 - t));
        float wide = mixf(k->wide, k->wide_end, end);
        for (int i = 0; i < g->rows; i++) {
            float v = step01(i, g->rows), over = 0.012f + 0.045f * sqrtf(v) * ramp(1.3f, 0.9f, v);
            float a = mixf(a0 + k->slant * v, a1 - k->slant * v, t);
            a = a > PI ? a - 2 * PI : a;
            float gap = garment_gap(b, a) + wide * v - 0.015f,
                  out = (a < 0 ? -1.0f : 1.0f) * k->turn * end * v;
            g->p[i * g->cols + c] = trunk_round(b, a + out, gap, worn_by->lift + over);
        }
    }
    model_grid(m, b, JOINT_NECK, MAT_COLLAR, PART_LAPEL);
}

static void tie_sew(struct model *m, const struct body *b, float lift)
{
    struct grid *g = grid_start(m, 20, 9, false);
    float top = trunk_round(b, 0, 0.02f, lift).y + 0.13f,
          end = trunk_round(b, 0, garment_gap(b, 0), lift).y + 0.01f;
    for (int i = 0; i < g->rows; i++)
        for (int c = 0; c < g->cols; c++) {
            float t = step01(i, g->rows), u = 2 * step01(c, g->cols) - 1;
            float knot = ramp(0.2f, 0.12f, t),
                  half = mixf(0.055f + 0.08f * t, 0.115f - 0.30f * t, knot);
            struct vec3 p = trunk_front(b, u * half, mixf(top, end, t), lift);
            p.z += (0.02f + 0.06f * knot) * (1 - u * u) + 0.015f;
            g->p[i * g->cols + c] = p;
        }
    model_grid(m, b, JOINT_NECK, MAT_CLOTH, PART_TIE);
}

static void suit_sew(struct model *m, const struct body *b)
{
    static const struct garment shirts[2] = {
        {.front = 0, .side = 0.02f, .back = 0.02f, .wide = 1, .lift = 0.035f},
        {.front = 0, .side = 0.02f, .back = 0.02f, .vee = 0.30f, .wide = 0.45f, .lift = 0.035f},
    };
    struct rng r = rng_make(b->look->seed, FOR_TIE);
    bool tie = rng_chance(&r, 0.35f + 0.45f * (b->look->gender == MAN));
    shell_build(m, b, &shirts[!tie], true, PART_INNER);
    bool draped = b->look->hat == HAT_HEADSCARF;
    for (size_t i = draped; i < COUNT_OF(strips); i++)
        strip_sew(m, b, &strips[i]);
    if (!draped)
        leaf_sew(m, b, tie ? 0.06f : 0.24f, 0.07f, 0.035f, PART_INNER);
    if (tie)
        tie_sew(m, b, 0.04f);
    for (int i = 0; i < 2; i++)
        button_sew(m, b, 0.05f, trunk_y(b, -3.35f - 0.5f * (float)i), worn(b)->lift + 0.02f);
}

void garment_build(struct model *m, const struct body *b)
{
    shell_build(m, b, worn(b), false, PART_BODY);
    /* a headscarf hides collars and hoods; a jacket has more than those */
    if (b->look->hat != HAT_HEADSCARF || b->look->clothes == CLOTHES_JACKET)
        worn(b)->sewn(m, b);
}
