// SPDX-License-Identifier: Apache-2.0
/* What may be asked for: rules in a file, and prompts held against them. docs/policy.md has the
 * file's form and what the rules are worth.
 *
 * Rules that words cannot trip (forensics, nsfw, child-face) are rows of the same file: their
 * level, sentences and bounds stand there, and the pipeline applies them. */
#ifndef LK_STAGES_JUDGE_POLICY_H
#define LK_STAGES_JUDGE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum lk_policy_level {
    LK_POLICY_OFF,
    LK_POLICY_WARN,
    LK_POLICY_REFUSE,
    LK_POLICY_ALWAYS, /* refuse, and nobody can lower it */
};
const char *lk_policy_level_name(enum lk_policy_level level);

struct lk_policy_rule {
    const char *name;
    enum lk_policy_level level;
    const char *says;   /* "asks for …": what is wrong, after a subject */
    const char *remedy; /* what to do */
    float from;         /* the score from which a network's answer counts */
};

typedef struct lk_policy lk_policy;

/* rules: the program's own file; own: the operator's, read after it, or NULL; levels:
 * "RULE=LEVEL[,RULE=LEVEL…]" or NULL. LK_E_INPUT names file and line, or the rule that is not known
 * or cannot be lowered; also for rules that let pass what must always be refused. */
int lk_policy_open(
    const char *rules, const char *own, const char *levels, lk_policy **out, struct lk_error *err);
void lk_policy_free(lk_policy *policy); /* NULL is fine */

size_t lk_policy_count(const lk_policy *policy);
const struct lk_policy_rule *lk_policy_at(const lk_policy *policy, size_t i);
const struct lk_policy_rule *lk_policy_find(const lk_policy *policy,
                                            const char *name); /* or NULL */
/* Of both files' bytes, 64 hex digits. */
const char *lk_policy_sha256(const lk_policy *policy);

/* A rule that a request trips, at whatever level. */
struct lk_policy_hit {
    const struct lk_policy_rule *rule;
    const char *name; /* whom the prompt names, where the rule is of names; else NULL */
};

/* Holds a request against all rules. prompt, negative: UTF-8 or NULL. hits [room]: the severest
 * level first; *n of them, at most room. Thread-safe. */
int lk_policy_screen(const lk_policy *policy,
                     const char *prompt,
                     const char *negative,
                     struct lk_policy_hit *hits,
                     size_t room,
                     size_t *n,
                     struct lk_error *err);
/* The same for prompts that change from step to step: all their texts, NULL-terminated. What trips
 * a rule may be scattered over them; what excuses must stand in each. */
int lk_policy_screen_all(const lk_policy *policy,
                         const char *const *prompts,
                         const char *const *negatives,
                         struct lk_policy_hit *hits,
                         size_t room,
                         size_t *n,
                         struct lk_error *err);

#endif
