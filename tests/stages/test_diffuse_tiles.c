// SPDX-License-Identifier: Apache-2.0
/* Tiles: what agrees where tiles overlap is reproduced, every pixel is covered, none is a strip. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "stages/diffuse/vae/tiles.h"

struct seen {
    int calls, least, most; /* sides of tiles */
    int fail_at;
};

/* A "network" that doubles the size and copies: [2,h,w] → [2,2h,2w]. */
static int copy(void *user, const float *in, int h, int w, float *out, struct lk_error *err)
{
    struct seen *seen = user;
    if (++seen->calls == seen->fail_at)
        return lk_fail(err, LK_E_FAILED, "tile %d", seen->calls);
    int small = h < w ? h : w, large = h < w ? w : h;
    seen->least = seen->calls == 1 || small < seen->least ? small : seen->least;
    seen->most = large > seen->most ? large : seen->most;
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < 2 * h; y++)
            for (int x = 0; x < 2 * w; x++)
                out[(c * 2 * h + y) * 2 * w + x] = in[(c * h + y / 2) * w + x / 2];
    return 0;
}

static double run(int height, int width, int tile, int overlap, struct seen *seen)
{
    const struct lk__tiles tiles = {height, width, tile, overlap, 2, 1, 2, 2, copy, seen};
    const size_t n = (size_t)2 * height * width;
    float *in = malloc(n * sizeof *in), *out = calloc(4 * n, sizeof *out);
    double worst = 0;
    for (size_t k = 0; k < n; k++)
        in[k] = sinf((float)k);
    assert_int_equal(lk__tiles_run(&tiles, in, out, NULL), 0);
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < 2 * height; y++)
            for (int x = 0; x < 2 * width; x++)
                worst = fmax(worst, fabs((double)out[(c * 2 * height + y) * 2 * width + x] -
                                         in[(c * height + y / 2) * width + x / 2]));
    free(in);
    free(out);
    return worst;
}

static void a_whole_that_fits_is_one_run(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(run(9, 13, 13, 3, &seen) == 0);
    assert_int_equal(seen.calls, 1);
}

static void tiles_that_agree_are_reproduced(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(run(29, 41, 8, 2, &seen) < 1e-6);
    assert_int_equal(seen.calls, 5 * 7);
    assert_int_equal(seen.least, 8);
    assert_int_equal(seen.most, 8);
}

static void no_tile_is_a_strip(void **state)
{
    (void)state;
    for (int width = 17; width < 60; width++) {
        struct seen seen = {0};
        assert_true(run(16, width, 16, 4, &seen) < 1e-6);
        assert_int_equal(seen.least, 16);
    }
}

static void tiles_may_touch_without_overlap(void **state)
{
    (void)state;
    struct seen seen = {0};
    assert_true(run(6, 7, 2, 0, &seen) < 1e-6);
}

static void a_failing_tile_ends_the_run(void **state)
{
    (void)state;
    struct seen seen = {.fail_at = 3};
    struct lk_error err;
    const struct lk__tiles tiles = {16, 16, 8, 2, 2, 1, 2, 2, copy, &seen};
    float in[2 * 16 * 16] = {0}, out[2 * 32 * 32] = {7};
    assert_int_equal(lk__tiles_run(&tiles, in, out, &err), LK_E_FAILED);
    assert_string_equal(err.message, "tile 3");
    assert_int_equal(seen.calls, 3);
    assert_true(out[0] == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_that_fits_is_one_run),
        cmocka_unit_test(tiles_that_agree_are_reproduced),
        cmocka_unit_test(no_tile_is_a_strip),
        cmocka_unit_test(tiles_may_touch_without_overlap),
        cmocka_unit_test(a_failing_tile_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
