// SPDX-License-Identifier: Apache-2.0
/* Every abstract operator, lowered to plain ONNX, to our own operators and to fused ones, and run,
 * against torch (tools/golden/graph.py, which fills the operands with the same integers). Each case
 * runs with shapes known when the graph is written, and again with every size free that the
 * operator lets free. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "support/contrib.h"

#define MAX_NUMBERS 4096
#define TOLERANCE 3e-6 /* of the largest number; ONNX Runtime and torch sum in another order */
#define TOLERANCE_HALVES 2e-3 /* f16 between the ports */

struct shape {
    int rank;
    int64_t size[4];
};

static size_t shape_count(const struct shape *shape)
{
    size_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        count *= (size_t)shape->size[i];
    return count;
}

/* A parameter: operand number `seed` as a constant. */
static lk_value parameter(lk_graph *g, int seed, int rank, const int64_t *size)
{
    struct shape shape = {.rank = rank};
    memcpy(shape.size, size, (size_t)rank * sizeof *size);
    float numbers[MAX_NUMBERS];
    fill(seed, shape_count(&shape), numbers);
    return lk_graph_constant(g, rank, size, numbers);
}
#define PARAMETER(g, seed, ...)                                                                    \
    parameter(g, seed, LK_ARRAY_LENGTH(((int64_t[]){__VA_ARGS__})), (const int64_t[]){__VA_ARGS__})

static lk_value conv3(lk_graph *g, const lk_value *in)
{
    const int pad[4] = {1, 1, 1, 1};
    return lk_graph_conv(g, in[0], PARAMETER(g, 2, 6, 4, 3, 3), PARAMETER(g, 3, 6), 3, 1, pad);
}

static lk_value conv3_down(lk_graph *g, const lk_value *in)
{
    const int pad[4] = {0, 0, 1, 1};
    return lk_graph_conv(g, in[0], PARAMETER(g, 2, 6, 4, 3, 3), LK_NO_VALUE, 3, 2, pad);
}

static lk_value conv1(lk_graph *g, const lk_value *in)
{
    const int pad[4] = {0};
    return lk_graph_conv(g, in[0], PARAMETER(g, 2, 6, 4, 1, 1), PARAMETER(g, 3, 6), 1, 1, pad);
}

static lk_value linear(lk_graph *g, const lk_value *in)
{
    return lk_graph_linear(g, in[0], PARAMETER(g, 2, 5, 8), PARAMETER(g, 3, 5));
}

static lk_value linear_rows(lk_graph *g, const lk_value *in)
{
    return lk_graph_linear(g, in[0], PARAMETER(g, 2, 5, 8), LK_NO_VALUE);
}

static lk_value group_norm(lk_graph *g, const lk_value *in)
{
    return lk_graph_group_norm(g, in[0], PARAMETER(g, 2, 4), PARAMETER(g, 3, 4), 2, 1e-5f);
}

static lk_value layer_norm(lk_graph *g, const lk_value *in)
{
    return lk_graph_layer_norm(g, in[0], PARAMETER(g, 2, 8), PARAMETER(g, 3, 8), 1e-5f);
}

static lk_value attention(lk_graph *g, const lk_value *in)
{
    lk_value q = lk_graph_scale(g, in[0], 4);
    return lk_graph_attention(g, q, q, in[0], 2, 4, 0);
}

static lk_value attention_cross(lk_graph *g, const lk_value *in)
{
    return lk_graph_attention(g, in[0], in[1], in[2], 2, 4, 0);
}

static lk_value attention_causal(lk_graph *g, const lk_value *in)
{
    lk_value q = lk_graph_scale(g, in[0], 4);
    return lk_graph_attention(g, q, q, in[0], 2, 4, 1);
}

static lk_value mix_tokens(lk_graph *g, const lk_value *in)
{
    return lk_graph_mix_tokens(g, in[0], PARAMETER(g, 2, 5, 7));
}

static lk_value silu(lk_graph *g, const lk_value *in)
{
    return lk_graph_activation(g, lk_graph_scale(g, in[0], 4), LK_SILU);
}

static lk_value gelu(lk_graph *g, const lk_value *in)
{
    return lk_graph_activation(g, lk_graph_scale(g, in[0], 4), LK_GELU);
}

