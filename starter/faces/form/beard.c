// SPDX-License-Identifier: Apache-2.0
/* Beards: one measure of the front view says where beards grow, for the shell under them, the locks
 * and the shade of stubble. Locks are short; each starts off the skin and bends down, away from the
 * mouth.
 */
#include "hair.h"
#include "solid.h"

/* > 0 within the lips and a little around them. */
static float mouth_inside(const struct body *b, float x, float y)
{
    float top = body_lip(b, 0, LIP_TOP) + 0.012f, low = body_lip(b, 0, LIP_BOTTOM) - 0.012f;
    float corner = body_mouth(b, 1), q = x / (b->mouth_w * 1.10f);
    top = mixf(top, corner + 0.03f, q * q);
    low = mixf(low, corner - 0.03f, q * q);
    return minf(minf(top - y, y - low), (1 - fabsf(q)) * b->mouth_w);
}

float beard_mask(const struct body *b, float x, float y)
{
    float ax = fabsf(x), mw = b->mouth_w, top = b->nose_y - 0.135f;
    float mouth = -mouth_inside(b, x, y);
    float lip = minf(body_lip(b, 0, LIP_TOP), top - 0.05f); /* open mouths leave little room */
    float moustache = minf(minf(top + 0.02f - 0.25f * ax - y, mw * 1.12f + 0.03f - ax),
                           y - (lip - 0.9f * maxf(ax - 0.55f * mw, 0)));
    moustache = minf(moustache, mouth + 0.04f);
    if (b->look->beard == BEARD_MOUSTACHE)
        return moustache;
    if (b->look->beard == BEARD_GOATEE) {
        float side = mw * 1.15f + 0.03f - ax - 0.25f * maxf(b->mouth_y - 0.2f - y, 0);
        float chin = minf(b->mouth_y - 0.04f - y + 0.6f * ramp(0.7f * mw, mw, ax), side);
        return maxf(moustache, minf(minf(chin, top - y), mouth));
    }
    /* under the nose, down along the cheeks, up to the sideburns */
    float line = top - 0.20f * ramp(0.9f * mw, 1.5f * mw, ax) + 0.26f * ramp(0.38f, 0.58f, ax) +
                 0.5f * ramp(0.58f, 0.76f, ax);
    return maxf(moustache, minf(line - y, mouth));
}

/* Whether p of the head carries beard, and how far inside. */
static float beard_at(const struct body *b, struct vec3 p)
{
    float inside = beard_mask(b, p.x, p.y);
    bool shaped = b->look->beard == BEARD_MOUSTACHE || b->look->beard == BEARD_GOATEE;
    inside = minf(inside, minf(p.z - (shaped ? 0.25f : 0.02f), 0.15f - p.y));
    /* under the chin the beard ends where the neck begins */
    return minf(inside, 1.2f * (p.z - 0.20f) + (p.y - b->chin) + 0.25f);
}

static void beard_shell(struct model *m, const struct body *b)
{
    struct grid *g = grid_start(m, 40, 57, false);
    for (int r = 0; r < g->rows; r++)
        for (int k = 0; k < g->cols; k++) {
            struct vec3 dir =
                hair_direction(mixf(-88, 88, step01(k, g->cols)), mixf(8, -76, step01(r, g->rows)));
            struct vec3 p = head_towards(b, dir);
            float in = beard_at(b, p), up = mixf(-0.04f, 0.026f, ramp(-0.04f, 0.05f, in));
            up -= 0.30f * ramp(-0.01f, -0.06f, in); /* behind eyeballs and teeth */
            g->p[r * g->cols + k] = v3_add(p, v3_scale(dir, up));
        }
    model_grid(m, b, JOINT_NECK, MAT_SCALP, SCALP_BEARD);
}

/* How the beards differ. */
static const struct beard_row {
    int roots;
    float wide, top;           /* where to look for roots: degrees to either side, sine of height */
    float length, chin, width; /* chin: length at the chin */
    float lift;
} beards[BEARD_COUNT] = {
    [BEARD_FULL] = {1450, 90, 0.1f, 0.14f, 0.16f, 0.032f, 0.050f},
    [BEARD_LONG] = {1450, 90, 0.1f, 0.18f, 0.90f, 0.042f, 0.060f},
    [BEARD_MOUSTACHE] = {2300, 34, -0.40f, 0.19f, 0.19f, 0.028f, 0.060f},
    [BEARD_GOATEE] = {1500, 42, -0.40f, 0.14f, 0.19f, 0.030f, 0.050f},
};

