// SPDX-License-Identifier: Apache-2.0
/* Masks of a parser and an occluder against Python onnxruntime and OpenCV (tools/golden/refine.py);
 * the starter's parser; what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stages/face_support.h"
#include "stages/fit/segment.h"
#include "support/check.h"

static lk_segmenter *open_segmenter(const char *family, const char *file)
{
    struct lk_error err;
    lk_segmenter *segmenter = NULL;
    assert_ok(
        lk_segmenter_open(test_runtime(), family, golden_network(file), "cpu", &segmenter, &err),
        &err);
    return segmenter;
}

static void masks_are_those_of_onnxruntime_and_opencv(void **state)
{
    (void)state;
    char name[24], family[24], network[24], word[64];
    struct lk_error err;
    int side, seen = 0;
    FILE *file = golden_open("refine_families.tsv");
    while (fscanf(file, " %63s", word) == 1) {
        if (strcmp(word, "mask") != 0)
            continue;
        assert_int_equal(fscanf(file, "%23s %23s %23s %d after", name, family, network, &side), 4);
        struct lk_mask *mask = NULL;
        struct lk_picture *crop = picture_waves(side, side, 1);
        lk_segmenter *segmenter = open_segmenter(family, network);
        assert_ok(lk_segment_face(segmenter, crop, LK_REGIONS_ALL, NULL, &mask, &err), &err);
        /* A pixel on the edge of two classes may fall to either. */
        assert_int_equal(golden_compare(file, mask->value, (size_t)side * (size_t)side, 3e-3), 60);
        face_note("mask", family, "crop", 255 * golden_worst());
        lk_segmenter_free(segmenter);
        lk_picture_free(crop);
        lk_mask_free(mask);
        seen++;
    }
    assert_int_equal(seen, 6);
    fclose(file);
}

static void regions_are_read_by_their_names(void **state)
{
    (void)state;
    struct lk_error err;
    unsigned set = 0;
    assert_ok(lk_regions_read("skin,nose", "--face-mask-regions", &set, &err), &err);
    assert_int_equal(set, 1u << 1 | 1u << 10);
    assert_ok(lk_regions_read("all", "--face-mask-regions", &set, &err), &err);
    assert_int_equal(set, LK_REGIONS_ALL);
    static const char *const wrong[] = {"", "hair", "skin,,nose", "skin nose", ",skin"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(lk_regions_read(wrong[i], "--face-mask-regions", &set, &err), &err, LK_E_INPUT,
                     "--face-mask-regions: '");
}

static void fewer_regions_open_less(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_mask *all = NULL, *skin = NULL;
    struct lk_picture *crop = picture_waves(256, 256, 1);
    lk_segmenter *parser = open_segmenter("bisenet", "parser");
    assert_ok(lk_segment_face(parser, crop, LK_REGIONS_ALL, NULL, &all, &err), &err);
    assert_ok(lk_segment_face(parser, crop, 1u << 3, NULL, &skin, &err), &err);
    double a = 0, b = 0;
    for (size_t i = 0; i < 256 * 256; i++) {
        assert_true(skin->value[i] <= all->value[i] + 1e-5f);
        a += (double)all->value[i];
        b += (double)skin->value[i];
    }
    assert_true(b < a);
    lk_mask_free(all);
    lk_mask_free(skin);
    lk_picture_free(crop);
    lk_segmenter_free(parser);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_segmenter *segmenter = NULL;
    static const struct {
        const char *family, *file, *says;
    } cases[] = {
        {"bisenet", "occluder", "is no parser of family bisenet"},
        {"xseg", "parser", "is no occluder of family xseg"},
        {"bisenet", "swap_signed", "is no parser of family bisenet"},
        {"sinet", "parser", "'sinet' is not known"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(lk_segmenter_open(test_runtime(), cases[i].family,
                                       golden_network(cases[i].file), NULL, &segmenter, &err),
                     &err, LK_E_INPUT, cases[i].says);
    assert_null(segmenter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_those_of_onnxruntime_and_opencv),
        cmocka_unit_test(regions_are_read_by_their_names),
        cmocka_unit_test(fewer_regions_open_less),
        cmocka_unit_test(other_networks_are_refused),
    };
    return cmocka_run_group_tests_name("fit_segment", tests, NULL, NULL);
}
