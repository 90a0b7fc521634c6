// SPDX-License-Identifier: Apache-2.0
/* Letterbox, suppression and pose by themselves; odd pictures; what is refused. */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/find/find.h"
#include "stages/find/internal.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* Equal to the bit where the picture shrinks; enlarging, OpenCV rounds a pixel in a thousand
 * otherwise, by one level of 1/128. */
static void tensors_equal_opencv_letterbox(void **state)
{
    (void)state;
    struct lk_error err;
    FILE *file = golden_open("face_tensors.tsv");
    const struct lk__pixels pixels = {.mean = {127.5f, 127.5f, 127.5f}, .factor = 1 / 128.0f};
    int width, height, side, canvas, cases = 0;
    while (fscanf(file, " letterbox %d %d %d %d", &width, &height, &side, &canvas) == 4) {
        struct lk__letterbox box = lk__letterbox_fit(width, height, side, canvas, canvas);
        size_t count = (size_t)3 * (size_t)canvas * (size_t)canvas;
        float *tensor = malloc(count * sizeof *tensor);
        struct lk_picture *picture = picture_noise(width, height);
        assert_non_null(tensor);
        assert_ok(lk__letterbox_fill(&box, picture, &pixels, tensor, &err), &err);
        assert_int_equal(
            golden_compare(file, tensor, count, width < side ? 1 / 128.0 + 1e-5 : 1e-5), 60);
        assert_true(tensor[count - 1] == -127.5f / 128); /* black beside the picture */
        lk_picture_free(picture);
        free(tensor);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 6);
}

static void suppression_keeps_the_best_of_each_heap(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk__candidates list = {0};
    const struct lk__candidate faces[] = {{.score = 0.6f, .box = {0, 0, 99, 99}},
                                          {.score = 0.9f, .box = {10, 0, 109, 99}},
                                          {.score = 0.7f, .box = {300, 0, 399, 99}},
                                          {.score = 0.5f, .box = {60, 0, 159, 99}}};
    for (size_t i = 0; i < 4; i++)
        assert_ok(lk__candidates_add(&list, &faces[i], &err), &err);
    lk__candidates_suppress(&list);
    assert_int_equal(list.count, 3); /* 0.6 overlaps 0.9 by 90/110; 0.5 by 50/150 */
    assert_true(list.item[0].score == 0.9f && list.item[1].score == 0.7f);
    assert_true(list.item[2].score == 0.5f);
    free(list.item);
}

/* The model of pose.c turned by R = Rz(roll)·Ry(yaw)·Rx(pitch) and projected. */
static struct lk_face face_turned(double yaw, double pitch, double roll)
{
    static const double model[5][3] = {
        {-0.5, 0, 0}, {0.5, 0, 0}, {0, 0.571, 0.556}, {-0.414, 1.155, 0.05}, {0.414, 1.155, 0.05}};
    const double to = M_PI / 180, a = yaw * to, b = pitch * to, c = roll * to;
    struct lk_face face = {0};
    for (int i = 0; i < 5; i++) {
        const double *m = model[i];
        double y = m[1] * cos(b) - m[2] * sin(b), z = m[1] * sin(b) + m[2] * cos(b);
        double x = m[0] * cos(a) + z * sin(a);
        face.points[i][0] = (float)(300 + 80 * (x * cos(c) - y * sin(c)));
        face.points[i][1] = (float)(200 + 80 * (x * sin(c) + y * cos(c)));
    }
    return face;
}

static void pose_of_a_turned_model_is_the_turn(void **state)
{
    (void)state;
    static const double turns[][3] = {{0, 0, 0},     {30, 0, 0},     {-45, 10, 5}, {0, 20, 0},
                                      {0, -25, -40}, {15, -15, 170}, {60, 5, -90}};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        struct lk_face face = face_turned(turns[i][0], turns[i][1], turns[i][2]);
        lk__face_pose(&face);
        assert_true(fabs(face.yaw - turns[i][0]) < 0.01);
        assert_true(fabs(face.pitch - turns[i][1]) < 0.01);
        assert_true(fabs(face.roll - turns[i][2]) < 0.01);
    }
    struct lk_face point = {0};
    lk__face_pose(&point);
    assert_true(point.yaw == 0 && point.pitch == 0 && point.roll == 0);
}

/* Of 68 landmarks as a near camera sees them, a pixel off: as OpenCV's solvePnP, which knows the
 * camera, but for some degrees (tools/golden/pose.py). */
