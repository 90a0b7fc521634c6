// SPDX-License-Identifier: Apache-2.0
/* Networks that judge: Meso4 against its Python reference, and what each family makes of a picture,
 * by tiny networks whose answer follows from the mean colour (tools/golden/forensic.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/identity/agegender.h"
#include "stages/judge/classifier.h"
#include "support/check.h"
#include "support/scratch.h"

static lk_classifier *open_classifier(const char *role, const char *family, const char *path)
{
    struct lk_error err;
    lk_classifier *c = NULL;
    assert_ok(lk_classifier_open(test_runtime(), role, family, path, "cpu", &c, &err), &err);
    return c;
}

/* All of one colour, the left half of another. */
static struct lk_picture *picture_of(int width,
                                     int height,
                                     const uint8_t rgb[3],
                                     const uint8_t left[3])
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    assert_ok(lk_picture_new(width, height, 3, LK_PIXEL_U8, &picture, &err), &err);
    for (int i = 0; i < width * height; i++)
        memcpy(picture->u8 + (size_t)i * 3, i % width < width / 2 ? left : rgb, 3);
    return picture;
}

static float score_of(const lk_classifier *c, const struct lk_picture *picture)
{
    struct lk_error err;
    float score = NAN;
    assert_ok(lk_classify_picture(c, picture, NULL, &score, &err), &err);
    return score;
}

static void assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.7g, not %.7g", value, wanted);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void meso4_equals_its_python_reference(void **state)
{
    (void)state;
    struct lk_error err;
    FILE *file = golden_open("forensic.tsv");
    char network[32], crop[64];
    double wanted;
    int seen = 0;
    while (fscanf(file, " %31s %63s %lf", network, crop, &wanted) == 3) {
        char path[160];
        struct lk_picture *picture = NULL;
        snprintf(path, sizeof path, "converted/%s.onnx", network);
        lk_classifier *c = open_classifier("forensics", "mesonet", shared_path(path));
        snprintf(path, sizeof path, "forensic/%s", crop);
        assert_ok(lk_picture_read(shared_path(path), &picture, &err), &err);
        /* A byte that a resize leaves half way between two is rounded either way: that moves the
         * score by up to 2e-4. One crop needs no resize. */
        assert_near((double)score_of(c, picture), wanted, picture->width == 256 ? 1e-5 : 3e-4);
        print_message("%s %s %.5f, reference %.5f\n", network, crop, (double)score_of(c, picture),
                      wanted);
        lk_picture_free(picture);
        lk_classifier_free(c);
        seen++;
    }
    fclose(file);
    assert_int_equal(seen, 8);
}

static void a_picture_is_brought_to_each_family_s_form(void **state)
{
    (void)state;
    static const uint8_t red[3] = {200, 90, 40}, grey[3] = {128, 128, 128};
    const struct {
        const char *role, *family, *file;
        double red, grey;
    } rows[] = {
        {"forensics", "probability", "judge_probability.onnx", sigmoid(8 * 160 / 255.0), 0.5},
        {"forensics", "mesonet", "judge_probability.onnx", 1 - sigmoid(8 * 160 / 255.0), 0.5},
        {"nsfw", "vit-nsfw", "judge_vit_nsfw.onnx", sigmoid(4 * (200 / 127.5 - 1) + 2),
         sigmoid(4 * (128 / 127.5 - 1) + 2)},
        {"nsfw", "open-nsfw", "judge_open_nsfw.onnx", sigmoid((200 - 123) / 50.0),
         sigmoid((128 - 123) / 50.0)},
    };
    struct lk_picture *a = picture_of(300, 170, red, red), *b = picture_of(90, 400, grey, grey);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        lk_classifier *c = open_classifier(rows[i].role, rows[i].family, golden_path(rows[i].file));
        assert_near((double)score_of(c, a), rows[i].red, 1e-5);
        assert_near((double)score_of(c, b), rows[i].grey, 1e-5);
        lk_classifier_free(c);
    }
    lk_picture_free(a);
    lk_picture_free(b);
}

