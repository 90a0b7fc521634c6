// SPDX-License-Identifier: Apache-2.0
/* Face models are files of strangers: shapes, sizes and numbers are checked before they are used.
 */
#include "cast/face_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/size.h"

enum { SIDE = LK_CAST_CROP, CROP_SIZE = SIDE * SIDE * 3, POINTS = 10 };

void lk_face_model_free(struct lk_face_model *model)
{
    lk_cast_photos_free(model->photos, model->n);
    *model = (struct lk_face_model){0};
}

/* A tensor to be written. */
struct part {
    const char *name, *dtype;
    int rank;
    size_t shape[4], size;
};

static json_t *json_of_part(const struct part *part, size_t begin)
{
    const size_t end = begin + part->size;
    json_t *shape = json_array();
    for (int i = 0; i < part->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)part->shape[i]));
    return json_pack("{s:s,s:o,s:[I,I]}", "dtype", part->dtype, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* Header length, header, and room for the data; *data points at it. */
static int make_file(const struct part *parts,
                     size_t count,
                     uint8_t **out,
                     size_t *size,
                     uint8_t **data,
                     struct lk_error *err)
{
    size_t begin = 0;
    json_t *header = json_object();
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(header, parts[i].name, json_of_part(&parts[i], begin));
        begin += parts[i].size;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    if (!text)
        return lk_fail_memory(err, "a face model", begin);
    uint64_t length = (strlen(text) + 7) / 8 * 8; /* spaces, so that the data is aligned */
    uint8_t *bytes = malloc(sizeof length + length + begin);
    if (bytes) {
        memcpy(bytes, &length, sizeof length);
        memset(bytes + sizeof length, ' ', length);
        memcpy(bytes + sizeof length, text, strlen(text));
        *data = bytes + sizeof length + length;
        *out = bytes;
        *size = sizeof length + length + begin;
    }
    free(text);
    return bytes ? 0 : lk_fail_memory(err, "a face model", begin);
}

static uint8_t *append(uint8_t *at, const void *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

/* The data, in the order of the parts; best: whose points stand for the person. */
static void fill(const struct lk_cast_photo *photos,
                 size_t n,
                 const struct lk_embedding *mean,
                 const struct lk_cast_photo *best,
                 uint8_t *at)
{
    static const float box[4] = {0, 0, SIDE, SIDE}, score = 1;
    at = append(at, mean->value, (size_t)mean->size * sizeof(float));
    at = append(at, box, sizeof box);
    at = append(at, best->points, sizeof best->points);
    at = append(at, &score, sizeof score);
    for (size_t i = 0; i < n; i++)
        at = photos[i].crop ? append(at, photos[i].points, sizeof photos[i].points) : at;
    for (size_t i = 0; i < n; i++)
        at = photos[i].crop ? append(at, &photos[i].quality, sizeof(float)) : at;
    at = append(at, mean->embedder, sizeof mean->embedder - 1);
    for (size_t i = 0; i < n; i++)
        at = photos[i].crop ? append(at, photos[i].crop->u8, CROP_SIZE) : at;
}

int lk_face_model_write(const struct lk_cast_photo *photos,
                        size_t n,
                        const struct lk_embedding *mean,
                        void **bytes,
                        size_t *size,
                        struct lk_error *err)
{
    static const struct lk_cast_photo none = {.quality = 0};
    const struct lk_cast_photo *best = &none;
    size_t kept = 0, width = (size_t)mean->size;
    uint8_t *file = NULL, *data = NULL;
    n = n < LK_FACE_MODEL_PHOTOS ? n : LK_FACE_MODEL_PHOTOS;
    for (size_t i = 0; i < n; i++) {
        kept += photos[i].crop != NULL;
        if (photos[i].quality > best->quality)
            best = &photos[i];
    }
    const struct part parts[] = {
        {"embedding", "F32", 1, {width}, width * 4},
        {"bbox", "F32", 1, {4}, 16},
        {"kps", "F32", 2, {5, 2}, 40},
        {"det_score", "F32", 0, {0}, 4},
        {"likeness.points", "F32", 3, {kept, 5, 2}, kept * POINTS * 4},
        {"likeness.quality", "F32", 1, {kept}, kept * 4},
        {"likeness.embedder", "U8", 1, {64}, 64},
        {"likeness.crops", "U8", 4, {kept, SIDE, SIDE, 3}, kept * CROP_SIZE},
    };
    int rc = make_file(parts, LK_ARRAY_LENGTH(parts), &file, size, &data, err);
    if (rc)
        return rc;
    fill(photos, n, mean, best, data);
    *bytes = file;
    return 0;
}

static bool has_shape(const struct lk_tensor *t,
                      enum lk_dtype dtype,
                      int rank,
                      const int64_t *shape)
{
    if (!t || t->dtype != dtype || t->rank != rank)
        return false;
    for (int i = 0; i < rank; i++) {
        if (t->shape[i] != shape[i])
            return false;
    }
    return true;
}

/* [size] numbers → unit vector. */
static int read_vector(const struct lk_tensor *t,
                       int size,
                       struct lk_embedding *out,
                       struct lk_error *err)
{
    double square = 0;
    out->size = size;
    int rc = lk_tensor_to_f32(t, 0, (size_t)size, out->value, err);
    for (int i = 0; !rc && i < size; i++)
        square += (double)out->value[i] * out->value[i];
    if (!rc && (!isfinite(square) || square < 1e-12))
        rc = lk_fail(err, LK_E_INPUT, "its embedding is no vector of numbers");
    for (int i = 0; !rc && i < size; i++)
        out->value[i] = (float)(out->value[i] / sqrt(square));
    return rc;
}

/* 64 hex digits, or "" where there is no such tensor. */
static int read_embedder(const struct lk_tensor *t, char out[65], struct lk_error *err)
{
    *out = 0;
    if (!t)
        return 0;
    if (!has_shape(t, LK_U8, 1, (const int64_t[]){64}))
        return lk_fail(err, LK_E_INPUT, "likeness.embedder is no sha256");
    memcpy(out, t->data, 64);
    out[64] = 0;
    return strspn(out, "0123456789abcdef") == 64
               ? 0
               : lk_fail(err, LK_E_INPUT, "likeness.embedder is no sha256");
}

/* The tensors of the photos; all of them or none. */
struct photo_parts {
    const struct lk_tensor *crops, *points, *quality;
};

static int read_photo(const struct photo_parts *parts,
                      size_t i,
                      struct lk_cast_photo *out,
                      struct lk_error *err)
{
    int rc = lk_tensor_to_f32(parts->quality, i, 1, &out->quality, err);
    rc = rc ? rc : lk_tensor_to_f32(parts->points, i * POINTS, POINTS, &out->points[0][0], err);
    if (!rc && !(out->quality > 0 && out->quality <= 1))
        rc = lk_fail(err, LK_E_INPUT, "likeness.quality is not from 0 to 1");
    for (int k = 0; !rc && k < POINTS; k++) {
        if (!(fabsf(out->points[k / 2][k % 2]) < 4 * SIDE))
            rc = lk_fail(err, LK_E_INPUT, "likeness.points are not in the crop");
    }
    rc = rc ? rc : lk_picture_new(SIDE, SIDE, 3, LK_PIXEL_U8, &out->crop, err);
    if (!rc)
        memcpy(out->crop->u8, (const uint8_t *)parts->crops->data + i * CROP_SIZE, CROP_SIZE);
    return rc;
}

static int read_photos(const struct photo_parts *parts,
                       struct lk_face_model *model,
                       struct lk_error *err)
{
    const int64_t n = parts->crops && parts->crops->rank == 4 ? parts->crops->shape[0] : -1;
    if (!parts->crops && !parts->points && !parts->quality)
        return 0;
    if (n < 0 || n > LK_FACE_MODEL_PHOTOS ||
        !has_shape(parts->crops, LK_U8, 4, (const int64_t[]){n, SIDE, SIDE, 3}) ||
        !has_shape(parts->points, LK_F32, 3, (const int64_t[]){n, 5, 2}) ||
        !has_shape(parts->quality, LK_F32, 1, (const int64_t[]){n}))
        return lk_fail(err, LK_E_INPUT, "its likeness.* tensors do not belong together");
    model->photos = calloc((size_t)n + 1, sizeof *model->photos);
    if (!model->photos)
        return lk_fail_memory(err, "a face model", (size_t)n * sizeof *model->photos);
    model->n = (size_t)n;
    int rc = 0;
    for (size_t i = 0; i < model->n && !rc; i++)
        rc = read_photo(parts, i, &model->photos[i], err);
    return rc;
}

int lk__face_model_read(lk__tensor_find *find,
                        const void *from,
                        const char *label,
                        struct lk_face_model *out,
                        struct lk_error *err)
{
    struct lk_face_model model = {0};
    const struct lk_tensor *mean = find(from, "embedding");
    const struct photo_parts parts = {find(from, "likeness.crops"), find(from, "likeness.points"),
                                      find(from, "likeness.quality")};
    int rc = 0;
    if (!mean || mean->dtype != LK_F32 || mean->rank != 1 ||
        (mean->shape[0] != 512 && mean->shape[0] != 128))
        rc = lk_fail(err, LK_E_INPUT, "it has no embedding [512] or [128] of f32");
    rc = rc ? rc : read_vector(mean, (int)mean->shape[0], &model.embedding, err);
    rc = rc ? rc : read_embedder(find(from, "likeness.embedder"), model.embedding.embedder, err);
    rc = rc ? rc : read_photos(&parts, &model, err);
    if (rc) {
        lk_face_model_free(&model);
        return lk_fail_context(err, rc, "'%s' is no face model", label);
    }
    *out = model;
    return 0;
}

static const struct lk_tensor *find_in_file(const void *from, const char *name)
{
    return lk_tensor_file_find(from, name);
}

int lk_face_model_read(const char *path, struct lk_face_model *out, struct lk_error *err)
{
    lk_tensor_file *file;
    int rc = lk_tensor_file_open(path, &file, err);
    if (rc)
        return rc;
    rc = lk__face_model_read(find_in_file, file, path, out, err);
    lk_tensor_file_free(file);
    return rc;
}
