// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/hash.h"
#include "support/check.h"
#include "support/scratch.h"

/* FIPS 180-2, appendix B. */
static void known_answers(void **state)
{
    (void)state;
    struct lk_sha256 sha;
    lk_sha256_bytes("abc", 3, &sha);
    assert_string_equal(sha.hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    lk_sha256_bytes("", 0, &sha);
    assert_string_equal(sha.hex,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* sha256("ab" + "c"): salt and text as one. */
static void a_salt_stands_before_the_text(void **state)
{
    (void)state;
    struct lk_sha256 sha;
    struct lk_salt one, two;
    lk_sha256_salted("ab", "c", &sha);
    assert_string_equal(sha.hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    lk_salt_make(&one);
    lk_salt_make(&two);
    assert_int_equal(strlen(one.hex), 64);
    assert_string_not_equal(one.hex, two.hex);
}

/* One million times 'a' (the same appendix) crosses the pieces that files are read in. */
static void a_file_hashes_as_its_bytes(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sha256 sha;
    enum { MILLION = 1000000 };
    char *text = malloc(MILLION);
    memset(text, 'a', MILLION);
    const char *path = scratch_write("million", text, MILLION);
    free(text);
    assert_ok(lk_sha256_file(path, &sha, &err), &err);
    assert_string_equal(sha.hex,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void a_missing_file_leaves_the_result_alone(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sha256 sha = {"before"};
    assert_fails(lk_sha256_file(scratch_path("no"), &sha, &err), &err, LK_E_INPUT,
                 "cannot be opened");
    assert_fails(lk_sha256_file("/tmp", &sha, &err), &err, LK_E_INPUT, "cannot be read");
    assert_string_equal(sha.hex, "before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_salt_stands_before_the_text),
        cmocka_unit_test(a_file_hashes_as_its_bytes),
        cmocka_unit_test(a_missing_file_leaves_the_result_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
