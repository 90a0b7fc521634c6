// SPDX-License-Identifier: Apache-2.0
#include "pipeline/faces/manners.h"

#include <string.h>

#include "base/size.h"

enum {
    SWAPS = LK__FACE_SWAPPED,
    RESTORES = LK__FACE_RESTORED,
    CAN_RESTORE = LK__FACE_SWAPPED | LK__FACE_RESTORABLE,
    DRAWN = LK__FACE_DRAWN,
};

static const struct lk__manner manners[] = {
    {"as-asked", 0, 1, 1, 0, false, 0},
    {"twice", 1, 1, 1, 0, false, SWAPS},
    {"more-identity", 0, 1.3f, 1, 0, false, SWAPS},
    {"restored", 0, 1, 1, 0, false, CAN_RESTORE},
    {"redrawn", 0, 1, 1, 0, true, DRAWN},
    {"boost-4", 0, 1, 1, 4, false, SWAPS},
    {"less-restored", 0, 1, 0.5f, 0, false, RESTORES},
    {"thrice", 2, 1, 1, 0, false, SWAPS},
    {"unrestored", 0, 1, 0, 0, false, SWAPS | RESTORES},
    {"less-identity", 0, 0.8f, 1, 0, false, SWAPS},
    {"more-identity-boost-4", 0, 1.3f, 1, 4, false, SWAPS},
    {"hardly-restored", 0, 1, 0.2f, 0, false, RESTORES},
    {"redrawn-twice", 1, 1, 1, 0, true, DRAWN | SWAPS},
    {"half-identity", 0, 0.5f, 1, 0, false, SWAPS},
};

static bool is_for(const struct lk__manner *manner, unsigned holds)
{
    return (manner->needs & holds) == manner->needs;
}

static const struct lk__manner *named(const char *name, unsigned holds)
{
    for (size_t i = 0; name && i < LK_ARRAY_LENGTH(manners); i++) {
        if (!strcmp(manners[i].name, name) && is_for(&manners[i], holds))
            return &manners[i];
    }
    return &manners[0];
}

const struct lk__manner *lk__manner_at(const char *first, unsigned holds, size_t i)
{
    const struct lk__manner *begin = named(first, holds);
    for (size_t k = 0; k < LK_ARRAY_LENGTH(manners) && i; k++) {
        if (&manners[k] != begin && is_for(&manners[k], holds) && !--i)
            return &manners[k];
    }
    return i ? NULL : begin;
}

bool lk__manners_redraw(const char *first, int more)
{
    return more > 0 || named(first, ~0U)->redraws;
}

int lk__manner_number(const struct lk__manner *manner)
{
    return (int)(manner - manners);
}
