// SPDX-License-Identifier: Apache-2.0
/* Swapping: a picture, a face in it and an identity go in; the same face with the identity's
 * features in the old pose, light and expression comes out, as a crop to be fitted and pasted back.
 *
 * See docs/refine.md. */
#ifndef LK_STAGES_REFINE_SWAP_H
#define LK_STAGES_REFINE_SWAP_H

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/identity.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/refine/refined.h"
#include "stages/refine/upscale.h"

typedef struct lk_swapper lk_swapper;

struct lk_swap_options {
    int boost; /* 1…8: the crop has boost times the network's side and is done in boost² interleaved
                  runs (pixel boost); 0: by the face's size, so that pasting does not enlarge the
                  crop by more than half, at most 4 */
    float strength; /* how much of the identity: below 1 the rest is the face's own, which its
                       embedding says; where the network sees pixels, its pixels. Above 1 it goes
                       beyond the identity, away from the face's own */
    int passes;     /* 1…8: how often the network is asked, from the second time on about what it
                       made of the face before: more likeness, and more of what it does wrong */
    const lk_upscaler *upscaler; /* used when the face is smaller than the crop; NULL: never */
    const char *embedder; /* sha256 of the embedder that the swapper was trained on; NULL: any of
                             the right size. Others are refused: their vectors mean other faces */
};
void lk_swap_options_init(struct lk_swap_options *options); /* 0, 1, 1, NULL, NULL */

/* The catalogue name of the embedding converter that a family needs; NULL: none. */
const char *lk_swapper_converter(const char *family);
/* Whether the family looks at a photo of the identity instead of at its embedding. */
bool lk_swapper_wants_photo(const lk_swapper *swapper);

/* family: a name of the family table, NULL for the first ("inswapper"). converter: the file of
 * lk_swapper_converter, else NULL. The runtime must outlive the swapper. LK_E_INPUT when a file is
 * another kind of network, or the family is not known; LK_E_MISSING for a converter that is needed.
 */
int lk_swapper_open(lk_runtime *runtime,
                    const char *family,
                    const char *path,
                    const char *converter,
                    const char *device,
                    lk_swapper **out,
                    struct lk_error *err);
void lk_swapper_free(lk_swapper *swapper);      /* NULL is fine */
int lk_swapper_side(const lk_swapper *swapper); /* px of its crop: 128, 256, 512 */

/* picture: f32 or u8 RGB; unchanged. out->crop is boost · the network's side wide. LK_E_INPUT when
 * the identity is of another embedder or has no photo that the network wants, or it answers with
 * NaN. options NULL: defaults. watch hears "swap" per run. Thread-safe. */
int lk_swap_face(const lk_swapper *swapper,
                 const struct lk_picture *picture,
                 const struct lk_face *face,
                 const struct lk_identity *identity,
                 const struct lk_swap_options *options,
                 const struct lk_watch *watch,
                 struct lk_refined *out,
                 struct lk_error *err);

#endif
