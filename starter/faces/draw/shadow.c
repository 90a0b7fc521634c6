// SPDX-License-Identifier: Apache-2.0
/* Shadows of the key light: the model seen from the light, depth alone, and a soft comparison of
 * each point with it (Reeves, Salesin and Cook 1987). Hats shade brows, noses cheeks, chins necks.
 */
#include "draw.h"

#define REACH 1.75f /* half side of the lit square, head units */

/* Axes of the light's view: right, up, and the key direction itself. */
static void light_axes(struct vec3 key, struct vec3 *right, struct vec3 *up)
{
    *right = v3_unit(v3_cross(v3(0, 1, 0), key));
    *up = v3_cross(key, *right);
}

static struct vec3 light_point(struct vec3 right, struct vec3 up, struct vec3 key, struct vec3 p)
{
    struct vec3 d = v3_sub(p, v3(0, -0.15f, 0));
    float k = (float)SHADOW_SIDE / (2 * REACH);
    return v3((v3_dot(d, right) + REACH) * k, (REACH - v3_dot(d, up)) * k, v3_dot(d, key));
}

void shadow_make(struct canvas *c, const struct body *b, struct vec3 key)
{
    struct vec3 right, up;
    light_axes(key, &right, &up);
    for (int i = 0; i < c->model.vertices; i++)
        c->points[i] = light_point(right, up, key, c->model.vertex[i].p);
    for (size_t i = 0; i < (size_t)SHADOW_SIDE * SHADOW_SIDE; i++)
        c->shadow[i] = -1e9f;
    struct depth d = {.z = c->shadow, .width = SHADOW_SIDE, .height = SHADOW_SIDE};
    raster_model(&d, &c->model, c->points, b, MAT_GLASS);
}

float shadow_at(const struct canvas *c, struct vec3 key, struct vec3 p, struct vec3 n)
{
    struct vec3 right, up;
    light_axes(key, &right, &up);
    struct vec3 s = light_point(right, up, key, v3_add(p, v3_scale(n, 0.025f)));
    float graze = 1 - clampf(v3_dot(n, key), 0, 1), bias = 0.02f + 0.07f * graze * graze;
    int cx = floor_of(s.x + 0.5f), cy = floor_of(s.y + 0.5f), lit = 0;
    enum { TAPS = 2, STEP = 2 };
    if (cx < TAPS * STEP || cy < TAPS * STEP || cx >= SHADOW_SIDE - TAPS * STEP ||
        cy >= SHADOW_SIDE - TAPS * STEP)
        return 1;
    for (int dy = -TAPS; dy <= TAPS; dy++)
        for (int dx = -TAPS; dx <= TAPS; dx++) {
            float z = c->shadow[(size_t)(cy + dy * STEP) * SHADOW_SIDE + (size_t)(cx + dx * STEP)];
            lit += z < s.z + bias + 0.012f * (float)(dx * dx + dy * dy > 2);
        }
    float border = maxf(fabsf(s.x / SHADOW_SIDE - 0.5f), fabsf(s.y / SHADOW_SIDE - 0.5f));
    return mixf(1, (float)lit / 25, ramp(0.48f, 0.40f, border)); /* no edge where the map ends */
}
