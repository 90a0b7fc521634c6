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
#include "cli.h"

static atomic_bool stop;

/* One second Ctrl-C ends the program at once: SA_RESETHAND puts the default back. */
static void on_interrupt(int signal)
{
    (void)signal;
    atomic_store(&stop, true);
}

static struct {
    const char *stage;
    double began; /* of the stage's first step, seconds */
    int first;    /* which that was: what goes on begins in the middle */
} line;

static void show_line(void *user, const struct lk_watch_event *event)
{
    (void)user;
    if (!line.stage || strcmp(line.stage, event->stage) || event->step <= line.first) {
        line.stage = event->stage;
        line.began = lk_seconds();
        line.first = event->step;
    }
    const double seconds = lk_seconds() - line.began;
    const int done = event->step - line.first;
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
    if (!cli->with.output.quiet && !cli->with.output.json && isatty(STDERR_FILENO) && line.stage)
        fprintf(stderr, "\r\033[K");
}
