// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "cast/consent.h"
#include "cast/faces.h"
#include "support/check.h"
#include "support/scratch.h"

/* 2026-11-29, noon */
enum { NOW = 1795953600, DAY = 24 * 60 * 60 };

static const char *const EVIDENCE = "signed release of 1 November";

static lk_cast *cast_with_ada(const char *path)
{
    struct lk_error err;
    lk_cast *cast = open_cast(path, NULL);
    assert_ok(add_person(cast, "ada", 1, 0, 1, &err), &err);
    return cast;
}

static int grant(lk_cast *cast, const char *uses, const char *until, struct lk_error *err)
{
    struct lk_consent_terms terms = {.until = until, .evidence = EVIDENCE};
    int rc = lk_consent_parse_uses(uses, &terms.uses, err);
    return rc ? rc : lk_consent_grant(cast, "ada", &terms, NOW, err);
}

static int check(lk_cast *cast, const char *name, const char *use, time_t now, struct lk_error *err)
{
    struct lk_cast_member member;
    struct lk_consent_found found;
    int rc = lk_cast_find(cast, name, &member, err);
    return rc ? rc : lk_consent_check(cast, &member, use, now, &found, err);
}

static void without_a_record_nothing_is_allowed(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast = cast_with_ada(scratch_path("none.db"));
    assert_fails(check(cast, "ada", "portrait", NOW, &err), &err, LK_E_REFUSED,
                 "'ada' has given no consent: when they agree, record it by likeness cast consent "
                 "grant 'ada' --use portrait");
    lk_cast_close(cast);
}

static void a_grant_allows_its_uses_until_its_last_day(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast = cast_with_ada(scratch_path("grant.db"));
    assert_ok(grant(cast, "film,portrait", "2026-12-01", &err), &err);
    assert_ok(check(cast, "ada", "portrait", NOW, &err), &err);
    assert_ok(check(cast, "ada", "film", NOW + 2 * DAY, &err), &err);
    assert_fails(check(cast, "ada", "advertising", NOW, &err), &err, LK_E_REFUSED,
                 "agreed to portrait,film, not to advertising");
    assert_fails(check(cast, "ada", "film", NOW + 3 * DAY, &err), &err, LK_E_REFUSED,
                 "ended on 2026-12-01");
    assert_ok(grant(cast, "film", "2027-12-01", &err), &err);
    assert_ok(check(cast, "ada", "film", NOW + 3 * DAY, &err), &err);
    lk_cast_close(cast);
}

