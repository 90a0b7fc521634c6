// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include <zlib.h>

#include "data/golden_picture.h"
#include "data/picture.h"
#include "support/check.h"
#include "support/scratch.h"

enum { W = 6, H = 4 };

static struct lk_picture *read_bytes(const void *bytes, size_t size, const char *name)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    assert_ok(lk_picture_read_bytes(bytes, size, name, &picture, &err), &err);
    return picture;
}

static void sizes_are_checked(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p = NULL;
    static const int bad[][3] = {{0, 1, 3},
                                 {1, 0, 3},
                                 {-1, 1, 3},
                                 {16385, 1, 3},
                                 {1, 16385, 3},
                                 {16384, 16384, 3},
                                 {INT32_MAX, INT32_MAX, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(lk_picture_new(bad[i][0], bad[i][1], bad[i][2], LK_PIXEL_U8, &p, &err), &err,
                     LK_E_INPUT, "out of range");
    assert_fails(lk_picture_new(1, 1, 1, LK_PIXEL_U8, &p, &err), &err, LK_E_INPUT, "channels");
    assert_null(p);
}

static void a_new_picture_is_black_and_counted(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p;
    assert_ok(lk_picture_new(7, 5, 4, LK_PIXEL_F32, &p, &err), &err);
    for (int i = 0; i < 7 * 5 * 4; i++)
        assert_true(p->f32[i] == 0.0f);
    assert_ptr_equal(lk_picture_ref(p), p);
    lk_picture_free(p);
    p->f32[7 * 5 * 4 - 1] = 1.0f; /* still there */
    lk_picture_free(p);
    lk_picture_free(NULL);
}

static void every_byte_survives_float(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p, *f, *back;
    assert_ok(lk_picture_new(64, 1, 4, LK_PIXEL_U8, &p, &err), &err);
    for (int i = 0; i < 256; i++)
        p->u8[i] = (uint8_t)i;
    assert_ok(lk_picture_convert(p, LK_PIXEL_F32, &f, &err), &err);
    assert_true(f->f32[255] == 1.0f && f->f32[51] == 51.0f / 255.0f);
    assert_ok(lk_picture_convert(f, LK_PIXEL_U8, &back, &err), &err);
    assert_memory_equal(back->u8, p->u8, 256);
    lk_picture_free(p);
    lk_picture_free(f);
    lk_picture_free(back);
}

static void floats_round_to_nearest_and_clamp(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *f, *p;
    static const float in[12] = {NAN,          -1,    2,          INFINITY,
                                 -INFINITY,    0.5f,  0.4f / 255, 0.6f / 255,
                                 254.6f / 255, -0.0f, 1e-30f,     1};
    static const uint8_t out[12] = {0, 0, 255, 255, 0, 128, 0, 1, 255, 0, 0, 255};
    assert_ok(lk_picture_new(4, 1, 3, LK_PIXEL_F32, &f, &err), &err);
    memcpy(f->f32, in, sizeof in);
    assert_ok(lk_picture_convert(f, LK_PIXEL_U8, &p, &err), &err);
    assert_memory_equal(p->u8, out, sizeof out);
    lk_picture_free(f);
    lk_picture_free(p);
}

/* What a fixture shows at a pixel of the 6x4 pattern. */
static void expected(enum shows shows, int x, int y, int rgb[3])
{
    static const int left[3] = {200, 40, 90}, right[3] = {30, 160, 220};
    static const int flat[][3] = {[SHOWS_GREY] = {100, 100, 100},
                                  [SHOWS_GREY_HALF] = {177, 177, 177},
                                  [SHOWS_WHITE] = {255, 255, 255},
                                  [SHOWS_RED] = {237, 28, 36}};
    for (int c = 0; c < 3; c++) {
        int v = y == 0 ? 255 : x < W / 2 ? left[c] : right[c];
        if (shows == SHOWS_HALF)
            v = (v * 128 + 255 * 127 + 127) / 255;
        rgb[c] = shows == SHOWS_BASE || shows == SHOWS_HALF ? v : flat[shows][c];
    }
}

static void every_kind_of_file_reads_as_rgb(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
        const struct fixture *f = &fixtures[i];
        struct lk_picture *p = read_bytes(f->bytes, f->size, f->name);
        assert_int_equal(p->channels, 3);
        assert_int_equal(p->type, LK_PIXEL_U8);
        int block = f->block ? f->block : 1;
        if (f->block && (f->shows == SHOWS_BASE || f->shows == SHOWS_HALF)) {
            assert_int_equal(p->width, W * block);
            assert_int_equal(p->height, H * block);
        }
        for (int y = 0; y < p->height; y++) {
            for (int x = 0; x < p->width; x++) {
                int rgb[3];
                expected(f->shows, x / block, y / block, rgb);
                for (int c = 0; c < 3; c++) {
                    int got = p->u8[(y * p->width + x) * 3 + c];
                    if (abs(got - rgb[c]) > f->tolerance)
                        fail_msg("%s at %d,%d,%d: %d, not %d", f->name, x, y, c, got, rgb[c]);
                }
            }
        }
        lk_picture_free(p);
    }
}

static void each_file_cut_anywhere_gives_one_error(void **state)
{
    (void)state;
    struct lk_error err;
    for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
        const struct fixture *f = &fixtures[i];
        size_t step = f->size / 16 + 1;
        for (size_t size = 0; size < f->size - 60; size += step) {
            struct lk_picture *p = NULL;
            void *cut = malloc(size + 1); /* exact, so that ASan sees a read behind it */
            memcpy(cut, f->bytes, size);
            int code = lk_picture_read_bytes(cut, size, "cut", &p, &err);
            free(cut);
            if (code) {
                assert_int_equal(code, LK_E_INPUT);
                assert_non_null(strstr(err.message, "'cut'"));
            }
            lk_picture_free(p);
        }
    }
}

