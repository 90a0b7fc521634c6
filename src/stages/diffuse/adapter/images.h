// SPDX-License-Identifier: Apache-2.0
/* Image prompts on their way into the UNet, step by step; and where the UNet takes them in. */
#ifndef LK_STAGES_DIFFUSE_ADAPTER_IMAGES_H
#define LK_STAGES_DIFFUSE_ADAPTER_IMAGES_H

#include "catalog/checkpoint.h"
#include "runtime/graph.h"
#include "stages/diffuse/adapter.h"
#include "stages/diffuse/adapter/crossings.h"

/* ---- in the graph ---- */

struct lk__image_inputs {
    int n;
    lk_value k[LK_ADAPTERS], v[LK_ADAPTERS]; /* [N,T,Σ width] */
    struct lk__crossings crossings;
};
void lk__image_inputs_add(lk_graph *graph,
                          const lk_checkpoint *checkpoint,
                          int n,
                          struct lk__image_inputs *out);
/* y + what the queries q [N,T,width] of the cross attention of that name find in the images. */
lk_value lk__image_inputs_attend(lk_graph *graph,
                                 const struct lk__image_inputs *inputs,
                                 const char *name,
                                 lk_value q,
                                 lk_value y,
                                 int heads);

/* ---- in a step ---- */

#define LK__IMAGE_INPUTS (2 * LK_ADAPTERS)

struct lk__images {
    const struct lk_adapter_use *uses; /* [n] */
    int n;
    float *values[LK__IMAGE_INPUTS]; /* of the last step: k, v of each */
};

/* uses must outlive it. LK_E_INPUT for an adapter that does not fit the checkpoint, a weight or a
 * range that is none. lk__images_free is safe after a failure. */
int lk__images_init(struct lk__images *images,
                    const lk_checkpoint *checkpoint,
                    const struct lk_adapter_use *uses,
                    int n,
                    struct lk_error *err);
void lk__images_free(struct lk__images *images);

/* The 2·n inputs of step `at` of `steps`, which hold until the next call: names and arrays. Of
 * `batch` rows the first `negative` see no picture. In steps outside of its range an adapter adds
 * 0, as its values are 0. */
int lk__images_fill(struct lk__images *images,
                    int at,
                    int steps,
                    int batch,
                    int negative,
                    const char *names[LK__IMAGE_INPUTS],
                    struct lk_array arrays[LK__IMAGE_INPUTS],
                    struct lk_error *err);

#endif
