// SPDX-License-Identifier: Apache-2.0
/* A picture from its description: backdrop, then each person built, drawn, lit and laid over it,
 * then sRGB.
 */
#include <string.h>

#include "draw.h"
#include "scene/scene.h"

#define FACE_SPAN 1.72f /* chin to hairline in head space */
#define FACE_MIDDLE (-0.14f)

/* Of triangles equally near the first is seen, so the order matters. */
static build_fn *const parts[] = {
    head_build, eyes_build,    mouth_build,    ears_build,  beard_build, hair_build,
    hat_build,  glasses_build, earrings_build, trunk_build, hand_build,
};

static void person_draw(struct canvas *c, const struct person *p, struct face_truth *truth)
{
    struct body b;
    body_make(&b, p);
    c->view.scale = p->shot.height * (float)c->side / FACE_SPAN;
    c->view.ox = p->shot.cx * (float)c->side;
    c->view.oy = p->shot.cy * (float)c->side + FACE_MIDDLE * c->view.scale;
    b.shading = 1.0f / c->view.scale;
    c->model.vertices = c->model.triangles = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        parts[i](&c->model, &b);
    shadow_make(c, &b);
    raster_clear(c);
    for (int i = 0; i < c->model.vertices; i++)
        c->points[i] = view_project(&c->view, c->model.vertex[i].p);
    struct depth d = {
        .z = c->z, .seen = c->seen, .width = c->side, .height = c->side, .touched = &c->touched};
    raster_model(&d, &c->model, c->points, &b, MAT_NONE);
    person_light(c, &b);
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
                p->people ? backdrop_colour(&p->person[0].shot, u, v, unit)
                          : scene_colour(p->scene, p->seed, u, v, unit);
        }
    c->mask = mask;
    if (mask)
        memset(mask, MASK_BACKGROUND, (size_t)c->size * (size_t)c->size);
    for (int i = 0; i < p->people; i++)
        person_draw(c, &p->person[i], truth ? &truth[i] : NULL);
    to_srgb(c, rgb);
}
