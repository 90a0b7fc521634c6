// SPDX-License-Identifier: Apache-2.0
/* C2PA manifests: the four samples against the reference's answers, what we sign, broken bytes. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/size.h"
#include "data/picture.h"
#include "stages/mark/c2pa.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

#define SAMPLE "watermark/c2pa_C.jpg"

static lk_c2pa *open_c2pa(const char *trust)
{
    struct lk_error err;
    lk_c2pa *c2pa;
    assert_ok(lk_c2pa_open(trust, &c2pa, &err), &err);
    return c2pa;
}

static struct lk_file map(const char *name)
{
    struct lk_error err;
    struct lk_file file;
    assert_ok(lk_file_map(shared_path(name), &file, &err), &err);
    return file;
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

/* As tools/golden/manifests.py writes it. */
static char *row_of(const char *name, const struct lk_c2pa_found *found)
{
    char codes[LK_C2PA_CODES * 65] = "", sources[LK_C2PA_SOURCES * 161] = "";
    size_t n = 0;
    for (size_t i = 0; i < found->n_codes; i++)
        n += (size_t)snprintf(codes + n, sizeof codes - n, "%s%s", i ? "," : "", found->codes[i]);
    n = 0;
    for (size_t i = 0; i < found->n_sources; i++)
        n += (size_t)snprintf(sources + n, sizeof sources - n, "%s%s", i ? "," : "",
                              found->sources[i]);
    return test_format("%s\t%s\t%zu\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", name,
                       lk_c2pa_state_name(found->state), found->manifests,
                       or_dash(found->generator), or_dash(found->title), or_dash(found->issuer),
                       or_dash(found->signer), or_dash(found->time), found->is_changed,
                       or_dash(sources), or_dash(codes));
}

static void the_samples_are_read_as_the_reference_reads_them(void **state)
{
    (void)state;
    char line[1024], name[64];
    int rows = 0;
    lk_c2pa *c2pa = open_c2pa(NULL);
    char *path = test_format("%s/tests/golden/c2pa.tsv", getenv("LIKENESS_SOURCE"));
    FILE *golden = fopen(path, "r");
    assert_non_null(golden);
    while (fgets(line, sizeof line, golden)) {
        if (*line == '#' || sscanf(line, "%63[^\t]", name) != 1)
            continue;
        struct lk_c2pa_found found;
        char *in = test_format("watermark/%s", name);
        struct lk_file file = map(in);
        lk_c2pa_read(c2pa, file.bytes, file.size, &found);
        char *row = row_of(name, &found);
        assert_string_equal(row, line);
        lk_file_unmap(&file);
        free(row);
        free(in);
        rows++;
    }
    assert_int_equal(rows, 4);
    fclose(golden);
    free(path);
    lk_c2pa_free(c2pa);
}

/* A few hundred files cut short and with other bytes: each has a state, none is taken for signed
 * unless its signed bytes are whole. */
static void broken_bytes_have_a_state(void **state)
{
    (void)state;
    enum { FILES = 300, HEAD = 60000 /* the manifest lies in it */ };
    unsigned seed = 7;
    lk_c2pa *c2pa = open_c2pa(NULL);
    struct lk_file file = map(SAMPLE);
    int seen[LK_C2PA_TRUSTED + 1] = {0};
    for (int i = 0; i < FILES; i++) {
        struct lk_c2pa_found found;
        size_t size = i % 5 ? file.size : (size_t)rand_r(&seed) % file.size;
        uint8_t *broken = malloc(size + 1);
        assert_non_null(broken);
        memcpy(broken, file.bytes, size);
        for (int k = 0; i % 5 && k < 1 + i % 20; k++)
            broken[rand_r(&seed) % HEAD] = (uint8_t)rand_r(&seed);
        lk_c2pa_read(c2pa, broken, size, &found);
        assert_in_range(found.state, LK_C2PA_UNREAD, LK_C2PA_VALID);
        assert_true((found.state == LK_C2PA_UNREAD) == (*found.why != 0));
        assert_true(strlen(found.title) < sizeof found.title);
        seen[found.state]++;
        free(broken);
    }
    assert_true(seen[LK_C2PA_UNREAD] > 0 && seen[LK_C2PA_INVALID] > FILES / 2);
    lk_c2pa_read(c2pa, file.bytes, 0, &(struct lk_c2pa_found){0});
    lk_file_unmap(&file);
    lk_c2pa_free(c2pa);
}

