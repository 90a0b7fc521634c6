// SPDX-License-Identifier: Apache-2.0
/* What ControlNets see: edges, lines and people against OpenCV, depth and poses by made-up networks
 * against the preprocessing of their programs (tools/golden/control.py --annotators). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diffuse/control/annotate.h"
#include "stages/diffuse/control/depth.h"
#include "stages/diffuse/control/pose.h"
#include "stages/diffuse/control/pose_network.h"
#include "stages/diffuse_golden.h"
#include "support/temp.h"

static lk_tensor_file *goldens;

/* The golden picture of that name. */
static struct lk_picture *golden_view(const char *name, int width, int height)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    char *full = test_format("%s/picture", name);
    const struct lk_tensor *t = lk_tensor_file_find(goldens, full);
    golden_must(lk_picture_new(width, height, 3, LK_PIXEL_U8, &picture, &err), &err);
    assert_int_equal(t->size, 3 * width * height);
    memcpy(picture->u8, t->data, t->size);
    free(full);
    return picture;
}

/* How many pixels of a golden picture are annotated otherwise. */
static int annotation_differs(const char *name, const char *type)
{
    struct lk_error err;
    struct lk_picture *picture = golden_view(name, 128, 96), *made = NULL;
    char *want = test_format("%s/%s", name, type);
    const uint8_t *golden = lk_tensor_file_find(goldens, want)->data;
    int differ = 0;
    golden_must(lk_annotate(type, picture, 128, 96, &made, &err), &err);
    for (size_t k = 0; k < (size_t)128 * 96; k++)
        for (size_t c = 0; c < 3; c++)
            differ += made->u8[3 * k + c] != golden[k];
    lk_picture_free(picture);
    lk_picture_free(made);
    free(want);
    return differ;
}

static void canny_and_scribbles_are_opencvs(void **state)
{
    (void)state;
    static const char *const names[] = {"discs", "noise", "lines"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(annotation_differs(names[i], "canny"), 0);
        assert_int_equal(annotation_differs(names[i], "scribble"), 0);
    }
}

/* OpenCV rounds the edges of limbs a little otherwise. */
static void people_are_drawn_as_by_controlnet_aux(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_pose pose;
    struct lk_picture *drawn = NULL;
    const struct lk_tensor *points = lk_tensor_file_find(goldens, "pose/points");
    const uint8_t *golden = lk_tensor_file_find(goldens, "pose/drawn")->data;
    size_t differ = 0, lit = 0;
    memcpy(&pose, points->data, sizeof pose);
    golden_must(lk_pose_draw(&pose, 1, 192, 160, 192, 160, &drawn, &err), &err);
    for (size_t k = 0; k < (size_t)192 * 160; k++) {
        differ += memcmp(drawn->u8 + 3 * k, golden + 3 * k, 3) != 0;
        lit += golden[3 * k] || golden[3 * k + 1] || golden[3 * k + 2];
    }
    if (differ * 100 > lit)
        fail_msg("%zu of %zu pixels are drawn otherwise", differ, lit);
    lk_picture_free(drawn);
}

static void a_face_lends_the_skeleton_nose_and_eyes(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_pose pose;
    struct lk_picture *drawn = NULL;
    struct lk_face face = {.points = {{20, 20}, {60, 20}, {40, 40}, {28, 60}, {52, 60}}};
    lk_pose_of_face(&face, &pose);
    assert_true(isnan(pose.face[8][0]));
    face.landmarks.count = 68;
    face.landmarks.point[8][0] = 40; /* the chin */
    face.landmarks.point[8][1] = 75;
    lk_pose_of_face(&face, &pose);
    assert_float_equal(pose.face[8][1], 75, 0);
    face.landmarks.count = 0;
    lk_pose_of_face(&face, &pose);
    golden_must(lk_pose_draw(&pose, 1, 80, 80, 160, 160, &drawn, &err), &err);
    const uint8_t *nose = drawn->u8 + 3 * (80 * 160 + 84), *limb = drawn->u8 + 3 * (60 * 160 + 60);
    const uint8_t *mouth = drawn->u8 + 3 * (120 * 160 + 56);
    assert_memory_equal(nose, ((uint8_t[]){255, 0, 0}), 3);  /* a joint, beside its white dot */
    assert_memory_equal(limb, ((uint8_t[]){51, 0, 153}), 3); /* from the nose to an eye */
    assert_memory_equal(mouth, ((uint8_t[]){255, 255, 255}), 3);
    lk_picture_free(drawn);
}

static char *network_path(const char *name)
{
    return test_format("%s/tests/golden/control_%s.onnx", getenv("LIKENESS_SOURCE"), name);
}

