// SPDX-License-Identifier: Apache-2.0
/* From prompts to what the drawer is conditioned on, step by step. */
#ifndef LK_PIPELINE_DRAWING_CONDITIONS_H
#define LK_PIPELINE_DRAWING_CONDITIONS_H

#include "base/arena.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

struct lk__conditions {
    struct lk_conditioning value; /* points to what follows */
    lk_arena *arena;
    struct lk_text_states *texts; /* [count] one for each different text */
    size_t count;
};

/* The prompt and, where it is needed, the request's negative one by that painter's text encoder;
 * steps: that are taken. Remarks go to result. */
int lk__conditions_make(const struct lk__painter *painter,
                        const struct lk_inversions *inversions,
                        const char *prompt,
                        int steps,
                        const struct lk_watch *watch,
                        lk_result *result,
                        struct lk__conditions *out,
                        struct lk_error *err);
void lk__conditions_close(struct lk__conditions *conditions); /* a zeroed one is fine */

/* The steps that a request takes, at least 1: its own, or the model's (entry may be NULL). */
int lk__request_steps(const struct lk_request *request, const struct lk_model_entry *entry);

/* The textual inversions that a request may name: those of --inversion, and of the folders
 * `inversions` in and beside the model folders those whose file name its prompts hold. */
int lk__inversions_open(const lk_catalog *catalog,
                        const struct lk_request *request,
                        struct lk_inversions *out,
                        struct lk_error *err);
void lk__inversions_close(struct lk_inversions *inversions);

#endif