static void without_the_library_the_remedy_is_told(void **state)
{
    (void)state;
    struct lk_error err;
    lk_c2pa *c2pa = NULL;
    char *kept = strdup(getenv("LIKENESS_C2PA"));
    setenv("LIKENESS_C2PA", "/nowhere", 1);
    assert_fails(lk_c2pa_open(NULL, &c2pa, &err), &err, LK_E_MISSING, "run tools/setup");
    setenv("LIKENESS_C2PA", kept, 1);
    free(kept);
    assert_null(c2pa);
}

static void make_keys(const char *folder, const char *kind)
{
    char *command = test_format("%s/tests/support/c2pa_keys %s %s", getenv("LIKENESS_SOURCE"),
                                scratch_path(folder), kind);
    assert_int_equal(system(command), 0);
    free(command);
}

static const char *in_keys(const char *folder, const char *file)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%s", folder, file);
    return scratch_path(name);
}

static void encode(enum lk_format format, void **bytes, size_t *size)
{
    struct lk_error err;
    struct lk_picture *picture;
    assert_ok(lk_picture_new(96, 64, 3, LK_PIXEL_U8, &picture, &err), &err);
    for (int i = 0; i < 96 * 64 * 3; i++)
        picture->u8[i] = (uint8_t)(i / 7);
    struct lk_picture_text text = {.parameters = "a man", .xmp = NULL};
    assert_ok(lk_picture_encode(picture, format, &text, bytes, size, &err), &err);
    lk_picture_free(picture);
}

static void every_format_is_signed_and_read_back(void **state)
{
    (void)state;
    static const struct {
        const char *name, *key;
        enum lk_format format;
    } cases[] = {
        {"png", "es256", LK_FORMAT_PNG},
        {"jpeg", "ed25519", LK_FORMAT_JPEG},
        {"webp", "es384", LK_FORMAT_WEBP},
        {"tiff", "ps256", LK_FORMAT_TIFF},
    };
    struct lk_c2pa_claim claim = {.source = LK_SOURCE_GENERATED, .version = "1.2.3"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++) {
        struct lk_error err;
        struct lk_c2pa_found found;
        void *bytes, *out;
        size_t size, out_size;
        make_keys(cases[i].key, cases[i].key);
        struct lk_c2pa_identity identity = {in_keys(cases[i].key, "key.pem"),
                                            in_keys(cases[i].key, "chain.pem")};
        lk_c2pa *nobody = open_c2pa(NULL), *trusting = open_c2pa(in_keys(cases[i].key, "root.pem"));
        encode(cases[i].format, &bytes, &size);
        assert_ok(lk_c2pa_sign(nobody, &identity, &claim, cases[i].name, bytes, size, &out,
                               &out_size, &err),
                  &err);
        lk_c2pa_read(nobody, out, out_size, &found);
        char *row = row_of(cases[i].name, &found);
        char *expected = test_format("%s\tvalid\t1\tlikeness 1.2.3\t-\tTest operator\tlikeness "
                                     "test\t-\t0\t%s\tsigningCredential.untrusted\n",
                                     cases[i].name, lk_source_uri(LK_SOURCE_GENERATED));
        assert_string_equal(row, expected);
        lk_c2pa_read(trusting, out, out_size, &found);
        assert_int_equal(found.state, LK_C2PA_TRUSTED);
        assert_int_equal(found.n_codes, 0);
        free(row);
        free(expected);
        free(bytes);
        free(out);
        lk_c2pa_free(nobody);
        lk_c2pa_free(trusting);
    }
}

