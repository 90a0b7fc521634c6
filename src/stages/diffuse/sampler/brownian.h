// SPDX-License-Identifier: Apache-2.0
/* A Brownian path that depends on its seed only, not on where it is asked: torchsde's
 * BrownianInterval with halfway_tree, tol 1e-6 and pool_size 24, as diffusers, k-diffusion and the
 * WebUI use it.
 *
 * [low, high] is halved until the point asked for is an end of an interval; ends are rounded to 6
 * decimals. The increment W of an interval splits into
 *
 *   W_left = W·l/(l+r) + √(l·r/(l+r))·noise,   W_right = W − W_left
 *
 * where the noise is that of a generator of its own, seeded with the first word of
 * numpy.random.SeedSequence(seed, spawn_key=(path of lefts and rights as bits, depth)). */
#ifndef LK_STAGES_DIFFUSE_SAMPLER_BROWNIAN_H
#define LK_STAGES_DIFFUSE_SAMPLER_BROWNIAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

struct lk__brownian {
    enum lk_rng_kind kind;
    uint64_t seed;
    double low, high;
    size_t n;
};

/* out [n] = the path at t, 0 at low; t is clamped to low … high. inside, noise [n]: scratch. */
void lk__brownian_at(
    const struct lk__brownian *path, double t, float *out, float *inside, float *noise);

#endif
