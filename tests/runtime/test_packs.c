// SPDX-License-Identifier: Apache-2.0
/* Packed weights on disk: the second session takes them from there; what is stale, cut short or
 * damaged is written anew, and what cannot be kept changes no number. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "fixture.h"
#include "runtime/graph/pack_file.h"
#include "support/scratch.h"

#define ROWS 40
#define COLUMNS 7
#define COUNT (ROWS * COLUMNS)

static float weights[COUNT];

/* A tensor file (of nothing but numbers) that holds weights of that seed. */
static struct lk_tensor write_weights(int seed, const char *path)
{
    static struct lk_file_stamp stamp;
    fill(seed, COUNT, weights);
    if (path) {
        scratch_write("weights", weights, sizeof weights);
        assert_int_equal(lk_file_stamp(path, &stamp, NULL), 0);
    }
    return (struct lk_tensor){.name = "w",
                              .dtype = LK_F32,
                              .rank = 2,
                              .shape = {ROWS, COLUMNS},
                              .data = weights,
                              .size = sizeof weights,
                              .path = path,
                              .stamp = path ? stamp.text : NULL};
}

/* The path of the only file of packed weights in the folder, or NULL. */
static const char *only_pack(const char *folder)
{
    static char path[1024];
    int found = 0;
    DIR *opened = opendir(folder);
    for (struct dirent *entry; opened && (entry = readdir(opened));) {
        if (!strstr(entry->d_name, ".pack"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        found++;
    }
    if (opened)
        closedir(opened);
    assert_true(found <= 1);
    return found ? path : NULL;
}

/* y [1,ROWS] = x·wᵀ by a runtime of its own; out[ROWS]. complaint[160]: what it complained of. */
static void multiply(
    const char *folder, size_t limit, const struct lk_tensor *tensor, float *out, char *complaint)
{
    struct lk_runtime_options options;
    struct lk_error err;
    lk_runtime *runtime;
    lk_session *session;
    lk_graph *g;
    float x[COLUMNS];
    lk_runtime_options_init(&options);
    options.pack_cache = folder;
    options.pack_cache_size = limit;
    assert_ok(lk_runtime_open(&options, &runtime, &err), &err);
    assert_ok(lk_graph_new("linear", &g, &err), &err);
    lk_value in = lk_graph_input(g, "x", LK_F32, 2, (const int64_t[]){1, COLUMNS});
    lk_value w = lk_graph_weight(g, tensor, 2, (const int64_t[]){ROWS, COLUMNS});
    lk_graph_output(g, "y", lk_graph_linear(g, in, w, LK_NO_VALUE));
    assert_ok(lk_session_of_graph(runtime, g, NULL, "cpu", &session, &err), &err);
    lk_graph_free(g);
    fill(1, COLUMNS, x);
    const struct lk_array array = {LK_F32, 2, {1, COLUMNS}, x};
    struct lk_array y;
    assert_ok(run_one(session, "x", &array, "y", &y, &err), &err);
    memcpy(out, y.data, ROWS * sizeof *out);
    free(y.data);
    lk_session_release(session); /* waits until all is written */
    if (!lk_runtime_complaint(runtime, complaint, 160))
        *complaint = 0;
    lk_runtime_free(runtime);
}

static void assert_product(const float *y)
{
    float x[COLUMNS];
    fill(1, COLUMNS, x);
    for (size_t i = 0; i < ROWS; i++) {
        double want = 0;
        for (size_t j = 0; j < COLUMNS; j++)
            want += (double)weights[i * COLUMNS + j] * x[j];
        assert_true(fabs(y[i] - want) < 1e-5);
    }
}

/* Multiplies, in silence, to the right numbers. */
static void multiply_well(const char *folder, const struct lk_tensor *tensor)
{
    float y[ROWS];
    char complaint[160];
    multiply(folder, 0, tensor, y, complaint);
    assert_string_equal(complaint, "");
    assert_product(y);
}

static long size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

/* Turns the byte at `at`, counted from the end where negative. */
static void damage(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    const int byte = fgetc(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    fputc(byte ^ 0x41, file);
    assert_int_equal(fclose(file), 0);
}

static const char *folder_of(const char *name)
{
    const char *folder = scratch_path(name);
    assert_true(!mkdir(folder, 0700) || errno == EEXIST);
    return folder;
}

/* Panels are not checked: numbers that were changed there are what the second session computes. */
static void the_second_session_takes_what_the_first_one_packed(void **state)
{
    (void)state;
    const char *folder = folder_of("hit");
    const struct lk_tensor tensor = write_weights(3, scratch_path("weights"));
    float first[ROWS], second[ROWS];
    char complaint[160];
    multiply(folder, 0, &tensor, first, complaint);
    assert_product(first);
    multiply(folder, 0, &tensor, second, complaint);
    assert_memory_equal(first, second, sizeof first);
    damage(only_pack(folder), 3 - (long)sizeof weights);
    multiply(folder, 0, &tensor, second, complaint);
    assert_memory_not_equal(first, second, sizeof first);
}

static void weights_that_were_written_again_are_packed_again(void **state)
{
    (void)state;
    const char *folder = folder_of("stale");
    struct lk_tensor tensor = write_weights(4, scratch_path("weights"));
    multiply_well(folder, &tensor);
    tensor = write_weights(5, scratch_path("weights"));
    multiply_well(folder, &tensor); /* not those of before */
    multiply_well(folder, &tensor);
    assert_non_null(only_pack(folder)); /* one file, of the same name */
}

static void a_file_that_is_cut_short_is_written_again(void **state)
{
    (void)state;
    const char *folder = folder_of("short");
    const struct lk_tensor tensor = write_weights(6, scratch_path("weights"));
    multiply_well(folder, &tensor);
    const long size = size_of(only_pack(folder));
    const long sizes[] = {0, 1, 70, 350, size / 2, size - 1};
    for (size_t i = 0; i < LK_ARRAY_LENGTH(sizes); i++) {
        assert_int_equal(truncate(only_pack(folder), sizes[i]), 0);
        multiply_well(folder, &tensor);
        assert_int_equal(size_of(only_pack(folder)), size);
    }
}

/* Digest, magic, size, count (a huge one, too), identity, and the row with its place and bytes. */
static void a_damaged_head_is_written_again(void **state)
{
    (void)state;
    static const long places[] = {5, 65, 73, 80, 87, 95, 340, 346, 385, 391, 393};
    const char *folder = folder_of("damaged");
    const struct lk_tensor tensor = write_weights(7, scratch_path("weights"));
    multiply_well(folder, &tensor);
    for (size_t i = 0; i < LK_ARRAY_LENGTH(places); i++) {
        damage(only_pack(folder), places[i]);
        multiply_well(folder, &tensor);
    }
    multiply_well(folder, &tensor);
}

/* A program that has the old file open writes no pack for the one that took its place. */
static void a_file_that_is_replaced_while_it_is_open_is_packed_anew(void **state)
{
    (void)state;
    const char *folder = folder_of("replaced");
    struct lk_tensor tensor = write_weights(10, scratch_path("weights"));
    char stamp[112];
    snprintf(stamp, sizeof stamp, "%s", tensor.stamp);
    tensor.stamp = stamp;
    assert_int_equal(remove(tensor.path), 0);
    scratch_write("weights", "else", 4);
    multiply_well(folder, &tensor);
    tensor = write_weights(11, scratch_path("weights"));
    multiply_well(folder, &tensor);
}

/* Others may have written it. */
static void a_file_of_somebody_else_is_written_again(void **state)
{
    (void)state;
    const char *folder = folder_of("open");
    const struct lk_tensor tensor = write_weights(12, scratch_path("weights"));
    multiply_well(folder, &tensor);
    damage(only_pack(folder), size_of(only_pack(folder)) - 1); /* a number, which nobody checks */
    assert_int_equal(chmod(only_pack(folder), 0666), 0);
    multiply_well(folder, &tensor);
    struct stat st;
    assert_int_equal(stat(only_pack(folder), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void weights_in_memory_are_not_kept(void **state)
{
    (void)state;
    const char *folder = folder_of("merged");
    const struct lk_tensor tensor = write_weights(8, NULL);
    multiply_well(folder, &tensor);
    assert_null(only_pack(folder));
}

static void what_cannot_be_kept_is_complained_of(void **state)
{
    (void)state;
    float y[ROWS];
    char complaint[160];
    const struct lk_tensor tensor = write_weights(9, scratch_path("weights"));
    multiply(scratch_path("nowhere"), 0, &tensor, y, complaint);
    assert_product(y);
    assert_non_null(strstr(complaint, "packed weights are not kept: No such file"));
    multiply(folder_of("small"), 100, &tensor, y, complaint);
    assert_product(y);
    assert_non_null(strstr(complaint, "more than --pack-cache-size"));
    assert_null(only_pack(scratch_path("small")));
}

static void write_pack(const char *path, float number, size_t limit)
{
    float numbers[1000];
    struct lk_error err;
    for (size_t i = 0; i < LK_ARRAY_LENGTH(numbers); i++)
        numbers[i] = number;
    const struct lk__pack_part part = {.id = {.n = 1}, .data = numbers, .bytes = sizeof numbers};
    const struct lk__pack_identity identity = {"of a test\n"};
    assert_ok(lk__pack_file_write(path, &identity, &part, 1, limit, &err), &err);
}

/* Whether it is there; then all of it is. */
static bool read_pack(const char *path)
{
    const struct lk__pack_identity identity = {"of a test\n"};
    const struct lk__pack_id id = {.n = 1};
    struct lk_file file;
    if (!lk__pack_file_open(path, &identity, &file))
        return false;
    const float *numbers = lk__pack_file_find(&file, &id, 1000 * sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < 1000; i++)
        assert_true(numbers[i] == numbers[0]);
    lk_file_unmap(&file);
    return true;
}

static void what_was_unused_longest_makes_room(void **state)
{
    (void)state;
    char paths[3][1024];
    const char *folder = folder_of("room");
    for (size_t i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%zu.pack", folder, i);
        if (i == 2) {
            usleep(20000);                    /* the clock of files is coarse */
            assert_true(read_pack(paths[0])); /* used: 1 is the oldest now */
        }
        write_pack(paths[i], (float)i, 10000);
        usleep(20000);
    }
    assert_true(read_pack(paths[0]));
    assert_false(read_pack(paths[1]));
    assert_true(read_pack(paths[2]));
}

static void processes_that_write_the_same_file_do_no_harm(void **state)
{
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s/same.pack", folder_of("same"));
    write_pack(path, 0, SIZE_MAX);
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        for (int round = 0; !children[i] && round < 50; round++)
            write_pack(path, (float)(1 + i), SIZE_MAX);
        if (!children[i])
            _exit(0);
    }
    for (int round = 0; round < 200; round++)
        assert_true(read_pack(path));
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_non_null(only_pack(scratch_path("same")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_write_the_same_file_do_no_harm), /* before any thread */
        cmocka_unit_test(the_second_session_takes_what_the_first_one_packed),
        cmocka_unit_test(weights_that_were_written_again_are_packed_again),
        cmocka_unit_test(a_file_that_is_cut_short_is_written_again),
        cmocka_unit_test(a_damaged_head_is_written_again),
        cmocka_unit_test(a_file_that_is_replaced_while_it_is_open_is_packed_anew),
        cmocka_unit_test(a_file_of_somebody_else_is_written_again),
        cmocka_unit_test(weights_in_memory_are_not_kept),
        cmocka_unit_test(what_cannot_be_kept_is_complained_of),
        cmocka_unit_test(what_was_unused_longest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
