// SPDX-License-Identifier: Apache-2.0
/* ONNX files as they come: real ones open, broken ones are refused in words, constants are found.
 */
#include <stdio.h>
#include <stdlib.h>

#include <glob.h>

#include "base/file.h"
#include "base/size.h"
#include "fixture.h"
#include "runtime/contract.h"
#include "runtime/graph/onnx.h"
#include "support/scratch.h"

static void real_models_open_and_tell_their_ports(void **state)
{
    glob_t found;
    size_t opened = 0;
    assert_int_equal(glob(shared_path("*/*.onnx"), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct lk_error err;
        lk_session *session;
        const struct lk_port *ports;
        if (strstr(found.gl_pathv[i], "/corrupt/"))
            continue;
        assert_ok(lk_session_open(*state, found.gl_pathv[i], "cpu", &session, &err), &err);
        assert_true(lk_session_inputs(session, &ports) > 0);
        assert_true(ports[0].rank >= 4);
        assert_true(lk_session_outputs(session, &ports) > 0);
        lk_session_release(session);
        opened++;
    }
    globfree(&found);
    assert_true(opened >= 10);
}

static void a_real_model_runs_at_a_free_size(void **state)
{
    struct lk_error err;
    lk_session *session;
    assert_ok(lk_session_open(*state, shared_path("converted/waifu2x_upconv7_photo_scale2.0x.onnx"),
                              NULL, &session, &err),
              &err);
    const struct lk_port *in, *out;
    lk_session_inputs(session, &in);
    lk_session_outputs(session, &out);
    float *x = calloc(3 * 40 * 32, sizeof *x);
    const struct lk_array picture = {LK_F32, 4, {1, 3, 40, 32}, x};
    struct lk_array result;
    assert_ok(run_one(session, in->name, &picture, out->name, &result, &err), &err);
    assert_int_equal(result.rank, 4);
    assert_true(result.shape[2] > 40 && result.shape[3] > 32);
    free(result.data);
    free(x);
    lk_session_release(session);
}

static void what_is_no_model_is_refused_in_words(void **state)
{
    struct lk_error err;
    lk_session *session = NULL;
    assert_fails(lk_session_open(*state, "/nowhere.onnx", NULL, &session, &err), &err, LK_E_MISSING,
                 "nowhere");
    assert_fails(lk_session_open(*state, shared_path("corrupt/lfs_pointer_yunet_2023mar.onnx"),
                                 NULL, &session, &err),
                 &err, LK_E_INPUT, "LFS");
    const char text[] = "this is a letter and no model";
    assert_fails(lk_session_open(*state, scratch_write("letter.onnx", text, sizeof text), NULL,
                                 &session, &err),
                 &err, LK_E_INPUT, "letter.onnx");
    assert_null(session);
}

/* Opens the bytes as a model: fine, or refused; anything else (a crash, another code) is a bug. */
static void open_bytes(lk_runtime *runtime, const unsigned char *bytes, size_t size)
{
    struct lk_error err;
    lk_session *session;
    const char *path = scratch_write("broken.onnx", bytes, size);
    int64_t sides[2];
    int code = lk_session_open(runtime, path, "cpu", &session, &err);
    if (!code)
        lk_session_release(session);
    else
        assert_int_equal(code, LK_E_INPUT);
    code = lk_session_open_any_size(runtime, path, "cpu", sides, &session, &err);
    if (!code)
        lk_session_release(session);
    else
        assert_int_equal(code, LK_E_INPUT);
}

static void damage(lk_runtime *runtime, const char *path)
{
    struct lk_file file;
    struct lk_error err;
    assert_ok(lk_file_map(path, &file, &err), &err);
    for (size_t i = 1; i < 40; i++)
        open_bytes(runtime, file.bytes, file.size * i / 40);
    unsigned char *copy = malloc(file.size);
    assert_non_null(copy);
    memcpy(copy, file.bytes, file.size);
    uint32_t random = 1;
    for (size_t i = 0; i < 60; i++) {
        random = random * 1664525 + 1013904223;
        const size_t at = (random >> 8) % (i % 2 ? file.size : 4000);
        copy[at] ^= (unsigned char)(1u << (random >> 4 & 7));
        open_bytes(runtime, copy, file.size);
        copy[at] = file.bytes[at];
    }
    free(copy);
    lk_file_unmap(&file);
}

static void a_model_that_is_cut_short_or_damaged_never_harms(void **state)
{
    struct lk_error err;
    (void)state;
    lk_runtime *runtime;
    struct lk_runtime_options options;
    lk_runtime_options_init(&options);
    options.memory = (size_t)2 << 20; /* so that damaged models do not pile up */
    assert_ok(lk_runtime_open(&options, &runtime, &err), &err);
    damage(runtime, shared_path("converted/Meso4_DF.onnx"));
    damage(runtime, shared_path("converted/ntire22_team04_rlfn_x4.onnx")); /* has nodes of ours */
    lk_runtime_free(runtime);
}

/* The outputs of a run on a picture of noise; freed by lk_arrays_free. */
static int run_scrfd(lk_session *session, int height, int width, struct lk_array out[9])
{
    struct lk_error err;
    const struct lk_port *in, *ports;
    const char *names[9];
    lk_session_inputs(session, &in);
    assert_int_equal(lk_session_outputs(session, &ports), 9);
    for (int i = 0; i < 9; i++)
        names[i] = ports[i].name;
    float *x = malloc((size_t)(3 * height * width) * sizeof *x);
    assert_non_null(x);
    fill(1, (size_t)(3 * height * width), x);
    const struct lk_array picture = {LK_F32, 4, {1, 3, height, width}, x};
    const int code = lk_session_run(session, 1, &in->name, &picture, 9, names, out, NULL, &err);
    free(x);
    return code;
}

/* SCRFD's resizes go to sizes that are written down. */
static void a_model_for_pictures_of_one_size_takes_others(void **state)
{
    struct lk_error err;
    lk_session *own, *any;
    struct lk_array want[9], have[9];
    int64_t sides[2] = {0};
    const char *path = shared_path("detector/scrfd_2.5g_bnkps_640.onnx");
    assert_ok(lk_session_open(*state, path, "cpu", &own, &err), &err);
    assert_ok(lk_session_open_any_size(*state, path, "cpu", sides, &any, &err), &err);
    assert_true(own != any && sides[0] == 640 && sides[1] == 640);
    assert_int_equal(run_scrfd(own, 640, 640, want), 0);
    assert_int_equal(run_scrfd(any, 640, 640, have), 0);
    for (int i = 0; i < 9; i++) {
        assert_memory_equal(want[i].shape, have[i].shape, sizeof want[i].shape);
        for (size_t k = 0; k < lk_array_count(&want[i]); k++)
            assert_float_equal(((float *)want[i].data)[k], ((float *)have[i].data)[k], 1e-4);
    }
    lk_arrays_free(want, 9);
    lk_arrays_free(have, 9);
    assert_int_not_equal(run_scrfd(own, 64, 96, have), 0);
    assert_int_equal(run_scrfd(any, 64, 96, have), 0);
    for (int i = 0; i < 9; i++) {
        const int stride = 8 << i % 3;
        assert_int_equal(have[i].shape[1], 2 * (64 / stride) * (96 / stride));
    }
    lk_arrays_free(have, 9);
    lk_session_release(own);
    lk_session_release(any);
    assert_fails(lk_session_open_any_size(*state, shared_path("detector/yunet_n_dynamic.onnx"),
                                          "cpu", sides, &any, &err),
                 &err, LK_E_INPUT, "takes no pictures of one size");
}

/* y = Resize(x) of 8×6 pixels to 16×12, whose `sizes` are what the attribute makes of them. */
static const char *write_resize(const int64_t sizes[4], const struct lk__attribute *attribute)
{
    static const int64_t picture[] = {1, 1, 8, 6}, result[] = {1, 1, 16, 12}, four = 4;
    const char *const nodes[] = {"x", "a", "y"}, *const inputs[] = {"a", "", "", "sizes"};
    struct lk__onnx onnx = {.arena = lk_arena_new(1 << 16)};
    struct lk_proto model;
    lk__onnx_port(&onnx, FIELD_GRAPH_INPUT, "x", LK_F32, 4, picture);
    lk__onnx_port(&onnx, FIELD_GRAPH_INFERRED, "a", LK_F32, 4, picture);
    lk__onnx_port(&onnx, FIELD_GRAPH_OUTPUT, "y", LK_F32, 4, result);
    lk__onnx_initializer(&onnx, "sizes", LK_I64, 1, &four, sizes);
    lk__onnx_node(&onnx, "Relu", "relu", 1, &nodes[0], 1, &nodes[1], 0, NULL);
    lk__onnx_node(&onnx, "Resize", "resize", 4, inputs, 1, &nodes[2], 1, attribute);
    lk__onnx_finish(&onnx, "resize", &model);
    const char *path = scratch_write("resize.onnx", model.bytes, model.size);
    lk_proto_free(&model);
    lk_arena_free(onnx.arena);
    return path;
}

static void what_a_resize_goes_to_stays_at_the_own_size(void **state)
{
    static const int64_t order[] = {0, 1, 3, 2};
    static const struct {
        int64_t sizes[4];
        struct lk__attribute attribute;
        int64_t free_height; /* of the result for one of 4×3 pixels: the factor, or the size */
    } rows[] = {
        {{1, 1, 16, 12}, {.name = "mode", .type = LK__ATTR_STRING, .s = "nearest"}, 8},
        {{1, 1, 12, 16}, {.name = "axes", .type = LK__ATTR_INTS, .i = 4, .ints = order}, 16},
    };
    float x[8 * 6] = {0};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_error err;
        lk_session *session;
        int64_t sides[2];
        struct lk_array y, own = {LK_F32, 4, {1, 1, 8, 6}, x}, half = {LK_F32, 4, {1, 1, 4, 3}, x};
        const char *path = write_resize(rows[i].sizes, &rows[i].attribute);
        assert_ok(lk_session_open_any_size(*state, path, "cpu", sides, &session, &err), &err);
        assert_ok(run_one(session, "x", &own, "y", &y, &err), &err);
        assert_true(y.shape[2] == 16 && y.shape[3] == 12);
        free(y.data);
        assert_ok(run_one(session, "x", &half, "y", &y, &err), &err);
        assert_int_equal(y.shape[2], rows[i].free_height);
        free(y.data);
        lk_session_release(session);
    }
}

