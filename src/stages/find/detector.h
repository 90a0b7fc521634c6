// SPDX-License-Identifier: Apache-2.0
/* Face detectors: networks that answer boxes, scores and, most of them, five points. How a picture
 * is looked at with them stands in find.h; docs/find.md has both. */
#ifndef LK_STAGES_FIND_DETECTOR_H
#define LK_STAGES_FIND_DETECTOR_H

#include <stddef.h>

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_detector lk_detector;

/* family: a name of the family table, NULL for the first ("scrfd"), preferred where the file keeps
 * its contract; else the family whose contract it keeps. The runtime must outlive the detector.
 * LK_E_INPUT when the file is another kind of network, or the family is not known. */
int lk_detector_open(lk_runtime *runtime,
                     const char *family,
                     const char *path,
                     const char *device,
                     lk_detector **out,
                     struct lk_error *err);
void lk_detector_free(lk_detector *detector); /* NULL is fine */

const char *lk_detector_family(const lk_detector *detector);
/* Whether it answers five points; one that does not (ultraface) needs a landmarker beside it. */
bool lk_detector_has_points(const lk_detector *detector);

/* Of its network so far, see lk_session_runs. */
size_t lk_detector_runs(const lk_detector *detector);

/* lk_find (find.h) as it is when nothing is said, with this threshold. */
int lk_find_faces(const lk_detector *detector,
                  const struct lk_picture *picture,
                  float threshold,
                  const struct lk_watch *watch,
                  struct lk_face **faces,
                  size_t *count,
                  struct lk_error *err);

#endif
