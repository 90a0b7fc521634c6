// SPDX-License-Identifier: Apache-2.0
/* Normal noise of the two generators that the field uses.
 *
 *   LK_RNG_TORCH   torch.Generator("cpu").manual_seed(seed); torch.randn(n): MT19937; for n >= 16
 *                  Box-Muller on blocks of 16, with the last 16 drawn again when n is no multiple
 *                  of 16; for n < 16 pairwise in double with a cached second value. Equal to torch
 *                  within one unit in the last place.
 *   LK_RNG_PHILOX  torch.randn(n, device="cuda") as the WebUI emulates it: Philox 4x32-10, the
 *                  counter of each call is its offset. Equal bit for bit to its formula
 *                  in numpy (tools/golden/rng.py).
 *
 * A generator is a plain struct: copy it to fork a stream. Not thread-safe; one per picture. */
#ifndef LK_BASE_RNG_H
#define LK_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

enum lk_rng_kind { LK_RNG_TORCH, LK_RNG_PHILOX };

struct lk_rng {
    enum lk_rng_kind kind;
    uint64_t seed;
    uint32_t state[624]; /* MT19937 */
    uint32_t position;   /* words of state used */
    int has_next;        /* torch keeps the second normal of a scalar pair */
    double next;
    uint32_t offset; /* Philox: calls so far */
};

void lk_rng_init(struct lk_rng *rng, enum lk_rng_kind kind, uint64_t seed);

/* out[n] standard normal float32, exactly as one call of torch.randn(n). */
void lk_rng_normal(struct lk_rng *rng, float *out, size_t n);

#endif
