// SPDX-License-Identifier: Apache-2.0
/* Our own operators as ONNX Runtime sees them: the domain `likeness`, whose kernels are nodes of
 * the likeness lowering. One for each session, which must be freed before it. */
#ifndef LK_RUNTIME_OPERATORS_H
#define LK_RUNTIME_OPERATORS_H

#include <onnxruntime_c_api.h>

#include "base/hands.h"
#include "runtime/graph/node.h"

struct lk__operators;

/* Takes the nodes over on success (they are emptied). hands: as many as the engine's pool has
 * threads; all_held: whoever runs the session holds all of them, else at least one. */
int lk__operators_new(const OrtApi *api,
                      struct lk__nodes *nodes,
                      lk_hands *hands,
                      bool all_held,
                      struct lk__operators **out,
                      struct lk_error *err);
void lk__operators_free(struct lk__operators *operators); /* NULL is fine */
/* Makes sessions of these options know the domain. */
int lk__operators_apply(struct lk__operators *operators,
                        OrtSessionOptions *options,
                        struct lk_error *err);

#endif
