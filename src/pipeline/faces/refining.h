// SPDX-License-Identifier: Apache-2.0
/* What is done to one face of a picture: swap ▶ restore ▶ fit ▶ grain ▶ verify, and again in
 * another way when it comes out badly. */
#ifndef LK_PIPELINE_REFINING_H
#define LK_PIPELINE_REFINING_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Whether the request's faces keep their identity and become clear: the restore task, and
 * --refine restore. */
bool lk__only_restores(const struct lk_request *request);

/* Opens the networks that the request's faces need, beside detector and embedder. LK_E_INPUT for
 * mask options that make no sense. */
int lk__refining_open(lk_engine *engine, const struct lk_request *request, struct lk_error *err);

/* Whose face it shall be. */
struct lk__refining_wish {
    const struct lk_identity *identity; /* with `own`: the face's, to compare with */
    bool own;                           /* it is only to become clearer: a restorer's work, or where
                                           there is none a swap by its own identity */
    bool asked;                         /* by somebody: done even where the verdict is bad */
};

/* Refines face i into report->picture (of that result), whose pixels change only under its mask. An
 * identity that was asked for is given even when the verdict is bad, which the report and a remark
 * then say; a face that nobody asked for changes only when the result passes. */
int lk__refine_face(lk_engine *engine,
                    lk_result *result,
                    const struct lk__refining_wish *wish,
                    const struct lk_watch *watch,
                    struct lk__picture_report *report,
                    size_t i,
                    struct lk_error *err);

#endif
