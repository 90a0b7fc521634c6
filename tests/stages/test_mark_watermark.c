// SPDX-License-Identifier: Apache-2.0
/* The hidden mark on real photos, through what happens to pictures. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>

#include "base/size.h"
#include "stages/mark/watermark.h"
#include "stages/watermark_attacks.h"
#include "support/check.h"
#include "support/scratch.h"

static const struct lk_key key = {{7, 1, 4}}, other_key = {{7, 1, 5}};
static const uint64_t id = 0xfedcba9876543210;

static const char *const photos[] = {
    "fr_obama.jpg",
    "fr_biden.jpg",
    "human_person-vlado.jpg",
    "human_ai-upper.jpg",
    "fairface_race_Black.jpg",
    "human_stock-group-1.jpg",
    "noface_hemlock_2.jpg",
};

static struct lk_picture *marked_in(const struct lk_picture *picture, int threads)
{
    struct lk_error err;
    struct lk_picture *out = NULL;
    lk_watermark_ground *ground;
    assert_ok(lk_watermark_ground_new(picture, threads, &ground, &err), &err);
    assert_ok(lk_watermark_embed(picture, ground, &key, id, threads, &out, &err), &err);
    lk_watermark_ground_free(ground);
    return out;
}

static struct lk_picture *marked(const struct lk_picture *picture)
{
    return marked_in(picture, 2);
}

static struct lk_watermark read_in(const struct lk_picture *picture,
                                   const struct lk_key *with,
                                   int threads)
{
    struct lk_error err;
    struct lk_watermark mark;
    lk_watermark_ground *ground;
    assert_ok(lk_watermark_ground_new(picture, threads, &ground, &err), &err);
    assert_ok(lk_watermark_read(ground, with, LK_WATERMARK_RESIZED, threads, &mark, &err), &err);
    lk_watermark_ground_free(ground);
    return mark;
}

static struct lk_watermark read_mark(const struct lk_picture *picture, const struct lk_key *with)
{
    return read_in(picture, with, 2);
}

/* A photo that is no multiple of the parts it is worked on in, at a size that must be searched for.
 */
static void the_number_of_threads_changes_nothing(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *photo = photo_square("human_ai-upper.jpg", 601), *one = marked_in(photo, 1);
    const size_t bytes = (size_t)601 * 601 * 3;
    struct lk_picture *smaller;
    assert_ok(lk_picture_resize(one, 450, 450, &smaller, &err), &err);
    const struct lk_watermark seen = read_in(smaller, &key, 1);
    assert_true(seen.found && seen.id == id);
    for (int threads = 2; threads <= 3; threads++) {
        struct lk_picture *some = marked_in(photo, threads);
        assert_memory_equal(one->u8, some->u8, bytes);
        lk_picture_free(some);
        const struct lk_watermark again = read_in(smaller, &key, threads);
        assert_true(again.found && again.id == id && again.agreement == seen.agreement);
        assert_false(read_in(photo, &key, threads).found);
    }
    lk_picture_free(photo);
    lk_picture_free(one);
    lk_picture_free(smaller);
}

static void check_survival(const char *photo, int side)
{
    size_t n;
    const struct attack *list = attacks(&n);
    struct lk_picture *picture = photo_square(photo, side), *with = marked(picture);
    for (size_t i = 0; i < n; i++) {
        if (side < list[i].least_side)
            continue;
        struct lk_picture *after = attacked(with, &list[i]);
        struct lk_watermark mark = read_mark(after, &key);
        if (!mark.found || mark.id != id)
            fail_msg("%s at %d: the mark does not survive '%s'", photo, side, list[i].name);
        lk_picture_free(after);
    }
    lk_picture_free(picture);
    lk_picture_free(with);
}

static void the_mark_survives_what_it_promises(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        check_survival(photos[i], 512);
        check_survival(photos[i], 256);
    }
}

/* Nine tenths of it are a white ground, which 10 % brighter is nothing but white: 256² is too
 * little. */
static void the_mark_survives_on_a_studio_ground(void **state)
{
    (void)state;
    check_survival("human_ai-body.jpg", 512);
}