/* A sound PNG that says how large it is, and an empty IDAT: reading its pixels would fail, so that
 * the message shows what came first. */
static const char *huge_png(uint32_t width, uint32_t height)
{
    unsigned char png[8 + 25 + 12 + 12] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (unsigned char)(width >> (24 - 8 * i));
        png[20 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    png[24] = 8;
    png[25] = 2;
    memcpy(png + 37, "IDAT", 4);
    memcpy(png + 49, "IEND", 4);
    static const struct {
        int at, type, length;
    } chunks[] = {{29, 12, 17}, {41, 37, 4}, {53, 49, 4}};
    for (int i = 0; i < 3; i++) {
        uLong crc = crc32(0, png + chunks[i].type, (uInt)chunks[i].length);
        for (int j = 0; j < 4; j++)
            png[chunks[i].at + j] = (unsigned char)(crc >> (24 - 8 * j));
    }
    return scratch_write("huge.png", png, sizeof png);
}

static void too_large_pictures_are_refused_by_their_header(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p;
    assert_fails(lk_picture_read(huge_png(20000, 10), &p, &err), &err, LK_E_INPUT,
                 "20000x10 pixels is too");
    assert_fails(lk_picture_read(huge_png(10001, 10000), &p, &err), &err, LK_E_INPUT,
                 "is too large");
    assert_fails(lk_picture_read(huge_png(100, 100), &p, &err), &err, LK_E_INPUT, "broken");
}

static void what_is_no_picture_is_named(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p;
    assert_fails(lk_picture_read_bytes("", 0, "n", &p, &err), &err, LK_E_INPUT, "is empty");
    assert_fails(lk_picture_read_bytes("<svg/>", 6, "n", &p, &err), &err, LK_E_INPUT, "not a PNG");
    assert_fails(lk_picture_read(scratch_path("none.png"), &p, &err), &err, LK_E_INPUT, "exist");
    assert_fails(lk_picture_read("/tmp", &p, &err), &err, LK_E_INPUT, "regular");
    const char *path = shared_path("corrupt/lfs_pointer_yunet_2023mar.onnx");
    assert_fails(lk_picture_read(path, &p, &err), &err, LK_E_INPUT, "LFS");
}

static void formats_go_by_their_ending(void **state)
{
    (void)state;
    struct lk_error err;
    enum lk_format format;
    static const struct {
        const char *path;
        enum lk_format format;
    } known[] = {{"a.png", LK_FORMAT_PNG},     {"d.x/a.JPG", LK_FORMAT_JPEG},
                 {"a.b.jpeg", LK_FORMAT_JPEG}, {"a.WebP", LK_FORMAT_WEBP},
                 {"a.tif", LK_FORMAT_TIFF},    {"a.tiff", LK_FORMAT_TIFF}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_ok(lk_format_of_path(known[i].path, &format, &err), &err);
        assert_int_equal(format, known[i].format);
    }
    assert_fails(lk_format_of_path("a.gif", &format, &err), &err, LK_E_INPUT, ".webp");
    assert_fails(lk_format_of_path("png", &format, &err), &err, LK_E_INPUT, "ending");
}

static struct lk_picture *pattern(int width, int height, int channels, enum lk_pixel type)
{
    struct lk_error err;
    struct lk_picture *p, *out;
    assert_ok(lk_picture_new(width, height, channels, LK_PIXEL_U8, &p, &err), &err);
    for (int i = 0; i < width * height * channels; i++)
        p->u8[i] = (uint8_t)(128 + 100 * sin(i / channels % width * 0.05 + i % channels) *
                                       cos(i / channels / width * 0.04));
    assert_ok(lk_picture_convert(p, type, &out, &err), &err);
    lk_picture_free(p);
    return out;
}

static void encoded_pictures_read_back(void **state)
{
    (void)state;
    static const int most[] = {
        [LK_FORMAT_PNG] = 0, [LK_FORMAT_JPEG] = 6, [LK_FORMAT_WEBP] = 14, [LK_FORMAT_TIFF] = 0};
    struct lk_error err;
    for (int type = LK_PIXEL_U8; type <= LK_PIXEL_F32; type++) {
        struct lk_picture *in = pattern(61, 47, 3, (enum lk_pixel)type), *u8;
        assert_ok(lk_picture_convert(in, LK_PIXEL_U8, &u8, &err), &err);
        for (int format = LK_FORMAT_PNG; format <= LK_FORMAT_TIFF; format++) {
            void *bytes;
            size_t size;
            assert_ok(lk_picture_encode(in, (enum lk_format)format, NULL, &bytes, &size, &err),
                      &err);
            struct lk_picture *back = read_bytes(bytes, size, "back");
            assert_int_equal(back->width, 61);
            assert_int_equal(back->height, 47);
            for (int i = 0; i < 61 * 47 * 3; i++)
                assert_in_range(abs(back->u8[i] - u8->u8[i]), 0, most[format]);
            lk_picture_free(back);
            free(bytes);
        }
        lk_picture_free(in);
        lk_picture_free(u8);
    }
}

static void a_single_pixel_passes_every_format(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p;
    assert_ok(lk_picture_new(1, 1, 4, LK_PIXEL_U8, &p, &err), &err);
    for (int format = LK_FORMAT_PNG; format <= LK_FORMAT_TIFF; format++) {
        void *bytes;
        size_t size;
        assert_ok(lk_picture_encode(p, (enum lk_format)format, NULL, &bytes, &size, &err), &err);
        struct lk_picture *back = read_bytes(bytes, size, "one");
        assert_int_equal(back->width * back->height, 1);
        assert_in_range(back->u8[0], 250, 255); /* transparent, so white */
        lk_picture_free(back);
        free(bytes);
    }
    lk_picture_free(p);
}

static void check_text(const char *path, const char *parameters, const char *xmp)
{
    struct lk_error err;
    struct lk_picture_found_text found;
    assert_ok(lk_picture_read_text(path, &found, &err), &err);
    if (parameters) {
        assert_non_null(found.parameters);
        assert_string_equal(found.parameters, parameters);
    } else {
        assert_null(found.parameters);
    }
    if (xmp) {
        assert_non_null(found.xmp);
        assert_string_equal(found.xmp, xmp);
    } else {
        assert_null(found.xmp);
    }
    free(found.parameters);
    free(found.xmp);
}

static void texts_come_back_from_every_format(void **state)
{
    (void)state;
    static const char *const values[] = {NULL, "a face\nSteps: 20, Seed: 7",
                                         "Zo\xc3\xab \xe8\x84\xb8 \xf0\x9f\x98\x80"};
    static const char xmp[] = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\xe8\x84\xb8</x:xmpmeta>";
    struct lk_error err;
    for (int channels = 3; channels <= 4; channels++) {
        struct lk_picture *p = pattern(20, 10, channels, LK_PIXEL_U8);
        for (int format = LK_FORMAT_PNG; format <= LK_FORMAT_TIFF; format++) {
            for (int i = 0; i < 6; i++) {
                struct lk_picture_text text = {.parameters = values[i % 3],
                                               .xmp = i < 3 ? xmp : NULL};
                void *bytes;
                size_t size;
                assert_ok(lk_picture_encode(p, (enum lk_format)format, &text, &bytes, &size, &err),
                          &err);
                const char *path = scratch_write("text", bytes, size);
                check_text(path, text.parameters, text.xmp);
                lk_picture_free(read_bytes(bytes, size, "with text"));
                free(bytes);
            }
        }
        lk_picture_free(p);
    }
}

static void texts_of_other_programs_are_found(void **state)
{
    (void)state;
    static const char text[] = "a face, Zo\xc3\xab \xe8\x84\xb8\nSteps: 20, Seed: 7";
    check_text(scratch_write("t", webui_png, sizeof webui_png), text, NULL);
    check_text(scratch_write("t", webui_jpeg, sizeof webui_jpeg), text, NULL);
    check_text(scratch_write("t", webui_webp, sizeof webui_webp), text, NULL);
    check_text(scratch_write("t", latin_png, sizeof latin_png), "a face, Zo\xc3\xab", NULL);
}

static void a_text_that_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *p = pattern(8, 8, 3, LK_PIXEL_U8);
    void *bytes;
    size_t size;
    enum { LONG = 40000 };
    char *text = malloc(LONG + 1);
    memset(text, 'x', LONG);
    text[LONG] = 0;
    struct lk_picture_text longer = {.parameters = text}, broken = {.parameters = "\xff"};
    assert_fails(lk_picture_encode(p, LK_FORMAT_JPEG, &longer, &bytes, &size, &err), &err,
                 LK_E_INPUT, "does not fit");
    assert_ok(lk_picture_encode(p, LK_FORMAT_WEBP, &longer, &bytes, &size, &err), &err);
    free(bytes);
    assert_fails(lk_picture_encode(p, LK_FORMAT_PNG, &broken, &bytes, &size, &err), &err,
                 LK_E_INPUT, "not UTF-8");
    free(text);
    lk_picture_free(p);
}

