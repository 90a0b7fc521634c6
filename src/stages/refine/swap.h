// SPDX-License-Identifier: Apache-2.0
/* Swapping: a picture, a face in it and an identity go in; the same face with the identity's
 * features in the old pose, light and expression comes out, as a crop to be fitted and pasted back.
 *
 * See docs/refine.md. */
#ifndef LK_STAGES_REFINE_SWAP_H
#define LK_STAGES_REFINE_SWAP_H

#include <stdbool.h>

#include "base/error.h"
#include "base/watch.h"
#include "data/affine.h"
#include "data/face.h"
#include "data/identity.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/refine/upscale.h"

typedef struct lk_swapper lk_swapper;

struct lk_swap_options {
    int boost; /* 1…8: the crop has boost times the network's side and is done in boost² interleaved
                  runs (pixel boost); 0: by the face's size, so that pasting does not enlarge the
                  crop by more than half, at most 4 */
    const lk_upscaler *upscaler; /* used when the face is smaller than the crop; NULL: never */
    const char *embedder; /* sha256 of the embedder that the swapper was trained on; NULL: any of
                             the right size. Others are refused: their vectors mean other faces */
};
void lk_swap_options_init(struct lk_swap_options *options); /* 0, NULL, NULL */

/* What comes out. Both crops: f32 [side,side,3], side = boost · the network's side. */
struct lk_swapped {
    struct lk_picture *before; /* the face as the network saw it, upscaled where it was small */
    struct lk_picture *crop;   /* the face as it shall be */
    struct lk_affine to_crop;  /* from picture pixels to crop pixels */
    bool upscaled;
    int runs; /* of the swapper's network */
};
void lk_swapped_free(struct lk_swapped *swapped); /* drops the pictures, not the struct */

/* family: a name of the family table, NULL for the first ("inswapper"). The runtime must outlive
 * the swapper. LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_swapper_open(lk_runtime *runtime,
                    const char *family,
                    const char *path,
                    const char *device,
                    lk_swapper **out,
                    struct lk_error *err);
void lk_swapper_free(lk_swapper *swapper);      /* NULL is fine */
int lk_swapper_side(const lk_swapper *swapper); /* px of its crop: 128 */

/* picture: f32 or u8 RGB; unchanged. LK_E_INPUT when the identity is of another embedder or the
 * network answers with NaN. options NULL: defaults. watch hears "swap" per run. Thread-safe. */
int lk_swap_face(const lk_swapper *swapper,
                 const struct lk_picture *picture,
                 const struct lk_face *face,
                 const struct lk_identity *identity,
                 const struct lk_swap_options *options,
                 const struct lk_watch *watch,
                 struct lk_swapped *out,
                 struct lk_error *err);

#endif
