// SPDX-License-Identifier: Apache-2.0
/* Detection on real photos against the reference of tools/golden/face.py, and against what three
 * detectors agree on; close-ups. Time goes into the network alone, 0.1 s a look: each photo is
 * looked at once for all tests. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "stages/face_support.h"
#include "support/check.h"

enum { PHOTOS = 27 };

/* A photo at the quick look, which is the reference's; kept until the program ends. */
struct seen {
    char photo[64];
    struct lk_face *faces;
    size_t count;
};

static const struct seen *quick_look(const char *photo)
{
    static struct seen all[PHOTOS];
    struct seen *seen = all;
    while (*seen->photo && strcmp(seen->photo, photo) != 0)
        seen++;
    if (!*seen->photo) {
        struct lk_picture *picture = photo_read(photo);
        snprintf(seen->photo, sizeof seen->photo, "%s", photo);
        seen->count = scrfd_find(picture, LK_FIND_QUICK, &seen->faces);
        lk_picture_free(picture);
    }
    return seen;
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
    face_note("detector", "scrfd", "px", (double)worst);
    if (worst > 1 || iou(face->box, want + 1) < 0.98f || fabsf(face->score - want[0]) > 0.01f)
        fail_msg("%s, face %d: %g px from the reference, IoU %g, score %g for %g", photo,
                 face->index, (double)worst, (double)iou(face->box, want + 1), (double)face->score,
                 (double)want[0]);
}

static void photos_give_the_faces_of_the_reference(void **state)
{
    (void)state;
    FILE *file = golden_open("faces.tsv");
    char photo[64];
    size_t want;
    int photos = 0;
    while (fscanf(file, " photo %63s %zu", photo, &want) == 2) {
        const struct seen *seen = quick_look(photo);
        if (seen->count != want)
            fail_msg("%s: %zu faces, the reference finds %zu", photo, seen->count, want);
        for (size_t i = 0; i < want; i++) {
            assert_int_equal(seen->faces[i].index, i);
            compare_face(file, photo, &seen->faces[i]);
        }
        if (want)
            assert_int_equal(fscanf(file, " embedding %*[^\n]"), 0);
        photos++;
    }
    assert_int_equal(photos, PHOTOS);
    fclose(file);
}

static bool is_found(const struct seen *seen, const float box[4])
{
    for (size_t i = 0; i < seen->count; i++) {
        if (iou(seen->faces[i].box, box) > 0.5f)
            return true;
    }
    return false;
}

static void faces_that_three_detectors_agree_on_are_found(void **state)
{
    (void)state;
    FILE *file = golden_open("find_agreed.tsv");
    char photo[64];
    int agreed, photos = 0;
    while (fscanf(file, " photo %63s %*d %*d %*d %d", photo, &agreed) == 2) {
        const struct seen *seen = quick_look(photo);
        int found = 0;
        float box[4];
        for (int i = 0; i < agreed; i++) {
            assert_int_equal(fscanf(file, " face %f %f %f %f", &box[0], &box[1], &box[2], &box[3]),
                             4);
            found += is_found(seen, box);
        }
        face_note("photo", photo, "agreed", found);
        face_note("photo", photo, "found", (double)seen->count);
        if (found != agreed)
            fail_msg("%s: %d of %d faces that three detectors see", photo, found, agreed);
        photos++;
    }
    assert_int_equal(photos, PHOTOS);
    fclose(file);
}

/* The face's box of the photo, cut out: nothing but the face. */
static struct lk_picture *cut(const struct lk_picture *in, const float box[4])
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    int x0 = (int)fmaxf(0, box[0]), y0 = (int)fmaxf(0, box[1]);
    int x1 = (int)fminf((float)in->width, box[2]), y1 = (int)fminf((float)in->height, box[3]);
    assert_ok(lk_picture_region(in, x0, y0, x1 - x0, y1 - y0, &out, &err), &err);
    return out;
}

static void faces_that_fill_the_picture_are_found_once(void **state)
{
    (void)state;
    static const char *const photos[] = {"3ddfa_JianzhuGuo.jpg", "fr_obama.jpg", "fr_biden.jpg",
                                         "human_person-vlado.jpg", "fairface_race_Black.jpg"};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        const struct seen *seen = quick_look(photos[i]);
        assert_int_equal(seen->count, 1);
        struct lk_picture *picture = photo_read(photos[i]);
        struct lk_picture *part = cut(picture, seen->faces[0].box);
        struct lk_face *close = NULL;
        const size_t count = scrfd_find(part, LK_FIND_AUTO, &close);
        if (count != 1)
            fail_msg("%s cut to its face: %zu faces", photos[i], count);
        const float whole[4] = {0, 0, (float)part->width, (float)part->height};
        assert_true(iou(close[0].box, whole) > 0.7f);
        free(close);
        lk_picture_free(part);
        lk_picture_free(picture);
    }
}

static void float_and_byte_pictures_give_the_same_faces(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *bytes = photo_read("human_person-vlado.jpg"), *floats = NULL;
    struct lk_face *faces = NULL;
    size_t count = 0;
    assert_ok(lk_picture_convert(bytes, LK_PIXEL_F32, &floats, &err), &err);
    assert_ok(lk_find_faces(test_scrfd(), floats, 0.5f, NULL, &faces, &count, &err), &err);
    const struct seen *seen = quick_look("human_person-vlado.jpg");
    assert_int_equal(count, seen->count);
    assert_memory_equal(faces, seen->faces, count * sizeof *faces);
    free(faces);
    lk_picture_free(bytes);
    lk_picture_free(floats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_give_the_faces_of_the_reference),
        cmocka_unit_test(faces_that_three_detectors_agree_on_are_found),
        cmocka_unit_test(faces_that_fill_the_picture_are_found_once),
        cmocka_unit_test(float_and_byte_pictures_give_the_same_faces),
    };
    return cmocka_run_group_tests_name("photos: find", tests, NULL, NULL);
}
