// SPDX-License-Identifier: Apache-2.0
/* The grammar, as the WebUI publishes it:
 *
 *   start:      (prompt | one of ( ) [ ] : )*
 *   prompt:     (emphasized | scheduled | alternate | plain)*
 *   emphasized: "(" prompt ")" | "(" prompt ":" prompt ")" | "[" prompt "]"
 *   scheduled:  "[" [prompt ":"] prompt ":" number "]"
 *   alternate:  "[" prompt ("|" [prompt])+ "]"
 *   plain:      (none of \ ( ) [ ] : | , or \ and a sign)+
 *
 * Brackets that do not fit are text, but only outside of all constructs: a construct with such a
 * bracket in it is none. A '|' or a lone '\' outside of all is in no rule: then the whole is text.
 *
 * Whether a construct begins at a bracket does not depend on what stands around it, so a bracket
 * that failed once is not tried again, and the time is linear. */
#include "stages/text/prompt_tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/text/letters.h"

enum {
    MAX_DEPTH = 100,      /* deeper brackets are text */
    MAX_NUMBER_BYTES = 32 /* longer digits are no number */
};

struct parser {
    const char *text;
    size_t size, at;
    uint8_t *failed; /* [size]: no construct begins here */
    int depth;
    bool is_full; /* the arena is */
    lk_arena *arena;
};

/* 0 at the end: a text has no NUL. */
static char here(const struct parser *p)
{
    return p->at < p->size ? p->text[p->at] : 0;
}

static struct lk__node *new_node(struct parser *p, enum lk__node_kind kind)
{
    struct lk__node *node = lk_arena_alloc(p->arena, 1, sizeof *node);
    if (node)
        node->kind = kind;
    else
        p->is_full = true;
    return node;
}

static struct lk__node *text_node(struct parser *p, size_t from, size_t to)
{
    struct lk__node *node = new_node(p, LK__NODE_TEXT);
    if (node) {
        node->text = p->text + from;
        node->length = to - from;
    }
    return node;
}

static struct lk__node *parse_construct(struct parser *p);

/* Length of the plain text here. */
static size_t plain_length(const struct parser *p)
{
    size_t at = p->at;
    while (at < p->size && !strchr("()[]:|", p->text[at])) {
        if (p->text[at] != '\\')
            at++;
        else if (at + 1 < p->size && p->text[at + 1] != '\n')
            at += 2;
        else
            break;
    }
    return at - p->at;
}

/* prompt: as far as it goes. */
static struct lk__node *parse_sequence(struct parser *p)
{
    struct lk__node *sequence = new_node(p, LK__NODE_SEQUENCE);
    if (!sequence)
        return NULL;
    struct lk__node **end = &sequence->children;
    while (p->at < p->size) {
        size_t plain = plain_length(p);
        if (plain > 0) {
            *end = text_node(p, p->at, p->at + plain);
            p->at += plain;
        } else if (here(p) == '(' || here(p) == '[') {
            *end = parse_construct(p);
        }
        if (!*end)
            break;
        end = &(*end)->next;
    }
    return sequence;
}

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Length of [+-] digits [. digits] [e [+-] digits], of a NUL-terminated text; 0: no number. */
static size_t number_length(const char *text)
{
    size_t at = *text == '+' || *text == '-';
    size_t whole = count_digits(text + at), part = 0;
    at += whole;
    if (text[at] == '.') {
        part = count_digits(text + at + 1);
        at += 1 + part;
    }
    if (whole + part == 0)
        return 0;
    if (text[at] == 'e' || text[at] == 'E') {
        size_t sign = text[at + 1] == '+' || text[at + 1] == '-';
        size_t exponent = count_digits(text + at + 1 + sign);
        at += exponent ? 1 + sign + exponent : 0;
    }
    return at;
}

/* At the ':' before a number and the closing bracket: goes behind them. */
static bool parse_when(struct parser *p, struct lk__node *node)
{
    char number[MAX_NUMBER_BYTES + 1] = {0};
    size_t at = p->at + 1;
    while (at < p->size && lk__is_space(p->text[at]))
        at++;
    memcpy(number, p->text + at, p->size - at < MAX_NUMBER_BYTES ? p->size - at : MAX_NUMBER_BYTES);
    size_t length = number_length(number);
    number[length] = 0;
    at += length;
    while (at < p->size && lk__is_space(p->text[at]))
        at++;
    if (length == 0 || at == p->size || p->text[at] != ']')
        return false;
    node->when = strtod(number, NULL);
    node->is_fraction = strchr(number, '.') != NULL;
    p->at = at + 1;
    return true;
}

/* Behind "[prompt", at ':'. */
static bool parse_scheduled(struct parser *p, struct lk__node *node)
{
    struct lk__node *first = node->children;
    node->kind = LK__NODE_SCHEDULED;
    if (parse_when(p, node)) {
        node->children = new_node(p, LK__NODE_SEQUENCE);
        if (node->children)
            node->children->next = first;
        return true;
    }
    p->at++;
    first->next = parse_sequence(p);
    return here(p) == ':' && parse_when(p, node);
}

