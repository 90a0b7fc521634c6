// SPDX-License-Identifier: Apache-2.0
/* What faces express, against Python onnxruntime: the real mini-XCEPTION and a tiny network of
 * FER+'s contract on faces of photos (tools/golden/expression.py). */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/identity/expression.h"
#include "support/check.h"
#include "support/scratch.h"

enum { SIDE = 64 };

static lk_expression *open_network(const char *family, const char *path)
{
    struct lk_error err;
    lk_expression *e = NULL;
    assert_ok(lk_expression_open(test_runtime(), family, path, "cpu", &e, &err), &err);
    return e;
}

/* The square of a photo at the network's own size, where cropping changes nothing. */
static struct lk_picture *face_of(const char *photo, int x, int y, int side)
{
    struct lk_error err;
    struct lk_picture *whole = photo_read(photo), *square = NULL, *small = NULL;
    assert_ok(lk_picture_region(whole, x, y, side, side, &square, &err), &err);
    assert_ok(lk_picture_resize(square, SIDE, SIDE, &small, &err), &err);
    lk_picture_free(whole);
    lk_picture_free(square);
    return small;
}

/* A byte that a resize leaves half way between two is rounded either way. */
static void assert_tells(const lk_expression *e,
                         const struct lk_picture *picture,
                         const char *wanted,
                         double chance)
{
    const struct lk_face face = {.box = {-0.5f, -0.5f, SIDE - 0.5f, SIDE - 0.5f}};
    struct lk_error err;
    const char *name = NULL;
    float score = NAN;
    assert_ok(lk_face_expression(e, picture, &face, NULL, &name, &score, &err), &err);
    assert_string_equal(name, wanted);
    if (!(fabs((double)score - chance) < 1e-3))
        fail_msg("%s: %.6f, reference %.6f", name, (double)score, chance);
}

static void expressions_equal_their_python_reference(void **state)
{
    (void)state;
    FILE *file = golden_open("expression.tsv");
    /* told by its outputs, whatever it is called */
    lk_expression *real =
                      open_network("ferplus", shared_path("converted/emotion_mini_xception.onnx")),
                  *tiny = open_network("ferplus", golden_path("expression_ferplus.onnx"));
    char photo[64], names[2][16];
    int x, y, side, seen = 0;
    double chance[2];
    while (fscanf(file, " %63s %d %d %d %15s %lf %15s %lf", photo, &x, &y, &side, names[0],
                  &chance[0], names[1], &chance[1]) == 8) {
        struct lk_picture *picture = face_of(photo, x, y, side);
        assert_tells(real, picture, names[0], chance[0]);
        assert_tells(tiny, picture, names[1], chance[1]);
        lk_picture_free(picture);
        seen++;
    }
    assert_int_equal(seen, 7);
    fclose(file);
    lk_expression_free(real);
    lk_expression_free(tiny);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    lk_expression *e = NULL;
    struct lk_error err;
    assert_fails(lk_expression_open(test_runtime(), "moods", golden_path("expression_ferplus.onnx"),
                                    "cpu", &e, &err),
                 &err, LK_E_INPUT, "'moods' is not known: it is ferplus or mini-xception");
    assert_fails(lk_expression_open(test_runtime(), "ferplus",
                                    shared_path("converted/gender_mini_xception.onnx"), "cpu", &e,
                                    &err),
                 &err, LK_E_INPUT, "is no expression of family ferplus");
    assert_null(e);
}

/* The box of a face may be anything that a detector answers. */
static void a_face_without_a_box_is_refused(void **state)
{
    (void)state;
    lk_expression *e = open_network("ferplus", golden_path("expression_ferplus.onnx"));
    struct lk_picture *picture = face_of("fr_obama.jpg", 0, 0, SIDE);
    const struct lk_face nowhere = {.box = {5, 5, 5, 5}}, outside = {.box = {-90, -90, -50, -50}};
    struct lk_error err;
    const char *name;
    float score;
    assert_fails(lk_face_expression(e, picture, &nowhere, NULL, &name, &score, &err), &err,
                 LK_E_INPUT, "box is empty");
    assert_ok(lk_face_expression(e, picture, &outside, NULL, &name, &score, &err), &err);
    assert_string_equal(name, "neutral"); /* black: logit 0 is the largest */
    lk_picture_free(picture);
    lk_expression_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_equal_their_python_reference),
        cmocka_unit_test(another_network_is_refused),
        cmocka_unit_test(a_face_without_a_box_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
