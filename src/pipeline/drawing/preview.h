// SPDX-License-Identifier: Apache-2.0
/* Live preview: what lk_draw shows, marked and labelled, becomes an event of the caller's watch. */
#ifndef LK_PIPELINE_DRAWING_PREVIEW_H
#define LK_PIPELINE_DRAWING_PREVIEW_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

struct lk__preview {
    const lk_engine *engine;
    lk_result *result;
    const struct lk_watch *watch;
    struct lk_draw_preview draw; /* for lk_draw_options */
};

/* *preview: of the draw options; NULL when the watch asks for none. All must outlive it, and `out`
 * must stay where it is. */
int lk__preview_open(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk__preview *out,
                     const struct lk_draw_preview **preview,
                     struct lk_error *err);

#endif
