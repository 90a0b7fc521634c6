// SPDX-License-Identifier: Apache-2.0
/* Procedural paint: what colour and gloss a surface has at a point of head space. Eyes, brows,
 * lips, freckles and wrinkles are curves in (x, y) of the front of the head, evaluated once per
 * sample.
 */
#include "body.h"

/* Coverage of a region whose signed distance to the edge is d (inside positive). */
static float cover(const struct body *b, float d)
{
    return clampf(d / (1.5f * b->shading) + 0.5f, 0, 1);
}

static void darken(struct surface *o, float amount, struct vec3 tint)
{
    o->colour = v3_mix(o->colour, v3_mul(o->colour, tint), clampf(amount, 0, 1));
}

static void eyeball(const struct body *b, float dx, float dy, float upper, struct surface *o)
{
    float radius = b->eye_h * 0.98f, iris_r = 0.093f * (1 + 0.08f * b->child);
    struct vec3 white = v3(0.82f, 0.80f, 0.78f);
    float gx = dx - 0.035f * b->shot->gaze, gy = dy - 0.008f;
    float r = sqrtf(gx * gx + gy * gy), in = r / iris_r;
    struct vec3 c =
        v3_mix(white, v3(0.80f, 0.52f, 0.47f), 0.35f * ramp(0.6f, 1.0f, fabsf(dx) / b->eye_w));
    float rays = 0.88f + 0.24f * noise2(atan2f(gy, gx) * 6, in * 2, 3);
    struct vec3 iris = v3_scale(b->iris, rays * (0.75f + 0.75f * ramp(-0.3f, -1.0f, gy / iris_r)));
    iris = v3_scale(iris, 1 - 0.75f * ramp(0.74f, 1.0f, in));
    c = v3_mix(c, iris, cover(b, iris_r - r));
    c = v3_mix(c, v3(0.008f, 0.007f, 0.008f), cover(b, iris_r * 0.45f - r));
    c = v3_scale(c, 1 - 0.6f * ramp(0.055f, 0.0f, upper - dy));
    o->colour = c;
    o->gloss = 0;
    o->wrap = 0.4f;
    o->normal = v3_unit(v3(o->normal.x * 0.6f + 0.6f * dx / radius * 0.4f,
                           o->normal.y * 0.4f + 0.25f * dy / radius, 0.95f));
    float hx = gx + 0.034f, hy = gy - 0.036f;
    o->glow = 0.95f * cover(b, 0.027f - sqrtf(hx * hx + hy * hy));
    hx = gx - 0.034f;
    hy = gy + 0.036f;
    o->glow = maxf(o->glow, 0.35f * cover(b, 0.015f - sqrtf(hx * hx + hy * hy)));
    o->occlusion = 1;
}

/* Skin round an eye; (dx, dy) from its middle, dx outwards. */
static void socket_paint(
    const struct body *b, float dx, float dy, float upper, float lower, struct surface *o)
{
    float au = fabsf(dx / b->eye_w);
    struct vec3 deep = v3(0.62f, 0.42f, 0.38f);
    darken(o, 0.42f * gauss2(dx, b->eye_w * 1.15f, dy - 0.015f, 0.11f), deep);
    float bag = gauss(dy - lower + 0.055f, 0.03f) * gauss(dx, 0.15f);
    darken(o, (0.18f + 0.45f * b->old) * bag, deep);
    float crease = gauss(dy - upper - 0.046f - 0.015f * b->id->g[G_EYE_OPEN], 0.016f);
    if (au < 1.1f)
        darken(o, 0.62f * crease * ramp(1.15f, 0.7f, au), deep);
    for (int i = 0; i < 3 && b->old > 0.2f; i++) { /* crow's feet */
        float line = gauss(dy - (float)(i - 1) * 0.25f * (dx - 0.15f) - 0.01f, 0.012f);
        darken(o, b->old * 0.5f * line * ramp(0.19f, 0.24f, dx) * ramp(0.40f, 0.30f, dx), deep);
    }
}

