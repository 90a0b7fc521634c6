// SPDX-License-Identifier: Apache-2.0
/* The square that the mark repeats, as its frequencies: what a key makes of them, and what a
 * picture has in them.
 *
 * A tile has 128² frequencies, of which 43 × 20 are ever asked for: as products with matrices of
 * their cosines and sines, by the kernels, they take a tenth of a fast transform's time. */
#ifndef LK_STAGES_MARK_WATERMARK_TILE_H
#define LK_STAGES_MARK_WATERMARK_TILE_H

#include <complex.h>

#include "base/key.h"
#include "kernels/kernels.h"
#include "stages/mark/watermark.h"
#include "stages/mark/watermark/field.h"

/* Waves of 128/21 to 128/4 pixels: finer ones are lost to JPEG and to scaling, coarser ones drown
 * in the picture. */
enum {
    LK__TILE = LK_WATERMARK_SIDE,
    LK__RADIUS_LEAST = 4,
    LK__RADIUS_MOST = 21,
    LK__CARRIERS_MAX = 1024,
};

/* One frequency x, y of the tile, y > 0; its conjugate goes with it. Its two parts carry a sign
 * each. */
struct lk__carrier {
    int x, y, radius;
    int8_t sign[2]; /* by the key: of the real and the imaginary part, ±1 */
};

/* All carriers, in the key's order: the first `sync` are the same in every mark of the key and show
 * where the tile lies, the others carry the code's signs, over and over. */
struct lk__layout {
    int count, sync;
    struct lk__carrier carriers[LK__CARRIERS_MAX];
};

void lk__layout_make(const struct lk_key *key, struct lk__layout *out);

/* Which of the code's signs a part (0, 1) of carrier i carries; i ≥ layout->sync. */
int lk__layout_sign(const struct lk__layout *layout, int i, int part);

/* The matrices. Thread-safe once they are made. */
struct lk__tile {
    const struct lk_kernels *kernels;
    struct lk_workspace *workspace;
    struct lk_panels into, out; /* from pixels to waves, and back */
};

/* 0; −1: no memory. So below. */
int lk__tile_make(struct lk__tile *out);
void lk__tile_free(struct lk__tile *tile);

/* What the picture has at each carrier: its detail, stretched by `scale` and laid tile upon tile,
 * as if it had none but the mark. out[layout->count] */
int lk__tile_measure(const struct lk__tile *tile,
                     const struct lk__field *field,
                     double scale,
                     const struct lk__layout *layout,
                     float complex *out);

/* plane [LK__TILE, LK__TILE]: Re Σ values[i]·e^{−2πi k·x/128} over the first n carriers. */
int lk__tile_sum(const struct lk__tile *tile,
                 const struct lk__layout *layout,
                 int n,
                 const float complex *values,
                 float *plane);

#endif
