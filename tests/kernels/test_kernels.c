// SPDX-License-Identifier: Apache-2.0
/* Every kernel of every instruction set that this processor has, against the plain-C reference:
 * random shapes, tails, and arrays that lie anywhere; numbers around the result stay as they were.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "kernels/kernels.h"

#define ROUNDS 24
#define GUARD 24 /* numbers before and behind an array that must not change */
#define MARK 12345.678f

static uint32_t dice = 1;

static size_t roll(size_t low, size_t high)
{
    dice = dice * 1664525 + 1013904223;
    return low + (dice >> 8) % (high - low + 1);
}

static float number(void)
{
    return (float)roll(0, 20000) / 10000 - 1;
}

/* An array of n numbers, `shift` numbers off any alignment, between guards. */
struct array {
    float *memory, *at;
    size_t n;
};

static struct array array_new(size_t n, int filled)
{
    struct array a = {.n = n};
    const size_t shift = roll(0, 15);
    a.memory = malloc((n + 2 * GUARD + shift) * sizeof *a.memory);
    assert_non_null(a.memory);
    a.at = a.memory + GUARD + shift;
    for (size_t i = 0; i < n + GUARD; i++)
        a.at[i] = filled && i < n ? number() : MARK;
    for (size_t i = 0; i < GUARD; i++)
        (a.at - GUARD)[i] = MARK;
    return a;
}

static void array_free(struct array a)
{
    for (size_t i = 0; i < GUARD; i++) {
        assert_true((a.at - GUARD)[i] == MARK);
        assert_true(a.at[a.n + i] == MARK);
    }
    free(a.memory);
}

static const struct lk_kernels *reference;
static struct lk_workers workers;

/* Largest difference over the standard deviation of what is wanted. */
static double off_by(struct array have, struct array want)
{
    double power = 0, largest = 0;
    for (size_t i = 0; i < want.n; i++) {
        power += (double)want.at[i] * want.at[i] / (double)want.n;
        largest = fmax(largest, fabs((double)have.at[i] - want.at[i]));
        if (isnan(have.at[i]))
            largest = INFINITY;
    }
    return largest / sqrt(power);
}

static void compare(
    const char *table, const char *what, struct array have, struct array want, double most)
{
    const double off = off_by(have, want);
    if (!(off <= most))
        fail_msg("%s: %s differs by %.3g of its deviation", table, what, off);
}

struct matrix {
    struct array rows;
    size_t row;
};

static int row_of(void *user, size_t n, float *numbers)
{
    const struct matrix *m = user;
    memcpy(numbers, m->rows.at + n * m->row, m->row * sizeof *numbers);
    return 0;
}

static struct lk_panels packed(const struct lk_kernels *table,
                               enum lk_numbers numbers,
                               struct matrix *m,
                               size_t n,
                               size_t channels,
                               int kernel)
{
    struct lk_panels panels;
    assert_int_equal(lk_panels_pack(table, numbers, n, channels, kernel, row_of, m, &panels), 0);
    return panels;
}

/* Rounds `count` weights that lie `step` apart to what `numbers` can say. */
static void round_weights(float *w, size_t count, size_t step, enum lk_numbers numbers)
{
    float largest = 0;
    for (size_t k = 0; k < count; k++)
        largest = fmaxf(largest, fabsf(w[k * step]));
    for (size_t k = 0; k < count; k++) {
        float *x = &w[k * step];
        uint32_t bits;
        memcpy(&bits, x, sizeof bits);
        bits &= 0xffff0000;
        if (numbers == LK_NUMBERS_BF16)
            memcpy(x, &bits, sizeof bits);
        else if (largest > 0)
            *x = rintf(*x / largest * 127) * (largest / 127);
    }
}

/* Whether table may convolve by Winograd's way, which rounds weights alone. */
static int may_round_weights_alone(const struct lk_kernels *table,
                                   enum lk_numbers numbers,
                                   const struct lk_convolution *c)
{
    const int directly =
        numbers == LK_NUMBERS_INT8 ? table->int8.group == 4 : strcmp(table->name, "amx") == 0;
    return numbers != LK_NUMBERS_F32 && !directly && c->kernel == 3 && c->stride == 1 &&
           c->channels % table->lanes == 0;
}

/* Rounds a matrix of n columns, so that f32 is the reference of what rounds weights alone. */
static void round_matrix(struct matrix *m, size_t n, size_t channels, enum lk_numbers numbers)
{
    const size_t taps = m->row / channels;
    for (size_t at = 0; at < n * taps; at++) {
        float *column = m->rows.at + at / taps * m->row + at % taps;
        for (size_t k = 0; k < channels; k += LK_INT8_BLOCK) {
            const size_t rest = channels - k;
            round_weights(column + k * taps, rest < LK_INT8_BLOCK ? rest : LK_INT8_BLOCK, taps,
                          numbers);
        }
    }
}

