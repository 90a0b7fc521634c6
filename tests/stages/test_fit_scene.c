// SPDX-License-Identifier: Apache-2.0
#include "stages/test_fit_scene.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const float template[5][2] = {
    {0.36167656f, 0.40387734f}, {0.63696719f, 0.40235469f}, {0.50019687f, 0.56044219f},
    {0.38710391f, 0.72160547f}, {0.61507734f, 0.72034453f},
};

static void must(int code)
{
    if (code)
        abort();
}

void scene_points(int n, float points[5][2])
{
    for (int i = 0; i < 5; i++) {
        points[i][0] = template[i][0] * (float)n;
        points[i][1] = template[i][1] * (float)n;
    }
}

/* −1…1, the same for the same place and seed. */
static float noise(int x, int y, int seed)
{
    uint32_t h = (uint32_t)x * 374761393u + (uint32_t)y * 668265263u + (uint32_t)seed * 2246822519u;
    h = (h ^ h >> 13) * 1274126177u;
    return (float)(h ^ h >> 16) / 2147483648.0f - 1;
}

static int in_ellipse(float x, float y, float cx, float cy, float a, float b)
{
    return (x - cx) * (x - cx) / (a * a) + (y - cy) * (y - cy) / (b * b) <= 1;
}

static void paint(float *pixel, float r, float g, float b)
{
    pixel[0] = r;
    pixel[1] = g;
    pixel[2] = b;
}

struct lk_picture *scene_face(int n, int person)
{
    struct lk_picture *p;
    float lift = 0.012f * (float)person;
    must(lk_picture_new(n, n, 3, LK_PIXEL_F32, &p, NULL));
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            float u = (float)x / (float)n, v = (float)y / (float)n;
            float *pixel = p->f32 + ((size_t)y * (size_t)n + (size_t)x) * 3;
            paint(pixel, 0.12f, 0.09f, 0.08f);
            if (in_ellipse(u, v, 0.5f, 0.5f, 0.42f, 0.52f))
                paint(pixel, 0.72f, 0.56f, 0.47f);
            for (int e = 0; e < 2; e++) {
                float ex = template[e][0], ey = template[e][1];
                if (in_ellipse(u, v, ex, ey - 0.07f - lift, 0.07f, 0.012f + lift / 2))
                    paint(pixel, 0.2f, 0.14f, 0.1f);
                if (in_ellipse(u, v, ex, ey, 0.05f, 0.02f))
                    paint(pixel, 0.3f, 0.25f, 0.22f);
            }
            if (in_ellipse(u, v, 0.5f, 0.72f, 0.11f + lift, 0.03f))
                paint(pixel, 0.6f, 0.3f, 0.3f);
            for (int c = 0; c < 3; c++)
                pixel[c] += 0.03f * noise(x / 2, y / 2, person) + 0.01f * noise(x, y, person + 7);
        }
    }
    return p;
}

struct lk_picture *scene_copy(const struct lk_picture *picture)
{
    struct lk_picture *copy;
    must(lk_picture_convert(picture, LK_PIXEL_F32, &copy, NULL));
    return copy;
}

static double to_linear(double v)
{
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double from_linear(double v)
{
    return v <= 0.0031308 ? v * 12.92 : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

void scene_relight(struct lk_picture *p, double (*gain)(double u, double v, int c))
{
    for (int y = 0; y < p->height; y++) {
        for (int x = 0; x < p->width; x++) {
            double u = 2.0 * x / (p->width - 1) - 1, v = 2.0 * y / (p->height - 1) - 1;
            float *pixel = p->f32 + ((size_t)y * (size_t)p->width + (size_t)x) * 3;
            for (int c = 0; c < 3; c++)
                pixel[c] = (float)from_linear(to_linear(fmax(pixel[c], 0)) * gain(u, v, c));
        }
    }
}

struct lk_mask *scene_mask(int width, int height, float value)
{
    struct lk_mask *mask;
    must(lk_mask_new(width, height, &mask, NULL));
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
        mask->value[i] = value;
    return mask;
}

struct lk_mask *scene_disc(int n, float cx, float cy, float r)
{
    struct lk_mask *mask = scene_mask(n, n, 0);
    for (int y = 0; y < n; y++) {
        for (int x = 0; x < n; x++) {
            if (in_ellipse((float)x, (float)y, cx, cy, r, r))
                mask->value[(size_t)y * (size_t)n + (size_t)x] = 1;
        }
    }
    return mask;
}

double scene_difference(const struct lk_picture *a, const struct lk_picture *b)
{
    double most = 0;
    size_t n = (size_t)a->width * (size_t)a->height * 3;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a->f32[i] - (double)b->f32[i]));
    return most;
}
