// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <sys/stat.h>

#include "base/sign.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* RFC 8032, section 7.1, test 1. */
#define SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SIGNATURE                                                                                  \
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9" \
    "b46bd25bf5f0595bbe24655141438e7a100b"

static void the_known_answer_of_the_standard(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sign_key key;
    struct lk_signature signature;
    test_write_text(scratch_path("rfc8032.key"), SEED "\n");
    assert_ok(lk_sign_key_read(scratch_path("rfc8032.key"), &key, &err), &err);
    assert_string_equal(key.public_hex, PUBLIC);
    lk_sign(&key, "", &signature);
    assert_string_equal(signature.hex, SIGNATURE);
    assert_true(lk_sign_verify(PUBLIC, "", SIGNATURE));
    assert_false(lk_sign_verify(PUBLIC, "x", SIGNATURE));
    assert_false(lk_sign_verify(SEED, "", SIGNATURE));
    assert_false(lk_sign_verify(PUBLIC, "", PUBLIC));
    assert_false(lk_sign_verify("", "", ""));
}

static void a_key_is_made_once_and_for_its_owner(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sign_key first, second;
    struct stat status;
    const char *path = scratch_path("once.key");
    assert_ok(lk_sign_key_make(path, &err), &err);
    assert_ok(lk_sign_key_read(path, &first, &err), &err);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_ok(lk_sign_key_make(path, &err), &err);
    assert_ok(lk_sign_key_read(path, &second, &err), &err);
    assert_memory_equal(&first, &second, sizeof first);
}

static void what_is_no_key_is_named(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sign_key key;
    test_write_text(scratch_path("short.key"), "9d61b1\n");
    test_write_text(scratch_path("text.key"),
                    "not hex but just as long as a key would be, 64 characters of it!");
    assert_fails(lk_sign_key_read(scratch_path("short.key"), &key, &err), &err, LK_E_INPUT,
                 "short.key' is no key");
    assert_fails(lk_sign_key_read(scratch_path("text.key"), &key, &err), &err, LK_E_INPUT,
                 "text.key' is no key");
    assert_fails(lk_sign_key_read(scratch_path("nosuch.key"), &key, &err), &err, LK_E_MISSING,
                 "nosuch.key");
    assert_fails(lk_sign_key_make(scratch_path("nosuch/a.key"), &err), &err, LK_E_FAILED,
                 "nosuch/a.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_known_answer_of_the_standard),
        cmocka_unit_test(a_key_is_made_once_and_for_its_owner),
        cmocka_unit_test(what_is_no_key_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
