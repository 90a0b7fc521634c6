// SPDX-License-Identifier: Apache-2.0
/* Embeddings and identities by themselves; what is refused. */
#include <math.h>
#include <stdlib.h>

#include "data/align.h"
#include "stages/face_support.h"
#include "stages/identity/embedder.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

static const char *const mobilefacenet = "embedder/MobileFaceNet.onnx";

static lk_embedder *open_embedder(const char *family)
{
    struct lk_error err;
    lk_embedder *embedder = NULL;
    assert_ok(lk_embedder_open(test_runtime(), family, shared_path(mobilefacenet), "cpu", &embedder,
                               &err),
              &err);
    return embedder;
}

static void an_embedding_is_a_unit_vector_that_knows_its_embedder(void **state)
{
    (void)state;
    struct lk_error err;
    lk_embedder *embedder = open_embedder("mobilefacenet");
    struct lk_picture *picture = picture_noise(112, 112);
    struct lk_face face = {
        .points = {{38.3f, 51.7f}, {73.5f, 51.5f}, {56.0f, 71.7f}, {41.5f, 92.4f}, {70.7f, 92.2f}}};
    struct lk_embedding e;
    assert_ok(lk_embed_face(embedder, picture, &face, NULL, &e, &err), &err);
    double square = 0;
    for (int i = 0; i < e.size; i++)
        square += (double)e.value[i] * e.value[i];
    assert_int_equal(e.size, 128);
    assert_true(fabs(square - 1) < 1e-5);
    assert_string_equal(e.embedder, lk_embedder_sha256(embedder));
    assert_int_equal(strlen(e.embedder), 64);
    lk_picture_free(picture);
    lk_embedder_free(embedder);
}

static void the_largest_good_face_is_taken(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_identity all, one;
    lk_embedder *embedder = open_embedder(NULL);
    struct lk_picture *picture = picture_noise(400, 200);
    struct lk_face faces[3] = {
        {.score = 0.9f, .box = {0, 0, 50, 50}},
        {.score = 0.8f, .box = {200, 0, 300, 100}},
        {.score = 0.3f, .box = {0, 0, 399, 199}}, /* large, but hardly a face */
    };
    static const float at[5][2] = {{38, 52}, {74, 52}, {56, 72}, {42, 92}, {71, 92}};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 5; k++) {
            faces[i].points[k][0] = at[k][0] + 60 * (float)i;
            faces[i].points[k][1] = at[k][1];
        }
    }
    assert_ok(lk_identity_of_photo(embedder, "p", picture, faces, 3, NULL, &all, &err), &err);
    assert_ok(lk_identity_of_photo(embedder, "p", picture, &faces[1], 1, NULL, &one, &err), &err);
    assert_memory_equal(all.embedding.value, one.embedding.value, 128 * sizeof(float));
    assert_fails(lk_identity_of_photo(embedder, "sea.png", picture, NULL, 0, NULL, &one, &err),
                 &err, LK_E_INPUT, "no face is found in 'sea.png'");
    lk_picture_free(picture);
    lk_embedder_free(embedder);
}

static void many_faces_are_embedded_as_one_by_one_is(void **state)
{
    (void)state;
    enum { FACES = 20 }; /* more than go into one run */
    static const float at[5][2] = {{38, 52}, {74, 52}, {56, 72}, {42, 92}, {71, 92}};
    struct lk_error err;
    struct lk_picture *picture = picture_noise(400, 200);
    char *starters = test_format("%s/starter/pack/embedder.onnx", getenv("LIKENESS_SOURCE"));
    const char *const paths[] = {starters, shared_path(mobilefacenet)}; /* batch free; batch 1 */
    struct lk_face faces[FACES] = {0};
    for (int i = 0; i < FACES; i++) {
        for (int k = 0; k < 5; k++) {
            faces[i].points[k][0] = at[k][0] + 14 * (float)i;
            faces[i].points[k][1] = at[k][1] + 2 * (float)i;
        }
    }
    for (size_t n = 0; n < 2; n++) {
        lk_embedder *embedder = NULL;
        assert_ok(lk_embedder_open(test_runtime(), NULL, paths[n], "cpu", &embedder, &err), &err);
        assert_ok(lk_embed_faces(embedder, picture, faces, FACES, NULL, &err), &err);
        for (int i = 0; i < FACES; i++) {
            struct lk_embedding one;
            assert_ok(lk_embed_face(embedder, picture, &faces[i], NULL, &one, &err), &err);
            assert_int_equal(one.size, faces[i].embedding.size);
            for (int k = 0; k < one.size; k++)
                assert_true(fabsf(one.value[k] - faces[i].embedding.value[k]) < 1e-5f);
        }
        lk_embedder_free(embedder);
    }
    free(starters);
    lk_picture_free(picture);
}

