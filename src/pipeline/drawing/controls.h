// SPDX-License-Identifier: Apache-2.0
/* ControlNets: the engine's open ones, and those of a request with the pictures that they follow.
 */
#ifndef LK_PIPELINE_DRAWING_CONTROLS_H
#define LK_PIPELINE_DRAWING_CONTROLS_H

#include <jansson.h>

#include "base/hash.h"
#include "pipeline/drawing/retouch.h"
#include "pipeline/result.h"
#include "stages/diffuse/control/control.h"
#include "stages/diffuse/control/depth.h"
#include "stages/diffuse/control/pose_network.h"
#include <likeness/likeness.h>

/* What the engine has open; they stay for the next request. */
struct lk__controls_open {
    struct lk__control_open {
        char *spec; /* what was asked for */
        char name[128];
        struct lk_sha256 sha256;
        bool used; /* by the run that goes on */
        lk_control *control;
    } slots[LK_CONTROLS_MAX];
    char *depth_path, *pose_path; /* of: */
    lk_depth *depth;
    lk_pose_network *pose;
};
void lk__controls_close(struct lk__controls_open *open);
/* A run begins, which has used none of them yet. */
void lk__controls_begin(struct lk__controls_open *open);
/* Appends {"role", "name", "sha256"} of those that the run used. */
void lk__controls_record(const struct lk__controls_open *open, json_t *models);

/* Those of one request. */
struct lk__guides {
    int n;
    struct lk_picture *const *pictures;        /* [n] as read; the result's */
    struct lk_picture *hints[LK_CONTROLS_MAX]; /* at the size of the drawing; owned */
    struct lk_control_use uses[LK_CONTROLS_MAX];
};

/* Opens the ControlNets of the request, whose pictures the result has; then lk__guides_draw.
 * lk__guides_free is safe after a failure. */
int lk__guides_open(lk_engine *engine,
                    const lk_result *result,
                    struct lk__guides *guides,
                    struct lk_error *err);
void lk__guides_free(struct lk__guides *guides);
enum lk_control_mode lk__guides_mode(const struct lk_request *request);

/* Annotates the pictures for a drawing of that size; of a part of a picture (retouch) the same
 * part. */
int lk__guides_draw(lk_engine *engine,
                    struct lk__guides *guides,
                    const struct lk_request *request,
                    const struct lk__retouch *retouch,
                    int width,
                    int height,
                    const struct lk_watch *watch,
                    struct lk_error *err);

#endif
