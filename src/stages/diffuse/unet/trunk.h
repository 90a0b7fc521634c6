// SPDX-License-Identifier: Apache-2.0
/* The half of the UNet that a ControlNet is a copy of: from its inputs down to the middle. unet.c
 * builds it for both. */
#ifndef LK_STAGES_DIFFUSE_UNET_TRUNK_H
#define LK_STAGES_DIFFUSE_UNET_TRUNK_H

#include "catalog/checkpoint.h"
#include "runtime/graph.h"

/* A level keeps as many outputs as it has resnets, and one; SD 1.x keeps 12. */
#define LK__SKIPS_MAX 128

struct lk__skip {
    lk_value value; /* [N,channels,h,w] */
    int channels;
};

struct lk__trunk {
    struct lk__skip skips[LK__SKIPS_MAX]; /* in the order going down */
    int n_skips;
    lk_value middle;
};

/* Adds the inputs sample, timestep, context and, of SDXL, added (as lk_unet_graph has them) and the
 * network down to its middle. hint [N,width 0,H,W] is added behind conv_in; or LK_NO_VALUE. */
int lk__trunk_build(lk_graph *graph,
                    const lk_checkpoint *checkpoint,
                    lk_value hint,
                    struct lk__trunk *out,
                    struct lk_error *err);

#endif