static void check_resize(const struct lk_picture *in, const uint8_t *golden, int width)
{
    struct lk_error err;
    struct lk_picture *out;
    assert_ok(lk_picture_resize(in, width, 1, &out, &err), &err);
    assert_int_equal(out->width, width);
    for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++)
            assert_in_range(abs(out->u8[3 * x + c] - golden[x]), 0, 1);
    }
    lk_picture_free(out);
}

/* Pillow rounds its weights to 22 bits and between the passes to 8: it may differ by one. */
static void resizing_equals_pillow(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *in, *tall;
    enum { N = sizeof resize_in };
    assert_ok(lk_picture_new(N, 1, 3, LK_PIXEL_U8, &in, &err), &err);
    for (int i = 0; i < N * 3; i++)
        in->u8[i] = resize_in[i / 3];
    check_resize(in, resize_5, sizeof resize_5);
    check_resize(in, resize_12, sizeof resize_12);
    check_resize(in, resize_31, sizeof resize_31);
    /* down the columns it is the same filter */
    struct lk_picture *column;
    assert_ok(lk_picture_new(1, N, 3, LK_PIXEL_U8, &column, &err), &err);
    memcpy(column->u8, in->u8, N * 3);
    assert_ok(lk_picture_resize(column, 1, 31, &tall, &err), &err);
    for (int y = 0; y < 31; y++)
        assert_in_range(abs(tall->u8[3 * y] - resize_31[y]), 0, 1);
    lk_picture_free(in);
    lk_picture_free(column);
    lk_picture_free(tall);
}

