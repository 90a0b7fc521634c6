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
#include "catalog/catalog.h"
#include "catalog/places.h"
#include "support/temp.h"

static const char PACK[] =
    "{\"version\": 1, \"name\": \"likeness starter\", \"licence\": \"MIT\", \"models\": {"
    "\"sd\": {\"family\": \"sd15\", \"file\": \"sd\", \"licence\": \"Apache-2.0\","
    " \"size\": 128, \"height\": 192, \"steps\": 20, \"threshold\": [],"
    " \"guidance\": 5.5, \"sampler\": \"dpmpp-2m\", \"schedule\": \"karras\", \"upscale\": 2,"
    " \"sha256\": {"
    "\"unet/b\": \"5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5\","
    "\"a\": \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}},"
    "\"embedder\": {\"family\": \"arcface\", \"file\": \"embedder.onnx\", \"threshold\": 0.4},"
    "\"swapper\": {\"family\": \"inswapper\", \"file\": \"swapper.onnx\","
    " \"embedder\": \"embedder.onnx\"},"
    "\"soft\": {\"role\": \"upscaler\", \"family\": \"rrdbnet\", \"file\": \"soft.onnx\","
    " \"scale\": 4}}}";

static char *folder;     /* a model folder with the pack above, but without swapper.onnx */
static char *embedder;   /* paths in it */
static char *checkpoint; /* a folder of two files */

static int make_folder(void **state)
{
    (void)state;
    folder = test_temp_dir();
    char *pack = test_format("%s/pack.json", folder);
    embedder = test_format("%s/embedder.onnx", folder);
    checkpoint = test_format("%s/sd", folder);
    char *inner = test_format("%s/unet", checkpoint), *b = test_format("%s/b", inner);
    char *a = test_format("%s/a", checkpoint);
    test_write_text(pack, PACK);
    test_write_text(embedder, "abc");
    test_make_dir(checkpoint);
    test_make_dir(inner);
    test_write_text(a, "abc");
    test_write_text(b, "12345");
    free(pack), free(inner), free(a), free(b);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_temp_remove(folder);
    free(embedder), free(checkpoint);
    return 0;
}

static lk_catalog *open_ok(void)
{
    struct lk_error err = {0};
    lk_catalog *catalog = NULL;
    const char *folders[] = {"/nowhere", folder, NULL};
    if (lk_catalog_open(folders, &catalog, &err))
        fail_msg("%s", err.message);
    return catalog;
}

static const struct lk_model_entry *find_ok(lk_catalog *c, enum lk_role role, const char *spec)
{
    struct lk_error err = {0};
    const struct lk_model_entry *entry = NULL;
    if (lk_catalog_find(c, role, spec, &entry, &err))
        fail_msg("%s", err.message);
    return entry;
}

