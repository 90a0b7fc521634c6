// SPDX-License-Identifier: Apache-2.0
/* Super-resolution and swap against numpy on tiny networks of the contracts; real ×4 network; what
 * is refused. */
#include <math.h>
#include <stdlib.h>

#include "data/align.h"
#include "stages/face_support.h"
#include "stages/refine/swap.h"
#include "stages/refine/upscale.h"
#include "support/check.h"
#include "support/scratch.h"

static lk_upscaler *open_upscaler(const char *path)
{
    struct lk_error err;
    lk_upscaler *upscaler = NULL;
    assert_ok(lk_upscaler_open(test_runtime(), "rrdbnet", path, "cpu", &upscaler, &err), &err);
    return upscaler;
}

static lk_upscaler *open_tiny_upscaler(void)
{
    return open_upscaler(network_write("upscale_tiny.graph", "upscale.onnx", NULL, 0));
}

static lk_swapper *open_swapper(const char *emap_name)
{
    struct lk_error err;
    lk_swapper *swapper = NULL;
    const char *path = network_write("swap_tiny.graph", "swap.onnx", emap_name, 0);
    assert_ok(lk_swapper_open(test_runtime(), "inswapper", path, NULL, "cpu", &swapper, &err),
              &err);
    return swapper;
}

/* A face whose crop of `scale` picture px starts at (left, top). */
static struct lk_face face_at(int scale, int left, int top)
{
    struct lk_face face = {.score = 1};
    lk_align_points(LK_ALIGN_ARCFACE_128, scale, face.points);
    for (int i = 0; i < 5; i++) {
        face.points[i][0] += (float)left;
        face.points[i][1] += (float)top;
    }
    return face;
}

struct swap_case {
    char name[32];
    int boost, scale, left, top, side;
};

static void swap_and_compare(FILE *file, const struct swap_case *c)
{
    struct lk_error err;
    struct lk_refined swapped;
    struct lk_swap_options options;
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(c->scale, c->left, c->top);
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = open_swapper("buff2fs");
    lk_upscaler *upscaler = open_tiny_upscaler();
    lk_swap_options_init(&options);
    options.boost = c->boost;
    options.upscaler = strcmp(c->name, "upscaled") == 0 ? upscaler : NULL;
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &swapped, &err),
              &err);
    assert_int_equal(swapped.crop->width, c->side);
    assert_int_equal(swapped.before->width, c->side);
    assert_int_equal(swapped.runs, c->boost * c->boost);
    assert_true(swapped.upscaled == (options.upscaler != NULL));
    assert_true(fabs(lk_affine_scale(&swapped.to_crop) - (double)c->side / c->scale) < 1e-4);
    size_t count = (size_t)c->side * (size_t)c->side * 3;
    assert_int_equal(golden_compare(file, swapped.crop->f32, count, 1e-5), 80);
    face_note("swapper", "inswapper", "crop", 255 * golden_worst());
    lk_refined_free(&swapped);
    lk_upscaler_free(upscaler);
    lk_swapper_free(swapper);
    lk_picture_free(picture);
}

/* Finds the case of that name in refine.tsv and leaves the file at its values. */
static FILE *golden_case(const char *name, struct swap_case *c)
{
    char line[256];
    FILE *file = golden_open("refine.tsv");
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "case %31s %d %d %d %d %d", c->name, &c->boost, &c->scale, &c->left,
                   &c->top, &c->side) == 6 &&
            strcmp(c->name, name) == 0)
            return file;
    }
    fail_msg("no case '%s' in refine.tsv", name);
    return NULL;
}

static void swap_named(const char *name)
{
    struct swap_case c;
    FILE *file = golden_case(name, &c);
    swap_and_compare(file, &c);
    fclose(file);
}

static void a_swap_is_the_numbers_of_numpy(void **state)
{
    (void)state;
    swap_named("plain");
}

static void pixel_boost_interleaves_its_runs(void **state)
{
    (void)state;
    swap_named("boost");
}

/* Templates of 128 px that the picture shows larger take more pixels, up to 4 × 128. */
static void a_large_face_takes_more_pixels(void **state)
{
    (void)state;
    static const struct {
        int scale, boost;
    } cases[] = {{100, 1}, {190, 1}, {200, 2}, {380, 2}, {400, 3}, {2000, 4}};
    struct lk_error err;
    struct lk_refined swapped;
    struct lk_identity identity = identity_512();
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = open_swapper("buff2fs");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lk_face face = face_at(cases[i].scale, 0, 0);
        assert_ok(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &swapped, &err),
                  &err);
        assert_int_equal(swapped.crop->width, 128 * cases[i].boost);
        assert_int_equal(swapped.runs, cases[i].boost * cases[i].boost);
        lk_refined_free(&swapped);
    }
    lk_swapper_free(swapper);
    lk_picture_free(picture);
}