static void resizing_keeps_flat_colour_and_type(void **state)
{
    (void)state;
    struct lk_error err;
    static const int sizes[][2] = {{1, 1}, {3, 50}, {200, 7}, {33, 33}};
    for (int channels = 3; channels <= 4; channels++) {
        struct lk_picture *in, *out;
        assert_ok(lk_picture_new(33, 21, channels, LK_PIXEL_F32, &in, &err), &err);
        for (int i = 0; i < 33 * 21 * channels; i++)
            in->f32[i] = i % channels == 3 ? 0.5f : 0.25f;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            assert_ok(lk_picture_resize(in, sizes[s][0], sizes[s][1], &out, &err), &err);
            assert_int_equal(out->type, LK_PIXEL_F32);
            for (int i = 0; i < out->width * out->height * channels; i++)
                assert_true(fabsf(out->f32[i] - (i % channels == 3 ? 0.5f : 0.25f)) < 1e-6f);
            lk_picture_free(out);
        }
        assert_fails(lk_picture_resize(in, 0, 5, &out, &err), &err, LK_E_INPUT, "out of range");
        lk_picture_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(a_new_picture_is_black_and_counted),
        cmocka_unit_test(every_byte_survives_float),
        cmocka_unit_test(floats_round_to_nearest_and_clamp),
        cmocka_unit_test(every_kind_of_file_reads_as_rgb),
        cmocka_unit_test(each_file_cut_anywhere_gives_one_error),
        cmocka_unit_test(too_large_pictures_are_refused_by_their_header),
        cmocka_unit_test(what_is_no_picture_is_named),
        cmocka_unit_test(formats_go_by_their_ending),
        cmocka_unit_test(encoded_pictures_read_back),
        cmocka_unit_test(a_single_pixel_passes_every_format),
        cmocka_unit_test(texts_come_back_from_every_format),
        cmocka_unit_test(texts_of_other_programs_are_found),
        cmocka_unit_test(a_text_that_cannot_be_kept_is_refused),
        cmocka_unit_test(resizing_equals_pillow),
        cmocka_unit_test(resizing_keeps_flat_colour_and_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
