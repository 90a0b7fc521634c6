// SPDX-License-Identifier: Apache-2.0
/* How a request's prompts are read: their tree, which text holds in which steps, and the chunks of
 * tokens that each becomes.
 *
 *     {"steps": 4, "prompt": {"loras": [{"name", "unet", "text"}, …], "parts": [part, …]},
 *      "negative": {the same}}                       negative: where the request has one
 *     part   {"weight": 1.0, "tree": [node, …], "texts": [text, …]}     node: prompt_json.c
 *     text   {"from": 1, "to": 2, "text": "a (red hair:1.4) woman", "chunks": [[run, …], …]}
 *     "images": [{"adapter": …, "kind": …, "family": …, "tokens": 4, "of": "a.png", "weight": 0.8,
 *       "from": 1, "to": 20}, …]                    where the request has some; to < from: in no
 * step run    {"tokens": 2, "weight": 1.4, "embedding": "name"}   embedding: where it is one's */
#ifndef LK_PIPELINE_DRAWING_EXPLAIN_H
#define LK_PIPELINE_DRAWING_EXPLAIN_H

#include <jansson.h>

#include "base/error.h"
#include <likeness/request.h>

/* A new object. Of the model only the tokenizer is used; where no model is installed and none is
 * named, CLIP's. */
int lk_explain(const struct lk_request *request, json_t **out, struct lk_error *err);

/* The same as lines for people (explain_text.c), malloc'd. */
int lk_explain_text(const json_t *explanation, char **out, struct lk_error *err);

#endif