static void a_face_over_the_rim_sees_black_outside(void **state)
{
    (void)state;
    swap_named("rim");
}

static void a_small_face_is_upscaled_before_it_is_cropped(void **state)
{
    (void)state;
    swap_named("upscaled");
}

static void emap_is_found_by_shape_when_it_has_another_name(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_refined named, renamed;
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(128, 20, 30);
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = open_swapper("buff2fs");
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &named, &err), &err);
    lk_swapper_free(swapper);
    swapper = open_swapper("onnx::emap_7");
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &renamed, &err), &err);
    lk_swapper_free(swapper);
    assert_memory_equal(named.crop->f32, renamed.crop->f32, 128 * 128 * 3 * sizeof(float));
    lk_refined_free(&named);
    lk_refined_free(&renamed);
    lk_picture_free(picture);
}

static void the_length_of_an_embedding_does_not_matter(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_refined a, b;
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(128, 20, 30);
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = open_swapper("buff2fs");
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &a, &err), &err);
    for (int i = 0; i < 512; i++)
        identity.embedding.value[i] *= 8;
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &b, &err), &err);
    for (int i = 0; i < 128 * 128 * 3; i++)
        assert_true(fabsf(a.crop->f32[i] - b.crop->f32[i]) < 1e-6f);
    lk_refined_free(&a);
    lk_refined_free(&b);
    lk_swapper_free(swapper);
    lk_picture_free(picture);
}

/* Two passes are a swap of the picture that one leaves. */
static void a_second_pass_sees_what_the_first_one_made(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_refined once, twice, again;
    struct lk_swap_options options;
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(128, 20, 30), inside = face_at(128, 0, 0);
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = open_swapper("buff2fs");
    lk_swap_options_init(&options);
    options.boost = 1;
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &once, &err), &err);
    assert_ok(lk_swap_face(swapper, once.crop, &inside, &identity, &options, NULL, &again, &err),
              &err);
    options.passes = 2;
    assert_ok(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &twice, &err), &err);
    assert_int_equal(twice.runs, 2);
    assert_memory_equal(twice.before->f32, once.before->f32, 128 * 128 * 3 * sizeof(float));
    double changed = 0;
    for (int i = 0; i < 128 * 128 * 3; i++) {
        assert_true(fabsf(twice.crop->f32[i] - again.crop->f32[i]) < 1e-5f);
        changed = fmax(changed, fabs(twice.crop->f32[i] - once.crop->f32[i]));
    }
    assert_true(changed > 1e-2);
    lk_refined_free(&once);
    lk_refined_free(&twice);
    lk_refined_free(&again);
    lk_swapper_free(swapper);
    lk_picture_free(picture);
}

static void swappers_and_identities_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_refined swapped;
    struct lk_swap_options options;
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(128, 20, 30);
    struct lk_picture *picture = picture_smooth(200, 180);
    lk_swapper *swapper = NULL;
    const char *bare = network_write("swap_tiny.graph", "bare.onnx", NULL, 0);
    assert_fails(lk_swapper_open(test_runtime(), NULL, bare, NULL, NULL, &swapper, &err), &err,
                 LK_E_INPUT, "the emap of swapper");
    assert_fails(lk_swapper_open(test_runtime(), NULL, shared_path("embedder/MobileFaceNet.onnx"),
                                 NULL, NULL, &swapper, &err),
                 &err, LK_E_INPUT, "is no swapper of family inswapper");
    assert_fails(lk_swapper_open(test_runtime(), "deepfacelab", bare, NULL, NULL, &swapper, &err),
                 &err, LK_E_INPUT, "'deepfacelab' is not known");
    assert_null(swapper);

    swapper = open_swapper("buff2fs");
    lk_swap_options_init(&options);
    options.embedder = "bbbbbbbbbbbbbbbb";
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &swapped, &err),
                 &err, LK_E_INPUT, "is of embedder aaaaaaaaaaaa");
    options = (struct lk_swap_options){.boost = 9};
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, &options, NULL, &swapped, &err),
                 &err, LK_E_INPUT, "pixel boost 9");
    identity.embedding.size = 128;
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &swapped, &err), &err,
                 LK_E_INPUT, "embedding of 128 numbers");
    identity = identity_512();
    memset(identity.embedding.value, 0, sizeof identity.embedding.value);
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &swapped, &err), &err,
                 LK_E_INPUT, "zero or NaN");
    identity = identity_512();
    face = face_at(128, 5000, 30);
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &swapped, &err), &err,
                 LK_E_INPUT, "outside the picture");
    lk_swapper_free(swapper);
    lk_picture_free(picture);
}

