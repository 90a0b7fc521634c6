// SPDX-License-Identifier: Apache-2.0
#include "pipeline/parts.h"

#include <time.h>

#include "base/clock.h"

static const char *const names[LK__PART_COUNT] = {
    [LK__PART_OTHER] = "other", [LK__PART_READ] = "read",     [LK__PART_FIND] = "find",
    [LK__PART_EMBED] = "embed", [LK__PART_CHANGE] = "change", [LK__PART_BLEND] = "blend",
    [LK__PART_JUDGE] = "judge", [LK__PART_MARK] = "mark",
};

static struct lk__seconds now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct lk__seconds){lk_seconds(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

void lk__parts_begin(struct lk__parts *parts)
{
    *parts = (struct lk__parts){.since = now()};
}

void lk__parts_stop(struct lk__parts *parts)
{
    *parts = (struct lk__parts){.stopped = true};
}

enum lk__part lk__parts_turn(struct lk__parts *parts, enum lk__part to)
{
    const enum lk__part was = parts->now;
    if (parts->stopped)
        return was;
    const struct lk__seconds here = now();
    parts->took[was].wall += here.wall - parts->since.wall;
    parts->took[was].processor += here.processor - parts->since.processor;
    parts->since = here;
    parts->now = to;
    return was;
}

json_t *lk__parts_json(const struct lk__parts *parts)
{
    json_t *json = json_object();
    for (int i = 0; i < LK__PART_COUNT; i++)
        if (parts->took[i].wall > 0)
            json_object_set_new(json, names[i],
                                json_pack("[f,f]", parts->took[i].wall, parts->took[i].processor));
    return json;
}
