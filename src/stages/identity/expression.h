// SPDX-License-Identifier: Apache-2.0
/* What a face expresses, by networks trained on FER2013: 64² of the face's box, grey → a number per
 * expression. docs/identity.md has the families. */
#ifndef LK_STAGES_IDENTITY_EXPRESSION_H
#define LK_STAGES_IDENTITY_EXPRESSION_H

#include "base/error.h"
#include "base/watch.h"
#include "data/face.h"
#include "data/picture.h"
#include "runtime/session.h"

typedef struct lk_expression lk_expression;

/* family: "ferplus" or "mini-xception", preferred where the file keeps its contract; else told by
 * the number of expressions. The runtime must outlive it. LK_E_INPUT when the file is another kind
 * of network, or the family is not known. */
int lk_expression_open(lk_runtime *runtime,
                       const char *family,
                       const char *path,
                       const char *device,
                       lk_expression **out,
                       struct lk_error *err);
void lk_expression_free(lk_expression *expression); /* NULL is fine */

/* picture: u8 or f32. *name: "neutral", "happy", "surprised", "sad", "angry", "disgusted", "afraid"
 * or "contemptuous", a constant; *score: its probability, 0…1. Thread-safe. */
int lk_face_expression(const lk_expression *expression,
                       const struct lk_picture *picture,
                       const struct lk_face *face,
                       const struct lk_watch *watch,
                       const char **name,
                       float *score,
                       struct lk_error *err);

#endif
