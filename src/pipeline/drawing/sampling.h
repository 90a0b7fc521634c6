// SPDX-License-Identifier: Apache-2.0
/* From a request to how lk_draw samples: given noise levels, fresh noise, guidance, FreeU,
 * variations, and what SDXL is told of sizes. */
#ifndef LK_PIPELINE_DRAWING_SAMPLING_H
#define LK_PIPELINE_DRAWING_SAMPLING_H

#include "stages/diffuse/draw.h"
#include <likeness/request.h>

struct lk__sampling {
    float sigmas[LK_MAX_STEPS + 1]; /* of --sigmas */
    struct lk_freeu freeu;          /* of --freeu */
};

/* Reads --freeu and --sigmas, from which request->steps follow. Before the model's defaults are
 * filled in. */
int lk__sampling_read(struct lk_request *request, struct lk__sampling *out, struct lk_error *err);
/* sampling must outlive the options. */
void lk__sampling_apply(const struct lk__sampling *sampling,
                        const struct lk_request *request,
                        struct lk_draw_options *options);
/* The steps that the request says, by --steps or --sigmas; 0: none. */
int lk__sampling_steps(const struct lk_request *request);

/* Seeds of picture i: seed + i; with a variation the seed stays, and the variation's counts up. */
int64_t lk__sampling_seed(const struct lk_request *request, int i);
int64_t lk__sampling_variation_seed(const struct lk_request *request, int i); /* −1: no variation */

#endif
