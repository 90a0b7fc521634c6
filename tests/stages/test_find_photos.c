// SPDX-License-Identifier: Apache-2.0
/* Detection on real photos against the reference of tools/golden/face.py; close-ups, faces that lie
 * or stand on their heads, crowds. */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/find/find.h"
#include "support/check.h"
#include "support/scratch.h"

static const char *const scrfd = "detector/scrfd_2.5g_bnkps_640.onnx";

static lk_detector *open_scrfd(void)
{
    struct lk_error err;
    lk_detector *detector = NULL;
    assert_ok(lk_detector_open(test_runtime(), "scrfd", shared_path(scrfd), "cpu", &detector, &err),
              &err);
    return detector;
}

static size_t find(const lk_detector *detector,
                   const struct lk_picture *picture,
                   enum lk_find_effort effort,
                   struct lk_face **faces)
{
    struct lk_error err;
    struct lk_find_options options;
    size_t count = 0;
    lk_find_options_init(&options);
    options.effort = effort;
    assert_ok(lk_find(detector, picture, &options, NULL, faces, &count, &err), &err);
    return count;
}

static float iou(const float a[4], const float b[4])
{
    float w = fmaxf(0, fminf(a[2], b[2]) - fmaxf(a[0], b[0]));
    float h = fmaxf(0, fminf(a[3], b[3]) - fmaxf(a[1], b[1]));
    float areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]);
    return w * h / (areas - w * h);
}

/* One face of the reference: "face score box points". */
static void compare_face(FILE *file, const char *photo, const struct lk_face *face)
{
    float want[15];
    assert_int_equal(fscanf(file, " face %f", &want[0]), 1);
    for (int i = 1; i < 15; i++)
        assert_int_equal(fscanf(file, "%f", &want[i]), 1);
    float worst = 0;
    for (int i = 0; i < 4; i++)
        worst = fmaxf(worst, fabsf(face->box[i] - want[1 + i]));
    for (int i = 0; i < 10; i++)
        worst = fmaxf(worst, fabsf(face->points[i / 2][i % 2] - want[5 + i]));
    if (worst > 1 || iou(face->box, want + 1) < 0.98f || fabsf(face->score - want[0]) > 0.01f)
        fail_msg("%s, face %d: %g px from the reference, IoU %g, score %g for %g", photo,
                 face->index, (double)worst, (double)iou(face->box, want + 1), (double)face->score,
                 (double)want[0]);
}

static void photos_give_the_faces_of_the_reference(void **state)
{
    (void)state;
    lk_detector *detector = open_scrfd();
    FILE *file = golden_open("faces.tsv");
    char photo[128];
    size_t want, count;
    int photos = 0;
    while (fscanf(file, " photo %127s %zu", photo, &want) == 2) {
        struct lk_picture *picture = photo_read(photo);
        struct lk_face *faces = NULL;
        count = find(detector, picture, LK_FIND_QUICK, &faces);
        if (count != want)
            fail_msg("%s: %zu faces, the reference finds %zu", photo, count, want);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(faces[i].index, i);
            compare_face(file, photo, &faces[i]);
        }
        if (count)
            assert_int_equal(fscanf(file, " embedding %*[^\n]"), 0);
        free(faces);
        lk_picture_free(picture);
        photos++;
    }
    assert_int_equal(photos, 27);
    fclose(file);
    lk_detector_free(detector);
}

/* The face's box of the photo, cut out: nothing but the face. */
static struct lk_picture *cut(const struct lk_picture *in, const float box[4])
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    int x0 = (int)fmaxf(0, box[0]), y0 = (int)fmaxf(0, box[1]);
    int x1 = (int)fminf((float)in->width, box[2]), y1 = (int)fminf((float)in->height, box[3]);
    assert_ok(lk_picture_new(x1 - x0, y1 - y0, 3, LK_PIXEL_U8, &out, &err), &err);
    for (int y = 0; y < y1 - y0; y++)
        memcpy(out->u8 + (size_t)y * (size_t)(x1 - x0) * 3,
               in->u8 + ((size_t)(y0 + y) * (size_t)in->width + (size_t)x0) * 3,
               (size_t)(x1 - x0) * 3);
    return out;
}

static void faces_that_fill_the_picture_are_found_once(void **state)
{
    (void)state;
    static const char *const photos[] = {"3ddfa_JianzhuGuo.jpg", "fr_obama.jpg", "fr_biden.jpg",
                                         "human_person-vlado.jpg", "fairface_race_Black.jpg"};
    struct lk_error err;
    lk_detector *detector = open_scrfd();
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        struct lk_picture *picture = photo_read(photos[i]);
        struct lk_face *faces = NULL, *close = NULL;
        size_t count = 0;
        assert_ok(lk_find_faces(detector, picture, 0.5f, NULL, &faces, &count, &err), &err);
        assert_int_equal(count, 1);
        struct lk_picture *part = cut(picture, faces[0].box);
        assert_ok(lk_find_faces(detector, part, 0.5f, NULL, &close, &count, &err), &err);
        if (count != 1)
            fail_msg("%s cut to its face: %zu faces", photos[i], count);
        const float whole[4] = {0, 0, (float)part->width, (float)part->height};
        assert_true(iou(close[0].box, whole) > 0.7f);
        free(faces);
        free(close);
        lk_picture_free(part);
        lk_picture_free(picture);
    }
    lk_detector_free(detector);
}

