// SPDX-License-Identifier: Apache-2.0
/* Where intermediate pictures go when somebody wants to see the loop (`--debug DIR`).
 *
 * A stage that takes a `const struct lk_debug *` hands it what it made, under a short name such as
 * "fit/mask". NULL, or a NULL function, means that nobody looks: the helpers then cost nothing. A
 * debug picture never decides anything and never fails a job. */
#ifndef LK_DATA_DEBUG_H
#define LK_DATA_DEBUG_H

#include "data/mask.h"
#include "data/picture.h"

struct lk_debug {
    /* The picture belongs to the caller and lives only during the call. name: a-z, '/', '-'. */
    void (*picture)(void *user, const char *name, const struct lk_picture *picture);
    void *user;
};

void lk_debug_picture(const struct lk_debug *debug,
                      const char *name,
                      const struct lk_picture *picture);
/* The mask as a grey f32 RGB picture. */
void lk_debug_mask(const struct lk_debug *debug, const char *name, const struct lk_mask *mask);

#endif
