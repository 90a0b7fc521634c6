// SPDX-License-Identifier: Apache-2.0
/* What every operator that the engine does not know itself answers alike. */
#ifndef LK_RUNTIME_CUSTOM_OP_H
#define LK_RUNTIME_CUSTOM_OP_H

#include <onnxruntime_c_api.h>

/* On the CPU; one output; no shapes told ahead, nothing computed in place. The engine calls all of
 * its members, so all are set but those that make an operator: name, inputs, types, kernel. */
OrtCustomOp lk__custom_op(void);

#endif
