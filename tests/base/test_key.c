// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/stat.h>

#include "base/key.h"
#include "support/check.h"
#include "support/scratch.h"

static void a_stream_depends_on_key_and_label_alone(void **state)
{
    (void)state;
    const struct lk_key a = {{1}}, b = {{2}};
    uint8_t one[64], same[64], other[64];
    lk_key_stream(&a, "x", one, sizeof one);
    lk_key_stream(&a, "x", same, sizeof same);
    assert_memory_equal(one, same, sizeof one);
    lk_key_stream(&a, "y", other, sizeof other);
    assert_memory_not_equal(one, other, sizeof one);
    lk_key_stream(&b, "x", other, sizeof other);
    assert_memory_not_equal(one, other, sizeof one);
}

static void a_key_is_made_once_and_for_its_owner_alone(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_key first, again, read;
    struct stat info;
    const char *path = scratch_path("new.key");
    assert_fails(lk_key_read(path, &read, &err), &err, LK_E_MISSING, "new.key");
    assert_ok(lk_key_keep(path, &first, &err), &err);
    assert_ok(lk_key_keep(path, &again, &err), &err);
    assert_ok(lk_key_read(path, &read, &err), &err);
    assert_memory_equal(&first, &again, sizeof first);
    assert_memory_equal(&first, &read, sizeof first);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_nlink, 1);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "abcd\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00\n",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff x\n",
    };
    struct lk_error err;
    struct lk_key key;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *path = scratch_write("bad.key", texts[i], strlen(texts[i]));
        assert_fails(lk_key_read(path, &key, &err), &err, LK_E_INPUT, "64 hex digits");
        assert_fails(lk_key_keep(path, &key, &err), &err, LK_E_INPUT, "64 hex digits");
    }
    assert_fails(lk_key_keep(scratch_path("no/folder.key"), &key, &err), &err, LK_E_FAILED,
                 "folder.key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_depends_on_key_and_label_alone),
        cmocka_unit_test(a_key_is_made_once_and_for_its_owner_alone),
        cmocka_unit_test(what_is_no_key_is_refused),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
