// SPDX-License-Identifier: Apache-2.0
/* torch.save's files: small ones of tools/golden/torch_files.py, real ones of the shared data, and
 * such as would run something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/size.h"
#include "data/tensor_file.h"
#include "support/temp.h"

static char *golden_path(const char *name)
{
    return test_format("%s/tests/golden/pickle/%s", getenv("LIKENESS_SOURCE"), name);
}

static lk_tensor_file *open_path(char *path)
{
    struct lk_error err = {0};
    lk_tensor_file *file = NULL;
    if (lk_tensor_file_open(path, &file, &err))
        fail_msg("%s", err.message);
    free(path);
    return file;
}

static void assert_refused(char *path, const char *says)
{
    struct lk_error err = {0};
    lk_tensor_file *file = NULL;
    assert_int_equal(lk_tensor_file_open(path, &file, &err), LK_E_INPUT);
    assert_null(file);
    if (!strstr(err.message, says) || strchr(err.message, '\n'))
        fail_msg("'%s' does not say '%s'", err.message, says);
    free(path);
}

/* The k-th tensor's element i is i/4 + k. */
static void assert_tensor(
    const lk_tensor_file *file, const char *name, enum lk_dtype dtype, size_t n, float first)
{
    const struct lk_tensor *tensor = lk_tensor_file_find(file, name);
    float value;
    if (!tensor)
        fail_msg("no tensor '%s'", name);
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->size, n * lk_dtype_size(dtype));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(lk_tensor_to_f32(tensor, i, 1, &value, NULL), 0);
        assert_true(value == first + (float)i / 4);
    }
}

static void every_form_gives_the_same_tensors(void **state)
{
    (void)state;
    static const char *const FORMS[] = {"zip.pt", "zip64.pt", "legacy.pt", "protocol4.pt"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FORMS); i++) {
        lk_tensor_file *file = open_path(golden_path(FORMS[i]));
        assert_int_equal(lk_tensor_file_count(file), 8);
        assert_tensor(file, "zero.weight", LK_F32, 6, 0);
        assert_tensor(file, "one", LK_F16, 4, 1);
        assert_tensor(file, "two", LK_BF16, 4, 2);
        assert_tensor(file, "three", LK_F32, 8, 3);
        assert_tensor(file, "tail", LK_F32, 4, 4); /* within the storage of "three" */
        assert_tensor(file, "parameter", LK_F32, 3, 4);
        assert_tensor(file, "empty", LK_F32, 0, 0);
        assert_tensor(file, "scalar", LK_F32, 1, 5);
        const struct lk_tensor *zero = lk_tensor_file_find(file, "zero.weight");
        assert_int_equal(zero->rank, 2);
        assert_int_equal(zero->shape[1], 3);
        lk_tensor_file_free(file);
    }
}

/* zip64.pt with its directory 5 GB behind its members, as in a file of that size. */
static void a_file_of_5_gigabytes_is_read(void **state)
{
    (void)state;
    enum { END_64 = 56, LOCATOR = 20, END = 22, DIRECTORY_AT = 48, END_64_AT = 8 };
    const uint64_t far = (uint64_t)5 << 30;
    uint8_t bytes[8192];
    uint64_t directory, end_64;
    char *folder = test_temp_dir(), *path = golden_path("zip64.pt");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    free(path);
    uint8_t *in_end = bytes + size - END - LOCATOR - END_64 + DIRECTORY_AT;
    uint8_t *in_locator = bytes + size - END - LOCATOR + END_64_AT;
    memcpy(&directory, in_end, 8);
    memcpy(&end_64, in_locator, 8);
    assert_in_range(directory, 1, size);
    const size_t members = (size_t)directory;
    directory += far;
    end_64 += far;
    memcpy(in_end, &directory, 8);
    memcpy(in_locator, &end_64, 8);
    path = test_format("%s/large.ckpt", folder);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, members, file), members);
    assert_int_equal(fseeko(file, (off_t)directory, SEEK_SET), 0); /* a hole: takes no disk */
    assert_int_equal(fwrite(bytes + members, 1, size - members, file), size - members);
    assert_int_equal(fclose(file), 0);
    lk_tensor_file *opened = open_path(path);
    assert_tensor(opened, "two", LK_BF16, 4, 2);
    assert_tensor(opened, "scalar", LK_F32, 1, 5);
    lk_tensor_file_free(opened);
    test_temp_remove(folder);
}

static void types_that_are_not_read_are_named_with_their_tensor(void **state)
{
    (void)state;
    assert_refused(golden_path("int8.pt"), "int8.pt': tensor 'b' is of int8");
    assert_refused(golden_path("int16.pt"), "int16.pt': tensor 'b' is of int16");
    assert_refused(golden_path("quantised.pt"), "needs torch._utils._rebuild_qtensor");
    lk_tensor_file *file = open_path(golden_path("apart.pt")); /* beside the weights they may be */
    assert_int_equal(lk_tensor_file_count(file), 1);
    assert_tensor(file, "a", LK_F32, 4, 0);
    lk_tensor_file_free(file);
}