static void networks_that_answer_nan_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_refined swapped;
    struct lk_picture *out = NULL, *picture = picture_smooth(200, 180);
    struct lk_identity identity = identity_512();
    struct lk_face face = face_at(128, 20, 30);
    lk_swapper *swapper = NULL;
    const char *path = network_write("swap_tiny.graph", "nan_swap.onnx", "buff2fs", 1);
    assert_ok(lk_swapper_open(test_runtime(), NULL, path, NULL, NULL, &swapper, &err), &err);
    assert_fails(lk_swap_face(swapper, picture, &face, &identity, NULL, NULL, &swapped, &err), &err,
                 LK_E_INPUT, "nan_swap.onnx' answers with NaN");
    lk_swapper_free(swapper);
    lk_upscaler *upscaler =
        open_upscaler(network_write("upscale_tiny.graph", "nan_upscale.onnx", NULL, 1));
    assert_fails(lk_upscale(upscaler, picture, NULL, NULL, &out, &err), &err, LK_E_INPUT,
                 "nan_upscale.onnx' answers with NaN");
    assert_null(out);
    lk_upscaler_free(upscaler);
    lk_picture_free(picture);
}

static void upscale_and_compare(
    lk_upscaler *upscaler, const char *name, int width, int height, double tolerance)
{
    struct lk_error err;
    struct lk_picture *out = NULL, *picture = picture_smooth(width, height);
    struct swap_case c;
    int factor = lk_upscaler_factor(upscaler);
    assert_ok(lk_upscale(upscaler, picture, NULL, NULL, &out, &err), &err);
    assert_int_equal(out->width, width * factor);
    assert_int_equal(out->height, height * factor);
    FILE *file = golden_case(name, &c);
    size_t count = (size_t)out->width * (size_t)out->height * 3;
    assert_int_equal(golden_compare(file, out->f32, count, tolerance), 80);
    face_note("upscaler", name, "crop", 255 * golden_worst());
    fclose(file);
    lk_picture_free(out);
    lk_picture_free(picture);
    lk_upscaler_free(upscaler);
}

static void upscaling_is_the_numbers_of_numpy(void **state)
{
    (void)state;
    upscale_and_compare(open_tiny_upscaler(), "upscale", 70, 50, 1e-5);
}

static void a_real_network_of_factor_4_serves(void **state)
{
    (void)state;
    lk_upscaler *upscaler = open_upscaler(shared_path("converted/ntire22_team04_rlfn_x4.onnx"));
    assert_int_equal(lk_upscaler_factor(upscaler), 4);
    /* The reference is float64, and float32 is up to 6e-5 from it, differently on every processor.
     * What is ours, the test below holds to 1e-6. */
    upscale_and_compare(upscaler, "rlfn", 48, 40, 1e-4);
}

static int mirrored(int i, int size)
{
    return i < 0 ? -i : i >= size ? 2 * size - 2 - i : i;
}

/* On the same kernels nothing differs: every value is that of the network alone on the picture with
 * its rim mirrored. */