static void what_is_taken_back_is_over_until_it_is_granted_again(void **state)
{
    (void)state;
    struct lk_error err;
    int n;
    lk_cast *cast = cast_with_ada(scratch_path("revoke.db"));
    assert_ok(grant(cast, "portrait", "2027-12-01", &err), &err);
    assert_ok(grant(cast, "film", "2027-12-01", &err), &err);
    assert_ok(lk_consent_revoke(cast, "ada", &n, &err), &err);
    assert_int_equal(n, 2);
    assert_fails(check(cast, "ada", "film", NOW, &err), &err, LK_E_REFUSED, "taken their consent");
    assert_ok(lk_consent_revoke(cast, "ada", &n, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(grant(cast, "film", "2027-12-01", &err), &err);
    assert_ok(check(cast, "ada", "film", NOW, &err), &err);
    lk_cast_close(cast);
}

static void consent_follows_the_person_and_not_the_name(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast = cast_with_ada(scratch_path("follow.db"));
    assert_ok(grant(cast, "portrait", "2027-12-01", &err), &err);
    assert_ok(lk_cast_rename(cast, "ada", "countess", &err), &err);
    assert_ok(check(cast, "countess", "portrait", NOW, &err), &err);
    assert_ok(add_person(cast, "ada", 2, 0, 1, &err), &err);
    assert_fails(check(cast, "ada", "portrait", NOW, &err), &err, LK_E_REFUSED, "no consent");
    lk_cast_close(cast);
}

static void terms_that_make_no_sense_are_not_signed(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *uses, *until, *evidence, *says;
    } rows[] = {
        {"portrait", "2026-11-28", "x", "is over"},
        {"portrait", "2027-02-29", "x", "no day"},
        {"portrait", "2027-13-01", "x", "no day"},
        {"portrait", "soon", "x", "no day"},
        {"portrait", "2027-1-1", "x", "no day"},
        {"portrait", "2027-12-01", "", "evidence"},
        {"portrait", "2027-12-01", "a\nb", "control"},
        {"portrait", "2027-12-01", "\xff", "UTF-8"},
        {"painting", "2027-12-01", "x", "'painting' is none of portrait|film"},
        {"film,", "2027-12-01", "x", "'' is none of"},
        {"", "2027-12-01", "x", "'' is none of"},
    };
    // clang-format on
    lk_cast *cast = cast_with_ada(scratch_path("terms.db"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_error err;
        struct lk_consent_terms terms = {.until = rows[i].until, .evidence = rows[i].evidence};
        int rc = lk_consent_parse_uses(rows[i].uses, &terms.uses, &err);
        rc = rc ? rc : lk_consent_grant(cast, "ada", &terms, NOW, &err);
        assert_fails(rc, &err, LK_E_INPUT, rows[i].says);
    }
    lk_cast_close(cast);
}

/* Somebody who writes into the database without the key. */
static void changed_and_foreign_records_allow_nothing(void **state)
{
    (void)state;
    // clang-format off
    static const char *const changes[] = {
        "UPDATE consent SET body = replace(body, '2027-12-01', '2099-12-01')",
        "UPDATE consent SET body = replace(body, 'film', 'portrait')",
        "UPDATE consent SET signature = iif(signature LIKE '0%', '1', '0') || substr(signature, 2)",
        "UPDATE consent SET public = iif(public LIKE '0%', '1', '0') || substr(public, 2)",
        "UPDATE consent SET person = (SELECT id FROM person WHERE name = 'bo')",
        "UPDATE consent SET body = ''",
    };
    // clang-format on
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct lk_error err;
        char file[32];
        snprintf(file, sizeof file, "changed-%zu.db", i);
        const char *path = scratch_path(file);
        lk_cast *cast = cast_with_ada(path);
        sqlite3 *db;
        assert_ok(add_person(cast, "bo", 2, 0, 1, &err), &err);
        assert_ok(grant(cast, "film", "2027-12-01", &err), &err);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        const bool moved = strstr(changes[i], "'bo'") != NULL;
        assert_fails(check(cast, moved ? "bo" : "ada", "film", NOW, &err), &err, LK_E_REFUSED,
                     "was changed");
        lk_cast_close(cast);
    }
}

static void without_the_key_nothing_can_be_checked(void **state)
{
    (void)state;
    struct lk_error err;
    lk_cast *cast = cast_with_ada(scratch_path("keyless.db"));
    assert_ok(grant(cast, "film", "2027-12-01", &err), &err);
    assert_int_equal(unlink(scratch_path("keyless.db.key")), 0);
    assert_fails(check(cast, "ada", "film", NOW, &err), &err, LK_E_FAILED, "keyless.db.key");
    lk_cast_close(cast);
}

/* What one cast exports another takes in, signs anew, and takes back when the file says so. */
static void a_consent_file_passes_from_cast_to_cast(void **state)
{
    (void)state;
    struct lk_error err;
    char *json;
    int n;
    lk_cast *from = cast_with_ada(scratch_path("from.db")),
            *to = cast_with_ada(scratch_path("to.db"));
    assert_fails(lk_consent_export(from, "ada", &json, &err), &err, LK_E_MISSING, "no consent");
    assert_ok(grant(from, "film", "2027-12-01", &err), &err);
    assert_ok(lk_consent_export(from, "ada", &json, &err), &err);
    assert_ok(lk_consent_import(to, "ada", json, strlen(json), "a.json", &n, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(check(to, "ada", "film", NOW, &err), &err);
    assert_ok(lk_consent_import(to, "ada", json, strlen(json), "a.json", &n, &err), &err);
    assert_int_equal(n, 0);
    free(json);

    assert_ok(lk_consent_revoke(from, "ada", &n, &err), &err);
    assert_ok(lk_consent_export(from, "ada", &json, &err), &err);
    assert_ok(lk_consent_import(to, "ada", json, strlen(json), "a.json", &n, &err), &err);
    assert_int_equal(n, 0);
    assert_fails(check(to, "ada", "film", NOW, &err), &err, LK_E_REFUSED, "taken their consent");
    free(json);
    lk_cast_close(from);
    lk_cast_close(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_record_nothing_is_allowed),
        cmocka_unit_test(a_grant_allows_its_uses_until_its_last_day),
        cmocka_unit_test(what_is_taken_back_is_over_until_it_is_granted_again),
        cmocka_unit_test(consent_follows_the_person_and_not_the_name),
        cmocka_unit_test(terms_that_make_no_sense_are_not_signed),
        cmocka_unit_test(changed_and_foreign_records_allow_nothing),
        cmocka_unit_test(without_the_key_nothing_can_be_checked),
        cmocka_unit_test(a_consent_file_passes_from_cast_to_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
