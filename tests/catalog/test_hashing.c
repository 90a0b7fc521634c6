// SPDX-License-Identifier: Apache-2.0
/* A model's hash beside other work, and kept for the next process. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "catalog/hashing.h"
#include "support/check.h"
#include "support/scratch.h"

static const char *folder;

static struct lk_sha256 hash_of(const char *path)
{
    struct lk_error err;
    struct lk_sha256 first, again;
    lk_hashing *hashing;
    struct lk_file_stamp stamp;
    assert_ok(lk_file_stamp(path, &stamp, &err), &err);
    assert_ok(lk_hashing_begin("model", path, stamp.text, folder, &hashing, &err), &err);
    assert_ok(lk_hashing_end(hashing, &first, &err), &err);
    assert_ok(lk_hashing_end(hashing, &again, &err), &err);
    assert_string_equal(first.hex, again.hex);
    lk_hashing_free(hashing);
    return first;
}

/* The file that keeps the hash of a path. */
static char *kept(const char *path)
{
    struct lk_sha256 of;
    char *file;
    lk_sha256_bytes(path, strlen(path), &of);
    assert_true(asprintf(&file, "%s/%.32s.sha256", folder, of.hex) > 0);
    return file;
}

/* A file that is large enough: zeros behind `content`. */
static const char *write_large(const char *name, const char *content)
{
    const char *path = scratch_write(name, content, strlen(content));
    assert_int_equal(truncate(path, 16 << 20), 0);
    return path;
}

static void assert_hash(const char *path)
{
    struct lk_sha256 want;
    struct lk_error err;
    assert_ok(lk_sha256_file(path, &want, &err), &err);
    assert_string_equal(hash_of(path).hex, want.hex);
}

static void a_hash_is_kept_as_long_as_the_file_stays_as_it_is(void **state)
{
    (void)state;
    const char *path = write_large("model", "weights");
    char *file = kept(path);
    struct lk_file_stamp stamp;
    struct lk_error err;
    assert_hash(path);
    assert_ok(lk_file_stamp(path, &stamp, &err), &err);
    FILE *line = fopen(file, "w"); /* another digest of the same state shows that it is read */
    fprintf(line, "%s %064d\n", stamp.text, 7);
    fclose(line);
    assert_string_equal(hash_of(path).hex + 60, "0007");
    assert_int_equal(chmod(file, 0666), 0); /* anybody may have written that */
    assert_hash(path);
    assert_hash(path);
    write_large("model", "WEIGHTS");
    assert_hash(path);
    assert_hash(path);
    free(file);
}

static void a_line_that_is_damaged_counts_nothing(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "x", "%s", "%s 12", "%s zz"};
    const char *path = write_large("damaged", "weights");
    char *file = kept(path);
    struct lk_file_stamp stamp;
    assert_int_equal(lk_file_stamp(path, &stamp, NULL), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        FILE *line = fopen(file, "w");
        fprintf(line, "%s%s", stamp.text, lines[i] + (lines[i][0] == '%' ? 2 : 0));
        fclose(line);
        assert_hash(path);
    }
    free(file);
}

static void a_file_that_is_no_more_what_was_opened_has_no_hash(void **state)
{
    (void)state;
    const char *path = write_large("replaced", "weights");
    struct lk_file_stamp stamp;
    struct lk_error err;
    struct lk_sha256 sha;
    lk_hashing *hashing;
    assert_ok(lk_file_stamp(path, &stamp, &err), &err);
    write_large("replaced", "WEIGHTS");
    assert_ok(lk_hashing_begin("model", path, stamp.text, folder, &hashing, &err), &err);
    assert_fails(lk_hashing_end(hashing, &sha, &err), &err, LK_E_FAILED, "was replaced or written");
    lk_hashing_free(hashing);
    assert_hash(path);
}

static void what_cannot_be_read_is_an_error_when_it_is_asked_for(void **state)
{
    (void)state;
    struct lk_error err;
    struct lk_sha256 sha;
    lk_hashing *hashing;
    assert_ok(lk_hashing_begin("model", scratch_path("no"), NULL, folder, &hashing, &err), &err);
    assert_int_not_equal(lk_hashing_end(hashing, &sha, &err), 0);
    assert_non_null(strstr(err.message, "No such file"));
    lk_hashing_free(hashing);
}

static void a_hash_that_nobody_waits_for_stops(void **state)
{
    (void)state;
    struct lk_error err;
    lk_hashing *hashing;
    const char *path = scratch_write("large", "x", 1);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0); /* an hour of hashing */
    assert_ok(lk_hashing_begin("model", path, NULL, folder, &hashing, &err), &err);
    lk_hashing_free(hashing);
}

int main(void)
{
    folder = scratch_path("kept");
    mkdir(folder, 0700);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_kept_as_long_as_the_file_stays_as_it_is),
        cmocka_unit_test(a_line_that_is_damaged_counts_nothing),
        cmocka_unit_test(a_file_that_is_no_more_what_was_opened_has_no_hash),
        cmocka_unit_test(what_cannot_be_read_is_an_error_when_it_is_asked_for),
        cmocka_unit_test(a_hash_that_nobody_waits_for_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
