// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "dataset.h"
#include "support/check.h"
#include "support/temp.h"

enum { SIDE = 32 };

static struct dataset set(int kind, const char *dir)
{
    return (struct dataset){.kind = kind,
                            .size = SIDE,
                            .threads = 1,
                            .shots = 4,
                            .count = 70,
                            .seed = 3,
                            .scenes = 0.2f,
                            .dir = dir};
}

/* malloc'd bytes of DIR/NAME; *size its length. */
static uint8_t *read_all(const char *dir, const char *name, size_t *size)
{
    char *path = test_format("%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("no file %s", path);
    free(path);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    bytes[*size] = 0;
    return bytes;
}

static void files_have_the_sizes_that_the_labels_promise(void **state)
{
    (void)state;
    char *dir = test_temp_dir();
    struct dataset d = set(KIND_PAIR, dir);
    size_t n;
    d.masks = true;
    d.size2 = 48;
    assert_int_equal(dataset_write(&d), 0);
    static const char *const suffix[3] = {"_a", "_b", "_ab"};
    static const struct {
        const char *name;
        size_t bytes;
    } files[] = {{"images", 70 * SIDE * SIDE * 3},
                 {"images2", 70 * 48 * 48 * 3},
                 {"masks", 70 * SIDE * SIDE}};
    for (size_t i = 0; i < FACE_COUNT(suffix) * FACE_COUNT(files); i++) {
        char *name = test_format("%s%s.u8", files[i / 3].name, suffix[i % 3]);
        free(read_all(dir, name, &n));
        assert_int_equal(n, files[i / 3].bytes);
        free(name);
    }
    free(read_all(dir, "labels_ab.f32", &n));
    assert_int_equal(n, 70 * sizeof(float) * (size_t)label_count());
    char *names = (char *)read_all(dir, "labels.tsv", &n), *rest = NULL;
    int columns = 0;
    for (char *line = strtok_r(names, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        columns += line[0] != '#';
    assert_int_equal(columns, label_count());
    free(names);
    int lines = 0;
    uint8_t *captions = read_all(dir, "captions.txt", &n);
    for (size_t i = 0; i < n; i++)
        lines += captions[i] == '\n';
    assert_int_equal(lines, 70);
    free(captions);
    test_temp_remove(dir);
}

static void threads_do_not_change_the_files(void **state)
{
    (void)state;
    char *one = test_temp_dir(), *three = test_temp_dir();
    struct dataset d = set(KIND_WIDE, one);
    assert_int_equal(dataset_write(&d), 0);
    d.dir = three;
    d.threads = 3;
    assert_int_equal(dataset_write(&d), 0);
    static const char *const names[] = {"images.u8", "labels.f32", "captions.txt", "labels.tsv"};
    for (size_t i = 0; i < FACE_COUNT(names); i++) {
        size_t n, m;
        uint8_t *a = read_all(one, names[i], &n), *b = read_all(three, names[i], &m);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
        free(a);
        free(b);
    }
    test_temp_remove(one);
    test_temp_remove(three);
}

/* render(identity B, look A, shot A), and a source that shares only the identity. */
static void a_pair_holds_the_answer_of_the_swap(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PAIR, NULL);
    int same = 0;
    for (long i = 0; i < 400; i++) {
        struct picture p[RECORD_PICTURES];
        record_make(&d, i, p);
        const struct person *a = &p[0].person[0], *b = &p[1].person[0], *ab = &p[2].person[0];
        assert_memory_equal(&ab->id, &b->id, sizeof ab->id);
        assert_memory_equal(&ab->look, &a->look, sizeof ab->look);
        assert_memory_equal(&ab->shot, &a->shot, sizeof ab->shot);
        assert_true(b->shot.seed != a->shot.seed && b->look.seed != a->look.seed);
        assert_int_equal(record_identity(&d, i, 1), record_identity(&d, i, 2));
        bool equal = record_identity(&d, i, 0) == record_identity(&d, i, 1);
        assert_true(equal == (a->id.seed == b->id.seed));
        same += equal;
    }
    assert_in_range(same, 60, 120);
}

static void an_identity_keeps_its_geometry_over_its_shots(void **state)
{
    (void)state;
    struct dataset d = set(KIND_IDENTITY, NULL);
    for (long i = 0; i < 40; i++) {
        struct picture p[RECORD_PICTURES], q[RECORD_PICTURES];
        record_make(&d, i, p);
        record_make(&d, i - i % 4, q);
        assert_int_equal(record_identity(&d, i, 0), i / 4);
        assert_memory_equal(&p[0].person[0].id, &q[0].person[0].id, sizeof p[0].person[0].id);
        assert_true(i % 4 == 0 || p[0].person[0].shot.seed != q[0].person[0].shot.seed);
    }
}

static void classes_that_are_not_shown_are_minus_one(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PORTRAIT, NULL);
    float *row = malloc(sizeof *row * (size_t)label_count());
    assert_non_null(row);
    int scenes = 0;
    for (long i = 0; i < 100; i++) {
        struct picture p[RECORD_PICTURES];
        struct face_truth t = {.box = {1, 2, 3, 4}};
        record_make(&d, i, p);
        label_row(p, &t, i, row);
        assert_float_equal(row[0], p[0].people, 0);
        /* has_person people identity seed gender box_0 … : the first columns are fixed */
        assert_float_equal(row[2], p[0].people ? (float)i : -1, 0);
        assert_float_equal(row[5], p[0].people ? 1 : 0, 0);
        scenes += !p[0].people;
    }
    assert_in_range(scenes, 8, 35);
    free(row);
}

static void a_folder_that_cannot_be_made_is_said(void **state)
{
    (void)state;
    struct dataset d = set(KIND_PORTRAIT, "/proc/nowhere/set");
    assert_int_equal(dataset_write(&d), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_the_sizes_that_the_labels_promise),
        cmocka_unit_test(threads_do_not_change_the_files),
        cmocka_unit_test(a_pair_holds_the_answer_of_the_swap),
        cmocka_unit_test(an_identity_keeps_its_geometry_over_its_shots),
        cmocka_unit_test(classes_that_are_not_shown_are_minus_one),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
