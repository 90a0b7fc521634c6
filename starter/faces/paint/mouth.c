// SPDX-License-Identifier: Apache-2.0
/* Mouths: lips on the skin, and what shows between them.
 */
#include "paint.h"

void lips_paint(const struct body *b, float x, float y, struct surface *o)
{
    float q = x / b->mouth_w, aq = fabsf(q);
    if (aq > 1.5f || fabsf(y - b->mouth_y) > 0.4f)
        return;
    float cq = clampf(q, -1, 1), top = body_lip(b, cq, LIP_TOP), up = body_lip(b, cq, LIP_UPPER),
          lo = body_lip(b, cq, LIP_LOWER), low = body_lip(b, cq, LIP_BOTTOM);
    float line = (up + lo) * 0.5f;
    float inside = minf(minf(top - y, y - low), (1.02f - aq) * b->mouth_w);
    float lips = clampf(inside / (1.2f * b->shading + 0.010f) + 0.4f, 0, 1);
    bool upper = y > line;
    bool woman = b->look->gender == WOMAN && b->look->age != CHILD;
    float fine = 0.93f + 0.14f * noise2(x * 60, y * 8, 21);
    paint_over(o, v3_scale(b->lips, (upper ? 0.80f : 1.08f) * fine),
               lips * (woman ? 0.95f : 0.80f));
    o->shine = mixf(o->shine, woman ? 0.75f : 0.40f, lips);
    o->rough = mixf(o->rough, woman ? 0.34f : 0.42f, lips);
    float corner = gauss2(aq - 1.03f, 0.10f, y - line - 0.004f, 0.022f);
    paint_tint(o, 0.60f * corner, v3(0.42f, 0.24f, 0.21f));
    paint_tint(o, 0.26f * gauss2(x, 0.17f, y - low + 0.035f, 0.030f), v3(0.6f, 0.42f, 0.4f));
    if (b->open <= 0.004f) {
        float seam = gauss(y - line, 0.010f + b->shading * 0.5f) * ramp(1.06f, 0.9f, aq);
        paint_over(o, v3_mul(b->lips, v3(0.20f, 0.12f, 0.12f)), 0.88f * seam);
    } else {
        paint_tint(o, 0.4f * lips * gauss(minf(fabsf(y - up), fabsf(y - lo)), 0.012f),
                   v3(0.4f, 0.3f, 0.3f));
    }
    if (lips > 0.5f)
        o->mask = upper ? MASK_UPPER_LIP : MASK_LOWER_LIP;
}

void mouth_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    (void)mat;
    bool tongue = tag == MOUTH_TONGUE;
    float deep = ramp(b->mouth_z - 0.26f, b->mouth_z - 0.10f, v->t.z);
    o->colour = tongue ? v3_mix(v3(0.16f, 0.035f, 0.035f), v3(0.50f, 0.15f, 0.14f), deep)
                       : v3(0.035f, 0.008f, 0.008f);
    o->soft = 0.6f;
    o->shine = tongue ? 0.35f : 0;
    o->rough = 0.4f;
    o->mask = MASK_MOUTH;
}

void teeth_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    (void)mat;
    bool lower = tag == TEETH_LOWER;
    float ax = fabsf(v->t.x), wide = lower ? 0.050f : 0.064f, cell = fmodf(ax / wide, 1.0f);
    float gap = gauss(cell < 0.5f ? cell : 1 - cell, 0.07f);
    float aq = ax / b->mouth_w;
    struct vec3 ivory = v3_mix(v3(0.86f, 0.83f, 0.78f), v3(0.76f, 0.69f, 0.56f), b->old * 0.7f);
    o->colour = v3_scale(ivory, (1 - 0.28f * gap) * (1 - 0.55f * ramp(0.45f, 1.0f, aq)));
    float under = body_lip(b, clampf(v->t.x / b->mouth_w, -1, 1), LIP_UPPER) - v->t.y;
    o->colour = v3_scale(o->colour, (lower ? 0.75f : 1) * (1 - 0.35f * ramp(0.035f, 0.0f, under)));
    o->soft = 0.5f;
    o->shine = 0.35f;
    o->rough = 0.3f;
    o->occlusion = 1.0f;
    o->mask = MASK_MOUTH;
}
