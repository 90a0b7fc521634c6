// SPDX-License-Identifier: Apache-2.0
/* ControlNet (Zhang, Rao, Agrawala 2023, arXiv 2302.05543): a copy of the UNet's way down that also
 * sees a picture (edges, lines, the picture itself) and adds to what the UNet keeps. */
#ifndef LK_STAGES_DIFFUSE_CONTROL_H
#define LK_STAGES_DIFFUSE_CONTROL_H

#include "base/error.h"
#include "base/watch.h"
#include "catalog/checkpoint.h"
#include "data/picture.h"
#include "runtime/session.h"

#define LK_CONTROLS 8 /* at once */

/* One ControlNet, ready to run. Use from one thread at a time. */
typedef struct lk_control lk_control;

/* path: a folder or file, as lk_checkpoint_open_control takes it. The runtime must outlive the
 * control. LK_E_INPUT when it is none. */
int lk_control_open(lk_runtime *runtime,
                    const char *path,
                    const char *device,
                    lk_control **out,
                    struct lk_error *err);
void lk_control_free(lk_control *control); /* NULL is fine */
/* To label pictures with, and its hash. */
lk_checkpoint *lk_control_checkpoint(const lk_control *control);

/* A ControlNet at work on one picture. */
struct lk_control_use {
    lk_control *control;
    const struct lk_picture *hint; /* what it sees, of any size */
    double weight;                 /* of what it adds */
    double start, end;             /* the part of the steps in which it does, 0 … 1 */
};

/* How much it counts beside the prompt; the WebUI's three control modes. */
enum lk_control_mode {
    LK_CONTROL_BALANCED,
    LK_CONTROL_PROMPT, /* prompt first: of what is added, the fine counts less than the coarse */
    LK_CONTROL_FIRST,  /* the same, and what is predicted for the negative prompt goes without:
                          diffusers' guess mode */
};

/* What a ControlNet is fed as the UNet is: sample, timestep, context, and of SDXL added. */
#define LK__TRUNK_INPUTS 4

/* What the ControlNets of one picture add together. */
struct lk__controls {
    const struct lk_control_use *uses; /* [n] */
    int n;
    enum lk_control_mode mode;
    float *hints[LK_CONTROLS]; /* [3,H,W] 0…1 each */
    int height, width;         /* H, W */
    int n_residuals;
    struct lk_array *residuals; /* [n_residuals] of the shapes that the UNet wants; the batch of the
                                   last step */
    char (*names)[24];          /* [n_residuals] */
};

/* uses must outlive it. LK_E_INPUT for a ControlNet that does not fit the checkpoint, a weight or a
 * range that is none. lk__controls_free is safe after a failure. */
int lk__controls_init(struct lk__controls *controls,
                      const lk_checkpoint *checkpoint,
                      const struct lk_control_use *uses,
                      int n,
                      enum lk_control_mode mode,
                      int width,
                      int height,
                      struct lk_error *err);
void lk__controls_free(struct lk__controls *controls);

/* Fills the residuals for step `at` of `steps`. inputs [n_inputs]: of LK__TRUNK_INPUTS those that
 * the UNet gets, without an inpainting UNet's further channels; the first `negative` rows of them
 * are for the negative prompt. */
int lk__controls_run(struct lk__controls *controls,
                     int at,
                     int steps,
                     int negative,
                     size_t n_inputs,
                     const struct lk_array inputs[LK__TRUNK_INPUTS],
                     const struct lk_watch *watch,
                     struct lk_error *err);

#endif
