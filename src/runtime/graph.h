// SPDX-License-Identifier: Apache-2.0
/* A network being written, in abstract operators.
 *
 * Stages describe a network once with the calls below; `lower.h` turns it into plain ONNX (the
 * reference, runs on every provider), for the CPU into our own operators (docs/performance.md), or
 * for GPUs into ONNX Runtime's fused ones (docs/runtime.md).
 * Weights are not copied here: they stay pointers into the user's checkpoint.
 *
 * Errors stick, as in cairo: after the first one every call returns LK_NO_VALUE and does nothing,
 * so that a builder reads like the network's equations; lk_graph_status() tells at the end. A
 * missing weight (tensor NULL) is such an error, with the name last given to lk_graph_at(); how
 * many more are missing is counted. Activations are f32; weights may be F32, F16, BF16, F8 and are
 * upcast where they are used. */
#ifndef LK_RUNTIME_GRAPH_H
#define LK_RUNTIME_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/tensor_file.h"

typedef struct lk_graph lk_graph;
typedef int32_t lk_value; /* an index into the graph's values */

#define LK_NO_VALUE ((lk_value)-1)
#define LK_DYNAMIC ((int64_t)-1)

int lk_graph_new(const char *name, lk_graph **out, struct lk_error *err);
void lk_graph_free(lk_graph *graph);
int lk_graph_status(const lk_graph *graph, struct lk_error *err);

/* What the graph gives for less memory; the numbers it computes stay the same. Our own kernels need
 * no parts, and do not stream: a graph that does is plain ONNX.
 *   parts    above 1: each attention is computed for so many parts of the queries, one after the
 *            other, so that its scores take 1/parts of the room
 *   streams  weights stay in their file and are upcast each time they are used, instead of once for
 *            all when the network is loaded */
struct lk_graph_thrift {
    int parts;
    bool streams;
};
void lk_graph_save(lk_graph *graph, struct lk_graph_thrift thrift);

/* Whether what is built from now on stands rounding: where the runtime is asked to (`numbers` of
 * lk_runtime_options), its convolutions, linear layers and attentions are computed in fewer
 * bits. */
void lk_graph_round(lk_graph *graph, bool rounds);

/* The network's numbers leave the range of f16: a GPU computes it in f32, too. */
void lk_graph_widen(lk_graph *graph);

/* The network runs many times at the same sizes, by lk_repeated_run: a GPU may capture its runs. */
void lk_graph_repeat(lk_graph *graph);

/* Names what is being built, for errors and for the names of nodes: lk_graph_at(g,
 * "down_blocks.%d.resnets.%d", i, j). */
void lk_graph_at(lk_graph *graph, const char *format, ...) LK_PRINTF(2, 3);

/* dims[rank]; LK_DYNAMIC where the size is known only at run time. dtype LK_F32, LK_I64 or LK_I32.
 */
lk_value lk_graph_input(
    lk_graph *graph, const char *name, enum lk_dtype dtype, int rank, const int64_t *dims);
void lk_graph_output(lk_graph *graph, const char *name, lk_value value);

/* A weight in the user's file (kept by pointer: the file must outlive sessions made of the graph).
 * With a shape given (rank > 0) the tensor must have as many elements: [C,C,1,1] serves as [C,C].
 */
lk_value lk_graph_weight(lk_graph *graph,
                         const struct lk_tensor *tensor,
                         int rank,
                         const int64_t *shape);
/* The weights of the graph one by one: *cursor begins at 0; NULL behind the last. */
const struct lk_tensor *lk_graph_next_weight(const lk_graph *graph, size_t *cursor);
lk_value lk_graph_constant(lk_graph *graph,
                           int rank,
                           const int64_t *shape,
                           const float *values); /* copied */

/* x [N,C,H,W], w [O,I,k,k], b [O] or LK_NO_VALUE for none. pad: top, left, bottom, right. */
lk_value lk_graph_conv(
    lk_graph *graph, lk_value x, lk_value w, lk_value b, int kernel, int stride, const int pad[4]);
