// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/size.h"
#include "catalog/entries.h"
#include "catalog/pull.h"
#include "support/temp.h"

static bool is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static void what_is_known_of_models_is_well_formed(void **state)
{
    (void)state;
    size_t n, n_others;
    const struct lk_model_entry *known = lk__known_models(&n);
    const struct lk__other *others = lk__known_others(&n_others);
    for (size_t i = 0; i < n; i++) {
        const struct lk_model_entry *e = &known[i];
        assert_true(e->name && e->family && e->file && e->source);
        assert_null(strchr(e->file, '/'));
        assert_true(!e->url || !strncmp(e->url, "https://", 8));
        assert_true(!e->sha256 || (e->url && is_digest(e->sha256)));
        assert_true(!e->bytes || e->url);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(e->name, known[k].name);
            assert_true(!e->sha256 || !known[k].sha256 || strcmp(e->sha256, known[k].sha256));
        }
        assert_ptr_equal(lk_model_known(e->file, NULL), e);
        assert_true(!e->sha256 || lk_model_known(NULL, e->sha256) == e);
    }
    for (size_t i = 0; i < n_others; i++) {
        const struct lk_model_entry *of = lk_model_known(others[i].file, others[i].sha256);
        assert_non_null(of);
        assert_string_equal(of->name, others[i].model);
        assert_true(is_digest(others[i].sha256));
    }
}

static lk_catalog *open_ok(const char *folder)
{
    struct lk_error err = {0};
    lk_catalog *catalog = NULL;
    const char *folders[] = {folder, NULL};
    if (lk_catalog_open(folders, &catalog, &err))
        fail_msg("%s", err.message);
    return catalog;
}

static void a_model_that_is_added_is_found_with_what_was_said_of_it(void **state)
{
    (void)state;
    static const char digest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const struct lk_model_entry models[] = {
        {.role = LK_ROLE_SWAPPER,
         .name = "tausch \"ä\"",
         .file = "a.onnx",
         .family = "inswapper",
         .embedder = "w600k-r50",
         .sha256 = digest,
         .bytes = 6938078334,
         .url = "https://example.org/a.onnx"},
        {.role = LK_ROLE_EMBEDDER,
         .name = "wer",
         .file = "b.onnx",
         .family = "arcface",
         .licence = "MIT",
         .defaults = {.same_person = 0.35f}},
        {.role = LK_ROLE_CHECKPOINT,
         .name = "bild",
         .file = "c",
         .family = "sd15",
         .defaults = {.width = 512, .height = 768, .guidance = 7, .sampler = "euler"}},
    };
    char *folder = test_temp_dir(), *pack = test_format("%s/pack.json", folder);
    test_write_text(pack, "{\"version\": 1, \"licence\": \"MIT\", \"mine\": [7], \"models\": {}}");
    for (size_t i = 0; i < LK_ARRAY_LENGTH(models); i++)
        assert_int_equal(lk_pack_add(folder, &models[i], NULL), 0);
    lk_catalog *catalog = open_ok(folder);
    const struct lk_model_entry *e;
    assert_int_equal(lk_catalog_named(catalog, "tausch \"ä\"", &e, NULL), 0);
    assert_int_equal(e->role, LK_ROLE_SWAPPER);
    assert_string_equal(e->embedder, "w600k-r50");
    assert_string_equal(e->sha256, digest);
    assert_string_equal(e->url, models[0].url);
    assert_true(e->bytes == models[0].bytes);
    assert_string_not_equal(e->licence, "MIT"); /* the pack's is not its */
    assert_int_equal(lk_catalog_named(catalog, "b.onnx", &e, NULL), 0);
    assert_true(e->defaults.same_person == 0.35f);
    assert_string_equal(e->licence, "MIT");
    assert_int_equal(lk_catalog_named(catalog, "BILD", &e, NULL), 0);
    assert_int_equal(e->defaults.width, 512);
    assert_int_equal(e->defaults.height, 768);
    assert_string_equal(e->defaults.sampler, "euler");
    lk_catalog_free(catalog);
    test_temp_remove(folder);
    free(pack);
}

static void names_of_roles_and_names_that_are_taken_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    char *folder = test_temp_dir();
    struct lk_model_entry e = {
        .role = LK_ROLE_VAE, .name = "sd", .file = "a.safetensors", .family = "sd15"};
    assert_int_equal(lk_pack_add(folder, &e, &err), LK_E_INPUT);
    static const char *const none[] = {"", "a/b", "a:b", "a=b", "a,b", "a\nb", "\x7f", "-a"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(none); i++) {
        e.name = none[i];
        assert_int_equal(lk_pack_add(folder, &e, &err), LK_E_INPUT);
    }
    e.name = "mine";
    assert_int_equal(lk_pack_add(folder, &e, &err), 0);
    assert_int_equal(lk_pack_add(folder, &e, &err), LK_E_INPUT);
    assert_non_null(strstr(err.message, "'mine' already"));
    e.name = "\xff";
    assert_int_equal(lk_pack_add(folder, &e, &err), LK_E_INPUT);
    assert_int_equal(lk_pack_add("/nowhere", &e, &err), LK_E_INPUT);
    e.name = "other";
    assert_int_equal(lk_pack_add("/nowhere", &e, &err), LK_E_FAILED);
    lk_catalog_free(open_ok(folder));
    test_temp_remove(folder);
}

static void what_is_stopped_goes_on_where_it_was(void **state)
{
    (void)state;
    enum { BYTES = 3 << 20 };
    char *from = test_temp_dir(), *to = test_temp_dir(), *file = test_format("%s/m.onnx", from);
    char *part = test_format("%s/m.onnx.part", to), *bytes = malloc(BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * i >> 7);
    test_write_file(file, bytes, BYTES);
    struct lk_sha256 sha;
    lk_sha256_bytes(bytes, BYTES, &sha);
    const struct lk_model_entry e = {
        .name = "m", .file = "m.onnx", .folder = to, .bytes = BYTES, .sha256 = sha.hex};
    const struct lk_pull_options options = {.from = from};
    atomic_bool stop = true;
    const struct lk_watch watch = {.stop = &stop};
    struct lk_pulled pulled;
    struct lk_error err;
    assert_int_equal(lk_model_pull(&e, &options, &watch, &pulled, &err), LK_E_INTERRUPTED);
    assert_non_null(strstr(err.message, part));
    assert_int_equal(access(part, F_OK), 0);
    stop = false;
    if (lk_model_pull(&e, &options, &watch, &pulled, &err))
        fail_msg("%s", err.message);
    assert_string_equal(pulled.sha256.hex, sha.hex);
    assert_false(pulled.was_there);
    assert_int_not_equal(access(part, F_OK), 0);
    free(pulled.path), free(bytes), free(file), free(part);
    test_temp_remove(from);
    test_temp_remove(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_of_models_is_well_formed),
        cmocka_unit_test(a_model_that_is_added_is_found_with_what_was_said_of_it),
        cmocka_unit_test(names_of_roles_and_names_that_are_taken_are_refused),
        cmocka_unit_test(what_is_stopped_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
