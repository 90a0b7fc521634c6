// SPDX-License-Identifier: Apache-2.0
/* For how long something took. */
#ifndef LK_BASE_CLOCK_H
#define LK_BASE_CLOCK_H

/* Of a clock that nobody sets, since some moment in the past. */
double lk_seconds(void);

#endif
