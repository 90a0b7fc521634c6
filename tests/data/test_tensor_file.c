// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/tensor_file.h"
#include "support/check.h"
#include "support/scratch.h"

/* Writes length, header and `data` zero-extended to data_size. */
static const char *write_tensors(const char *name,
                                 const char *header,
                                 const void *data,
                                 size_t data_size)
{
    size_t n = strlen(header), total = 8 + n + data_size;
    unsigned char *bytes = calloc(1, total);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)n >> 8 * i);
    memcpy(bytes + 8, header, n);
    if (data)
        memcpy(bytes + 8 + n, data, data_size);
    const char *path = scratch_write(name, bytes, total);
    free(bytes);
    return path;
}

static void tensors_are_found_by_name_and_sorted(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    const char *path =
        write_tensors("two.safetensors",
                      "{\"__metadata__\":{\"format\":\"pt\"},"
                      "\"z\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                      "\"a.b\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[3,11]},"
                      "\"m\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[3,3]}}  ",
                      "\1\2\3\x00\x3c\x00\x40\x00\x42\x00\x44", 11);
    assert_ok(lk_tensor_file_open(path, &file, &err), &err);
    assert_int_equal(lk_tensor_file_count(file), 3);
    assert_string_equal(lk_tensor_file_at(file, 0)->name, "a.b");
    assert_string_equal(lk_tensor_file_at(file, 2)->name, "z");
    assert_null(lk_tensor_file_at(file, 3));
    assert_null(lk_tensor_file_find(file, "__metadata__"));
    const struct lk_tensor *t = lk_tensor_file_find(file, "a.b");
    assert_int_equal(t->dtype, LK_F16);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[1], 2);
    assert_int_equal(t->size, 8);
    assert_string_equal(t->path, path);
    float values[4] = {0};
    assert_ok(lk_tensor_to_f32(t, 0, 4, values, &err), &err);
    for (int i = 0; i < 4; i++)
        assert_true(values[i] == (float)(i + 1));
    /* offset is where the file itself holds the bytes */
    unsigned char raw[8];
    FILE *stream = fopen(t->path, "rb");
    assert_int_equal(fseek(stream, (long)t->offset, SEEK_SET), 0);
    assert_int_equal(fread(raw, 1, 8, stream), 8);
    fclose(stream);
    assert_memory_equal(raw, t->data, 8);
    lk_tensor_file_free(file);
}

static void a_range_outside_the_tensor_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    float out[4];
    uint8_t data[8] = {0};
    struct lk_tensor t = {.name = "t",
                          .path = "p",
                          .dtype = LK_F16,
                          .rank = 1,
                          .shape = {4},
                          .data = data,
                          .size = 8};
    assert_ok(lk_tensor_to_f32(&t, 4, 0, out, &err), &err);
    assert_fails(lk_tensor_to_f32(&t, 1, 4, out, &err), &err, LK_E_INPUT, "has 4 numbers");
    assert_fails(lk_tensor_to_f32(&t, 5, 0, out, &err), &err, LK_E_INPUT, "has 4 numbers");
    assert_fails(lk_tensor_to_f32(&t, 2, SIZE_MAX, out, &err), &err, LK_E_INPUT, "4 numbers");
    t.dtype = LK_I64;
    assert_fails(lk_tensor_to_f32(&t, 0, 1, out, &err), &err, LK_E_INPUT, "holds I64");
}

