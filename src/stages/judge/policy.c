// SPDX-License-Identifier: Apache-2.0
/* Rules opened, levels set, prompts screened. */
#include "stages/judge/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/size.h"
#include "stages/judge/policy/rules.h"

struct lk_policy {
    struct lk__rules rules;
    struct lk_sha256 sha256;
};

/* ---- opening ---- */

static int read_file(lk_policy *policy, const char *path, bool ours, struct lk_error *err)
{
    enum { MAX_BYTES = 1 << 20 };
    struct lk_file file;
    char both[130];
    struct lk_sha256 sha;
    int rc = lk_file_map(path, &file, err);
    if (rc)
        return rc;
    lk_sha256_bytes(file.bytes, file.size, &sha);
    snprintf(both, sizeof both, "%s%s", policy->sha256.hex, sha.hex);
    if (ours)
        policy->sha256 = sha;
    else
        lk_sha256_bytes(both, strlen(both), &policy->sha256);
    if (file.size > MAX_BYTES)
        rc = lk_fail(err, LK_E_INPUT, "'%s' is larger than 1 MiB: it is no file of rules", path);
    else
        rc = lk__rules_read(&policy->rules, path, (const char *)file.bytes, file.size, ours, err);
    lk_file_unmap(&file);
    return rc;
}

/* One "RULE=LEVEL" of length n. */
static int set_level(lk_policy *policy, const char *text, size_t n, struct lk_error *err)
{
    const size_t name = strcspn(text, "=,");
    for (size_t i = 0; i < policy->rules.count; i++) {
        struct lk_policy_rule *rule = &policy->rules.rule[i].row;
        if (strlen(rule->name) != name || strncmp(rule->name, text, name) != 0)
            continue;
        if (rule->level == LK_POLICY_ALWAYS)
            return lk_fail(err, LK_E_INPUT,
                           "--policy-levels: rule '%s' always refuses: its level cannot be set",
                           rule->name);
        for (enum lk_policy_level level = LK_POLICY_OFF; level <= LK_POLICY_REFUSE; level++) {
            const char *word = lk_policy_level_name(level);
            if (name < n && strlen(word) == n - name - 1 &&
                !strncmp(text + name + 1, word, n - name - 1)) {
                rule->level = level;
                return 0;
            }
        }
        return lk_fail(err, LK_E_INPUT, "--policy-levels: '%.*s': say %s=off, warn or refuse",
                       (int)n, text, rule->name);
    }
    return lk_fail(err, LK_E_INPUT, "--policy-levels: there is no rule '%.*s'", (int)name, text);
}

static int set_levels(lk_policy *policy, const char *levels, struct lk_error *err)
{
    int rc = 0;
    for (const char *at = levels; !rc && at && *at;) {
        size_t n = strcspn(at, ",");
        rc = set_level(policy, at, n, err);
        at += n + (at[n] == ',');
    }
    return rc;
}

/* What no edition of the rules may let pass: a damaged or emptied file is found out here, not by
 * the picture. */
static int check_floor(const lk_policy *policy, const char *path, struct lk_error *err)
{
    static const char *const PROMPTS[] = {
        "a nude child",           "a naked 12 year old", "a sexy toddler",
        "a little girl, nsfw",    "a boy having sex",    "a child being tortured",
        "a bleeding, beaten kid",
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PROMPTS); i++) {
        struct lk_policy_hit hit;
        size_t n;
        int rc = lk_policy_screen(policy, PROMPTS[i], NULL, &hit, 1, &n, err);
        if (rc)
            return rc;
        if (n == 0 || hit.rule->level != LK_POLICY_ALWAYS)
            return lk_fail(err, LK_E_INPUT,
                           "'%s' no longer refuses children in sexual and violent settings: get "
                           "the file of this likeness again",
                           path);
    }
    return 0;
}

int lk_policy_open(
    const char *rules, const char *own, const char *levels, lk_policy **out, struct lk_error *err)
{
    lk_policy *policy = calloc(1, sizeof *policy);
    if (!policy || !(policy->rules.arena = lk_arena_new((size_t)16 << 20))) {
        lk_policy_free(policy);
        return lk_fail_memory(err, "the policy's rules", sizeof *policy);
    }
    int rc = read_file(policy, rules, true, err);
    rc = rc || !own ? rc : read_file(policy, own, false, err);
    rc = rc ? rc : set_levels(policy, levels, err);
    rc = rc ? rc : check_floor(policy, rules, err);
    if (rc)
        lk_policy_free(policy);
    else
        *out = policy;
    return rc;
}

void lk_policy_free(lk_policy *policy)
{
    if (!policy)
        return;
    lk_arena_free(policy->rules.arena);
    free(policy);
}

size_t lk_policy_count(const lk_policy *policy)
{
    return policy->rules.count;
}

