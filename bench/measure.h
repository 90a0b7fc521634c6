// SPDX-License-Identifier: Apache-2.0
/* What tools/bench and a program that it measures say to each other: the program prints `ready`
 * when it is, and for every line that comes in does its work once and prints `SECONDS
 * PROCESSOR_SECONDS PEAK_MB`, and where it knows its parts, `NAME=SECONDS:PROCESSOR_SECONDS` of
 * each. */
#ifndef LK_BENCH_MEASURE_H
#define LK_BENCH_MEASURE_H

#include <stdbool.h>

struct measure {
    double wall, processor;
};

void measure_ready(void);
bool measure_wait(void); /* for a line; false at the end of them */
struct measure measure_begin(void);
struct measure measure_since(const struct measure *begin);
/* parts: what follows on the line, each word with a space before it; or "" */
void measure_end(const struct measure *begin, const char *parts);

#endif
