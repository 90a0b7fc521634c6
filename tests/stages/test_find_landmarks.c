// SPDX-License-Identifier: Apache-2.0
/* The landmarker families against the references of tools/golden/find.py, and what becomes of the
 * five points. */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/find/find.h"
#include "stages/find/landmarker/families.h"
#include "support/check.h"
#include "support/scratch.h"

static const char *const openseeface = "landmark/opensee_lm_model0_opt.onnx";

static lk_landmarker *open_landmarker(const char *path)
{
    struct lk_error err;
    lk_landmarker *landmarker = NULL;
    assert_ok(lk_landmarker_open(test_runtime(), NULL, path, "cpu", &landmarker, &err), &err);
    return landmarker;
}

static void compare_points(FILE *file,
                           const char *name,
                           const char *family,
                           const struct lk_landmarks *got)
{
    float score, want[2];
    int count, i, points = 0;
    assert_int_equal(fscanf(file, " score %f %d", &score, &count), 2);
    assert_int_equal(got->count, count);
    assert_true(fabsf(got->score - score) < 1e-4f);
    for (; fscanf(file, " point %d %f %f", &i, &want[0], &want[1]) == 3; points++) {
        float off = hypotf(got->point[i][0] - want[0], got->point[i][1] - want[1]);
        if (!(off <= 0.1f)) /* asked: 1 px */
            fail_msg("%s, point %d: %g px from the reference", name, i, (double)off);
        face_note("landmarker", family, "px", (double)off);
    }
    assert_int_equal(points, 24);
}

static void each_family_sees_and_answers_as_its_reference(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture = photo_read("fr_obama.jpg");
    FILE *file = golden_open("find_landmarks.tsv");
    char name[128], family[32];
    int turns, cases = 0;
    struct lk_face face = {.score = 1};
    while (fscanf(file, " landmarker %127s %31s %d %f %f %f %f", name, family, &turns, &face.box[0],
                  &face.box[1], &face.box[2], &face.box[3]) == 7) {
        lk_landmarker *landmarker = open_landmarker(
            strncmp(name, "find_", 5) ? shared_path(openseeface) : golden_path(name));
        struct lk_affine to_crop;
        float *tensor = NULL;
        assert_string_equal(lk_landmarker_family(landmarker), family);
        face.roll = 90 * (float)turns - 20;
        assert_ok(lk__landmarker_tensor(landmarker, picture, &face, &tensor, &to_crop, &err), &err);
        assert_int_equal(golden_compare(file, tensor, (size_t)3 * 256 * 256, 1e-5), 40);
        face_note("landmarker", family, "input", golden_worst());
        assert_ok(lk_landmark_face(landmarker, picture, 1, &face, NULL, &err), &err);
        compare_points(file, name, family, &face.landmarks);
        free(tensor);
        lk_landmarker_free(landmarker);
        cases++;
    }
    assert_int_equal(cases, 11);
    fclose(file);
    lk_picture_free(picture);
}

/* A real network on real faces: its five points lie where the detector's do, upside down too. */
static void the_five_points_become_the_landmarkers_where_they_agree(void **state)
{
    (void)state;
    struct lk_error err;
    lk_landmarker *landmarker = open_landmarker(shared_path(openseeface));
    struct lk_picture *picture = photo_read("fr_obama.jpg");
    struct lk_face *plain = NULL, *refined = NULL;
    struct lk_find_options options;
    size_t n = 0;
    lk_find_options_init(&options);
    assert_ok(lk_find(test_scrfd(), picture, &options, NULL, &plain, &n, &err), &err);
    options.landmarker = landmarker;
    assert_ok(lk_find(test_scrfd(), picture, &options, NULL, &refined, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(refined->landmarks.count, 66);
    assert_true(refined->landmarks.score > 0.8f);
    float moved = 0;
    for (int i = 0; i < 5; i++)
        moved = fmaxf(moved, hypotf(refined->points[i][0] - plain->points[i][0],
                                    refined->points[i][1] - plain->points[i][1]));
    assert_true(moved > 0.5f && moved < 20);
    /* Points elsewhere are not believed, unless there are no others. */
    struct lk_face wrong = *plain;
    for (int i = 0; i < 5; i++)
        wrong.points[i][0] += 200;
    const float x = wrong.points[0][0];
    assert_ok(lk_landmark_face(landmarker, picture, 0.5f, &wrong, NULL, &err), &err);
    assert_true(wrong.points[0][0] == x);
    assert_ok(lk_landmark_face(landmarker, picture, 0, &wrong, NULL, &err), &err);
    assert_true(fabsf(wrong.points[0][0] - refined->points[0][0]) < 1);
    free(plain);
    free(refined);
    lk_picture_free(picture);
    lk_landmarker_free(landmarker);
}

static void other_networks_and_empty_boxes_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_landmarker *landmarker = NULL;
    static const char *const others[] = {"detector/scrfd_2.5g_bnkps_640.onnx",
                                         "embedder/MobileFaceNet.onnx",
                                         "converted/3ddfa_v2_mb05.onnx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_fails(lk_landmarker_open(test_runtime(), NULL, shared_path(others[i]), NULL,
                                        &landmarker, &err),
                     &err, LK_E_INPUT, "is no landmarker of family 2dfan4");
    assert_fails(lk_landmarker_open(test_runtime(), "dlib", shared_path(openseeface), NULL,
                                    &landmarker, &err),
                 &err, LK_E_INPUT, "'dlib' is not known: the families are 2dfan4, openseeface");
    assert_null(landmarker);
    landmarker = open_landmarker(shared_path(openseeface));
    struct lk_picture *picture = picture_noise(64, 64);
    struct lk_face face = {.score = 1};
    assert_fails(lk_landmark_face(landmarker, picture, 0.5f, &face, NULL, &err), &err, LK_E_INPUT,
                 "box is empty");
    assert_int_equal(face.landmarks.count, 0);
    lk_picture_free(picture);
    lk_landmarker_free(landmarker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_sees_and_answers_as_its_reference),
        cmocka_unit_test(the_five_points_become_the_landmarkers_where_they_agree),
        cmocka_unit_test(other_networks_and_empty_boxes_are_refused),
    };
    return cmocka_run_group_tests_name("find: landmarks", tests, NULL, NULL);
}
