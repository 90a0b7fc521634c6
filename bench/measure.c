// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void measure_ready(void)
{
    puts("ready");
    fflush(stdout);
}

bool measure_wait(void)
{
    int c;
    do
        c = getchar();
    while (c != '\n' && c != EOF);
    return c == '\n';
}

struct measure measure_begin(void)
{
    return (struct measure){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID)};
}

struct measure measure_since(const struct measure *begin)
{
    const struct measure end = measure_begin();
    return (struct measure){end.wall - begin->wall, end.processor - begin->processor};
}

void measure_end(const struct measure *begin, const char *parts)
{
    const struct measure took = measure_since(begin);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.4f %.4f %ld%s\n", took.wall, took.processor, usage.ru_maxrss / 1024, parts);
    fflush(stdout);
}