static void a_real_network_gets_the_picture_with_its_rim_mirrored(void **state)
{
    (void)state;
    enum { WIDTH = 48, HEIGHT = 40, PAD = 16, W = WIDTH + 2 * PAD, H = HEIGHT + 2 * PAD };
    const char *path = shared_path("converted/ntire22_team04_rlfn_x4.onnx");
    struct lk_error err;
    struct lk_picture *out = NULL, *picture = picture_smooth(WIDTH, HEIGHT);
    lk_upscaler *upscaler = open_upscaler(path);
    assert_ok(lk_upscale(upscaler, picture, NULL, NULL, &out, &err), &err);

    static float rimmed[3 * H * W];
    for (int i = 0; i < 3 * H * W; i++) {
        int c = i / (H * W), y = i / W % H, x = i % W;
        rimmed[i] =
            picture->f32[(mirrored(y - PAD, HEIGHT) * WIDTH + mirrored(x - PAD, WIDTH)) * 3 + c];
    }
    lk_session *session = NULL;
    const struct lk_port *in, *answers;
    struct lk_array output, input = {LK_F32, 4, {1, 3, H, W}, rimmed};
    assert_ok(lk_session_open(test_runtime(), path, "cpu", &session, &err), &err);
    lk_session_inputs(session, &in);
    lk_session_outputs(session, &answers);
    assert_ok(lk_session_run(session, 1, &in->name, &input, 1, &answers->name, &output, NULL, &err),
              &err);
    for (int i = 0; i < 4 * HEIGHT * 4 * WIDTH * 3; i++) {
        int c = i % 3, x = i / 3 % (4 * WIDTH) + 4 * PAD, y = i / 3 / (4 * WIDTH) + 4 * PAD;
        float want = ((float *)output.data)[(c * 4 * H + y) * 4 * W + x];
        assert_float_equal(out->f32[i], fminf(fmaxf(want, 0), 1), 1e-6);
    }
    free(output.data);
    lk_session_release(session);
    lk_upscaler_free(upscaler);
    lk_picture_free(out);
    lk_picture_free(picture);
}

/* Takes the upscaler. */
static void compare_tiles(lk_upscaler *upscaler,
                          const char *family,
                          const struct lk_upscale_options *cuts,
                          size_t n,
                          int pad_of_whole)
{
    struct lk_error err;
    struct lk_picture *whole = NULL, *picture = picture_smooth(123, 87);
    const struct lk_upscale_options at_once = {0, pad_of_whole};
    assert_ok(lk_upscale(upscaler, picture, &at_once, NULL, &whole, &err), &err);
    size_t count = (size_t)whole->width * (size_t)whole->height * 3;
    for (size_t k = 0; k < n; k++) {
        struct lk_picture *tiles = NULL;
        assert_ok(lk_upscale(upscaler, picture, &cuts[k], NULL, &tiles, &err), &err);
        double most = 0;
        for (size_t i = 0; i < count; i++)
            most = fmax(most, fabs((double)tiles->f32[i] - (double)whole->f32[i]));
        if (!(most < (getenv("LIKENESS_TEST_PLAIN") ? 1e-6 : 2e-5))) /* Winograd rounds by place */
            fail_msg("%s: tiles differ from the whole by %g", family, most);
        face_note("upscaler", family, "tiles", 255 * most);
        lk_picture_free(tiles);
    }
    lk_picture_free(whole);
    lk_picture_free(picture);
    lk_upscaler_free(upscaler);
}

static void tiles_equal_the_whole_where_the_pad_covers_the_network(void **state)
{
    (void)state;
    static const struct lk_upscale_options cuts[] = {{16, 4}, {33, 2}, {64, 16}, {100, 7}};
    compare_tiles(open_tiny_upscaler(), "upscale", cuts, 4, 4);
}

/* waifu2x cuts off the 7 px that it sees: tiles never differ, whatever the pad. */
static void a_network_that_cuts_its_border_off_serves(void **state)
{
    (void)state;
    static const struct lk_upscale_options cuts[] = {{16, 0}, {40, 7}, {64, 16}};
    lk_upscaler *upscaler =
        open_upscaler(shared_path("converted/waifu2x_upconv7_photo_scale2.0x.onnx"));
    assert_int_equal(lk_upscaler_factor(upscaler), 2);
    compare_tiles(upscaler, "waifu2x", cuts, 3, 7);
}

static void a_network_of_windows_gets_whole_windows(void **state)
{
    (void)state;
    static const struct lk_upscale_options cuts[] = {{16, 4}, {33, 2}, {100, 7}};
    lk_upscaler *upscaler = open_upscaler(golden_network("upscale_window"));
    assert_int_equal(lk_upscaler_factor(upscaler), 2);
    compare_tiles(upscaler, "window", cuts, 3, 2);
}

