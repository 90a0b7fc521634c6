// SPDX-License-Identifier: Apache-2.0
/* Where the policy looks: at the request before anything is computed, at each face before it is
 * given another, at each picture before it may leave. docs/policy.md, docs/forensics.md. */
#ifndef LK_PIPELINE_POLICY_H
#define LK_PIPELINE_POLICY_H

#include "data/identity.h"
#include "pipeline/engine.h"
#include "pipeline/result.h"

/* Opens the rules, screens the request, and opens the networks that judge. LK_E_REFUSED names the
 * rule and the remedy; a warning becomes a remark. */
int lk__policy_request(lk_engine *engine, lk_result *result, struct lk_error *err);

/* Whether somebody who looks so old is surely a child, for rule child-face; years 0: nobody knows.
 */
bool lk__policy_is_child(const lk_engine *engine, float years);

/* How old the person looks whose photo shows these faces, into identity->years. LK_E_REFUSED for a
 * child where the request asks for sexual content. */
int lk__policy_person(lk_engine *engine,
                      const struct lk_picture *photo,
                      const struct lk_face *faces,
                      size_t n,
                      const struct lk_watch *watch,
                      struct lk_identity *identity,
                      struct lk_error *err);

/* Before face i of the picture gets that identity: LK_E_REFUSED when one is a child's and the other
 * a grown person's; a drawn face may get a grown person's. */
int lk__policy_swap(lk_engine *engine,
                    struct lk__picture_report *picture,
                    size_t i,
                    const struct lk_identity *identity,
                    const struct lk_watch *watch,
                    struct lk_error *err);

/* Judges finished picture i: scores go into its report, what may not leave is marked so. */
int lk__policy_picture(lk_engine *engine,
                       lk_result *result,
                       size_t i,
                       const struct lk_watch *watch,
                       struct lk_error *err);
/* Remarks on the scores of all pictures of which the rules warn. */
void lk__policy_remark(const lk_engine *engine, lk_result *result);

/* May an unfinished picture be shown? No where the finished one would be refused as it is, or where
 * that cannot be judged. */
bool lk__policy_lets_preview(const lk_engine *engine, const struct lk_picture *preview);

/* LK_E_REFUSED when the picture may not leave. */
int lk__policy_release(const struct lk__picture_report *picture, struct lk_error *err);

/* What the audit says of a picture: {"rules": sha256, "levels": {…}, "hits": […], "nsfw"}. */
json_t *lk__policy_record(const lk_result *result, const struct lk__picture_report *picture);

#endif