/* A lock of beard from root p; false: it came to nothing. */
static bool beard_lock(struct hair *h, const struct beard_row *row, struct vec3 p, struct lock *l)
{
    const struct body *b = h->b;
    struct rng *r = &h->rng;
    bool moustache = (p.y > b->mouth_y + 0.01f || b->look->beard == BEARD_MOUSTACHE) &&
                     fabsf(p.x) < b->mouth_w * 1.1f;
    float low = ramp(b->mouth_y - 0.12f, b->chin + 0.02f, p.y) * ramp(0.50f, 0.05f, fabsf(p.x));
    float cheek = moustache ? mixf(1, 0.45f, ramp(0.6f, 1.1f, fabsf(p.x) / b->mouth_w))
                            : mixf(0.5f, 1, ramp(0.05f, -0.55f, p.y));
    float length =
        mixf(row->length * cheek, row->chin, moustache ? 0 : low) * (0.75f + 0.5f * rng_unit(r));
    float s = p.x > 0 ? 1.0f : -1.0f, lift = row->lift * cheek * (0.3f + 0.7f * rng_unit(r));
    float gather = row->chin > 0.5f ? 0.7f : 0.15f;
    int n = length > 0.4f ? 12 : 6;
    struct vec3 down = moustache ? v3(s * (0.1f + 5 * fabsf(p.x)), -0.5f, 0)
                                 : v3(-gather * p.x * low, -1, 0.10f * low - 0.3f * (1 - low));
    down = v3_add(v3_unit(down), v3(0.3f * (rng_unit(r) - 0.5f), 0, 0));
    struct vec3 d, normal;
    hair_ground(h, p, true, &normal);
    d = v3_unit(v3_add(normal, v3_scale(down, 0.8f)));
    for (l->n = 0; l->n < n; l->n++) {
        float t = step01(l->n, n), gap = hair_ground(h, p, true, &normal);
        float high = 0.015f + lift * ramp(0, 0.5f, t);
        if (gap < high)
            p = v3_add(p, v3_scale(normal, high - gap));
        float inside = p.z > 0.3f ? mouth_inside(b, p.x, p.y) + 0.018f : -1; /* its width */
        if (inside > 0 && moustache)
            p.y += inside; /* combed along the lip */
        else if (moustache && l->n > 2 && p.y < body_mouth(b, 1) - 0.07f)
            break;
        else if (inside > 0 && l->n)
            break;
        l->path[l->n] = p;
        d = v3_unit(v3_mix(d, down, 0.45f));
        if (length > 0.4f) /* long beards wave */
            d.x += 0.16f * sinf(t * 7 + p.x * 6 + 2 * (float)(h->seed % 7));
        p = v3_add(p, v3_scale(d, length / (float)(n - 1)));
    }
    lock_shape(l, v3(0, b->mouth_y, 0), row->width * (0.75f + 0.5f * rng_unit(r)), 0.1f);
    return l->n > 2;
}

void beard_build(struct model *m, const struct body *b)
{
    static const struct hair_style plain = {.sides = 5};
    const struct beard_row *row = &beards[b->look->beard];
    if (!row->roots)
        return;
    struct hair h = {.b = b,
                     .style = &plain,
                     .m = m,
                     .joint = JOINT_NECK,
                     .rng = rng_make(b->look->seed, FOR_BEARD),
                     .seed = (uint32_t)b->look->seed};
    beard_shell(m, b);
    struct lock l;
    for (int i = 0; i < row->roots; i++) {
        float e = asinf(mixf(row->top, -0.97f, ((float)i + 0.5f) / (float)row->roots)) * 180 / PI;
        float turn = (float)i * 0.618034f, degrees = (2 * fract(turn) - 1) * row->wide;
        struct vec3 p = head_towards(b, hair_direction(degrees, e));
        if (beard_at(b, p) > 0.008f && beard_lock(&h, row, p, &l))
            lock_add(&h, &l, 0.55f, MAT_BEARD);
    }
}
