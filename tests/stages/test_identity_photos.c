// SPDX-License-Identifier: Apache-2.0
/* Embeddings of real photos, from file to vector, against the reference of tools/golden/face.py. */
#include <math.h>
#include <stdlib.h>

#include "stages/face_support.h"
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

static struct lk_identity identity_of(const lk_embedder *embedder, const char *photo)
{
    struct lk_error err;
    struct lk_identity identity;
    struct lk_face *faces = NULL;
    struct lk_picture *picture = photo_read(photo);
    const size_t count = scrfd_find(picture, LK_FIND_QUICK, &faces); /* the reference's looks */
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
        struct lk_identity got = identity_of(embedder, photo);
        memcpy(want.embedder, got.embedding.embedder, sizeof want.embedder);
        float cosine = lk_embedding_cosine(&got.embedding, &want);
        if (!(cosine >= 0.999f))
            fail_msg("%s: cosine %g to the reference", photo, (double)cosine);
        face_note("embedder", "mobilefacenet", "cosine", (double)cosine);
        photos++;
    }
    assert_int_equal(photos, 23);
    fclose(file);
    lk_embedder_free(embedder);
}

static void one_person_is_near_and_two_are_far(void **state)
{
    (void)state;
    lk_embedder *embedder = open_embedder(NULL);
    const float same = lk_embedder_same_person(embedder);
    struct lk_identity obama = identity_of(embedder, "fr_obama.jpg");
    struct lk_identity again = identity_of(embedder, "fr_obama2.jpg");
    struct lk_identity biden = identity_of(embedder, "fr_biden.jpg");
    assert_true(lk_embedding_cosine(&obama.embedding, &again.embedding) >= same);
    assert_true(lk_embedding_cosine(&obama.embedding, &biden.embedding) < same);
    assert_true(lk_embedding_cosine(&again.embedding, &biden.embedding) < same);
    assert_string_equal(obama.name, "fr_obama.jpg");
    assert_int_equal(obama.photos, 1);
    lk_embedder_free(embedder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(photos_give_the_embeddings_of_the_reference),
        cmocka_unit_test(one_person_is_near_and_two_are_far),
    };
    return cmocka_run_group_tests_name("photos: identity", tests, NULL, NULL);
}
