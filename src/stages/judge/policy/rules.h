// SPDX-License-Identifier: Apache-2.0
/* Rules as they are read from a file, and how they are held against words. docs/policy.md describes
 * the file. */
#ifndef LK_STAGES_JUDGE_POLICY_RULES_H
#define LK_STAGES_JUDGE_POLICY_RULES_H

#include "base/arena.h"
#include "stages/judge/policy.h"
#include "stages/judge/policy/words.h"

enum {
    LK__LISTS_MAX = 64,
    LK__RULES_MAX = 64,
    LK__CLAUSE_TERMS_MAX = 8,
    LK__EXEMPT = 0, /* the list of phrases in which no word counts */
};

/* One word of an entry. */
struct lk__pattern {
    enum lk__pattern_kind {
        LK__PATTERN_WORD,
        LK__PATTERN_START,  /* "porn*" */
        LK__PATTERN_PART,   /* "*hentai*", and all words of scripts without spaces */
        LK__PATTERN_NUMBER, /* "{0-17}" */
    } kind;
    const int32_t *letters; /* [length] folded */
    size_t length;
    int low, high; /* NUMBER */
};

struct lk__entry {
    int list;
    bool ours;          /* from the program's own file, not the operator's */
    const char *spoken; /* as written, where the list's entries may be told; else NULL */
    const struct lk__pattern *pattern;
    size_t length;
    const struct lk__entry *next; /* of the same bucket */
};

struct lk__list {
    const char *name;
    bool spoken; /* "names" */
};

/* A clause holds when all its terms do. */
struct lk__clause {
    struct lk__term {
        int list;
        bool negative; /* looked for in the negative prompt */
        bool unless;   /* must not be there */
    } term[LK__CLAUSE_TERMS_MAX];
    size_t length;
    const struct lk__clause *next;
};

struct lk__rule {
    struct lk_policy_rule row;
    const struct lk__clause *clauses;
};

enum { LK__BUCKETS = 256 };

struct lk__rules {
    lk_arena *arena;
    struct lk__list list[LK__LISTS_MAX];
    size_t lists;
    struct lk__rule rule[LK__RULES_MAX];
    size_t count;
    const struct lk__entry *bucket[LK__BUCKETS + 1]; /* by first letter; the last: any letter */
};

/* Reads a file into the rules, after those that are there. ours: the program's own file. The
 * operator's may add to lists and rules; what a rule of level `always` does not count, or excuses,
 * is for our file alone. LK_E_INPUT: "'FILE' line N: …". */
int lk__rules_read(struct lk__rules *rules,
                   const char *path,
                   const char *text,
                   size_t size,
                   bool ours,
                   struct lk_error *err);

/* What is found of a list in a text. */
struct lk__found {
    bool any;    /* an entry, outside of all exempt phrases */
    bool strict; /* an entry, outside of our exempt phrases */
    bool ours;   /* an entry of our file, outside of our exempt phrases */
    const char *spoken;
};

/* found [LK__LISTS_MAX], zeroed by the call. */
int lk__rules_search(const struct lk__rules *rules,
                     const struct lk__words *words,
                     struct lk__found *found,
                     struct lk_error *err);

#endif
