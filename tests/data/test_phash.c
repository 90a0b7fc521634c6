// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "data/phash.h"
#include "support/check.h"

static void fill(struct lk_picture *picture)
{
    for (int i = 0; i < picture->width * picture->height * 3; i++) {
        int c = i % 3, x = i / 3 % picture->width, y = i / 3 / picture->width;
        picture->u8[i] =
            (uint8_t)floor(127.5 + 100 * sin(0.002 * x * x + c) * cos(0.07 * y + 0.02 * x));
    }
}

/* tools/golden/phash.py. Hashes in old ledgers must stay findable: this number may not change. */
static void the_hash_is_that_of_the_reference(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture, *floats;
    uint64_t hash;
    assert_ok(lk_picture_new(96, 80, 3, LK_PIXEL_U8, &picture, &err), &err);
    fill(picture);
    assert_ok(lk_phash(picture, &hash, &err), &err);
    assert_true(hash == 0x67446744674467bbu);
    assert_ok(lk_picture_convert(picture, LK_PIXEL_F32, &floats, &err), &err);
    assert_ok(lk_phash(floats, &hash, &err), &err);
    assert_in_range(lk_phash_distance(hash, 0x67446744674467bbu), 0, 2);
    lk_picture_free(picture);
    lk_picture_free(floats);
}

static void pictures_of_any_size_and_of_one_colour_have_a_hash(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 500}, {33, 31}, {2000, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lk_error err;
        struct lk_picture *picture;
        uint64_t hash;
        assert_ok(lk_picture_new(sizes[i][0], sizes[i][1], 4, LK_PIXEL_U8, &picture, &err), &err);
        assert_ok(lk_phash(picture, &hash, &err), &err);
        assert_true(hash == 0);
        lk_picture_free(picture);
    }
}

static void distance_counts_bits(void **state)
{
    (void)state;
    assert_int_equal(lk_phash_distance(0, 0), 0);
    assert_int_equal(lk_phash_distance(0, UINT64_MAX), 64);
    assert_int_equal(lk_phash_distance(5, 6), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_the_reference),
        cmocka_unit_test(pictures_of_any_size_and_of_one_colour_have_a_hash),
        cmocka_unit_test(distance_counts_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