/* The convolution that c describes, with weights m (and gate) of n columns, in both ways. */
static void check_convolution(const struct lk_kernels *table,
                              enum lk_numbers numbers,
                              struct lk_convolution c,
                              size_t n,
                              int gated)
{
    const size_t row = c.channels * (size_t)(c.kernel * c.kernel),
                 pixels = c.images * c.out_height * c.out_width;
    struct matrix w = {array_new(n * row, 1), row}, gate = {array_new(n * row, 1), row};
    struct array x = array_new(c.images * c.height * c.width * c.channels, 1),
                 bias = array_new(n, 1);
    struct array shift = array_new(c.images * n, 1), plus = array_new(pixels * n, 1);
    struct array have = array_new(pixels * n, 0), want = array_new(pixels * n, 0);
    c.x = x.at;
    c.epilogue.bias = roll(0, 1) ? bias.at : NULL;
    c.epilogue.shift = roll(0, 1) ? shift.at : NULL;
    c.epilogue.plus = roll(0, 1) ? plus.at : NULL;
    c.epilogue.relu = numbers == LK_NUMBERS_F32 && !gated && roll(0, 1);
    c.gate_bias = gated ? bias.at : NULL;
    const int either = may_round_weights_alone(table, numbers, &c);
    if (either)
        round_matrix(&w, n, c.channels, numbers);
    struct array plain = array_new(want.n, 0);
    const struct {
        const struct lk_kernels *table;
        enum lk_numbers numbers;
        float *y;
    } ways[] = {{reference, numbers, want.at},
                {table, numbers, have.at},
                {reference, LK_NUMBERS_F32, plain.at}};
    for (int i = 0; i < (either ? 3 : 2); i++) {
        struct lk_panels panels =
            packed(ways[i].table, ways[i].numbers, &w, n, c.channels, c.kernel);
        struct lk_panels gates =
            packed(ways[i].table, ways[i].numbers, &gate, n, c.channels, c.kernel);
        c.w = &panels;
        c.gate = gated ? &gates : NULL;
        c.y = ways[i].y;
        assert_int_equal(ways[i].table->convolve(&c, &workers), 0);
        lk_panels_free(&panels);
        lk_panels_free(&gates);
    }
    const int alone = either && off_by(have, plain) < off_by(have, want);
    compare(table->name, "convolution", have, alone ? plain : want, gated || either ? 4e-5 : 2e-5);
    struct array all[] = {w.rows, gate.rows, x, bias, shift, plus, have, want, plain};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(all); i++)
        array_free(all[i]);
}

static struct lk_convolution random_convolution(int kernel, int stride, size_t channels)
{
    struct lk_convolution c = {.images = roll(1, 2),
                               .height = roll(3, 13),
                               .width = roll(3, 13),
                               .channels = channels,
                               .kernel = kernel,
                               .stride = stride};
    c.doubled = stride == 1 && kernel == 3 && roll(0, 3) == 0;
    c.seen_height = c.doubled ? 2 * c.height - roll(0, 1) : c.height;
    c.seen_width = c.doubled ? 2 * c.width - roll(0, 1) : c.width;
    c.top = c.left = stride == 1 ? kernel / 2 : (int)roll(0, 1);
    c.out_height = (c.seen_height + (size_t)(kernel / 2) * 2 - (size_t)kernel) / (size_t)stride + 1;
    c.out_width = (c.seen_width + (size_t)(kernel / 2) * 2 - (size_t)kernel) / (size_t)stride + 1;
    return c;
}

/* A workspace whose blocks are full of NaN: what a kernel reads of one before it has written there
 * must not come out, not even times zero. */
static struct lk_workspace *soiled_workspace(void)
{
    enum { BLOCKS = 3 };
    const size_t bytes = (size_t)2 << 20; /* more than any kernel asks for here */
    struct lk_workspace *workspace = lk_workspace_new();
    void *blocks[BLOCKS];
    assert_non_null(workspace);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = lk_workspace_take(workspace, bytes);
        assert_non_null(blocks[i]);
        memset(blocks[i], 0xff, bytes);
    }
    for (int i = 0; i < BLOCKS; i++)
        lk_workspace_give(workspace, blocks[i]);
    return workspace;
}

/* Calls check for every table but the reference itself. */
static void each_table(void (*check)(const struct lk_kernels *table))
{
    const struct lk_kernels *tables[LK_KERNELS_MAX];
    const size_t n = lk_kernels_all(tables);
    for (size_t i = 0; i + 1 < n; i++) {
        workers.workspace = soiled_workspace();
        for (int round = 0; round < ROUNDS; round++)
            check(tables[i]);
        lk_workspace_free(workers.workspace);
    }
}

