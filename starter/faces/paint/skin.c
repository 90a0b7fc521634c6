// SPDX-License-Identifier: Apache-2.0
/* Skin: tone with the reds of cheeks, nose and ears, and everything drawn on it; features are
 * curves in (x, y) of the front of the head.
 */
#include "paint.h"

static void nose_paint(const struct body *b, float x, float y, struct surface *o)
{
    float ax = fabsf(x), w = b->nose_w, ny = b->nose_y;
    const struct head_shape *s = &b->shape;
    struct vec3 dark = v3(0.20f, 0.085f, 0.075f);
    paint_tint(o,
               0.92f * gauss2(ax - s->nostril.x, s->nostril_r.x * 0.95f, y - s->nostril.y - 0.012f,
                              s->nostril_r.y * 1.1f),
               dark);
    paint_tint(o, 0.30f * gauss2(ax - s->wing.x - s->wing_r * 0.95f, 0.022f, y - s->wing.y, 0.055f),
               v3(0.55f, 0.36f, 0.32f));
    paint_tint(o, 0.20f * gauss2(x, 0.15f * w, y - (ny - 0.135f), 0.03f), v3(0.6f, 0.42f, 0.38f));
    if (ax < s->wing.x + s->wing_r * 1.05f && y > s->wing.y - s->wing_r * 1.1f &&
        y < mixf(b->eye_y + 0.06f, s->wing.y + s->wing_r,
                 ramp(0.05f, 0.6f, ax / (s->wing.x + s->wing_r))))
        o->mask = MASK_NOSE;
}

static void age_paint(const struct body *b, float x, float y, struct surface *o)
{
    float ax = fabsf(x), deep = b->old;
    struct vec3 tint = v3(0.62f, 0.46f, 0.42f);
    for (int i = 0; i < 3; i++) {
        float fy = b->brow_y + 0.15f + 0.080f * (float)i + 0.014f * sinf(x * 9 + (float)i * 2);
        paint_tint(o, 0.8f * deep * gauss(y - fy, 0.014f) * ramp(0.44f, 0.2f, ax), tint);
    }
    float t = clampf((b->nose_y + 0.02f - y) / 0.34f, 0, 1); /* nasolabial fold */
    float fold = 0.165f * b->nose_w + (0.16f + 0.04f * b->cheek) * t;
    paint_tint(o,
               0.85f * deep * gauss(ax - fold, 0.022f) *
                   ramp(b->nose_y + 0.04f, b->nose_y - 0.05f, y) *
                   ramp(b->mouth_y - 0.10f, b->mouth_y + 0.04f, y),
               tint);
    paint_tint(o, 0.45f * deep * gauss(ax - 0.035f, 0.012f) * gauss(y - b->brow_y, 0.06f), tint);
    paint_tint(o,
               0.5f * maxf(deep - 0.3f, 0) *
                   gauss(ax - b->mouth_w * 1.12f - 0.03f * (b->mouth_y - y), 0.014f) *
                   ramp(b->mouth_y - 0.24f, b->mouth_y - 0.12f, y) *
                   ramp(b->mouth_y + 0.01f, b->mouth_y - 0.04f, y),
               tint);
    float spots = noise2(x * 14 + 3, y * 14, (uint32_t)b->id->seed); /* age spots */
    paint_tint(o, 0.36f * ramp(0.35f, 1, deep) * ramp(0.74f, 0.82f, spots) * ramp(0.25f, 0.4f, ax),
               v3(0.75f, 0.60f, 0.48f));
}

