// SPDX-License-Identifier: Apache-2.0
/* Consent files come from strangers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/sign.h"
#include "cast/consent_text.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

#define UID "0123456789abcdef0123456789abcdef"
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD                                                                                       \
    "\"name\":\"ada\",\"nonce\":\"" UID "\",\"person\":\"" UID                                     \
    "\",\"time\":\"2026-11-29T01:00:00Z\""
#define GRANT                                                                                      \
    "{\"act\":\"grant\",\"evidence\":\"a letter\"," HEAD                                           \
    ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}"

static struct lk_sign_key key;

static int make_key(void **state)
{
    (void)state;
    const char *path = scratch_path("stranger.key");
    return lk_sign_key_make(path, NULL) || lk_sign_key_read(path, &key, NULL);
}

/* {"body", "public", "signature"}, rightly signed. */
static json_t *sign(const char *body)
{
    struct lk_signature signature;
    char *text = lk__consent_signed_text(body);
    lk_sign(&key, text, &signature);
    free(text);
    return json_pack("{s:s,s:s,s:s}", "body", body, "public", key.public_hex, "signature",
                     signature.hex);
}

static int read_file(json_t *root, struct lk_error *err)
{
    struct lk__consent_record *records;
    size_t n;
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    int rc = lk__consent_file_read(text, strlen(text), "hers.json", &records, &n, err);
    free(text);
    if (!rc)
        lk__consent_file_free(records, n);
    return rc;
}

static int read_body(const char *body, struct lk_error *err)
{
    return read_file(json_pack("{s:i,s:[o]}", "likeness_consent", 1, "records", sign(body)), err);
}

static void a_signed_grant_is_read(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_consent consent;
    assert_ok(read_body(GRANT, &err), &err);
    assert_ok(lk__consent_read(GRANT, &consent, &err), &err);
    assert_int_equal(consent.act, LK_CONSENT_GRANT);
    assert_string_equal(consent.name, "ada");
    assert_string_equal(consent.person, UID);
    assert_string_equal(consent.until, "2027-12-31");
    assert_string_equal(consent.evidence, "a letter");
    assert_int_equal(consent.uses, 2);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_consent read, consent = {.act = LK_CONSENT_GRANT, .uses = 5};
    char *body;
    snprintf(consent.name, sizeof consent.name, "Zoë \"the\\ sea\"");
    snprintf(consent.person, sizeof consent.person, UID);
    snprintf(consent.nonce, sizeof consent.nonce, UID);
    snprintf(consent.time, sizeof consent.time, "2026-11-29T01:00:00Z");
    snprintf(consent.until, sizeof consent.until, "2028-02-29");
    snprintf(consent.evidence, sizeof consent.evidence, "release.pdf");
    snprintf(consent.evidence_sha256, sizeof consent.evidence_sha256, SHA);
    assert_ok(lk__consent_write(&consent, NULL, &body, &err), &err);
    assert_ok(lk__consent_read(body, &read, &err), &err);
    assert_memory_equal(&read, &consent, sizeof read);
    free(body);
}

