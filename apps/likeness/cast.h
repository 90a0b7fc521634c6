// SPDX-License-Identifier: Apache-2.0
/* The verbs of `likeness cast`: one row each. */
#ifndef APPS_CAST_H
#define APPS_CAST_H

#include "cast/cast.h"
#include "cli.h"

struct cast_verb {
    const char *name; /* one word, or "consent" and another */
    int least, most;  /* words after it */
    enum lk_cast_access access;
    int (*run)(struct cli *cli, char **words, int n, lk_cast *cast, struct lk_error *err);
};

extern const struct cast_verb cast_consent_verbs[];
extern const size_t n_cast_consent_verbs;

/* To -o FILE, for its owner alone, or to standard output. */
int cast_save(const struct cli *cli, const void *bytes, size_t size, struct lk_error *err);

#endif
