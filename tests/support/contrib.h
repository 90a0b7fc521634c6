// SPDX-License-Identifier: Apache-2.0
/* The fused lowering on the CPU. ONNX Runtime's CPU provider has MultiHeadAttention, but not the
 * convolutions, norms and sums that its CUDA provider has in the domain com.microsoft. They stand
 * here in plain loops, as their documentation says (docs/ContribOperators.md of ONNX Runtime), in
 * f32 and f16, so that fused graphs run in its own engine, whose types and schemas they must fit.
 */
#ifndef TESTS_SUPPORT_CONTRIB_H
#define TESTS_SUPPORT_CONTRIB_H

#include "runtime/session.h"

/* Lowers the graph to fused operators, in f16 between the ports where halves, and runs it once, as
 * lk_session_run does. Fails the test where the engine refuses. */
void contrib_run(const lk_graph *graph,
                 bool halves,
                 size_t n_in,
                 const char *const *in_names,
                 const struct lk_array *inputs,
                 const char *out_name,
                 struct lk_array *output);

/* How many nodes of that type a fused lowering of the graph has. */
size_t contrib_count(const lk_graph *graph, const char *type);

#endif
