// SPDX-License-Identifier: Apache-2.0
/* ΔW of one module, and W' = W + weight·scale·ΔW. In f32, W as a matrix [rows, columns], the
 * columns of a convolution being inputs·kernel, the kernel fastest.
 *
 *   low rank   up·down                               up [rows,r], down [r,columns] (Hu et al. 2021)
 *     Tucker   up·(mid ×₂ down)                      mid [r,q,kernel], down [q,inputs]
 *   LoHa       (w1_a·w1_b) ⊙ (w2_a·w2_b)             each product may be Tucker's; then its a is
 *                                                    transposed (LyCORIS, Yeh et al. 2023)
 *   LoKr       w1 ⊗ w2                               w1, w2 whole or products
 *   full       diff
 *   IA3        W ⊙ w                                 w per output or per input
 *
 * DoRA (Liu et al. 2024) takes V = W + scale·ΔW to lengths m that the file gives, and then
 * W' = W + weight·(m·V/‖V‖ − W). Programs disagree on the axis and on weights other than 1: the
 * axis is the one that m's shape says, the weight acts as in ComfyUI.
 *
 * With no W given, everything is done but the arithmetic: that tells whether a file fits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "catalog/lora/internal.h"

struct merging {
    const struct lk__merge_into *into;
    size_t rows, columns, inputs, kernel; /* columns = inputs·kernel */
    struct lk_error *err;
};

/* A product of factors, or what is not factored. */
struct product {
    const struct lk_tensor *whole, *a, *core, *b;
    bool is_a_transposed; /* with a core */
};

static size_t side(const struct lk_tensor *tensor, int axis)
{
    return axis < tensor->rank ? (size_t)tensor->shape[axis] : 1;
}

static size_t count_of(const struct lk_tensor *tensor)
{
    return tensor->size / lk_dtype_size(tensor->dtype);
}

static void print_shape(const struct lk_tensor *tensor, char out[80])
{
    size_t at = 0;
    for (int i = 0; i < tensor->rank && at < 60; i++)
        at += (size_t)snprintf(out + at, 80 - at, "%s%lld", i ? "," : "",
                               (long long)tensor->shape[i]);
    out[at] = 0;
}

static int misfit(const struct merging *g, const struct lk_tensor *tensor)
{
    const struct lk__merge_into *into = g->into;
    char have[80], want[80];
    const char *base = lk__lora_base(into->lora);
    print_shape(tensor, have);
    print_shape(into->tensor, want);
    return lk_fail(g->err, LK_E_INPUT,
                   "lora '%s' is not made for checkpoint '%s': its '%s' of shape [%s] does not fit "
                   "'%s' of [%s]%s%s",
                   lk_lora_name(into->lora), lk_checkpoint_name(into->checkpoint), tensor->name,
                   have, into->name, want, base ? "; it seems to be for " : "", base ? base : "");
}

static int no_memory(const struct merging *g, size_t count)
{
    return lk_fail_memory(g->err, "the weights of a LoRA", count * sizeof(float));
}

/* *out [rows·columns] = the tensor's numbers; NULL when only the shape is asked for. Its first side
 * must be rows, the others together columns. */
static int load(const struct merging *g,
                const struct lk_tensor *tensor,
                size_t rows,
                size_t columns,
                const float **out)
{
    size_t count;
    if (!lk_size_mul(rows, columns, &count) || count == 0 || count_of(tensor) != count ||
        side(tensor, 0) != rows)
        return misfit(g, tensor);
    *out = NULL;
    if (!g->into->out)
        return 0;
    float *values = lk_arena_alloc(g->into->scratch, count, sizeof *values);
    if (!values)
        return no_memory(g, count);
    int code = lk_tensor_to_f32(tensor, 0, count, values, g->err);
    for (size_t i = 0; !code && i < count; i++)
        if (!isfinite(values[i]))
            code = lk_fail(g->err, LK_E_INPUT,
                           "lora '%s': '%s' holds NaN or infinity: the file is broken",
                           lk_lora_name(g->into->lora), tensor->name);
    *out = values;
    return code;
}

