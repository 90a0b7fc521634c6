// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cast/face_model.h"
#include "cast/faces.h"
#include "support/check.h"
#include "support/scratch.h"

/* A safetensors file of that header and data. */
static const char *write_tensors(const char *header, const void *data, size_t size)
{
    size_t n = strlen(header);
    uint64_t length = n;
    char *bytes = malloc(8 + n + size);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, n);
    memcpy(bytes + 8 + n, data, size);
    const char *path = scratch_write("model.safetensors", bytes, 8 + n + size);
    free(bytes);
    return path;
}

static const char *write_model(const struct lk_cast_photo *photos, size_t n)
{
    struct lk_error err;
    struct lk_embedding mean;
    void *bytes;
    size_t size;
    assert_ok(lk_cast_mean(photos, n, &mean, &err), &err);
    assert_ok(lk_face_model_write(photos, n, &mean, &bytes, &size, &err), &err);
    const char *path = scratch_write("ours.safetensors", bytes, size);
    free(bytes);
    return path;
}

static void what_is_exported_is_imported(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_face_model model;
    struct lk_cast_photo photos[] = {make_photo(1, 0), make_photo(1, 5)};
    assert_ok(lk_face_model_read(write_model(photos, 2), &model, &err), &err);
    assert_int_equal(model.n, 2);
    assert_string_equal(model.embedding.embedder, FIRST_EMBEDDER);
    for (int i = 0; i < 2; i++) {
        assert_memory_equal(model.photos[i].crop->u8, photos[i].crop->u8,
                            (size_t)LK_CAST_CROP * LK_CAST_CROP * 3);
        assert_memory_equal(model.photos[i].points, photos[i].points, sizeof photos[i].points);
        assert_float_equal(model.photos[i].quality, photos[i].quality, 0);
        free_photo(&photos[i]);
    }
    lk_face_model_free(&model);
}

static void ours_has_what_reactor_reads(void **state)
{
    (void)state;
    struct lk_error err;
    lk_tensor_file *file;
    struct lk_cast_photo photo = make_photo(1, 0);
    assert_ok(lk_tensor_file_open(write_model(&photo, 1), &file, &err), &err);
    static const struct {
        const char *name;
        int rank;
        int64_t first;
    } rows[] = {{"embedding", 1, 128}, {"bbox", 1, 4}, {"kps", 2, 5}, {"det_score", 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lk_tensor *t = lk_tensor_file_find(file, rows[i].name);
        assert_non_null(t);
        assert_int_equal(t->dtype, LK_F32);
        assert_int_equal(t->rank, rows[i].rank);
        if (t->rank)
            assert_int_equal(t->shape[0], rows[i].first);
    }
    lk_tensor_file_free(file);
    free_photo(&photo);
}

static void a_vector_alone_is_exported_without_photos(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_face_model model;
    struct lk_cast_photo photo = make_photo(1, 0);
    free_photo(&photo);
    photo.crop = NULL;
    assert_ok(lk_face_model_read(write_model(&photo, 1), &model, &err), &err);
    assert_int_equal(model.n, 0);
    assert_float_equal(lk_embedding_cosine(&model.embedding, &photo.embedding), 1, 1e-6);
    lk_face_model_free(&model);
}

/* As ReActor writes them: not normalised, age and gender as I64, and no word of the embedder. */
static void a_model_of_reactor_is_read(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_face_model model;
    float data[512 + 4 + 10 + 1 + 4];
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        data[i] = (float)(i % 17) - 8;
    const char *path = write_tensors(
        "{\"embedding\":{\"dtype\":\"F32\",\"shape\":[512],\"data_offsets\":[0,2048]},"
        "\"bbox\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[2048,2064]},"
        "\"kps\":{\"dtype\":\"F32\",\"shape\":[5,2],\"data_offsets\":[2064,2104]},"
        "\"det_score\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[2104,2108]},"
        "\"gender\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[2108,2116]},"
        "\"age\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[2116,2124]}}",
        data, sizeof data);
    double square = 0;
    assert_ok(lk_face_model_read(path, &model, &err), &err);
    assert_int_equal(model.embedding.size, 512);
    assert_string_equal(model.embedding.embedder, "");
    for (int i = 0; i < 512; i++)
        square += (double)model.embedding.value[i] * (double)model.embedding.value[i];
    assert_float_equal(square, 1, 1e-5);
    lk_face_model_free(&model);
}

static void broken_models_are_refused(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *header;
        float value; /* of all numbers */
        size_t size;
        const char *says;
    } rows[] = {
        {"{\"age\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 1, 4, "embedding"},
        {"{\"embedding\":{\"dtype\":\"F16\",\"shape\":[512],\"data_offsets\":[0,1024]}}", 1, 1024, "embedding"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[2,256],\"data_offsets\":[0,2048]}}", 1, 2048, "embedding"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[511],\"data_offsets\":[0,2044]}}", 1, 2044, "embedding"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[128],\"data_offsets\":[0,512]}}", 0, 512, "vector of numbers"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[128],\"data_offsets\":[0,512]}}", NAN, 512, "vector of numbers"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[128],\"data_offsets\":[0,512]},"
         "\"likeness.embedder\":{\"dtype\":\"U8\",\"shape\":[64],\"data_offsets\":[512,576]}}", 1, 576, "sha256"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[128],\"data_offsets\":[0,512]},"
         "\"likeness.points\":{\"dtype\":\"F32\",\"shape\":[1,5,2],\"data_offsets\":[512,552]}}", 1, 552, "belong together"},
        {"{\"embedding\":{\"dtype\":\"F32\",\"shape\":[128],\"data_offsets\":[0,512]},"
         "\"likeness.crops\":{\"dtype\":\"U8\",\"shape\":[1,1,1,4],\"data_offsets\":[512,516]}}", 1, 516, "belong together"},
    };
    // clang-format on
    float data[512];
    struct lk_error err;
    struct lk_face_model model;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t k = 0; k < 512; k++)
            data[k] = rows[i].value;
        assert_fails(
            lk_face_model_read(write_tensors(rows[i].header, data, rows[i].size), &model, &err),
            &err, LK_E_INPUT, rows[i].says);
    }
    assert_fails(lk_face_model_read(scratch_write("noise", "noise", 5), &model, &err), &err,
                 LK_E_INPUT, "noise");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_exported_is_imported),
        cmocka_unit_test(ours_has_what_reactor_reads),
        cmocka_unit_test(a_vector_alone_is_exported_without_photos),
        cmocka_unit_test(a_model_of_reactor_is_read),
        cmocka_unit_test(broken_models_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
