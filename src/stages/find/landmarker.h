// SPDX-License-Identifier: Apache-2.0
/* Landmarkers: networks that find 66 to 478 points of a face whose box is known.
 *
 * Their points tell the five that everything is aligned by more exactly than a detector does, and
 * with these the pose. See docs/find.md. */
#ifndef LK_STAGES_FIND_LANDMARKER_H
#define LK_STAGES_FIND_LANDMARKER_H

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_landmarker lk_landmarker;

/* family: a name of the family table, NULL for the first ("2dfan4"), preferred where the file keeps
 * its contract; else the family whose contract it keeps. The runtime must outlive the landmarker.
 * LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_landmarker_open(lk_runtime *runtime,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_landmarker **out,
                       struct lk_error *err);
void lk_landmarker_free(lk_landmarker *landmarker); /* NULL is fine */
const char *lk_landmarker_family(const lk_landmarker *landmarker);

/* Fills face->landmarks by the face's box and roll. Where their score reaches `least` and they do
 * not contradict the five points that the detector saw, these and the pose become theirs; with
 * least 0 in any case. picture: u8 or f32. Thread-safe. */
int lk_landmark_face(const lk_landmarker *landmarker,
                     const struct lk_picture *picture,
                     float least,
                     struct lk_face *face,
                     const struct lk_watch *watch,
                     struct lk_error *err);

#endif
