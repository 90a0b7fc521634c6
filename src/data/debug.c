// SPDX-License-Identifier: Apache-2.0
/* Intermediate pictures for those who look; silent when memory is out, since debugging must not
 * change what a job does. */
#include "data/debug.h"

#include <stddef.h>

void lk_debug_picture(const struct lk_debug *debug,
                      const char *name,
                      const struct lk_picture *picture)
{
    if (debug && debug->picture && picture)
        debug->picture(debug->user, name, picture);
}

void lk_debug_mask(const struct lk_debug *debug, const char *name, const struct lk_mask *mask)
{
    struct lk_picture *grey = NULL;
    if (!debug || !debug->picture || !mask)
        return;
    if (lk_picture_new(mask->width, mask->height, 3, LK_PIXEL_F32, &grey, NULL))
        return;
    size_t n = (size_t)mask->width * (size_t)mask->height;
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < 3; c++)
            grey->f32[i * 3 + (size_t)c] = mask->value[i];
    }
    debug->picture(debug->user, name, grey);
    lk_picture_free(grey);
}
