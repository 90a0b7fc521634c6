// SPDX-License-Identifier: Apache-2.0
/* --hires: a drawing, enlarged, and drawn again from that, so that large pictures keep the
 * composition of the size that the model was trained at. */
#ifndef LK_PIPELINE_DRAWING_HIRES_H
#define LK_PIPELINE_DRAWING_HIRES_H

#include "pipeline/drawing/paint.h"

/* Before anything is drawn: fills options for the second drawing from those of the first, and opens
 * the upscaler. LK_E_INPUT names the option. */
int lk__hires_open(lk_engine *engine,
                   const struct lk_request *request,
                   const struct lk_draw_options *first,
                   struct lk_draw_options *second,
                   struct lk_error *err);

/* latents [4, h, w] and *picture: of the first drawing; *picture becomes the second. */
int lk__hires(lk_engine *engine,
              const struct lk_request *request,
              const struct lk_draw_options *second,
              const struct lk_conditioning *conditioning,
              const float *latents,
              const struct lk_watch *watch,
              struct lk_picture **picture,
              struct lk_error *err);

#endif
