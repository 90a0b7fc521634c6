// SPDX-License-Identifier: Apache-2.0
/* Hair and what lies under it. A lock is a bundle: its width shows strands side by side, its edges
 * and its root lie in the shade of other locks, its tip has been bleached by the sun. Highlights
 * are the light's work; here each lock's direction is shifted a little, or the bands on all locks
 * would meet in a single ruled line.
 */
#include "form/hair.h"

#include "paint.h"

/* Black keeps a little light so that its locks can be told apart, white keeps below paper. */
static struct vec3 hair_tone(const struct body *b)
{
    struct vec3 c = b->hair;
    float light = (c.x + c.y + c.z) / 3;
    c = v3_add(c, v3_scale(v3(0.011f, 0.009f, 0.010f), ramp(0.06f, 0.01f, light)));
    return v3_scale(c, mixf(1, 0.85f, ramp(0.4f, 0.75f, light)));
}

static float hair_shine(const struct body *b)
{
    static const float shine[HAIR_COUNT] = {
        0, 0.2f, 0.7f, 0.9f, 1.1f, 0.75f, 0.55f, 0.2f, 1, 1, 0.9f, 0.6f, 1, 1, 0.9f, 0.25f,
    };
    float light = (b->hair.x + b->hair.y + b->hair.z) / 3;
    return shine[b->look->hair] * mixf(1, 0.45f, ramp(0.25f, 0.7f, light)) *
           mixf(1.3f, 1, ramp(0.01f, 0.06f, light));
}

void hair_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    uint32_t seed = (uint32_t)b->look->seed;
    bool beard = mat == MAT_BEARD, shell = tag == TAG_SHELL;
    float a = 2 * PI * v->u, across = sinf(a), face = shell ? 1 : cosf(a),
          own = hash01(tag, 1, seed);
    float fine = noise2(across * 5 + (float)tag * 3.7f, v->v * 3, seed);
    float strands =
        0.6f * fine + 0.4f * noise2(across * 11 + (float)tag * 5.1f, v->v * 5, seed + 1);
    o->colour = v3_scale(hair_tone(b), (0.78f + 0.44f * own) * (0.72f + 0.56f * strands));
    o->colour = v3_scale(o->colour, mixf(0.74f, 1.08f, ramp(0, 0.9f, v->v)));
    float grizzled = 0.32f * ramp(33, 52, (float)b->look->years); /* some locks go grey first */
    if (hash01(tag, 2, seed) < grizzled)
        o->colour = v3_mix(o->colour, v3(0.36f, 0.35f, 0.34f), 0.45f);
    o->occlusion = mixf(0.35f, 1, ramp(-0.5f, 0.7f, face)) * mixf(0.65f, 1, ramp(0, 0.3f, v->v));
    /* light hair passes light on: its depths are never black */
    float pale = ramp(0.15f, 0.7f, (b->hair.x + b->hair.y + b->hair.z) / 3);
    o->occlusion = mixf(o->occlusion, 1, 0.45f * pale);
    o->soft = 0.3f + 0.35f * pale;
    if (shell) { /* coils too small to be modelled */
        float k = noise2(v->u * 90, v->v * 45, seed);
        float bump = noise2(v->u * 70 + 9, v->v * 35, seed + 1);
        o->colour = v3_scale(hair_tone(b), 0.45f + 0.5f * k);
        o->normal = v3_unit(v3_add(o->normal, v3((k - 0.5f) * 1.4f, (bump - 0.5f) * 1.4f, 0)));
        o->occlusion = 0.75f;
    }
    if (tag == TAG_BAND) {
        o->colour = v3_mix(v3_scale(b->hair, 0.35f), b->cloth, 0.6f);
        o->occlusion = 1;
    }
    o->hair = true;
    o->shine = (beard ? 0.35f : hair_shine(b)) * (0.6f + 0.8f * strands) * (shell ? 0.3f : 1);
    o->shine *= mixf(1, 0.5f, ramp(0.4f, 1, v->v));
    float shift = 0.30f * (own - 0.5f) + 0.25f * (strands - 0.5f) - 0.22f;
    o->strand = v3_unit(v3_add(v3_unit(o->strand), v3_scale(o->normal, shift)));
    o->mask = beard ? MASK_BEARD : MASK_HAIR;
}

void scalp_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    (void)mat;
    bool beard = tag == SCALP_BEARD;
    bool bald = b->look->hair == HAIR_BALD && !beard, buzz = b->look->hair == HAIR_BUZZ && !beard;
    struct vec3 p = v->t;
    uint32_t seed = (uint32_t)b->look->seed;
    float grain = noise2(p.x * 75 + p.z * 50, p.y * 75 - p.z * 28, seed);
    float edge = beard ? ramp(-0.03f, 0.05f, beard_mask(b, p.x, p.y))
                       : ramp(1, buzz ? 0.90f : 0.92f, v->v + 0.035f * (grain - 0.5f));
    if (bald) /* a wreath from ear to ear */
        edge *= 0.8f * ramp(0.44f, 0.20f, p.y + 0.12f * (grain - 0.5f)) * ramp(0.12f, -0.1f, p.z);
    skin_paint(b, v, MAT_HEAD, 0, o);
    struct vec3 hair = v3_scale(hair_tone(b), buzz ? 0.62f + 0.5f * grain : 0.5f + 0.2f * grain);
    if (buzz)
        hair = v3_mix(hair, v3_scale(b->skin, 0.6f), 0.22f);
    paint_over(o, hair, edge);
    o->soft = mixf(1, 0.3f, edge);
    o->shine = mixf(o->shine, 0.1f, edge);
    if (edge > 0.5f)
        o->mask = beard ? MASK_BEARD : MASK_HAIR;
}
