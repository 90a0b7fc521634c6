// SPDX-License-Identifier: Apache-2.0
/* A picture from its description: backdrop, then each person drawn, lit and laid over it, then
 * sRGB.
 */
#include <string.h>

#include "body.h"

#define FACE_SPAN 1.72f /* chin to hairline in head space */
#define FACE_MIDDLE -0.14f

static void person_draw(struct canvas *c,
                        const struct person *p,
                        uint8_t *mask,
                        struct face_truth *truth)
{
    struct body b;
    body_make(&b, p);
    c->scale = p->shot.height * (float)c->side / FACE_SPAN;
    c->ox = p->shot.cx * (float)c->side;
    c->oy = p->shot.cy * (float)c->side + FACE_MIDDLE * c->scale;
    b.shading = 1.0f / c->scale;
    canvas_clear(c);
    head_draw(c, &b);
    beard_draw(c, &b); /* uses the head's grid */
    ears_draw(c, &b);
    hair_draw(c, &b);
    glasses_draw(c, &b);
    clothes_draw(c, &b);
    person_light(c, &b, mask);
    if (truth)
        truth_find(c, &b, truth);
}

static void to_srgb(const struct canvas *c, uint8_t *rgb)
{
    size_t n = (size_t)c->size * (size_t)c->size;
    const float *in = &c->linear[0].x;
    for (size_t i = 0; i < n * 3; i++) {
        float v = clampf(in[i], 0, 4);
        v = v < 0.7f ? v : 0.7f + 0.3f * (1 - expf(-(v - 0.7f) / 0.3f)); /* soft shoulder */
        rgb[i] = (uint8_t)(powf(v, 1 / 2.2f) * 255 + 0.5f);
    }
}

void canvas_render(struct canvas *c,
                   const struct picture *p,
                   uint8_t *rgb,
                   uint8_t *mask,
                   struct face_truth *truth)
{
    float unit = 1.0f / (float)c->size;
    for (int y = 0; y < c->size; y++)
        for (int x = 0; x < c->size; x++) {
            float u = ((float)x + 0.5f) * unit, v = ((float)y + 0.5f) * unit;
            c->linear[(size_t)y * (size_t)c->size + (size_t)x] =
                p->people ? backdrop_colour(&p->person[0].shot, u, v)
                          : scene_colour(p->scene, p->seed, u, v);
        }
    if (mask)
        memset(mask, MASK_BACKGROUND, (size_t)c->size * (size_t)c->size);
    for (int i = 0; i < p->people; i++)
        person_draw(c, &p->person[i], mask, truth ? &truth[i] : NULL);
    to_srgb(c, rgb);
}
