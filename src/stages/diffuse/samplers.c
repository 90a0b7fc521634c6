// SPDX-License-Identifier: Apache-2.0
/* The table of samplers. To add one: sampler_foo.c with its row, its name in samplers.h and here,
 * one line in tools/golden/diffuse.py. */
#include "stages/diffuse/samplers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

static const struct lk_sampler *const samplers[] = {
    &lk__sampler_ddim,
    &lk__sampler_euler,
    &lk__sampler_euler_a,
    &lk__sampler_dpmpp_2m,
};

/* Names of the samplers, or of those with Karras, as "a, b, c". */
static const char *list_names(char *out, size_t size, int with_karras)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < LK_ARRAY_LENGTH(samplers) && at < size; i++) {
        if (!with_karras || samplers[i]->karras != LK__KARRAS_NONE)
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", samplers[i]->name);
    }
    return out;
}

int lk_sampler_find(const char *name, const struct lk_sampler **out, struct lk_error *err)
{
    char names[128];
    for (size_t i = 0; i < LK_ARRAY_LENGTH(samplers); i++) {
        if (!strcmp(samplers[i]->name, name)) {
            *out = samplers[i];
            return 0;
        }
    }
    return lk_fail(err, LK_E_INPUT, "--sampler: there is no '%s', only %s", name,
                   list_names(names, sizeof names, 0));
}

int lk_schedule_find(const struct lk_sampler *sampler,
                     const char *name,
                     enum lk_schedule *out,
                     struct lk_error *err)
{
    char names[128];
    if (!strcmp(name, "normal")) {
        *out = LK_SCHEDULE_NORMAL;
        return 0;
    }
    if (strcmp(name, "karras"))
        return lk_fail(err, LK_E_INPUT, "--schedule: there is no '%s', only normal, karras", name);
    if (sampler->karras == LK__KARRAS_NONE)
        return lk_fail(err, LK_E_INPUT,
                       "--schedule karras does not go with --sampler %s: take normal, or one of %s",
                       sampler->name, list_names(names, sizeof names, 1));
    *out = LK_SCHEDULE_KARRAS;
    return 0;
}

void lk__sampler_input(const struct lk_sampler *sampler,
                       const struct lk__plan *plan,
                       int i,
                       const float *x,
                       size_t n,
                       float *out)
{
    float sigma = plan->from[i];
    float divisor = sampler->scaled_input ? sqrtf(sigma * sigma + 1) : 1;
    for (size_t k = 0; k < n; k++)
        out[k] = x[k] / divisor;
}