static void assert_missing(lk_catalog *c, enum lk_role role, const char *spec, const char *says)
{
    struct lk_error err = {0};
    const struct lk_model_entry *entry = NULL;
    assert_int_equal(lk_catalog_find(c, role, spec, &entry, &err), LK_E_MISSING);
    assert_null(entry);
    if (!strstr(err.message, says))
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void without_a_name_the_starter_serves_with_its_defaults(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    const struct lk_model_entry *entry = find_ok(catalog, LK_ROLE_CHECKPOINT, NULL);
    assert_string_equal(entry->path, checkpoint);
    assert_string_equal(entry->family, "sd15");
    assert_string_equal(entry->licence, "Apache-2.0");
    assert_string_equal(find_ok(catalog, LK_ROLE_EMBEDDER, NULL)->licence, "MIT");
    assert_int_equal(entry->defaults.width, 128);
    assert_int_equal(entry->defaults.height, 192);
    assert_int_equal(entry->defaults.upscale, 2);
    assert_true(entry->defaults.guidance == 5.5f);
    assert_string_equal(entry->defaults.sampler, "dpmpp-2m");
    assert_true(find_ok(catalog, LK_ROLE_EMBEDDER, "")->defaults.same_person == 0.4f);
    assert_ptr_equal(find_ok(catalog, LK_ROLE_CHECKPOINT, "Starter"), entry);
    lk_catalog_free(catalog);
}

static void a_path_has_the_usual_family_or_the_one_in_front_of_it(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    const struct lk_model_entry *entry = find_ok(catalog, LK_ROLE_DETECTOR, embedder);
    assert_string_equal(entry->family, "scrfd");
    assert_string_equal(entry->path, embedder);
    assert_string_equal(entry->name, "embedder.onnx");
    char *spec = test_format("yunet:%s", embedder);
    entry = find_ok(catalog, LK_ROLE_DETECTOR, spec);
    assert_string_equal(entry->family, "yunet");
    assert_string_equal(entry->path, embedder);
    free(spec);
    entry = find_ok(catalog, LK_ROLE_DETECTOR, "embedder"); /* a file of a model folder */
    assert_string_equal(entry->path, embedder);
    entry = find_ok(catalog, LK_ROLE_CHECKPOINT, "sd");
    assert_string_equal(entry->path, checkpoint);
    lk_catalog_free(catalog);
}

static void where_names_only_are_taken_no_path_is_opened(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    assert_true(lk_catalog_takes_paths(catalog));
    lk_catalog_take_names_only(catalog);
    char *family = test_format("yunet:%s", embedder);
    const char *const PATHS[] = {
        embedder,          family, "/etc/passwd", "./embedder.onnx", "../etc/passwd",
        "scrfd:../secret", "..",   "scrfd:.."};
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        struct lk_error err = {0};
        const struct lk_model_entry *entry = NULL;
        assert_int_equal(lk_catalog_find(catalog, LK_ROLE_DETECTOR, PATHS[i], &entry, &err),
                         LK_E_REFUSED);
        assert_non_null(strstr(err.message, "--detector"));
    }
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir("/etc"), 0); /* a file of the working folder is no name */
    assert_missing(catalog, LK_ROLE_DETECTOR, "passwd", "no detector");
    assert_string_equal(find_ok(catalog, LK_ROLE_DETECTOR, "embedder")->path, embedder);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(find_ok(catalog, LK_ROLE_CHECKPOINT, NULL)->path, checkpoint);
    assert_string_equal(find_ok(catalog, LK_ROLE_DETECTOR, "yunet:embedder")->family, "yunet");
    free(family);
    lk_catalog_free(catalog);
}

static void a_file_of_a_known_name_is_that_model_wherever_it_lies(void **state)
{
    (void)state;
    char *path = test_format("%s/sd/MobileFaceNet.onnx", folder);
    test_write_text(path, "x");
    lk_catalog *catalog = open_ok();
    const struct lk_model_entry *entry = find_ok(catalog, LK_ROLE_EMBEDDER, path);
    assert_string_equal(entry->family, "mobilefacenet");
    assert_string_equal(entry->path, path);
    assert_true(entry->defaults.same_person > 0.4f);
    lk_catalog_free(catalog);
    free(path);
}

static void a_swapper_names_its_embedder_and_a_key_its_model(void **state)
{
    (void)state;
    char *swapper = test_format("%s/swapper.onnx", folder);
    char *upscaler = test_format("%s/soft.onnx", folder);
    test_write_text(swapper, "x");
    test_write_text(upscaler, "x");
    lk_catalog *catalog = open_ok();
    const char *name = find_ok(catalog, LK_ROLE_EMBEDDER, NULL)->name;
    assert_string_equal(find_ok(catalog, LK_ROLE_SWAPPER, NULL)->embedder, name);
    assert_int_equal(find_ok(catalog, LK_ROLE_UPSCALER, "soft")->defaults.upscale, 4);
    lk_catalog_free(catalog);
    free(swapper), free(upscaler);
}

static void what_is_not_there_is_said_with_what_to_do(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    assert_missing(catalog, LK_ROLE_SWAPPER, NULL, "put swapper.onnx into");
    assert_missing(catalog, LK_ROLE_VAE, NULL, "--vae"); /* no pack has one */
    assert_missing(catalog, LK_ROLE_SWAPPER, "inswapper-128", "deepinsight");
    assert_missing(catalog, LK_ROLE_DETECTOR, "scrfd-11g", "did you mean 'scrfd-10g'?");
    assert_missing(catalog, LK_ROLE_EMBEDDER, "xyzzy", "one of starter, w600k-r50");
    assert_missing(catalog, LK_ROLE_DETECTOR, "yunet:/no/file", "'/no/file' is not there");
    assert_missing(catalog, LK_ROLE_CHECKPOINT, "no/file.safetensors", "--model");
    char *long_name = malloc(10001);
    assert_non_null(long_name);
    memset(long_name, 'a', 10000);
    long_name[10000] = 0;
    assert_missing(catalog, LK_ROLE_DETECTOR, long_name, "one of");
    free(long_name);
    lk_catalog_free(catalog);
}

