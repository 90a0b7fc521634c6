// SPDX-License-Identifier: Apache-2.0
#include "base/seal.h"
#include "support/check.h"

static const char SECRET[] = "what nobody else shall read";

static void make_key(const char *passphrase, const char *salt_text, struct lk_key *out)
{
    struct lk_error err;
    uint8_t salt[LK_SEAL_SALT] = {0};
    memcpy(salt, salt_text, strlen(salt_text));
    assert_ok(lk_seal_key(passphrase, salt, out, &err), &err);
}

static void what_is_sealed_opens_with_the_same_key_and_label_alone(void **state)
{
    (void)state;
    struct lk_key key, again, other, salted;
    uint8_t sealed[sizeof SECRET + LK_SEAL_MORE], opened[sizeof SECRET];
    make_key("a passphrase", "salt", &key);
    make_key("a passphrase", "salt", &again);
    make_key("A passphrase", "salt", &other);
    make_key("a passphrase", "pepper", &salted);
    lk_seal(&key, "a label", SECRET, sizeof SECRET, sealed);
    assert_true(lk_unseal(&again, "a label", sealed, sizeof sealed, opened));
    assert_memory_equal(opened, SECRET, sizeof SECRET);
    assert_false(lk_unseal(&key, "another label", sealed, sizeof sealed, opened));
    assert_false(lk_unseal(&other, "a label", sealed, sizeof sealed, opened));
    assert_false(lk_unseal(&salted, "a label", sealed, sizeof sealed, opened));
}

static void a_changed_or_cut_byte_does_not_open(void **state)
{
    (void)state;
    struct lk_key key;
    uint8_t sealed[sizeof SECRET + LK_SEAL_MORE], opened[sizeof SECRET];
    make_key("a passphrase", "salt", &key);
    lk_seal(&key, "", SECRET, sizeof SECRET, sealed);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_false(lk_unseal(&key, "", sealed, sizeof sealed, opened));
        sealed[i] ^= 1;
        assert_false(lk_unseal(&key, "", sealed, i, opened));
    }
    assert_true(lk_unseal(&key, "", sealed, sizeof sealed, opened));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_opens_with_the_same_key_and_label_alone),
        cmocka_unit_test(a_changed_or_cut_byte_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
