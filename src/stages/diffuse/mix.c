// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/mix.h"

#include <math.h>

void lk_guidance_options_init(struct lk_guidance_options *options)
{
    *options = (struct lk_guidance_options){.end = 1};
}

bool lk__mix_holds(const struct lk_guidance_options *options, int step, int steps)
{
    return step >= (int)(options->start * steps) && step < (int)(options->end * steps);
}

static double deviation(const float *values, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++)
        sum += values[k];
    for (size_t k = 0; k < n; k++)
        squares += (values[k] - sum / (double)n) * (values[k] - sum / (double)n);
    return sqrt(squares);
}

void lk__mix_rescale(float *epsilon, const float *positive, size_t n, double share)
{
    const double ratio = deviation(positive, n) / deviation(epsilon, n);
    const float scale = (float)(share * ratio + 1 - share);
    for (size_t k = 0; share > 0 && k < n; k++)
        epsilon[k] *= scale;
}
