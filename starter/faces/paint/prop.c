// SPDX-License-Identifier: Apache-2.0
/* Frames, dark lenses and metal. Lenses and metal mirror a studio that is not there: a bright
 * window above, a dim floor below, found from the normal alone.
 */
#include "form/wear.h"
#include "paint.h"

/* Tortoise: amber with dark clouds. */
static void frame_paint(const struct vertex *v, int kind, struct surface *o)
{
    static const unsigned colours[FRAME_KINDS] = {0x1b1b1e, 0x6b3d1c, 0x55585e};
    o->colour = srgb(colours[kind % FRAME_KINDS]);
    o->shine = kind == 2 ? 0.8f : 0.55f;
    o->rough = 0.28f;
    if (kind == 1)
        paint_over(o, srgb(0x24120a),
                   0.85f * ramp(0.42f, 0.62f, noise2(v->t.x * 11, v->t.y * 11 + v->t.z * 7, 3)));
}

/* Darker above than below; a window's reflection slants across. */
static void lens_paint(const struct vertex *v, struct surface *o)
{
    float y = v->t.y, streak = v->t.x + 0.55f * y;
    o->colour = v3_mix(srgb(0x141418), srgb(0x4a3c36), ramp(0.10f, -0.26f, y));
    float at = streak - 0.30f * (v->t.x > 0 ? 1.0f : -1.0f) + 0.04f;
    o->glow = 0.10f * ramp(0.055f, 0.025f, fabsf(at)) +
              0.05f * ramp(0.03f, 0.01f, fabsf(at + 0.11f)) +
              0.10f * ramp(0.35f, 0.9f, o->normal.y);
    o->shine = 0.8f;
    o->rough = 0.2f;
}

static void metal_paint(int metal, struct surface *o)
{
    static const unsigned colours[METAL_KINDS] = {0xe0b04a, 0xc9ccd2};
    float sky = ramp(-0.2f, 0.6f, o->normal.y + 0.25f * o->normal.x);
    o->colour = v3_scale(srgb(colours[metal % METAL_KINDS]), 0.45f + 0.75f * sky);
    o->shine = 1;
    o->rough = 0.25f;
}

void prop_paint(const struct body *b, const struct vertex *v, int mat, int tag, struct surface *o)
{
    (void)b;
    o->mask = mat == MAT_METAL ? MASK_EARRING : MASK_GLASSES;
    if (mat == MAT_FRAME)
        frame_paint(v, tag, o);
    else if (mat == MAT_GLASS)
        lens_paint(v, o);
    else
        metal_paint(tag, o);
}