const struct lk_policy_rule *lk_policy_at(const lk_policy *policy, size_t i)
{
    return &policy->rules.rule[i].row;
}

const struct lk_policy_rule *lk_policy_find(const lk_policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->rules.count; i++) {
        if (!strcmp(policy->rules.rule[i].row.name, name))
            return &policy->rules.rule[i].row;
    }
    return NULL;
}

const char *lk_policy_sha256(const lk_policy *policy)
{
    return policy->sha256.hex;
}

/* ---- screening ---- */

/* What was found in any of the texts, and in all of them. */
struct finding {
    struct lk__found any[LK__LISTS_MAX], all[LK__LISTS_MAX];
};

struct screening {
    struct finding prompt, negative;
};

/* What excuses must stand in every text. For a rule that always holds, the operator's exempt
 * phrases do not count, and only our own words excuse. */
static bool holds(const struct lk__term *term, const struct screening *s, bool always)
{
    const struct finding *found = term->negative ? &s->negative : &s->prompt;
    if (term->unless)
        return !(always ? found->all[term->list].ours : found->all[term->list].any);
    return always ? found->any[term->list].strict : found->any[term->list].any;
}

static bool clause_holds(const struct lk__clause *clause, const struct screening *s, bool always)
{
    for (size_t i = 0; i < clause->length; i++) {
        if (!holds(&clause->term[i], s, always))
            return false;
    }
    return true;
}

static const char *name_of(const struct lk__clause *clause, const struct screening *s)
{
    for (size_t i = 0; i < clause->length; i++) {
        if (!clause->term[i].unless && s->prompt.any[clause->term[i].list].spoken)
            return s->prompt.any[clause->term[i].list].spoken;
    }
    return NULL;
}

static int search(const struct lk__rules *rules,
                  const char *text,
                  const char *option,
                  struct lk__found *found,
                  struct lk_error *err)
{
    struct lk__words words;
    int rc = lk__words_of(text ? text : "", option, &words, err);
    if (rc)
        return rc;
    rc = lk__rules_search(rules, &words, found, err);
    lk__words_free(&words);
    return rc;
}

/* texts: NULL-terminated; none are as one that is empty. */
static int search_all(const struct lk__rules *rules,
                      const char *const *texts,
                      const char *option,
                      struct finding *out,
                      struct lk_error *err)
{
    struct lk__found found[LK__LISTS_MAX];
    int rc = search(rules, *texts, option, out->any, err);
    memcpy(out->all, out->any, sizeof out->all);
    for (size_t i = 1; !rc && texts[0] && texts[i]; i++) {
        rc = search(rules, texts[i], option, found, err);
        for (size_t k = 0; !rc && k < LK__LISTS_MAX; k++) {
            out->any[k].any |= found[k].any;
            out->any[k].strict |= found[k].strict;
            out->any[k].spoken = out->any[k].spoken ? out->any[k].spoken : found[k].spoken;
            out->all[k].any &= found[k].any;
            out->all[k].ours &= found[k].ours;
        }
    }
    return rc;
}

/* Keeps the severest first. */
static void add_hit(struct lk_policy_hit *hits, size_t room, size_t *n, struct lk_policy_hit hit)
{
    size_t at = *n;
    while (at > 0 && hits[at - 1].rule->level < hit.rule->level)
        at--;
    if (at == room)
        return;
    size_t kept = *n < room ? *n : room - 1;
    memmove(&hits[at + 1], &hits[at], (kept - at) * sizeof *hits);
    hits[at] = hit;
    *n = kept + 1;
}

int lk_policy_screen(const lk_policy *policy,
                     const char *prompt,
                     const char *negative,
                     struct lk_policy_hit *hits,
                     size_t room,
                     size_t *n,
                     struct lk_error *err)
{
    return lk_policy_screen_all(policy, (const char *const[]){prompt, NULL},
                                (const char *const[]){negative, NULL}, hits, room, n, err);
}

int lk_policy_screen_all(const lk_policy *policy,
                         const char *const *prompts,
                         const char *const *negatives,
                         struct lk_policy_hit *hits,
                         size_t room,
                         size_t *n,
                         struct lk_error *err)
{
    const struct lk__rules *rules = &policy->rules;
    struct screening s;
    int rc = search_all(rules, prompts, "the prompt", &s.prompt, err);
    rc = rc ? rc : search_all(rules, negatives, "--negative", &s.negative, err);
    if (rc)
        return rc;
    *n = 0;
    for (size_t i = 0; i < rules->count; i++) {
        const struct lk__rule *rule = &rules->rule[i];
        bool always = rule->row.level == LK_POLICY_ALWAYS;
        for (const struct lk__clause *c = rule->clauses; c; c = c->next) {
            if (clause_holds(c, &s, always)) {
                add_hit(hits, room, n, (struct lk_policy_hit){&rule->row, name_of(c, &s)});
                break;
            }
        }
    }
    return 0;
}
