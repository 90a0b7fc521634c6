// SPDX-License-Identifier: Apache-2.0
/* The detector families against the references of tools/golden/find.py: what networks are shown,
 * and what becomes of their answers. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "stages/face_support.h"
#include "stages/find/detector/families.h"
#include "stages/find/find.h"
#include "support/check.h"
#include "support/scratch.h"

static const struct lk__detector_family *const families[] = {
    &lk__detector_scrfd,    &lk__detector_retinaface, &lk__detector_yunet,
    &lk__detector_yoloface, &lk__detector_ultraface,
};

static const struct lk__detector_family *family_named(const char *name)
{
    for (size_t i = 0; i < LK_ARRAY_LENGTH(families); i++) {
        if (!strcmp(families[i]->name, name))
            return families[i];
    }
    fail_msg("family %s", name);
    return NULL;
}

static void each_family_is_shown_the_tensor_of_its_reference(void **state)
{
    (void)state;
    struct lk_error err;
    FILE *file = golden_open("find_tensors.tsv");
    char family[32];
    int width, height, side, canvas_width, canvas_height, cases = 0;
    while (fscanf(file, " letterbox %31s %d %d %d %d %d", family, &width, &height, &side,
                  &canvas_width, &canvas_height) == 6) {
        struct lk__letterbox box =
            lk__letterbox_fit(width, height, side, canvas_width, canvas_height);
        size_t count = (size_t)3 * (size_t)canvas_width * (size_t)canvas_height;
        float *tensor = malloc(count * sizeof *tensor);
        struct lk_picture *picture = picture_noise(width, height);
        assert_non_null(tensor);
        assert_ok(lk__letterbox_fill(&box, picture, &family_named(family)->pixels, tensor, &err),
                  &err);
        assert_int_equal(golden_compare(file, tensor, count, 1e-5), 60);
        face_note("detector", family, "input", golden_worst());
        lk_picture_free(picture);
        free(tensor);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 10);
}

static lk_detector *open_network(const char *name, const char *family)
{
    struct lk_error err;
    lk_detector *detector = NULL;
    char path[128];
    snprintf(path, sizeof path, "detector/%s", name);
    const char *file = strncmp(name, "find_", 5) ? shared_path(path) : golden_path(name);
    assert_ok(lk_detector_open(test_runtime(), NULL, file, "cpu", &detector, &err), &err);
    assert_string_equal(lk_detector_family(detector), family);
    return detector;
}

/* The largest distance of box and points to the reference's face. */
static float compare_face(FILE *file, const struct lk_face *face, bool has_points)
{
    float want[15], worst = 0;
    assert_int_equal(fscanf(file, " face %f", &want[0]), 1);
    for (int i = 1; i < 15; i++)
        assert_int_equal(fscanf(file, "%f", &want[i]), 1);
    assert_true(fabsf(face->score - want[0]) < 1e-3f);
    for (int i = 0; i < 4; i++)
        worst = fmaxf(worst, fabsf(face->box[i] - want[1 + i]));
    for (int i = 0; i < 10 && has_points; i++)
        worst = fmaxf(worst, fabsf(face->points[i / 2][i % 2] - want[5 + i]));
    return worst;
}

static void compare_photo(FILE *file, const lk_detector *detector, const char *photo, size_t want)
{
    struct lk_error err;
    struct lk_picture *picture = photo_read(photo);
    struct lk_face *faces = NULL;
    size_t count = 0;
    struct lk_find_options options;
    lk_find_options_init(&options);
    options.effort = LK_FIND_QUICK;
    options.boxes_only = true;
    assert_ok(lk_find(detector, picture, &options, NULL, &faces, &count, &err), &err);
    if (count != want)
        fail_msg("%s: %zu faces, the reference finds %zu", photo, count, want);
    for (size_t i = 0; i < count; i++) {
        float worst = compare_face(file, &faces[i], lk_detector_has_points(detector));
        face_note("detector", lk_detector_family(detector), "px", (double)worst);
        if (!(worst <= 0.1f)) /* asked: 1 px */
            fail_msg("%s, face %zu: %g px from the reference", photo, i, (double)worst);
    }
    free(faces);
    lk_picture_free(picture);
}

static void each_network_is_told_and_gives_the_faces_of_its_reference(void **state)
{
    (void)state;
    FILE *file = golden_open("find.tsv");
    char name[128], family[32];
    int networks = 0;
    while (fscanf(file, " network %127s %31s", name, family) == 2) {
        lk_detector *detector = open_network(name, family);
        char photo[128];
        size_t want;
        int photos = 0;
        for (; fscanf(file, " photo %127s %zu", photo, &want) == 2; photos++)
            compare_photo(file, detector, photo, want);
        assert_int_equal(photos, 4);
        lk_detector_free(detector);
        networks++;
    }
    assert_int_equal(networks, 6);
    fclose(file);
}

static void boxes_without_points_ask_for_a_landmarker(void **state)
{
    (void)state;
    struct lk_error err;
    lk_detector *detector = open_network("ultraface_RFB-320.onnx", "ultraface");
    struct lk_picture *picture = picture_noise(64, 64);
    struct lk_face *faces = NULL;
    size_t count = 0;
    assert_false(lk_detector_has_points(detector));
    assert_fails(lk_find_faces(detector, picture, 0.5f, NULL, &faces, &count, &err), &err,
                 LK_E_INPUT, "name a landmarker");
    lk_picture_free(picture);
    lk_detector_free(detector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_is_shown_the_tensor_of_its_reference),
        cmocka_unit_test(each_network_is_told_and_gives_the_faces_of_its_reference),
        cmocka_unit_test(boxes_without_points_ask_for_a_landmarker),
    };
    return cmocka_run_group_tests_name("find: families", tests, NULL, NULL);
}