static void entries_are_listed_by_role_found_or_not(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    size_t found = 0, count = lk_catalog_count(catalog);
    for (size_t i = 0; i < count; i++) {
        const struct lk_model_entry *entry = lk_catalog_at(catalog, i);
        assert_non_null(entry->name);
        assert_non_null(entry->file);
        assert_true(i == 0 || lk_catalog_at(catalog, i - 1)->role <= entry->role);
        found += entry->path != NULL;
    }
    assert_int_equal(found, 2);
    assert_true(count > 8);
    assert_string_equal(lk_catalog_folders(catalog)[1], folder);
    lk_catalog_free(catalog);
}

static void size_and_hash_are_of_the_file_or_of_all_files(void **state)
{
    (void)state;
    lk_catalog *catalog = open_ok();
    const struct lk_model_entry *file = find_ok(catalog, LK_ROLE_EMBEDDER, NULL);
    const struct lk_model_entry *tree = find_ok(catalog, LK_ROLE_CHECKPOINT, NULL);
    uint64_t bytes = 0;
    struct lk_sha256 sha, again;
    assert_int_equal(lk_model_size(file, &bytes, NULL), 0);
    assert_int_equal(bytes, 3);
    assert_int_equal(lk_model_size(tree, &bytes, NULL), 0);
    assert_int_equal(bytes, 8);
    assert_int_equal(lk_model_sha256(file, &sha, NULL), 0);
    assert_string_equal(sha.hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(lk_model_sha256(tree, &sha, NULL), 0);
    char *lines = test_format("%s  a\n%s  unet/b\n",
                              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                              "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5");
    lk_sha256_bytes(lines, strlen(lines), &again);
    assert_string_equal(sha.hex, again.hex);
    assert_string_equal(sha.hex, tree->sha256); /* as the pack says, file by file */
    free(lines);
    lk_catalog_free(catalog);
}

static void a_hostile_pack_is_refused_in_one_line(void **state)
{
    (void)state;
#define ENTRY "{\"version\": 1, \"models\": {\"sd\": {\"family\": \"f\", "
    static const struct {
        const char *json, *says;
    } PACKS[] = {
        {"{", "line 1"},
        {"{\"version\": 2, \"models\": {}}", "version 1"},
        {"{\"version\": 1, \"models\": []}", "'models'"},
        {"{\"version\": 1, \"models\": {\"sd\": 7}}", "model 'sd'"},
        {"{\"version\": 1, \"models\": {\"x\": {\"role\": \"chef\"}}}", "'role' of model 'x'"},
        {"{\"version\": 1, \"models\": {\"\": {\"role\": \"vae\"}}}", "'name'"},
        {ENTRY "\"file\": \"\"}}}", "'file'"},
        {ENTRY "\"family\": 3}}}", "duplicate"},
        {ENTRY "\"file\": \"/etc/passwd\"}}}", "inside it"},
        {ENTRY "\"file\": \"a/../../b\"}}}", "inside it"},
        {ENTRY "\"file\": \"a\", \"sha256\": \"abc\"}}}", "64 hex"},
        {ENTRY "\"file\": \"a\", \"sha256\": {\"b\": 1}}}}", "64 hex"},
        {ENTRY "\"file\": \"a\", \"size\": 1e9}}}", "'size'"},
        {ENTRY "\"file\": \"a\", \"steps\": 0}}}", "from 1 to 1000"},
        {ENTRY "\"file\": \"a\", \"guidance\": \"7\"}}}", "from 0 to 100"},
    };
#undef ENTRY
    char *pack = test_format("%s/pack.json", folder);
    const char *folders[] = {folder, NULL};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(PACKS); i++) {
        struct lk_error err = {0};
        lk_catalog *catalog = NULL;
        test_write_text(pack, PACKS[i].json);
        assert_int_equal(lk_catalog_open(folders, &catalog, &err), LK_E_INPUT);
        assert_null(catalog);
        if (!strstr(err.message, PACKS[i].says) || !strstr(err.message, "pack.json"))
            fail_msg("'%s' does not say '%s'", err.message, PACKS[i].says);
    }
    free(pack);
}

