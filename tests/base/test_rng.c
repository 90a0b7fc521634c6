// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "base/golden_rng.h"
#include "support/check.h"

/* The row's numbers, made by its calls; malloc'd. */
static float *draw(const struct golden *g, size_t *count)
{
    struct lk_rng rng;
    size_t n = 0, at = 0;
    for (int i = 0; i < GOLDEN_CALLS; i++)
        n += (size_t)g->calls[i];
    float *out = malloc(n * sizeof *out);
    assert_non_null(out);
    lk_rng_init(&rng, g->kind, g->seed);
    for (int i = 0; i < GOLDEN_CALLS && g->calls[i]; i++) {
        lk_rng_normal(&rng, out + at, (size_t)g->calls[i]);
        at += (size_t)g->calls[i];
    }
    *count = n;
    return out;
}

/* Relative to 1 + |golden|: torch's float logarithm and sines are approximations of their own. */
static double error_of(float got, float golden)
{
    return fabs((double)got - (double)golden) / (1 + fabs((double)golden));
}

static void check_kind(enum lk_rng_kind kind, double tolerance)
{
    double worst = 0;
    for (size_t r = 0; r < sizeof goldens / sizeof *goldens; r++) {
        const struct golden *g = &goldens[r];
        if (g->kind != kind)
            continue;
        size_t n;
        double sum = 0, squares = 0;
        float *out = draw(g, &n);
        for (size_t i = 0; i < n && i < GOLDEN_KEEP; i++) {
            size_t at = n <= GOLDEN_KEEP || i < GOLDEN_KEEP / 2 ? i : n - GOLDEN_KEEP + i;
            double e = error_of(out[at], g->value[i]);
            worst = e > worst ? e : worst;
            if (e > tolerance)
                fail_msg("row %zu, number %zu: %.9g, not %.9g", r, at, (double)out[at],
                         (double)g->value[i]);
        }
        for (size_t i = 0; i < n; i++) {
            sum += (double)out[i];
            squares += (double)out[i] * (double)out[i];
        }
        assert_true(fabs(sum - g->sum) < tolerance * (double)n);
        assert_true(fabs(squares - g->sum_of_squares) < 4 * tolerance * (double)n);
        free(out);
    }
    print_message("worst error %.3g\n", worst);
}

static void torch_noise_equals_torch(void **state)
{
    (void)state;
    check_kind(LK_RNG_TORCH, 5e-7);
}

static void philox_noise_equals_the_webui(void **state)
{
    (void)state;
    check_kind(LK_RNG_PHILOX, 1e-7);
}

static void a_copy_forks_the_stream(void **state)
{
    (void)state;
    for (int kind = LK_RNG_TORCH; kind <= LK_RNG_PHILOX; kind++) {
        struct lk_rng a, b;
        float first[50], x[700], y[700];
        lk_rng_init(&a, (enum lk_rng_kind)kind, 9);
        lk_rng_normal(&a, first, 3); /* leaves half a pair behind in torch */
        b = a;
        lk_rng_normal(&a, x, 5);
        lk_rng_normal(&a, x, 700);
        lk_rng_normal(&b, y, 5);
        lk_rng_normal(&b, y, 700);
        assert_memory_equal(x, y, sizeof x);
    }
}

static void noise_is_standard_normal(void **state)
{
    (void)state;
    enum { N = 200000 };
    float *out = malloc(N * sizeof *out);
    for (int kind = LK_RNG_TORCH; kind <= LK_RNG_PHILOX; kind++) {
        struct lk_rng rng;
        double moments[5] = {0};
        lk_rng_init(&rng, (enum lk_rng_kind)kind, 2026);
        lk_rng_normal(&rng, out, N);
        for (int i = 0; i < N; i++) {
            double p = 1;
            assert_true(isfinite(out[i]));
            for (int k = 1; k <= 4; k++)
                moments[k] += (p *= (double)out[i]) / N;
        }
        assert_true(fabs(moments[1]) < 0.01 && fabs(moments[2] - 1) < 0.02);
        assert_true(fabs(moments[3]) < 0.04 && fabs(moments[4] - 3) < 0.12);
    }
    free(out);
}

static void no_numbers_move_nothing(void **state)
{
    (void)state;
    struct lk_rng a, b;
    float x[20], y[20];
    lk_rng_init(&a, LK_RNG_TORCH, 3);
    b = a;
    lk_rng_normal(&a, x, 0);
    lk_rng_normal(&a, x, 20);
    lk_rng_normal(&b, y, 20);
    assert_memory_equal(x, y, sizeof x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torch_noise_equals_torch), cmocka_unit_test(philox_noise_equals_the_webui),
        cmocka_unit_test(a_copy_forks_the_stream),  cmocka_unit_test(noise_is_standard_normal),
        cmocka_unit_test(no_numbers_move_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