static void a_signed_record_must_still_be_well_formed(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"", "no JSON"},
        {"[]", "'act'"},
        {"{\"act\":\"grant\"}", "'name'"},
        {"{\"act\":\"give\"," HEAD "}", "'act'"},
        {"{\"act\":7," HEAD "}", "'act'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[]}", "'uses'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"paint\"]}", "'uses'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\",\"film\"]}", "'uses'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":\"film\"}", "'uses'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-02-30\",\"uses\":[\"film\"]}", "'until'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"99999-1-1\",\"uses\":[\"film\"]}", "'until'"},
        {"{\"act\":\"grant\",\"evidence\":\"\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "'evidence'"},
        {"{\"act\":\"grant\",\"evidence\":\"a\\u001b[2J\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "'evidence'"},
        {"{\"act\":\"grant\",\"evidence\":\"a\\u0000b\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "no JSON"},
        {"{\"act\":\"grant\",\"evidence\":\"x\",\"evidence_sha256\":\"beef\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "'evidence_sha256'"},
        {"{\"act\":\"grant\",\"evidence\":\"x\",\"more\":1," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "not known"},
        {"{\"act\":\"grant\",\"evidence\":\"x\",\"source\":{}," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "'source'"},
        {"{\"act\":\"grant\",\"act\":\"grant\",\"evidence\":\"x\"," HEAD ",\"until\":\"2027-12-31\",\"uses\":[\"film\"]}", "no JSON"},
        {"{\"act\":\"revoke\"," HEAD "}", "'revokes'"},
        {"{\"act\":\"revoke\",\"revokes\":\"" UID "\"," HEAD "}", "'revokes'"},
        {"{\"act\":\"revoke\",\"revokes\":\"" SHA "\",\"uses\":[\"film\"]," HEAD "}", "not known"},
        {"{\"act\":\"revoke\",\"revokes\":\"" SHA "\",\"name\":\"ada\",\"nonce\":\"" UID "\",\"person\":\"../../../../../../../../../etc/x\",\"time\":\"x\"}", "'person'"},
    };
    // clang-format on
    struct lk_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_fails(read_body(rows[i].body, &err), &err, LK_E_INPUT, rows[i].says);
    assert_ok(read_body("{\"act\":\"revoke\",\"revokes\":\"" SHA "\"," HEAD "}", &err), &err);
}

static void files_of_another_form_are_refused(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "line"},
        {"{", "line"},
        {"[]", "likeness_consent"},
        {"{\"likeness_consent\":2,\"records\":[]}", "likeness_consent"},
        {"{\"likeness_consent\":true,\"records\":[]}", "likeness_consent"},
        {"{\"likeness_consent\":1,\"records\":[],\"more\":0}", "likeness_consent"},
        {"{\"likeness_consent\":1,\"likeness_consent\":1,\"records\":[]}", "line"},
        {"{\"likeness_consent\":1,\"records\":[]}", "records"},
        {"{\"likeness_consent\":1,\"records\":{}}", "records"},
        {"{\"likeness_consent\":1,\"records\":[1]}", "no object"},
        {"{\"likeness_consent\":1,\"records\":[{\"body\":\"{}\"}]}", "no object"},
        {"{\"likeness_consent\":1,\"records\":[{\"body\":\"{}\",\"public\":\"\",\"signature\":\"\"}]}", "signature is wrong"},
    };
    // clang-format on
    struct lk_error err;
    struct lk__consent_record *records;
    size_t n;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_fails(lk__consent_file_read(rows[i].text, strlen(rows[i].text), "hers.json",
                                           &records, &n, &err),
                     &err, LK_E_INPUT, rows[i].says);
    json_t *many = json_array();
    for (int i = 0; i < 65; i++)
        json_array_append_new(many, sign(GRANT));
    assert_fails(read_file(json_pack("{s:i,s:o}", "likeness_consent", 1, "records", many), &err),
                 &err, LK_E_INPUT, "64");
}

static void every_changed_byte_of_a_file_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk__consent_record *records;
    size_t n;
    json_t *root = json_pack("{s:i,s:[o]}", "likeness_consent", 1, "records", sign(GRANT));
    char *text = json_dumps(root, JSON_COMPACT);
    const size_t size = strlen(text);
    json_decref(root);
    for (size_t at = 0; at < size; at++) {
        const char was = text[at];
        text[at] = was == '7' ? '8' : '7';
        if (lk__consent_file_read(text, size, "hers.json", &records, &n, &err) == 0)
            fail_msg("byte %zu may be changed", at);
        assert_fails(lk__consent_file_read(text, at, "hers.json", &records, &n, &err), &err,
                     LK_E_INPUT, "hers.json");
        text[at] = was;
    }
    free(text);
}

/* Who signs the revocation must have signed the grant. */
static void strangers_cannot_take_back_what_others_granted(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk__consent_record *records;
    struct lk_sha256 id;
    size_t n;
    lk_sha256_bytes(GRANT, strlen(GRANT), &id);
    char *revocation = test_format("{\"act\":\"revoke\",\"revokes\":\"%s\"," HEAD "}", id.hex);
    json_t *grant = sign(GRANT), *own = sign(revocation);
    const char *path = scratch_path("other.key");
    assert_ok(lk_sign_key_make(path, &err), &err);
    assert_ok(lk_sign_key_read(path, &key, &err), &err);
    json_t *foreign = sign(revocation);
    for (int i = 0; i < 2; i++) {
        json_t *root =
            json_pack("{s:i,s:[O,O]}", "likeness_consent", 1, "records", grant, i ? foreign : own);
        char *text = json_dumps(root, JSON_COMPACT);
        assert_ok(lk__consent_file_read(text, strlen(text), "x", &records, &n, &err), &err);
        assert_int_equal(records[0].is_revoked, i == 0);
        lk__consent_file_free(records, n);
        free(text);
        json_decref(root);
    }
    json_decref(grant);
    json_decref(own);
    json_decref(foreign);
    free(revocation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_grant_is_read),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_signed_record_must_still_be_well_formed),
        cmocka_unit_test(files_of_another_form_are_refused),
        cmocka_unit_test(every_changed_byte_of_a_file_is_refused),
        cmocka_unit_test(strangers_cannot_take_back_what_others_granted),
    };
    return cmocka_run_group_tests(tests, make_key, NULL);
}
