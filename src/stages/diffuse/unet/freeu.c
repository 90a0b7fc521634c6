// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/unet/freeu.h"

#include <math.h>
#include <stdlib.h>

enum { WAVES = 7 };

/* Column `wave` of Φ at a pixel. A direction of one pixel has one wave, not two that are equal. */
static double wave_at(int wave, int y, int height, int x, int width)
{
    const double pi = 3.14159265358979323846;
    const double u = 2 * pi * y / height, v = 2 * pi * x / width;
    const double angles[] = {0, u, u, v, v, u + v, u + v};
    const int twice = (height == 1) + (width == 1);
    const double value = wave % 2 || !wave ? cos(angles[wave]) : sin(angles[wave]);
    return value / sqrt((double)height * width * (1 << twice));
}

/* (s−1)·P·skip, as tokens */
static lk_value slow_waves(lk_graph *graph, lk_value tokens, float s, int height, int width)
{
    const int64_t pixels = (int64_t)height * width;
    float *down = malloc(2 * (size_t)pixels * WAVES * sizeof *down), *up = down;
    if (!down)
        return LK_NO_VALUE;
    up += pixels * WAVES;
    for (int64_t p = 0; p < pixels; p++) {
        for (int wave = 0; wave < WAVES; wave++) {
            const double value = wave_at(wave, (int)(p / width), height, (int)(p % width), width);
            down[wave * pixels + p] = (float)value;
            up[p * WAVES + wave] = (float)(value * ((double)s - 1));
        }
    }
    lk_value w = lk_graph_constant(graph, 2, (const int64_t[]){WAVES, pixels}, down);
    lk_value waves = lk_graph_mix_tokens(graph, tokens, w);
    w = lk_graph_constant(graph, 2, (const int64_t[]){pixels, WAVES}, up);
    lk_value y = lk_graph_mix_tokens(graph, waves, w);
    free(down);
    return y;
}

static lk_value backbone(lk_graph *graph, lk_value x, float b, int channels)
{
    float *factors = malloc((size_t)channels * sizeof *factors);
    if (!factors)
        return LK_NO_VALUE;
    for (int c = 0; c < channels; c++)
        factors[c] = c < channels / 2 ? b : 1;
    const int64_t shape[] = {1, channels, 1, 1};
    lk_value y = lk_graph_mul(graph, x, lk_graph_constant(graph, 4, shape, factors));
    free(factors);
    return y;
}

void lk__freeu_apply(lk_graph *graph,
                     const struct lk_freeu *freeu,
                     int level,
                     int channels,
                     int height,
                     int width,
                     lk_value *x,
                     lk_value *skip)
{
    *x = backbone(graph, *x, freeu->b[level], channels);
    lk_value tokens = lk_graph_tokens_of_image(graph, *skip);
    tokens = lk_graph_add(graph, tokens, slow_waves(graph, tokens, freeu->s[level], height, width));
    *skip = lk_graph_image_of_tokens(graph, tokens, *skip);
}
