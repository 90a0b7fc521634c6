// SPDX-License-Identifier: Apache-2.0
/* What a picture looks like, in 64 bits: copies of it that were re-encoded or resized stay within a
 * few bits, other pictures differ in about half of them. Figures: docs/audit.md. */
#ifndef LK_DATA_PHASH_H
#define LK_DATA_PHASH_H

#include <stdint.h>

#include "data/picture.h"

/* u8 or f32. */
int lk_phash(const struct lk_picture *picture, uint64_t *out, struct lk_error *err);

/* In how many bits two hashes differ, 0 … 64. */
int lk_phash_distance(uint64_t a, uint64_t b);

#endif
