// SPDX-License-Identifier: Apache-2.0
/* The draw half: a prompt becomes a picture. What all pictures of a request share is prepared once.
 */
#ifndef LK_PIPELINE_DRAWING_PAINT_H
#define LK_PIPELINE_DRAWING_PAINT_H

#include "pipeline/drawing/conditions.h"
#include "pipeline/drawing/preview.h"
#include "pipeline/drawing/sampling.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

/* A request made ready for drawing. */
struct lk__brief {
    struct lk_draw_options options;
    struct lk__conditions conditions, refined; /* the latter by the refiner's text encoder */
    struct lk__retouch retouch;                /* --init, --mask */
    struct lk__guides guides;                  /* --control */
    struct lk__image_prompts image_prompts;    /* --ip-adapter, --face-adapter */
    struct lk_draw_options hires;              /* of the second drawing; width 0: there is none */
    struct lk__sampling sampling;
    struct lk__preview preview;
    const struct lk_request *request; /* the result's, filled in */
    int upscale;                      /* 1: leave the size */
    struct lk_picture *redrawn; /* set before it is opened, with the mask: of this picture what
                                   is masked is drawn again, by the request's
                                   redraw_strength. Both belong to `retouch` */
    struct lk_mask *redrawn_mask;
    const char *redrawn_as; /* the part of the prompt that says what is there */
};

/* Of a result whose pictures are read: opens the models, encodes the prompts, and fills
 * result->request's unsaid members with what the model says. face: whose goes into the drawing,
 * with --face-adapter; else NULL. */
int lk__brief_open(lk_engine *engine,
                   lk_result *result,
                   const struct lk_identity *face,
                   const struct lk_watch *watch,
                   struct lk__brief *brief,
                   struct lk_error *err);
void lk__brief_close(struct lk__brief *brief);

/* Picture i: a new f32 picture. */
int lk__paint(lk_engine *engine,
              struct lk__brief *brief,
              int i,
              const struct lk_watch *watch,
              struct lk_picture **out,
              struct lk_error *err);

/* *picture at `factor` times its size: by the engine's upscaler of pictures, as often as its own
 * factor needs, at least once, then to the exact size. options NULL: the upscaler's. */
int lk__enlarge(const lk_engine *engine,
                struct lk_picture **picture,
                int factor,
                const struct lk_upscale_options *options,
                const struct lk_watch *watch,
                struct lk_error *err);

#endif