/* RLFN's attention sees the whole tile: no seam stands out. */
static void tiles_of_a_network_that_sees_far_have_no_seam(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *whole = NULL, *tiles = NULL, *part = NULL,
                      *photo = photo_read("fr_obama.jpg");
    lk_upscaler *upscaler = open_upscaler(shared_path("converted/ntire22_team04_rlfn_x4.onnx"));
    assert_ok(lk_picture_region(photo, 300, 100, 160, 120, &part, &err), &err);
    assert_ok(lk_upscale(upscaler, part, &(struct lk_upscale_options){0, 16}, NULL, &whole, &err),
              &err);
    assert_ok(lk_upscale(upscaler, part, &(struct lk_upscale_options){64, 16}, NULL, &tiles, &err),
              &err);
    double sum = 0, most = 0;
    const size_t n = (size_t)whole->width * (size_t)whole->height * 3;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)whole->f32[i] - (double)tiles->f32[i]);
        sum += d;
        most = fmax(most, d);
    }
    print_message("tiles of 64 against the whole: mean %.4f, most %.4f of 255\n",
                  255 * sum / (double)n, 255 * most);
    assert_true(sum / (double)n < 1.0 / 255);
    face_note("upscaler", "rlfn", "tiles", 255 * sum / (double)n);
    lk_upscaler_free(upscaler);
    lk_picture_free(whole);
    lk_picture_free(tiles);
    lk_picture_free(part);
    lk_picture_free(photo);
}

static void tiny_pictures_are_mirrored_as_often_as_it_takes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 40}, {3, 2}, {5, 16}};
    struct lk_error err;
    lk_upscaler *upscaler = open_tiny_upscaler();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lk_picture *out = NULL, *picture = picture_noise(sizes[i][0], sizes[i][1]);
        assert_ok(lk_upscale(upscaler, picture, NULL, NULL, &out, &err), &err);
        assert_int_equal(out->width, 2 * sizes[i][0]);
        assert_int_equal(out->height, 2 * sizes[i][1]);
        lk_picture_free(out);
        lk_picture_free(picture);
    }
    lk_upscaler_free(upscaler);
}

static void other_networks_and_bad_tiles_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_upscaler *upscaler = NULL;
    static const char *const others[] = {"embedder/MobileFaceNet.onnx",
                                         "detector/scrfd_2.5g_bnkps_640.onnx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_fails(
            lk_upscaler_open(test_runtime(), NULL, shared_path(others[i]), NULL, &upscaler, &err),
            &err, LK_E_INPUT, "is no upscaler of family rrdbnet");
    assert_fails(
        lk_upscaler_open(test_runtime(), "bicubic", shared_path(others[0]), NULL, &upscaler, &err),
        &err, LK_E_INPUT, "'bicubic' is not known");
    upscaler = open_tiny_upscaler();
    struct lk_picture *out = NULL, *picture = picture_smooth(20, 20);
    static const struct lk_upscale_options bad[] = {{15, 4}, {-1, 4}, {64, -1}, {64, 129}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(lk_upscale(upscaler, picture, &bad[i], NULL, &out, &err), &err, LK_E_INPUT,
                     "a tile is 0 or at least 16 px");
    lk_picture_free(picture);
    lk_upscaler_free(upscaler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_is_the_numbers_of_numpy),
        cmocka_unit_test(pixel_boost_interleaves_its_runs),
        cmocka_unit_test(a_large_face_takes_more_pixels),
        cmocka_unit_test(a_face_over_the_rim_sees_black_outside),
        cmocka_unit_test(a_small_face_is_upscaled_before_it_is_cropped),
        cmocka_unit_test(emap_is_found_by_shape_when_it_has_another_name),
        cmocka_unit_test(the_length_of_an_embedding_does_not_matter),
        cmocka_unit_test(a_second_pass_sees_what_the_first_one_made),
        cmocka_unit_test(swappers_and_identities_that_do_not_fit_are_refused),
        cmocka_unit_test(networks_that_answer_nan_are_refused),
        cmocka_unit_test(upscaling_is_the_numbers_of_numpy),
        cmocka_unit_test(a_real_network_of_factor_4_serves),
        cmocka_unit_test(a_real_network_gets_the_picture_with_its_rim_mirrored),
        cmocka_unit_test(tiles_equal_the_whole_where_the_pad_covers_the_network),
        cmocka_unit_test(a_network_that_cuts_its_border_off_serves),
        cmocka_unit_test(a_network_of_windows_gets_whole_windows),
        cmocka_unit_test(tiles_of_a_network_that_sees_far_have_no_seam),
        cmocka_unit_test(tiny_pictures_are_mirrored_as_often_as_it_takes),
        cmocka_unit_test(other_networks_and_bad_tiles_are_refused),
    };
    return cmocka_run_group_tests_name("refine", tests, NULL, NULL);
}
