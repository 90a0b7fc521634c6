// SPDX-License-Identifier: Apache-2.0
/* What networks say of a face's crop: which part of it is which, and what stands before it. */
#ifndef LK_STAGES_FIT_SEGMENT_H
#define LK_STAGES_FIT_SEGMENT_H

#include "base/error.h"
#include "base/watch.h"
#include "data/mask.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_segmenter lk_segmenter;

/* family: "bisenet", a parser that tells the parts of a face; "xseg", an occluder that tells face
 * from hands, hair and things before it. NULL: "bisenet". The runtime must outlive the segmenter.
 * LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_segmenter_open(lk_runtime *runtime,
                      const char *family,
                      const char *path,
                      const char *device,
                      lk_segmenter **out,
                      struct lk_error *err);
void lk_segmenter_free(lk_segmenter *segmenter); /* NULL is fine */

/* Parts of a face as a set. names: "skin,nose,…" as FaceFusion names them, "all". LK_E_INPUT says
 * which are known; label names the option. */
int lk_regions_read(const char *names, const char *label, unsigned *out, struct lk_error *err);
#define LK_REGIONS_ALL (~0u)

/* Softened towards the inside: 1 where the face may be replaced, 0 elsewhere. crop: f32 [h,w,3],
 * sRGB. out [h,w]. regions: of a parser; an occluder does not read them. watch: to stop.
 * Thread-safe.
 */
int lk_segment_face(const lk_segmenter *segmenter,
                    const struct lk_picture *crop,
                    unsigned regions,
                    const struct lk_watch *watch,
                    struct lk_mask **out,
                    struct lk_error *err);

#endif
