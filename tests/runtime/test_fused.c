// SPDX-License-Identifier: Apache-2.0
/* What becomes a fused operator of ONNX Runtime, what stays plain because its CUDA kernels refuse
 * it, and that both compute the same. The operators that the CPU lacks are stand-ins
 * (support/contrib.h). */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "fixture.h"
#include "support/contrib.h"

static const int64_t picture[] = {LK_DYNAMIC, 8, LK_DYNAMIC, LK_DYNAMIC};
static const int64_t rows[] = {LK_DYNAMIC, LK_DYNAMIC, 8};
static const int64_t shift[] = {LK_DYNAMIC, 8};

static lk_value constant(lk_graph *g, int seed, int rank, const int64_t *shape)
{
    static float numbers[2560 * 8];
    fill(seed, LK_ARRAY_LENGTH(numbers), numbers);
    return lk_graph_constant(g, rank, shape, numbers);
}

static lk_value vector(lk_graph *g, int seed, int64_t size)
{
    return constant(g, seed, 1, &size);
}

static lk_value conv(lk_graph *g, lk_value x, int kernel, int stride, const int *pad)
{
    const int64_t shape[] = {8, 8, kernel, kernel};
    return lk_graph_conv(g, x, constant(g, 3, 4, shape), vector(g, 4, 8), kernel, stride, pad);
}

static lk_value conv3(lk_graph *g, lk_value x)
{
    return conv(g, x, 3, 1, (const int[]){1, 1, 1, 1});
}

static lk_value norm(lk_graph *g, lk_value x, int groups)
{
    x = lk_graph_group_norm(g, x, vector(g, 5, 8), vector(g, 6, 8), groups, 1e-2f);
    return lk_graph_activation(g, x, LK_SILU);
}

static lk_value linear(lk_graph *g, lk_value x, int64_t width)
{
    const int64_t shape[] = {width, 8};
    return lk_graph_linear(g, x, constant(g, 7, 2, shape), vector(g, 8, width));
}

static lk_value norm_and_silu(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return norm(g, x, 2);
}

/* The kernel takes channels two by two. */
static lk_value norm_of_odd_groups(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return norm(g, x, 8);
}

static lk_value norm_alone(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return lk_graph_group_norm(g, x, vector(g, 5, 8), vector(g, 6, 8), 4, 1e-2f);
}

static lk_value norm_of_shifted_conv(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y;
    return norm(g, lk_graph_add(g, conv3(g, x), lk_graph_as_pixels(g, s)), 2);
}

/* The sum is needed by itself, too. */
static lk_value norm_beside_its_sum(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y;
    lk_value sum = lk_graph_add(g, conv3(g, x), lk_graph_as_pixels(g, s));
    return lk_graph_add(g, norm(g, sum, 2), sum);
}

static lk_value halving_conv(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return conv(g, x, 3, 2, (const int[]){1, 1, 1, 1});
}

static lk_value pixel_conv(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return conv(g, x, 1, 1, (const int[]){0, 0, 0, 0});
}

static lk_value uneven_conv(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return conv(g, x, 3, 2, (const int[]){0, 0, 1, 1});
}

static lk_value doubled(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return conv3(g, lk_graph_upsample2(g, x));
}

static lk_value doubled_like(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    lk_value half = halving_conv(g, x, y, s);
    return conv3(g, lk_graph_upsample2_like(g, half, x));
}

static lk_value causal_attention(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)x, (void)s;
    lk_value q = lk_graph_scale(g, y, 4);
    return lk_graph_attention(g, q, q, y, 2, 4, 1);
}

static lk_value gate(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)x, (void)s;
    return lk_graph_geglu(g, linear(g, y, 2560));
}

static lk_value narrow_gate(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)x, (void)s;
    return lk_graph_geglu(g, linear(g, y, 16));
}

static lk_value linear_and_rows(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)x, (void)s;
    return lk_graph_add(g, linear(g, y, 8), y);
}

static lk_value tokens_and_back(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    lk_value tokens = lk_graph_tokens_of_image(g, conv3(g, x));
    return lk_graph_add(g, lk_graph_image_of_tokens(g, linear(g, tokens, 8), x), x);
}

static lk_value joined(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)y, (void)s;
    return lk_graph_concat(g, conv3(g, x), x, 1);
}

static lk_value time_waves(lk_graph *g, lk_value x, lk_value y, lk_value s)
{
    (void)x, (void)y, (void)s;
    lk_value time = lk_graph_input(g, "time", LK_F32, 1, (const int64_t[]){LK_DYNAMIC});
    return linear(g, lk_graph_time_embedding(g, time, 8), 8);
}

static const struct {
    const char *name;
    lk_value (*build)(lk_graph *g, lk_value x, lk_value y, lk_value s);
    const char *type; /* of the nodes that are counted */
    size_t nodes;
} cases[] = {
    {"norm_and_silu", norm_and_silu, "GroupNorm", 1},
    {"norm_of_odd_groups", norm_of_odd_groups, "GroupNorm", 0},
    {"norm_alone", norm_alone, "GroupNorm", 1},
    {"norm_of_shifted_conv", norm_of_shifted_conv, "SkipGroupNorm", 1},
    {"norm_beside_its_sum", norm_beside_its_sum, "SkipGroupNorm", 0},
    {"halving_conv", halving_conv, "NhwcConv", 1},
    {"pixel_conv", pixel_conv, "NhwcConv", 1},
    {"uneven_conv", uneven_conv, "NhwcConv", 0},
    {"doubled", doubled, "Transpose", 3}, /* what goes in and out, and the weight */
    {"doubled_like", doubled_like, "NhwcConv", 2},
    {"causal_attention", causal_attention, "MultiHeadAttention", 1},
    {"gate", gate, "BiasSplitGelu", 1},
    {"narrow_gate", narrow_gate, "BiasSplitGelu", 0},
    {"linear_and_rows", linear_and_rows, "BiasAdd", 1},
    {"tokens_and_back", tokens_and_back, "NhwcConv", 1},
    {"joined", joined, "NhwcConv", 1},
    {"time_waves", time_waves, "Gemm", 1},
};