/* Behind "[prompt", at '|'. */
static bool parse_alternate(struct parser *p, struct lk__node *node)
{
    struct lk__node *last = node->children;
    node->kind = LK__NODE_ALTERNATE;
    while (!p->is_full && here(p) == '|') {
        p->at++;
        last->next = parse_sequence(p);
        last = last->next;
    }
    return here(p) == ']' && ++p->at;
}

/* Behind "(prompt" or "[prompt". */
static bool parse_group(struct parser *p, struct lk__node *node)
{
    node->kind = LK__NODE_GROUP;
    if (node->open == '(' && here(p) == ':') {
        p->at++;
        node->children->next = parse_sequence(p);
    }
    return here(p) == (node->open == '(' ? ')' : ']') && ++p->at;
}

/* At a bracket; NULL when none begins here: then p->at is where it was. */
static struct lk__node *parse_construct(struct parser *p)
{
    const size_t from = p->at;
    struct lk__node *node = NULL;
    bool fits = false;
    if (!p->failed[from] && p->depth < MAX_DEPTH && (node = new_node(p, LK__NODE_GROUP))) {
        p->depth++;
        node->open = p->text[p->at++];
        node->children = parse_sequence(p);
        if (p->is_full)
            fits = false;
        else if (node->open == '[' && here(p) == ':')
            fits = parse_scheduled(p, node);
        else if (node->open == '[' && here(p) == '|')
            fits = parse_alternate(p, node);
        else
            fits = parse_group(p, node);
        p->depth--;
    }
    if (fits)
        return node;
    p->failed[from] = 1;
    p->at = from;
    return NULL;
}

/* A sequence of sequences and single signs; NULL when a sign is in no rule. */
static struct lk__node *parse_start(struct parser *p)
{
    struct lk__node *root = new_node(p, LK__NODE_SEQUENCE);
    if (!root)
        return NULL;
    for (struct lk__node **end = &root->children;; p->at++) {
        if (!(*end = parse_sequence(p)) || p->at == p->size)
            return root;
        end = &(*end)->next;
        if (here(p) == '|' || here(p) == '\\')
            return NULL;
        if (!(*end = text_node(p, p->at, p->at + 1)))
            return root;
        end = &(*end)->next;
    }
}

struct lk__node *lk__prompt_tree(const char *text, size_t size, lk_arena *arena)
{
    struct parser p = {.text = text, .size = size, .arena = arena};
    p.failed = lk_arena_alloc(arena, size + 1, 1);
    if (!p.failed)
        return NULL;
    struct lk__node *root = parse_start(&p);
    if (!root && !p.is_full && (root = new_node(&p, LK__NODE_SEQUENCE)))
        root->children = text_node(&p, 0, size);
    return p.is_full ? NULL : root;
}

/* ---- steps ---- */

int lk__node_when(const struct lk__node *node, int steps, int before)
{
    double when = node->is_fraction ? (node->when - (before > 0)) * steps : node->when - before;
    return when >= steps ? steps : when >= 1 ? (int)when : 0;
}

static const struct lk__node *nth(const struct lk__node *node, size_t n)
{
    for (; n > 0 && node->next; n--)
        node = node->next;
    return node;
}

/* The child of an alternate whose turn it is. */
static const struct lk__node *in_turn(const struct lk__node *node, int step)
{
    size_t n = 1;
    for (const struct lk__node *child = node->children; child->next; child = child->next)
        n++;
    return nth(node->children, (size_t)(step - 1) % n);
}

char *lk__node_text(const struct lk__node *node, int step, int steps, int before, char *to)
{
    switch (node->kind) {
    case LK__NODE_TEXT:
        memcpy(to, node->text, node->length);
        return to + node->length;
    case LK__NODE_SCHEDULED:
        node = nth(node->children, step > lk__node_when(node, steps, before));
        return lk__node_text(node, step, steps, before, to);
    case LK__NODE_ALTERNATE:
        return lk__node_text(in_turn(node, step), step, steps, before, to);
    case LK__NODE_GROUP:
        *to++ = node->open;
        to = lk__node_text(node->children, step, steps, before, to);
        if (node->children->next) {
            *to++ = ':';
            to = lk__node_text(node->children->next, step, steps, before, to);
        }
        *to++ = node->open == '(' ? ')' : ']';
        return to;
    case LK__NODE_SEQUENCE:
        for (node = node->children; node; node = node->next)
            to = lk__node_text(node, step, steps, before, to);
        return to;
    }
    return to;
}

void lk__node_changes(const struct lk__node *node, int steps, int before, bool *changes)
{
    if (node->kind == LK__NODE_SCHEDULED)
        changes[lk__node_when(node, steps, before)] = true;
    if (node->kind == LK__NODE_ALTERNATE)
        memset(changes, true, (size_t)steps + 1);
    for (const struct lk__node *child = node->children; child; child = child->next)
        lk__node_changes(child, steps, before, changes);
}
