// SPDX-License-Identifier: Apache-2.0
/* Faces drawn again by the diffusion model, larger than they are in the picture: ADetailer's way.
 */
#ifndef LK_PIPELINE_REDRAW_H
#define LK_PIPELINE_REDRAW_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Draws every face of report->picture again, from left to right, by the request's prompt: of
 * "a [SEP] b [SEP] c" face i gets part i, those beyond the last; a part [SKIP] leaves its face
 * alone. Pixels change only in the faces' boxes and a little around. The detector must be open.
 * Counts in report->redrawn. */
int lk__redraw_faces(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk__picture_report *report,
                     struct lk_error *err);

/* Whether the prompt and the picture's frame let that face, of this index, be drawn again. */
bool lk__redraws_face(const lk_result *result,
                      const struct lk_picture *picture,
                      const struct lk_face *face);

/* One face, with the request's seed + i: *out is a new picture, f32. */
int lk__redraw_face(lk_engine *engine,
                    lk_result *result,
                    const struct lk_picture *picture,
                    const struct lk_face *face,
                    int i,
                    const struct lk_watch *watch,
                    struct lk_picture **out,
                    struct lk_error *err);

#endif
