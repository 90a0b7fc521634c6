// SPDX-License-Identifier: Apache-2.0
/* Looks at real photos beyond the first: turned, in tiles; faces that lie or stand on their heads,
 * crowds, and photos in which there is nothing more to find. */
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "stages/face_support.h"
#include "support/check.h"

/* A photo, looked at as hard as can be, has the faces that it has and no other. */
static void harder_looks_find_nobody_who_is_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *photo;
        size_t faces;
    } photos[] = {
        {"noface_human_background.jpg", 0}, {"noface_ipazc.jpg", 0}, {"3ddfa_JianzhuGuo.jpg", 1}};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_read(photos[i].photo);
        struct lk_face *faces = NULL;
        assert_int_equal(scrfd_find(picture, LK_FIND_AUTO, &faces), photos[i].faces);
        free(faces);
        faces = NULL;
        assert_int_equal(scrfd_find(picture, LK_FIND_THOROUGH, &faces), photos[i].faces);
        free(faces);
        lk_picture_free(picture);
    }
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
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_read(photos[i].photo);
        for (int t = 0; t < 4; t++) {
            const int turns = photos[i].turns[t];
            if (t && turns == photos[i].turns[t - 1])
                break;
            struct lk_picture *view = turned(picture, turns);
            struct lk_face *faces = NULL;
            assert_int_equal(scrfd_find(view, LK_FIND_AUTO, &faces), photos[i].faces);
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
}

/* The 29 of 1927, reduced to faces of `side` px, in a wide strip of trees: tiles are cut by the
 * longer side, so that a low picture takes as many halvings as a high one, and half of the looks.
 */
static struct lk_picture *crowd(double side)
{
    struct lk_error err;
    struct lk_picture *trees = photo_read("noface_hemlock_2.jpg"), *large = NULL, *strip = NULL,
                      *small = NULL;
    struct lk_picture *people = photo_read("human_solvay1927.jpg");
    const double scale = side / 70;
    assert_ok(lk_picture_resize(trees, 2400, 1350, &large, &err), &err);
    assert_ok(lk_picture_region(large, 0, 487, 2400, 560, &strip, &err), &err);
    assert_ok(lk_picture_resize(people, (int)(people->width * scale), (int)(people->height * scale),
                                &small, &err),
              &err);
    for (int y = 0; y < small->height; y++)
        memcpy(strip->u8 + ((size_t)(113 + y) * 2400 + 900) * 3,
               small->u8 + (size_t)y * (size_t)small->width * 3, (size_t)small->width * 3);
    lk_picture_free(trees);
    lk_picture_free(people);
    lk_picture_free(small);
    lk_picture_free(large);
    return strip;
}

static void faces_of_12_px_in_a_crowd_are_found_in_tiles(void **state)
{
    (void)state;
    struct lk_picture *picture = crowd(12);
    struct lk_face *faces = NULL;
    assert_int_equal(scrfd_find(picture, LK_FIND_QUICK, &faces), 0);
    assert_int_equal(scrfd_find(picture, LK_FIND_AUTO, &faces), 29);
    for (size_t i = 0; i < 29; i++)
        assert_true(faces[i].box[0] > 890 && faces[i].box[2] < 1300);
    free(faces);
    lk_picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harder_looks_find_nobody_who_is_not_there),
        cmocka_unit_test(faces_stand_as_the_picture_was_turned),
        cmocka_unit_test(faces_of_12_px_in_a_crowd_are_found_in_tiles),
    };
    return cmocka_run_group_tests_name("photos: looks", tests, NULL, NULL);
}