/* The same of n numbers in any shape. */
static int load_vector(const struct merging *g,
                       const struct lk_tensor *tensor,
                       size_t n,
                       const float **out)
{
    const size_t first = side(tensor, 0);
    if (!first || count_of(tensor) != n)
        return misfit(g, tensor);
    return load(g, tensor, first, n / first, out);
}

static int allocate(const struct merging *g, size_t rows, size_t columns, float **out)
{
    size_t count;
    *out = NULL;
    if (!g->into->out)
        return 0;
    if (lk_size_mul(rows, columns, &count))
        *out = lk_arena_alloc(g->into->scratch, count, sizeof **out);
    return *out ? 0 : no_memory(g, rows * columns);
}

enum { TILE = 16, BLOCK = 256 };

/* TILE columns of one row: few enough for registers, and a count that compilers make vectors of. */
static void multiply_tile(
    const float *a, size_t across, const float *b, size_t inner, size_t columns, float *out)
{
    float sum[TILE] = {0};
    for (size_t k = 0; k < inner; k++)
        for (int t = 0; t < TILE; t++)
            sum[t] += a[k * across] * b[k * columns + (size_t)t];
    memcpy(out, sum, sizeof sum);
}

static float multiply_one(
    const float *a, size_t across, const float *b, size_t inner, size_t columns)
{
    float sum = 0;
    for (size_t k = 0; k < inner; k++)
        sum += a[k * across] * b[k * columns];
    return sum;
}

/* out [rows,columns] = a [rows,inner]·b [inner,columns], a transposed when asked. A block of
 * columns at a time, so that b's stays in the cache. */
static void multiply(const float *a,
                     bool is_a_transposed,
                     const float *b,
                     size_t rows,
                     size_t inner,
                     size_t columns,
                     float *out)
{
    const size_t down = is_a_transposed ? 1 : inner, across = is_a_transposed ? rows : 1;
    for (size_t from = 0; from < columns; from += BLOCK) {
        const size_t to = columns - from < BLOCK ? columns : from + BLOCK;
        for (size_t i = 0; i < rows; i++) {
            const float *row = a + i * down;
            size_t j = from;
            for (; j + TILE <= to; j += TILE)
                multiply_tile(row, across, b + j, inner, columns, out + i * columns + j);
            for (; j < to; j++)
                out[i * columns + j] = multiply_one(row, across, b + j, inner, columns);
        }
    }
}

/* *out [r, columns] = Σ_q core[r,q,s]·b[q,i] at column i·kernel + s */
static int spread(const struct merging *g,
                  const struct product *p,
                  size_t columns,
                  const float **out)
{
    const size_t r = side(p->core, 0), q = side(p->core, 1), kernel = g->kernel;
    const size_t inputs = columns / kernel;
    const float *core, *b;
    float *wide;
    int code = load(g, p->core, r, q * kernel, &core);
    if (!code)
        code = load(g, p->b, q, inputs, &b);
    if (!code)
        code = allocate(g, r, columns, &wide);
    if (code || !wide)
        return code;
    for (size_t k = 0; k < r; k++)
        for (size_t m = 0; m < q; m++)
            for (size_t i = 0; i < inputs; i++)
                for (size_t s = 0; s < kernel; s++)
                    wide[k * columns + i * kernel + s] +=
                        core[(k * q + m) * kernel + s] * b[m * inputs + i];
    *out = wide;
    return 0;
}

/* *out [rows,columns] of the product */
static int compute(const struct merging *g,
                   const struct product *p,
                   size_t rows,
                   size_t columns,
                   const float **out)
{
    const float *a = NULL, *b = NULL;
    float *product = NULL;
    *out = NULL;
    if (p->whole)
        return load(g, p->whole, rows, columns, out);
    const size_t rank = side(p->core ? p->core : p->b, 0);
    const bool is_transposed = p->core && p->is_a_transposed;
    int code = is_transposed ? load(g, p->a, rank, rows, &a) : load(g, p->a, rows, rank, &a);
    if (!code)
        code = p->core ? spread(g, p, columns, &b) : load(g, p->b, rank, columns, &b);
    if (!code)
        code = allocate(g, rows, columns, &product);
    if (!code && product)
        multiply(a, is_transposed, b, rows, rank, columns, product);
    *out = product;
    return code;
}

