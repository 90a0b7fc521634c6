// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cast/consent.h"
#include "cast/faces.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

static struct lk_cast_member find(lk_cast *cast, const char *name)
{
    struct lk_error err;
    struct lk_cast_member member;
    assert_ok(lk_cast_find(cast, name, &member, &err), &err);
    return member;
}

static void only_the_owner_may_read_a_cast(void **state)
{
    (void)state;
    struct stat status;
    lk_cast_close(open_cast(scratch_path("private.db"), NULL));
    assert_int_equal(stat(scratch_path("private.db"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(scratch_path("private.db.key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_person_is_the_mean_of_their_photos_weighted_by_quality(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_identity identity;
    struct lk_cast_photo a = make_photo(1, 0), b = make_photo(1, 40);
    double dot = 0, square = 0;
    int asked;
    lk_cast *cast = open_cast(scratch_path("mean.db"), NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 1, &err), &err);
    assert_ok(add_person(cast, "ada", 1, 40, 1, &err), &err);
    struct lk_cast_member ada = find(cast, "ada");
    struct lk_cast_embedder embedder = make_embedder(FIRST_EMBEDDER, &asked);
    assert_ok(lk_cast_identity(cast, &ada, &embedder, &identity, &err), &err);
    assert_int_equal(asked, 0);
    assert_int_equal(identity.photos, 2);
    assert_string_equal(identity.name, "ada");
    for (int i = 0; i < a.embedding.size; i++) {
        double v = 0.5 * (double)a.embedding.value[i] + 0.9 * (double)b.embedding.value[i];
        dot += v * (double)identity.embedding.value[i];
        square += v * v;
    }
    assert_float_equal(dot / sqrt(square), 1, 1e-6);
    free_photo(&a);
    free_photo(&b);
    lk_cast_close(cast);
}

static void a_mean_is_of_one_embedder_and_one_person(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_embedding mean;
    struct lk_cast_photo photos[] = {
        {.quality = 1, .embedding = {.size = 2, .value = {1, 0}, .embedder = "x"}},
        {.quality = 1, .embedding = {.size = 2, .value = {0, 1}, .embedder = "x"}},
    };
    assert_ok(lk_cast_mean(photos, 2, &mean, &err), &err);
    assert_float_equal(mean.value[0], sqrt(0.5), 1e-6);
    assert_float_equal(mean.value[1], sqrt(0.5), 1e-6);
    *photos[1].embedding.embedder = 'y';
    assert_fails(lk_cast_mean(photos, 2, &mean, &err), &err, LK_E_INPUT, "two embedders");
    photos[1].embedding = photos[0].embedding;
    photos[1].embedding.value[0] = -1;
    assert_fails(lk_cast_mean(photos, 2, &mean, &err), &err, LK_E_INPUT, "contradict");
    photos[1].embedding.value[0] = NAN;
    assert_fails(lk_cast_mean(photos, 2, &mean, &err), &err, LK_E_INPUT, "contradict");
    assert_fails(lk_cast_mean(photos, 0, &mean, &err), &err, LK_E_INPUT, "no photo");
}

static void another_embedder_sees_the_crops_once(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_identity first, again;
    int asked;
    lk_cast *cast = open_cast(scratch_path("again.db"), NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 3, &err), &err);
    struct lk_cast_member ada = find(cast, "ada");
    struct lk_cast_embedder other = make_embedder(OTHER_EMBEDDER, &asked);
    assert_ok(lk_cast_identity(cast, &ada, &other, &first, &err), &err);
    assert_int_equal(asked, 3);
    assert_ok(lk_cast_identity(cast, &ada, &other, &again, &err), &err);
    assert_int_equal(asked, 3);
    assert_memory_equal(&first.embedding, &again.embedding, sizeof first.embedding);
    assert_string_equal(first.embedding.embedder, OTHER_EMBEDDER);
    lk_cast_close(cast);
}

static void a_photo_counts_once_and_somebody_elses_not_at_all(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast = open_cast(scratch_path("once.db"), NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 2, &err), &err);
    assert_ok(add_person(cast, "ada", 1, 1, 2, &err), &err);
    assert_int_equal(find(cast, "ada").photos, 3);
    assert_fails(add_person(cast, "ada", 2, 0, 1, &err), &err, LK_E_INPUT, "somebody else");
    assert_int_equal(find(cast, "ada").photos, 3);
    struct lk_cast_photo mixed[] = {make_photo(3, 0), make_photo(4, 0)};
    const struct lk_cast_entry entry = {.name = "bo", .origin = "tests", .same_person = 0.5f};
    assert_fails(lk_cast_add(cast, &entry, mixed, 2, &err), &err, LK_E_INPUT, "photo 2 of 'bo'");
    struct lk_cast_member nobody;
    assert_fails(lk_cast_find(cast, "bo", &nobody, &err), &err, LK_E_MISSING, "'bo'");
    free_photo(&mixed[0]);
    free_photo(&mixed[1]);
    lk_cast_close(cast);
}

static void a_face_is_matched_to_the_nearest(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_cast_match matches[4];
    struct lk_cast_photo face = make_photo(2, 77);
    size_t n;
    int asked;
    lk_cast *cast = open_cast(scratch_path("match.db"), NULL);
    for (int who = 0; who < 5; who++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", who);
        assert_ok(add_person(cast, name, who, 0, 2, &err), &err);
    }
    struct lk_cast_embedder embedder = make_embedder(FIRST_EMBEDDER, &asked);
    assert_ok(lk_cast_match(cast, &embedder, &face.embedding, 0.5f, false, matches, 4, &n, &err),
              &err);
    assert_int_equal(n, 1);
    assert_string_equal(matches[0].member.name, "p2");
    assert_ok(lk_cast_match(cast, &embedder, &face.embedding, -1, false, matches, 4, &n, &err),
              &err);
    assert_int_equal(n, 4);
    assert_string_equal(matches[0].member.name, "p2");
    for (int i = 1; i < 4; i++)
        assert_true(matches[i].cosine <= matches[i - 1].cosine);
    assert_ok(lk_cast_match(cast, &embedder, &face.embedding, 0.5f, true, matches, 4, &n, &err),
              &err);
    assert_int_equal(n, 0);
    assert_ok(lk_cast_bar(cast, "p2", true, &err), &err);
    assert_ok(lk_cast_match(cast, &embedder, &face.embedding, 0.5f, true, matches, 4, &n, &err),
              &err);
    assert_int_equal(n, 1);
    free_photo(&face);
    lk_cast_close(cast);
}

/* A barred person of whom only another embedder's vector is known might be anybody. */
static void who_is_barred_and_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_cast_match match;
    struct lk_cast_photo known = make_photo(1, 0), face = make_photo(2, 0);
    const struct lk_cast_entry entry = {.name = "ada", .origin = "tests", .same_person = 0.5f};
    size_t n;
    int asked;
    lk_cast *cast = open_cast(scratch_path("blind.db"), NULL);
    free_photo(&known);
    known.crop = NULL;
    assert_ok(lk_cast_add(cast, &entry, &known, 1, &err), &err);
    struct lk_cast_embedder other = make_embedder(OTHER_EMBEDDER, &asked);
    assert_ok(lk_cast_match(cast, &other, &face.embedding, 0.5f, false, &match, 1, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(lk_cast_bar(cast, "ada", true, &err), &err);
    assert_fails(lk_cast_match(cast, &other, &face.embedding, 0.5f, true, &match, 1, &n, &err),
                 &err, LK_E_REFUSED, "'ada'");
    free_photo(&face);
    lk_cast_close(cast);
}

static void names_are_plain(void **state)
{
    (void)state;
    // clang-format off
    static const char *const bad[] = {"", "-ada", " ada", "ada ", "a/b", "left=ada", "a\nb", "a\x1b[2J", "\xff",
                                      "a name of far more than sixty-three bytes, which is more than it may be"};
    static const char *const good[] = {"ada", "Ada Lovelace", "Zoë", "J. Smith", "愛"};
    // clang-format on
    struct lk_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(lk_cast_check_name(bad[i], &err), &err, LK_E_INPUT, "no name");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(lk_cast_check_name(good[i], &err), &err);
}

static void renaming_keeps_the_person(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_cast_member member;
    lk_cast *cast = open_cast(scratch_path("rename.db"), NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 1, &err), &err);
    assert_ok(add_person(cast, "bo", 2, 0, 1, &err), &err);
    struct lk_cast_member ada = find(cast, "ada");
    assert_fails(lk_cast_rename(cast, "ada", "bo", &err), &err, LK_E_INPUT, "already");
    assert_fails(lk_cast_rename(cast, "eve", "x", &err), &err, LK_E_MISSING, "'eve'");
    assert_fails(lk_cast_rename(cast, "ada", "a/b", &err), &err, LK_E_INPUT, "no name");
    assert_ok(lk_cast_rename(cast, "ada", "Ada", &err), &err);
    assert_fails(lk_cast_find(cast, "ada", &member, &err), &err, LK_E_MISSING, "'ada'");
    assert_string_equal(find(cast, "Ada").uid, ada.uid);
    lk_cast_close(cast);
}

static void what_is_removed_is_gone_from_the_file(void **state)
{
    (void)state;
    struct lk_error err;
    const struct lk_consent_terms terms = {
        .uses = 1, .until = "2099-12-31", .evidence = "a letter of hers"};
    const char *path = scratch_path("remove.db");
    struct lk_cast_photo photo = make_photo(1, 0);
    const size_t n = 64 * sizeof *photo.embedding.value;
    lk_cast *cast = open_cast(path, NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 3, &err), &err);
    assert_ok(add_person(cast, "bo", 2, 0, 1, &err), &err);
    assert_ok(lk_consent_grant(cast, "ada", &terms, 0, &err), &err);
    struct lk_cast_member ada = find(cast, "ada");
    assert_true(file_holds(path, photo.embedding.value, n));
    assert_true(file_holds(path, "a letter of hers", 16));
    assert_ok(lk_cast_bar(cast, "ada", true, &err), &err);
    assert_fails(lk_cast_remove(cast, "ada", &err), &err, LK_E_REFUSED, "unbar");
    assert_ok(lk_cast_bar(cast, "ada", false, &err), &err);
    assert_ok(lk_cast_remove(cast, "ada", &err), &err);
    assert_false(file_holds(path, photo.embedding.value, n));
    assert_false(file_holds(path, "a letter of hers", 16));
    assert_false(file_holds(path, ada.uid, 32));
    assert_int_equal(find(cast, "bo").photos, 1);
    free_photo(&photo);
    lk_cast_close(cast);
}

static void a_sealed_cast_shows_no_face_without_its_passphrase(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_identity identity;
    const char *path = scratch_path("sealed.db");
    struct lk_cast_photo photo = make_photo(1, 0);
    int asked;
    struct lk_cast_embedder embedder = make_embedder(FIRST_EMBEDDER, &asked);
    lk_cast *cast = open_cast(path, "open sesame");
    assert_ok(add_person(cast, "ada", 1, 0, 2, &err), &err);
    lk_cast_close(cast);
    assert_false(file_holds(path, photo.embedding.value, 64));
    assert_false(file_holds(path, "IHDR", 4));
    assert_fails(lk_cast_open(path, LK_CAST_READ, "open barley", &cast, &err), &err, LK_E_INPUT,
                 "passphrase does not open");

    assert_ok(lk_cast_open(path, LK_CAST_READ, NULL, &cast, &err), &err);
    struct lk_cast_member ada = find(cast, "ada");
    assert_fails(lk_cast_identity(cast, &ada, &embedder, &identity, &err), &err, LK_E_INPUT,
                 "LIKENESS_PASSPHRASE");
    assert_fails(add_person(cast, "bo", 2, 0, 1, &err), &err, LK_E_INPUT, "LIKENESS_PASSPHRASE");
    lk_cast_close(cast);

    assert_ok(lk_cast_open(path, LK_CAST_READ, "open sesame", &cast, &err), &err);
    assert_ok(lk_cast_identity(cast, &ada, &embedder, &identity, &err), &err);
    assert_true(lk_embedding_cosine(&identity.embedding, &photo.embedding) > 0.9f);
    lk_cast_close(cast);
    lk_cast_close(open_cast(scratch_path("open.db"), NULL));
    assert_fails(lk_cast_open(scratch_path("open.db"), LK_CAST_READ, "open sesame", &cast, &err),
                 &err, LK_E_INPUT, "not sealed");
    free_photo(&photo);
}

/* The journal that the next transaction of the file will use, and what is left in it afterwards:
 * another name for it lives on. */
static const char *spy_on_journal(const char *path, const char *name)
{
    char *journal = test_format("%s-journal", path);
    const char *spy = scratch_path(name);
    test_write_text(journal, "");
    assert_int_equal(link(journal, spy), 0);
    free(journal);
    return spy;
}

static void check_blank(const char *path)
{
    struct lk_error err;
    struct lk_file file;
    assert_ok(lk_file_map(path, &file, &err), &err);
    assert_true(file.size > 4096);
    for (size_t i = 0; i < file.size; i++)
        assert_int_equal(file.bytes[i], 0);
    lk_file_unmap(&file);
}

static void check_sees(const char *path, const char *passphrase)
{
    struct lk_error err;
    struct lk_identity identity;
    int asked;
    struct lk_cast_photo photo = make_photo(1, 0);
    struct lk_cast_embedder first = make_embedder(FIRST_EMBEDDER, &asked),
                            other = make_embedder(OTHER_EMBEDDER, &asked);
    lk_cast *cast = open_cast(path, passphrase);
    struct lk_cast_member ada = find(cast, "ada");
    assert_ok(lk_cast_identity(cast, &ada, &first, &identity, &err), &err);
    assert_true(lk_embedding_cosine(&identity.embedding, &photo.embedding) > 0.9f);
    assert_ok(lk_cast_identity(cast, &ada, &other, &identity, &err), &err); /* of the crops */
    assert_int_equal(identity.photos, 2);
    free_photo(&photo);
    lk_cast_close(cast);
}

static void a_cast_is_sealed_and_opened_later(void **state)
{
    (void)state;
    struct lk_error err;
    const char *path = scratch_path("later.db");
    struct lk_cast_photo photo = make_photo(1, 0);
    lk_cast *cast = open_cast(path, NULL), *late = open_cast(path, NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 2, &err), &err);
    assert_ok(add_person(cast, "bo", 2, 0, 1, &err), &err);
    assert_true(file_holds(path, "IHDR", 4));
    const char *spy = spy_on_journal(path, "spy");
    assert_ok(lk_cast_seal(cast, "open sesame", &err), &err);
    assert_false(file_holds(path, "IHDR", 4));
    assert_false(file_holds(path, photo.embedding.value, 64));
    check_blank(spy);
    assert_fails(add_person(late, "eve", 3, 0, 1, &err), &err, LK_E_FAILED, "meanwhile");
    assert_false(file_holds(path, "IHDR", 4));
    lk_cast_close(late);
    lk_cast_close(cast);
    check_sees(path, "open sesame");

    cast = open_cast(path, "open sesame");
    assert_ok(lk_cast_seal(cast, "open barley", &err), &err);
    assert_ok(add_person(cast, "eve", 3, 0, 1, &err), &err);
    lk_cast_close(cast);
    assert_fails(lk_cast_open(path, LK_CAST_READ, "open sesame", &cast, &err), &err, LK_E_INPUT,
                 "passphrase does not open");
    check_sees(path, "open barley");
    assert_ok(lk_cast_open(path, LK_CAST_SEAL, NULL, &cast, &err), &err);
    assert_fails(lk_cast_seal(cast, NULL, &err), &err, LK_E_INPUT, "LIKENESS_PASSPHRASE");
    lk_cast_close(cast);
    check_sees(path, "open barley");

    cast = open_cast(path, "open barley");
    assert_ok(lk_cast_seal(cast, NULL, &err), &err);
    lk_cast_close(cast);
    check_sees(path, NULL);
    free_photo(&photo);
}

