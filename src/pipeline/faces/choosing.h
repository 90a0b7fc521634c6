// SPDX-License-Identifier: Apache-2.0
/* Which face of a picture a person of the request gets. docs/find.md has the grammar for users:
 *
 *     PLACE   = [FILTER+…][ORDER[:N] | all]          nothing: largest
 *     FILTER  = woman | man | age:LOW-HIGH
 *     ORDER   = left | right | top | bottom | largest | smallest | best | worst | center
 *             | at:XxY | like:NAME|PHOTO
 *
 * Filters say who is looked at, the order which of them comes first, and N (0, 1 …) takes a later
 * one. N alone counts from the left. */
#ifndef LK_PIPELINE_CHOOSING_H
#define LK_PIPELINE_CHOOSING_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/result.h"

struct lk__place_order;

struct lk__place {
    const struct lk__place_order *order;
    int index; /* the N-th in that order */
    bool all;
    char gender; /* 'f', 'm'; 0: anybody */
    float age_low, age_high;
    float at[2];
    bool at_percent[2]; /* of the picture's width and height; else pixels */
};

/* What is chosen from. */
struct lk__sight {
    const struct lk__face_report *faces;
    size_t n;
    int width, height;               /* of the picture */
    const struct lk_embedding *like; /* of like:…; else NULL */
    float same_person;               /* the least cosine that is a likeness */
};

/* text NULL: the default. false when it is no place. */
bool lk__place_read(const char *text, struct lk__place *out);
bool lk__place_has_filter(const struct lk__place *place); /* age and gender must be known */
bool lk__place_is_likeness(const struct lk__place *place);

/* Whether somebody of that place gets face i. */
bool lk__place_takes(const struct lk__place *place, const struct lk__sight *sight, size_t i);

#endif