static int low_rank(const struct merging *g, const struct lk__module *m, const float **delta)
{
    const struct product p = {
        .a = m->slot[LK__UP], .core = m->slot[LK__MID], .b = m->slot[LK__DOWN]};
    return compute(g, &p, g->rows, g->columns, delta);
}

static int loha(const struct merging *g, const struct lk__module *m, const float **delta)
{
    const struct product first = {NULL, m->slot[LK__HADA_1A], m->slot[LK__HADA_T1],
                                  m->slot[LK__HADA_1B], true};
    const struct product second = {NULL, m->slot[LK__HADA_2A], m->slot[LK__HADA_T2],
                                   m->slot[LK__HADA_2B], true};
    const float *x, *y;
    float *product;
    int code = compute(g, &first, g->rows, g->columns, &x);
    if (!code)
        code = compute(g, &second, g->rows, g->columns, &y);
    if (!code)
        code = allocate(g, g->rows, g->columns, &product);
    if (code)
        return code;
    for (size_t i = 0; product && i < g->rows * g->columns; i++)
        product[i] = x[i] * y[i];
    *delta = product;
    return 0;
}

/* w1 [o,i] and w2 [rows/o, inputs/i, kernel] */
static int lokr(const struct merging *g, const struct lk__module *m, const float **delta)
{
    const struct product first = {m->slot[LK__KRON_1], m->slot[LK__KRON_1A], NULL,
                                  m->slot[LK__KRON_1B], false};
    const struct product second = {m->slot[LK__KRON_2], m->slot[LK__KRON_2A], m->slot[LK__KRON_T2],
                                   m->slot[LK__KRON_2B], true};
    const struct lk_tensor *a = first.whole ? first.whole : first.a;
    const size_t o = side(a, 0), i = side(first.whole ? first.whole : first.b, 1);
    const float *x, *y;
    float *product;
    if (!o || !i || g->rows % o || g->inputs % i)
        return misfit(g, a);
    const size_t rows = g->rows / o, columns = g->columns / i;
    int code = compute(g, &first, o, i, &x);
    if (!code)
        code = compute(g, &second, rows, columns, &y);
    if (!code)
        code = allocate(g, g->rows, g->columns, &product);
    if (code)
        return code;
    for (size_t row = 0; product && row < g->rows; row++)
        for (size_t column = 0; column < g->columns; column++)
            product[row * g->columns + column] =
                x[row / rows * i + column / columns] * y[row % rows * columns + column % columns];
    *delta = product;
    return 0;
}

static int full(const struct merging *g, const struct lk__module *m, const float **delta)
{
    return load(g, m->slot[LK__DIFF], g->rows, g->columns, delta);
}

static int ia3(const struct merging *g, const struct lk__module *m, const float **delta)
{
    const struct lk_tensor *which = m->slot[LK__ON_INPUT];
    const bool on_input = which->size > 0 && *(const unsigned char *)which->data;
    const float *w;
    float *product;
    int code = load_vector(g, m->slot[LK__IA3], on_input ? g->inputs : g->rows, &w);
    if (!code)
        code = allocate(g, g->rows, g->columns, &product);
    if (code)
        return code;
    for (size_t i = 0; product && i < g->rows * g->columns; i++)
        product[i] = g->into->out[i] * w[on_input ? i % g->columns / g->kernel : i / g->columns];
    *delta = product;
    return 0;
}

static int (*const KINDS[LK_LORA_KINDS])(const struct merging *,
                                         const struct lk__module *,
                                         const float **) = {
    [LK_LORA_LOW_RANK] = low_rank, [LK_LORA_LOHA] = loha, [LK_LORA_LOKR] = lokr,
    [LK_LORA_FULL] = full,         [LK_LORA_IA3] = ia3,
};

/* ---- into the weight ---- */