/* A model with an unread initializer "emap" [2,3], as inswapper has one. */
static const char *write_model_with_emap(void)
{
    const int64_t shape[] = {2, 3}, any = LK_DYNAMIC;
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    const char *const in = "x", *const out = "y";
    struct lk__onnx onnx = {.arena = lk_arena_new(1 << 16)};
    struct lk_proto model;
    lk__onnx_port(&onnx, FIELD_GRAPH_INPUT, "x", LK_F32, 1, &any);
    lk__onnx_port(&onnx, FIELD_GRAPH_OUTPUT, "y", LK_F32, 1, &any);
    lk__onnx_initializer(&onnx, "other", LK_F32, 1, shape, numbers);
    lk__onnx_initializer(&onnx, "emap", LK_F32, 2, shape, numbers);
    lk__onnx_node(&onnx, "Relu", "relu", 1, &in, 1, &out, 0, NULL);
    lk__onnx_finish(&onnx, "swap", &model);
    const char *path = scratch_write("emap.onnx", model.bytes, model.size);
    lk_proto_free(&model);
    lk_arena_free(onnx.arena);
    return path;
}

static void a_constant_that_no_node_reads_is_found_by_name_and_shape(void **state)
{
    (void)state;
    const char *path = write_model_with_emap();
    const int64_t shape[] = {2, 3}, other[] = {3, 2};
    struct lk_error err;
    float *numbers = NULL;
    assert_ok(lk_onnx_initializer(path, "emap", 2, shape, &numbers, &err), &err);
    assert_true(numbers[0] == 1 && numbers[5] == 6);
    free(numbers);
    assert_ok(lk_onnx_initializer(path, NULL, 2, shape, &numbers, &err), &err);
    assert_true(numbers[5] == 6);
    free(numbers);
    numbers = NULL;
    assert_fails(lk_onnx_initializer(path, "emap", 2, other, &numbers, &err), &err, LK_E_INPUT,
                 "emap");
    assert_fails(lk_onnx_initializer(path, "buff2fs", 2, shape, &numbers, &err), &err, LK_E_INPUT,
                 "buff2fs");
    assert_null(numbers);
}

