// SPDX-License-Identifier: Apache-2.0
/* The `parameters` text that Stable Diffusion WebUI writes into its pictures, and that every tool
 * of the field reads: how a picture was made. */
#ifndef LK_STAGES_MARK_PARAMETERS_H
#define LK_STAGES_MARK_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_PARAMETERS_MAX ((size_t)1 << 20) /* bytes, written or read */
#define LK_PARAMETERS_FIELDS 64

struct lk_parameter {
    const char *name, *value;
};

/* What is written. NULL, 0 and < 0 leave a field out. */
struct lk_parameters {
    const char *prompt, *negative;
    int steps;
    const char *sampler, *schedule; /* our names: "euler-a", "karras" */
    double guidance;                /* < 0: left out */
    int64_t seed;                   /* < 0: left out */
    int width, height;
    const char *model_hash, *model;  /* first 10 digits of the file's SHA-256; its name */
    const struct lk_parameter *more; /* [n_more], after the others in this order: "Likeness", … */
    size_t n_more;
};
void lk_parameters_init(struct lk_parameters *parameters);

/* WebUI's name of a sampler ("euler-a": "Euler a"); the name itself when it is none of ours. */
const char *lk_parameters_sampler(const char *name);

/* malloc'd, UTF-8; the caller frees. LK_E_INPUT when the text would pass LK_PARAMETERS_MAX. */
int lk_parameters_write(const struct lk_parameters *parameters, char **out, struct lk_error *err);

/* What was read, of any program: the fields in the order of the text, names and values unquoted. */
struct lk_parameters_text {
    char *prompt, *negative; /* never NULL */
    struct lk_parameter field[LK_PARAMETERS_FIELDS];
    size_t n_fields; /* further ones are dropped */
    char *memory;    /* holds all strings */
};

/* Never fails on content: a text without a line of settings is all prompt. LK_E_INPUT for one
 * longer than LK_PARAMETERS_MAX. */
int lk_parameters_read(const char *text, struct lk_parameters_text *out, struct lk_error *err);
void lk_parameters_text_free(struct lk_parameters_text *text); /* the members, not the struct */
/* The value of a field, NULL when absent. */
const char *lk_parameters_find(const struct lk_parameters_text *text, const char *name);

#endif
