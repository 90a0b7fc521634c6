// SPDX-License-Identifier: Apache-2.0
/* Embeddings of real photos against the reference; who is whom; what is refused. */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
#include "stages/find/detector.h"
#include "stages/identity/embedder.h"
#include "support/check.h"
#include "support/scratch.h"

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

static lk_detector *open_detector(void)
{
    struct lk_error err;
    lk_detector *detector = NULL;
    assert_ok(lk_detector_open(test_runtime(), NULL,
                               shared_path("detector/scrfd_2.5g_bnkps_640.onnx"), "cpu", &detector,
                               &err),
              &err);
    return detector;
}

static struct lk_identity identity_of(const lk_detector *detector,
                                      const lk_embedder *embedder,
                                      const char *photo)
{
    struct lk_error err;
    struct lk_identity identity;
    struct lk_face *faces = NULL;
    size_t count = 0;
    struct lk_picture *picture = photo_read(photo);
    assert_ok(lk_find_faces(detector, picture, 0.5f, NULL, &faces, &count, &err), &err);
    assert_ok(lk_identity_of_photo(embedder, photo, picture, faces, count, NULL, &identity, &err),
              &err);
    free(faces);
    lk_picture_free(picture);
    return identity;
}

/* Detection, alignment and embedding end to end. */
static void photos_give_the_embeddings_of_the_reference(void **state)
{
    (void)state;
    lk_detector *detector = open_detector();
    lk_embedder *embedder = open_embedder(NULL);
    FILE *file = golden_open("faces.tsv");
    char line[8192], photo[128] = "";
    int photos = 0;
    while (fgets(line, sizeof line, file)) {
        int index, used;
        if (sscanf(line, "photo %127s", photo) == 1)
            continue;
        if (sscanf(line, "embedding %d%n", &index, &used) != 1)
            continue;
        struct lk_embedding want = {.size = 128};
        char *at = line + used;
        for (int i = 0; i < 128; i++)
            want.value[i] = strtof(at, &at);
        struct lk_identity got = identity_of(detector, embedder, photo);
        memcpy(want.embedder, got.embedding.embedder, sizeof want.embedder);
        float cosine = lk_embedding_cosine(&got.embedding, &want);
        if (!(cosine >= 0.999f))
            fail_msg("%s: cosine %g to the reference", photo, (double)cosine);
        photos++;
    }
    assert_int_equal(photos, 23);
    fclose(file);
    lk_embedder_free(embedder);
    lk_detector_free(detector);
}

static void one_person_is_near_and_two_are_far(void **state)
{
    (void)state;
    lk_detector *detector = open_detector();
    lk_embedder *embedder = open_embedder(NULL);
    const float same = lk_embedder_same_person(embedder);
    struct lk_identity obama = identity_of(detector, embedder, "fr_obama.jpg");
    struct lk_identity again = identity_of(detector, embedder, "fr_obama2.jpg");
    struct lk_identity biden = identity_of(detector, embedder, "fr_biden.jpg");
    assert_true(lk_embedding_cosine(&obama.embedding, &again.embedding) >= same);
    assert_true(lk_embedding_cosine(&obama.embedding, &biden.embedding) < same);
    assert_true(lk_embedding_cosine(&again.embedding, &biden.embedding) < same);
    assert_string_equal(obama.name, "fr_obama.jpg");
    assert_int_equal(obama.photos, 1);
    lk_embedder_free(embedder);
    lk_detector_free(detector);
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

static void families_are_told_by_their_output(void **state)
{
    (void)state;
    lk_embedder *embedder = open_embedder("arcface");
    assert_string_equal(lk_embedder_family(embedder), "mobilefacenet");
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
        cmocka_unit_test(photos_give_the_embeddings_of_the_reference),
        cmocka_unit_test(one_person_is_near_and_two_are_far),
        cmocka_unit_test(an_embedding_is_a_unit_vector_that_knows_its_embedder),
        cmocka_unit_test(the_largest_good_face_is_taken),
        cmocka_unit_test(families_are_told_by_their_output),
        cmocka_unit_test(other_networks_and_faces_without_points_are_refused),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