/* Two sizes of freckles, each on a jittered lattice with most of its cells empty. */
static void freckles_paint(const struct body *b, float x, float y, struct surface *o)
{
    float amount = b->id->g[G_FRECKLES];
    if (amount < 0.05f)
        return;
    float where = gauss2(fabsf(x) - 0.30f, 0.26f, y + 0.16f, 0.15f) +
                  0.9f * gauss2(x, 0.16f, y + 0.12f, 0.14f);
    for (int k = 0; k < 2; k++) {
        float cell = k ? 0.029f : 0.047f;
        uint32_t seed = (uint32_t)b->id->seed + (uint32_t)k * 31;
        int ix = floor_of(x / cell), iy = floor_of(y / cell);
        if (hash01(ix, iy, seed + 2) > 0.25f + 0.45f * where)
            continue;
        float px = ((float)ix + 0.2f + 0.6f * hash01(ix, iy, seed)) * cell,
              py = ((float)iy + 0.2f + 0.6f * hash01(ix, iy, seed + 9)) * cell;
        float r = cell * (0.16f + 0.16f * hash01(ix, iy, seed + 5)),
              d = sqrtf((x - px) * (x - px) + (y - py) * (y - py));
        paint_tint(o, 0.85f * amount * minf(where * 1.3f, 1) * paint_cover(b, r - d),
                   v3(0.62f, 0.40f, 0.29f));
    }
}

static void spots_paint(const struct body *b, float x, float y, struct surface *o)
{
    const float *g = b->id->g;
    freckles_paint(b, x, y, o);
    if (g[G_MOLE] > 0.5f) {
        float dx = x - g[G_MOLE_X] * 0.42f, dy = y + 0.38f - g[G_MOLE_Y] * 0.22f;
        paint_over(o, v3(0.05f, 0.022f, 0.016f),
                   0.9f * paint_cover(b, 0.022f - sqrtf(dx * dx + dy * dy)));
    }
}

/* Shaved or growing: a bluish shade with grain where the beard would be. */
static void stubble_paint(const struct body *b, float x, float y, struct surface *o)
{
    bool stubble = b->look->beard == BEARD_STUBBLE;
    float amount = stubble ? 0.50f : b->look->gender == MAN && b->look->years > 17 ? 0.10f : 0;
    if (amount == 0)
        return;
    float grain = stubble ? 0.6f + 0.8f * noise2(x * 75, y * 75, 4) : 1;
    paint_over(o, v3_scale(b->brow, 0.9f),
               amount * ramp(-0.04f, 0.12f, beard_mask(b, x, y)) * grain);
    if (stubble && beard_mask(b, x, y) > 0.03f)
        o->mask = MASK_BEARD;
}

static void face_paint(const struct body *b, float x, float y, struct surface *o)
{
    struct vec3 rosy = v3(1.03f, 0.70f, 0.67f);
    float blush = (b->look->gender == WOMAN ? 0.55f : 0.34f) + 0.2f * b->child + 0.2f * b->cheek;
    paint_tint(o, blush * gauss2(fabsf(x) - 0.40f, 0.20f, y + 0.22f - 0.04f * b->cheek, 0.16f),
               rosy);
    paint_tint(o, 0.42f * gauss2(x, 0.13f, y - b->nose_y, 0.11f), rosy);
    paint_tint(o, 0.18f * gauss2(x, 0.2f, y - b->chin - 0.12f, 0.12f), rosy);
    float mottle = noise2(x * 5, y * 5, 31) * 0.6f + noise2(x * 13, y * 13, 32) * 0.4f;
    paint_tint(o, 0.22f * mottle, v3(1.0f, 0.88f, 0.84f));
    age_paint(b, x, y, o);
    nose_paint(b, x, y, o);
    spots_paint(b, x, y, o);
    stubble_paint(b, x, y, o);
    lips_paint(b, x, y, o);
    socket_paint(b, x, y, o);
    brow_paint(b, x, y, o);
}

void skin_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    o->colour = b->skin;
    o->soft = 1;
    o->rough = 0.50f - 0.04f * b->child;
    o->shine = 0.45f;
    if (mat == MAT_HEAD) {
        bool neck = v->t.y < b->chin + 0.02f || (v->t.y < -0.62f && v->t.z < 0.02f);
        o->mask = neck ? MASK_NECK : MASK_SKIN;
        if (v->t.z > 0.05f && !neck)
            face_paint(b, v->t.x, v->t.y, o);
    } else if (mat == MAT_EAR) {
        paint_tint(o, 0.5f, v3(1.02f, 0.72f, 0.68f));
        o->mask = tag == SIDE_LEFT ? MASK_LEFT_EAR : MASK_RIGHT_EAR;
    } else if (mat == MAT_HAND) {
        o->mask = MASK_HAND;
    } else {
        o->mask = MASK_NECK;
    }
}