static void pose_of_landmarks_is_that_of_opencv(void **state)
{
    (void)state;
    static const int at[] = {17, 21, 22, 26, 36, 39, 42, 45, 31, 35, 48, 54, 57, 8};
    FILE *file = golden_open("pose.tsv");
    double turn[3], worst[3] = {0}, sum[3] = {0};
    int seen = 0;
    while (fscanf(file, " %lf %lf %lf", &turn[0], &turn[1], &turn[2]) == 3) {
        struct lk_face face = {.landmarks = {.count = 68}};
        for (int i = 0; i < 14; i++) {
            float *point = face.landmarks.point[at[i]];
            assert_int_equal(fscanf(file, " %f %f", &point[0], &point[1]), 2);
        }
        lk__face_pose_in_relief(&face);
        const float got[3] = {face.yaw, face.pitch, face.roll};
        for (int k = 0; k < 3; k++) {
            worst[k] = fmax(worst[k], fabs((double)got[k] - turn[k]));
            sum[k] += fabs((double)got[k] - turn[k]);
        }
        seen++;
    }
    fclose(file);
    print_message(
        "yaw, pitch, roll beside solvePnP: mean %.2f %.2f %.2f, most %.2f %.2f %.2f degrees\n",
        sum[0] / seen, sum[1] / seen, sum[2] / seen, worst[0], worst[1], worst[2]);
    assert_int_equal(seen, 24);
    for (int k = 0; k < 3; k++)
        assert_true(worst[k] < 4.5 && sum[k] / seen < 2.5);
}

/* Marked up in a way that is not known, a face has the pose of its five points. */
static void unknown_landmarks_leave_the_pose_to_the_points(void **state)
{
    (void)state;
    struct lk_face face = face_turned(20, 10, 5);
    face.landmarks.count = 106;
    lk__face_pose_in_relief(&face);
    assert_true(fabs(face.yaw - 20) < 0.01 && fabs(face.pitch - 10) < 0.01);
}

static void odd_pictures_are_empty_not_wrong(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 3000}, {3000, 2}, {7, 5}};
    struct lk_error err;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lk_picture *picture = picture_noise(sizes[i][0], sizes[i][1]);
        struct lk_face *faces = (struct lk_face *)&err; /* must become NULL */
        size_t count = 9;
        assert_ok(lk_find_faces(test_scrfd(), picture, 0.5f, NULL, &faces, &count, &err), &err);
        assert_int_equal(count, 0);
        assert_null(faces);
        lk_picture_free(picture);
    }
}

/* Whether no point is farther from its own than that part of the face. */
static bool is_near(const struct lk_face *a, const struct lk_face *b, float part)
{
    const float side = b->box[3] - b->box[1];
    bool near = true;
    for (int j = 0; j < 5; j++)
        near &= hypotf(a->points[j][0] - b->points[j][0], a->points[j][1] - b->points[j][1]) <
                part * side;
    return near;
}

/* What is left of the canvas beside a picture takes its small copy, or does not. */
static void a_second_look_lies_beside_the_first_where_there_is_room(void **state)
{
    (void)state;
    static const struct {
        int width, height, x, y;
    } rows[] = {{1920, 1080, 0, 544}, {970, 2204, 576, 0}, {640, 480, 0, 544}, {640, 500, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct lk__letterbox far =
            lk__letterbox_fit(rows[i].width, rows[i].height, 640, 640, 640);
        struct lk__letterbox near = lk__letterbox_fit(rows[i].width, rows[i].height, 128, 640, 640);
        assert_int_equal(lk__letterbox_beside(&far, &near), rows[i].x + rows[i].y > 0);
        assert_int_equal(near.x, rows[i].x);
        assert_int_equal(near.y, rows[i].y);
    }
}

/* The small copy of a wide picture costs nothing, unless it may show more; what is found is the
 * same. */
static void a_second_look_has_a_run_of_its_own_only_where_it_may_show_more(void **state)
{
    (void)state;
    static const struct {
        const char *photo;
        size_t runs;
    } rows[] = {{"human_ai-body.jpg", 2}, /* a square: there is no room */
                {"human_solvay1927.jpg", 1},
                {"fr_obama_partial_face.jpg", 2}}; /* whose face the small look scores higher */
    struct lk_error err;
    lk_detector *detector; /* that bears no other canvas than its own */
    assert_ok(lk_detector_open(test_runtime(), "retinaface",
                               shared_path("detector/retinaface_mobilenet0.25_640.onnx"), "cpu",
                               &detector, &err),
              &err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_find_options options;
        struct lk_picture *picture;
        struct lk_face *faces;
        size_t count;
        char *path = test_format("photos/%s", rows[i].photo);
        lk_find_options_init(&options);
        options.effort = LK_FIND_QUICK;
        assert_ok(lk_picture_read(shared_path(path), &picture, &err), &err);
        const size_t before = lk_detector_runs(detector);
        assert_ok(lk_find(detector, picture, &options, NULL, &faces, &count, &err), &err);
        assert_int_equal(lk_detector_runs(detector) - before, rows[i].runs);
        free(path);
        free(faces);
        lk_picture_free(picture);
    }
    lk_detector_free(detector);
}

/* Two photos of one, some of many, one of a face that fills the picture: all faces, and with the
 * same points but for what another scale does to them. */
static void faces_are_found_again_where_they_were(void **state)
{
    (void)state;
    static const char *const photos[] = {"fr_obama.jpg", "fr_obama_and_biden.jpg",
                                         "human_stock-group-1.jpg", "human_solvay1927.jpg",
                                         "human_ai-face.jpg"};
    struct lk_error err;
    struct lk_find_options options;
    lk_find_options_init(&options);
    struct lk_picture *noise = picture_noise(400, 400);
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        struct lk_picture *picture;
        struct lk_face *faces, again;
        size_t count;
        bool found;
        char *path = test_format("photos/%s", photos[i]);
        assert_ok(lk_picture_read(shared_path(path), &picture, &err), &err);
        free(path);
        assert_ok(lk_find(test_scrfd(), picture, &options, NULL, &faces, &count, &err), &err);
        assert_true(count > 0);
        for (size_t k = 0; k < count; k++) {
            const struct lk_face *face = &faces[k];
            assert_ok(
                lk_find_again(test_scrfd(), picture, face, &options, NULL, &again, &found, &err),
                &err);
            assert_true(found);
            assert_int_equal(again.index, face->index);
            assert_true(is_near(&again, face, 0.08f));
        }
        assert_ok(
            lk_find_again(test_scrfd(), noise, &faces[0], &options, NULL, &again, &found, &err),
            &err);
        assert_false(found);
        free(faces);
        lk_picture_free(picture);
    }
    /* What no detector should say. */
    static const float boxes[][4] = {{1e30f, 1e30f, 2e30f, 2e30f},
                                     {-3e38f, -3e38f, 3e38f, 3e38f},
                                     {-9, -9, -5, -5},
                                     {500, 500, 400, 400}};
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        struct lk_face wild = {.index = 0}, again;
        bool found = true;
        memcpy(wild.box, boxes[i], sizeof wild.box);
        assert_ok(lk_find_again(test_scrfd(), noise, &wild, &options, NULL, &again, &found, &err),
                  &err);
        assert_false(found);
    }
    lk_picture_free(noise);
}