static lk_graph *graph_of(size_t i)
{
    struct lk_error err;
    lk_graph *g;
    assert_ok(lk_graph_new(cases[i].name, &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 4, picture);
    lk_value y = lk_graph_input(g, "y", LK_F32, 3, rows);
    lk_value s = lk_graph_input(g, "s", LK_F32, 2, shift);
    lk_graph_output(g, "z", cases[i].build(g, x, y, s));
    assert_ok(lk_graph_status(g, &err), &err);
    return g;
}

static void neighbours_become_one_node(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++) {
        lk_graph *g = graph_of(i);
        const size_t nodes = contrib_count(g, cases[i].type);
        if (nodes != cases[i].nodes)
            fail_msg("%s: %zu of %s, not %zu", cases[i].name, nodes, cases[i].type, cases[i].nodes);
        lk_graph_free(g);
    }
}

static double decibels(const struct lk_array *want, const struct lk_array *have)
{
    double power = 0, noise = 0;
    size_t n = 1;
    assert_int_equal(have->rank, want->rank);
    for (int i = 0; i < want->rank; i++) {
        assert_int_equal(have->shape[i], want->shape[i]);
        n *= (size_t)want->shape[i];
    }
    for (size_t i = 0; i < n; i++) {
        const double a = ((float *)want->data)[i], b = ((float *)have->data)[i];
        power += a * a;
        noise += (a - b) * (a - b);
    }
    assert_true(power > 0);
    return 10 * log10(power / noise);
}

/* f16 has 11 bits, of 66 dB. The engine leaves some of its roundings out: two casts that meet. */
static void fused_operators_compute_what_plain_ones_compute(void **state)
{
    static const char *const names[] = {"x", "y", "s", "time"};
    static const char *const out_name = "z";
    static const double least[] = {110, 50};
    float numbers[4][2 * 8 * 7 * 6];
    float times[] = {981, 1};
    for (int i = 0; i < 3; i++)
        fill(i + 1, LK_ARRAY_LENGTH(numbers[i]), numbers[i]);
    const struct lk_array inputs[] = {{LK_F32, 4, {2, 8, 7, 6}, numbers[0]},
                                      {LK_F32, 3, {2, 5, 8}, numbers[1]},
                                      {LK_F32, 2, {2, 8}, numbers[2]},
                                      {LK_F32, 1, {2}, times}};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++) {
        const size_t n = cases[i].build == time_waves ? 4 : 3;
        lk_graph *g = graph_of(i);
        struct lk_array want, have;
        struct lk_error err;
        lk_session *session;
        assert_ok(lk_session_of_graph(*state, g, NULL, "cpu", &session, &err), &err);
        assert_ok(lk_session_run(session, n, names, inputs, 1, &out_name, &want, NULL, &err), &err);
        for (int halves = 0; halves < 2; halves++) {
            contrib_run(g, halves, n, names, inputs, out_name, &have);
            const double decibel = decibels(&want, &have);
            if (!(decibel >= least[halves]))
                fail_msg("%s, halves %d: %.1f dB", cases[i].name, halves, decibel);
            free(have.data);
        }
        free(want.data);
        lk_session_release(session);
        lk_graph_free(g);
    }
}

/* A network whose numbers leave the range of f16. */
static void a_wide_network_stays_f32(void **state)
{
    static const char *const names[] = {"x", "y", "s"};
    static const char *const out_name = "z";
    float numbers[2 * 8 * 7 * 6];
    fill(1, LK_ARRAY_LENGTH(numbers), numbers);
    const struct lk_array inputs[] = {{LK_F32, 4, {2, 8, 7, 6}, numbers},
                                      {LK_F32, 3, {2, 5, 8}, numbers},
                                      {LK_F32, 2, {2, 8}, numbers}};
    struct lk_error err;
    struct lk_array out;
    lk_graph *g;
    assert_ok(lk_graph_new("wide", &g, &err), &err);
    lk_value x = lk_graph_input(g, "x", LK_F32, 4, picture);
    lk_graph_input(g, "y", LK_F32, 3, rows);
    lk_graph_input(g, "s", LK_F32, 2, shift);
    x = conv3(g, lk_graph_scale(g, x, 1e6f));
    lk_graph_output(g, "z", lk_graph_scale(g, x, 1e-6f));
    for (int wide = 0; wide < 2; wide++) {
        if (wide)
            lk_graph_widen(g);
        contrib_run(g, true, 3, names, inputs, out_name, &out);
        bool finite = true;
        for (size_t i = 0; i < LK_ARRAY_LENGTH(numbers); i++)
            finite = finite && isfinite(((float *)out.data)[i]);
        assert_int_equal(finite, wide);
        free(out.data);
    }
    lk_graph_free(g);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_become_one_node),
        cmocka_unit_test(fused_operators_compute_what_plain_ones_compute),
        cmocka_unit_test(a_wide_network_stays_f32),
    };
    return cmocka_run_group_tests(tests, open_plain_runtime, close_runtime);
}
