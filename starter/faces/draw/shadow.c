// SPDX-License-Identifier: Apache-2.0
/* Shadows of the key light: the model seen from the light, depth alone, and a soft comparison of
 * each point with it (Reeves, Salesin and Cook 1987). Hats shade brows, noses cheeks, chins necks.
 */
#include "draw.h"

#define REACH 1.75f /* half side of the lit square, head units */

enum { TAPS = 2, TAP_STEP = 2 }; /* compared to either side, and how many samples apart */

/* p in samples of the light's view. */
static struct vec3 light_project(const struct vec3 axis[3], struct vec3 p)
{
    struct vec3 d = v3_sub(p, v3(0, -0.15f, 0));
    float k = (float)SHADOW_SIDE / (2 * REACH);
    return v3((v3_dot(d, axis[0]) + REACH) * k, (REACH - v3_dot(d, axis[1])) * k,
              v3_dot(d, axis[2]));
}

void shadow_make(struct canvas *c, const struct body *b)
{
    c->light[2] = v3_unit(v3(b->shot->light_x, b->shot->light_y, 1));
    c->light[0] = v3_unit(v3_cross(v3(0, 1, 0), c->light[2]));
    c->light[1] = v3_cross(c->light[2], c->light[0]);
    for (int i = 0; i < c->model.vertices; i++)
        c->points[i] = light_project(c->light, c->model.vertex[i].p);
    for (size_t i = 0; i < (size_t)SHADOW_SIDE * SHADOW_SIDE; i++)
        c->shadow[i] = -1e9f;
    struct depth d = {.z = c->shadow, .width = SHADOW_SIDE, .height = SHADOW_SIDE};
    raster_model(&d, &c->model, c->points, b, MAT_GLASS);
}

float shadow_at(const struct canvas *c, struct vec3 p, struct vec3 n)
{
    struct vec3 s = light_project(c->light, v3_add(p, v3_scale(n, 0.025f)));
    float graze = 1 - clampf(v3_dot(n, c->light[2]), 0, 1), bias = 0.02f + 0.07f * graze * graze;
    int cx = floor_of(s.x + 0.5f), cy = floor_of(s.y + 0.5f), lit = 0;
    int margin = TAPS * TAP_STEP, end = SHADOW_SIDE - margin;
    if (cx < margin || cy < margin || cx >= end || cy >= end)
        return 1;
    for (int dy = -TAPS; dy <= TAPS; dy++)
        for (int dx = -TAPS; dx <= TAPS; dx++) {
            int x = cx + dx * TAP_STEP, y = cy + dy * TAP_STEP;
            float z = c->shadow[(size_t)y * SHADOW_SIDE + (size_t)x];
            lit += z < s.z + bias + 0.012f * (float)(dx * dx + dy * dy > 2);
        }
    float border = maxf(fabsf(s.x / SHADOW_SIDE - 0.5f), fabsf(s.y / SHADOW_SIDE - 0.5f));
    return mixf(1, (float)lit / ((2 * TAPS + 1) * (2 * TAPS + 1)),
                ramp(0.48f, 0.40f, border)); /* no edge where the map ends */
}