static void other_files_are_no_cast(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast;
    static const char text[] = "this is a text and no database, whatever its name";
    const char *path = scratch_write("text.db", text, sizeof text);
    assert_fails(lk_cast_open(path, LK_CAST_READ, NULL, &cast, &err), &err, LK_E_INPUT, "no cast");
    assert_fails(lk_cast_open(scratch_path("nosuch.db"), LK_CAST_READ, NULL, &cast, &err), &err,
                 LK_E_MISSING, "cast add");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_owner_may_read_a_cast),
        cmocka_unit_test(a_person_is_the_mean_of_their_photos_weighted_by_quality),
        cmocka_unit_test(a_mean_is_of_one_embedder_and_one_person),
        cmocka_unit_test(another_embedder_sees_the_crops_once),
        cmocka_unit_test(a_photo_counts_once_and_somebody_elses_not_at_all),
        cmocka_unit_test(a_face_is_matched_to_the_nearest),
        cmocka_unit_test(who_is_barred_and_cannot_be_compared_is_refused),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(renaming_keeps_the_person),
        cmocka_unit_test(what_is_removed_is_gone_from_the_file),
        cmocka_unit_test(a_sealed_cast_shows_no_face_without_its_passphrase),
        cmocka_unit_test(a_cast_is_sealed_and_opened_later),
        cmocka_unit_test(other_files_are_no_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
