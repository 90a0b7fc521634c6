// SPDX-License-Identifier: Apache-2.0
/* Progress and cancellation of long work. */
#ifndef LIKENESS_WATCH_H
#define LIKENESS_WATCH_H

#include <stdatomic.h>
#include <stddef.h>

struct lk_watch_event {
    const char *stage; /* "draw", "decode", "find", "refine" …: a string constant */
    int step, steps;   /* 1 … steps; steps 0 when unknown */
    const char *unit;  /* what steps count, such as "MB": a string constant; NULL: steps of work */
    /* What the picture looks like so far: a PNG, hatched and labelled as made by AI, of an eighth
     * of its size (without lk_engine_options.preview_decoder); lives during the call. NULL in all
     * events but those that preview_every asks for. Nobody has judged it yet: who shows it takes it
     * back when the run fails or its picture may not leave (docs/trust.md). */
    const void *preview;
    size_t preview_size;
};

/* Pictures of one request are drawn, refined and finished beside each other, so events come from
 * several threads; but one at a time, each heard before the next is told. Those of one stage come
 * in order; between two of them there may be some of another, which works on another picture. Zero
 * what you do not set. */
struct lk_watch {
    void (*on_event)(void *user, const struct lk_watch_event *event); /* may be NULL */
    void *user;
    atomic_bool *
        stop; /* may be NULL; set it from any thread or signal handler: work ends within one step */
    int preview_every;             /* a preview after so many steps of drawing; 0: none */
    const struct lk_watch *within; /* the library's own: work that this one is part of, and ends
                                      with; NULL */
};

#endif
