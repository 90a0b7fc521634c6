// SPDX-License-Identifier: Apache-2.0
/* Which part of a picture is drawn, at which size, and that the rest keeps its bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/mask.h"
#include "pipeline/drawing/retouch.h"
#include "pipeline/result.h"
#include "support/temp.h"

static char *folder;

static void must(int rc, const struct lk_error *err)
{
    if (rc)
        fail_msg("%s", err->message);
}

/* A picture 96×64 of changing colours, or its mask: a box 16×16 at (40, 24). */
static char *write_picture(const char *name, int is_mask)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    void *bytes = NULL;
    size_t size = 0;
    char *path = test_format("%s/%s", folder, name);
    must(lk_picture_new(96, 64, 3, LK_PIXEL_U8, &picture, &err), &err);
    for (int y = 0; y < 64; y++)
        for (int x = 0; x < 96; x++)
            for (int c = 0; c < 3; c++)
                picture->u8[((size_t)y * 96 + x) * 3 + c] =
                    is_mask ? (uint8_t)(x >= 40 && x < 56 && y >= 24 && y < 40 ? 255 : 0)
                            : (uint8_t)(2 * x + 3 * y + 50 * c);
    must(lk_picture_encode(picture, LK_FORMAT_PNG, &(struct lk_picture_text){0}, &bytes, &size,
                           &err),
         &err);
    test_write_file(path, bytes, size);
    free(bytes);
    lk_picture_free(picture);
    return path;
}

/* A result whose request has these JSON members; size: what the model says. */
static lk_result *make_result(const char *members)
{
    struct lk_error err;
    struct lk_request request;
    lk_result *result = NULL;
    char *json = test_format("{\"likeness\": 1, \"task\": \"draw\", \"prompt\": \"x\"%s%s}",
                             *members ? ", " : "", members);
    must(lk_request_from_json(&request, json, strlen(json), "test", &err), &err);
    must(lk__result_new(&request, 1, &result, &err), &err);
    if (!result->request.width)
        result->request.width = result->request.height = 64;
    must(lk__result_read(result, &err), &err);
    lk_request_free(&request);
    free(json);
    return result;
}

static struct lk__retouch open_retouch(lk_result *result, bool sized)
{
    struct lk_error err;
    struct lk__retouch retouch;
    must(lk__retouch_open(result, sized, NULL, &retouch, &err), &err);
    return retouch;
}

static void only_what_is_masked_changes(void **state)
{
    (void)state;
    char *init = write_picture("a.png", 0), *mask = write_picture("m.png", 1);
    char *members = test_format("\"init\": \"%s\", \"mask\": \"%s\", \"mask_blur\": 1, "
                                "\"inpaint_area\": \"masked\", \"inpaint_padding\": 4",
                                init, mask);
    struct lk_error err;
    struct lk_picture *drawn = NULL, *before = NULL;
    lk_result *result = make_result(members);
    struct lk__retouch r = open_retouch(result, false);
    must(lk_picture_convert(r.picture, LK_PIXEL_F32, &before, &err), &err);
    assert_int_equal(r.init->width, 64);
    assert_int_equal(r.width, r.height); /* the drawing's aspect */
    assert_true(r.x <= 36 && r.y <= 20 && r.x + r.width >= 60 && r.y + r.height >= 44);
    must(lk_picture_new(64, 64, 3, LK_PIXEL_F32, &drawn, &err), &err); /* black */
    must(lk__retouch_paste(&r, &drawn, &err), &err);
    assert_int_equal(drawn->width, 96);
    assert_int_equal(drawn->height, 64);
    for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 96; x++) {
            const size_t k = 3 * ((size_t)y * 96 + x);
            bool inside = x >= 44 && x < 52 && y >= 28 && y < 36;
            bool outside = x < 35 || x > 60 || y < 19 || y > 44;
            if (outside)
                assert_memory_equal(drawn->f32 + k, before->f32 + k, 3 * sizeof(float));
            if (inside)
                assert_true(drawn->f32[k] < 1e-4f && drawn->f32[k + 1] < 1e-4f);
        }
    }
    lk_picture_free(drawn);
    lk_picture_free(before);
    lk__retouch_close(&r);
    lk_result_free(result);
    free(members);
    free(init);
    free(mask);
}