static void check_direct(const struct lk_kernels *table)
{
    const int kernel = roll(0, 1) ? 3 : 1, stride = kernel == 3 ? (int)roll(1, 2) : 1;
    check_convolution(table, LK_NUMBERS_F32, random_convolution(kernel, stride, roll(1, 70)),
                      roll(1, 120), 0);
}

static void check_winograd(const struct lk_kernels *table)
{
    check_convolution(table, LK_NUMBERS_F32,
                      random_convolution(3, 1, roll(table->lanes, 4 * table->lanes)), roll(1, 120),
                      0);
}

static enum lk_numbers fewer_bits(void)
{
    return roll(0, 1) ? LK_NUMBERS_INT8 : LK_NUMBERS_BF16;
}

static void check_direct_rounded(const struct lk_kernels *table)
{
    const int kernel = roll(0, 1) ? 3 : 1, stride = kernel == 3 ? (int)roll(1, 2) : 1;
    const size_t channels = roll(0, 5) ? roll(1, 70) : roll(318, 330);
    check_convolution(table, fewer_bits(), random_convolution(kernel, stride, channels),
                      roll(1, 120), 0);
}

static void check_linear_of(const struct lk_kernels *table, enum lk_numbers numbers)
{
    const size_t channels = roll(0, 7) ? roll(1, 90) : roll(321, 700);
    struct lk_convolution c = {.images = 1,
                               .height = 1,
                               .width = roll(1, 300),
                               .channels = channels,
                               .kernel = 1,
                               .stride = 1,
                               .seen_height = 1};
    c.seen_width = c.width;
    c.out_height = 1;
    c.out_width = c.width;
    check_convolution(table, numbers, c, roll(1, 150), (int)roll(0, 1));
}

static void check_linear(const struct lk_kernels *table)
{
    check_linear_of(table, LK_NUMBERS_F32);
}

static void check_linear_rounded(const struct lk_kernels *table)
{
    check_linear_of(table, fewer_bits());
}

/* What ends within a tile: rows 1 … 33, channels that fill none, few columns, several images. */
static void check_tails_rounded(const struct lk_kernels *table)
{
    static const size_t channels[] = {1, 31, 32, 33, 63, 64, 65, 127, 160, 319, 320, 352, 641};
    const size_t k = channels[roll(0, LK_ARRAY_LENGTH(channels) - 1)], n = roll(1, 50);
    struct lk_convolution c = random_convolution(roll(0, 1) ? 3 : 1, 1, k);
    if (c.kernel == 1) {
        c.images = roll(1, 3);
        c.height = c.seen_height = c.out_height = 1;
        c.width = c.seen_width = c.out_width = roll(1, 33);
    }
    check_convolution(table, fewer_bits(), c, n, c.kernel == 1 && roll(0, 1));
}

static void check_attention(const struct lk_kernels *table)
{
    struct lk_attention a = {.images = roll(1, 2),
                             .queries = roll(1, 130),
                             .keys = roll(1, 300),
                             .heads = roll(1, 3),
                             .size = roll(1, 45),
                             .causal = (int)roll(0, 1),
                             .rounds = (int)roll(0, 1)};
    const size_t width = a.heads * a.size;
    struct array q = array_new(a.images * a.queries * width, 1),
                 k = array_new(a.images * a.keys * width, 1);
    struct array v = array_new(a.images * a.keys * width, 1);
    struct array have = array_new(q.n, 0), want = array_new(q.n, 0);
    const float sharp = (float)roll(1, 30);
    for (size_t i = 0; i < q.n; i++)
        q.at[i] *= sharp;
    a.q = q.at, a.k = k.at, a.v = v.at, a.y = have.at;
    assert_int_equal(table->attend(&a, &workers), 0);
    a.y = want.at;
    assert_int_equal(reference->attend(&a, &workers), 0);
    /* Rounding scores errs in proportion to them; rounding powers and values does not. */
    compare(table->name, "attention", have, want, a.rounds ? 2e-2 + 3.3e-3 * sharp : 3e-5);
    struct array all[] = {q, k, v, have, want};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(all); i++)
        array_free(all[i]);
}

