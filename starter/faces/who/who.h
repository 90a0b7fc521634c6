// SPDX-License-Identifier: Apache-2.0
/* What who/ offers beyond faces.h to those that make records and write about them.
 */
#ifndef STARTER_FACES_WHO_H
#define STARTER_FACES_WHO_H

#include "faces.h"

enum { YEARS_LEAST = 5, YEARS_MOST = 85 };

extern const char *const mask_names[MASK_COUNT];

/* Years drawn evenly within an age group. */
int years_within(uint64_t seed, int age);
/* The look of a seed at so many years. */
struct look look_at(uint64_t seed, int gender, int years);
/* The same person at other years: greying, beard and earrings follow; style and clothes stay where
 * that age wears them. */
struct look look_aged(const struct look *k, int years);
/* Takes away what does not go together: hair that no hat holds, a fringe of a style without one,
 * hair before the face that is not there. */
void person_settle(struct person *p);

#endif
