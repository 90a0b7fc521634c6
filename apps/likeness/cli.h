// SPDX-License-Identifier: Apache-2.0
/* What the subcommands share: arguments by the option table, standard ways to answer, to show
 * progress and to stop. */
#ifndef APPS_CLI_H
#define APPS_CLI_H

#include "ledger/ledger.h"
#include "pipeline/options.h"
#include "stages/mark/watermark.h"
#include <likeness/likeness.h>

struct cli {
    const struct subcommand *command;
    struct lk_invocation with;
    int n_words;
    char **words; /* what is no option, in order; point into argv */
};

struct subcommand {
    const char *name;
    enum lk_command id;
    enum lk_task task;    /* whose defaults the options take */
    int least, most;      /* how many words */
    const char *words;    /* "PROMPT", "A B" */
    const char *summary;  /* one line */
    const char *examples; /* whole lines */
    int (*run)(struct cli *cli, struct lk_error *err);
};

int cmd_make(struct cli *cli, struct lk_error *err); /* what makes a picture */
int cmd_run(struct cli *cli, struct lk_error *err);
int cmd_detect(struct cli *cli, struct lk_error *err);
int cmd_compare(struct cli *cli, struct lk_error *err);
int cmd_inspect(struct cli *cli, struct lk_error *err);
int cmd_cast(struct cli *cli, struct lk_error *err);
int cmd_models(struct cli *cli, struct lk_error *err);
int cmd_audit(struct cli *cli, struct lk_error *err);
int cmd_bench(struct cli *cli, struct lk_error *err);
int cmd_doctor(struct cli *cli, struct lk_error *err);

const struct subcommand *subcommands(size_t *count);

/* Configuration file, environment, then argv (after the subcommand), the later winning. */
int cli_parse(struct cli *cli, int argc, char **argv, struct lk_error *err);

void cli_help(FILE *to);
void cli_help_command(FILE *to, const struct subcommand *command);
/* The manual page and the option reference (docs/options.md), both made from the tables. */
void cli_manual(FILE *to);
void cli_reference(FILE *to);

/* A watch that shows a progress line on a terminal, or events with --json, and that Ctrl-C stops.
 */
void cli_watch_init(struct lk_watch *watch, const struct cli *cli);
void cli_watch_done(const struct cli *cli); /* clears the progress line */

/* --preview: the watch hears previews too, and files them. LK_E_INPUT before any work. */
int cli_preview_begin(const struct cli *cli, struct lk_watch *watch, struct lk_error *err);
void cli_preview_end(bool failed); /* takes the preview back if so */

/* Opens an engine, runs the request, saves the pictures and the report. */
int cli_make(struct cli *cli, struct lk_error *err);

/* The rows of the audit ledger that are of this picture, which has this hidden mark, or look like
 * it, best first; none where there is no ledger. */
int cli_trace(struct cli *cli,
              const char *path,
              const struct lk_watermark *mark,
              struct lk_ledger_match *out,
              size_t room,
              size_t *n,
              struct lk_error *err);
/* "bytes", "watermark" or "look": by what a row was found. */
const char *cli_trait(const struct lk_ledger_match *match);

#endif
