// SPDX-License-Identifier: Apache-2.0
/* The marks in the pixels of what leaves: visible, hidden, and that of another program. */
#ifndef LK_PIPELINE_MARKS_H
#define LK_PIPELINE_MARKS_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Before any work: opens the key and what else the marks of this request need. */
int lk__marks_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err);

/* A copy with the hidden mark alone, for --debug; without where it is too small for it. */
int lk__marks_debug(const struct lk_picture *picture,
                    const struct lk_key *key,
                    struct lk_picture **out,
                    struct lk_error *err);

/* The same, hatched all over: a preview is no picture. */
int lk__marks_preview(const struct lk_picture *picture,
                      const struct lk_key *key,
                      struct lk_picture **out,
                      struct lk_error *err);

/* Chooses the hidden mark's id of a picture, and makes the picture that may leave: `marked`. */
int lk__marks_write(const lk_engine *engine,
                    const struct lk_request *request,
                    const struct lk_watch *watch,
                    struct lk__picture_report *picture,
                    struct lk_error *err);
/* Remarks on pictures that have none. */
void lk__marks_remark(lk_result *result);

#endif
