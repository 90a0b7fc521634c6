// SPDX-License-Identifier: Apache-2.0
/* Photos stand for pictures that left: some have a row, others have none. */
#include <stdio.h>
#include <stdlib.h>

#include <vips/vips.h>

#include "data/phash.h"
#include "ledger/ledger.h"
#include "support/check.h"
#include "support/scratch.h"

static const char *const RELEASED[] = {
    "fr_obama.jpg",     "fr_biden.jpg",     "human_person-vlado.jpg", "human_ai-face.jpg",
    "opensee_Raw1.png", "noface_ipazc.jpg", "human_solvay1927.jpg",
};
static const char *const FOREIGN[] = {
    "fr_obama2.jpg",           "fr_obama3.jpg",        "human_person-vlado1.jpg",
    "human_person-vlado5.jpg", "human_ai-body.jpg",    "human_ai-upper.jpg",
    "opensee_Raw2.png",        "noface_hemlock_2.jpg", "fr_obama_and_biden.jpg",
    "fairface_race_Asian.jpg",
};
enum {
    N_RELEASED = sizeof RELEASED / sizeof *RELEASED,
    N_FOREIGN = sizeof FOREIGN / sizeof *FOREIGN
};

static void read_photo(const char *name, struct lk_picture **out)
{
    struct lk_error err;
    char path[64];
    snprintf(path, sizeof path, "photos/%s", name);
    assert_ok(lk_picture_read(shared_path(path), out, &err), &err);
}

/* How a picture comes back from elsewhere. */
static const struct attack {
    const char *name;
    double scale;
    int quality; /* of JPEG */
} attacks[] = {
    {"JPEG 50", 1, 50},
    {"JPEG 20", 1, 20},
    {"half the size", 0.5, 95},
    {"a third of the size, JPEG 50", 1 / 3.0, 50},
    {"one and a half times the size, JPEG 75", 1.5, 75},
};

static void attack(const struct attack *how, const struct lk_picture *in, struct lk_picture **out)
{
    struct lk_error err;
    struct lk_picture *sized;
    void *bytes;
    size_t size;
    assert_ok(lk_picture_resize(in, (int)(in->width * how->scale), (int)(in->height * how->scale),
                                &sized, &err),
              &err);
    VipsImage *image =
        vips_image_new_from_memory(sized->u8, (size_t)sized->width * (size_t)sized->height * 3,
                                   sized->width, sized->height, 3, VIPS_FORMAT_UCHAR);
    assert_int_equal(vips_jpegsave_buffer(image, &bytes, &size, "Q", how->quality, NULL), 0);
    g_object_unref(image);
    lk_picture_free(sized);
    assert_ok(lk_picture_read_bytes(bytes, size, how->name, out, &err), &err);
    g_free(bytes);
}

static lk_ledger *ledger;

static int make_rows(void **state)
{
    (void)state;
    struct lk_error err;
    json_t *nothing = json_object();
    assert_ok(lk_ledger_open(scratch_path("trace.db"), LK_LEDGER_WRITE, &ledger, &err), &err);
    for (int i = 0; i < N_RELEASED; i++) {
        struct lk_picture *picture;
        int64_t sequence;
        char watermark[17];
        snprintf(watermark, sizeof watermark, "%016x", 0xabc + i);
        read_photo(RELEASED[i], &picture);
        struct lk_ledger_entry entry = {.picture = {.format = "png", .watermark = watermark},
                                        .made = nothing,
                                        .personal = nothing};
        lk_sha256_bytes(RELEASED[i], strlen(RELEASED[i]), &entry.picture.sha256);
        assert_ok(lk_phash(picture, &entry.picture.phash, &err), &err);
        assert_ok(lk_ledger_append(ledger, &entry, NULL, &sequence, &err), &err);
        assert_int_equal(sequence, i + 1);
        lk_picture_free(picture);
    }
    json_decref(nothing);
    return 0;
}

static int close_ledger(void **state)
{
    (void)state;
    lk_ledger_close(ledger);
    return 0;
}

/* The rows that look like it. */
static size_t trace(const struct lk_picture *picture, struct lk_ledger_match *best)
{
    struct lk_error err;
    struct lk_ledger_picture sought = {.watermark = NULL};
    size_t n;
    assert_ok(lk_phash(picture, &sought.phash, &err), &err);
    assert_ok(lk_ledger_trace(ledger, &sought, best, 1, &n, &err), &err);
    return n;
}

static void a_picture_that_was_resized_and_compressed_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < N_RELEASED; i++) {
        struct lk_picture *picture, *attacked;
        read_photo(RELEASED[i], &picture);
        for (size_t a = 0; a < sizeof attacks / sizeof *attacks; a++) {
            struct lk_ledger_match match;
            attack(&attacks[a], picture, &attacked);
            if (!trace(attacked, &match))
                fail_msg("%s after %s is not found", RELEASED[i], attacks[a].name);
            assert_int_equal(match.by, LK_LEDGER_BY_LOOK);
            assert_int_equal(match.sequence, i + 1);
            lk_picture_free(attacked);
        }
        lk_picture_free(picture);
    }
}

static void a_picture_that_never_left_is_not_found(void **state)
{
    (void)state;
    for (int i = 0; i < N_FOREIGN; i++) {
        struct lk_picture *picture;
        struct lk_ledger_match match;
        read_photo(FOREIGN[i], &picture);
        if (trace(picture, &match))
            fail_msg("%s is taken for row %d: %d bits", FOREIGN[i], (int)match.sequence,
                     match.distance);
        lk_picture_free(picture);
    }
}

static void bytes_go_before_the_watermark_and_that_before_the_look(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture;
    struct lk_ledger_match match[4];
    size_t n;
    struct lk_ledger_picture sought = {.watermark = "0000000000000abd"};
    read_photo(RELEASED[0], &picture);
    assert_ok(lk_phash(picture, &sought.phash, &err), &err);
    lk_picture_free(picture);
    lk_sha256_bytes(RELEASED[2], strlen(RELEASED[2]), &sought.sha256);
    assert_ok(lk_ledger_trace(ledger, &sought, match, 4, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(match[0].by, LK_LEDGER_BY_BYTES);
    assert_int_equal(match[0].sequence, 3);
    lk_sha256_bytes("", 0, &sought.sha256);
    assert_ok(lk_ledger_trace(ledger, &sought, match, 4, &n, &err), &err);
    assert_int_equal(match[0].by, LK_LEDGER_BY_WATERMARK);
    assert_int_equal(match[0].sequence, 2);
    sought.watermark = "0000000000000000";
    assert_ok(lk_ledger_trace(ledger, &sought, match, 4, &n, &err), &err);
    assert_int_equal(match[0].by, LK_LEDGER_BY_LOOK);
    assert_int_equal(match[0].sequence, 1);
    assert_int_equal(match[0].distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_that_was_resized_and_compressed_is_found),
        cmocka_unit_test(a_picture_that_never_left_is_not_found),
        cmocka_unit_test(bytes_go_before_the_watermark_and_that_before_the_look),
    };
    return cmocka_run_group_tests(tests, make_rows, close_ledger);
}