/* A photo, looked at as hard as can be, has the faces of the quick look and no other. */
static void harder_looks_find_nobody_who_is_not_there(void **state)
{
    (void)state;
    static const char *const photos[] = {"noface_human_background.jpg", "noface_ipazc.jpg",
                                         "3ddfa_JianzhuGuo.jpg"};
    lk_detector *detector = open_scrfd();
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        struct lk_picture *picture = photo_read(photos[i]);
        struct lk_face *quick = NULL, *faces = NULL;
        size_t n = find(detector, picture, LK_FIND_QUICK, &quick);
        assert_int_equal(find(detector, picture, LK_FIND_AUTO, &faces), n);
        free(faces);
        assert_int_equal(find(detector, picture, LK_FIND_THOROUGH, &faces), n);
        free(faces);
        free(quick);
        lk_picture_free(picture);
    }
    lk_detector_free(detector);
}

/* Turned clockwise by right angles, pixel by pixel. */
static struct lk_picture *turned(const struct lk_picture *in, int turns)
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    const int w = in->width, h = in->height;
    assert_ok(lk_picture_new(turns % 2 ? h : w, turns % 2 ? w : h, 3, LK_PIXEL_U8, &out, &err),
              &err);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            const int to[4][2] = {{x, y}, {h - 1 - y, x}, {w - 1 - x, h - 1 - y}, {y, w - 1 - x}};
            const int *at = to[turns];
            memcpy(out->u8 + ((size_t)at[1] * (size_t)out->width + (size_t)at[0]) * 3,
                   in->u8 + ((size_t)y * (size_t)w + (size_t)x) * 3, 3);
        }
    }
    return out;
}

static void faces_stand_as_the_picture_was_turned(void **state)
{
    (void)state;
    static const struct {
        const char *photo;
        size_t faces;
        int turns[4];
    } photos[] = {{"fr_obama.jpg", 1, {0, 1, 2, 3}}, {"human_stock-group-1.jpg", 15, {2, 2, 2, 2}}};
    lk_detector *detector = open_scrfd();
    for (size_t i = 0; i < sizeof photos / sizeof *photos; i++) {
        struct lk_picture *picture = photo_read(photos[i].photo);
        for (int t = 0; t < 4; t++) {
            const int turns = photos[i].turns[t];
            if (t && turns == photos[i].turns[t - 1])
                break;
            struct lk_picture *view = turned(picture, turns);
            struct lk_face *faces = NULL;
            assert_int_equal(find(detector, view, LK_FIND_AUTO, &faces), photos[i].faces);
            for (size_t k = 0; k < photos[i].faces; k++) {
                float off = faces[k].roll - 90 * (float)turns;
                off -= 360 * rintf(off / 360);
                if (!(fabsf(off) < 35))
                    fail_msg("%s turned %d times: roll %g", photos[i].photo, turns,
                             (double)faces[k].roll);
            }
            free(faces);
            lk_picture_free(view);
        }
        lk_picture_free(picture);
    }
    lk_detector_free(detector);
}

/* The 29 of 1927, reduced to faces of `side` px, in the middle of a large picture of trees. */
static struct lk_picture *crowd(double side)
{
    struct lk_error err;
    struct lk_picture *trees = photo_read("noface_hemlock_2.jpg"), *large = NULL, *small = NULL;
    struct lk_picture *people = photo_read("human_solvay1927.jpg");
    const double scale = side / 70;
    assert_ok(lk_picture_resize(trees, 2400, 1350, &large, &err), &err);
    assert_ok(lk_picture_resize(people, (int)(people->width * scale), (int)(people->height * scale),
                                &small, &err),
              &err);
    for (int y = 0; y < small->height; y++)
        memcpy(large->u8 + ((size_t)(600 + y) * 2400 + 900) * 3,
               small->u8 + (size_t)y * (size_t)small->width * 3, (size_t)small->width * 3);
    lk_picture_free(trees);
    lk_picture_free(people);
    lk_picture_free(small);
    return large;
}

static void faces_of_12_px_in_a_crowd_are_found_in_tiles(void **state)
{
    (void)state;
    lk_detector *detector = open_scrfd();
    struct lk_picture *picture = crowd(12);
    struct lk_face *faces = NULL;
    assert_int_equal(find(detector, picture, LK_FIND_QUICK, &faces), 0);
    assert_int_equal(find(detector, picture, LK_FIND_AUTO, &faces), 29);
    for (size_t i = 0; i < 29; i++)
        assert_true(faces[i].box[0] > 890 && faces[i].box[2] < 1300);
    free(faces);
    lk_picture_free(picture);
    lk_detector_free(detector);
}

static void float_and_byte_pictures_give_the_same_faces(void **state)
{
    (void)state;
    struct lk_error err;
    lk_detector *detector = open_scrfd();
    struct lk_picture *bytes = photo_read("human_person-vlado.jpg"), *floats = NULL;
    struct lk_face *a = NULL, *b = NULL;
    size_t na = 0, nb = 0;
    assert_ok(lk_picture_convert(bytes, LK_PIXEL_F32, &floats, &err), &err);
    assert_ok(lk_find_faces(detector, bytes, 0.5f, NULL, &a, &na, &err), &err);
    assert_ok(lk_find_faces(detector, floats, 0.5f, NULL, &b, &nb, &err), &err);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na * sizeof *a);
    free(a);
    free(b);
    lk_picture_free(bytes);
    lk_picture_free(floats);
    lk_detector_free(detector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_give_the_faces_of_the_reference),
        cmocka_unit_test(faces_that_fill_the_picture_are_found_once),
        cmocka_unit_test(harder_looks_find_nobody_who_is_not_there),
        cmocka_unit_test(faces_stand_as_the_picture_was_turned),
        cmocka_unit_test(faces_of_12_px_in_a_crowd_are_found_in_tiles),
        cmocka_unit_test(float_and_byte_pictures_give_the_same_faces),
    };
    return cmocka_run_group_tests_name("photos: find", tests, NULL, NULL);
}
