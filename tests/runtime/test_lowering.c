// SPDX-License-Identifier: Apache-2.0
/* What becomes one node of our own: operators with their neighbours; and what stays plain. */
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "runtime/graph/lower.h"

static const int64_t picture[] = {LK_DYNAMIC, 8, LK_DYNAMIC, LK_DYNAMIC};
static const int64_t rows[] = {LK_DYNAMIC, LK_DYNAMIC, 8};

static lk_value constant(lk_graph *g, int rank, const int64_t *shape)
{
    float numbers[8 * 8 * 9];
    fill(1, LK_ARRAY_LENGTH(numbers), numbers);
    return lk_graph_constant(g, rank, shape, numbers);
}

static lk_value vector(lk_graph *g)
{
    return constant(g, 1, (const int64_t[]){8});
}

static lk_value conv(lk_graph *g, lk_value x, int stride)
{
    const int pad[] = {1, 1, 1, 1};
    return lk_graph_conv(g, x, constant(g, 4, (const int64_t[]){8, 8, 3, 3}), vector(g), 3, stride,
                         pad);
}

static lk_value linear(lk_graph *g, lk_value x)
{
    return lk_graph_linear(g, x, constant(g, 2, (const int64_t[]){8, 8}), vector(g));
}

static lk_value norm_and_silu(lk_graph *g, lk_value x, lk_value y)
{
    (void)y;
    x = lk_graph_group_norm(g, x, vector(g), vector(g), 2, 1e-5f);
    return lk_graph_activation(g, x, LK_SILU);
}

static lk_value conv_and_picture(lk_graph *g, lk_value x, lk_value y)
{
    (void)y;
    return lk_graph_add(g, x, conv(g, x, 1));
}

/* Of the time embedding, [N,8]. */
static lk_value conv_and_shift(lk_graph *g, lk_value x, lk_value y)
{
    (void)y;
    lk_value time = lk_graph_input(g, "time", LK_F32, 2, (const int64_t[]){LK_DYNAMIC, 8});
    return lk_graph_add(g, conv(g, x, 1), lk_graph_as_pixels(g, time));
}

static lk_value doubled_conv(lk_graph *g, lk_value x, lk_value y)
{
    (void)y;
    return conv(g, lk_graph_upsample2_like(g, conv(g, x, 2), x), 1);
}

/* The sum needs both, and the convolution alone is needed too. */
static lk_value conv_used_twice(lk_graph *g, lk_value x, lk_value y)
{
    (void)y;
    lk_value sum = conv(g, x, 1);
    return lk_graph_add(g, lk_graph_add(g, sum, x), sum);
}

static lk_value gated_linear(lk_graph *g, lk_value x, lk_value y)
{
    (void)x;
    return lk_graph_geglu(g, linear(g, y));
}

static lk_value linear_and_rows(lk_graph *g, lk_value x, lk_value y)
{
    (void)x;
    return lk_graph_add(g, linear(g, y), y);
}

static lk_value causal_attention(lk_graph *g, lk_value x, lk_value y)
{
    (void)x;
    return lk_graph_attention(g, y, y, y, 2, 4, 1);
}

static const struct {
    const char *name;
    lk_value (*build)(lk_graph *g, lk_value x, lk_value y);
    size_t nodes;
    unsigned roles; /* bits: what the last node has besides x */
} cases[] = {
    {"norm_and_silu", norm_and_silu, 1, 0},
    {"conv_and_picture", conv_and_picture, 1, 1u << LK__ROLE_PLUS},
    {"conv_and_shift", conv_and_shift, 1, 1u << LK__ROLE_SHIFT},
    {"doubled_conv", doubled_conv, 2, 1u << LK__ROLE_LIKE},
    {"conv_used_twice", conv_used_twice, 1, 0},
    {"gated_linear", gated_linear, 1, 0},
    {"linear_and_rows", linear_and_rows, 1, 1u << LK__ROLE_PLUS},
    {"causal_attention", causal_attention, 1, 1u << LK__ROLE_KEY | 1u << LK__ROLE_VALUE},
};

static struct lk__onnx_place no_place(void *user, const struct lk__onnx_weight *weight)
{
    (void)user, (void)weight;
    return (struct lk__onnx_place){0};
}

static void neighbours_are_folded_into_one_node(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++) {
        struct lk__nodes nodes = {.kernels = lk_kernels_best()};
        const struct lk__manner manner = {LK__LIKENESS, &nodes};
        struct lk_proto model;
        struct lk_error err;
        lk_graph *g;
        assert_ok(lk_graph_new(cases[i].name, &g, &err), &err);
        lk_value x = lk_graph_input(g, "x", LK_F32, 4, picture);
        lk_value y = lk_graph_input(g, "y", LK_F32, 3, rows);
        lk_graph_output(g, "z", cases[i].build(g, x, y));
        assert_ok(lk__lower(g, &manner, no_place, NULL, &model, &err), &err);
        if (nodes.count != cases[i].nodes)
            fail_msg("%s: %zu nodes, not %zu", cases[i].name, nodes.count, cases[i].nodes);
        for (int role = LK__ROLE_X + 1; nodes.count && role < LK__ROLE_COUNT; role++)
            assert_int_equal(nodes.list[nodes.count - 1].roles[role] >= 0,
                             (int)(cases[i].roles >> role & 1));
        lk_proto_free(&model);
        lk__nodes_free(&nodes);
        lk_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_folded_into_one_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
