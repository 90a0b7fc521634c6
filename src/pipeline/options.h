// SPDX-License-Identifier: Apache-2.0
/* The one option table: command line, JSON, configuration file, environment, --help and man page
 * all come from its rows. */
#ifndef LK_PIPELINE_OPTIONS_H
#define LK_PIPELINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include <likeness/likeness.h>

/* Which struct a row's offset counts in. */
enum lk_option_home {
    LK_HOME_REQUEST,
    LK_HOME_ENGINE,
    LK_HOME_OUTPUT,
    LK_HOME_CAST,
    LK_HOME_MODELS,
    LK_HOME_SETTINGS,
};

enum lk_option_type {
    LK_OPTION_TEXT,          /* char * */
    LK_OPTION_SAMPLER,       /* char *, one of `choices` or the WebUI's name of one */
    LK_OPTION_CHOICE,        /* char *, one of `choices` */
    LK_OPTION_INT,           /* int */
    LK_OPTION_INT64,         /* int64_t */
    LK_OPTION_REAL,          /* double */
    LK_OPTION_SIZE,          /* two ints, WxH; multiples of 8 where the lowest is */
    LK_OPTION_BYTES,         /* int64_t, with K, M, G */
    LK_OPTION_FLAG,          /* bool, takes no value */
    LK_OPTION_LIST,          /* char *[LK_LIST_MAX], NULL after the last: each time one more */
    LK_OPTION_CONTROL,       /* appends to lk_request.controls: TYPE:IMAGE[:W[:START[:END]]] */
    LK_OPTION_CONTROL_MODEL, /* names the model of the first control that has none */
    LK_OPTION_IMAGE,         /* appends to lk_request.images: NAME|PATH:IMAGE[:W[:START[:END]]] */
    LK_OPTION_PERSON,        /* appends to lk_request.people: [PLACE=]NAME|PHOTO */
    LK_OPTION_PHOTO,         /* appends to the photos of the last of them */
};

/* The commands that a row belongs to. */
enum lk_command {
    LK_CMD_PORTRAIT = 1 << 0,
    LK_CMD_DRAW = 1 << 1,
    LK_CMD_SWAP = 1 << 2,
    LK_CMD_DETECT = 1 << 3,
    LK_CMD_COMPARE = 1 << 4,
    LK_CMD_INSPECT = 1 << 5,
    LK_CMD_RUN = 1 << 6,
    LK_CMD_MODELS = 1 << 7,
    LK_CMD_DOCTOR = 1 << 8,
    LK_CMD_AUDIT = 1 << 9,
    LK_CMD_CAST = 1 << 10,
    LK_CMD_RESTORE = 1 << 11,
    LK_CMD_UPSCALE = 1 << 12,
    LK_CMD_REDRAW = 1 << 13,
    LK_CMD_BENCH = 1 << 14,
};

/* Where the answers go: what the program, not the library, does with a result. */
struct lk_output {
    char *path;    /* -o */
    char *report;  /* --report */
    char *debug;   /* --debug */
    char *preview; /* --preview */
    bool json, quiet, verbose;
    int runs;     /* --runs */
    bool explain; /* --explain: how the prompt is read, instead of a picture */
};

/* What `likeness cast` is told beside names. */
struct lk_cast_words {
    char *uses, *until, *evidence; /* of a consent */
    char *name;                    /* of who is imported */
    char *from;                    /* the generated picture of a new person */
    char *new_passphrase_file;     /* whose first line seals from now on */
};

/* What `likeness models` is told beside names. */
struct lk_models_words {
    char *from;          /* where a model is fetched from */
    char *name, *family; /* of what is added */
    bool unverified, copy;
};

/* What a likeness.ini says of the machine. */
struct lk_settings {
    char *mirror; /* where models are fetched from */
};

struct lk_option {
    const char *name; /* long form without the dashes; '-' becomes '_' in JSON, LIKENESS_… in the
                         environment */
    char letter;      /* short form, or 0 */
    enum lk_option_type type;
    enum lk_option_home home;
    size_t offset;
    double low, high;    /* INT, INT64, REAL, SIZE, BYTES: inclusive */
    const char *choices; /* CHOICE: "a|b|c" */
    const char *initial; /* default as it would be typed; NULL: not said */
    const char *value;   /* name of the value in help */
    const char *help;
    unsigned commands;
};

const struct lk_option *lk_options(size_t *count);
const struct lk_option *lk_option_find(const char *name,
                                       unsigned command); /* NULL when there is none */

/* Everything that the rows can set. */
struct lk_invocation {
    struct lk_request request;
    struct lk_engine_options engine;
    struct lk_output output;
    struct lk_cast_words cast;
    struct lk_models_words models;
    struct lk_settings settings;
};
void lk_invocation_init(struct lk_invocation *invocation, enum lk_task task);
void lk_invocation_free(struct lk_invocation *invocation);

/* Sets the row's member from text (NULL for a flag); `label` names the origin in errors ("--steps",
 * "likeness.ini: steps"). */
int lk_option_set(const struct lk_option *option,
                  struct lk_invocation *invocation,
                  const char *text,
                  const char *label,
                  struct lk_error *err);
/* The member's address in its struct. */
void *lk_option_member(const struct lk_option *option, struct lk_invocation *invocation);

#endif
