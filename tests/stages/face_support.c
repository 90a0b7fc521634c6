// SPDX-License-Identifier: Apache-2.0
#include "stages/face_support.h"

#include <math.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/note.h"
#include "support/scratch.h"

enum { EMAP = 512 };

static lk_runtime *runtime;
static lk_detector *scrfd;

/* The detector may not outlive the runtime. */
static void close_all(void)
{
    lk_detector_free(scrfd);
    lk_runtime_free(runtime);
}

lk_runtime *test_runtime(void)
{
    struct lk_error err;
    if (!runtime) {
        struct lk_runtime_options options;
        lk_runtime_options_init(&options);
        options.threads = 1;
        options.plain = getenv("LIKENESS_TEST_PLAIN") != NULL;
        assert_ok(lk_runtime_open(&options, &runtime, &err), &err);
        atexit(close_all);
    }
    return runtime;
}

const lk_detector *test_scrfd(void)
{
    struct lk_error err;
    if (!scrfd)
        assert_ok(lk_detector_open(test_runtime(), "scrfd",
                                   shared_path("detector/scrfd_2.5g_bnkps_640.onnx"), "cpu", &scrfd,
                                   &err),
                  &err);
    return scrfd;
}

size_t scrfd_find(const struct lk_picture *picture,
                  enum lk_find_effort effort,
                  struct lk_face **faces)
{
    struct lk_error err;
    struct lk_find_options options;
    size_t count = 0;
    lk_find_options_init(&options);
    options.effort = effort;
    assert_ok(lk_find(test_scrfd(), picture, &options, NULL, faces, &count, &err), &err);
    return count;
}

const char *golden_path(const char *name)
{
    static char path[4096];
    const char *source = getenv("LIKENESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    return path;
}

const char *golden_network(const char *name)
{
    char inner[64];
    snprintf(inner, sizeof inner, "refine/%s.onnx", name);
    return golden_path(inner);
}

static FILE *golden_file(const char *name)
{
    FILE *file = fopen(golden_path(name), "r");
    if (!file)
        fail_msg("cannot open %s", golden_path(name));
    return file;
}

FILE *golden_open(const char *name)
{
    FILE *file = golden_file(name);
    assert_int_equal(fscanf(file, "#%*[^\n] "), 0);
    return file;
}

struct lk_picture *photo_read(const char *name)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    char path[512];
    snprintf(path, sizeof path, "photos/%s", name);
    assert_ok(lk_picture_read(shared_path(path), &picture, &err), &err);
    return picture;
}

static struct lk_picture *picture_new(int width, int height, enum lk_pixel type)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    assert_ok(lk_picture_new(width, height, 3, type, &picture, &err), &err);
    return picture;
}

struct lk_picture *picture_noise(int width, int height)
{
    struct lk_picture *picture = picture_new(width, height, LK_PIXEL_U8);
    uint8_t *to = picture->u8;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++)
                *to++ = (uint8_t)(x * 7 + y * 13 + c * 29 + x * y);
        }
    }
    return picture;
}

struct lk_picture *picture_smooth(int width, int height)
{
    struct lk_picture *picture = picture_new(width, height, LK_PIXEL_F32);
    float *to = picture->f32;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++)
                *to++ = (float)((x * 3 + y * 5 + c * 11 + x * y / 16) % 128) / 128;
        }
    }
    return picture;
}

struct lk_picture *picture_waves(int width, int height, double phase)
{
    struct lk_picture *picture = picture_new(width, height, LK_PIXEL_F32);
    float *to = picture->f32;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            for (int c = 0; c < 3; c++)
                *to++ = (float)(0.5 + 0.3 * sin(0.05 * x + 0.03 * y + c + phase) +
                                0.15 * sin(0.11 * x - 0.07 * y + 2 * c));
        }
    }
    return picture;
}

struct lk_identity identity_512(void)
{
    struct lk_identity identity = {.name = "formula", .photos = 1};
    identity.embedding.size = 512;
    for (int i = 0; i < 512; i++)
        identity.embedding.value[i] = (float)((i * 29 + 11) % 127 - 63) / 64;
    memset(identity.embedding.embedder, 'a', 64);
    return identity;
}

/* ---- protobuf, just enough to wrap a graph ---- */

struct bytes {
    uint8_t *at;
    size_t size;
};

static void put(struct bytes *to, const void *bytes, size_t size)
{
    memcpy(to->at + to->size, bytes, size);
    to->size += size;
}

static void put_number(struct bytes *to, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        to->at[to->size++] = (uint8_t)(n | 128);
    to->at[to->size++] = (uint8_t)n;
}

/* Tag of a length-delimited field, and the length. */
static void put_field(struct bytes *to, int field, size_t length)
{
    put_number(to, (uint64_t)field << 3 | 2);
    put_number(to, length);
}

/* TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
static void put_emap(struct bytes *to, const char *name)
{
    put_number(to, 1 << 3), put_number(to, EMAP);
    put_number(to, 1 << 3), put_number(to, EMAP);
    put_number(to, 2 << 3), put_number(to, 1); /* FLOAT */
    put_field(to, 8, strlen(name)), put(to, name, strlen(name));
    put_field(to, 9, EMAP * EMAP * sizeof(float));
    for (int i = 0; i < EMAP; i++) {
        for (int k = 0; k < EMAP; k++) {
            float v = (float)((i * 37 + k * 101 + i * k) % 257 - 128) / 128;
            put(to, &v, sizeof v);
        }
    }
}

const char *network_write(const char *graph, const char *name, const char *emap_name, int broken)
{
    const size_t room = EMAP * EMAP * sizeof(float) + (1 << 16);
    struct bytes inner = {malloc(room), 0}, tensor = {malloc(room), 0}, model = {malloc(room), 0};
    assert_true(inner.at && tensor.at && model.at);
    FILE *file = golden_file(graph);
    inner.size = fread(inner.at, 1, 1 << 15, file);
    fclose(file);
    if (broken) {
        const float mark = 0.123456f, nan = NAN;
        uint8_t *at = memmem(inner.at, inner.size, &mark, sizeof mark);
        assert_non_null(at);
        memcpy(at, &nan, sizeof nan);
    }
    if (emap_name) { /* GraphProto: initializer 5 */
        put_emap(&tensor, emap_name);
        put_field(&inner, 5, tensor.size);
        put(&inner, tensor.at, tensor.size);
    }
    /* ModelProto: ir_version 1, graph 7, opset_import 8 (domain 1, version 2) */
    put_number(&model, 1 << 3), put_number(&model, 8);
    put_field(&model, 7, inner.size), put(&model, inner.at, inner.size);
    put_field(&model, 8, 2), put_number(&model, 2 << 3), put_number(&model, 13);
    const char *path = scratch_write(name, model.at, model.size);
    free(inner.at), free(tensor.at), free(model.at);
    return path;
}

static double worst;

int golden_compare(FILE *file, const float *values, size_t count, double tolerance)
{
    size_t index;
    double want;
    int seen = 0;
    worst = 0;
    while (fscanf(file, " value %zu %lf", &index, &want) == 2) {
        assert_true(index < count);
        const double off = fabs((double)values[index] - want);
        if (!(off <= tolerance))
            fail_msg("value %zu is %.7g, the reference has %.7g", index, (double)values[index],
                     want);
        worst = fmax(worst, off);
        seen++;
    }
    return seen;
}

double golden_worst(void)
{
    return worst;
}

void face_note(const char *role, const char *family, const char *measure, double value)
{
    char name[160];
    snprintf(name, sizeof name, "%s\t%s\t%s", role, family, measure);
    test_note(name, value);
}
