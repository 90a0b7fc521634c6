// SPDX-License-Identifier: Apache-2.0
/* How a request's prompts are read, for people: their tree, which text holds in which steps, and
 * the chunks of tokens that each becomes. */
#ifndef LK_PIPELINE_DRAWING_EXPLAIN_H
#define LK_PIPELINE_DRAWING_EXPLAIN_H

#include "base/error.h"
#include <likeness/request.h>

/* Lines, malloc'd. Of the model only the tokenizer is used; where no model is installed and none is
 * named, CLIP's. */
int lk_explain(const struct lk_request *request, char **out, struct lk_error *err);

#endif