static lk_value quick_gelu(lk_graph *g, const lk_value *in)
{
    return lk_graph_activation(g, lk_graph_scale(g, in[0], 4), LK_QUICK_GELU);
}

static lk_value tanh_of(lk_graph *g, const lk_value *in)
{
    return lk_graph_activation(g, lk_graph_scale(g, in[0], 4), LK_TANH);
}

static lk_value geglu(lk_graph *g, const lk_value *in)
{
    return lk_graph_geglu(g, lk_graph_scale(g, in[0], 4));
}

static lk_value add(lk_graph *g, const lk_value *in)
{
    return lk_graph_add(g, in[0], in[1]);
}

static lk_value mul(lk_graph *g, const lk_value *in)
{
    return lk_graph_mul(g, in[0], PARAMETER(g, 2, 8));
}

static lk_value scale(lk_graph *g, const lk_value *in)
{
    return lk_graph_scale(g, in[0], 0.18215f);
}

static lk_value concat(lk_graph *g, const lk_value *in)
{
    return lk_graph_concat(g, in[0], in[1], 1);
}

static lk_value slice(lk_graph *g, const lk_value *in)
{
    return lk_graph_slice(g, in[0], -1, 2, 5);
}

static lk_value clip(lk_graph *g, const lk_value *in)
{
    return lk_graph_clip(g, in[0], -0.5f, 0.25f);
}

static lk_value upsample2(lk_graph *g, const lk_value *in)
{
    return lk_graph_upsample2(g, in[0]);
}

static lk_value upsample2_like(lk_graph *g, const lk_value *in)
{
    return lk_graph_upsample2_like(g, in[0], in[1]);
}

static lk_value tokens_of_image(lk_graph *g, const lk_value *in)
{
    return lk_graph_tokens_of_image(g, in[0]);
}

static lk_value image_of_tokens(lk_graph *g, const lk_value *in)
{
    return lk_graph_image_of_tokens(g, in[1], in[0]);
}

static lk_value as_pixels(lk_graph *g, const lk_value *in)
{
    return lk_graph_as_pixels(g, in[0]);
}

static lk_value gather(lk_graph *g, const lk_value *in)
{
    return lk_graph_gather(g, PARAMETER(g, 1, 9, 4), in[0]);
}

/* 30 tokens of 6×5: 6 stay, 24 may go. The order of the rows between is nobody's business. */
static lk_value merged(lk_graph *g, lk_value x, int64_t gone)
{
    lk_value to = lk_graph_match_tokens(g, x, 6, 5, gone);
    lk_value y = lk_graph_merge_tokens(g, lk_graph_scale(g, x, 2), to, 30 - gone);
    return lk_graph_spread_tokens(g, y, to);
}

static lk_value merge_tokens(lk_graph *g, const lk_value *in)
{
    return merged(g, in[0], 13);
}

static lk_value merge_all_tokens(lk_graph *g, const lk_value *in)
{
    return merged(g, in[0], 24);
}

static lk_value time_embedding(lk_graph *g, const lk_value *in)
{
    return lk_graph_time_embedding(g, in[0], 16);
}

static const int64_t ids[] = {0, 8, 3, 2, 2, 7};
static const float timesteps[] = {981, 1};

