// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/sizes.h"

#include <string.h>

bool lk__sizes_said(const struct lk_sizes *s)
{
    return s->original[0] || s->original[1] || s->crop[0] || s->crop[1] || s->target[0] ||
           s->target[1];
}

void lk__sizes_numbers(
    const struct lk_sizes *s, int width, int height, int n, float out[LK_SIZES_MAX])
{
    const int own[] = {width, height};
    const int *original = s->original[0] ? s->original : own;
    const int *target = s->target[0] ? s->target : own;
    const float numbers[LK_SIZES_MAX] = {
        (float)original[1], (float)original[0], (float)s->crop[1],
        (float)s->crop[0],  (float)target[1],   (float)target[0],
    };
    memcpy(out, numbers, sizeof numbers);
    if (n == LK_SIZES_MAX - 1)
        out[n - 1] = (float)s->aesthetic;
}
