// SPDX-License-Identifier: Apache-2.0
/* The tree of one part of a prompt, and which text it gives at a step. */
#ifndef LK_STAGES_TEXT_PROMPT_TREE_H
#define LK_STAGES_TEXT_PROMPT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/arena.h"

enum lk__node_kind {
    LK__NODE_TEXT,
    LK__NODE_SEQUENCE,  /* its children in order */
    LK__NODE_GROUP,     /* brackets of emphasis; children: a sequence, and after ':' a second one */
    LK__NODE_SCHEDULED, /* children: the sequences before and after */
    LK__NODE_ALTERNATE, /* children: sequences */
};

struct lk__node {
    enum lk__node_kind kind;
    struct lk__node *children, *next;
    const char *text; /* TEXT: [length], points into the source */
    size_t length;
    char open;        /* GROUP: '(' or '[' */
    double when;      /* SCHEDULED: the last step before, or */
    bool is_fraction; /* this share of the steps: it was written with a point */
};

/* The tree of text [size], a SEQUENCE, which points into it; NULL when the arena is full. */
struct lk__node *lk__prompt_tree(const char *text, size_t size, lk_arena *arena);

/* The last step before, 0 … steps. before: as in lk_prompt_schedule. */
int lk__node_when(const struct lk__node *node, int steps, int before);

/* Writes the text of a step (counted from 1), at most as long as the source; returns its end. */
char *lk__node_text(const struct lk__node *node, int step, int steps, int before, char *to);

/* changes[i] becomes true where the text after step i may be another; i is 1 … steps. */
void lk__node_changes(const struct lk__node *node, int steps, int before, bool *changes);

/* The nodes of a SEQUENCE (prompt_json.c); NULL when a text in it is not UTF-8. */
json_t *lk__prompt_tree_json(const struct lk__node *sequence);

#endif
