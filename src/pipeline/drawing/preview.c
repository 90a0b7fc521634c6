// SPDX-License-Identifier: Apache-2.0
#include "pipeline/drawing/preview.h"

#include <stdlib.h>

#include "pipeline/trust/marks.h"
#include "pipeline/trust/policy.h"

/* A preview that cannot be made, or that policy would keep back, is left out: looking never fails
 * the work. */
static void show(void *user, int step, int steps, const struct lk_picture *picture)
{
    struct lk__preview *p = user;
    struct lk_picture *marked = NULL;
    void *bytes = NULL;
    size_t size = 0;
    if (!lk__policy_lets_preview(p->engine, picture))
        return;
    int rc = lk__marks_preview(picture, &p->engine->key, &marked, NULL);
    rc = rc ? rc : lk__release_preview(p->result, marked, &bytes, &size, NULL);
    if (!rc) {
        const struct lk_watch_event event = {
            .stage = "draw", .step = step, .steps = steps, .preview = bytes, .preview_size = size};
        p->result->previews++;
        p->watch->on_event(p->watch->user, &event);
    }
    free(bytes);
    lk_picture_free(marked);
}

int lk__preview_open(lk_engine *engine,
                     lk_result *result,
                     const struct lk_watch *watch,
                     struct lk__preview *out,
                     const struct lk_draw_preview **preview,
                     struct lk_error *err)
{
    if (!watch || !watch->on_event || watch->preview_every < 1)
        return 0;
    int rc = lk__engine_preview(engine, err);
    if (rc)
        return rc;
    *out = (struct lk__preview){
        engine, result, watch, {watch->preview_every, show, out, engine->preview}};
    *preview = &out->draw;
    return 0;
}
