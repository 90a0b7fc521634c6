// SPDX-License-Identifier: Apache-2.0
/* Super-resolution: a picture goes in, the same picture N times as large comes out (N is the
 * network's). Large pictures are done in tiles. See docs/refine.md. */
#ifndef LK_STAGES_REFINE_UPSCALE_H
#define LK_STAGES_REFINE_UPSCALE_H

#include "base/error.h"
#include "base/watch.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_upscaler lk_upscaler;

struct lk_upscale_options {
    int tile; /* side of a tile's own part, px of the input; 0: all at once; at least 16. Networks
                 with a fixed input take what fits */
    int pad;  /* px that a tile sees beyond its own part, 0…128: tiles equal the whole where the
                 network sees no farther */
};
void lk_upscale_options_init(struct lk_upscale_options *options); /* 256, 16 */

/* family: "rrdbnet", "rrdbnet_x2", "srvgg", "rlfn", "swinir", "waifu2x", "any" or NULL: any network
 * [1,3,H,W] RGB 0…1 → [1,3,N·H,N·W], with or without its border. N, the border and the multiples
 * that its sides must be are found by probe runs. The runtime must outlive the upscaler. LK_E_INPUT
 * when the file is another kind of network, or the family is not known. */
int lk_upscaler_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_upscaler **out,
                     struct lk_error *err);
void lk_upscaler_free(lk_upscaler *upscaler); /* NULL is fine */
int lk_upscaler_factor(const lk_upscaler *upscaler);

/* picture: u8 or f32; alpha is dropped. out: f32 RGB 0…1, factor times as large; LK_E_INPUT when
 * that is too large. options NULL: defaults. watch hears "upscale" per tile. Thread-safe. */
int lk_upscale(const lk_upscaler *upscaler,
               const struct lk_picture *picture,
               const struct lk_upscale_options *options,
               const struct lk_watch *watch,
               struct lk_picture **out,
               struct lk_error *err);

#endif
