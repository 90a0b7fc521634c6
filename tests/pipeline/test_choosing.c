// SPDX-License-Identifier: Apache-2.0
/* Which face a PLACE means, and how PLACEs are written. */
#include <stdlib.h>

#include "pipeline/faces/choosing.h"
#include "pipeline/request_people.h"
#include "support/check.h"

/* Four faces of a picture 400 × 200, from left to right: a large woman of 30 below, a small man of
 * 8 above, a man of 50 in the middle, a woman of 70 at the right, whom the detector is surest of.
 */
static struct lk__face_report faces[4];

static void set(int i, float x, float y, float side, float score, float age, char gender)
{
    struct lk_face *f = &faces[i].face;
    *f = (struct lk_face){.score = score, .age = age, .gender = gender, .index = i};
    f->box[0] = x - side / 2, f->box[1] = y - side / 2;
    f->box[2] = x + side / 2, f->box[3] = y + side / 2;
    f->embedding = (struct lk_embedding){.size = 128, .embedder = "e"};
    f->embedding.value[i] = 1;
}

static int make_faces(void **state)
{
    (void)state;
    set(0, 60, 150, 80, 0.8f, 30, 'f');
    set(1, 130, 40, 20, 0.6f, 8, 'm');
    set(2, 205, 105, 50, 0.7f, 50, 'm');
    set(3, 340, 90, 60, 0.9f, 70, 'f');
    return 0;
}

/* Bits of the faces that the place takes. */
static unsigned taken(const char *text, const struct lk_embedding *like)
{
    struct lk__place place;
    const struct lk__sight sight = {
        .faces = faces, .n = 4, .width = 400, .height = 200, .like = like, .same_person = 0.4f};
    unsigned bits = 0;
    if (!lk__place_read(text, &place))
        fail_msg("'%s' is no place", text);
    for (unsigned i = 0; i < 4; i++)
        bits |= (unsigned)lk__place_takes(&place, &sight, i) << i;
    return bits;
}

static void orders_and_filters_choose(void **state)
{
    (void)state;
    static const struct {
        const char *place;
        unsigned faces;
    } cases[] = {{NULL, 1},
                 {"largest", 1},
                 {"largest:1", 8},
                 {"smallest", 2},
                 {"left", 1},
                 {"left:3", 8},
                 {"2", 4},
                 {"right", 8},
                 {"right:1", 4},
                 {"top", 2},
                 {"bottom", 1},
                 {"best", 8},
                 {"worst", 2},
                 {"center", 4},
                 {"all", 15},
                 {"4", 0},
                 {"at:130x45", 2},
                 {"at:85%x50%", 8},
                 {"woman", 1},
                 {"woman+right", 8},
                 {"woman+all", 9},
                 {"man+largest:1", 2},
                 {"age:60-", 8},
                 {"age:-12", 2},
                 {"age:20-60+1", 4},
                 {"man+age:60-", 0},
                 {"woman+age:40-+all", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned bits = taken(cases[i].place, NULL);
        if (bits != cases[i].faces)
            fail_msg("'%s' takes %x", cases[i].place ? cases[i].place : "", bits);
    }
}

static void likeness_takes_who_is_most_alike_or_nobody(void **state)
{
    (void)state;
    struct lk_embedding like = faces[2].face.embedding, nobody = like;
    like.value[3] = 0.5f;
    nobody.value[2] = 0, nobody.value[9] = 1;
    assert_int_equal(taken("like", &like), 4);
    assert_int_equal(taken("woman+like", &like), 8); /* cosine 0.45 */
    assert_int_equal(taken("like", &nobody), 0);
    assert_int_equal(taken("like", NULL), 0);
}

static void faces_of_unknown_age_pass_no_filter(void **state)
{
    (void)state;
    faces[0].face.age = 0;
    faces[0].face.gender = 0;
    assert_int_equal(taken("woman+all", NULL), 8);
    assert_int_equal(taken("age:5-+all", NULL), 14);
    make_faces(NULL);
}

static void what_is_no_place_is_told(void **state)
{
    (void)state;
    struct lk__place place;
    static const char *const bad[] = {"",         "up",         "left:", "left:x",    "left:12345",
                                      "all:1",    "woman:1",    "age",   "age:",      "age:-",
                                      "age:9-5",  "age:a-b",    "at:",   "at:5",      "at:5x",
                                      "at:5x6x7", "left+woman", "+left", "left+",     "like:a",
                                      "at:1e9x1", "woman++",    "99999", "largest 1", "age:1-2-3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (lk__place_read(bad[i], &place))
            fail_msg("'%s' is taken for a place", bad[i]);
    }
}

static void people_are_written_one_by_one_or_in_a_list(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int n;
        struct lk_person people[2];
    } cases[] = {
        {"ada", 1, {{"ada", NULL, NULL}}},
        {"left=ada", 1, {{"ada", "left", NULL}}},
        {"left=ada,right=bo", 2, {{"ada", "left", NULL}, {"bo", "right", NULL}}},
        {"ada,woman+largest:1=bo", 2, {{"ada", NULL, NULL}, {"bo", "woman+largest:1", NULL}}},
        {"a=b,c.png", 1, {{"a=b,c.png", NULL, NULL}}},
        {"photos/a,b.png", 1, {{"photos/a,b.png", NULL, NULL}}},
        {"at:10x20%=ada", 1, {{"ada", "at:10x20%", NULL}}},
        {"like:b+o/x.jpg=ada", 1, {{"ada", "like", "b+o/x.jpg"}}},
        {"man+like:bo=ada,2=c", 2, {{"ada", "man+like", "bo"}, {"c", "2", NULL}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lk_request request = {.n_people = 0};
        struct lk_error err;
        assert_ok(lk__request_add_people(&request, cases[i].text, "--face", &err), &err);
        if (request.n_people != cases[i].n)
            fail_msg("'%s' is %d people", cases[i].text, request.n_people);
        for (int p = 0; p < request.n_people; p++) {
            const struct lk_person *got = &request.people[p], *want = &cases[i].people[p];
            assert_string_equal(got->photo, want->photo);
            assert_string_equal(got->place ? got->place : "-", want->place ? want->place : "-");
            assert_string_equal(got->like ? got->like : "-", want->like ? want->like : "-");
            lk__person_free(&request.people[p]);
        }
    }
}

static void people_without_a_name_or_a_reference_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "left=", "left=ada,right=", "like:=ada", "like=ada"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lk_request request = {.n_people = 0};
        struct lk_error err;
        assert_int_equal(lk__request_add_people(&request, bad[i], "--face", &err), LK_E_INPUT);
        assert_non_null(strstr(err.message, "--face"));
        for (int p = 0; p < request.n_people; p++)
            lk__person_free(&request.people[p]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_and_filters_choose),
        cmocka_unit_test(likeness_takes_who_is_most_alike_or_nobody),
        cmocka_unit_test(faces_of_unknown_age_pass_no_filter),
        cmocka_unit_test(what_is_no_place_is_told),
        cmocka_unit_test(people_are_written_one_by_one_or_in_a_list),
        cmocka_unit_test(people_without_a_name_or_a_reference_are_refused),
    };
    return cmocka_run_group_tests_name("choosing", tests, make_faces, NULL);
}