static void families_are_told_by_their_output(void **state)
{
    (void)state;
    lk_embedder *embedder = open_embedder("arcface");
    assert_string_equal(lk_embedder_family(embedder), "mobilefacenet");
    lk_embedder_free(embedder);
}

/* x·2, y·2, (x + y)/2 + 40: find.py's, a crop of an aligned face already. */
static struct lk_picture *crop_of_formula(void)
{
    struct lk_error err;
    struct lk_picture *picture = NULL;
    assert_ok(lk_picture_new(112, 112, 3, LK_PIXEL_U8, &picture, &err), &err);
    uint8_t *to = picture->u8;
    for (int y = 0; y < 112; y++) {
        for (int x = 0; x < 112; x++, to += 3) {
            to[0] = (uint8_t)(x * 2);
            to[1] = (uint8_t)(y * 2);
            to[2] = (uint8_t)((x + y) / 2 + 40);
        }
    }
    return picture;
}

static void each_family_has_its_own_pixels(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_picture *picture = crop_of_formula();
    struct lk_face face = {.score = 1};
    FILE *file = golden_open("find_embedders.tsv");
    char name[64], family[32];
    int cases = 0;
    lk_align_points(LK_ALIGN_ARCFACE_112_V2, 112, face.points);
    while (fscanf(file, " embedder %63s %31s", name, family) == 2) {
        lk_embedder *embedder = NULL;
        struct lk_embedding e;
        assert_ok(
            lk_embedder_open(test_runtime(), family, golden_path(name), "cpu", &embedder, &err),
            &err);
        assert_string_equal(lk_embedder_family(embedder), family);
        assert_ok(lk_embed_face(embedder, picture, &face, NULL, &e, &err), &err);
        assert_true(golden_compare(file, e.value, (size_t)e.size, 1e-5) > 18);
        face_note("embedder", family, "vector", golden_worst());
        lk_embedder_free(embedder);
        cases++;
    }
    assert_int_equal(cases, 4);
    fclose(file);
    lk_picture_free(picture);
}

static void sface_is_told_by_its_input(void **state)
{
    (void)state;
    struct lk_error err;
    lk_embedder *embedder = NULL;
    assert_ok(lk_embedder_open(test_runtime(), NULL, golden_path("find_sface.onnx"), "cpu",
                               &embedder, &err),
              &err);
    assert_string_equal(lk_embedder_family(embedder), "sface");
    assert_true(lk_embedder_same_person(embedder) == 0.363f);
    lk_embedder_free(embedder);
}

static void other_networks_and_faces_without_points_are_refused(void **state)
{
    (void)state;
    struct lk_error err;
    lk_embedder *embedder = NULL;
    static const char *const others[] = {"detector/scrfd_2.5g_bnkps_640.onnx",
                                         "landmark/opensee_lm_model0_opt.onnx",
                                         "converted/gender_mini_xception.onnx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_fails(
            lk_embedder_open(test_runtime(), NULL, shared_path(others[i]), NULL, &embedder, &err),
            &err, LK_E_INPUT, "is no embedder of family arcface");
    assert_fails(
        lk_embedder_open(test_runtime(), "face", shared_path(mobilefacenet), NULL, &embedder, &err),
        &err, LK_E_INPUT, "'face' is not known");
    assert_null(embedder);
    embedder = open_embedder(NULL);
    struct lk_picture *picture = picture_noise(112, 112);
    struct lk_face face = {.score = 1};
    struct lk_embedding e;
    assert_int_equal(lk_embed_face(embedder, picture, &face, NULL, &e, &err), LK_E_INPUT);
    lk_picture_free(picture);
    lk_embedder_free(embedder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_embedding_is_a_unit_vector_that_knows_its_embedder),
        cmocka_unit_test(the_largest_good_face_is_taken),
        cmocka_unit_test(many_faces_are_embedded_as_one_by_one_is),
        cmocka_unit_test(families_are_told_by_their_output),
        cmocka_unit_test(each_family_has_its_own_pixels),
        cmocka_unit_test(sface_is_told_by_its_input),
        cmocka_unit_test(other_networks_and_faces_without_points_are_refused),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
