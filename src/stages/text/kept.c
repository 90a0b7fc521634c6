// SPDX-License-Identifier: Apache-2.0
#include "stages/text/kept.h"

#include <stdlib.h>
#include <string.h>

void lk__kept_init(struct lk__kept *kept)
{
    *kept = (struct lk__kept){0};
    pthread_mutex_init(&kept->lock, NULL);
}

void lk__kept_forget(struct lk__kept *kept)
{
    pthread_mutex_lock(&kept->lock);
    for (size_t i = 0; i < LK__KEPT; i++) {
        free(kept->entry[i].values);
        kept->entry[i].values = NULL;
    }
    pthread_mutex_unlock(&kept->lock);
}

void lk__kept_close(struct lk__kept *kept)
{
    lk__kept_forget(kept);
    pthread_mutex_destroy(&kept->lock);
}

bool lk__kept_find(struct lk__kept *kept, const struct lk_sha256 *key, float *values, size_t n)
{
    bool found = false;
    pthread_mutex_lock(&kept->lock);
    for (size_t i = 0; i < LK__KEPT && !found; i++) {
        found = kept->entry[i].values && !memcmp(&kept->entry[i].key, key, sizeof *key);
        if (found) {
            memcpy(values, kept->entry[i].values, n * sizeof *values);
            kept->entry[i].used = ++kept->clock;
        }
    }
    pthread_mutex_unlock(&kept->lock);
    return found;
}

void lk__kept_add(struct lk__kept *kept, const struct lk_sha256 *key, const float *values, size_t n)
{
    float *copy = malloc(n * sizeof *copy);
    if (!copy)
        return;
    memcpy(copy, values, n * sizeof *copy);
    pthread_mutex_lock(&kept->lock);
    size_t oldest = 0;
    for (size_t i = 1; i < LK__KEPT; i++) {
        if (kept->entry[i].used < kept->entry[oldest].used)
            oldest = i;
    }
    free(kept->entry[oldest].values);
    kept->entry[oldest].key = *key;
    kept->entry[oldest].values = copy;
    kept->entry[oldest].used = ++kept->clock;
    pthread_mutex_unlock(&kept->lock);
}
