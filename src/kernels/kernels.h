// SPDX-License-Identifier: Apache-2.0
/* The operators in which diffusion spends its time, for CPUs: arrays that flow are f32, weights are
 * f32, bf16 or int8.
 *
 * One table of functions per instruction set, made of one source (isa/), chosen at run time; and
 * `reference`, plain C to read and to test against. Pictures are NHWC: the numbers of a pixel lie
 * together, so that a linear layer is a 1×1 convolution of one long row.
 *
 * Products take their weights packed, as panels of 3 vectors of columns, each [K][width]: what the
 * innermost loop reads is one stream. Sizes of zero are not allowed. Nothing here needs alignment
 * of what the caller gives. Thread-safe: all state is in the arguments. */
#ifndef LK_KERNELS_KERNELS_H
#define LK_KERNELS_KERNELS_H

#include <stddef.h>

struct lk_workspace;

/* Who computes: run calls task(what, i) for every i < n, in any order, in any threads, and returns
 * when all are done. */
struct lk_workers {
    void (*run)(void *user, size_t n, void (*task)(void *what, size_t i), void *what);
    void *user;
    int threads;                    /* how many tasks run at the same time, about */
    struct lk_workspace *workspace; /* memory between the passes of an operator */
};
/* Runs everything where it is called; the workspace is to be set. */
void lk_workers_alone(struct lk_workers *out);

/* Blocks of memory that are kept for the next that asks. Thread-safe. */
struct lk_workspace *lk_workspace_new(void);                           /* NULL: no memory */
void lk_workspace_free(struct lk_workspace *workspace);                /* NULL is fine */
void *lk_workspace_take(struct lk_workspace *workspace, size_t bytes); /* 64-aligned, or NULL */
void lk_workspace_give(struct lk_workspace *workspace, void *block);   /* NULL is fine */

/* What products are computed in. int8: weights are whole numbers −127 … 127 times a scale of their
 * column, and so is what they are multiplied with, rounded on the way in, times a scale of its row;
 * both scales are of at most LK_INT8_BLOCK channels of one tap, whose products add up as 32-bit
 * integers. bf16: both factors are rounded to 8 bits, and keep their exponent. Every table rounds
 * alike, so that they differ by the rounding of f32 only; but where a table takes Winograd's way
 * (bf16 without AMX; int8 without VNNI), weights alone are rounded. */
enum lk_numbers { LK_NUMBERS_F32, LK_NUMBERS_BF16, LK_NUMBERS_INT8, LK_NUMBERS_COUNT };
#define LK_INT8_BLOCK 320
const char *lk_numbers_name(enum lk_numbers numbers); /* "f32", … */

/* A matrix [k,n], packed for the table that will use it (src/kernels/layout.h). LK_PANELS_LAYOUT:
 * counts the changes of what packing makes, for those who keep it on disk. */
#define LK_PANELS_LAYOUT 1
struct lk_panels {
    void *data; /* lk_panels_bytes() of them, no pointers; owned, free with lk_panels_free */
    size_t k, n;
    enum lk_numbers numbers;
    int lent; /* data is somebody else's */
};
void lk_panels_free(struct lk_panels *panels);

/* What happens to the sums of a convolution before they are stored:
 *   y = sum + bias[n] + shift[image][n] + plus[pixel][n]; each may be NULL. */
struct lk_epilogue {
    const float *bias;  /* [n] */
    const float *shift; /* [images,n] */
    const float *plus;  /* [images,out_height,out_width,n] */
    int relu;           /* then negative numbers become 0 */
};

/* y [images,out_height,out_width,n] = x [images,height,width,channels] * w. Pixel (i,j) of y sees
 * x at (i·stride + a − top, j·stride + b − left), 0 ≤ a,b < kernel; outside lie zeros. `doubled`: x
 * is seen as if every pixel were four (nearest ×2), cut to seen_height × seen_width. */
struct lk_convolution {
    const float *x;
    size_t images, height, width, channels;
    int kernel, stride, top, left;
    int doubled;
    size_t seen_height, seen_width; /* as it is seen: height and width where not doubled */
    size_t out_height, out_width;
    const struct lk_panels *w;    /* [kernel·kernel·channels, n] */
    const struct lk_panels *gate; /* NULL; or like w: y = value·gelu(gate), of a linear layer */
    const float *gate_bias;       /* [n] or NULL */
    struct lk_epilogue epilogue;
    float *y;
};
/* A linear layer: y [rows,n] = x [rows,k] · w. The rest is to be filled in. */
struct lk_convolution lk_linear(const float *x, size_t rows, const struct lk_panels *w, float *y);

/* y [images,queries,heads·size] = softmax(q·kᵀ/√size)·v per head; q like y, k and v
 * [images,keys,heads·size]; causal: query t sees keys up to t only; rounds: may be computed in
 * bf16, where that is quicker */
struct lk_attention {
    const float *q, *k, *v;
    size_t images, queries, keys, heads, size;
    int causal, rounds;
    float *y;
};

/* y = γ·(x − μ)/√(σ² + ε) + β, then y·σ(y) where silu; x, y [images,pixels,channels], mean and
 * variance over each group of channels and all pixels; γ, β [channels] */
struct lk_group_norm {
    const float *x;
    size_t images, pixels, channels, groups;
    const float *gamma, *beta;
    float epsilon;
    int silu;
    float *y;
};

/* The same over each row of x, y [rows,channels] */
struct lk_layer_norm {
    const float *x;
    size_t rows, channels;
    const float *gamma, *beta;
    float epsilon;
    float *y;
};

/* Functions return 0, or −1 when there is no memory. */
struct lk_kernels {
    const char *name;
    size_t lanes; /* f32 in a vector; a panel has 3·lanes columns */
    struct {
        size_t group; /* weights of a column that lie together */
        int origin;   /* is added to what is multiplied with them: 128 makes it unsigned */
    } int8;
    int (*convolve)(const struct lk_convolution *c, const struct lk_workers *workers);
    int (*attend)(const struct lk_attention *a, const struct lk_workers *workers);
    int (*group_norm)(const struct lk_group_norm *g, const struct lk_workers *workers);
    int (*layer_norm)(const struct lk_layer_norm *l, const struct lk_workers *workers);
    /* out [count] of halves that lie at any address. */
    void (*widen)(const void *halves, size_t count, float *out);
    /* Multiplies and adds in registers, nothing else, and says how many operations that were: what
     * this instruction set can do at most, for bench/. NULL: of no interest. */
    double (*saturate)(enum lk_numbers numbers, size_t rounds);
};

/* Tables that work on this processor, best first; `reference` comes last. */
#define LK_KERNELS_MAX 8
size_t lk_kernels_all(const struct lk_kernels *out[LK_KERNELS_MAX]);
const struct lk_kernels *lk_kernels_best(void);

/* One row of weights as f32: numbers [k] of column n, in torch's order. */
typedef int lk_row_of(void *user, size_t n, float *numbers);

/* Packs [n,channels,kernel,kernel] (kernel 1: [n,k]). 0; −1: no memory; or what row_of returned. */
int lk_panels_pack(const struct lk_kernels *kernels,
                   enum lk_numbers numbers,
                   size_t n,
                   size_t channels,
                   int kernel,
                   lk_row_of *row_of,
                   void *user,
                   struct lk_panels *out);
/* Bytes that packing takes. */
size_t lk_panels_bytes(const struct lk_kernels *kernels,
                       enum lk_numbers numbers,
                       size_t n,
                       size_t channels,
                       int kernel);

#endif
