// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/internal.h"
#include "ledger/rows.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* Copies a file, or ends the test. */
static void copy(const char *from, const char *to)
{
    char *command = test_format("cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
    free(command);
}

/* The text stands nowhere in the file. */
static bool is_gone(const char *path, const char *text)
{
    char *command = test_format("! grep -qa '%s' '%s'", text, path);
    bool gone = system(command) == 0;
    free(command);
    return gone;
}

static void rows_verify_and_only_the_owner_may_read_them(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    struct stat status;
    const char *path = scratch_path("whole.db"), *mirror = scratch_path("whole.heads");
    make_ledger(path, 20, mirror);
    assert_ok(verify(path, mirror, &seen, &err), &err);
    assert_int_equal(seen.rows, 20);
    assert_int_equal(seen.erased, 0);
    assert_int_equal(seen.mirrored, 20);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(scratch_path("whole.db.key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void every_changed_byte_of_a_row_shows(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    const char *path = scratch_path("bytes.db");
    enum { ROWS = 4, EVERY = 11 };
    make_ledger(path, ROWS, NULL);
    tamper(path, "CREATE TABLE was AS SELECT * FROM entry");
    for (int row = 1; row <= ROWS; row++) {
        char part[32];
        snprintf(part, sizeof part, "row %d ", row);
        for (int at = 1 + row; at < 480; at += EVERY) {
            char *sql = test_format("UPDATE entry SET body = substr(body, 1, %d) || '~' || "
                                    "substr(body, %d) WHERE sequence = %d",
                                    at - 1, at + 1, row);
            tamper(path, sql);
            assert_fails(verify(path, NULL, &seen, &err), &err, LK_E_FAILED, part);
            tamper(path, "UPDATE entry SET body = was.body FROM was "
                         "WHERE was.sequence = entry.sequence");
            free(sql);
        }
    }
    assert_ok(verify(path, NULL, &seen, &err), &err);
}

/* Somebody without the key who hashes again what was changed. */
static void a_row_hashed_again_does_not_fit_the_next_one(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    struct lk_sha256 sha;
    static const char body[] =
        "{\"sequence\":2,\"previous\":\"\",\"personal\":{},\"made\":{},\"picture\":{}}";
    const char *path = scratch_path("again.db");
    make_ledger(path, 3, NULL);
    lk_sha256_bytes(body, sizeof body - 1, &sha);
    char *sql =
        test_format("UPDATE entry SET body = '%s', hash = '%s' WHERE sequence = 2", body, sha.hex);
    tamper(path, sql);
    free(sql);
    assert_fails(verify(path, NULL, &seen, &err), &err, LK_E_FAILED, "row 2 ");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"DELETE FROM entry WHERE sequence = 3", "row 3 "},
        {"DELETE FROM entry WHERE sequence = 1", "row 1 "},
        {"DELETE FROM entry WHERE sequence > 3", "ends at row 3, and its signed head is row 5"},
        {"DELETE FROM entry", "ends at row 0, and its signed head is row 5"},
        {"UPDATE entry SET sequence = 9 WHERE sequence = 5", "row 5 "},
        {"UPDATE entry SET hash = (SELECT hash FROM entry WHERE sequence = 1) WHERE sequence = 4", "row 4 "},
        {"UPDATE personal SET value = 'a portrait of nobody' WHERE sequence = 2 AND name = 'prompt'", "has personal data that was changed"},
        {"UPDATE personal SET salt = hex(randomblob(32)) WHERE sequence = 2", "has personal data that was changed"},
        {"INSERT INTO personal VALUES (4, 'more', '', 'said later')", "has personal data that was changed"},
        {"DELETE FROM head", "lost its signed head"},
        {"UPDATE head SET sequence = 4", "signature"},
        {"DELETE FROM entry WHERE sequence = 5; UPDATE head SET sequence = 4, hash = (SELECT hash FROM entry WHERE sequence = 4)", "signature"},
        {"UPDATE head SET signature = ''", "signature"},
        {"UPDATE head SET public = 'ab'", "signature"},
    };
    // clang-format on
    const char *path = scratch_path("missing.db"), *whole = scratch_path("missing-whole.db");
    make_ledger(path, 5, NULL);
    copy(path, whole);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_error err;
        struct lk_ledger_state seen;
        copy(whole, path);
        tamper(path, rows[i].sql);
        assert_fails(verify(path, NULL, &seen, &err), &err, LK_E_FAILED, rows[i].says);
    }
}