static void the_whole_is_drawn_in_its_own_aspect_or_at_the_size_said(void **state)
{
    (void)state;
    char *init = write_picture("a.png", 0), *mask = write_picture("m.png", 1);
    for (int sized = 0; sized < 2; sized++) {
        char *members = test_format("\"init\": \"%s\", \"mask\": \"%s\"%s", init, mask,
                                    sized ? ", \"size\": \"128x64\"" : "");
        lk_result *result = make_result(members);
        struct lk__retouch r = open_retouch(result, sized);
        assert_int_equal(result->request.width, sized ? 128 : 80);
        assert_int_equal(result->request.height, 64);
        assert_int_equal(r.picture->width, sized ? 128 : 96);
        assert_int_equal(r.width, r.picture->width);
        lk__retouch_close(&r);
        lk_result_free(result);
        free(members);
    }
    free(init);
    free(mask);
}

static void what_is_grown_repeats_the_edge_and_is_painted(void **state)
{
    (void)state;
    char *init = write_picture("a.png", 0);
    char *members =
        test_format("\"init\": \"%s\", \"extend\": \"16,0,8,0\", \"mask_blur\": 0", init);
    lk_result *result = make_result(members);
    struct lk__retouch r = open_retouch(result, false);
    assert_int_equal(r.picture->width, 120);
    assert_int_equal(r.picture->height, 64);
    assert_memory_equal(r.picture->f32, r.picture->f32 + 48, 3 * sizeof(float));
    assert_true(r.mask->value[15] == 1 && r.mask->value[16] == 0 && r.mask->value[111] == 0 &&
                r.mask->value[112] == 1);
    lk__retouch_close(&r);
    lk_result_free(result);
    free(members);
    free(init);
}

/* Of a picture of one colour nothing is seen. */
static void a_hole_is_filled_with_what_surrounds_it(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture = NULL;
    struct lk_mask *mask = NULL;
    must(lk_picture_new(50, 37, 3, LK_PIXEL_F32, &picture, &err), &err);
    must(lk_mask_new(50, 37, &mask, &err), &err);
    for (int k = 0; k < 50 * 37; k++) {
        mask->value[k] = k % 50 > 9 && k % 50 < 40 && k / 50 > 5 && k / 50 < 30;
        for (int c = 0; c < 3; c++)
            picture->f32[3 * k + c] = mask->value[k] > 0 ? 0 : 0.2f + 0.3f * (float)c;
    }
    must(lk_picture_fill(picture, mask, &err), &err);
    for (int k = 0; k < 3 * 50 * 37; k++)
        assert_true(picture->f32[k] > 0.199f + 0.3f * (float)(k % 3) &&
                    picture->f32[k] < 0.201f + 0.3f * (float)(k % 3));
    lk_picture_free(picture);
    lk_mask_free(mask);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    char *init = write_picture("a.png", 0), *mask = write_picture("m.png", 1);
    const struct {
        char *members;
        const char *says;
    } rows[] = {
        {test_format("\"mask\": \"%s\"", mask), "--mask changes a part of a picture"},
        {test_format("\"extend\": \"1,1,1,1\""), "--extend changes a part of a picture"},
        {test_format("\"init\": \"%s\", \"mask_invert\": true", init), "--mask-invert turns"},
        {test_format("\"init\": \"%s\", \"extend\": \"1,2,3\"", init), "LEFT,TOP,RIGHT,BOTTOM"},
        {test_format("\"init\": \"%s\", \"extend\": \"0,0,0,0\"", init), "LEFT,TOP,RIGHT,BOTTOM"},
        {test_format("\"init\": \"%s\", \"extend\": \"16384,0,0,0\"", init), "16384"},
        {test_format("\"init\": \"%s\", \"hires\": 2", init), "--hires goes with"},
        {test_format("\"init\": \"%s\", \"mask\": \"%s/none.png\"", init, folder), "none.png"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_error err = {0};
        struct lk__retouch r;
        lk_result *result = make_result(rows[i].members);
        assert_int_equal(lk__retouch_open(result, false, NULL, &r, &err), LK_E_INPUT);
        if (!strstr(err.message, rows[i].says))
            fail_msg("'%s' does not say '%s'", err.message, rows[i].says);
        lk__retouch_close(&r);
        lk_result_free(result);
        free(rows[i].members);
    }
    free(init);
    free(mask);
}

static int set_up(void **state)
{
    (void)state;
    folder = test_temp_dir();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_temp_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_masked_changes),
        cmocka_unit_test(the_whole_is_drawn_in_its_own_aspect_or_at_the_size_said),
        cmocka_unit_test(what_is_grown_repeats_the_edge_and_is_painted),
        cmocka_unit_test(a_hole_is_filled_with_what_surrounds_it),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
