// SPDX-License-Identifier: Apache-2.0
/* A kind of store that nobody else has: a herbarium of leaves. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "store/store.h"
#include "support/check.h"
#include "support/scratch.h"
#include "support/temp.h"

/* A store in the hands of its owner, as `fill` gets it. */
struct herbarium {
    struct lk_store store;
    bool is_summer; /* else no new one can begin */
};

static int press_first(void *user, struct lk_error *err)
{
    struct herbarium *h = user;
    int rc = lk_store_run(&h->store, "INSERT INTO leaf VALUES ('moss')", err);
    return rc || h->is_summer ? rc : lk_fail(err, LK_E_REFUSED, "it is winter");
}

static const struct lk_store_kind KIND = {
    .noun = "herbarium",
    .one = "a herbarium",
    .option = "--leaves",
    .no_file = ": go for a walk",
    .settings = "PRAGMA foreign_keys = ON",
    .application = 0x4c4b5445,
    .version = 3,
    .no_key = ": nobody can sign",
    .tables = "CREATE TABLE leaf (name TEXT NOT NULL)",
    .fill = press_first,
};

static const struct lk_store_kind OTHER_KIND = {
    .noun = "insect box",
    .one = "an insect box",
    .option = "--insects",
    .application = 0x4c4b5446,
    .version = 3,
};

static int open_herbarium(struct herbarium *h,
                          const char *path,
                          bool may_make,
                          struct lk_error *err)
{
    h->store = (struct lk_store){0};
    return lk_store_open(&h->store, &KIND, path, may_make, h, err);
}

/* The first column of the first row. */
static int ask(struct lk_store *store, const char *sql)
{
    struct lk_error err;
    sqlite3_stmt *get;
    assert_ok(lk_store_prepare(store, sql, &get, &err), &err);
    int step = sqlite3_step(get), number = sqlite3_column_int(get, 0);
    assert_ok(lk_store_finish(store, get, step, &err), &err);
    return number;
}

static void a_new_store_is_its_owners_alone_and_has_a_key(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sign_key key;
    struct stat status;
    struct herbarium h = {.is_summer = true};
    const char *paths[] = {scratch_path("new.db"), scratch_path("new.db.key")};
    assert_ok(open_herbarium(&h, paths[0], true, &err), &err);
    assert_int_equal(ask(&h.store, "PRAGMA application_id"), KIND.application);
    assert_int_equal(ask(&h.store, "PRAGMA user_version"), KIND.version);
    assert_int_equal(ask(&h.store, "SELECT count(*) FROM leaf"), 1);
    assert_ok(lk_store_key_read(&h.store, &key, &err), &err);
    lk_sign_key_forget(&key);
    lk_store_close(&h.store);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(paths); i++) {
        assert_int_equal(stat(paths[i], &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
}

static void each_opening_sets_what_all_kinds_have_and_its_own(void **state)
{
    (void)state;
    struct lk_error err;
    struct herbarium h = {.is_summer = true};
    for (int i = 0; i < 2; i++) {
        assert_ok(open_herbarium(&h, scratch_path("set.db"), true, &err), &err);
        assert_int_equal(ask(&h.store, "PRAGMA synchronous"), 3); /* EXTRA */
        assert_int_equal(ask(&h.store, "PRAGMA secure_delete"), 1);
        assert_int_equal(ask(&h.store, "PRAGMA foreign_keys"), 1);
        assert_int_equal(ask(&h.store, "PRAGMA busy_timeout"), 60000);
        assert_int_equal(ask(&h.store, "SELECT count(*) FROM leaf"), 1);
        lk_store_close(&h.store);
    }
}

/* One of those who find no file; to start with, all wait for each other. */
struct visitor {
    const char *path;
    pthread_barrier_t *start;
    struct lk_error err;
    int rc;
};

static void *visit(void *user)
{
    struct visitor *v = user;
    struct herbarium h = {.is_summer = true};
    pthread_barrier_wait(v->start);
    v->rc = open_herbarium(&h, v->path, true, &v->err);
    lk_store_close(&h.store);
    return NULL;
}

static void of_many_that_find_no_file_one_makes_it(void **state)
{
    (void)state;
    enum { VISITORS = 16, TIMES = 60 };
    for (int t = 0; t < TIMES; t++) {
        pthread_t threads[VISITORS];
        pthread_barrier_t start;
        struct visitor visitors[VISITORS];
        char name[32];
        snprintf(name, sizeof name, "crowd-%d.db", t);
        assert_int_equal(pthread_barrier_init(&start, NULL, VISITORS), 0);
        for (int i = 0; i < VISITORS; i++) {
            visitors[i] = (struct visitor){.path = scratch_path(name), .start = &start};
            assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
        }
        for (int i = 0; i < VISITORS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < VISITORS; i++)
            assert_ok(visitors[i].rc, &visitors[i].err);
        pthread_barrier_destroy(&start);
    }
}

static void a_new_store_that_cannot_be_filled_stays_empty(void **state)
{
    (void)state;
    struct lk_error err;
    struct herbarium h = {0};
    const char *path = scratch_path("winter.db");
    assert_fails(open_herbarium(&h, path, true, &err), &err, LK_E_REFUSED, "winter");
    lk_store_close(&h.store);
    assert_fails(open_herbarium(&h, path, false, &err), &err, LK_E_MISSING, "is empty");
    lk_store_close(&h.store);
    h.is_summer = true;
    assert_ok(open_herbarium(&h, path, true, &err), &err);
    assert_int_equal(ask(&h.store, "SELECT count(*) FROM leaf"), 1);
    lk_store_close(&h.store);
}

static void what_cannot_be_opened_is_said_in_the_words_of_its_kind(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *name;
        const struct lk_store_kind *kind;
        int code;
        const char *before, *after; /* around the path */
    } rows[] = {
        {"nosuch.db", &KIND, LK_E_MISSING, "there is no herbarium '", "': go for a walk"},
        {"empty.db", &KIND, LK_E_MISSING, "the herbarium '", "' is empty"},
        {"noise.db", &KIND, LK_E_INPUT, "'", "' is no herbarium: give the file of one to --leaves"},
        {"leaves.db", &OTHER_KIND, LK_E_INPUT, "'",
         "' is a database of another program: give the file of an insect box to --insects"},
        {"later.db", &KIND, LK_E_INPUT, "the herbarium '",
         "' is of version 4, this program knows version 3: use the likeness that wrote it"},
    };
    // clang-format on
    struct lk_error err;
    struct herbarium h = {.is_summer = true};
    test_write_text(scratch_path("empty.db"), "");
    test_write_text(scratch_path("noise.db"), "this is a text and no database, whatever its name");
    assert_ok(open_herbarium(&h, scratch_path("leaves.db"), true, &err), &err);
    lk_store_close(&h.store);
    assert_ok(open_herbarium(&h, scratch_path("later.db"), true, &err), &err);
    assert_ok(lk_store_run(&h.store, "PRAGMA user_version = 4", &err), &err);
    lk_store_close(&h.store);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(rows); i++) {
        struct lk_store store = {0};
        const char *path = scratch_path(rows[i].name);
        char *sentence = test_format("%s%s%s", rows[i].before, path, rows[i].after);
        assert_int_equal(lk_store_open(&store, rows[i].kind, path, false, NULL, &err),
                         rows[i].code);
        assert_string_equal(err.message, sentence);
        lk_store_close(&store);
        free(sentence);
    }
}

