// SPDX-License-Identifier: Apache-2.0
/* The first noise of a picture, and its variations: as the WebUI does, the noise of another seed is
 * mixed in along the great circle (slerp), column by column of each channel:
 *
 *   ω = acos(a·b / |a||b|);  noise = a·sin((1−v)ω)/sin ω + b·sin(vω)/sin ω
 */
#ifndef LK_STAGES_DIFFUSE_NOISE_H
#define LK_STAGES_DIFFUSE_NOISE_H

#include "base/rng.h"

struct lk_variation {
    double strength; /* 0: none … 1: the other seed's noise alone */
    uint64_t seed;
};

/* out [shape] = the generator's next noise, varied; other [shape]: scratch. shape: C, h, w */
void lk__noise_first(struct lk_rng *rng,
                     const struct lk_variation *variation,
                     const int shape[3],
                     float *out,
                     float *other);

#endif
