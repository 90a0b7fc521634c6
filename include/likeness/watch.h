// SPDX-License-Identifier: Apache-2.0
/* Progress and cancellation of long work. */
#ifndef LIKENESS_WATCH_H
#define LIKENESS_WATCH_H

#include <stdatomic.h>

struct lk_watch_event {
    const char *stage; /* "draw", "decode", "find", "refine" …: a string constant */
    int step, steps;   /* 1 … steps; steps 0 when unknown */
};

struct lk_watch {
    void (*on_event)(
        void *user,
        const struct lk_watch_event *event); /* may be NULL; called from the working thread */
    void *user;
    atomic_bool *
        stop; /* may be NULL; set it from any thread or signal handler: work ends within one step */
};

#endif