static void check_group_norm(const struct lk_kernels *table)
{
    struct lk_group_norm g = {.images = roll(1, 2),
                              .pixels = roll(1, 600),
                              .groups = roll(1, 6),
                              .epsilon = 1e-5f,
                              .silu = (int)roll(0, 1)};
    g.channels = g.groups * roll(1, 9);
    struct array x = array_new(g.images * g.pixels * g.channels, 1),
                 gamma = array_new(g.channels, 1);
    struct array beta = array_new(g.channels, 1), have = array_new(x.n, 0),
                 want = array_new(x.n, 0);
    const float mean = (float)roll(0, 50);
    for (size_t i = 0; i < x.n; i++)
        x.at[i] += mean;
    g.x = x.at, g.gamma = gamma.at, g.beta = beta.at, g.y = have.at;
    assert_int_equal(table->group_norm(&g, &workers), 0);
    g.y = want.at;
    assert_int_equal(reference->group_norm(&g, &workers), 0);
    compare(table->name, "group norm", have, want, 6e-6 * (1 + mean));
    struct array all[] = {x, gamma, beta, have, want};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(all); i++)
        array_free(all[i]);
}

static void check_layer_norm(const struct lk_kernels *table)
{
    struct lk_layer_norm l = {.rows = roll(1, 150), .channels = roll(2, 90), .epsilon = 1e-5f};
    struct array x = array_new(l.rows * l.channels, 1), gamma = array_new(l.channels, 1);
    struct array beta = array_new(l.channels, 1), have = array_new(x.n, 0),
                 want = array_new(x.n, 0);
    l.x = x.at, l.gamma = gamma.at, l.beta = beta.at, l.y = have.at;
    assert_int_equal(table->layer_norm(&l, &workers), 0);
    l.y = want.at;
    assert_int_equal(reference->layer_norm(&l, &workers), 0);
    compare(table->name, "layer norm", have, want, 6e-6);
    struct array all[] = {x, gamma, beta, have, want};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(all); i++)
        array_free(all[i]);
}

#define TEST(name, check)                                                                          \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        each_table(check);                                                                         \
    }

TEST(convolutions_of_any_shape_are_the_reference, check_direct)
TEST(convolutions_that_suit_winograd_are_the_reference, check_winograd)
TEST(linear_layers_and_their_gates_are_the_reference, check_linear)
TEST(convolutions_in_fewer_bits_are_the_reference, check_direct_rounded)
TEST(linear_layers_in_fewer_bits_are_the_reference, check_linear_rounded)
TEST(what_ends_within_a_tile_is_the_reference, check_tails_rounded)
TEST(attention_is_the_reference, check_attention)
TEST(group_norm_is_the_reference, check_group_norm)
TEST(layer_norm_is_the_reference, check_layer_norm)

/* By the definition of binary16. */
static float half_by_definition(unsigned h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double size = exponent == 31 ? (mantissa ? NAN : INFINITY)
                        : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                                       : ldexp(mantissa, -24);
    return (float)(h & 0x8000 ? -size : size);
}

static void check_widening(const struct lk_kernels *table)
{
    enum { ALL = 1 << 16 };
    static unsigned char halves[2 * ALL + 1];
    struct array out = array_new(ALL, 0);
    for (unsigned h = 0; h < ALL; h++) {
        const uint16_t half = (uint16_t)h;
        memcpy(halves + 1 + 2 * h, &half, sizeof half);
    }
    table->widen(halves + 1, ALL, out.at);
    for (unsigned h = 0; h < ALL; h++) {
        const float want = half_by_definition(h);
        assert_true(isnan(want) ? isnan(out.at[h]) : !memcmp(&out.at[h], &want, sizeof want));
    }
    array_free(out);
    out = array_new(roll(1, 70), 0);
    table->widen(halves + 1 + 2 * 0x3c00, out.n, out.at);
    for (unsigned i = 0; i < out.n; i++)
        assert_true(out.at[i] == half_by_definition(0x3c00 + i));
    array_free(out);
}

TEST(halves_are_widened_exactly_wherever_they_lie, check_widening)

static int set_up(void **state)
{
    (void)state;
    const struct lk_kernels *tables[LK_KERNELS_MAX];
    reference = tables[lk_kernels_all(tables) - 1];
    lk_workers_alone(&workers);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_of_any_shape_are_the_reference),
        cmocka_unit_test(convolutions_that_suit_winograd_are_the_reference),
        cmocka_unit_test(linear_layers_and_their_gates_are_the_reference),
        cmocka_unit_test(convolutions_in_fewer_bits_are_the_reference),
        cmocka_unit_test(linear_layers_in_fewer_bits_are_the_reference),
        cmocka_unit_test(what_ends_within_a_tile_is_the_reference),
        cmocka_unit_test(attention_is_the_reference),
        cmocka_unit_test(group_norm_is_the_reference),
        cmocka_unit_test(layer_norm_is_the_reference),
        cmocka_unit_test(halves_are_widened_exactly_wherever_they_lie),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
