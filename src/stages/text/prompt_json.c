// SPDX-License-Identifier: Apache-2.0
/* A tree of the grammar as JSON, for whoever wants to see how a prompt is read:
 *
 *     "text"
 *     {"emphasis": "()", "weight": "1.3", "of": [node, …]}      weight: as it is written, if it is
 *     {"until": 0.5, "share": true, "of": [node, …], "then": [node, …]}   share of the steps, or
 *                                                               share false: the last step before
 *     {"in_turn": [[node, …], [node, …], …]} */
#include "stages/text/prompt_tree.h"

static json_t *node_json(const struct lk__node *node);

/* Adds node and those after it; sequences inside of a sequence are no lists of their own. */
static int add_nodes(json_t *list, const struct lk__node *node)
{
    int failed = !list;
    for (; node && !failed; node = node->next)
        failed = node->kind == LK__NODE_SEQUENCE ? add_nodes(list, node->children)
                                                 : json_array_append_new(list, node_json(node));
    return failed;
}

json_t *lk__prompt_tree_json(const struct lk__node *sequence)
{
    json_t *list = json_array();
    if (!add_nodes(list, sequence->children))
        return list;
    json_decref(list);
    return NULL;
}

static json_t *alternate_json(const struct lk__node *first)
{
    json_t *list = json_array();
    int failed = !list;
    for (const struct lk__node *node = first; node && !failed; node = node->next)
        failed = json_array_append_new(list, lk__prompt_tree_json(node));
    if (!failed)
        return json_pack("{s:o}", "in_turn", list);
    json_decref(list);
    return NULL;
}

static json_t *group_json(const struct lk__node *node)
{
    const struct lk__node *after = node->children->next, *weight = after ? after->children : NULL;
    json_t *of = lk__prompt_tree_json(node->children);
    json_t *out = json_pack("{s:s,s:o}", "emphasis", node->open == '(' ? "()" : "[]", "of", of);
    if (out && weight && !weight->next && weight->kind == LK__NODE_TEXT)
        json_object_set_new(out, "weight", json_stringn(weight->text, weight->length));
    return out;
}

static json_t *node_json(const struct lk__node *node)
{
    switch (node->kind) {
    case LK__NODE_GROUP:
        return group_json(node);
    case LK__NODE_SCHEDULED:
        return json_pack("{s:f,s:b,s:o,s:o}", "until", node->when, "share", (int)node->is_fraction,
                         "of", lk__prompt_tree_json(node->children), "then",
                         lk__prompt_tree_json(node->children->next));
    case LK__NODE_ALTERNATE:
        return alternate_json(node->children);
    case LK__NODE_SEQUENCE:
    case LK__NODE_TEXT:
        break;
    }
    return json_stringn(node->text, node->length);
}