/* x […,I], w [O,I] (torch's layout), b [O] or LK_NO_VALUE → […,O] */
lk_value lk_graph_linear(lk_graph *graph, lk_value x, lk_value w, lk_value b);
/* x [N,T,C], w [S,T] → w·x [N,S,C] */
lk_value lk_graph_mix_tokens(lk_graph *graph, lk_value x, lk_value w);
/* x [N,C,H,W] → same; gamma, beta [C] */
lk_value lk_graph_group_norm(
    lk_graph *graph, lk_value x, lk_value gamma, lk_value beta, int groups, float epsilon);
/* x [N,T,C] over C */
lk_value lk_graph_layer_norm(
    lk_graph *graph, lk_value x, lk_value gamma, lk_value beta, float epsilon);
/* q [N,T,heads·d], k, v [N,S,heads·d] → [N,T,heads·d]: softmax(q·kᵀ/√d)·v per head; causal: t sees
 * s ≤ t only */
lk_value lk_graph_attention(
    lk_graph *graph, lk_value q, lk_value k, lk_value v, int heads, int head_size, int causal);

/* x·σ(x); erf form; x·σ(1.702x); tanh x */
enum lk_activation { LK_SILU, LK_GELU, LK_QUICK_GELU, LK_TANH };
lk_value lk_graph_activation(lk_graph *graph, lk_value x, enum lk_activation activation);
/* x […,2C] → a·gelu(b), a the first half */
lk_value lk_graph_geglu(lk_graph *graph, lk_value x);
lk_value lk_graph_add(lk_graph *graph, lk_value a, lk_value b); /* numpy broadcasting */
lk_value lk_graph_mul(lk_graph *graph, lk_value a, lk_value b);
lk_value lk_graph_scale(lk_graph *graph, lk_value x, float factor);
lk_value lk_graph_concat(lk_graph *graph, lk_value a, lk_value b, int axis);
lk_value lk_graph_slice(lk_graph *graph, lk_value x, int axis, int64_t from, int64_t to);
lk_value lk_graph_clip(lk_graph *graph, lk_value x, float low, float high);
/* x [N,C,H,W] → [N,C,2H,2W], nearest */
lk_value lk_graph_upsample2(lk_graph *graph, lk_value x);
/* The same, cut to the H, W of `like` [N,*,2H or 2H−1,2W or 2W−1]: undoes a halving that rounded
 * up. */
lk_value lk_graph_upsample2_like(lk_graph *graph, lk_value x, lk_value like);
/* [N,C,H,W] → [N,H·W,C] and back to the H, W of `like` [N,*,H,W] */
lk_value lk_graph_tokens_of_image(lk_graph *graph, lk_value x);
lk_value lk_graph_image_of_tokens(lk_graph *graph, lk_value tokens, lk_value like);
/* [N,C] → [N,C,1,1] */
lk_value lk_graph_as_pixels(lk_graph *graph, lk_value x);
/* ids [N,T] i64, table [V,C] → [N,T,C] */
lk_value lk_graph_gather(lk_graph *graph, lk_value table, lk_value ids);
/* Tokens that say nearly the same, merged (Bolya & Hoffman 2023, arXiv 2303.17604). x [N,H·W,C] →
 * to [N,H·W] i64, the row 0 … H·W−merged−1 that each token goes to: the upper left one of every 2×2
 * keeps a row, and so do the others, but for the `merged` ones of them that are nearest, by cosine,
 * to one of the former; they go to its row. */
lk_value lk_graph_match_tokens(
    lk_graph *graph, lk_value x, int64_t height, int64_t width, int64_t merged);
/* x [N,T,C], to [N,T] → [N,rows,C]: row j is the mean of the tokens that go to it */
lk_value lk_graph_merge_tokens(lk_graph *graph, lk_value x, lk_value to, int64_t rows);
/* x [N,rows,C], to [N,T] → [N,T,C]: each token is the row that it went to */
lk_value lk_graph_spread_tokens(lk_graph *graph, lk_value x, lk_value to);
/* timestep [N] f32 → [N,size]: cosines first, then sines, frequencies exp(−ln(10000)·i/(size/2)) */
lk_value lk_graph_time_embedding(lk_graph *graph, lk_value timestep, int size);

#endif
