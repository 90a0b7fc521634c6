// SPDX-License-Identifier: Apache-2.0
/* The picture that a drawing starts from, and which part of it is painted: --init, --mask, --extend
 * and the --inpaint options. docs/control.md. */
#ifndef LK_PIPELINE_DRAWING_RETOUCH_H
#define LK_PIPELINE_DRAWING_RETOUCH_H

#include <stdbool.h>

#include "data/debug.h"
#include "data/mask.h"
#include "pipeline/result.h"

struct lk__retouch {
    struct lk_picture *picture; /* f32, what comes out where nothing is painted; NULL: no --init */
    struct lk_mask *mask;       /* of its size, edge softened; NULL: everything is drawn */
    int x, y, width, height;    /* with mask: the part that is drawn, pixels of the picture */
    struct lk_picture *init;    /* that part at the size of the drawing, the mask filled */
    struct lk_mask *init_mask;  /* its mask */
};

/* Of result->init; reads the mask and checks. sized: the user said --size. Else a masked picture
 * sets the request's width and height to the model's area in its own aspect. Remarks go to the
 * result. lk__retouch_close is safe after a failure. LK_E_INPUT says which option or file. */
int lk__retouch_open(lk_result *result,
                     bool sized,
                     const struct lk_debug *debug,
                     struct lk__retouch *retouch,
                     struct lk_error *err);
/* The same of a picture (f32) and a mask that are there already, which it takes over: what is
 * masked and the request's padding around it is drawn. */
int lk__retouch_given(const struct lk_request *request,
                      struct lk_picture *picture,
                      struct lk_mask *mask,
                      const struct lk_debug *debug,
                      struct lk__retouch *retouch,
                      struct lk_error *err);
void lk__retouch_close(struct lk__retouch *retouch);

/* *out: of a picture that belongs to the whole, such as one to follow, the part that is drawn; the
 * whole where all is. */
int lk__retouch_part(const struct lk__retouch *retouch,
                     const struct lk_picture *whole,
                     struct lk_picture **out,
                     struct lk_error *err);

/* Puts what was drawn in its place: *picture becomes retouch->picture, painted where the mask is.
 * Pixels where the mask is 0 keep their bits. */
int lk__retouch_paste(const struct lk__retouch *retouch,
                      struct lk_picture **picture,
                      struct lk_error *err);

#endif