static void of_a_face_only_its_surroundings_are_seen(void **state)
{
    (void)state;
    struct lk_error err;
    static const uint8_t left[3] = {255, 0, 0}, right[3] = {0, 0, 255};
    struct lk_picture *picture = picture_of(600, 300, right, left);
    lk_classifier *c =
        open_classifier("forensics", "probability", golden_path("judge_probability.onnx"));
    const struct {
        float box[4];
        double wanted;
    } faces[] = {
        {{100, 100, 200, 200}, sigmoid(8)},  /* its crop ends at 215 */
        {{400, 100, 500, 200}, sigmoid(-8)}, /* begins at 385 */
        {{250, 120, 350, 160}, 0.5},         /* both halves, square by the longer side */
    };
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
        struct lk_face face = {0};
        float score = NAN;
        memcpy(face.box, faces[i].box, sizeof face.box);
        assert_ok(lk_classify_face(c, picture, &face, NULL, &score, &err), &err);
        assert_near((double)score, faces[i].wanted, 0.02);
    }
    struct lk_face none = {.box = {10, 10, 10, 10}};
    float score;
    assert_fails(lk_classify_face(c, picture, &none, NULL, &score, &err), &err, LK_E_INPUT,
                 "box is empty");
    lk_classifier_free(c);
    lk_picture_free(picture);
}

static void other_networks_and_families_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_classifier *c = NULL;
    assert_fails(lk_classifier_open(test_runtime(), "nsfw", "vit-nsfw",
                                    golden_path("judge_probability.onnx"), NULL, &c, &err),
                 &err, LK_E_INPUT, "is no nsfw of family vit-nsfw");
    assert_fails(lk_classifier_open(test_runtime(), "nsfw", "mesonet",
                                    golden_path("judge_probability.onnx"), NULL, &c, &err),
                 &err, LK_E_INPUT, "the families are vit-nsfw, open-nsfw");
    assert_fails(lk_classifier_open(test_runtime(), "forensics", "probability",
                                    golden_path("nosuch.onnx"), NULL, &c, &err),
                 &err, LK_E_MISSING, "nosuch.onnx");
    assert_null(c);
}

static void an_age_network_is_told_from_others(void **state)
{
    (void)state;
    struct lk_error err;
    static const uint8_t white[3] = {255, 255, 255};
    struct lk_picture *picture = picture_of(64, 64, white, white);
    struct lk_face face = {.box = {16, 16, 48, 48}};
    lk_agegender *age = NULL;
    float years;
    assert_fails(lk_agegender_open(test_runtime(), "genderage", golden_path("judge_vit_nsfw.onnx"),
                                   NULL, &age, &err),
                 &err, LK_E_INPUT, "is no agegender of family genderage");
    assert_fails(lk_agegender_open(test_runtime(), "ages", golden_path("judge_genderage.onnx"),
                                   NULL, &age, &err),
                 &err, LK_E_INPUT, "'ages' is not known");
    assert_ok(lk_agegender_open(test_runtime(), "genderage", golden_path("judge_genderage.onnx"),
                                NULL, &age, &err),
              &err);
    assert_ok(lk_face_age(age, picture, &face, NULL, &years, NULL, &err), &err);
    assert_near((double)years, 20, 0.01);
    lk_agegender_free(age);
    lk_picture_free(picture);
}

static void an_age_is_that_of_the_face_s_crop(void **state)
{
    (void)state;
    struct lk_error err;
    static const uint8_t left[3] = {151, 0, 100}, right[3] = {100, 0, 125};
    struct lk_picture *picture = picture_of(600, 300, right, left);
    struct lk_face old = {.box = {80, 80, 180, 180}}, young = {.box = {420, 80, 520, 180}};
    lk_agegender *age = NULL;
    float years;
    bool male;
    assert_ok(lk_agegender_open(test_runtime(), "genderage", golden_path("judge_genderage.onnx"),
                                NULL, &age, &err),
              &err);
    assert_ok(lk_face_age(age, picture, &old, NULL, &years, &male, &err), &err);
    assert_near((double)years, 40, 0.01);
    face_note("age and gender", "genderage", "vector", fabs((double)years - 40));
    assert_true(male);
    assert_ok(lk_face_age(age, picture, &young, NULL, &years, &male, &err), &err);
    assert_near((double)years, 20 - 2500 / 255.0, 0.01);
    assert_false(male);
    lk_agegender_free(age);
    lk_picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meso4_equals_its_python_reference),
        cmocka_unit_test(a_picture_is_brought_to_each_family_s_form),
        cmocka_unit_test(of_a_face_only_its_surroundings_are_seen),
        cmocka_unit_test(other_networks_and_families_are_refused),
        cmocka_unit_test(an_age_network_is_told_from_others),
        cmocka_unit_test(an_age_is_that_of_the_face_s_crop),
    };
    return cmocka_run_group_tests_name("judge_classifier", tests, NULL, NULL);
}
