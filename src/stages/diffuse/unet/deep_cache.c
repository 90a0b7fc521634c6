// SPDX-License-Identifier: Apache-2.0
#include "stages/diffuse/unet/deep_cache.h"

#include <stdlib.h>
#include <string.h>

enum { SHARED_MAX = 8 };

void lk__deep_cache_free(struct lk__deep_cache *cache)
{
    free(cache->deep.data);
    cache->deep = (struct lk_array){0};
}

static int run_whole(struct lk__deep_cache *cache,
                     lk_repeated *unet,
                     size_t n,
                     const char *const *names,
                     const struct lk_array *inputs,
                     const struct lk_watch *watch,
                     struct lk_array *noise,
                     struct lk_error *err)
{
    static const char *const out_names[] = {"noise", "deep"};
    struct lk_array outputs[2];
    int rc = lk_repeated_run(unet, n, names, inputs, 2, out_names, outputs, watch, err);
    if (rc)
        return rc;
    free(cache->deep.data);
    *noise = outputs[0];
    cache->deep = outputs[1];
    cache->deep.stamp = lk_stamp_new();
    return 0;
}

int lk__deep_cache_run(struct lk__deep_cache *cache,
                       lk_repeated *unet,
                       int call,
                       size_t n,
                       size_t shared,
                       const char *const *names,
                       const struct lk_array *inputs,
                       const struct lk_watch *watch,
                       struct lk_array *noise,
                       struct lk_error *err)
{
    static const char *const out_name = "noise";
    const char *shallow_names[SHARED_MAX + 1];
    struct lk_array shallow[SHARED_MAX + 1];
    if (call % cache->interval == 0 || !cache->deep.data ||
        cache->deep.shape[0] != inputs[0].shape[0])
        return run_whole(cache, unet, n, names, inputs, watch, noise, err);
    memcpy(shallow_names, names, shared * sizeof *names);
    memcpy(shallow, inputs, shared * sizeof *inputs);
    shallow_names[shared] = "deep";
    shallow[shared] = cache->deep;
    return lk_repeated_run(cache->shallow, shared + 1, shallow_names, shallow, 1, &out_name, noise,
                           watch, err);
}
