// SPDX-License-Identifier: Apache-2.0
/* Where the time of a run goes: it is in one part at a time. Of pictures that are made side by side
 * nothing is told. */
#ifndef LK_PIPELINE_PARTS_H
#define LK_PIPELINE_PARTS_H

#include <stdbool.h>

#include <jansson.h>

enum lk__part {
    LK__PART_OTHER,
    LK__PART_READ,   /* files into pixels */
    LK__PART_FIND,   /* detector and landmarker */
    LK__PART_EMBED,  /* embedder */
    LK__PART_CHANGE, /* swapper, restorer, upscaler */
    LK__PART_BLEND,  /* parser and occluder, mask, light, blend, paste, grain */
    LK__PART_JUDGE,  /* ages, verdicts, forensics */
    LK__PART_MARK,   /* the marks in the pixels: read and written */
    LK__PART_COUNT
};

struct lk__seconds {
    double wall, processor; /* processor: of all threads together */
};

struct lk__parts {
    bool stopped;
    enum lk__part now;
    struct lk__seconds since, took[LK__PART_COUNT];
};

void lk__parts_begin(struct lk__parts *parts);
/* Forgets what was counted, and counts no more until the next run: before threads begin. */
void lk__parts_stop(struct lk__parts *parts);
/* From here on it is `to`; returns what it was. */
enum lk__part lk__parts_turn(struct lk__parts *parts, enum lk__part to);
/* {"find": [wall, processor], …} of those that took any time. */
json_t *lk__parts_json(const struct lk__parts *parts);

#endif