static void lists_and_fp8_are_read(void **state)
{
    (void)state;
    lk_tensor_file *file = open_path(golden_path("list.pt"));
    assert_tensor(file, "0", LK_F32, 2, 0);
    assert_tensor(file, "1.x", LK_F32, 2, 1);
    lk_tensor_file_free(file);
    file = open_path(golden_path("fp8.pt"));
    assert_tensor(file, "a", LK_F8_E4M3, 4, 0);
    assert_tensor(file, "b", LK_F8_E5M2, 4, 1);
    lk_tensor_file_free(file);
}

static void a_pickle_that_would_run_something_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const EVIL[] = {"evil_zip.pt", "evil_plain.ckpt", "evil_text.ckpt",
                                       "evil_stack.ckpt"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(EVIL); i++)
        assert_refused(golden_path(EVIL[i]), "would run posix.system");
    assert_int_equal(access("/tmp/likeness-was-here", F_OK), -1);
}

static void what_cannot_be_used_in_place_is_refused(void **state)
{
    (void)state;
    assert_refused(golden_path("turned.pt"), "'turned' do not lie in order");
    assert_refused(golden_path("packed.pt"), "compressed");
}

/* A few bytes do not ask for 64 MB. */
static void a_place_out_of_reach_is_refused(void **state)
{
    (void)state;
    static const char DISTANT[] = "\x80\x02]r\x69\x72\x61\x00.";
    char *folder = test_temp_dir(), *path = test_format("%s/far.ckpt", folder);
    test_write_file(path, DISTANT, sizeof DISTANT - 1);
    assert_refused(path, "remembers at a place that it cannot have reached");
    test_temp_remove(folder);
}

/* Every beginning of a file is refused; none is read beyond. */
static void cut_files_are_refused(void **state)
{
    (void)state;
    static const char *const FORMS[] = {"zip.pt", "legacy.pt"};
    char *folder = test_temp_dir(), *cut = test_format("%s/cut.pt", folder);
    for (size_t f = 0; f < LK_ARRAY_LENGTH(FORMS); f++) {
        char bytes[8192], *path = golden_path(FORMS[f]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        const size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        free(path);
        assert_in_range(size, 100, sizeof bytes - 1);
        for (size_t n = 1; n < size; n += 37) {
            struct lk_error err = {0};
            lk_tensor_file *none = NULL;
            test_write_file(cut, bytes, n);
            assert_int_equal(lk_tensor_file_open(cut, &none, &err), LK_E_INPUT);
        }
    }
    test_temp_remove(folder);
    free(cut);
}

/* crc: of the tensor's bytes, as torch.load gives them. */
static void real_files_of_every_kind_open(void **state)
{
    (void)state;
    static const struct {
        const char *file, *tensor;
        size_t count;
        uint32_t crc;
    } FILES[] = {
        {"lora_sd15_diffusers_catundchat.bin",
         "mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", 256,
         0x18607a06},
        {"lora_unet_gors_color.pt", "100", 256, 0x0e231cd3},
        {"ti_bad-hands-5.pt", "string_to_param.*", 1, 0},
        {"ti_bad_prompt_version2.pt", "string_to_param.*", 1, 0},
        {"ti_learned_embeds_fastai.bin", "<birb-style>", 1, 0},
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(FILES); i++) {
        lk_tensor_file *file = open_path(
            test_format("%s/data/diffusion/%s", getenv("LIKENESS_SHARED"), FILES[i].file));
        const struct lk_tensor *tensor = lk_tensor_file_find(file, FILES[i].tensor);
        assert_int_equal(lk_tensor_file_count(file), FILES[i].count);
        if (!tensor)
            fail_msg("%s: '%s'", FILES[i].file, lk_tensor_file_at(file, 0)->name);
        if (FILES[i].crc)
            assert_int_equal(crc32(0, tensor->data, (uInt)tensor->size), FILES[i].crc);
        lk_tensor_file_free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_the_same_tensors),
        cmocka_unit_test(a_file_of_5_gigabytes_is_read),
        cmocka_unit_test(types_that_are_not_read_are_named_with_their_tensor),
        cmocka_unit_test(lists_and_fp8_are_read),
        cmocka_unit_test(a_pickle_that_would_run_something_is_refused_by_its_name),
        cmocka_unit_test(what_cannot_be_used_in_place_is_refused),
        cmocka_unit_test(a_place_out_of_reach_is_refused),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(real_files_of_every_kind_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
