// SPDX-License-Identifier: Apache-2.0
/* The nodes that the likeness lowering makes: what a kernel of src/kernels/ needs beside the arrays
 * that flow, kept outside of the ONNX model, which only says how nodes are wired. A node of the
 * model carries its index in this list.
 *
 * Weights are values of the graph until lk__nodes_pack has read them; then graph and weights in
 * memory may go. */
#ifndef LK_RUNTIME_GRAPH_NODE_H
#define LK_RUNTIME_GRAPH_NODE_H

#include "kernels/kernels.h"
#include "runtime/graph/internal.h"
#include "runtime/graph/packs.h"

/* The arrays that flow into a node, in this order where given: f32; pictures NHWC. */
enum lk__role {
    LK__ROLE_X,     /* of attention the queries */
    LK__ROLE_KEY,   /* attention */
    LK__ROLE_VALUE, /* attention */
    LK__ROLE_LIKE,  /* a picture of the size that a doubled one is cut to */
    LK__ROLE_SHIFT, /* [N,C], see struct lk_epilogue */
    LK__ROLE_PLUS,  /* of the result's shape */
    LK__ROLE_COUNT
};

enum lk__node_kind { LK__CONVOLUTION, LK__ATTEND, LK__NORM_GROUPS, LK__NORM_ROWS, LK__KIND_COUNT };

struct lk__node {
    enum lk__node_kind kind;
    const char *at;             /* what it is in the network; owned by the list */
    int roles[LK__ROLE_COUNT];  /* number of the input, or −1 */
    lk_value w, b, gamma, beta; /* values of the graph, or LK_NO_VALUE */
    enum lk_numbers numbers;    /* of the weights */
    struct lk_panels panels, gate;
    float *vectors[2]; /* bias and bias of the gate, or gamma and beta; malloc'd */
    int linear;        /* x is […,C]; else a picture */
    int gated;         /* w holds values, then gates */
    int kernel, stride, pad[4], doubled, relu;
    int heads, head_size, causal, rounds;
    size_t width; /* of gamma */
    int groups, silu;
    float epsilon;
};

struct lk__nodes {
    const struct lk_kernels *kernels;
    struct lk__packs *packs; /* panels that are kept on disk; or NULL */
    enum lk_numbers numbers; /* what products that stand it are computed in */
    struct lk__node *list;
    size_t count, capacity;
};

void lk__nodes_free(struct lk__nodes *nodes);
/* A zeroed node at the end, with no roles and no values; NULL: no memory. Valid until the next. */
struct lk__node *lk__nodes_add(struct lk__nodes *nodes, enum lk__node_kind kind, const char *at);
/* What the value is computed in, where `wanted` is asked for. */
enum lk_numbers lk__numbers_of(const struct lk__value *value, enum lk_numbers wanted);
/* Whether some of the graph stands rounding; what that is computed in. */
bool lk__graph_rounds(const lk_graph *graph);
enum lk_numbers lk__graph_numbers(const lk_graph *graph, enum lk_numbers wanted);
/* Bytes that the graph's weights take when products have theirs packed; plain: bytes as f32. */
size_t lk__packed_bytes(const struct lk_kernels *kernels,
                        enum lk_numbers numbers,
                        const lk_graph *graph,
                        size_t plain);
/* Packs all weights, in as many threads; what is kept at the place (NULL: nothing) is taken from
 * there, and what is not yet begins to be written. */
int lk__nodes_pack(struct lk__nodes *nodes,
                   const lk_graph *graph,
                   int threads,
                   const struct lk__pack_place *place,
                   struct lk_error *err);

#endif
