// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>

#include "data/face.h"
#include "support/check.h"

static struct lk_embedding embedding(float x, float y, const char *embedder)
{
    struct lk_embedding e = {.size = 128, .value = {x, y}};
    snprintf(e.embedder, sizeof e.embedder, "%s", embedder);
    return e;
}

static void the_cosine_is_that_of_the_angle(void **state)
{
    (void)state;
    struct lk_embedding a = embedding(1, 0, "e"), b = embedding(0.6f, 0.8f, "e"),
                        c = embedding(-2, 0, "e");
    assert_true(fabsf(lk_embedding_cosine(&a, &b) - 0.6f) < 1e-6f);
    assert_true(fabsf(lk_embedding_cosine(&a, &c) + 1.0f) < 1e-6f);
    assert_true(lk_embedding_cosine(&b, &b) > 1.0f - 1e-6f);
}

static void what_does_not_compare_is_no_number(void **state)
{
    (void)state;
    struct lk_embedding a = embedding(1, 0, "e"), none = {0}, other = embedding(1, 0, "f"),
                        longer = a, zero = embedding(0, 0, "e");
    longer.size = 512;
    assert_true(isnan(lk_embedding_cosine(&a, &none)));
    assert_true(isnan(lk_embedding_cosine(&none, &none)));
    assert_true(isnan(lk_embedding_cosine(&a, &other)));
    assert_true(isnan(lk_embedding_cosine(&a, &longer)));
    assert_true(isnan(lk_embedding_cosine(&a, &zero)));
    longer.size = 513;
    assert_true(isnan(lk_embedding_cosine(&longer, &longer)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cosine_is_that_of_the_angle),
        cmocka_unit_test(what_does_not_compare_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