/* Inputs are operands 1, 2 …; `fixed` has bit i set where dimension i of all inputs stays known. */
static const struct operator_case {
    const char *name;
    lk_value (*build)(lk_graph *g, const lk_value *in);
    int n_in;
    struct shape in[3];
    unsigned fixed;
    enum lk_dtype dtype;
    const void *data; /* of input 0; NULL: filled */
} cases[] = {
    {"conv3", conv3, 1, {{4, {2, 4, 6, 5}}}, 2, LK_F32, NULL},
    {"conv3_down", conv3_down, 1, {{4, {2, 4, 6, 5}}}, 2, LK_F32, NULL},
    {"conv1", conv1, 1, {{4, {2, 4, 6, 5}}}, 2, LK_F32, NULL},
    {"linear", linear, 1, {{3, {2, 7, 8}}}, 4, LK_F32, NULL},
    {"linear_rows", linear_rows, 1, {{2, {2, 8}}}, 2, LK_F32, NULL},
    {"mix_tokens", mix_tokens, 1, {{3, {2, 7, 8}}}, 3, LK_F32, NULL},
    {"group_norm", group_norm, 1, {{4, {2, 4, 6, 5}}}, 2, LK_F32, NULL},
    {"layer_norm", layer_norm, 1, {{3, {2, 7, 8}}}, 4, LK_F32, NULL},
    {"attention", attention, 1, {{3, {2, 7, 8}}}, 4, LK_F32, NULL},
    {"attention_cross",
     attention_cross,
     3,
     {{3, {2, 7, 8}}, {3, {2, 3, 8}}, {3, {2, 3, 8}}},
     4,
     LK_F32,
     NULL},
    {"attention_causal", attention_causal, 1, {{3, {2, 7, 8}}}, 4, LK_F32, NULL},
    {"silu", silu, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"gelu", gelu, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"quick_gelu", quick_gelu, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"tanh", tanh_of, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"geglu", geglu, 1, {{3, {2, 7, 8}}}, 4, LK_F32, NULL},
    {"add", add, 2, {{4, {2, 4, 6, 5}}, {4, {2, 4, 1, 1}}}, 0, LK_F32, NULL},
    {"mul", mul, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"scale", scale, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"concat", concat, 2, {{4, {2, 4, 6, 5}}, {4, {2, 3, 6, 5}}}, 0, LK_F32, NULL},
    {"slice", slice, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"clip", clip, 1, {{3, {2, 7, 8}}}, 0, LK_F32, NULL},
    {"upsample2", upsample2, 1, {{4, {2, 4, 6, 5}}}, 0, LK_F32, NULL},
    {"upsample2_like", upsample2_like, 2, {{4, {2, 4, 6, 5}}, {4, {2, 1, 11, 9}}}, 0, LK_F32, NULL},
    {"tokens_of_image", tokens_of_image, 1, {{4, {2, 4, 6, 5}}}, 0, LK_F32, NULL},
    {"image_of_tokens", image_of_tokens, 2, {{4, {2, 4, 6, 5}}, {3, {2, 30, 3}}}, 0, LK_F32, NULL},
    {"as_pixels", as_pixels, 1, {{2, {2, 8}}}, 0, LK_F32, NULL},
    {"gather", gather, 1, {{2, {2, 3}}}, 0, LK_I64, ids},
    {"merge_tokens", merge_tokens, 1, {{3, {2, 30, 8}}}, 0, LK_F32, NULL},
    {"merge_all_tokens", merge_all_tokens, 1, {{3, {2, 30, 8}}}, 0, LK_F32, NULL},
    {"time_embedding", time_embedding, 1, {{1, {2}}}, 0, LK_F32, timesteps},
};

struct golden {
    struct shape shape;
    float numbers[MAX_NUMBERS];
};

static void read_golden(const char *name, struct golden *out)
{
    char path[4096], word[64];
    snprintf(path, sizeof path, "%s/tests/golden/graph.txt", getenv("LIKENESS_SOURCE"));
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    bool found = false;
    while (!found && fscanf(file, "%63s %d", word, &out->shape.rank) == 2) {
        for (int i = 0; i < out->shape.rank; i++)
            assert_int_equal(fscanf(file, "%ld", &out->shape.size[i]), 1);
        size_t count = shape_count(&out->shape);
        assert_true(count <= MAX_NUMBERS);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(fscanf(file, "%f", &out->numbers[i]), 1);
        found = !strcmp(word, name);
    }
    fclose(file);
    if (!found)
        fail_msg("no golden '%s'", name);
}

static void compare(const char *name,
                    const struct golden *want,
                    const struct lk_array *have,
                    double tolerance)
{
    assert_int_equal(have->rank, want->shape.rank);
    for (int i = 0; i < have->rank; i++)
        assert_int_equal(have->shape[i], want->shape.size[i]);
    const float *numbers = have->data;
    float largest = 1;
    for (size_t i = 0; i < shape_count(&want->shape); i++)
        largest = fmaxf(largest, fabsf(want->numbers[i]));
    for (size_t i = 0; i < shape_count(&want->shape); i++) {
        if (!(fabsf(numbers[i] - want->numbers[i]) <= (float)tolerance * largest))
            fail_msg("%s: number %zu is %.9g, not %.9g", name, i, numbers[i], want->numbers[i]);
    }
}

