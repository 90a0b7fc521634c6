// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/noise.h"

#include <math.h>

/* Of the column that begins at a and b: cosine of the angle between them. */
static float cosine(const float *a, const float *b, int height, int width)
{
    double aa = 0, bb = 0, ab = 0;
    for (int y = 0; y < height; y++) {
        const double p = a[(size_t)y * width], q = b[(size_t)y * width];
        aa += p * p;
        bb += q * q;
        ab += p * q;
    }
    return (float)(ab / sqrt(aa * bb));
}

static void blend(
    float *a, const float *b, int height, int width, float share_of_a, float share_of_b)
{
    for (size_t y = 0; y < (size_t)height; y++)
        a[y * width] = share_of_a * a[y * width] + share_of_b * b[y * width];
}

static void slerp(float *a, const float *b, const int shape[3], float v)
{
    const int height = shape[1], width = shape[2];
    const size_t plane = (size_t)height * width;
    double mean = 0;
    for (int c = 0; c < shape[0]; c++) {
        for (int x = 0; x < width; x++)
            mean += cosine(a + c * plane + x, b + c * plane + x, height, width);
    }
    mean /= (double)shape[0] * width;
    for (int c = 0; c < shape[0]; c++) {
        for (int x = 0; x < width; x++) {
            float *p = a + c * plane + x;
            const float *q = b + c * plane + x;
            const float angle = acosf(cosine(p, q, height, width)), sine = sinf(angle);
            if (mean > 0.9995) /* nearly the same noise; the WebUI has the shares the wrong way */
                blend(p, q, height, width, v, 1 - v);
            else
                blend(p, q, height, width, sinf((1 - v) * angle) / sine, sinf(v * angle) / sine);
        }
    }
}

void lk__noise_first(struct lk_rng *rng,
                     const struct lk_variation *variation,
                     const int shape[3],
                     float *out,
                     float *other)
{
    const size_t n = (size_t)shape[0] * shape[1] * shape[2];
    lk_rng_normal(rng, out, n);
    if (variation->strength == 0)
        return;
    struct lk_rng of_other;
    lk_rng_init(&of_other, rng->kind, variation->seed);
    lk_rng_normal(&of_other, other, n);
    slerp(out, other, shape, (float)variation->strength);
}