static void the_first_folder_that_has_the_file_serves_it(void **state)
{
    (void)state;
    char *other = test_temp_dir(), *pack = test_format("%s/pack.json", other);
    char *swapper = test_format("%s/swapper.onnx", other);
    char *second = test_format("%s/embedder.onnx", other);
    test_write_text(pack, PACK);
    test_write_text(swapper, "x");
    test_write_text(second, "x");
    const char *folders[] = {folder, other, NULL};
    lk_catalog *catalog = NULL;
    assert_int_equal(lk_catalog_open(folders, &catalog, NULL), 0);
    assert_string_equal(find_ok(catalog, LK_ROLE_EMBEDDER, NULL)->path, embedder);
    assert_string_equal(find_ok(catalog, LK_ROLE_SWAPPER, NULL)->path, swapper);
    lk_catalog_free(catalog);
    free(pack), free(swapper), free(second);
    test_temp_remove(other);
}

static void the_usual_folders_follow_the_environment(void **state)
{
    (void)state;
    char **folders = NULL;
    assert_int_equal(setenv("LIKENESS_MODELS", "/a::/b c", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(lk_places_models(&folders, NULL), 0);
    assert_string_equal(folders[0], "/a");
    assert_string_equal(folders[1], "/b c");
    assert_string_equal(folders[2], "/data/likeness/models");
    assert_non_null(strstr(folders[3], "starter/pack"));
    lk_places_free(folders);
    char *many = malloc(4001);
    assert_non_null(many);
    for (int i = 0; i < 4000; i++)
        many[i] = i % 2 ? ':' : 'x';
    many[4000] = 0;
    struct lk_error err = {0};
    assert_int_equal(setenv("LIKENESS_MODELS", many, 1), 0);
    assert_int_equal(lk_places_models(&folders, &err), LK_E_FAILED);
    assert_non_null(strstr(err.message, "LIKENESS_MODELS"));
    free(many);
    assert_int_equal(unsetenv("LIKENESS_MODELS"), 0);
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
}

/* LIKENESS_STATE before XDG_STATE_HOME before HOME; the folder is made, with those above it. */
static void the_state_folder_follows_the_environment(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *below;
    } rows[] = {{"HOME", ".local/state/likeness/"},
                {"XDG_STATE_HOME", "likeness/"},
                {"LIKENESS_STATE", ""}};
    char *root = test_temp_dir();
    assert_int_equal(unsetenv("LIKENESS_STATE"), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_error err;
        char *path, *home = test_format("%s/%zu/deep", root, i);
        char *expected = test_format("%s/%saudit.db", home, rows[i].below);
        assert_int_equal(setenv(rows[i].variable, home, 1), 0);
        assert_int_equal(lk_places_state("audit.db", true, &path, &err), 0);
        assert_string_equal(path, expected);
        test_write_text(path, "a file can be made there");
        free(path), free(home), free(expected);
    }
    test_temp_remove(root);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(without_a_name_the_starter_serves_with_its_defaults),
        WITH_FOLDER(a_path_has_the_usual_family_or_the_one_in_front_of_it),
        WITH_FOLDER(where_names_only_are_taken_no_path_is_opened),
        WITH_FOLDER(a_file_of_a_known_name_is_that_model_wherever_it_lies),
        WITH_FOLDER(a_swapper_names_its_embedder_and_a_key_its_model),
        WITH_FOLDER(what_is_not_there_is_said_with_what_to_do),
        WITH_FOLDER(entries_are_listed_by_role_found_or_not),
        WITH_FOLDER(size_and_hash_are_of_the_file_or_of_all_files),
        WITH_FOLDER(a_hostile_pack_is_refused_in_one_line),
        WITH_FOLDER(the_first_folder_that_has_the_file_serves_it),
        cmocka_unit_test(the_usual_folders_follow_the_environment),
        cmocka_unit_test(the_state_folder_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
