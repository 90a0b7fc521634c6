// SPDX-License-Identifier: Apache-2.0
/* Ears: an egg-shaped shell with a rolled rim and a hollow, turned out from the head.
 */
#include "form.h"

struct vec3 ear_middle(const struct body *b, float s)
{
    struct vec3 p = head_towards(b, v3(s, 0.0f, -0.20f));
    return v3(p.x, b->eye_y - 0.11f, p.z + 0.03f);
}

static float ear_size(const struct body *b)
{
    return 0.215f * (1 + 0.15f * b->id->g[G_EARS]) * (1 + 0.10f * b->old) * (1 - 0.04f * b->child);
}

struct vec3 ear_lobe(const struct body *b, float s)
{
    struct vec3 m = ear_middle(b, s);
    float size = ear_size(b), out = 0.42f + 0.2f * b->id->g[G_EARS_OUT];
    return v3(m.x + s * 0.20f * size * out * 2, m.y - 0.93f * size, m.z + 0.10f * size);
}

void ears_build(struct model *m, const struct body *b)
{
    float size = ear_size(b), turn = 0.42f + 0.2f * b->id->g[G_EARS_OUT];
    float ct = cosf(turn), st = sinf(turn);
    for (float s = -1; s < 2; s += 2) {
        struct vec3 middle = ear_middle(b, s);
        struct grid *g = grid_start(m, 18, 41, true);
        g->flip = s > 0;
        g->both = true;
        for (int r = 0; r < g->rows; r++)
            for (int k = 0; k < g->cols; k++) {
                float v = step01(r, g->rows), a = sector(k, g->cols - 1);
                float ring = minf(v / 0.8f, 1), under = ramp(0.8f, 1, v); /* the rim rolls back */
                float up = cosf(a), back = sinf(a);
                float egg = 1 - 0.20f * ramp(0.1f, -1, up) - 0.10f * back * (up < 0 ? 1.0f : 0.0f);
                float y = size * ring * up * (up < 0 ? 0.98f : 1.02f);
                float z = -size * 0.62f * ring * back * egg;
                float hollow = -0.26f * gauss2(y / size + 0.12f, 0.36f, z / size - 0.02f, 0.30f);
                float rim = 0.17f * gauss(ring - 0.90f, 0.12f) * (up < -0.55f ? 0.4f : 1) +
                            0.07f * gauss(ring - 0.52f, 0.10f) * ramp(0.7f, -0.2f, back);
                float out = size * (hollow + rim - 0.30f * under) * 0.8f;
                /* hinged at the front edge: the back swings out from the head */
                float hz = z - size * 0.42f;
                struct vec3 p = v3(out * ct - hz * st, y, hz * ct + out * st + size * 0.42f);
                g->p[r * g->cols + k] =
                    v3(middle.x + s * (p.x - 0.02f), middle.y + p.y, middle.z + p.z);
            }
        model_grid(m, b, JOINT_HEAD, MAT_EAR, s > 0 ? SIDE_LEFT : SIDE_RIGHT);
    }
}