/* How a case is run: in a session of the runtime, or as fused operators. */
struct way {
    lk_runtime *runtime; /* NULL: fused */
    bool free_sizes, halves;
    struct lk_graph_thrift thrift;
};

static void run_graph(const struct way *way,
                      const lk_graph *g,
                      size_t n,
                      const char *const *names,
                      const struct lk_array *in,
                      struct lk_array *out)
{
    static const char *const result = "y";
    struct lk_error err;
    lk_session *session;
    if (!way->runtime) {
        contrib_run(g, way->halves, n, names, in, result, out);
        return;
    }
    assert_ok(lk_session_of_graph(way->runtime, g, NULL, "cpu", &session, &err), &err);
    assert_ok(lk_session_run(session, n, names, in, 1, &result, out, NULL, &err), &err);
    lk_session_release(session);
}

static void run_case(const struct operator_case *c, const struct way *way)
{
    static const char *const names[] = {"a", "b", "c"};
    float numbers[3][MAX_NUMBERS];
    struct lk_array in[3], out;
    lk_value values[3];
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new(c->name, &g, &err), &err);
    for (int i = 0; i < c->n_in; i++) {
        int64_t dims[4];
        fill(i + 1, shape_count(&c->in[i]), numbers[i]);
        in[i] = (struct lk_array){.dtype = c->dtype, .rank = c->in[i].rank, .data = numbers[i]};
        if (c->data && i == 0)
            in[i].data = (void *)c->data;
        memcpy(in[i].shape, c->in[i].size, sizeof c->in[i].size);
        for (int j = 0; j < c->in[i].rank; j++)
            dims[j] = way->free_sizes && !(c->fixed >> j & 1) ? LK_DYNAMIC : c->in[i].size[j];
        values[i] = lk_graph_input(g, names[i], c->dtype, c->in[i].rank, dims);
    }
    lk_graph_at(g, "%s", c->name);
    lk_graph_output(g, "y", c->build(g, values));
    assert_ok(lk_graph_status(g, &err), &err);
    lk_graph_save(g, way->thrift);
    run_graph(way, g, (size_t)c->n_in, names, in, &out);
    lk_graph_free(g);
    struct golden want;
    read_golden(c->name, &want);
    compare(c->name, &want, &out, way->halves ? TOLERANCE_HALVES : TOLERANCE);
    free(out.data);
}

static void every_operator_computes_what_torch_computes(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++)
        run_case(&cases[i], &(struct way){*state});
}

static void every_operator_takes_sizes_that_are_known_only_at_run_time(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++)
        run_case(&cases[i], &(struct way){*state, .free_sizes = true});
}

/* 7 queries in 2, 3, 7 and 16 parts: parts of unequal length, of one query, and empty ones. */
static void attention_in_parts_is_the_same(void **state)
{
    static const int parts[] = {2, 3, 7, 16};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++) {
        for (size_t k = 0; !strncmp(cases[i].name, "attention", 9) && k < LK_ARRAY_LENGTH(parts);
             k++) {
            run_case(&cases[i], &(struct way){*state, .thrift.parts = parts[k]});
            run_case(&cases[i],
                     &(struct way){*state, .free_sizes = true, .thrift.parts = parts[k]});
        }
    }
}

static void fused_operators_compute_it_in_f16(void **state)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++)
        run_case(&cases[i], &(struct way){*state, .free_sizes = true, .halves = true});
}

int main(void)
{
    const struct CMUnitTest fused[] = {
        cmocka_unit_test(every_operator_computes_what_torch_computes),
        cmocka_unit_test(every_operator_takes_sizes_that_are_known_only_at_run_time),
        cmocka_unit_test(fused_operators_compute_it_in_f16),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_computes_what_torch_computes),
        cmocka_unit_test(every_operator_takes_sizes_that_are_known_only_at_run_time),
        cmocka_unit_test(attention_in_parts_is_the_same),
    };
    return cmocka_run_group_tests_name("our kernels", tests, open_runtime, close_runtime) +
           cmocka_run_group_tests_name("plain", tests, open_plain_runtime, close_runtime) +
           cmocka_run_group_tests_name("fused", fused, NULL, NULL);
}