static void lash_paint(
    const struct body *b, float u, float dy, float upper, float lower, struct surface *o)
{
    bool woman = b->look->gender == WOMAN;
    float au = fabsf(u);
    float thick =
        (woman ? 0.021f : 0.013f) * (1 + 0.5f * clampf(u, -0.6f, 1)) * ramp(1.12f, 0.85f, au);
    float lash = cover(b, thick - fabsf(dy - upper - thick * 0.4f)) * (woman ? 0.95f : 0.85f);
    float low = 0.45f * cover(b, 0.006f - fabsf(dy - lower)) * ramp(1.0f, 0.7f, au);
    o->colour = v3_mix(o->colour, v3(0.02f, 0.013f, 0.011f), maxf(lash, low * 0.7f));
    o->glow *= 1 - lash;
}

static void eye_paint(const struct body *b, float x, float y, struct surface *o)
{
    float side = x < 0 ? -1.0f : 1.0f;
    float px = x * side - b->eye_x, py = y - b->eye_y;
    if (fabsf(px) > 0.4f || fabsf(py) > 0.3f)
        return;
    float dx = px + py * b->eye_tilt, dy = py - px * b->eye_tilt, u = dx / b->eye_w;
    float upper = body_lid(b, u, true), lower = body_lid(b, u, false);
    socket_paint(b, dx, dy, upper, lower, o);
    float c = cover(b, fabsf(u) > 1 ? -0.05f : minf(upper - dy, dy - lower));
    if (c > 0) {
        struct surface ball = *o;
        eyeball(b, dx * side, dy, upper, &ball);
        o->colour = v3_mix(o->colour, ball.colour, c);
        o->normal = v3_mix(o->normal, ball.normal, c);
        o->gloss *= 1 - c;
        o->wrap = mixf(o->wrap, ball.wrap, c);
        o->glow = ball.glow * c;
    }
    if (fabsf(u) < 1.12f)
        lash_paint(b, u, dy, upper, lower, o);
}

static void brow_paint(const struct body *b, float x, float y, struct surface *o)
{
    float ax = fabsf(x), t = (ax - 0.125f) / 0.43f;
    if (t < -0.1f || t > 1.1f)
        return;
    float line = body_brow(b, t);
    float thick = b->brow_t * (b->look->gender == MAN ? 1.15f : 0.9f) * ramp(-0.06f, 0.16f, t) *
                  mixf(1, 0.35f, ramp(0.45f, 1.05f, t)) * ramp(1.06f, 0.95f, t);
    float strands =
        0.85f + 0.3f * (noise2((x * (x < 0 ? -1.0f : 1.0f)) * 55 + y * 40, y * 12, 11) - 0.5f);
    float c =
        clampf((thick - fabsf(y - line)) / (thick * 0.5f + b->shading) + 0.35f, 0, 1) * strands;
    o->colour = v3_mix(o->colour, b->brow, clampf(c, 0, 0.93f));
    o->gloss *= 1 - 0.7f * c;
}

/* The open mouth: teeth above, tongue below. aq: |x| over the half mouth. */
static void gap_paint(
    const struct body *b, float line, float open, float aq, float y, struct surface *o)
{
    float top = line + open * 0.45f, low = line - open * 0.75f;
    float gap = aq < 0.98f ? cover(b, minf(top - y, y - low)) : 0;
    struct vec3 dark = v3(0.07f, 0.012f, 0.012f), tongue = v3(0.42f, 0.11f, 0.10f);
    struct vec3 inside = v3_mix(dark, tongue, ramp(low + 0.06f, low, y));
    bool surprised = b->shot->expression == EXPR_SURPRISED;
    float teeth_low = surprised ? top - 0.03f : top - maxf(open * 0.62f, 0.05f);
    float teeth = cover(b, minf(y - teeth_low, 0.88f - aq)) * ramp(0.95f, 0.75f, aq);
    float between = gauss(fmodf(aq * 5 + 0.5f, 1.0f) - 0.5f, 0.10f);
    float lit = 1 - 0.35f * ramp(0.3f, 0.9f, aq) - 0.10f * between;
    inside = v3_mix(inside, v3_scale(v3(0.83f, 0.80f, 0.74f), lit), teeth);
    o->colour = v3_mix(o->colour, inside, gap);
    o->shine *= 1 - gap;
    o->gloss *= 1 - gap;
}

