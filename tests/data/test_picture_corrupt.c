// SPDX-License-Identifier: Apache-2.0
/* Nine hundred broken or odd files of other projects' fuzzers: each gives a picture or one error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ftw.h>

#include "data/picture.h"
#include "support/check.h"
#include "support/scratch.h"

static int files, pictures;
static double slowest;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check_picture(struct lk_picture *p)
{
    size_t n = (size_t)p->width * (size_t)p->height * 3, sum = 0;
    assert_int_equal(p->channels, 3);
    for (size_t i = 0; i < n; i++) /* every byte is readable */
        sum += p->u8[i];
    assert_true(sum <= n * 255);
    lk_picture_free(p);
    pictures++;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (type != FTW_F)
        return 0;
    struct lk_error err = {0};
    struct lk_picture *p = NULL;
    struct lk_picture_found_text found = {0};
    double start = seconds();
    int code = lk_picture_read(path, &p, &err);
    double took = seconds() - start;
    slowest = took > slowest ? took : slowest;
    files++;
    if (code) {
        assert_null(p);
        assert_int_equal(code, LK_E_INPUT);
        assert_non_null(strstr(err.message, path));
        assert_null(strchr(err.message, '\n'));
    } else {
        check_picture(p);
    }
    if (lk_picture_read_text(path, &found, &err) == 0) {
        free(found.parameters);
        free(found.xmp);
    }
    return 0;
}

static void every_file_gives_a_picture_or_one_error(void **state)
{
    (void)state;
    assert_int_equal(nftw(shared_path("corrupt"), visit, 16, FTW_PHYS), 0);
    print_message("%d files, %d pictures, slowest %.2f s\n", files, pictures, slowest);
    assert_true(files > 890);
    assert_true(pictures > 100);
}

/* PngSuite: files named x* are broken on purpose, all others are sound. */
static int visit_suite(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    const char *name = path + ftw->base, *ending = strrchr(name, '.');
    if (type != FTW_F || !ending || strcmp(ending, ".png") != 0)
        return 0;
    struct lk_error err;
    struct lk_picture *p = NULL;
    int code = lk_picture_read(path, &p, &err);
    if (name[0] != 'x' && code)
        fail_msg("%s", err.message);
    if (name[0] == 'x' && !code)
        fail_msg("%s was read", path);
    lk_picture_free(p);
    files++;
    return 0;
}

static void pngsuite_is_read_where_it_is_sound(void **state)
{
    (void)state;
    files = 0;
    assert_int_equal(nftw(shared_path("corrupt/pngsuite"), visit_suite, 16, FTW_PHYS), 0);
    assert_true(files > 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_gives_a_picture_or_one_error),
        cmocka_unit_test(pngsuite_is_read_where_it_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