/* The hardest of what is promised, on every photo that there is. */
static void every_photo_keeps_its_mark(void **state)
{
    (void)state;
    static const struct {
        int side;
        const char *attack;
    } rows[] = {{512, "WebP 50"}, {256, "JPEG 80"}};
    struct dirent **list;
    int n = scandir(shared_path("photos"), &list, NULL, alphasort);
    assert_true(n > 20);
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < LK_ARRAY_LENGTH(rows) && *list[i]->d_name != '.'; k++) {
            const struct attack attack = {rows[k].attack, rows[k].side};
            struct lk_picture *picture = photo_square(list[i]->d_name, rows[k].side);
            struct lk_picture *with = marked(picture), *after = attacked(with, &attack);
            struct lk_watermark mark = read_mark(after, &key);
            if (!mark.found || mark.id != id)
                fail_msg("%s at %d: %s", list[i]->d_name, rows[k].side, rows[k].attack);
            lk_picture_free(picture);
            lk_picture_free(with);
            lk_picture_free(after);
        }
        free(list[i]);
    }
    free(list);
}

static void the_mark_leaves_40_dB(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_square(photos[i], 512), *with = marked(picture);
        if (!(psnr(picture, with) >= 40))
            fail_msg("%s: %.2f dB", photos[i], psnr(picture, with));
        lk_picture_free(picture);
        lk_picture_free(with);
    }
}

/* A grey ramp of one step in sixteen rows: nothing hides a mark there. */
static void an_even_surface_moves_by_less_than_a_step_in_the_mean(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *even = NULL;
    assert_ok(lk_picture_new(512, 512, 3, LK_PIXEL_U8, &even, &err), &err);
    for (int i = 0; i < 512 * 512 * 3; i++)
        even->u8[i] = (uint8_t)(100 + i / (512 * 3 * 16));
    struct lk_picture *with = marked(even);
    struct lk_watermark mark = read_mark(with, &key);
    assert_true(mark.found && mark.id == id);
    for (int i = 0; i < 512 * 512 * 3; i++)
        assert_true(abs(with->u8[i] - even->u8[i]) <= 3);
    assert_true(psnr(even, with) > 20 * log10(255 / 0.85));
    lk_picture_free(even);
    lk_picture_free(with);
}

/* A float picture of whole levels, so that all three colours are rounded alike. */
static void colour_and_alpha_stay(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *plain = photo_square("fr_obama.jpg", 256), *clear = NULL;
    assert_ok(lk_picture_new(256, 256, 4, LK_PIXEL_F32, &clear, &err), &err);
    for (int i = 0; i < 256 * 256; i++) {
        for (int c = 0; c < 3; c++)
            clear->f32[4 * i + c] = (float)(64 + plain->u8[3 * i + c] / 2) / 255;
        clear->f32[4 * i + 3] = (float)(i % 7) / 255;
    }
    struct lk_picture *with = marked(clear);
    int uneven = 0;
    for (int i = 0; i < 256 * 256; i++) {
        const uint8_t *b = with->u8 + 4 * (size_t)i;
        int step[3];
        for (int c = 0; c < 3; c++)
            step[c] = b[c] - (64 + plain->u8[3 * i + c] / 2);
        assert_int_equal(b[3], i % 7);
        uneven += step[0] != step[1] || step[0] != step[2];
    }
    assert_in_range(uneven, 0, 6); /* halves, which rounding may take either way */
    lk_picture_free(plain);
    lk_picture_free(clear);
    lk_picture_free(with);
}

static void the_same_input_gives_the_same_bytes(void **state)
{
    (void)state;
    struct lk_picture *picture = photo_square("fr_obama.jpg", 512);
    struct lk_picture *a = marked(picture), *b = marked(picture);
    assert_memory_equal(a->u8, b->u8, (size_t)512 * 512 * 3);
    lk_picture_free(picture);
    lk_picture_free(a);
    lk_picture_free(b);
}

static void all_sizes_from_128_on_are_marked(void **state)
{
    (void)state;
    static const int sizes[][2] = {{128, 128}, {131, 977}, {1433, 129}, {2000, 1428}};
    struct lk_error err;
    struct lk_picture *photo = photo_square("fairface_race_Middle_Eastern.jpg", 300);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(sizes); i++) {
        struct lk_picture *sized = NULL;
        assert_ok(lk_picture_resize(photo, sizes[i][0], sizes[i][1], &sized, &err), &err);
        struct lk_picture *with = marked(sized);
        struct lk_watermark mark = read_mark(with, &key);
        if (!mark.found || mark.id != id)
            fail_msg("%dx%d: no mark", sizes[i][0], sizes[i][1]);
        lk_picture_free(sized);
        lk_picture_free(with);
    }
    lk_picture_free(photo);
}