static void mouth_paint(const struct body *b, float x, float y, struct surface *o)
{
    float q = x / b->mouth_w, aq = fabsf(q), arc = maxf(1 - q * q, 0);
    if (aq > 1.5f || fabsf(y - b->mouth_y) > 0.4f)
        return;
    float line = body_mouth(b, q);
    float open = b->open * powf(arc, 0.7f);
    float bow = 1 - 0.20f * gauss(q, 0.14f) + 0.10f * gauss(aq - 0.25f, 0.2f);
    float top = line + open * 0.45f + b->lip_up * bow * powf(arc, 0.75f);
    float low = line - open * 0.75f - b->lip_low * powf(arc, 0.65f);
    float in = aq < 1 ? minf(top - y, y - low) : -0.05f;
    float lips = clampf(in / (1.5f * b->shading + 0.012f) + 0.5f, 0, 1);
    float upper = ramp(0.0f, 0.02f, y - line);
    struct vec3 lip = v3_scale(b->lips, mixf(1.12f, 0.80f, upper));
    o->colour = v3_mix(o->colour, lip, lips * (b->male > 0 ? 0.85f : 0.95f));
    o->shine = maxf(o->shine, 0.6f * lips * (1 - upper) * (b->look->gender == WOMAN ? 1.0f : 0.4f));
    darken(o, 0.55f * gauss2(aq - 1.04f, 0.11f, y - line - 0.006f, 0.022f),
           v3(0.45f, 0.25f, 0.22f));
    darken(o, 0.30f * gauss2(x, 0.16f, y - low + 0.04f, 0.028f), v3(0.6f, 0.42f, 0.4f));
    if (open > 0.004f) {
        gap_paint(b, line, open, aq, y, o);
    } else {
        float seam = gauss(y - line, 0.011f + b->shading * 0.6f) * ramp(1.06f, 0.9f, aq);
        o->colour = v3_mix(o->colour, v3_mul(b->lips, v3(0.22f, 0.14f, 0.14f)), 0.85f * seam);
    }
}

static void age_paint(const struct body *b, float x, float y, struct surface *o)
{
    float ax = fabsf(x), deep = b->look->age == OLD ? 1.0f : 0.5f;
    struct vec3 tint = v3(0.60f, 0.44f, 0.40f);
    for (int i = 0; i < 3; i++) {
        float fy = b->brow_y + 0.14f + 0.085f * (float)i + 0.015f * sinf(x * 9 + (float)i);
        darken(o, deep * 0.42f * gauss(y - fy, 0.013f) * ramp(0.42f, 0.2f, ax), tint);
    }
    float t = clampf((b->nose_y + 0.02f - y) / 0.32f, 0, 1); /* nasolabial fold */
    float fold = 0.18f + 0.17f * t + 0.05f * maxf(b->smile, 0) * t;
    darken(o,
           deep * 0.75f * gauss(ax - fold, 0.022f) * ramp(b->nose_y + 0.04f, b->nose_y - 0.05f, y) *
               ramp(b->mouth_y - 0.08f, b->mouth_y + 0.05f, y),
           tint);
    darken(o, deep * 0.4f * gauss(ax - 0.035f, 0.014f) * gauss(y - b->brow_y, 0.06f), tint);
}

static void spots_paint(const struct body *b, float x, float y, struct surface *o)
{
    const float *g = b->id->g;
    uint32_t seed = (uint32_t)b->id->seed;
    if (g[G_FRECKLES] > 0.05f) {
        float where = gauss2(fabsf(x) - 0.30f, 0.28f, y + 0.20f, 0.17f) +
                      0.9f * gauss2(x, 0.16f, y + 0.15f, 0.16f);
        float cell = 0.062f;
        int ix = (int)floorf(x / cell), iy = (int)floorf(y / cell);
        float px = ((float)ix + 0.3f + 0.4f * hash01(ix, iy, seed)) * cell,
              py = ((float)iy + 0.3f + 0.4f * hash01(ix, iy, seed + 9)) * cell;
        float r = 0.010f + 0.010f * hash01(ix, iy, seed + 5);
        float d = sqrtf((x - px) * (x - px) + (y - py) * (y - py));
        if (hash01(ix, iy, seed + 2) < 0.8f)
            darken(o, 0.85f * g[G_FRECKLES] * minf(where, 1) * cover(b, r - d),
                   v3(0.58f, 0.36f, 0.26f));
    }
    if (g[G_MOLE] > 0.5f) {
        float dx = x - g[G_MOLE_X] * 0.42f, dy = y + 0.38f - g[G_MOLE_Y] * 0.22f;
        o->colour = v3_mix(o->colour, v3(0.05f, 0.022f, 0.016f),
                           0.9f * cover(b, 0.026f - sqrtf(dx * dx + dy * dy)));
    }
}

