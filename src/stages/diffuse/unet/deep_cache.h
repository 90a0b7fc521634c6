// SPDX-License-Identifier: Apache-2.0
/* DeepCache (Ma et al. 2023, arXiv 2312.00858): what the deep layers of the UNet say changes slowly
 * from step to step. The whole UNet runs in every N-th call; the calls between run its first
 * convolution and its last layer alone, on the deep features of the last whole run. As the authors'
 * package does with cache_branch_id 0. */
#ifndef LK_STAGES_DIFFUSE_UNET_DEEP_CACHE_H
#define LK_STAGES_DIFFUSE_UNET_DEEP_CACHE_H

#include "base/error.h"
#include "base/watch.h"
#include "runtime/session.h"

struct lk__deep_cache {
    lk_repeated *shallow; /* of lk_unet_shallow_graph */
    int interval;         /* N; above 1 */
    struct lk_array deep; /* of the last whole run; data NULL: there was none */
};
void lk__deep_cache_free(struct lk__deep_cache *cache);

/* The n inputs of the UNet (of a caching one, see lk_unet_variant), of which the first `shared` are
 * the shallow one's too → *noise. call: counted from the picture's first. A call of more or fewer
 * rows than the last whole one is a whole one. */
int lk__deep_cache_run(struct lk__deep_cache *cache,
                       lk_repeated *unet,
                       int call,
                       size_t n,
                       size_t shared,
                       const char *const *names,
                       const struct lk_array *inputs,
                       const struct lk_watch *watch,
                       struct lk_array *noise,
                       struct lk_error *err);

#endif
