// SPDX-License-Identifier: Apache-2.0
/* The face half: the faces of a picture are found, and those that somebody asked for are refined,
 * fitted in and verified. */
#ifndef LK_PIPELINE_FACES_H
#define LK_PIPELINE_FACES_H

#include "pipeline/engine.h"
#include "pipeline/result.h"
#include "pipeline/trust/people.h"

/* Works on report->picture (f32), one of the result. Without a face above --face-score, or when
 * nobody asked for one of them, no pixel changes; otherwise only those under the masks. Fills
 * report->faces. */
int lk__refine_faces(lk_engine *engine,
                     lk_result *result,
                     struct lk__people *people,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err);

#endif