static void nose_paint(const struct body *b, float x, float y, struct surface *o)
{
    float ax = fabsf(x), w = b->nose_w, ny = b->nose_y;
    darken(o, 0.88f * gauss2(ax - 0.062f * w, 0.034f * w, y - (ny - 0.085f), 0.024f),
           v3(0.16f, 0.07f, 0.06f));
    darken(o, 0.45f * gauss2(ax - 0.175f * w, 0.024f, y - (ny - 0.025f), 0.06f),
           v3(0.52f, 0.34f, 0.3f));
    darken(o, 0.34f * gauss2(x, 0.15f * w, y - (ny - 0.125f), 0.03f), v3(0.6f, 0.42f, 0.38f));
    darken(o, 0.22f * gauss2(ax - 0.12f, 0.045f, y - b->eye_y - 0.02f, 0.12f),
           v3(0.6f, 0.42f, 0.38f));
    o->shine = maxf(o->shine, 0.22f * gauss2(x, 0.05f, y - ny - 0.02f, 0.05f));
}

static void head_paint(const struct body *b, const struct sample *s, struct surface *o)
{
    float x = s->t.x, y = s->t.y;
    if (s->t.z < 0.05f)
        return;
    bool bearded = b->look->beard == BEARD_STUBBLE;
    float blush = (b->look->gender == WOMAN || b->child > 0 ? 0.5f : 0.28f);
    darken(o, blush * gauss2(fabsf(x) - 0.42f, 0.2f, y + 0.26f, 0.16f), v3(1.02f, 0.70f, 0.66f));
    darken(o, 0.25f * gauss2(x, 0.12f, y - b->nose_y, 0.1f), v3(1.02f, 0.72f, 0.68f));
    if (b->look->age >= MIDDLE_AGED)
        age_paint(b, x, y, o);
    nose_paint(b, x, y, o);
    spots_paint(b, x, y, o);
    if (bearded) {
        float grain = 0.75f + 0.5f * noise2(x * 70, y * 70, 4);
        o->colour = v3_mix(o->colour, v3_scale(b->brow, 0.9f),
                           0.52f * ramp(-0.05f, 0.10f, beard_mask(b, x, y)) * grain);
    }
    mouth_paint(b, x, y, o);
    brow_paint(b, x, y, o);
    eye_paint(b, x, y, o);
    o->occlusion *=
        1 - 0.45f * ramp(b->chin + 0.10f, b->chin - 0.02f, y) * ramp(0.75f, 0.4f, s->t.z);
}

void skin_paint(const struct body *b, const struct sample *s, struct surface *o)
{
    o->colour = b->skin;
    o->gloss = 0.20f;
    o->wrap = 0.35f;
    if (s->mat == MAT_HEAD) {
        head_paint(b, s, o);
    } else if (s->mat == MAT_EAR) {
        float w = body_width(b, 0), d = fabsf(s->t.x) - w;
        darken(o,
               0.55f * gauss2(s->t.z + 0.03f, 0.05f, s->t.y + 0.06f, 0.09f) * ramp(0.02f, 0.06f, d),
               v3(0.7f, 0.4f, 0.36f));
        darken(o, 0.4f, v3(1.0f, 0.78f, 0.74f));
    } else {
        o->occlusion *= 0.42f + 0.58f * ramp(-0.72f, -1.32f, s->t.y);
        darken(o, 0.3f * gauss2(fabsf(s->t.x) - 0.16f, 0.05f, s->t.y + 1.36f, 0.08f),
               v3(0.7f, 0.5f, 0.45f));
    }
}