/* An older copy of the whole ledger is whole in itself: only the mirror knows more. */
static void an_older_copy_is_behind_its_mirror(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    lk_ledger *ledger;
    const char *path = scratch_path("older.db"), *mirror = scratch_path("older.heads");
    const char *copied = scratch_path("older-copy.db");
    make_ledger(path, 3, mirror);
    copy(path, copied);
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    assert_ok(add_row(ledger, 3, mirror, &err), &err);
    lk_ledger_close(ledger);
    copy(copied, path);
    assert_ok(verify(path, NULL, &seen, &err), &err);
    assert_fails(verify(path, mirror, &seen, &err), &err, LK_E_FAILED, "row 4 ");
}

static void another_ledger_does_not_pass_for_the_mirrored_one(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    const char *mirror = scratch_path("own.heads");
    make_ledger(scratch_path("own.db"), 3, mirror);
    make_ledger(scratch_path("forged.db"), 3, NULL);
    assert_fails(verify(scratch_path("forged.db"), mirror, &seen, &err), &err, LK_E_FAILED,
                 "another key");
    copy(scratch_path("own.db"), scratch_path("forged.db"));
    assert_fails(verify(scratch_path("forged.db"), NULL, &seen, &err), &err, LK_E_FAILED,
                 "another key");
}

/* A row after a cut would sign the cut. */
static void a_cut_chain_takes_no_rows(void **state)
{
    (void)state;
    struct lk_error err;
    lk_ledger *ledger;
    const char *path = scratch_path("refuses.db");
    make_ledger(path, 4, NULL);
    tamper(path, "DELETE FROM entry WHERE sequence = 4");
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    assert_fails(lk_ledger_try(ledger, NULL, &err), &err, LK_E_FAILED, "cut off");
    assert_fails(add_row(ledger, 4, NULL, &err), &err, LK_E_FAILED, "cut off");
    lk_ledger_close(ledger);
}

/* Rows after a trial are on the disk before they are there, also where it failed. */
static void a_trial_leaves_commits_synced(void **state)
{
    (void)state;
    enum { EXTRA = 3 };
    struct lk_error err;
    lk_ledger *ledger;
    sqlite3 *other;
    const char *path = scratch_path("tried.db");
    make_ledger(path, 1, NULL);
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    sqlite3_busy_timeout(ledger->store.db, 0);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    for (int busy = 0; busy < 2; busy++) {
        sqlite3_stmt *get;
        if (busy)
            assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(lk_ledger_try(ledger, NULL, &err), busy ? LK_E_FAILED : 0);
        assert_ok(lk_store_prepare(&ledger->store, "PRAGMA synchronous", &get, &err), &err);
        assert_int_equal(sqlite3_step(get), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(get, 0), EXTRA);
        sqlite3_finalize(get);
    }
    sqlite3_close(other);
    lk_ledger_close(ledger);
}

static void erasing_a_person_keeps_the_chain(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    lk_ledger *ledger;
    int64_t rows;
    const char *path = scratch_path("erase.db");
    make_ledger(path, 9, NULL);
    assert_ok(lk_ledger_open(path, LK_LEDGER_READ, &ledger, &err), &err);
    assert_ok(lk_ledger_erase(ledger, "person-1.jpg", &rows, &err), &err);
    assert_int_equal(rows, 3);
    assert_ok(lk_ledger_erase(ledger, "person-1.jpg", &rows, &err), &err);
    assert_int_equal(rows, 0);
    assert_ok(lk_ledger_erase(ledger, "#1", &rows, &err), &err);
    assert_int_equal(rows, 1);
    assert_ok(lk_ledger_erase(ledger, "photos/person-2.jpg", &rows, &err), &err);
    assert_int_equal(rows, 3);
    lk_ledger_close(ledger);
    assert_ok(verify(path, NULL, &seen, &err), &err);
    assert_int_equal(seen.rows, 9);
    assert_int_equal(seen.erased, 7);
    assert_true(is_gone(path, "person-1.jpg"));
    assert_true(is_gone(path, "number 4"));
    assert_false(is_gone(path, "number 3"));
}

