// SPDX-License-Identifier: Apache-2.0
/* What the licences of models say of a picture that they made. */
#ifndef LK_PIPELINE_LICENCES_H
#define LK_PIPELINE_LICENCES_H

#include "pipeline/engine.h"
#include "pipeline/result.h"

/* One remark that names the models of the run whose licences forbid commercial use; none when there
 * are none. */
void lk__remark_licences(const lk_engine *engine, lk_result *result);

#endif