static void a_changed_pixel_is_told(void **state)
{
    (void)state;
    lk_c2pa *c2pa = open_c2pa(NULL);
    struct lk_file file = map(SAMPLE);
    struct lk_c2pa_found found;
    uint8_t *changed = malloc(file.size);
    assert_non_null(changed);
    memcpy(changed, file.bytes, file.size);
    changed[file.size - 1000] ^= 1;
    lk_c2pa_read(c2pa, changed, file.size, &found);
    assert_int_equal(found.state, LK_C2PA_INVALID);
    assert_true(found.is_changed);
    free(changed);
    lk_file_unmap(&file);
    lk_c2pa_free(c2pa);
}

/* A picture that was changed names the one it was made of, whose own manifests come along. */
static void a_changed_picture_names_its_parent(void **state)
{
    (void)state;
    static const char *const parents[] = {"watermark/c2pa_A_none.jpg", SAMPLE};
    struct lk_error err;
    lk_c2pa *c2pa = open_c2pa(NULL);
    make_keys("parent", "es256");
    struct lk_c2pa_identity identity = {in_keys("parent", "key.pem"),
                                        in_keys("parent", "chain.pem")};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(parents); i++) {
        struct lk_c2pa_found found;
        struct lk_file parent = map(parents[i]);
        struct lk_c2pa_claim claim = {.source = LK_SOURCE_COMPOSITE,
                                      .version = "1.2.3",
                                      .parent = parent.bytes,
                                      .parent_size = parent.size};
        void *bytes, *out;
        size_t size, out_size;
        encode(LK_FORMAT_PNG, &bytes, &size);
        assert_ok(lk_c2pa_sign(c2pa, &identity, &claim, "png", bytes, size, &out, &out_size, &err),
                  &err);
        lk_c2pa_read(c2pa, out, out_size, &found);
        assert_int_equal(found.state, LK_C2PA_VALID);
        assert_int_equal(found.manifests, i + 1);
        assert_int_equal(found.n_sources, 1);
        assert_string_equal(found.sources[0], lk_source_uri(LK_SOURCE_COMPOSITE));
        lk_file_unmap(&parent);
        free(bytes);
        free(out);
    }
    lk_c2pa_free(c2pa);
}

static void what_cannot_sign_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_c2pa_claim claim = {.source = LK_SOURCE_GENERATED, .version = "1.2.3"};
    lk_c2pa *c2pa = open_c2pa(NULL);
    void *bytes, *out = NULL;
    size_t size, out_size;
    make_keys("ours", "es256");
    make_keys("theirs", "es256");
    const char *key = in_keys("ours", "key.pem"), *chain = in_keys("ours", "chain.pem");
    const char *text = scratch_write("text.pem", "no key at all\n", 14);
    const struct {
        struct lk_c2pa_identity identity;
        int code;
        const char *why;
    } cases[] = {
        {{scratch_path("nosuch.pem"), chain}, LK_E_MISSING, "nosuch.pem"},
        {{key, scratch_path("nosuch.pem")}, LK_E_MISSING, "nosuch.pem"},
        {{text, chain}, LK_E_INPUT, "key"},
        {{key, text}, LK_E_INPUT, "certificate"},
        {{key, in_keys("theirs", "chain.pem")}, LK_E_INPUT, "cannot be signed"},
    };
    encode(LK_FORMAT_PNG, &bytes, &size);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(cases); i++)
        assert_fails(lk_c2pa_sign(c2pa, &cases[i].identity, &claim, "png", bytes, size, &out,
                                  &out_size, &err),
                     &err, cases[i].code, cases[i].why);
    assert_null(out);
    assert_fails(lk_c2pa_open(text, &(lk_c2pa *){NULL}, &err), &err, LK_E_INPUT, "trust");
    free(bytes);
    lk_c2pa_free(c2pa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_are_read_as_the_reference_reads_them),
        cmocka_unit_test(broken_bytes_have_a_state),
        cmocka_unit_test(without_the_library_the_remedy_is_told),
        cmocka_unit_test(a_changed_pixel_is_told),
        cmocka_unit_test(every_format_is_signed_and_read_back),
        cmocka_unit_test(a_changed_picture_names_its_parent),
        cmocka_unit_test(what_cannot_sign_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