static void bad_options_and_other_networks_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_detector *detector = NULL;
    assert_fails(lk_detector_open(test_runtime(), "yolo", "any.onnx", NULL, &detector, &err), &err,
                 LK_E_INPUT, "'yolo' is not known: the families are scrfd, retinaface");
    static const char *const others[] = {
        "embedder/MobileFaceNet.onnx", "landmark/opensee_lm_model0_opt.onnx",
        "parsing/SINet_Softmax.onnx", "converted/ntire22_team04_rlfn_x4.onnx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_fails(
            lk_detector_open(test_runtime(), NULL, shared_path(others[i]), NULL, &detector, &err),
            &err, LK_E_INPUT, "is no detector of family scrfd");
        assert_non_null(strstr(err.message, strrchr(others[i], '/')));
    }
    assert_fails(lk_detector_open(test_runtime(), NULL, "/none.onnx", NULL, &detector, &err), &err,
                 LK_E_MISSING, "/none.onnx");
    assert_null(detector);
    struct lk_picture *picture = picture_noise(8, 8);
    struct lk_face *faces = NULL;
    size_t count = 0;
    assert_fails(lk_find_faces(test_scrfd(), picture, 1.5f, NULL, &faces, &count, &err), &err,
                 LK_E_INPUT, "not between 0 and 1");
    assert_fails(lk_find_faces(test_scrfd(), picture, NAN, NULL, &faces, &count, &err), &err,
                 LK_E_INPUT, "not between 0 and 1");
    lk_picture_free(picture);
}

static void a_stop_ends_the_search(void **state)
{
    (void)state;
    struct lk_error err;
    atomic_bool stop = true;
    const struct lk_watch watch = {.stop = &stop};
    struct lk_picture *picture = picture_noise(64, 64);
    struct lk_face *faces = NULL;
    size_t count = 0;
    assert_int_equal(lk_find_faces(test_scrfd(), picture, 0.5f, &watch, &faces, &count, &err),
                     LK_E_INTERRUPTED);
    assert_null(faces);
    lk_picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_equal_opencv_letterbox),
        cmocka_unit_test(suppression_keeps_the_best_of_each_heap),
        cmocka_unit_test(pose_of_a_turned_model_is_the_turn),
        cmocka_unit_test(pose_of_landmarks_is_that_of_opencv),
        cmocka_unit_test(unknown_landmarks_leave_the_pose_to_the_points),
        cmocka_unit_test(odd_pictures_are_empty_not_wrong),
        cmocka_unit_test(faces_are_found_again_where_they_were),
        cmocka_unit_test(a_second_look_lies_beside_the_first_where_there_is_room),
        cmocka_unit_test(a_second_look_has_a_run_of_its_own_only_where_it_may_show_more),
        cmocka_unit_test(bad_options_and_other_networks_are_refused),
        cmocka_unit_test(a_stop_ends_the_search),
    };
    return cmocka_run_group_tests_name("find", tests, NULL, NULL);
}