/* The value of a half by its definition (IEEE 754, binary16). */
static double half_by_definition(unsigned h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent == 31 ? (mantissa ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                              : ldexp(mantissa, -24);
    return h >> 15 ? -v : v;
}

static void every_half_converts_exactly(void **state)
{
    (void)state;
    struct lk_error err;
    static uint16_t halves[65536];
    static float out[65536];
    for (unsigned i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    struct lk_tensor t = {.name = "h", .dtype = LK_F16, .data = halves, .size = sizeof halves};
    assert_ok(lk_tensor_to_f32(&t, 0, 65536, out, &err), &err);
    for (unsigned i = 0; i < 65536; i++) {
        double expected = half_by_definition(i);
        if (isnan(expected))
            assert_true(isnan(out[i]));
        else
            assert_true(out[i] == expected && !signbit(out[i]) == !signbit(expected));
    }
}

static void other_floats_convert_from_odd_addresses(void **state)
{
    (void)state;
    struct lk_error err;
    unsigned char bytes[64];
    float out[2];
    uint16_t bf16[2] = {0x3fc0, 0x8001}; /* 1.5; a negative subnormal */
    memcpy(bytes + 1, bf16, sizeof bf16);
    struct lk_tensor t = {.name = "t", .dtype = LK_BF16, .data = bytes + 1, .size = 4};
    assert_ok(lk_tensor_to_f32(&t, 0, 2, out, &err), &err);
    assert_true(out[0] == 1.5f && out[1] == -0x1p-133f);
    double f64[2] = {0.1, -3};
    memcpy(bytes + 3, f64, sizeof f64);
    t = (struct lk_tensor){.name = "t", .dtype = LK_F64, .data = bytes + 3, .size = 16};
    assert_ok(lk_tensor_to_f32(&t, 1, 1, out, &err), &err);
    assert_true(out[0] == -3);
    float f32[2] = {0.25f, -7};
    memcpy(bytes + 5, f32, sizeof f32);
    t = (struct lk_tensor){.name = "t", .dtype = LK_F32, .data = bytes + 5, .size = 8};
    assert_ok(lk_tensor_to_f32(&t, 0, 2, out, &err), &err);
    assert_memory_equal(out, f32, sizeof f32);
}

struct hostile {
    const char *header, *says;
    size_t data_size;
};

#define ONE(dtype, shape, offsets)                                                                 \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const struct hostile hostiles[] = {
    {"{}", "belong to none", 4},
    {"[]", "no safetensors", 0},
    {"{\"t\"", "header is broken", 0},
    {"{\"t\":1}", "has the type", 0},
    {"{\"t\":{}}", "has the type", 0},
    {"{\"a\\u0000b\":{}}", "header is broken", 0},
    {"{\"t\":\"\xff\xfe\"}", "header is broken", 0},
    {ONE("C64", "[1]", "[0,8]"), "'C64'", 8},
    {ONE("F32", "[1]", "[0,4]"), "truncated", 3},
    {ONE("F32", "[1]", "[0,4]"), "belong to none", 5},
    {ONE("F32", "[2]", "[0,4]"), "takes 8 bytes", 4},
    {ONE("F32", "[-1]", "[0,4]"), "shape", 4},
    {ONE("F32", "[1.0]", "[0,4]"), "shape", 4},
    {ONE("F32", "1", "[0,4]"), "shape", 4},
    {ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "shape", 4},
    {ONE("F32", "[4611686018427387904,4]", "[0,0]"), "shape", 0},
    {ONE("F32", "[4294967296,4294967296]", "[0,0]"), "shape", 0},
    {ONE("F32", "[99999999999999999999]", "[0,0]"), "header is broken", 0},
    {ONE("F32", "[1]", "[-4,0]"), "offsets", 4},
    {ONE("F32", "[1]", "[4,0]"), "offsets", 4},
    {ONE("F32", "[1]", "[0]"), "offsets", 4},
    {ONE("F32", "[1]", "[0,4,8]"), "offsets", 4},
    {ONE("F32", "[1]", "[\"0\",4]"), "offsets", 4},
    {ONE("U8", "[1]", "[9223372036854775806,9223372036854775807]"), "truncated", 1},
    {ONE("F32", "[1]", "[4,8]"), "follows a gap", 8},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     "overlaps", 3},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
     "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
     "duplicate", 1},
};

static void hostile_headers_are_refused_with_their_reason(void **state)
{
    (void)state;
    struct lk_error err;
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        lk_tensor_file *file = (void *)&err;
        const char *path =
            write_tensors("hostile.safetensors", hostiles[i].header, NULL, hostiles[i].data_size);
        assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, hostiles[i].says);
        assert_ptr_equal(file, &err);
    }
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    enum { DEPTH = 200000 };
    char *header = malloc(DEPTH + 6);
    memcpy(header, "{\"t\":", 5);
    memset(header + 5, '[', DEPTH);
    header[5 + DEPTH] = 0;
    const char *path = write_tensors("deep.safetensors", header, NULL, 0);
    free(header);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "header is broken");
}

static void other_files_are_told_apart(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    const char *path = shared_path("corrupt/lfs_pointer_v1-5-pruned-emaonly.safetensors");
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "Git LFS pointer");
    path = scratch_write("pickle.ckpt", "PK\3\4abcdefghij", 14);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT,
                 "zip file whose directory is missing");
    path = scratch_write("short", "\1\2\3", 3);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "no safetensors");
    path = scratch_write("cut", "\x20\0\0\0\0\0\0\0{\"t\"", 12);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "inside its header");
    path = scratch_write("huge", "\0\0\0\0\0\0\1\0{\"t\"", 12);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "no safetensors");
    path = scratch_path("absent.safetensors");
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_MISSING, "does not exist");
}