static void a_picture_that_is_too_small_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *small = photo_square("fr_obama.jpg", 127), *out = NULL;
    lk_watermark_ground *ground;
    assert_ok(lk_watermark_ground_new(small, 1, &ground, &err), &err);
    assert_fails(lk_watermark_embed(small, ground, &key, id, 1, &out, &err), &err, LK_E_INPUT,
                 "127x127 pixels cannot carry");
    lk_watermark_ground_free(ground);
    assert_null(out);
    assert_false(read_mark(small, &key).found);
    lk_picture_free(small);
}

/* The bound of 6e-7 follows from the check's 32 bits, see read.c; this looks for what would break
 * it. */
static void unmarked_pictures_and_other_keys_have_no_mark(void **state)
{
    (void)state;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_square(photos[i], 256), *with = marked(picture);
        for (uint8_t k = 0; k < 4; k++) {
            struct lk_key one = {{9, k}};
            assert_false(read_mark(picture, &one).found);
        }
        assert_false(read_mark(picture, &key).found);
        assert_false(read_mark(with, &other_key).found);
        lk_picture_free(picture);
        lk_picture_free(with);
    }
}

static void a_picture_without_content_has_no_mark(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture = NULL;
    for (int grey = 0; grey < 256; grey += 51) {
        assert_ok(lk_picture_new(200, 150, 3, LK_PIXEL_U8, &picture, &err), &err);
        memset(picture->u8, grey, (size_t)200 * 150 * 3);
        assert_false(read_mark(picture, &key).found);
        lk_picture_free(picture);
    }
}

/* What imwatermark/maxDct.py reads in a block of 4×4 pairs of pixels. */
static int package_bit(const struct lk_picture *picture, int x0, int y0)
{
    float most = -1;
    for (int i = 1; i < 16; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++) {
            int x = x0 + 2 * (i % 4) + k % 2, y = y0 + 2 * (i / 4) + k / 2;
            const uint8_t *rgb = picture->u8 + 3 * (size_t)(y * picture->width + x);
            double luma = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
            sum += (float)round(0.492 * (rgb[2] - luma) + 128);
        }
        most = fmaxf(most, sum / 2);
    }
    return fmodf(most, 36) > 18;
}

static void the_packages_decoder_reads_dwt_dct(void **state)
{
    (void)state;
    struct lk_error err;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(photos); i++) {
        struct lk_picture *picture = photo_square(photos[i], 256), *with = NULL;
        int votes[64] = {0};
        assert_ok(lk_watermark_embed_dwt_dct(picture, id, &with, &err), &err);
        for (int k = 0; k < 32 * 32; k++)
            votes[k % 64] += package_bit(with, 8 * (k % 32), 8 * (k / 32)) ? 1 : -1;
        for (int k = 0; k < 64; k++)
            assert_int_equal(votes[k] > 0, id >> (63 - k) & 1);
        lk_picture_free(picture);
        lk_picture_free(with);
    }
}

static void what_is_no_number_does_no_harm(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *bytes = photo_square("fr_obama.jpg", 256), *floats = NULL;
    assert_ok(lk_picture_convert(bytes, LK_PIXEL_F32, &floats, &err), &err);
    uint32_t nan = 0x7fc00000;
    memcpy(floats->f32 + 30000, &nan, sizeof nan);
    struct lk_picture *with = marked(floats);
    struct lk_watermark mark = read_mark(with, &key);
    assert_true(mark.found && mark.id == id);
    lk_picture_free(bytes);
    lk_picture_free(floats);
    lk_picture_free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_changes_nothing),
        cmocka_unit_test(the_mark_survives_what_it_promises),
        cmocka_unit_test(the_mark_survives_on_a_studio_ground),
        cmocka_unit_test(every_photo_keeps_its_mark),
        cmocka_unit_test(the_mark_leaves_40_dB),
        cmocka_unit_test(an_even_surface_moves_by_less_than_a_step_in_the_mean),
        cmocka_unit_test(colour_and_alpha_stay),
        cmocka_unit_test(the_same_input_gives_the_same_bytes),
        cmocka_unit_test(all_sizes_from_128_on_are_marked),
        cmocka_unit_test(a_picture_that_is_too_small_is_refused),
        cmocka_unit_test(unmarked_pictures_and_other_keys_have_no_mark),
        cmocka_unit_test(a_picture_without_content_has_no_mark),
        cmocka_unit_test(the_packages_decoder_reads_dwt_dct),
        cmocka_unit_test(what_is_no_number_does_no_harm),
    };
    return cmocka_run_group_tests_name("mark: watermark", tests, NULL, NULL);
}