/* Resizing differs: Lanczos here, bicubic and bilinear there. */
static void depth_is_as_its_program_makes_it(void **state)
{
    (void)state;
    struct lk_error err;
    lk_depth *depth = NULL;
    struct lk_picture *picture = golden_view("discs", 128, 96), *seen = NULL;
    const uint8_t *golden = lk_tensor_file_find(goldens, "discs/depth")->data;
    char *path = network_path("depth");
    int most = 0;
    double sum = 0;
    golden_must(lk_depth_open(golden_runtime(), "depth-anything", path, "cpu", &depth, &err), &err);
    golden_must(lk_depth_see(depth, picture, 128, 96, NULL, &seen, &err), &err);
    for (size_t k = 0; k < (size_t)128 * 96; k++) {
        const int difference = abs(seen->u8[3 * k] - golden[k]);
        assert_true(seen->u8[3 * k] == seen->u8[3 * k + 1] &&
                    seen->u8[3 * k] == seen->u8[3 * k + 2]);
        most = difference > most ? difference : most;
        sum += difference;
    }
    if (most > 8 || sum > 0.5 * 128 * 96)
        fail_msg("off by %d, in the mean %g", most, sum / (128 * 96));
    lk_picture_free(picture);
    lk_picture_free(seen);
    lk_depth_free(depth);
    free(path);
}

static void a_pose_is_as_its_program_reads_it(void **state)
{
    (void)state;
    static const int coco[LK_POSE_BODY] = {0,  -1, 6,  8,  10, 5, 7, 9, 12,
                                           14, 16, 11, 13, 15, 2, 1, 4, 3};
    struct lk_error err;
    struct lk_pose pose;
    lk_pose_network *network = NULL;
    struct lk_picture *picture = golden_view("blobs", 100, 120);
    const float *golden = lk_tensor_file_find(goldens, "blobs/pose")->data; /* [133,3] */
    char *path = network_path("pose");
    golden_must(lk_pose_network_open(golden_runtime(), "rtmpose", path, "cpu", &network, &err),
                &err);
    golden_must(lk_pose_network_see(network, picture, NULL, &pose, &err), &err);
    int seen = 0;
    for (int i = 0; i < LK_POSE_BODY + 68; i++) {
        const float *have = i < LK_POSE_BODY ? pose.body[i] : pose.face[i - LK_POSE_BODY];
        const int k = i < LK_POSE_BODY ? coco[i] : 23 + i - LK_POSE_BODY;
        if (k < 0)
            continue;
        const float *want = golden + 3 * (size_t)k;
        assert_int_equal(!isnan(have[0]), want[2] > 0.3f);
        for (int axis = 0; axis < 2 && want[2] > 0.3f; axis++, seen++)
            assert_true(fabsf(have[axis] - want[axis]) < 1e-3f);
    }
    assert_true(seen > 20);
    lk_picture_free(picture);
    lk_pose_network_free(network);
    free(path);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_depth *depth = NULL;
    lk_pose_network *pose = NULL;
    char *depth_path = network_path("depth"), *pose_path = network_path("pose");
    assert_int_equal(lk_depth_open(golden_runtime(), "dpt", pose_path, "cpu", &depth, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "one input [1,3,H,W] and one output [1,h,w]"));
    assert_int_equal(lk_depth_open(golden_runtime(), "zoe", depth_path, "cpu", &depth, &err),
                     LK_E_INPUT);
    assert_non_null(strstr(err.message, "the families are depth-anything, dpt, midas"));
    assert_int_equal(
        lk_pose_network_open(golden_runtime(), "rtmpose", depth_path, "cpu", &pose, &err),
        LK_E_INPUT);
    assert_non_null(strstr(err.message, "outputs simcc_x [1,K,2w] and simcc_y"));
    assert_int_equal(
        lk_pose_network_open(golden_runtime(), "openpose", pose_path, "cpu", &pose, &err),
        LK_E_INPUT);
    assert_null(depth);
    assert_null(pose);
    free(depth_path);
    free(pose_path);
}

static int set_up(void **state)
{
    golden_set_up(state);
    goldens = golden_open("annotators");
    return 0;
}

static int tear_down(void **state)
{
    lk_tensor_file_free(goldens);
    return golden_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canny_and_scribbles_are_opencvs),
        cmocka_unit_test(people_are_drawn_as_by_controlnet_aux),
        cmocka_unit_test(a_face_lends_the_skeleton_nose_and_eyes),
        cmocka_unit_test(depth_is_as_its_program_makes_it),
        cmocka_unit_test(a_pose_is_as_its_program_reads_it),
        cmocka_unit_test(other_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