static void a_torn_line_of_the_mirror_is_passed_over(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_ledger_state seen;
    lk_ledger *ledger;
    const char *path = scratch_path("torn.db"), *mirror = scratch_path("torn.heads");
    make_ledger(path, 2, mirror);
    char *tear = test_format("truncate -s -40 '%s'", mirror);
    assert_int_equal(system(tear), 0);
    free(tear);
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    assert_ok(add_row(ledger, 2, mirror, &err), &err);
    lk_ledger_close(ledger);
    assert_ok(verify(path, mirror, &seen, &err), &err);
    assert_int_equal(seen.mirrored, 2);
    test_write_text(mirror, "{\"sequence\":1,\"hash\":\"\",\"public\":\"\",\"signature\":\"\"}\n");
    assert_fails(verify(path, mirror, &seen, &err), &err, LK_E_FAILED,
                 "line 1 of the audit mirror");
    assert_ok(lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err), &err);
    assert_fails(lk_ledger_try(ledger, scratch_path("torn.db.key"), &err), &err, LK_E_INPUT,
                 "torn.db.key' is no audit mirror");
    lk_ledger_close(ledger);
    assert_fails(verify(path, scratch_path("nosuch.heads"), &seen, &err), &err, LK_E_MISSING,
                 "nosuch.heads");
}

static void what_is_no_ledger_is_named(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *name;
        enum lk_ledger_access access;
        int code;
        const char *says;
    } rows[] = {
        {"noise.db", LK_LEDGER_WRITE, LK_E_INPUT, "is no audit ledger"},
        {"noise.db", LK_LEDGER_READ, LK_E_INPUT, "is no audit ledger"},
        {"other.db", LK_LEDGER_WRITE, LK_E_INPUT, "another program"},
        {"later.db", LK_LEDGER_WRITE, LK_E_INPUT, "version 2"},
        {"later.db", LK_LEDGER_READ, LK_E_INPUT, "version 2"},
        {"empty.db", LK_LEDGER_READ, LK_E_MISSING, "is empty"},
        {"nosuch.db", LK_LEDGER_READ, LK_E_MISSING, "no picture has left"},
        {"nosuch/audit.db", LK_LEDGER_WRITE, LK_E_FAILED, "nosuch/audit.db"},
        {"keyless.db", LK_LEDGER_WRITE, 0, ""},
    };
    // clang-format on
    test_write_text(scratch_path("noise.db"), "this is a text and no database, whatever its name");
    tamper(scratch_path("other.db"), "CREATE TABLE friends (name TEXT)");
    make_ledger(scratch_path("later.db"), 1, NULL);
    tamper(scratch_path("later.db"), "PRAGMA user_version = 2");
    test_write_text(scratch_path("empty.db"), "");
    make_ledger(scratch_path("keyless.db"), 1, NULL);
    assert_int_equal(unlink(scratch_path("keyless.db.key")), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lk_error err;
        lk_ledger *ledger = NULL;
        char *path = test_format("%s/%s", scratch_path("."), rows[i].name);
        int rc = lk_ledger_open(path, rows[i].access, &ledger, &err);
        assert_int_equal(rc, rows[i].code);
        if (rc && !strstr(err.message, rows[i].says))
            fail_msg("'%s' is not in '%s'", rows[i].says, err.message);
        if (!rc)
            assert_fails(add_row(ledger, 1, NULL, &err), &err, LK_E_FAILED, "signing key");
        lk_ledger_close(ledger);
        free(path);
    }
}

/* As a user who may read the folder, but not write to it. */
static void a_read_only_folder_is_named(void **state)
{
    (void)state;
    const char *folder = scratch_path("closed"), *path = scratch_path("closed/audit.db");
    test_make_dir(folder);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t child = fork();
    if (!child) {
        struct lk_error err;
        lk_ledger *ledger;
        bool user = geteuid() || !seteuid(65534);
        _exit(!(user && lk_ledger_open(path, LK_LEDGER_WRITE, &ledger, &err) == LK_E_FAILED &&
                strstr(err.message, "closed/audit.db") && strstr(err.message, "denied")));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(folder, 0755), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_verify_and_only_the_owner_may_read_them),
        cmocka_unit_test(every_changed_byte_of_a_row_shows),
        cmocka_unit_test(a_row_hashed_again_does_not_fit_the_next_one),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(an_older_copy_is_behind_its_mirror),
        cmocka_unit_test(another_ledger_does_not_pass_for_the_mirrored_one),
        cmocka_unit_test(a_cut_chain_takes_no_rows),
        cmocka_unit_test(a_trial_leaves_commits_synced),
        cmocka_unit_test(erasing_a_person_keeps_the_chain),
        cmocka_unit_test(a_torn_line_of_the_mirror_is_passed_over),
        cmocka_unit_test(what_is_no_ledger_is_named),
        cmocka_unit_test(a_read_only_folder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
