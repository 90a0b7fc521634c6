// SPDX-License-Identifier: Apache-2.0
/* Restoring: a face that is blurred, small or spoilt comes out clear, as the same person.
 *
 * See docs/refine.md. */
#ifndef LK_STAGES_REFINE_RESTORE_H
#define LK_STAGES_REFINE_RESTORE_H

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"
#include "stages/refine/refined.h"

typedef struct lk_restorer lk_restorer;

struct lk_restore_options {
    float strength; /* 0…1: the answer's share; the rest is the face as it was. Default 0.8 */
    float weight; /* 0…1: of networks that ask for it (CodeFormer), how true they are to what they
                     see instead of handsome. Default 0.5 */
};
void lk_restore_options_init(struct lk_restore_options *options);

/* family: a name of the family table, NULL for the first ("gfpgan"). The runtime must outlive the
 * restorer. LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_restorer_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_restorer **out,
                     struct lk_error *err);
void lk_restorer_free(lk_restorer *restorer);      /* NULL is fine */
int lk_restorer_side(const lk_restorer *restorer); /* px of its crop: 256 to 2048 */

/* picture: f32 or u8; unchanged. LK_E_INPUT for a face outside the picture, and when the network
 * answers with NaN. options NULL: defaults. watch hears "restore". Thread-safe. */
int lk_restore_face(const lk_restorer *restorer,
                    const struct lk_picture *picture,
                    const struct lk_face *face,
                    const struct lk_restore_options *options,
                    const struct lk_watch *watch,
                    struct lk_refined *out,
                    struct lk_error *err);

#endif
