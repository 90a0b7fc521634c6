// SPDX-License-Identifier: Apache-2.0
/* Progress and Ctrl-C: a line on a terminal, nothing in a pipe, events with --json.
 *
 *     draw 7/20  3.1 it/s  4 s left
 *     pull 120/554 MB  11.2 MB/s  39 s left
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "cli.h"

static atomic_bool stop;

/* One second Ctrl-C ends the program at once: SA_RESETHAND puts the default back. */
static void on_interrupt(int signal)
{
    (void)signal;
    atomic_store(&stop, true);
}

/* Stages that work side by side take turns on the line. */
static struct stage {
    const char *name; /* NULL: none yet */
    double began;     /* its first step, seconds */
    int first, last;  /* which that was: what goes on begins in the middle; the newest */
} stages[8];

/* The stage that the event is of, which may just begin, or begin again. */
static const struct stage *stage_of(const struct lk_watch_event *event)
{
    struct stage *stage = stages;
    while (stage < stages + LK_ARRAY_LENGTH(stages) - 1 && stage->name &&
           strcmp(stage->name, event->stage))
        stage++;
    if (!stage->name || strcmp(stage->name, event->stage) || event->step < stage->last)
        *stage = (struct stage){event->stage, lk_seconds(), event->step, 0};
    stage->last = event->step;
    return stage;
}

static void show_line(void *user, const struct lk_watch_event *event)
{
    (void)user;
    const struct stage *stage = stage_of(event);
    const double seconds = lk_seconds() - stage->began;
    const int done = event->step - stage->first;
    fprintf(stderr, "\r\033[K%s %d", event->stage, event->step);
    if (event->steps)
        fprintf(stderr, "/%d", event->steps);
    if (event->unit)
        fprintf(stderr, " %s", event->unit);
    if (done > 0 && seconds > 0)
        fprintf(stderr, "  %.1f %s/s", done / seconds, event->unit ? event->unit : "it");
    if (done > 0 && event->steps)
        fprintf(stderr, "  %.0f s left", (event->steps - event->step) * seconds / done);
    fflush(stderr);
}

static void show_event(void *user, const struct lk_watch_event *event)
{
    (void)user;
    fprintf(stderr, "{\"event\":\"progress\",\"stage\":\"%s\",\"step\":%d,\"steps\":%d}\n",
            event->stage, event->step, event->steps);
}

void cli_watch_init(struct lk_watch *watch, const struct cli *cli)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    *watch = (struct lk_watch){.stop = &stop};
    if (cli->with.output.quiet)
        return;
    if (cli->with.output.json)
        watch->on_event = show_event;
    else if (isatty(STDERR_FILENO))
        watch->on_event = show_line;
}

void cli_watch_done(const struct cli *cli)
{
    if (!cli->with.output.quiet && !cli->with.output.json && isatty(STDERR_FILENO) && stages->name)
        fprintf(stderr, "\r\033[K");
}
