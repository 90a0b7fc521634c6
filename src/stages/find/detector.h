// SPDX-License-Identifier: Apache-2.0
/* Finding faces: a picture goes in, faces with box, score, five points and pose come out.
 *
 * Each picture is looked at twice: once fitted into 640 px, once into 128 px, because a detector
 * whose largest anchors are 512 px does not know faces that fill its canvas. Both answers go
 * through one non-maximum suppression (insightface's SCRFD.autodetect). See docs/find.md. */
#ifndef LK_STAGES_FIND_DETECTOR_H
#define LK_STAGES_FIND_DETECTOR_H

#include <stddef.h>

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_detector lk_detector;

/* family: a name of the family table, NULL for the first ("scrfd"). The runtime must outlive the
 * detector. LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_detector_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_detector **out,
                     struct lk_error *err);
void lk_detector_free(lk_detector *detector); /* NULL is fine */

/* Faces with score ≥ threshold (0…1), left to right by the middle of their boxes, index 0, 1 …
 * *faces is malloc'd (the caller frees), NULL when there are none: that is no error. Boxes are not
 * clipped: a face cut off by the border reaches outside. Embeddings are empty. picture: u8 or f32,
 * looked at in 8 bits; alpha is ignored. Thread-safe: detectors may be shared. */
int lk_find_faces(const lk_detector *detector,
                  const struct lk_picture *picture,
                  float threshold,
                  const struct lk_watch *watch,
                  struct lk_face **faces,
                  size_t *count,
                  struct lk_error *err);

#endif