void hair_paint(const struct body *b, const struct sample *s, struct surface *o)
{
    uint32_t seed = (uint32_t)b->look->seed;
    float angle = atan2f(s->t.x, s->t.z + 0.15f);
    int kind = b->look->hair;
    bool curly = kind == HAIR_AFRO || kind == HAIR_CURLY;
    float strands;
    if (s->mat == MAT_BEARD)
        strands = 0.25f + 0.5f * noise2(s->t.x * 26, s->t.y * 13, seed);
    else if (curly)
        strands = 0.5f * noise2(angle * 13, s->t.y * 15, seed) +
                  0.5f * noise2(angle * 24, s->t.y * 26, seed + 1);
    else if (kind == HAIR_BUZZ)
        strands = noise2(angle * 50, s->t.y * 50, seed);
    else
        strands = 0.6f * noise2(angle * 15 + s->t.y * 1.2f, s->t.y * 1.3f, seed) +
                  0.4f * noise2(angle * 38, s->t.y * 2, seed + 1);
    o->colour = v3_scale(b->hair, 0.66f + 0.68f * strands);
    if (kind == HAIR_BUZZ && s->mat == MAT_HAIR)
        o->colour = v3_mix(o->colour, b->skin, 0.18f);
    o->gloss = curly || s->mat == MAT_BEARD || kind == HAIR_BUZZ ? 0.08f : 0.34f * (0.5f + strands);
    o->wrap = 0.3f;
    o->hair = true;
    float in = -0.5f + strands;
    o->normal =
        v3_unit(v3_add(o->normal, v3(in * (curly ? 0.7f : 0.35f), curly ? in * 0.5f : 0, 0)));
    if (s->mat == MAT_HAIR && s->t.y < 0.1f)
        o->occlusion *= mixf(0.6f, 1, ramp(-0.25f, 0.35f, s->t.z + fabsf(s->t.x) * 0.5f - 0.25f));
}

void cloth_paint(const struct body *b, const struct sample *s, struct surface *o)
{
    float x = s->t.x, y = s->t.y, ax = fabsf(x);
    o->colour = b->cloth;
    o->gloss = 0.05f;
    o->wrap = 0.25f;
    int kind = b->look->clothes;
    bool front = s->t.z > 0;
    float fold = noise2(x * 3.2f, y * 2.2f + ax, (uint32_t)b->look->seed);
    o->colour = v3_scale(o->colour, 0.86f + 0.26f * fold);
    struct vec3 pale = v3(0.78f, 0.78f, 0.80f);
    if (kind == CLOTHES_JACKET && front) {
        float opening = 0.36f - 0.52f * maxf(-1.2f - y, 0);
        if (s->mat == MAT_CLOTH) {
            o->colour = v3_mix(o->colour, pale, cover(b, opening - ax));
            darken(o,
                   0.6f * gauss(ax - opening - 0.01f, 0.02f) +
                       0.5f * gauss(ax - opening - 0.21f, 0.02f) * ramp(-1.75f, -1.7f, y),
                   v3(0.3f, 0.3f, 0.3f));
        }
    }
    if (kind == CLOTHES_JACKET && s->mat == MAT_COLLAR)
        o->colour = pale;
    if (kind == CLOTHES_SHIRT && front) {
        darken(o, 0.5f * gauss(ax - 0.075f, 0.012f), v3(0.5f, 0.5f, 0.5f));
        float by = fmodf(-y, 0.26f) - 0.13f;
        o->colour = v3_mix(o->colour, v3_scale(pale, 0.9f),
                           s->mat == MAT_CLOTH ? cover(b, 0.026f - sqrtf(x * x + by * by)) : 0);
    }
    if (kind == CLOTHES_HOODIE && front && s->mat == MAT_CLOTH)
        o->colour =
            v3_mix(o->colour, pale, cover(b, 0.02f - fabsf(ax - 0.2f)) * ramp(-1.95f, -1.9f, y));
    if (s->mat == MAT_COLLAR && kind != CLOTHES_JACKET)
        o->colour = v3_scale(o->colour, kind == CLOTHES_TSHIRT ? 0.82f : 1.06f);
    o->occlusion *= 0.6f + 0.4f * ramp(0.42f, 0.75f, ax + maxf(-1.25f - y, 0));
}
