// SPDX-License-Identifier: Apache-2.0
/* Neck, shoulders and what covers them, and glasses. The torso turns less than the head does.
 */
#include "body.h"

#define PI 3.14159265f

/* A lathe with superelliptic sections: rows of height, half width, half depth, middle z. */
struct ring {
    float y, w, d, z;
};

static void lathe_draw(
    struct canvas *c, const struct pose *pose, const struct ring *rings, int n, float wide, int mat)
{
    struct grid *g = &c->grid;
    g->rows = (n - 1) * 6 + 1;
    g->cols = 49;
    g->flip = 1;
    for (int r = 0; r < g->rows; r++) {
        int i = r / 6 < n - 1 ? r / 6 : n - 2;
        float t = (float)r / 6 - (float)i;
        const struct ring *a = &rings[i], *b = &rings[i + 1];
        for (int k = 0; k < g->cols; k++) {
            float u = PI * (2 * (float)k / (float)(g->cols - 1) - 1), cu = cosf(u);
            g->p[r * g->cols + k] = v3(
                mixf(a->w, b->w, t) * wide * sinf(u), mixf(a->y, b->y, t),
                mixf(a->z, b->z, t) + mixf(a->d, b->d, t) * copysignf(powf(fabsf(cu), 0.8f), cu));
        }
    }
    grid_normals(g, true);
    grid_draw(c, g, pose, mat);
}

static void ring_tube(struct canvas *c,
                      const struct pose *pose,
                      float y,
                      float w,
                      float d,
                      float dip,
                      float radius,
                      int mat)
{
    struct vec3 path[32];
    for (int i = 0; i < 32; i++) {
        float u = 2 * PI * (float)i / 32;
        path[i] = v3(w * sinf(u), y - dip * (0.5f + 0.5f * cosf(u)), -0.15f + d * cosf(u));
    }
    tube_draw(c, pose, path, 32, radius, true, mat);
}

void clothes_draw(struct canvas *c, const struct body *b)
{
    float neck = (0.385f + 0.055f * b->male) * (1 - 0.17f * b->child);
    float wide = (0.93f + 0.13f * b->male) * (1 - 0.17f * b->child);
    const struct ring throat[] = {{-0.55f, neck, neck, -0.18f},
                                  {-0.9f, neck, neck * 0.95f, -0.16f},
                                  {-1.2f, neck * 1.05f, neck, -0.15f},
                                  {-1.45f, neck * 1.02f, neck * 0.95f, -0.17f},
                                  {-1.7f, neck * 0.9f, neck * 0.8f, -0.2f}};
    lathe_draw(c, &b->neck, throat, 5, 1, MAT_NECK);
    float k = neck / 0.42f;
    const struct ring trunk[] = {{-1.20f, 0.44f * k / wide, 0.43f * k, -0.16f},
                                 {-1.30f, 0.68f * k, 0.52f * k, -0.16f},
                                 {-1.42f, 1.05f, 0.58f, -0.16f},
                                 {-1.58f, 1.36f, 0.64f, -0.16f},
                                 {-1.85f, 1.53f, 0.70f, -0.16f},
                                 {-2.4f, 1.60f, 0.74f, -0.16f},
                                 {-14.0f, 1.62f, 0.74f, -0.16f}};
    lathe_draw(c, &b->torso, trunk, 7, wide, MAT_CLOTH);
    switch (b->look->clothes) {
    case CLOTHES_TSHIRT:
        ring_tube(c, &b->torso, -1.22f, 0.47f * k, 0.47f * k, 0.12f, 0.045f, MAT_COLLAR);
        break;
    case CLOTHES_HOODIE:
        ring_tube(c, &b->torso, -1.14f, 0.58f * k, 0.50f * k, 0.22f, 0.16f, MAT_COLLAR);
        break;
    default:
        ring_tube(c, &b->torso, -1.12f, 0.46f * k, 0.44f * k, 0.20f, 0.085f, MAT_COLLAR);
        break;
    }
}

void glasses_draw(struct canvas *c, const struct body *b)
{
    int kind = b->look->glasses;
    if (kind == GLASSES_NONE)
        return;
    float rx = kind == GLASSES_ROUND ? 0.245f : 0.27f, ry = kind == GLASSES_ROUND ? 0.235f : 0.19f;
    float power = kind == GLASSES_ROUND ? 1.0f : 0.5f, y = b->eye_y - 0.02f;
    float z = body_front(b, b->eye_x, b->eye_y) + 0.10f, thick = 0.021f;
    float inner = maxf(b->eye_x, rx + 0.05f);
    struct vec3 path[36];
    for (int side = -1; side <= 1; side += 2) {
        float s = (float)side;
        for (int i = 0; i < 36; i++) {
            float u = 2 * PI * (float)i / 36, cu = cosf(u), su = sinf(u);
            float x = inner + rx * copysignf(powf(fabsf(cu), power), cu);
            path[i] = v3(s * x, y + ry * copysignf(powf(fabsf(su), power), su),
                         z - 0.22f * maxf(x - 0.3f, 0));
        }
        tube_draw(c, &b->head, path, 36, thick, true, MAT_FRAME);
        float w = body_width(b, 0.0f);
        struct vec3 temple[3] = {v3(s * (inner + rx), y + 0.06f, z - 0.07f),
                                 v3(s * (w + 0.04f), y + 0.05f, 0.35f),
                                 v3(s * (w + 0.04f), y + 0.02f, -0.1f)};
        tube_draw(c, &b->head, temple, 3, thick, false, MAT_FRAME);
    }
    struct vec3 bridge[3] = {v3(-(inner - rx), y + 0.05f, z), v3(0, y + 0.085f, z + 0.03f),
                             v3(inner - rx, y + 0.05f, z)};
    tube_draw(c, &b->head, bridge, 3, thick, false, MAT_FRAME);
}