static void real_files_open(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    const char *path = shared_path("diffusion/lora_disney_cloneofsimo.safetensors");
    assert_ok(lk_tensor_file_open(path, &file, &err), &err);
    assert_true(lk_tensor_file_count(file) > 100);
    for (size_t i = 0; i < lk_tensor_file_count(file); i++) {
        const struct lk_tensor *t = lk_tensor_file_at(file, i);
        assert_ptr_equal(lk_tensor_file_find(file, t->name), t);
        float first;
        assert_ok(lk_tensor_to_f32(t, 0, 1, &first, &err), &err);
        assert_true(isfinite(first));
    }
    lk_tensor_file_free(file);
}

#define SHARD(name) "{\"" name "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"

static const char *write_index(const char *map)
{
    char text[512];
    int n = snprintf(text, sizeof text, "{\"metadata\":{},\"weight_map\":%s}", map);
    return scratch_write("model.safetensors.index.json", text, (size_t)n);
}

static void shards_open_as_one_file(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    write_tensors("s1.safetensors", SHARD("b"), "\1", 1);
    const char *second = write_tensors("s2.safetensors", SHARD("a"), "\2", 1);
    const char *path = write_index("{\"b\":\"s1.safetensors\",\"a\":\"s2.safetensors\"}");
    assert_ok(lk_tensor_file_open(path, &file, &err), &err);
    assert_int_equal(lk_tensor_file_count(file), 2);
    const struct lk_tensor *a = lk_tensor_file_find(file, "a");
    assert_int_equal(*(const char *)a->data, 2);
    assert_string_equal(a->path, second);
    lk_tensor_file_free(file);
}

/* The message names the shard, not the index. */
static void a_shard_that_is_not_whole_is_named(void **state)
{
    (void)state;
    static const char POINTER[] =
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n";
    struct lk_error err;
    lk_tensor_file *file;
    write_tensors("s1.safetensors", SHARD("b"), "\1", 1);
    write_tensors("s2.safetensors", SHARD("a"), NULL, 0);
    const char *path = write_index("{\"b\":\"s1.safetensors\",\"a\":\"s2.safetensors\"}");
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "s2.safetensors");
    assert_non_null(strstr(err.message, "truncated"));
    scratch_write("s2.safetensors", POINTER, sizeof POINTER - 1);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "s2.safetensors");
    assert_non_null(strstr(err.message, "Git LFS pointer"));
}

static void an_integer_type_is_named_with_its_tensor(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    const char *path = write_tensors(
        "int8.safetensors",
        "{\"x.weight\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", "\1", 1);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT,
                 "int8.safetensors': tensor 'x.weight' has the type 'I8'");
}

static void an_index_that_lies_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    static const struct {
        const char *map, *says;
        int code;
    } cases[] = {
        {"{}", "no 'weight_map'", LK_E_INPUT},
        {"[1]", "no 'weight_map'", LK_E_INPUT},
        {"{\"a\":\"../s1.safetensors\"}", "beside the index", LK_E_INPUT},
        {"{\"a\":\"/etc/passwd\"}", "beside the index", LK_E_INPUT},
        {"{\"a\":7}", "beside the index", LK_E_INPUT},
        {"{\"a\":\"s9.safetensors\"}", "does not exist", LK_E_MISSING},
        {"{\"c\":\"s1.safetensors\"}", "promises tensor 'c'", LK_E_INPUT},
        {"{\"b\":\"s1.safetensors\",\"c\":\"s3.safetensors\"}", "belong together", LK_E_INPUT},
    };
    write_tensors("s1.safetensors", SHARD("b"), "\1", 1);
    write_tensors("s3.safetensors", SHARD("b"), "\1", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = write_index(cases[i].map);
        assert_fails(lk_tensor_file_open(path, &file, &err), &err, cases[i].code, cases[i].says);
    }
    const char *path = scratch_write("broken.index.json", "{", 1);
    assert_fails(lk_tensor_file_open(path, &file, &err), &err, LK_E_INPUT, "is broken");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_by_name_and_sorted),
        cmocka_unit_test(a_range_outside_the_tensor_is_refused),
        cmocka_unit_test(every_half_converts_exactly),
        cmocka_unit_test(other_floats_convert_from_odd_addresses),
        cmocka_unit_test(hostile_headers_are_refused_with_their_reason),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(other_files_are_told_apart),
        cmocka_unit_test(real_files_open),
        cmocka_unit_test(shards_open_as_one_file),
        cmocka_unit_test(a_shard_that_is_not_whole_is_named),
        cmocka_unit_test(an_integer_type_is_named_with_its_tensor),
        cmocka_unit_test(an_index_that_lies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
