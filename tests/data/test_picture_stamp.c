// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/picture.h"
#include "support/check.h"
#include "support/scratch.h"

static struct lk_picture *grey(int width, int height, int channels)
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    assert_ok(lk_picture_new(width, height, channels, LK_PIXEL_U8, &out, &err), &err);
    memset(out->u8, 128, (size_t)width * (size_t)height * (size_t)channels);
    return out;
}

/* Counts the pixels that a stamp has changed; they lie in the lower right quarter. */
static int changed(const struct lk_picture *picture)
{
    int n = 0;
    for (int i = 0; i < picture->width * picture->height; i++) {
        if (picture->f32[i * picture->channels] == 128.0f / 255)
            continue;
        assert_true(i % picture->width >= picture->width / 2 - picture->width / 24);
        assert_true(i / picture->width >= picture->height / 2);
        n++;
    }
    return n;
}

static void a_text_is_laid_over_the_corner(void **state)
{
    (void)state;
    static const char *const texts[] = {"made by AI", "<b>&", "人工智能",
                                        "a text that is far too long to fit into half a picture"};
    struct lk_error err;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lk_picture *in = grey(480, 240, 3 + (int)(i & 1)), *out = NULL;
        assert_ok(lk_picture_stamp(in, texts[i], &out, &err), &err);
        assert_int_equal(out->channels, in->channels);
        assert_true(changed(out) > 50);
        lk_picture_free(in);
        lk_picture_free(out);
    }
}

static void a_logo_counts_by_its_alpha(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *logo = grey(40, 40, 4), *in = grey(480, 240, 3), *out = NULL;
    void *bytes;
    size_t size;
    for (int i = 0; i < 40 * 40; i++) {
        memset(logo->u8 + 4 * (size_t)i, 255, 3);
        logo->u8[4 * i + 3] = i % 40 < 20 ? 0 : 255;
    }
    assert_ok(lk_picture_encode(logo, LK_FORMAT_PNG, NULL, &bytes, &size, &err), &err);
    assert_ok(lk_picture_stamp(in, scratch_write("logo.png", bytes, size), &out, &err), &err);
    assert_in_range(changed(out), 200, 280); /* half of 20×20, and a soft edge */
    free(bytes);
    lk_picture_free(logo);
    lk_picture_free(in);
    lk_picture_free(out);
}

static void what_cannot_be_shown_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *in = grey(480, 240, 3), *small = grey(480, 95, 3), *out = NULL;
    assert_fails(lk_picture_stamp(in, "", &out, &err), &err, LK_E_INPUT, "empty");
    assert_fails(lk_picture_stamp(in, "\xff", &out, &err), &err, LK_E_INPUT, "UTF-8");
    assert_fails(lk_picture_stamp(in, "nosuch.png", &out, &err), &err, LK_E_INPUT, "nosuch.png");
    assert_fails(lk_picture_stamp(in, scratch_write("no.png", "text", 4), &out, &err), &err,
                 LK_E_INPUT, "no.png");
    assert_fails(lk_picture_stamp(small, "AI", &out, &err), &err, LK_E_INPUT, "480x95");
    assert_null(out);
    lk_picture_free(in);
    lk_picture_free(small);
}

/* Letters lie in their rectangle, are white and dark, and shrink to it. */
static void a_line_of_text_stays_in_its_place(void **state)
{
    (void)state;
    struct lk_error err;
    for (int width = 40; width <= 200; width += 160) {
        struct lk_picture *u8 = grey(300, 100, 3), *in = NULL;
        float least = 1, most = 0;
        assert_int_equal(lk_picture_convert(u8, LK_PIXEL_F32, &in, &err), 0);
        assert_int_equal(lk_picture_write(in, "identity 0.71 & <b>", 50, 30, width, 20, &err), 0);
        for (int y = 0; y < 100; y++) {
            for (int x = 0; x < 300; x++) {
                const size_t at = 3 * ((size_t)y * 300 + (size_t)x);
                const bool inside = x >= 50 && x < 50 + width && y >= 30 && y < 50;
                if (!inside && in->f32[at] != (float)u8->u8[at] / 255)
                    fail_msg("ink at %d, %d", x, y);
                least = fminf(least, in->f32[at]);
                most = fmaxf(most, in->f32[at]);
            }
        }
        assert_true(width < 200 || (least < 0.25f && most > 0.75f));
        assert_int_equal(lk_picture_write(in, "x", 290, 0, 20, 20, &err), LK_E_INPUT);
        assert_int_equal(lk_picture_write(in, "", 0, 0, 20, 20, &err), LK_E_INPUT);
        lk_picture_free(in);
        lk_picture_free(u8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_laid_over_the_corner),
        cmocka_unit_test(a_logo_counts_by_its_alpha),
        cmocka_unit_test(what_cannot_be_shown_is_refused),
        cmocka_unit_test(a_line_of_text_stays_in_its_place),
    };
    return cmocka_run_group_tests_name("picture: stamp", tests, NULL, NULL);
}