static void the_wire_reader_refuses_what_is_broken(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[12];
        size_t size;
    } broken[] = {
        {{0x80}, 1},            /* key is cut */
        {{0x00, 0x00}, 2},      /* field 0 */
        {{0x0a, 0x05, 'a'}, 3}, /* length beyond the end */
        {{0x0b}, 1},            /* group */
        {{0x0d, 0, 0, 0}, 4},   /* 4 bytes are cut */
        {{0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 12}, /* varint of 11 bytes */
        {{0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 11},      /* length 2^64−1 */
    };
    for (size_t i = 0; i < LK_ARRAY_LENGTH(broken); i++) {
        struct lk_proto_view view = {broken[i].bytes, broken[i].bytes + broken[i].size};
        struct lk_proto_field field;
        assert_int_equal(lk_proto_next(&view, &field), -1);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct lk_proto out = {0};
    lk_proto_int(&out, 1, -1);
    lk_proto_float(&out, 2, 1.5f);
    size_t inner = lk_proto_begin(&out, 300);
    lk_proto_string(&out, 1, "text");
    lk_proto_end(&out, inner);
    assert_false(out.failed);
    struct lk_proto_view view = {out.bytes, out.bytes + out.size};
    struct lk_proto_field field;
    assert_int_equal(lk_proto_next(&view, &field), 1);
    assert_true(field.number == 1 && field.value == UINT64_MAX);
    assert_int_equal(lk_proto_next(&view, &field), 1);
    assert_true(field.number == 2 && field.value == 0x3fc00000);
    assert_int_equal(lk_proto_next(&view, &field), 1);
    assert_int_equal(field.number, 300);
    struct lk_proto_view message = field.inner;
    assert_int_equal(lk_proto_next(&message, &field), 1);
    assert_true(lk_proto_equals(field.inner, "text"));
    assert_int_equal(lk_proto_next(&view, &field), 0);
    lk_proto_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_models_open_and_tell_their_ports),
        cmocka_unit_test(a_real_model_runs_at_a_free_size),
        cmocka_unit_test(a_model_for_pictures_of_one_size_takes_others),
        cmocka_unit_test(what_a_resize_goes_to_stays_at_the_own_size),
        cmocka_unit_test(what_is_no_model_is_refused_in_words),
        cmocka_unit_test(a_model_that_is_cut_short_or_damaged_never_harms),
        cmocka_unit_test(a_constant_that_no_node_reads_is_found_by_name_and_shape),
        cmocka_unit_test(the_wire_reader_refuses_what_is_broken),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}