/* A page in the middle is somebody else's. */
static void what_is_damaged_is_said(void **state)
{
    (void)state;
    struct lk_error err;
    struct herbarium h = {.is_summer = true};
    const char *path = scratch_path("torn.db");
    static const char noise[4096] = "torn";
    assert_ok(open_herbarium(&h, path, true, &err), &err);
    lk_store_close(&h.store);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    assert_int_equal(fwrite(noise, sizeof noise, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_fails(open_herbarium(&h, path, false, &err), &err, LK_E_FAILED,
                 "torn.db' is damaged and cannot be read (database disk image is malformed): put a "
                 "copy of it back, or name another file by --leaves");
    lk_store_close(&h.store);
}

static void a_key_that_is_gone_is_said(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sign_key key;
    struct herbarium h = {.is_summer = true};
    assert_ok(open_herbarium(&h, scratch_path("unsigned.db"), true, &err), &err);
    assert_int_equal(unlink(scratch_path("unsigned.db.key")), 0);
    assert_fails(lk_store_key_read(&h.store, &key, &err), &err, LK_E_FAILED,
                 "unsigned.db.key' is gone: nobody can sign");
    lk_store_close(&h.store);
}

static void what_fails_is_taken_back_and_said(void **state)
{
    (void)state;
    struct lk_error err;
    sqlite3_stmt *put;
    struct herbarium h = {.is_summer = true};
    struct lk_store *store = &h.store;
    assert_ok(open_herbarium(&h, scratch_path("back.db"), true, &err), &err);
    assert_ok(lk_store_begin(store, &err), &err);
    assert_ok(lk_store_run(store, "INSERT INTO leaf VALUES ('oak')", &err), &err);
    assert_ok(lk_store_prepare(store, "INSERT INTO leaf VALUES (NULL)", &put, &err), &err);
    int rc = lk_store_finish(store, put, sqlite3_step(put), &err);
    assert_fails(rc, &err, LK_E_FAILED, "back.db' cannot be written: NOT NULL constraint failed");
    assert_int_equal(lk_store_end(store, rc, &err), LK_E_FAILED);
    assert_int_equal(ask(store, "SELECT count(*) FROM leaf"), 1);
    assert_fails(lk_store_prepare(store, "SELECT bark FROM leaf", &put, &err), &err, LK_E_FAILED,
                 "the herbarium '");
    assert_fails(lk_store_run(store, "DROP TABLE bark", &err), &err, LK_E_FAILED,
                 "cannot be written: no such table: bark");
    lk_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_its_owners_alone_and_has_a_key),
        cmocka_unit_test(each_opening_sets_what_all_kinds_have_and_its_own),
        cmocka_unit_test(of_many_that_find_no_file_one_makes_it),
        cmocka_unit_test(a_new_store_that_cannot_be_filled_stays_empty),
        cmocka_unit_test(what_cannot_be_opened_is_said_in_the_words_of_its_kind),
        cmocka_unit_test(what_is_damaged_is_said),
        cmocka_unit_test(a_key_that_is_gone_is_said),
        cmocka_unit_test(what_fails_is_taken_back_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