/* Whether DoRA's lengths are those of the outputs' rows, and not of the inputs'. */
static bool is_per_output(const struct merging *g, const struct lk__module *m)
{
    const struct lk_tensor *lengths = m->slot[LK__DORA];
    return !lengths ||
           (count_of(lengths) == g->rows && (lengths->rank == 1 || side(lengths, 0) == g->rows));
}

/* out = W + weight·(m·V/‖V‖ − W), V = W + scale·ΔW, for n numbers `stride` rows of `run` apart. */
static void rescale(const struct merging *g,
                    const float *delta,
                    float scale,
                    float length,
                    size_t at,
                    size_t steps,
                    size_t stride,
                    size_t run)
{
    float *out = g->into->out;
    double sum = 0;
    for (size_t k = 0; k < steps; k++) {
        for (size_t j = 0; j < run; j++) {
            const size_t i = at + k * stride + j;
            const double v = (double)out[i] + (double)scale * (double)delta[i];
            sum += v * v;
        }
    }
    const float factor = sum > 0 ? (float)((double)length / sqrt(sum)) : 0;
    for (size_t k = 0; k < steps; k++) {
        for (size_t j = 0; j < run; j++) {
            const size_t i = at + k * stride + j;
            out[i] += g->into->weight * (factor * (out[i] + scale * delta[i]) - out[i]);
        }
    }
}

static int add_dora(const struct merging *g, const struct lk__module *m, const float *delta)
{
    const struct lk_tensor *tensor = m->slot[LK__DORA] ? m->slot[LK__DORA] : m->slot[LK__MAGNITUDE];
    const bool per_output = is_per_output(g, m);
    const size_t n = per_output ? g->rows : g->inputs;
    const float *lengths;
    int code = load_vector(g, tensor, n, &lengths);
    for (size_t i = 0; !code && lengths && i < n; i++) {
        if (per_output)
            rescale(g, delta, m->scale, lengths[i], i * g->columns, 1, 0, g->columns);
        else
            rescale(g, delta, m->scale, lengths[i], i * g->kernel, g->rows, g->columns, g->kernel);
    }
    return code;
}

static int check_result(const struct merging *g)
{
    const struct lk__merge_into *into = g->into;
    for (size_t i = 0; into->out && i < g->rows * g->columns; i++)
        if (!isfinite(into->out[i]))
            return lk_fail(g->err, LK_E_INPUT,
                           "lora '%s' of weight %g makes '%s' overflow: lower its weight, or the "
                           "file is broken",
                           lk_lora_name(into->lora), (double)into->weight, into->name);
    return 0;
}

static int start(const struct lk__merge_into *into, struct merging *g, struct lk_error *err)
{
    const struct lk_tensor *tensor = into->tensor;
    *g = (struct merging){.into = into, .err = err, .rows = side(tensor, 0), .kernel = 1};
    for (int i = 2; i < tensor->rank; i++)
        g->kernel *= side(tensor, i);
    g->inputs = side(tensor, 1);
    g->columns = g->inputs * g->kernel;
    lk_arena_reset(into->scratch);
    return g->rows && g->columns ? 0 : misfit(g, tensor);
}

int lk__merge(const struct lk__module *m, const struct lk__merge_into *into, struct lk_error *err)
{
    struct merging g;
    const float *delta = NULL;
    int code = start(into, &g, err);
    if (!code)
        code = KINDS[m->kind](&g, m, &delta);
    if (!code && (m->slot[LK__DORA] || m->slot[LK__MAGNITUDE]))
        code = add_dora(&g, m, delta);
    else if (!code)
        for (size_t i = 0; delta && i < g.rows * g.columns; i++)
            into->out[i] += into->weight * m->scale * delta[i];
    return code ? code : check_result(&g);
}

int lk__merge_bias(const struct lk__module *m,
                   const struct lk__merge_into *into,
                   struct lk_error *err)
{
    struct merging g;
    const float *delta = NULL;
    int code = start(into, &g, err);
    if (!code)
        code = load_vector(&g, m->slot[LK__DIFF_BIAS], g.rows, &delta);
    for (size_t i = 0; delta && i < g.rows; i++)
        into->out[i] += into->weight * delta[i];
    return code ? code : check_result(&g);
}
